"""A leat that runs on when the task that started it has ended."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

import httpx

from leat_provider.exit_codes import raise_for_exit
from leat_provider.process import Logger
from leat_provider.version_compat import AirflowException

STEP_S = 0.1
TAIL_BYTES = 4000


class LeatService:
    """The leat of one data directory on this machine.

    :param leat: the program.
    :param data: the data directory, where leat.json tells its addresses.
    """

    def __init__(
        self,
        leat: str,
        data: str,
        logger: Logger,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        self._leat = leat
        self._data = pathlib.Path(cwd or ".", data)
        self._log = logger
        self._env = {**os.environ, **(env or {})}
        self._cwd = cwd

    def status(self) -> dict[str, Any] | None:
        """What it says of itself; None if none answers. A leat.json that was left behind, or whose
        address another leat has by now, is none."""
        try:
            known = json.loads((self._data / "leat.json").read_text(encoding="utf-8"))
            reply = httpx.get(f"http://{known['http']}/api/v1/status", timeout=5.0)
            status = reply.json()
        except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError):
            return None
        same = isinstance(status, dict) and status.get("pid") == known.get("pid")
        return status if same and reply.is_success else None

    def start(self, words: Sequence[str], log_file: str | None, timeout: float) -> dict[str, Any]:
        """Returns its addresses, once all its streams run."""
        found = self.status()
        if found is not None:
            self._log.info("leat runs already, pid %s", found["pid"])
            return dict(found["addresses"])
        self._data.mkdir(parents=True, exist_ok=True)
        path = pathlib.Path(log_file) if log_file else self._data / "leat.log"
        with open(path, "ab") as log:
            from_here = log.tell()
            process = subprocess.Popen(
                [self._leat, "up", *words, "--data", str(self._data.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,  # so that it outlives the task
            )
        try:
            return self._wait_ready(process, path, from_here, timeout)
        except BaseException:  # the task is being ended, too: half a start is none
            if process.poll() is None:
                process.terminate()
            raise

    def _wait_ready(
        self, process: subprocess.Popen[bytes], path: pathlib.Path, from_here: int, timeout: float
    ) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while True:
            code = process.poll()
            if code is not None:
                self._show(path, from_here)
                raise_for_exit(code or 1, "leat up", f"its log is {path}")
            found = self.status()
            flows = found["flows"] if found else []
            if found and all(flow["running"] or flow["waits_for_schema"] for flow in flows):
                self._show(path, from_here)
                self._log.info("leat runs, pid %s; its log is %s", found["pid"], path)
                return dict(found["addresses"])
            if time.monotonic() > deadline:
                raise AirflowException(f"leat was not ready within {timeout:g} s; its log is {path}")
            time.sleep(STEP_S)

    def stop(self, timeout: float) -> dict[str, Any]:
        """Returns the totals of before, once it has drained and ended."""
        found = self.status()
        if found is None:
            self._log.info("no leat runs on %s", self._data)
            return {}
        pid = int(found["pid"])
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout
        while self.status() is not None or (self._data / "leat.json").exists():
            if time.monotonic() > deadline:
                raise AirflowException(f"leat, pid {pid}, has not drained within {timeout:g} s")
            time.sleep(STEP_S)
        self._log.info("leat, pid %s, has drained and ended", pid)
        return dict(found["totals"])

    def _show(self, path: pathlib.Path, from_here: int) -> None:
        """What it said since it was started, in the task's log."""
        file: IO[bytes]
        with open(path, "rb") as file:
            file.seek(from_here)
            for line in file.read(TAIL_BYTES).decode("utf-8", "replace").splitlines():
                self._log.info("%s", line)
