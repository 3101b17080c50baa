"""DAGs of a leat that runs: schedules, kill -9 and adoption, cancel, pause, REST, each kind of task."""

import http.server
import json
import threading
import urllib.request

import pytest
from leat import wait_until
from dags import WAIT_S

# One task that leaves a receipt a try, and ends when a file says so.
SLOW = """
  slow:
    overlap: allow
    tasks:
      first: {run: "echo first $LEAT_RUN_ID $LEAT_TRY >> receipts"}
      held: {after: first, run: "echo held $LEAT_RUN_ID $LEAT_TRY >> receipts; while ! test -e go; do sleep 0.05; done; echo done >> receipts"}
      last: {after: held, run: "echo last $LEAT_RUN_ID $LEAT_TRY >> receipts"}
"""


def receipts(demo):
    path = demo.folder / "receipts"
    return path.read_text().splitlines() if path.exists() else []


def call(leat, path, body=None):
    address = leat.addresses()["http"]
    data = None if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"http://{address}/api/v1/{path}", data, headers)) as reply:
        return json.load(reply)


def start(up, demo, *options):
    leat = up(*options, data=demo.data, files=[demo.file])
    leat.addresses()
    wait_until(lambda: (demo.data / "dags" / "runs.db").exists() and call(leat, "dags"), "the DAGs", WAIT_S)
    return leat


def test_a_task_outlives_leat(dags, up):
    demo = dags(SLOW)
    leat = start(up, demo)
    run = call(leat, "dags/slow/run", {})["run"]
    wait_until(lambda: len(receipts(demo)) == 2, "the task that waits", WAIT_S)
    leat.kill()
    leat = start(up, demo)
    wait_until(lambda: call(leat, f"runs/{run}")["tasks"][1]["state"] == "running", "the task's state", WAIT_S)
    (demo.folder / "go").touch()
    wait_until(lambda: call(leat, f"runs/{run}")["state"] == "success", "the end of the run", WAIT_S)
    assert receipts(demo) == [f"first {run} 1", f"held {run} 1", "done", f"last {run} 1"]


def test_what_ended_while_no_leat_ran(dags, up):
    demo = dags(SLOW)
    leat = start(up, demo)
    run = call(leat, "dags/demo.slow/run", {})["run"]
    wait_until(lambda: len(receipts(demo)) == 2, "the task that waits", WAIT_S)
    leat.kill()
    (demo.folder / "go").touch()
    wait_until(lambda: "done" in receipts(demo), "the task's end", WAIT_S)
    leat = start(up, demo)
    wait_until(lambda: call(leat, f"runs/{run}")["state"] == "success", "the end of the run", WAIT_S)
    assert receipts(demo) == [f"first {run} 1", f"held {run} 1", "done", f"last {run} 1"]


def test_cancel_and_retry_over_rest(dags, up):
    demo = dags(SLOW)
    leat = start(up, demo)
    run = call(leat, "dags/slow/run", {"key": "mine"})["run"]
    assert call(leat, "dags/slow/run", {"key": "mine"})["run"] == run
    wait_until(lambda: len(receipts(demo)) == 2, "the task that waits", WAIT_S)
    call(leat, f"runs/{run}/cancel", {})
    wait_until(lambda: call(leat, f"runs/{run}")["state"] == "cancelled", "the run is cancelled", WAIT_S)
    states = {task["task"]: task["state"] for task in call(leat, f"runs/{run}")["tasks"]}
    assert states == {"first": "success", "held": "cancelled", "last": "cancelled"}
    (demo.folder / "go").touch()
    call(leat, f"runs/{run}/retry", {})
    wait_until(lambda: call(leat, f"runs/{run}")["state"] == "success", "the retry", WAIT_S)
    assert [line.split()[0] for line in receipts(demo)] == ["first", "held", "held", "done", "last"]
    assert [found["run"] for found in call(leat, "runs?state=success&dag=slow")] == [run]


