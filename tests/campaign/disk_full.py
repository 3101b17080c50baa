#!/usr/bin/env python3
"""Fills the disk under a running leat and proves that it says so, waits, and goes on.

usage: disk_full.py [PLACE]...

A place is a store that has a small disk of its own (staging, tables, log, state, registry), or `all`:
the whole data directory on one; without a place each of them in turn. The disk is a tmpfs in a mount
namespace of this program (unshare, as root or with user namespaces).

A store that is full must be named on stderr, and leat must stay up. `all` does that three times: first
fetching must pause when less than a tenth is free, with a message; then every byte is taken while
records are under way. When there is space again all of it must end up in the table and in the topic, once.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "e2e" / "pipeline"), str(HERE)]

from kills import small_steps  # noqa: E402
from leat import Api, Leat, audit, nowhere, read_only, row_count, table, wait_until  # noqa: E402
from topic import AvroTopic  # noqa: E402
from users import by_id, row, users  # noqa: E402

# What of the data directory stands on the small disk, and what the message must name.
STORES = {
    "staging": "staging.db",
    "tables": "tables.db",
    "log": "log",
    "state": "state",
    "registry": "registry",
}
PLACES = (*STORES, "all")
DISK_MIB = 48
# What is left of it at the start. Less than SQLite's write-ahead log takes before it is used again,
# so that each store comes to the end of its disk.
LEFT = 1 << 20
TABLE = "spark_streams.created_users"
WAIT_S = 120


class Filler:
    """A file that takes what is free but for `left` bytes."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "filler"

    def fill(self, left):
        with open(self.path, "ab") as file:
            while True:
                free = os.statvfs(self.path.parent)
                room = free.f_bavail * free.f_frsize - left
                if room <= 0:
                    return
                try:
                    file.write(b"x" * min(room, 1 << 20))
                    file.flush()
                except OSError:
                    return

    def release(self):
        self.path.unlink()


def accepted(data):
    with read_only(data, "staging.db") as db:
        return db.execute("SELECT accepted FROM leat_sources").fetchone()[0]


class Run:
    """A leat whose data directory stands on the small disk `disk`, wholly or in one store."""

    def __init__(self, place, folder, disk):
        self.place = place
        self.data = folder / "data" if place != "all" else disk / "data"
        if place in STORES:
            self.data.mkdir()
            target = disk / STORES[place]
            if not target.suffix:
                target.mkdir()
            (self.data / STORES[place]).symlink_to(target)
        self.filler = Filler(disk)
        self.api = Api(seed="full")
        self.files = [small_steps(folder / "users.yaml")]
        self.leat = None

    def start(self, url):
        self.leat = Leat(self.data, files=self.files, environment={"RANDOMUSER_URL": url})

    def close(self):
        if self.leat is not None:
            self.leat.close()
        self.api.close()

    def rows_flow(self):
        count = row_count(self.data, TABLE)
        wait_until(lambda: row_count(self.data, TABLE) > count + 100, "rows flow", WAIT_S)

    def told(self, words, times=1):
        def says():
            assert self.leat.process.poll() is None, "leat ended"
            lines = self.leat.stderr.splitlines()
            return sum(all(word in line for word in words) for line in lines) >= times

        wait_until(says, f"a line with {words}", WAIT_S)

    def store_full(self):
        """It comes to the end of its disk under way."""
        self.filler.fill(LEFT)
        self.start(self.api.url)
        self.told(("disk is full", STORES[self.place], "free some space"))
        self.filler.release()
        self.rows_flow()

    def registry_full(self):
        """Schemas are registered until the disk is full; the one that was refused is taken later."""
        self.filler.fill(LEFT)
        self.start(self.api.url)
        self.rows_flow()
        registry = f"http://{self.leat.addresses()['registry']}"
        number = 0
        status, body = register(registry, number)
        while status == 200:
            number += 1
            assert number < 2000, "the registry's disk is never full"
            status, body = register(registry, number)
        assert status >= 500 and "disk is full" in body["message"], body
        self.rows_flow()  # who needs no new schema is not held up
        self.filler.release()
        assert register(registry, number)[0] == 200
        assert self.leat.stop().code == 0
        self.start(self.api.url)
        registry = f"http://{self.leat.addresses()['registry']}"
        with urllib.request.urlopen(f"{registry}/subjects") as answer:
            names = json.load(answer)
        assert {f"s{i}-value" for i in range(number + 1)} <= set(names)

    def all_full(self):
        self.start(self.api.url)
        for turn in range(3):
            self.rows_flow()
            self.filler.fill(left=2 << 20)  # below a tenth: fetching pauses
            self.told(("fetching stopped",), turn + 1)
            self.filler.release()
            self.rows_flow()
            self.filler.fill(left=0)  # at once, with records under way
            time.sleep(0.3)
            assert self.leat.process.poll() is None, "leat ended"
            self.filler.release()

    def check(self):
        """All that was accepted is in the table and in the topic, once."""
        ended = self.leat.stop()
        assert ended.code == 0, ended.code
        ended.check_sum()
        audit(self.data)
        self.start(nowhere())
        records = AvroTopic(self.leat.addresses(), "users_created").read_all(decode=False)
        assert self.leat.stop().code == 0
        expected = users(self.api, accepted(self.data), page_size=20)
        assert by_id(table(self.data, TABLE)) == by_id([row(user) for user in expected])
        assert sorted(r.key.decode() for r in records) == sorted(user["login"]["uuid"] for user in expected)
        return len(expected)


def register(registry, number):
    """A schema of some kilobytes as subject sNUMBER-value: status and body of the answer."""
    schema = {"type": "record", "name": f"r{number}", "doc": "x" * 8000, "fields": []}
    request = urllib.request.Request(
        f"{registry}/subjects/s{number}-value/versions",
        json.dumps({"schema": json.dumps(schema)}).encode(),
        {"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def inner(place, folder, disk):
    run = Run(place, pathlib.Path(folder), pathlib.Path(disk))
    try:
        {"all": run.all_full, "registry": run.registry_full}.get(place, run.store_full)()
        print(f"{place}: {run.check()} users; said so, went on, nothing lost, nothing twice", flush=True)
    except BaseException:
        sys.stderr.write(run.leat.stderr[-6000:] if run.leat else "")
        raise
    finally:
        run.close()


def outer(place):
    """Runs itself over a disk of its own; the exit code."""
    with tempfile.TemporaryDirectory(prefix="leat-disk-") as folder:
        disk = pathlib.Path(folder) / "disk"
        disk.mkdir()
        mount = f'mount -t tmpfs -o size={DISK_MIB}m leat "{disk}" && exec "$0" "$@"'
        own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
        return subprocess.run(
            [*own, "sh", "-c", mount, sys.executable, __file__, place, folder, disk]
        ).returncode


def main():
    if len(sys.argv) == 4 and pathlib.Path(sys.argv[2]).is_absolute():
        return inner(*sys.argv[1:])
    places = sys.argv[1:] or PLACES
    unknown = [place for place in places if place not in PLACES]
    if unknown:
        sys.exit(f"no such place: {unknown[0]}; there are {', '.join(PLACES)}")
    sys.exit(1 if sum(outer(place) != 0 for place in places) else 0)


if __name__ == "__main__":
    main()
