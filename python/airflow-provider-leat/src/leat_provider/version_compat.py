"""What Airflow 2.10, 2.11 and 3.x keep in different places. Everything else imports it from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import (
        Asset,
        BaseHook,
        BaseOperator,
        BaseOperatorLink,
        BaseSensorOperator,
        Connection,
        Context,
    )
    from airflow.sdk.configuration import conf
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
    from airflow.sdk.execution_time.xcom import XCom
else:
    try:  # 3.0
        from airflow.sdk import Asset, BaseOperator, BaseOperatorLink, Connection, Context
        from airflow.sdk.execution_time.xcom import XCom
    except ImportError:
        from airflow.datasets import Dataset as Asset
        from airflow.models import BaseOperator, Connection
        from airflow.models.baseoperatorlink import BaseOperatorLink
        from airflow.models.xcom import XCom
        from airflow.utils.context import Context

    try:  # 3.1
        from airflow.sdk import BaseHook, BaseSensorOperator
    except ImportError:
        from airflow.hooks.base import BaseHook

        try:  # 3.0
            from airflow.sdk.bases.sensor import BaseSensorOperator
        except ImportError:
            from airflow.sensors.base import BaseSensorOperator

    try:  # 3.2
        from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
    except ImportError:
        from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException

    try:  # 3.2
        from airflow.sdk.configuration import conf
    except ImportError:
        from airflow.configuration import conf

__all__ = [
    "AirflowException",
    "AirflowFailException",
    "AirflowSkipException",
    "Asset",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseSensorOperator",
    "Connection",
    "Context",
    "XCom",
    "conf",
]