def test_log_by_offset(dags, up):
    demo = dags("  talk: {tasks: {say: {run: 'echo äöü; echo two'}}}\n")
    leat = start(up, demo)
    run = call(leat, "dags/talk/run", {})["run"]
    wait_until(lambda: call(leat, f"runs/{run}")["state"] == "success", "the run", WAIT_S)
    whole = call(leat, f"runs/{run}/log?task=say")
    assert whole["text"] == "äöü\ntwo\n" and whole["ended"]
    rest = call(leat, f"runs/{run}/log?task=say&offset=7")
    assert rest["text"] == "two\n" and rest["offset"] == whole["offset"]


def test_schedule_and_pause(dags, up):
    demo = dags("  tick: {schedule: '@every 1s', tasks: {a: {run: 'echo ${interval.start}'}}}\n")
    leat = start(up, demo)
    demo.wait_for_run("success", 2)
    assert demo.call("pause", "tick").stdout.strip() == "demo.tick is paused"
    wait_until(lambda: call(leat, "dags/tick")["next_us"] is None, "the pause", WAIT_S)
    runs = [run for run in call(leat, "runs") if run["kind"] == "scheduled"]
    spans = sorted((run["interval_start_us"], run["interval_end_us"]) for run in runs)
    assert len(set(spans)) == len(spans) and all(end - begin == 1_000_000 for begin, end in spans)
    demo.call("resume", "tick")
    wait_until(lambda: call(leat, "dags/tick")["next_us"] is not None, "the schedule", WAIT_S)


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, body.decode()))
        self.send_response(200 if self.path != "/refuse" else 503)
        self.end_headers()
        self.wfile.write(b'{"answer": 42}')

    def log_message(self, *arguments):
        pass


@pytest.fixture
def receiver():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_http_and_webhook(dags, receiver):
    base = f"http://127.0.0.1:{receiver.server_port}"
    demo = dags(f"""
  calls:
    on_failure: {{webhook: "{base}/hook"}}
    tasks:
      fine: {{http: {{url: "{base}/fine", body: "day ${{interval.date}}", contains: "42"}}}}
      refused: {{after: fine, http: {{url: "{base}/refuse", body: "x"}}}}
""")
    run = demo.run("calls", code=1)
    assert run["states"] == {"fine": "success", "refused": "failed", "@on_failure": "success"}
    assert json.loads(run["by_name"]["fine"]["output"]) == {"answer": 42}
    assert "503" in run["by_name"]["refused"]["message"]
    told = json.loads(next(body for path, body in receiver.got if path == "/hook"))
    assert told["run_state"] == "failed" and told["dag_name"] == "demo.calls"


def test_wait_for_a_file(dags):
    demo = dags("""
  waits:
    tasks:
      until: {wait: {file: there.txt, every: 50ms}}
      makes: {run: "touch there.txt"}
      never: {wait: {file: nowhere.txt, every: 50ms}, timeout: 300ms}
      at_last: {after: [until, never], when: all_done, run: "true"}
""")
    run = demo.run("waits")
    assert run["states"] == {"until": "success", "makes": "success", "never": "failed", "at_last": "success"}


def test_backfill(dags):
    demo = dags("  daily: {schedule: '@daily', tasks: {a: {run: 'echo ${interval.date} >> days'}}}\n")
    words = ["backfill", "daily", "--file", demo.file, "--from", "2026-01-01", "--to", "2026-01-04", "--parallel", "2"]
    assert demo.call(*words, "--dry-run").stdout.count("would run") == 3
    assert not (demo.folder / "days").exists()
    demo.call(*words)
    assert sorted((demo.folder / "days").read_text().split()) == ["2026-01-01", "2026-01-02", "2026-01-03"]
    demo.call(*words)  # nothing is left to do
    assert len((demo.folder / "days").read_text().split()) == 3


def test_a_pool_lets_one_in(dags):
    body = "test ! -e inside; touch inside; sleep 0.1; rm inside"
    tasks = "".join(f"      t{i}: {{pool: door, run: '{body}'}}\n" for i in range(4))
    demo = dags(f"  crowd:\n    tasks:\n{tasks}", head="pools: {door: 1}")
    assert demo.run("crowd")["state"] == "success"
