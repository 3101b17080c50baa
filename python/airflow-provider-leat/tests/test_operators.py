from __future__ import annotations

import datetime
from types import SimpleNamespace

import pytest
from airflow.exceptions import TaskDeferred

from leat_provider.operators.leat import LeatIngestOperator, LeatStreamOperator
from leat_provider.sensors.leat import LeatIngestSensor, LeatLagSensor
from leat_provider.version_compat import AirflowException, AirflowFailException, AirflowSkipException

DAY = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
COUNTS = {"fetched": 3, "accepted": 3, "unchanged": 0, "refused": 0, "fault": None}


class Context(dict):
    def __init__(self, **more):
        pushed: dict = {}
        ti = SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=-1, try_number=2, pushed=pushed)
        ti.xcom_push = lambda key, value: pushed.update({key: value})
        super().__init__(ti=ti, **more)


def ingest(number, state, **more):
    code = {"done": 0, "cancelled": 143, "failed": 69}.get(state)
    return {"id": number, "source": "a.b", "state": state, "exit_code": code} | COUNTS | more


def test_an_order_with_the_data_interval(leat):
    leat.answers["POST /api/v1/ingests"] = (202, ingest(7, "queued"))
    leat.answers["GET /api/v1/ingests/7"] = [(200, ingest(7, "fetching")), (200, ingest(7, "done"))]
    context = Context(data_interval_start=DAY, data_interval_end=DAY + datetime.timedelta(days=1))
    done = LeatIngestOperator(task_id="t", source="a.b", limit="5", poll_interval=0.01).execute(context)
    assert done["state"] == "done"
    assert leat.asked[0][1] == {
        "source": "a.b",
        "give_up": "60s",
        "lease": "10 min",
        "key": "airflow/d/r/t/-1/2",
        "from": "2026-01-01T00:00:00+00:00",
        "to": "2026-01-02T00:00:00+00:00",
        "limit": 5,
    }
    assert context["ti"].pushed["leat_console_url"].startswith(f"http://127.0.0.1:{leat.port}/")


@pytest.mark.parametrize(
    ("interval", "text"),
    [({}, "no data interval"), ({"data_interval_start": DAY, "data_interval_end": DAY}, "is empty")],
)
def test_no_interval_is_a_mistake_that_is_told(leat, interval, text):
    with pytest.raises(AirflowFailException, match=text):
        LeatIngestOperator(task_id="t", source="a.b").execute(Context(**interval))
    assert leat.asked == []


def test_half_an_interval():
    with pytest.raises(AirflowFailException, match="both"):
        LeatIngestOperator(task_id="t", source="a.b", start="2026-01-01").execute(Context())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((202, ingest(1, "failed", fault={"message": "gone"})), AirflowException),
        ((202, ingest(1, "failed", exit_code=78, fault={"message": "wrong"})), AirflowFailException),
        ((202, ingest(1, "done", accepted=0)), AirflowSkipException),
        ((202, ingest(1, "cancelled")), AirflowException),
        ((404, {"error": {"message": "no source"}}), AirflowFailException),
        ((503, {"error": {"message": "stopping"}}), AirflowException),
    ],
)
def test_how_it_ends(leat, answer, kind):
    leat.answers["POST /api/v1/ingests"] = answer
    with pytest.raises(AirflowException) as fault:
        LeatIngestOperator(task_id="t", source="a.b", data_interval=False, skip_if_empty=True).execute(Context())
    assert type(fault.value) is kind


def test_deferring_and_coming_back(leat):
    leat.answers["POST /api/v1/ingests"] = (202, ingest(7, "fetching"))
    operator = LeatIngestOperator(
        task_id="t", source="a.b", data_interval=False, deferrable=True, defer_after=0,
        execution_timeout=datetime.timedelta(hours=1),
    )  # fmt: skip
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(Context())
    _, arguments = deferred.value.trigger.serialize()
    assert arguments["number"] == 7
    assert arguments["order"]["key"] == "airflow/d/r/t/-1/2"
    assert arguments["deadline"] is not None
    operator.on_kill()  # the order is the trigger's now
    assert [what for what, _, _ in leat.asked] == ["POST /api/v1/ingests"]
    assert operator.execute_complete(Context(), {"ingest": ingest(7, "done")})["id"] == 7
    with pytest.raises(AirflowFailException):
        operator.execute_complete(Context(), {"exit_code": 78, "message": "no"})


def test_ending_the_task_cancels_the_order(leat):
    leat.answers["POST /api/v1/ingests"] = (202, ingest(7, "fetching"))
    leat.answers["POST /api/v1/ingests/7/cancel"] = (200, ingest(7, "cancelled"))
    operator = LeatIngestOperator(task_id="t", source="a.b", data_interval=False, poll_interval=0.01)
    leat.answers["GET /api/v1/ingests/7"] = (200, ingest(7, "cancelled"))
    with pytest.raises(AirflowException):
        operator.execute(Context())
    operator._number = 7  # as while it waits
    operator.on_kill()
    assert leat.asked[-1][0] == "POST /api/v1/ingests/7/cancel"


def test_sensors_pass_over_absence_and_stop_at_mistakes(leat):
    leat.answers["GET /api/v1/status"] = (503, {"error": {"message": "busy"}})
    assert LeatLagSensor(task_id="t", pipeline="a").poke(Context()) is False
    leat.answers["GET /api/v1/status"] = (200, {"sources": [], "flows": []})
    with pytest.raises(AirflowFailException, match="no pipeline"):
        LeatLagSensor(task_id="t", pipeline="a").poke(Context())
    leat.answers["GET /api/v1/ingests/3"] = (200, ingest(3, "failed", exit_code=78, fault={"message": "x"}))
    with pytest.raises(AirflowFailException):
        LeatIngestSensor(task_id="t", ingest_id="3").poke(Context())


def test_streams_want_their_arguments():
    with pytest.raises(AirflowException, match="action"):
        LeatStreamOperator(task_id="t", action="pause", data="d")
    with pytest.raises(AirflowException, match="file"):
        LeatStreamOperator(task_id="t", action="start", data="d")
