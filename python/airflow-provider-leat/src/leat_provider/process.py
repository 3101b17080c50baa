"""A leat process of a task: its lines in the task's log, its whole group ended when the task is."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import IO, Any, Protocol

#: A log line of leat: time, level, module, message. Lines without a level are status for people.
_LEVEL = re.compile(r"^\d{4}-\d\d-\d\dT\S+Z (debug|info|warn|error) ")
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
TAIL_LINES = 20


class Logger(Protocol):
    """What a task's log is in every Airflow: logging's, or structlog's like it."""

    def log(self, level: int, message: str, /, *args: Any) -> Any: ...
    def info(self, message: str, /, *args: Any) -> Any: ...
    def warning(self, message: str, /, *args: Any) -> Any: ...


class LeatProcess:
    """One run of the leat program in a process group of its own.

    :param argv: program and arguments.
    :param env: added to the environment of the task.
    """

    def __init__(
        self,
        argv: Sequence[str],
        logger: Logger,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        self._log = logger
        self._said: deque[str] = deque(maxlen=TAIL_LINES)
        self._results: deque[str] = deque(maxlen=1)
        self._process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read, args=(stream, kept, find), daemon=True)
            for stream, kept, find in (
                (self._process.stdout, self._results, False),
                (self._process.stderr, self._said, True),
            )
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str], kept: deque[str], find_level: bool) -> None:
        for raw in stream:
            line = _ESCAPES.sub("", raw.rstrip())
            if not line:
                continue
            kept.append(line)
            found = _LEVEL.match(line) if find_level else None
            self._log.log(_LEVELS[found.group(1)] if found else logging.INFO, "%s", line)

    @property
    def result(self) -> str | None:
        """The last line of standard output, once it has ended."""
        return self._results[-1] if self._results else None

    @property
    def reason(self) -> str | None:
        """Why it failed, in leat's words."""
        errors = [line.removeprefix("leat: ") for line in self._said if line.startswith("leat: ")]
        return errors[-1] if errors else (self._said[-1] if self._said else None)

    def wait(self) -> int:
        """Its exit code. Readers end with the process, and joining them lets signals through, so that
        on_kill may run meanwhile."""
        for reader in self._readers:
            reader.join()
        return self._process.wait()

    def stop(self, timeout: float) -> None:
        """Asks the group to drain; ends it the hard way after `timeout` seconds. Fine if it has ended."""
        if self._process.poll() is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._log.warning("leat did not drain within %s s and is killed", timeout)
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return
