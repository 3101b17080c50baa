"""A broker of its own for each test that asks for one.

LEAT_BROKER names the test program (default build/tests/unit/leat-broker-test). Nothing sleeps: the
address is printed when the broker serves, and every wait is bounded and on an event.
"""

import os
import pathlib
import signal
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("LEAT_BROKER", str(ROOT / "build/tests/unit/leat-broker-test"))
WAIT_S = 20


class Broker:
    def __init__(self, directory, *options):
        self.directory, self.options, self.process, self.port = directory, options, None, 0
        self.start()

    def start(self):
        """Starts it, again on the same port if it ran before, so that clients find it."""
        self.process = subprocess.Popen(
            [PROGRAM, "--dir", str(self.directory), "--port", str(self.port), *self.options],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self.process.stdout.readline().strip()
        assert self.address, "the broker did not start"
        self.port = int(self.address.rsplit(":", 1)[1])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(WAIT_S)

    def stop(self):
        """Ends it as an operator would; it must drain and end cleanly."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(WAIT_S) == 0

    def close(self):
        if self.process.poll() is None:
            self.stop()
        else:
            assert self.process.returncode in (0, -signal.SIGKILL), "the broker crashed"


@pytest.fixture
def make_broker(tmp_path):
    brokers = []

    def make(*options):
        brokers.append(Broker(tmp_path / f"broker{len(brokers)}", *options))
        return brokers[-1]

    yield make
    for broker in brokers:
        broker.close()


@pytest.fixture
def broker(make_broker):
    return make_broker()
