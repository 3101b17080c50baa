#!/usr/bin/env python3
"""Fills the disk under a running leat, three times, and proves that it says so and goes on.

usage: disk_full.py

Runs itself in a mount namespace (unshare, as root or with user namespaces), where the data directory is
a small tmpfs. First fetching must pause when less than a tenth is free, with a message; then every byte
is taken while records are under way. When there is space again all of it must end up in the table and in
the topic, once.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "e2e" / "pipeline"), str(HERE)]

from kills import small_steps  # noqa: E402
from leat import Api, Leat, audit, nowhere, read_only, row_count, table, wait_until  # noqa: E402
from topic import AvroTopic  # noqa: E402
from users import by_id, row, users  # noqa: E402

DISK_MIB = 48
TABLE = "spark_streams.created_users"


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


def inner(folder):
    data = pathlib.Path(folder) / "data"
    api = Api(seed="full")
    files = [small_steps(pathlib.Path(folder) / "users.yaml")]
    filler = Filler(folder)
    leat = Leat(data, files=files, environment={"RANDOMUSER_URL": api.url})
    try:
        for turn in range(3):
            count = row_count(data, TABLE)
            wait_until(lambda: row_count(data, TABLE) > count + 100, "rows flow")
            filler.fill(left=2 << 20)  # below a tenth: fetching pauses
            wait_until(lambda: leat.stderr.count("fetching stopped") > turn, "the message about the disk")
            filler.release()
            count = row_count(data, TABLE)
            wait_until(lambda: row_count(data, TABLE) > count, "rows flow again")
            filler.fill(left=0)  # at once, with records under way
            time.sleep(0.3)
            assert leat.process.poll() is None, leat.stderr
            filler.release()
        ended = leat.stop()
        assert ended.code == 0, ended.stderr
        ended.check_sum()
        audit(data)
        last = Leat(data, files=files, environment={"RANDOMUSER_URL": nowhere()})
        records = AvroTopic(last.addresses(), "users_created").read_all(decode=False)
        assert last.stop().code == 0
        expected = users(api, accepted(data), page_size=20)
        assert by_id(table(data, TABLE)) == by_id([row(user) for user in expected])
        assert sorted(r.key.decode() for r in records) == sorted(user["login"]["uuid"] for user in expected)
        print(f"{len(expected)} users, {ended.stderr.count('fetching stopped')} pauses; nothing lost, nothing twice")
    except BaseException:
        sys.stderr.write(leat.stderr[-6000:])
        raise
    finally:
        leat.close()
        api.close()


def main():
    if len(sys.argv) == 2:
        return inner(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="leat-disk-") as folder:
        mount = f'mount -t tmpfs -o size={DISK_MIB}m leat "{folder}" && exec "$0" "$@"'
        own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
        done = subprocess.run([*own, "sh", "-c", mount, sys.executable, __file__, folder])
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
