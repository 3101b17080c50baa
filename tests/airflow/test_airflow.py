"""DAGs that a real scheduler runs, over Airflow 3.3 and the two last of 2.x. All runs of a version are started
at once and looked at one after another, so that a version takes little more than its slowest run."""

import datetime
import json
import pathlib

import pytest
import requests
from leat import Leat, audit, leat, row_count, table, wait_until

AT_ONCE = ["local", "wrong", "unreachable", "empty", "endless", "orders", "deferred", "no_source", "no_leat"]
AT_ONCE_NEWEST = ["no_program", "service"]


@pytest.fixture(scope="module")
def runs(world):
    return {dag: world.airflow.start(dag) for dag in AT_ONCE + ([] if world.airflow.old else AT_ONCE_NEWEST)}


def orders_of(world, source):
    found = requests.get(f"{world.url}/api/v1/ingests", timeout=10).json()
    return [order for order in found if order["source"] == source]


def order_by(world, run):
    """The order that a run placed."""
    def found():
        return [o for o in orders_of(world, "users.slow_users") if f"/{run.dag_id}/{run.run_id}/" in o["key"]]

    return wait_until(found, "the order", 120)[-1]


def current(world, order):
    return requests.get(f"{world.url}/api/v1/ingests/{order['id']}", timeout=10).json()


def test_a_pipeline_from_its_sources_to_its_tables(world, runs):
    assert runs["local"].wait() == "success", runs["local"].log("run")
    data = world.folder / "local"
    assert row_count(data, "spark_streams.created_users") + row_count(data, "slow") == 50
    assert audit(data)["holds"]
    totals = runs["local"].xcom("run")
    totals = json.loads(totals) if isinstance(totals, str) and totals.startswith('{"') else totals
    assert "'stored': 50" in str(totals).replace('"', "'")


def test_leats_lines_are_in_the_tasks_log(world, runs):
    runs["local"].wait()
    assert "topic created" in runs["local"].log("run")
    assert "passed" in runs["local"].log("check")


def test_a_wrong_file_is_not_tried_again(world, runs):
    assert runs["wrong"].wait() == "failed"
    assert runs["wrong"].tasks() == {"run": ("failed", 1)}
    log = runs["wrong"].log("run")
    assert "frist" in log and "ended with 78" in log


def test_what_may_pass_is_tried_again(world, runs):
    assert runs["unreachable"].wait() == "failed"
    assert runs["unreachable"].tasks() == {"ingest": ("failed", 2)}
    assert "ended with 69" in runs["unreachable"].log("ingest", 2)


def test_nothing_to_do_is_skipped(world, runs):
    assert runs["empty"].wait() == "success"
    assert runs["empty"].tasks()["run"][0] == "skipped"


@pytest.mark.only_newest
def test_a_missing_program_fails_for_good(world, runs):
    assert runs["no_program"].wait() == "failed"
    assert runs["no_program"].tasks() == {"check": ("failed", 1)}
    assert "/nowhere/leat" in runs["no_program"].log("check")


def ended_by_itself(data):
    """leat has drained: nobody holds the directory, and its sum holds."""
    wait_until(lambda: not (data / "leat.json").exists(), "leat has ended")
    found = audit(data)
    assert found["holds"] and row_count(data, "spark_streams.created_users") > 0


def test_a_time_out_ends_leat(world, runs):
    assert runs["endless"].wait() == "failed"
    ended_by_itself(world.folder / "endless")


def test_orders_and_sensors(world, runs):
    assert runs["orders"].wait() == "success", runs["orders"].tasks()
    assert {state for state, _ in runs["orders"].tasks().values()} == {"success"}
    placed = [o for o in orders_of(world, "users.random_users") if "/orders/r1/" in (o["key"] or "")]
    assert [(o["accepted"], o["state"]) for o in placed] == [(30, "done")]
    assert row_count(world.leat.data, "spark_streams.created_users") >= 30


def test_a_link_leads_to_the_console(world, runs):
    runs["orders"].wait()
    links = runs["orders"].links("order")
    links = links.get("extra_links", links)
    assert links["leat console"].startswith(world.url)
    assert requests.get(links["leat console"], timeout=10).status_code == 200


def lineage(world, task):
    """The OpenLineage event of a task's success."""
    file = pathlib.Path(world.airflow.settings["AIRFLOW_HOME"]) / "lineage.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    events = [json.loads(line) for line in lines]
    return [e for e in events if e["eventType"] == "COMPLETE" and e["job"]["name"] == task]


@pytest.mark.only_newest
def test_lineage(world, runs):
    """What the order read and wrote, as Airflow's own OpenLineage provider reports it."""
    assert runs["orders"].wait() == "success"
    event = wait_until(lambda: lineage(world, "orders.order"), "the event", 60)[0]
    assert [i["namespace"] for i in event["inputs"]] == [world.api.base.rsplit("/", 2)[0]]
    outputs = {(o["namespace"].partition("://")[0], o["name"]) for o in event["outputs"]}
    assert outputs == {("kafka", "users_created"), ("leat", "spark_streams.created_users")}
    assert "SELECT login.uuid AS id" in event["job"]["facets"]["sql"]["query"]
    assert "seed" not in json.dumps(event["inputs"])  # no query of the URL


def test_a_deferred_order(world, runs):
    assert runs["deferred"].wait() == "success", runs["deferred"].log("order")
    order = order_by(world, runs["deferred"])
    assert (order["state"], order["accepted"]) == ("done", 100)
    assert "waiting in the triggerer" in runs["deferred"].log("order")


def test_mistakes_and_absence(world, runs):
    assert runs["no_source"].wait() == runs["no_leat"].wait() == "failed"
    assert runs["no_source"].tasks() == {"order": ("failed", 1)}
    assert "users.nobody" in runs["no_source"].log("order")
    assert runs["no_leat"].tasks() == {"order": ("failed", 2)}


