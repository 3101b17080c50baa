from __future__ import annotations

import pytest

from leat_provider.conditions import freshness, lag, ready
from leat_provider.hooks.leat import LeatApiError
from leat_provider.lineage import datasets_of, sql_of


def flow(pipeline, **fields):
    defaults = {"stored": 0, "filtered": 0, "late": 0, "dead": 0, "foreign": 0, "lag": 0, "derived": False}
    return (
        {"pipeline": pipeline, "topic": "t", "running": True, "waits_for_schema": False, "streams": []}
        | defaults
        | fields
    )


def source(pipeline, name="s", **fields):
    return {
        "pipeline": pipeline,
        "name": name,
        "topic": "t",
        "accepted": 0,
        "fetched_at_us": None,
        "address": None,
    } | fields


STATUS = {
    "state": "running",
    "now_us": 100_000_000,
    "addresses": {"kafka": "127.0.0.1:9092"},
    "sources": [
        source("a", accepted=10, fetched_at_us=90_000_000, address="https://api.example/v1?key=x"),
        source("b", accepted=5, name="s"),
        source("b", accepted=0, name="only"),
    ],
    "flows": [
        flow("a", stored=6, filtered=1, late=1, dead=1, foreign=2, lag=None,
             streams=[{"name": "q", "sql": "SELECT 1 ", "sinks": [{"name": "x", "table": "geo.t"}]}]),
        flow("a", derived=True, stored=4, lag=3),
        flow("b", stored=5),
    ],
}  # fmt: skip


def test_lag():
    assert lag(STATUS, pipeline="a", max_lag=6).holds  # 10 + 2 - 9, and 3 of a stream's own topic
    assert not lag(STATUS, pipeline="a", max_lag=5).holds
    assert lag(STATUS, pipeline="b", max_lag=0).holds
    assert not lag(STATUS, pipeline=None, max_lag=0).holds
    with pytest.raises(LeatApiError, match="no pipeline"):
        lag(STATUS, pipeline="c", max_lag=0)


def test_freshness():
    settled = STATUS | {"flows": [flow("a", stored=10), flow("b", stored=5)]}
    assert freshness(settled, source="a.s", max_age_s=10).holds
    assert not freshness(settled, source="a.s", max_age_s=9).holds
    assert not freshness(STATUS, source="a.s", max_age_s=10).holds  # not all of it is stored
    assert "never" in freshness(settled, source="only", max_age_s=9).found
    with pytest.raises(LeatApiError, match="several"):
        freshness(settled, source="s", max_age_s=9)
    with pytest.raises(LeatApiError, match="no source"):
        freshness(settled, source="a.x", max_age_s=9)


def test_ready():
    assert ready(STATUS, pipeline=None).holds
    assert not ready(STATUS | {"state": "draining"}, pipeline=None).holds
    stopped = STATUS | {"flows": [flow("a", running=False)]}
    assert not ready(stopped, pipeline="a").holds
    assert ready(STATUS | {"flows": [flow("a", running=False, waits_for_schema=True)]}, pipeline="a").holds


def test_lineage_names_no_secrets():
    read, written = datasets_of(STATUS, "a.s")
    assert read == [("https://api.example", "/v1")]
    assert written == [("kafka://127.0.0.1:9092", "t"), ("leat://a", "geo.t")]
    assert sql_of(STATUS, "a.s") == "SELECT 1"
    assert datasets_of(STATUS, "nobody") == ([], [])
