"""OpenLineage: what a task read and wrote, where Airflow's OpenLineage provider is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from leat_provider.hooks.leat import LeatApiError, LeatHook

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

Status = dict[str, Any]


def source_dataset(source: Status) -> tuple[str, str] | None:
    """Namespace and name of what a source reads, as OpenLineage names URLs and files."""
    address = source.get("address")
    if not address:
        return None
    parts = urlsplit(address)
    if parts.scheme and parts.netloc:
        return f"{parts.scheme}://{parts.netloc}", parts.path or "/"
    return "file", address


def _source(status: Status, name: str) -> Status | None:
    found = [s for s in status["sources"] if name in (s["name"], f"{s['pipeline']}.{s['name']}")]
    return found[0] if found else None


def _streams(status: Status, source: Status) -> list[Status]:
    """Those that read the source's topic, and those of the pipeline that read topics of other streams."""
    flows = [f for f in status["flows"] if f["pipeline"] == source["pipeline"]]
    return [t for f in flows if f["derived"] or f["topic"] == source["topic"] for t in f["streams"]]


def datasets_of(status: Status, name: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What an order of a source reads, and what it fills: the topic, and the tables behind it."""
    source = _source(status, name)
    if source is None:
        return [], []
    read = source_dataset(source)
    written = [(f"kafka://{status['addresses']['kafka']}", source["topic"])]
    for stream in _streams(status, source):
        tables = [sink["table"] for sink in stream["sinks"] if sink["table"]]
        written += [(f"leat://{source['pipeline']}", table) for table in tables]
    return [read] if read else [], written


def sql_of(status: Status, name: str) -> str:
    """The queries between them."""
    source = _source(status, name)
    streams = _streams(status, source) if source else []
    return ";\n".join(stream["sql"].strip() for stream in streams if stream["sql"])


class LineageMixin:
    """For operators that give orders to a running leat."""

    source: str
    leat_conn_id: str
    file: str | None

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:
        """Called by the OpenLineage provider, if there is one, when the task has succeeded."""
        from airflow.providers.openlineage.extractors import OperatorLineage

        try:
            from openlineage.client.event_v2 import Dataset
            from openlineage.client.facet_v2 import sql_job
        except ImportError:
            return None
        if self.file is not None:
            return None
        try:
            status = LeatHook(self.leat_conn_id).status()
        except LeatApiError:
            return None
        read, written = datasets_of(status, self.source)
        sql = sql_of(status, self.source)
        return OperatorLineage(
            inputs=[Dataset(namespace=namespace, name=name) for namespace, name in read],
            outputs=[Dataset(namespace=namespace, name=name) for namespace, name in written],
            job_facets={"sql": sql_job.SQLJobFacet(query=sql)} if sql else {},
        )
