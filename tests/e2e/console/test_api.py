"""The console over HTTP: probes, metrics, the API, the event stream and what is refused."""

import json
import re
import urllib.error
import urllib.request

import pytest
import yaml
from leat import ROOT, WAIT_S, nowhere, wait_until
from prometheus_client.parser import text_fd_to_metric_families


class Console:
    def __init__(self, process):
        self.base = f"http://{process.addresses()['http']}"

    def ask(self, path, body=None, **headers):
        """Status, headers and body, also of a refusal."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.base + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as reply:
                return reply.status, reply.headers, reply.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers, refused.read().decode()

    def json(self, path):
        status, _, body = self.ask(path)
        return json.loads(body) if status == 200 else None

    def metrics(self):
        """Samples by name and labels; the parser refuses a name that stands twice."""
        families = list(text_fd_to_metric_families(iter(self.ask("/metrics")[2].splitlines(True))))
        names = [family.name for family in families]
        assert len(names) == len(set(names)), "a metric stands twice"
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}

    def settled(self):
        """The status once all that came is stored."""

        def at_rest():
            status = self.json("/api/v1/status")
            totals = status and status["totals"]
            return totals and totals["accepted"] > 0 and totals["in_flight"] == 0 and status

        return wait_until(at_rest, "a status with everything stored")


@pytest.fixture
def users(api, up):
    """One page of users and then rest, so that numbers stand still."""
    process = up("--set", 'sources.random_users.schedule="@once"', url=api.url)
    return process, Console(process)


def test_status_is_the_final_sum(users):
    process, console = users
    status = console.settled()
    topic = console.json("/api/v1/topics")[0]
    ended = process.stop()
    sums = ended.check_sum()
    shown = status["totals"]
    for name in ("fetched", "accepted", "unchanged", "refused", "stored", "filtered", "late", "dead"):
        assert shown[name] == sums[name], name
    assert shown["accepted"] == 500
    assert (topic["name"], topic["records"], len(topic["partitions"])) == ("users_created", 500, 3)
    flow = status["flows"][0]
    assert [s["sinks"][0]["table"] for s in flow["streams"]] == [
        "spark_streams.created_users",
        "spark_streams.users_by_country",
    ]
    assert (flow["stored"], flow["lag"], status["problems"]) == (500, 0, [])


def test_addresses_are_those_of_leat_json(users):
    process, console = users
    status = console.settled()
    found = process.addresses()
    assert status["addresses"] == {name: found[name] for name in ("kafka", "http", "registry")}
    assert status["pid"] == found["pid"]


def test_metrics_are_prometheus_text_with_the_same_numbers(users):
    _, console = users
    console.settled()
    metrics = console.metrics()
    source = (("pipeline", "users"), ("source", "random_users"))
    flow = (("pipeline", "users"), ("topic", "users_created"))
    assert metrics["leat_source_accepted_total", source] == 500
    assert metrics["leat_source_fetched_total", source] == 500
    assert metrics["leat_staging_lag_records", source] == 0
    assert metrics["leat_records_stored_total", flow] == 500
    assert metrics["leat_stream_lag_records", flow] == 0
    ends = [v for (name, _), v in metrics.items() if name == "leat_topic_partition_end_offset"]
    assert (len(ends), sum(ends)) == (3, 500)


def test_the_dashboard_and_the_alerts_ask_for_metrics_that_are_there(users):
    _, console = users
    console.settled()
    reset = b'{"to": "beginning", "topic": "users_created", "apply": true}'
    assert console.ask("/api/v1/groups/reports/reset", reset, Content_Type="application/json")[0] == 200
    known = set(re.findall(r"^# TYPE (\S+)", console.ask("/metrics")[2], re.MULTILINE))
    folder = ROOT / "deploy" / "grafana"
    rules = [rule for group in yaml.safe_load((folder / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
    panels = json.loads((folder / "leat.json").read_text())["panels"]
    asked = [rule["expr"] for rule in rules] + [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(rules) >= 8 and len(panels) >= 13
    assert set(re.findall(r"\bleat_\w+", " ".join(asked))) <= known


def test_probes(users):
    _, console = users
    console.settled()
    assert console.ask("/livez")[0] == 200
    status, _, body = console.ask("/readyz")
    assert (status, json.loads(body)) == (200, {"ready": True, "reasons": []})


def test_events_bring_a_snapshot_at_once_and_each_second(users):
    _, console = users
    console.settled()
    snapshots = []
    with urllib.request.urlopen(console.base + "/api/v1/events", timeout=WAIT_S) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        while len(snapshots) < 3:
            line = stream.readline().decode()
            if line.startswith("data: "):
                snapshots.append(json.loads(line[6:]))
    assert all(s["totals"]["stored"] == 500 for s in snapshots)
    assert 0.5e6 < snapshots[2]["now_us"] - snapshots[1]["now_us"] < 5e6


def test_trouble_is_named_with_what_to_do(up):
    console = Console(up(url=nowhere()))

    def told():
        status = console.json("/api/v1/status")
        return status and status["problems"]

    problem = wait_until(told, "a problem")[0]
    assert (problem["kind"], problem["name"]) == ("source", "random_users")
    assert "could not connect" in problem["message"]
    assert console.json("/api/v1/sources")[0]["state"] == "retrying"
    assert console.ask("/readyz")[0] == 200  # restarting leat would not mend the API


@pytest.mark.parametrize("headers", [{"Sec_Fetch_Site": "cross-site"}, {"Origin": "http://evil.example"}])
def test_a_page_of_another_site_may_not_change_anything(users, headers):
    _, console = users
    assert console.ask("/api/v1/dead/retry", b"{}", Content_Type="application/json", **headers)[0] == 403


def test_changes_come_as_json(users):
    _, console = users
    console.settled()
    assert console.ask("/api/v1/dead/retry", b"a=b")[0] == 415
    retry = "/api/v1/dead/retry"
    own = {"Content_Type": "application/json", "Origin": console.base, "Sec_Fetch_Site": "same-origin"}
    status, _, body = console.ask(retry, b"{}", **own)
    assert (status, json.loads(body)) == (200, {"tried": 0, "resolved": 0})
    for bad in (b"[]", b"{", b'{"hop": "moon"}', b'{"what": 1}', b'{"id": 1}', b'{"store": "tables", "id": "x"}'):
        assert console.ask(retry, bad, **own)[0] == 400, bad


def test_a_name_that_points_here_by_rebinding_is_refused(users):
    _, console = users
    assert console.ask("/api/v1/status", Host="evil.example")[0] == 421
    assert console.ask("/livez", Host="localhost:1")[0] == 200


def test_the_page_allows_nothing_from_elsewhere(users):
    _, console = users
    status, headers, page = console.ask("/")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "http://" not in page and "https://" not in page and "style=" not in page
    for file in ("console.js", "console.css", "icon.svg"):
        assert console.ask(f"/page/{file}")[0] == 200
    assert console.ask("/page/../console.c")[0] == 404
    assert console.ask("/page/%2e%2e%2fconsole.c")[0] == 404


def test_openapi_describes_what_is_served(users):
    _, console = users
    described = console.json("/api/v1/openapi.json")
    assert described["openapi"] == "3.1.0"
    console.settled()
    for path, methods in described["paths"].items():
        if "get" in methods and "{" not in path and path != "/api/v1/events":
            assert console.ask(path)[0] == 200, path


def test_nothing_is_left_waiting_when_it_stops(users):
    process, console = users
    console.settled()
    with urllib.request.urlopen(console.base + "/api/v1/events", timeout=WAIT_S) as stream:
        stream.readline()
        assert process.stop().code == 0
