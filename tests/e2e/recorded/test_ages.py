"""The users API computes ages when it is asked: the same users a year later are no changes."""

import json

from leat import ROOT, audit, table, wait_until
from shared import recording
from users import by_id, row

SAMPLE = ROOT / "tests" / "data" / "users-sample.json"


def reply_of(users, info):
    return json.dumps({"results": users, "info": dict(info, results=len(users))}).encode()


def test_ages_are_no_changes_and_anything_else_is(up, replies, tmp_path):
    recorded = json.loads((recording("randomuser/v1.4*-111.json") or SAMPLE).read_bytes())
    users, info = recorded["results"], recorded["info"]
    older = json.loads(json.dumps(users))
    for user in older:
        user["dob"]["age"] += 1
        user["registered"]["age"] += 1
    older[7]["email"] = "moved@example.com"

    def stored():
        return by_id(table(tmp_path / "data", "spark_streams.created_users"))

    replies.body = reply_of(users, info)
    process = up("--set", "random_users.schedule=@every 100ms", url=replies.url)
    process.addresses()
    wait_until(lambda: replies.requests >= 3, "polls")  # the third answer comes after the first is staged
    replies.body = reply_of(older, info)
    asked = replies.requests
    wait_until(lambda: replies.requests >= asked + 3, "polls")
    ended = process.stop()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert totals["accepted"] == len(users) + 1
    assert totals["fetched"] % len(users) == 0
    assert totals["unchanged"] == totals["fetched"] - totals["accepted"]
    assert stored() == by_id([row(user) for user in older])
    audit(tmp_path / "data")
