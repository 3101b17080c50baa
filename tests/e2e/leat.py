"""Runs leat's programs for tests: start, wait on conditions, stop, and read what they left.

LEAT_BINARY names the program (default build/leat). Ports are free ones that leat chooses; every wait
is bounded and on a condition that is looked at every few milliseconds.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("LEAT_BINARY", str(ROOT / "build" / "leat"))
USERS = str(ROOT / "examples" / "users" / "pipeline.yaml")
WAIT_S = 30
STEP_S = 0.02
ANY_PORTS = ["--kafka", "127.0.0.1:0", "--http", "127.0.0.1:0", "--registry", "127.0.0.1:0"]


def wait_until(condition, what, timeout_s=WAIT_S):
    """Returns the first true value of condition()."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s} s"
        time.sleep(STEP_S)


@dataclasses.dataclass
class Ended:
    code: int
    stdout: str
    stderr: str

    @property
    def sum(self):
        """The closing line as numbers."""
        fields = dict(word.split("=") for word in self.stdout.strip().splitlines()[-1].split())
        return {name: int(value) for name, value in fields.items()}

    def check_sum(self):
        """Both equations of the sum, after a drain."""
        s = self.sum
        assert s["fetched"] == s["accepted"] + s["unchanged"] + s["refused"], self.stdout
        assert s["accepted"] == s["stored"] + s["filtered"] + s["late"] + s["dead"], self.stdout
        return s


class Leat:
    """One `leat up` or `leat run` on a data directory; `prefix` is a program that becomes it."""

    def __init__(self, data, *arguments, files=(USERS,), command="up", environment=None, prefix=()):
        self.data = pathlib.Path(data)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=self.data.parent, prefix="leat-", suffix=".stderr", delete=False
        ) as stderr:
            self.stderr_path = pathlib.Path(stderr.name)
            self.process = subprocess.Popen(
                [*prefix, BINARY, command, *map(str, files), "--data", str(self.data), *ANY_PORTS,
                 *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=dict(os.environ, **(environment or {})),
                cwd=self.data.parent,
                text=True,
            )

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def addresses(self):
        """leat.json of this process, once it stands."""

        def published():
            assert self.process.poll() is None, f"leat ended with {self.process.returncode}:\n{self.stderr}"
            try:
                found = json.loads((self.data / "leat.json").read_text())
            except (FileNotFoundError, json.JSONDecodeError):
                return None
            return found if found["pid"] == self.process.pid else None

        return wait_until(published, "leat.json")

    def wait(self, timeout_s=WAIT_S):
        """Waits until it ends by itself."""
        try:
            stdout, _ = self.process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f"leat did not end within {timeout_s} s:\n{self.stderr}") from None
        return Ended(self.process.returncode, stdout, self.stderr)

    def stop(self, number=signal.SIGTERM):
        """A drain, as an operator starts it."""
        self.process.send_signal(number)
        return self.wait()

    def kill(self):
        self.process.kill()
        return self.wait()

    def close(self):
        if self.process.poll() is None:
            self.kill()


class Api:
    """`leat api`, the stand-in."""

    def __init__(self, *options, seed="leat", host="127.0.0.1", prefix=()):
        self.process = subprocess.Popen(
            [*prefix, BINARY, "api", "--listen", f"{host}:0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.base = self.process.stdout.readline().strip()
        assert self.base.startswith("http://"), "leat api did not start"
        self.url = f"{self.base}?seed={seed}"

    def counts(self):
        """Ends it; what it counted."""
        self.process.terminate()
        stdout, _ = self.process.communicate(timeout=WAIT_S)
        return {name: int(value) for name, value in (word.split("=") for word in stdout.split())}

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate(timeout=WAIT_S)


def nowhere():
    """A URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}/api/?seed=leat"


def leat(*arguments, data=None, **settings):
    """Runs a command to its end."""
    words = [BINARY, *map(str, arguments)] + (["--data", str(data)] if data else [])
    done = subprocess.run(words, capture_output=True, text=True, timeout=WAIT_S, **settings)
    return Ended(done.returncode, done.stdout, done.stderr)


def audit(data):
    """`leat audit` must find that the sum holds; what it counted."""
    ended = leat("audit", "--json", data=data)
    assert ended.code == 0, ended.stdout + ended.stderr
    found = json.loads(ended.stdout)
    assert found["holds"]
    return found


# ---- what leat stored ----------------------------------------------------------------------------


def read_only(data, name):
    """A connection for a `with`, at whose end it is closed. One that stays open while leat is killed and
    started again may go on to see the store as it was."""
    return contextlib.closing(sqlite3.connect(f"file:{pathlib.Path(data) / name}?mode=ro", uri=True))


def table(data, name):
    """Rows of a table as dicts, leat's own columns left out."""
    with read_only(data, "tables.db") as db:
        db.row_factory = sqlite3.Row
        rows = db.execute(f'SELECT * FROM "{name}"').fetchall()
    return [{k: row[k] for k in row.keys() if not k.startswith("leat_")} for row in rows]


def row_count(data, name):
    """0 while the table is not there."""
    try:
        with read_only(data, "tables.db") as db:
            return db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
    except sqlite3.OperationalError:
        return 0
