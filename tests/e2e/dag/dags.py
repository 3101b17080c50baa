"""Pipeline files with DAGs for tests, and `leat dag`."""

import json
import pathlib
import subprocess

from leat import BINARY, Ended, read_only, wait_until

WAIT_S = 120


class Dags:
    """A pipeline file with these DAGs, and a data folder beside it."""

    def __init__(self, folder, dags, head=""):
        self.folder = pathlib.Path(folder)
        self.file = self.folder / "dags.yaml"
        self.data = self.folder / "data"
        self.file.write_text(f"version: 1\npipeline: demo\n{head}\ndags:\n" + dags)

    def call(self, *words, code=0, **settings):
        done = subprocess.run(
            [BINARY, "dag", *map(str, words), "--data", str(self.data)],
            capture_output=True, text=True, timeout=WAIT_S, **settings,
        )  # fmt: skip
        ended = Ended(done.returncode, done.stdout, done.stderr)
        assert ended.code == code, f"{words}: {ended.code}\n{ended.stdout}{ended.stderr}"
        return ended

    def run(self, name, *words, code=0):
        """Runs a DAG with this process; its run as `show` tells it."""
        self.call("run", name, "--file", self.file, "--json", *words, code=code)
        return self.show(self.runs()[0]["run"])

    def runs(self, *words):
        return [json.loads(line) for line in self.call("runs", "--json", *words).stdout.splitlines()]

    def show(self, run):
        found = json.loads(self.call("show", run, "--json").stdout)
        found["by_name"] = {task["task"]: task for task in found["tasks"]}
        found["states"] = {task["task"]: task["state"] for task in found["tasks"]}
        return found

    def log(self, run, task, *words):
        return self.call("logs", run, task, *words).stdout

    def select(self, sql, *values):
        with read_only(self.data, "dags/runs.db") as db:
            return db.execute(sql, values).fetchall()

    def wait_for_run(self, state, count=1):
        """Until so many runs are in a state; their numbers."""
        names = ["queued", "running", "success", "failed", "cancelled", "skipped"]

        def there():
            if not (self.data / "dags" / "runs.db").exists():
                return None
            try:
                rows = self.select("SELECT id FROM runs WHERE state = ? ORDER BY id", names.index(state))
            except Exception:  # the store is being made
                return None
            return [row[0] for row in rows] if len(rows) >= count else None

        return wait_until(there, f"{count} runs {state}", WAIT_S)
