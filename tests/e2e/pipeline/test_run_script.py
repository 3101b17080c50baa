"""./run on a terminal: where it says what, Ctrl-C, and the stand-in that ends with leat."""

import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest
import requests
from leat import ANY_PORTS, ROOT, WAIT_S, row_count, wait_until

TABLE = "spark_streams.created_users"


class Terminal:
    """./run with stdin and stderr on a terminal of its own, as its foreground program."""

    def __init__(self, data, *arguments):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [ROOT / "run", *arguments, "--data", data, *ANY_PORTS],
            cwd=ROOT, stdin=slave, stderr=slave, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: own(slave),
        )  # fmt: skip
        os.close(slave)
        os.set_blocking(self.master, False)
        self.screen = ""

    def read(self):
        try:
            self.screen += os.read(self.master, 65536).decode(errors="replace")
        except (BlockingIOError, OSError):
            pass
        return self.screen

    def type(self, text):
        os.write(self.master, text)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self.master)


def own(slave):
    """A new session whose terminal is this one."""
    os.setsid()
    import fcntl
    import termios

    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal(tmp_path):
    started = []

    def start(*arguments):
        started.append(Terminal(str(tmp_path / "data"), *arguments))
        return started[-1]

    yield start
    for one in started:
        one.close()


def stand_in_of(one):
    """The stand-in's address, once the screen has it."""
    return wait_until(lambda: re.search(r"source: (http://127\S+) \(stand-in\)", one.read()), "its source").group(1)


def answers(url):
    try:
        return requests.get(url, params={"results": 1}, timeout=5).ok
    except requests.ConnectionError:
        return False


def test_ctrl_c_drains_and_the_stand_in_ends(terminal, tmp_path):
    one = terminal("--stand-in")
    url = stand_in_of(one)
    wait_until(lambda: one.read() and row_count(tmp_path / "data", TABLE) > 0, "a row")
    wait_until(lambda: "the first row in" in one.read() and "fetched" in one.read(), "the first row on the screen")
    assert "MADE UP" in one.screen and "kafka " in one.screen and "console " in one.screen
    assert answers(url)
    one.type(b"\x03")
    stdout, _ = one.process.communicate(timeout=WAIT_S)
    assert one.process.returncode == 0
    assert re.fullmatch(r"accepted=(\d+) stored=\1 filtered=0 .*\n", stdout), "stdout has the sum and nothing else"
    wait_until(lambda: not answers(url), "the stand-in's end")


def test_the_stand_in_ends_after_a_kill_too(terminal, tmp_path):
    one = terminal("--stand-in")
    url = stand_in_of(one)
    found = tmp_path / "data" / "leat.json"
    wait_until(lambda: one.read() and found.exists(), "leat.json")
    assert json.loads(found.read_text())["pid"] == one.process.pid, "./run becomes leat: signals reach it"
    os.kill(one.process.pid, signal.SIGKILL)
    wait_until(lambda: not answers(url), "the stand-in's end")


def test_a_later_start_is_quick(terminal, tmp_path):
    assert terminal("--stand-in", "--limit", "1").process.wait(WAIT_S) == 0
    started = time.monotonic()
    assert terminal("--stand-in", "--limit", "1").process.wait(WAIT_S) == 0
    assert time.monotonic() - started < 3, "start, one record and drain: 0.3 s on an idle machine"
