"""`leat top` as a person at a terminal of 80 columns and 24 lines sees it."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios

import confluent_kafka
import pytest
from leat import BINARY, WAIT_S, Leat, leat, nowhere, wait_until

COLUMNS, LINES = 80, 24


class Terminal:
    def __init__(self, data):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen([BINARY, "top", "--data", str(data)], stdin=slave, stdout=slave, stderr=slave)
        self.seen = ""

    def screen(self):
        """The newest whole screen."""
        while select.select([self.master], [], [], 0.02)[0]:
            self.seen += os.read(self.master, 65536).decode()
        whole = [screen for screen in self.seen.split("\x1b[H\x1b[2J") if "q quit" in screen]
        return whole[-1] if whole else ""

    def sees(self, *wanted):
        try:
            wait_until(lambda: all(part in self.screen() for part in wanted), str(wanted))
        except AssertionError as failure:
            raise AssertionError(f"{failure}\nthere stands: {self.screen()!r}") from None
        lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.screen()).split("\r\n")
        assert len(lines) == LINES and max(map(len, lines)) <= COLUMNS

    def press(self, keys):
        os.write(self.master, keys.encode())

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal():
    opened = []

    def open_terminal(data):
        opened.append(Terminal(data))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


@pytest.fixture
def users(api, up):
    process = up("--set", 'sources.random_users.schedule="@once"', url=api.url)
    process.addresses()
    return process


def test_the_overview_and_its_pages(users, terminal):
    top = terminal(users.data)
    top.sees("random_users", "500 stored", "created_users ─▶ spark_streams.created_users", "● running")
    top.press("t")
    top.sees("> ", "users_created", "3 partitions")
    top.press("\r")
    top.sees("partition 2")
    top.press("g")
    top.sees("No consumer group yet")
    top.press("p")
    top.sees("No problem.")
    users.stop()
    top.sees("■ ")
    top.press("q")
    assert top.process.wait(WAIT_S) == 0
    assert termios.tcgetattr(top.slave) == top.before
    assert top.seen.endswith("\x1b[?1049l") or "\x1b[?1049l" in top.screen() + top.seen


def test_problems_with_their_remedies(up, terminal):
    process = up(url=nowhere())
    process.addresses()
    top = terminal(process.data)
    top.sees("■ The source random_users cannot be reached")
    top.press("p")
    top.sees("could not", "check that the server runs", "nothing is lost")


def test_hostile_names_move_no_cursor(users, terminal):
    name = "a\x1b[2Jb\u202ec\u200bd"
    consumer = confluent_kafka.Consumer({"bootstrap.servers": users.addresses()["kafka"], "group.id": name})
    consumer.subscribe(["users_created"])
    wait_until(lambda: consumer.poll(0.1) or consumer.assignment(), "the group")
    top = terminal(users.data)
    top.sees("random_users")
    top.press("g")
    top.sees("a·[2Jb·c·d")
    consumer.close()


def test_once_and_json(users, tmp_path):
    wait_until(lambda: "500 stored" in leat("top", "--once", data=users.data).stdout, "all stored")
    assert json.loads(leat("top", "--json", data=users.data).stdout)["totals"]["stored"] == 500
    refused = leat("top", data=users.data, stdin=subprocess.DEVNULL)
    assert refused.code == 64 and "--once" in refused.stderr
    nobody = leat("top", "--once", data=tmp_path / "none")
    assert nobody.code in (66, 69)


def test_a_leat_that_is_gone_is_told(tmp_path, api):
    process = Leat(tmp_path / "data", environment={"RANDOMUSER_URL": api.url})
    address = process.addresses()["http"]
    process.stop()
    assert leat("top", "--once", "--http", address).code == 69
