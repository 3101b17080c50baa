from __future__ import annotations

import logging
import pathlib
import signal
import sys
import time

import pytest

from leat_provider.operators.leat import LeatCliOperator, LeatRunOperator
from leat_provider.process import LeatProcess
from leat_provider.version_compat import AirflowException, AirflowFailException

LOG = logging.getLogger("leat.test")


def python(text):
    return [sys.executable, "-u", "-c", text]


def test_lines_levels_and_result(caplog):
    caplog.set_level(logging.DEBUG, "leat.test")
    process = LeatProcess(
        python(
            "import sys\n"
            "print('2026-01-01T00:00:00.000Z warn  fetch: slow', file=sys.stderr)\n"
            "sys.stderr.buffer.write(b'\\x1b[31mleat: bad \\xff thing\\x1b[0m\\n')\n"
            "print('first'); print('{\"new\":3}'); sys.exit(78)"
        ),
        LOG,
    )
    assert process.wait() == 78
    assert process.result == '{"new":3}'
    assert process.reason == "bad \ufffd thing"
    assert (
        "leat.test",
        logging.WARNING,
        "2026-01-01T00:00:00.000Z warn  fetch: slow",
    ) in caplog.record_tuples
    assert ("leat.test", logging.INFO, "leat: bad \ufffd thing") in caplog.record_tuples


def test_much_output_on_both_does_not_block():
    text = "import sys\nfor i in range(20000): print('x'*50); print('y'*50, file=sys.stderr)"
    process = LeatProcess(python(text), LOG)
    assert process.wait() == 0
    assert process.result == "x" * 50


def wait_for_file(path):
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state_of(pid):
    """As of proc(5); None if there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def test_the_whole_group_ends(tmp_path):
    child = tmp_path / "child"
    process = LeatProcess(
        python(
            "import os, subprocess, sys, time\n"
            "c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
            f"open({str(tmp_path / 'new')!r}, 'w').write(str(c.pid))\n"
            f"os.rename({str(tmp_path / 'new')!r}, {str(child)!r})\n"
            "time.sleep(600)"
        ),
        LOG,
    )
    wait_for_file(child)
    process.stop(10)
    assert process.wait() == -signal.SIGTERM
    pid = int(child.read_text())
    deadline = time.monotonic() + 10
    while state_of(pid) not in (None, "Z"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.stop(1)  # once more does nothing


def test_one_that_does_not_listen_is_killed(tmp_path):
    ready = tmp_path / "ready"
    process = LeatProcess(
        python(
            "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            f"open({str(ready)!r}, 'w').close()\ntime.sleep(600)"
        ),
        LOG,
    )
    wait_for_file(ready)
    process.stop(0.2)
    assert process.wait() == -signal.SIGKILL


def test_an_operator_without_its_program():
    with pytest.raises(AirflowFailException, match="127"):
        LeatCliOperator(task_id="t", leat="/nowhere/leat").run_leat("run")
    with pytest.raises(AirflowFailException, match="126"):
        LeatCliOperator(task_id="t", leat="/etc/passwd").run_leat("run")


def test_what_run_is_called_with(tmp_path):
    program = tmp_path / "leat"
    program.write_text('#!/bin/sh\nprintf \'{"words":"%s"}\\n\' "$*"\n')
    program.chmod(0o755)
    run = LeatRunOperator(
        task_id="t", leat=str(program), file="a.yaml", data="d", profile="p", limit=5, skip_if_empty=True,
        options=["--quiet"],
    )  # fmt: skip
    assert run.execute({}) == {"words": "run a.yaml --json --data d --profile p --quiet --limit 5 --skip-if-empty"}


def test_a_failure_says_why(tmp_path):
    program = tmp_path / "leat"
    program.write_text("#!/bin/sh\necho 'leat: disk is full' >&2\necho '      free some' >&2\nexit 75\n")
    program.chmod(0o755)
    with pytest.raises(AirflowException, match=r"75 \(worth trying again\): disk is full"):
        LeatRunOperator(task_id="t", leat=str(program), file="a.yaml").execute({})
