"""Runs a leat command and reads what it prints."""

import json
import os
import subprocess

from leat import BINARY

ROOT_ENVIRONMENT = dict(os.environ)


class Result:
    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr

    @property
    def rows(self):
        """JSON lines."""
        return [json.loads(line) for line in self.stdout.splitlines()]


def leat(*words, code=0, stdin=None, timeout=30, environment=None):
    """Runs `leat words...` and checks its exit code."""
    ended = subprocess.run(
        [BINARY, *map(str, words)],
        input=stdin,
        capture_output=True,
        timeout=timeout,
        env=dict(ROOT_ENVIRONMENT, **(environment or {})),
        text=True,
        check=False,
    )
    if code is not None:
        assert ended.returncode == code, f"{words}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return Result(ended.returncode, ended.stdout, ended.stderr)
