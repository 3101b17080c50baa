"""leat's topics and tables as Airflow's assets (datasets in Airflow 2), for schedules that follow data."""

from __future__ import annotations

from urllib.parse import quote

from leat_provider.version_compat import Asset


def topic_asset(pipeline: str, topic: str) -> Asset:
    """A topic that a source or stream of the pipeline fills: ``leat://users/topics/users_created``."""
    return Asset(uri=f"leat://{quote(pipeline)}/topics/{quote(topic)}")


def table_asset(pipeline: str, table: str) -> Asset:
    """A table that a sink fills: ``leat://users/tables/spark_streams.created_users``."""
    return Asset(uri=f"leat://{quote(pipeline)}/tables/{quote(table)}")
