"""`leat dag run` without a leat that runs: order, rules, retries, branches, outputs, hooks."""

import json
import time

import pytest
from leat import leat

MIXED = """
  one:
    params: {who: world, count: {type: int, default: 3}}
    retries: {limit: 1, delay: 10ms}
    on_success: {run: "echo ${run.state} >> ended.txt"}
    tasks:
      a: {run: "echo hello ${params.who}; echo 42"}
      b: {after: a, run: [echo, "got ${tasks.a.output}; rm -rf x"]}
      c: {after: a, python: "work.py:add", arguments: {x: "${params.count}", y: "${tasks.a.output}"}}
      flaky: {run: "test $LEAT_TRY = 2"}
      skip: {run: "exit 99"}
      behind_skip: {after: skip, run: "true"}
      always: {after: [skip, c], when: all_done, run: "echo '${tasks.c.output}'"}
      fork: {branch: true, run: "echo left"}
      left: {after: fork, run: "true"}
      right: {after: fork, run: "true"}
      join: {after: [left, right], when: none_failed_min_one_success, run: "true"}
"""

WORK = """
def add(x, y):
    print("adding")
    return {"sum": int(x) + int(y)}
"""


def test_everything_once(dags):
    demo = dags(MIXED)
    (demo.folder / "work.py").write_text(WORK)
    run = demo.run("one", "--param", "who=you")
    assert run["state"] == "success"
    assert run["states"] == {
        "a": "success", "b": "success", "c": "success", "flaky": "success", "skip": "skipped",
        "behind_skip": "skipped", "always": "success", "fork": "success", "left": "success",
        "right": "skipped", "join": "success", "@on_success": "success",
    }  # fmt: skip
    assert run["by_name"]["a"]["output"] == "42"
    assert run["by_name"]["b"]["output"] == "got 42; rm -rf x"  # a word stays one word
    assert json.loads(run["by_name"]["c"]["output"]) == {"sum": 45}
    assert run["by_name"]["flaky"]["tries"] == 2
    assert demo.log(run["run"], "a") == "hello you\n42\n"
    assert "adding" in demo.log(run["run"], "c")
    assert (demo.folder / "ended.txt").read_text() == "success\n"


def test_parameters_are_typed(dags):
    demo = dags(MIXED)
    said = demo.call("run", "one", "--file", demo.file, "--param", "count=many", code=64).stderr
    assert '"count"' in said and "whole number" in said
    said = demo.call("run", "one", "--file", demo.file, "--param", "nobody=1", code=64).stderr
    assert "no such parameter" in said


FAILS = """
  night:
    tasks:
      fetch: {run: "echo fetched >> receipts"}
      load: {after: fetch, run: "echo load >> receipts; test -e repaired"}
      report: {after: load, run: "echo report >> receipts"}
      alarm: {after: load, when: one_failed, run: "true"}
"""


def test_retry_goes_on_where_it_failed(dags):
    demo = dags(FAILS)
    run = demo.run("night", code=1)
    assert run["state"] == "failed"
    assert run["states"] == {"fetch": "success", "load": "failed", "report": "upstream_failed", "alarm": "success"}
    (demo.folder / "repaired").touch()
    demo.call("retry", run["run"])
    again = demo.show(run["run"])
    assert again["state"] == "success"
    assert again["states"] == {"fetch": "success", "load": "success", "report": "success", "alarm": "skipped"}
    assert (demo.folder / "receipts").read_text().split() == ["fetched", "load", "load", "report"]
    assert "has failed" in demo.call("retry", run["run"], code=1).stderr


def test_time_out_ends_a_task(dags):
    demo = dags("  slow: {tasks: {nap: {run: 'sleep 600', timeout: 300ms}}}\n")
    began = time.monotonic()
    run = demo.run("slow", code=1)
    assert "time-out" in run["by_name"]["nap"]["message"] and time.monotonic() - began < 100


def test_check_finds_mistakes(dags):
    for text, place, words in [
        ("  x: {tasks: {a: {after: b, run: 'true'}, b: {after: a, run: 'true'}}}", 5, "waits for"),
        ("  x: {tasks: {a: {after: bb, run: 'true'}, b: {run: 'true'}}}", 5, 'no task "bb"'),
        ("  x:\n    schedule: '0 6 30 2 *'\n    tasks: {a: {run: 'true'}}", 6, "no such day"),
        ("  x: {tasks: {a: {run: 'echo ${params.day}'}}}", 5, "no such parameter"),
        ("  x: {tasks: {a: {run: 'true', pool: api}}}", 5, 'no pool "api"'),
        ("  x: {tasks: {a: {ingest: users}}}", 5, 'no source "users"'),
        ("  x: {tasks: {a: {when: one_sucess, run: 'true'}}}", 5, "one_success"),
    ]:
        demo = dags(text)
        ended = leat("check", demo.file)
        assert ended.code == 78 and f"dags.yaml:{place}:" in ended.stderr, ended.stderr
        assert words in ended.stderr + ended.stdout and "^" in ended.stderr, ended.stderr


@pytest.mark.parametrize("words", [("show", "7"), ("cancel", "7"), ("logs", "7")])
def test_runs_that_are_not_there(dags, words):
    demo = dags(MIXED)
    demo.call("run", "one", "--file", demo.file, "--no-wait")
    assert "no run 7" in demo.call(*words, code=1).stderr
