"""The button on a task that opens leat's console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leat_provider.version_compat import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

    from leat_provider.version_compat import BaseOperator

#: Where operators put the address.
URL_KEY = "leat_console_url"


class LeatConsoleLink(BaseOperatorLink):
    """The page of the source that the task is about."""

    name = "leat console"

    @property
    def xcom_key(self) -> str:
        """Where Airflow 3 keeps the link."""
        return "_link_LeatConsoleLink"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        url: Any = XCom.get_value(key=URL_KEY, ti_key=ti_key)
        return str(url or "")