@pytest.mark.only_newest
def test_a_service_is_started_used_and_stopped(world, runs):
    assert runs["service"].wait() == "success", {t: runs["service"].log(t) for t in runs["service"].tasks()}
    data = world.folder / "second"
    assert row_count(data, "spark_streams.created_users") == 25
    assert not (data / "leat.json").exists()
    assert audit(data)["holds"]


def test_ending_a_task_ends_its_process(world, runs):
    run = world.airflow.start("killed")
    data = pathlib.Path(world.folder / "killed")
    wait_until(lambda: row_count(data, "spark_streams.created_users") if (data / "tables.db").exists() else 0,
               "its first rows", 120)  # fmt: skip
    run.fail()
    ended_by_itself(data)
    assert run.state == "failed"


@pytest.mark.parametrize("dag", ["cancelled", "cancelled_in_worker"])
def test_ending_a_task_cancels_its_order(world, runs, dag):
    runs["deferred"].wait()  # the source takes one order at a time
    run = world.airflow.start(dag)
    run.wait_for("order", "deferred" if dag == "cancelled" else "running")
    order = order_by(world, run)
    told = f"order {order['id']}: fetching" if dag == "cancelled" else "fetching, fetched"
    wait_until(lambda: told in run.log("order"), "who waits has begun to", 60)
    run.fail()
    wait_until(lambda: current(world, order)["state"] == "cancelled", "the order is cancelled", 60)
    assert current(world, order)["accepted"] > 0


def test_the_time_of_a_deferred_task_is_over(world, runs):
    runs["deferred"].wait()
    run = world.airflow.start("late")
    assert run.wait() == "failed"
    wait_until(lambda: order_by(world, run)["state"] == "cancelled", "the order is cancelled", 60)


def test_backfill(world):
    """Three days, each asked for once, with its interval."""
    waiting = world.airflow.start("waiting")
    waiting.wait_for("fresh", "deferred")
    world.airflow.dag("days")
    if world.airflow.old:
        world.airflow.cli("dags", "backfill", "-s", "2026-02-01", "-e", "2026-02-03", "--reset-dagruns", "-y", "days")
    else:
        world.airflow.cli("backfill", "create", "--dag-id", "days", "--from-date", "2026-02-01", "--to-date",
                          "2026-02-03", "--max-active-runs", "2")  # fmt: skip
    day = datetime.timedelta(days=1)
    first = datetime.datetime(2026, 2, 1, tzinfo=datetime.timezone.utc)
    wanted = {(first + n * day, first + (n + 1) * day) for n in range(3)}
    wait_until(lambda: wanted <= set(world.events.asked), f"the days; asked were {world.events.asked}", 180)
    runs = [run for run in world.airflow.runs("days") if "2026-02" in run.run_id]
    assert [run.wait() for run in runs] == ["success"] * 3
    rows = [row["at"] for row in table(world.leat.data, "orders") if row["at"].startswith("2026-02")]
    assert len(rows) == 72 and len(set(rows)) == 72
    assert waiting.wait() == "success", waiting.log("fresh")


def test_the_tutorials_dag(world):
    """user_automation, the example: from the API to the tables of the leat that it drives."""
    before = row_count(world.leat.data, "spark_streams.created_users")
    run = world.airflow.start("user_automation")
    assert run.wait() == "success", {t: run.log(t) for t in run.tasks()}
    assert row_count(world.leat.data, "spark_streams.created_users") >= before + 1000
    assert leat("audit", data=world.leat.data).code == 0


@pytest.mark.only_newest
def test_over_real_engines(world, engines):
    """The same, with staging and tables in the PostgreSQL that Airflow stands on, and Apache Kafka as the log."""
    kafka, postgres = engines.call("up", "kafka")["kafka"], engines.call("status", "postgres")["postgres"]
    profile = f"{{orchestration: external, staging: {postgres}, storage: {postgres}, "
    profile += f"log: 'kafka://{kafka}'}}"
    file = world.folder / "real.yaml"
    plain = (world.folder / "users.yaml").read_text()
    file.write_text(plain.replace("airflow: {orchestration: external}", f"airflow: {profile}"))
    assert "kafka" in file.read_text()
    service = Leat(
        world.folder / "real", "--profile", "airflow", files=[file], environment={"RANDOMUSER_URL": world.api.url}
    )
    try:
        host, port = service.addresses()["http"].split(":")
        world.airflow.connection("leat_real", host=host, port=int(port))
        run = world.airflow.start("real")
        assert run.wait() == "success", {t: run.log(t) for t in run.tasks()}
        assert audit(service.data)["holds"]
        counted = leat("query", "SELECT count(*) AS n FROM spark_streams.created_users", "--json", data=service.data)
        assert json.loads(counted.stdout) == {"n": 200}, counted.stderr
    finally:
        service.stop()
        engines.call("down", "kafka", "zookeeper")


@pytest.mark.only_newest
def test_a_deferred_order_outlives_a_restart_of_airflow(world, engines):
    """All parts stop while the order is under way: it goes on, and the task with it once they are back."""
    run = world.airflow.start("deferred", "r2", day="2026-01-06")
    order = order_by(world, run)
    wait_until(lambda: f"order {order['id']}: " in run.log("order"), "the trigger runs", 60)
    engines.call("down", world.name)
    wait_until(lambda: current(world, order)["state"] == "done", "leat goes on alone", 60)
    engines.call("up", world.name)
    assert run.wait() == "success", run.log("order")
    assert current(world, order)["accepted"] == 100
    assert [o["id"] for o in orders_of(world, "users.slow_users") if "/deferred/r2/" in o["key"]] == [order["id"]]
