from __future__ import annotations

import asyncio
import importlib
import time
from types import SimpleNamespace

import pytest

from leat_provider.triggers.leat import LeatConditionTrigger, LeatIngestTrigger

COUNTS = {"fetched": 3, "accepted": 3, "unchanged": 0, "refused": 0, "fault": None}


def ingest(number, state):
    return {
        "id": number,
        "source": "a.b",
        "state": state,
        "exit_code": 0 if state == "done" else None,
    } | COUNTS


def trigger(**settings):
    defaults = {
        "leat_conn_id": "leat_default",
        "order": {"source": "a.b", "key": "k"},
        "number": 7,
        "poll_interval": 0.01,
    }
    return LeatIngestTrigger(**defaults | settings)


def event_of(trigger):
    async def first():
        async for event in trigger.run():
            return event.payload
        return None

    return asyncio.run(asyncio.wait_for(first(), 20))


@pytest.mark.parametrize(
    "made",
    [
        trigger(until="staged", deadline=1.5),
        LeatConditionTrigger("c", "lag", {"pipeline": None, "max_lag": 0}),
    ],
)
def test_it_can_be_made_again(made):
    path, arguments = made.serialize()
    module, _, name = path.rpartition(".")
    again = getattr(importlib.import_module(module), name)(**arguments)
    assert again.serialize() == (path, arguments)


def test_it_follows_to_the_end(leat):
    leat.answers["GET /api/v1/ingests/7"] = [(200, ingest(7, s)) for s in ("queued", "fetching", "storing", "done")]
    assert event_of(trigger())["ingest"]["state"] == "done"


def test_leat_may_be_away_and_forget(leat):
    leat.answers["GET /api/v1/ingests/7"] = [(200, ingest(7, "fetching")), (503, {}), (404, {})]
    leat.answers["POST /api/v1/ingests"] = (202, ingest(8, "queued"))
    leat.answers["GET /api/v1/ingests/8"] = (200, ingest(8, "done"))
    assert event_of(trigger())["ingest"]["id"] == 8
    assert [body for what, body, _ in leat.asked if what.startswith("POST")] == [{"source": "a.b", "key": "k"}]


def test_another_tasks_order_is_not_placed_again(leat):
    leat.answers["GET /api/v1/ingests/7"] = (404, {"error": {"message": "forgotten"}})
    assert event_of(trigger(order=None)) == {
        "exit_code": 78,
        "message": f"leat at http://127.0.0.1:{leat.port}: forgotten",
    }


def test_absence_is_borne_for_a_while(connect):
    connect(host="127.0.0.1", port=9)
    assert event_of(trigger(patience=0.1))["exit_code"] == 69


def test_its_time_is_over(leat):
    leat.answers["GET /api/v1/ingests/7"] = (200, ingest(7, "fetching"))
    leat.answers["POST /api/v1/ingests/7/cancel"] = (200, ingest(7, "cancelled"))
    assert event_of(trigger(deadline=time.time() - 1))["exit_code"] == 75
    assert leat.asked[-1][0] == "POST /api/v1/ingests/7/cancel"


def test_a_connection_that_is_not_there():
    assert "nowhere" in event_of(trigger(leat_conn_id="nowhere_at_all"))["message"]


@pytest.mark.parametrize(("state", "cancelled"), [("failed", True), ("deferred", False)])
def test_a_trigger_that_is_cancelled(leat, monkeypatch, state, cancelled):
    """Its task was ended, or only its triggerer stops; Airflow 3.3 says which, others are asked."""
    from airflow.triggers.base import BaseTrigger

    leat.answers["GET /api/v1/ingests/7"] = (200, ingest(7, "fetching"))
    leat.answers["POST /api/v1/ingests/7/cancel"] = (200, ingest(7, "cancelled"))
    monkeypatch.setattr("leat_provider.task_state.state_of", lambda task: state)
    made = trigger()
    made.task_instance = SimpleNamespace(task_id="t")

    async def run():
        task = asyncio.ensure_future(anext(made.run()))
        while not leat.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if hasattr(BaseTrigger, "on_kill") and state == "failed":
            await made.on_kill()

    asyncio.run(asyncio.wait_for(run(), 20))
    assert any(what.endswith("/cancel") for what, _, _ in leat.asked) is cancelled


def test_a_condition(leat):
    status = {
        "state": "draining",
        "sources": [],
        "flows": [{"pipeline": "a", "running": True, "waits_for_schema": False}],
    }
    leat.answers["GET /api/v1/status"] = [(200, status), (500, {}), (200, status | {"state": "running"})]
    made = LeatConditionTrigger("leat_default", "ready", {"pipeline": "a"}, poll_interval=0.01)
    assert event_of(made) == {"exit_code": 0, "message": "leat is running"}
    missing = LeatConditionTrigger("leat_default", "ready", {"pipeline": "b"}, poll_interval=0.01)
    assert event_of(missing)["exit_code"] == 78
