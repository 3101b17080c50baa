#!/usr/bin/env python3
"""Kills leat again and again, and proves at the end that nothing was lost and nothing came twice.

usage: kills.py COUNT [--seed N] [--data DIR] [--only NAME]

A round has 250 kills; round n of a long campaign is --seed N+n.

Two pipelines run in one process: the users example over `leat api`, and changes.yaml over a source
in this program, whose few keys change all the time. Each life ends by SIGKILL: at a random moment
(start-up included), or at a random passing of a named crash point (crash_point() in src/). Every
tenth life is stopped by SIGTERM instead, and its sum must be true. `leat audit` is asked now and then
over what a kill has left.

At the end a last life finishes what was accepted. Then, by clients not written here:
- the tables hold the first K records of each source, K being the accepted ones, each once, as
  derived from the source's own replies;
- so do the topics; each key's records are in their order, each partition's positions rise;
- the counts a key (a stateful stream) and the sum are true.
"""

import argparse
import collections
import http.server
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "e2e" / "pipeline")]

from leat import ROOT, USERS, Api, Leat, audit, nowhere, read_only, table, wait_until  # noqa: E402
from topic import AvroTopic  # noqa: E402
from users import by_id, row, users  # noqa: E402

CHANGES = HERE / "changes.yaml"
USERS_TABLE = "spark_streams.created_users"
USERS_PAGE, CHANGES_PAGE, KEYS = 20, 30, 53
LIFE_S, POINT_S = 0.8, 3.0
ROUND = 250


def small_steps(target):
    """The users example with small pages that come fast, so that kills fall between many commits."""
    text = pathlib.Path(USERS).read_text()
    for old, new in (
        ("{results: 500}", f"{{results: {USERS_PAGE}}}"),
        ('"@every 10s"', '"@every 20ms"'),
        ("limit: 20000 records / 5 min", "limit: 10000000 records / 5 min"),
        ("file: user.avsc", f"file: {pathlib.Path(USERS).with_name('user.avsc')}"),
    ):
        assert old in text, f"the users example has no {old}"
        text = text.replace(old, new)
    target.write_text(text)
    return target


def change(number):
    """The number-th record of the changes source: keys come in runs, so that a page holds a key
    several times."""
    return {"id": f"k{(number // 2 * 7) % KEYS}", "n": number}


class ChangesSource(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        first = (int(query["page"][0]) - 1) * CHANGES_PAGE
        records = [change(first + i) for i in range(CHANGES_PAGE)]
        body = json.dumps({"count": len(records), "records": records}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # the client was killed


def crash_points():
    """Names of all crash points of the sources."""
    found = set()
    for path in (ROOT / "src").rglob("*.c"):
        found |= set(re.findall(r'crash_point\("([^"]+)"\)', path.read_text()))
    assert found
    return sorted(found)


class Campaign:
    def __init__(self, count, seed, data, only=None):
        self.count, self.data = count, pathlib.Path(data)
        self.users_file = small_steps(self.data.with_name("users.yaml"))
        self.random = random.Random(seed)
        self.points = [only] if only else crash_points()
        self.kills = collections.Counter()
        self.api = Api(seed="campaign")
        self.changes = QuietServer(("127.0.0.1", 0), ChangesSource)
        threading.Thread(target=self.changes.serve_forever, daemon=True).start()
        self.environment = {
            "RANDOMUSER_URL": self.api.url,
            "CHANGES_URL": f"http://127.0.0.1:{self.changes.server_port}/changes",
        }

    def close(self):
        self.api.close()
        self.changes.shutdown()
        self.changes.server_close()

    def start(self, *arguments, **environment):
        return Leat(
            self.data, *arguments, files=(self.users_file, CHANGES),
            environment=self.environment | environment,
        )  # fmt: skip

    # ---- lives -----------------------------------------------------------------------------------

    def kill_at_random(self):
        life = self.start()
        self.let_live(life, self.random.uniform(0, LIFE_S))
        life.kill()
        return "random"

    def kill_at_point(self):
        point = self.random.choice(self.points)
        passing = self.random.choice((1, 2, 3, self.random.randint(4, 40)))
        life = self.start(LEAT_CRASH=f"{point}:{passing}")
        try:
            life.process.wait(POINT_S)
        except subprocess.TimeoutExpired:
            life.kill()
            return "random"  # it never came there
        ended = life.wait()
        assert ended.code == -9, f"ended with {ended.code} before {point}:{passing}\n{ended.stderr}"
        return point

    def stop(self):
        life = self.start()
        life.addresses()
        self.let_live(life, self.random.uniform(0, LIFE_S))
        ended = life.stop()
        assert ended.code == 0, f"the drain ended with {ended.code}\n{ended.stderr}"
        ended.check_sum()
        return "drained"

    @staticmethod
    def let_live(life, seconds):
        """It must not end by itself meanwhile."""
        try:
            life.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        raise AssertionError(f"leat ended by itself with {life.process.returncode}\n{life.stderr}")

    def run(self, report=None):
        for number in range(1, self.count + 1):
            if number % 10 == 0:
                self.stop()
            self.kills[self.kill_at_point() if self.random.random() < 0.6 else self.kill_at_random()] += 1
            if number % 5 == 0 and (self.data / "FORMAT").exists():
                self.audit_remains()
            if report and number % 10 == 0:
                report(f"{number} kills, {self.accepted('users.random_users')} users,"
                       f" {self.accepted('changes.changes')} changes accepted")
        self.check()

    def audit_remains(self):
        """Over what the kill left."""
        audit(self.data)

    # ---- what must be true -----------------------------------------------------------------------

    def rows(self, name):
        return table(self.data, name)

    def accepted(self, source):
        with read_only(self.data, "staging.db") as db:
            found = db.execute("SELECT accepted FROM leat_sources WHERE source = ?", (source,)).fetchone()
        return found[0] if found else 0

    def check(self):
        """A last life, whose sources are not reachable, finishes what there is."""
        last = self.start(RANDOMUSER_URL=nowhere(), CHANGES_URL=nowhere())
        try:
            addresses = last.addresses()
            wait_until(lambda: audit(self.data)["in_flight"] == 0, "all that was accepted at its end", 120)
            user_records = AvroTopic(addresses, "users_created").read_all()
            change_records = AvroTopic(addresses, "changes").read_all()
        except BaseException:
            sys.stderr.write(last.stderr)
            last.close()
            raise
        ended = last.stop()
        assert ended.code == 0, ended.stderr
        totals = ended.check_sum()
        assert totals["dead"] == totals["refused"] == 0
        accepted = self.accepted("users.random_users")
        assert audit(self.data)["accepted"] == accepted + self.accepted("changes.changes")
        self.check_users(user_records, accepted)
        self.check_changes(change_records, self.accepted("changes.changes"))
        assert totals["accepted"] == accepted + self.accepted("changes.changes")

    def check_users(self, records, accepted):
        expected = users(self.api, accepted, page_size=USERS_PAGE)
        assert by_id(self.rows(USERS_TABLE)) == by_id([row(user) for user in expected])
        ids = [user["login"]["uuid"] for user in expected]
        assert sorted(record.key.decode() for record in records) == sorted(ids), "topic users_created"
        self.check_positions(records)
        counted = sum(r["changes"] for r in self.rows("spark_streams.users_by_country"))
        assert counted == accepted, f"users_by_country counts {counted} of {accepted}"

    def check_changes(self, records, accepted):
        expected = collections.defaultdict(list)
        for number in range(accepted):
            expected[change(number)["id"]].append(number)
        found = collections.defaultdict(list)
        for record in records:
            assert record.value["id"] == record.key.decode()
            found[record.value["id"]].append(record.value["n"])
        assert found == expected, "topic changes: lost, twice, or out of order"
        self.check_positions(records)
        latest = {r["id"]: r["n"] for r in self.rows("campaign.latest")}
        assert latest == {key: numbers[-1] for key, numbers in expected.items()}, "campaign.latest"
        counts = {r["id"]: (r["changes"], r["newest"]) for r in self.rows("campaign.counts")}
        assert counts == {key: (len(n), n[-1]) for key, n in expected.items()}, "campaign.counts"

    @staticmethod
    def check_positions(records):
        last = {}
        for record in records:
            position = int(record.headers["leat"].decode().split("/")[2])
            assert position > last.get(record.partition, 0), "positions of a partition do not rise"
            last[record.partition] = position


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--data", help="data directory; kept")
    parser.add_argument("--only", help="one crash point")
    arguments = parser.parse_args()
    started = time.monotonic()
    kills = collections.Counter()
    # In rounds, each with data of its own: what is compared at the end must fit into memory.
    for number in range(0, arguments.count, ROUND):
        seed = arguments.seed + number // ROUND
        data = arguments.data or tempfile.mkdtemp(prefix="leat-kills-") + "/data"
        count = min(ROUND, arguments.count - number)
        print(f"{count} kills, seed {seed}, data {data}", flush=True)
        campaign = Campaign(count, seed, data, arguments.only)
        try:
            campaign.run(report=lambda line: print(line, flush=True))
        finally:
            campaign.close()
        kills += campaign.kills
        if not arguments.data:
            shutil.rmtree(pathlib.Path(data).parent)
    print(f"kills: {dict(sorted(kills.items()))}")
    print(f"nothing lost, nothing twice, in order; {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
