"""Refused records: listed from every store with their reason and bytes, and tried again."""

import json
import urllib.request

import pytest
from bad_numbers import PIPELINE, RECORDS
from leat import WAIT_S, wait_until


@pytest.fixture
def base(up, tmp_path):
    (tmp_path / "numbers.jsonl").write_text("\n".join(RECORDS) + "\n")
    (tmp_path / "bad.yaml").write_text(PIPELINE)
    process = up(files=[tmp_path / "bad.yaml"])
    base = f"http://{process.addresses()['http']}"

    def ended():
        totals = ask(base, "/api/v1/status")["totals"]
        return totals["fetched"] == 4 and totals["accepted"] == 3 and totals["in_flight"] == 0

    wait_until(ended, "all records to end")
    return base


def ask(base, path, body=None):
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(base + path, json.dumps(body).encode() if body is not None else None, headers)
    with urllib.request.urlopen(request, timeout=WAIT_S) as reply:
        return json.load(reply)


def test_letters_of_all_hops_are_listed(base):
    letters = {letter["hop"]: letter for letter in ask(base, "/api/v1/dead")}
    assert set(letters) == {"source", "process"}
    assert letters["source"]["reason"] == "missing-key"
    assert json.loads(letters["source"]["raw"]) == {"n": "3"}
    assert (letters["process"]["pipeline"], letters["process"]["topic"]) == ("bad", "numbers")
    assert "<b>x</b>" in letters["process"]["message"]
    assert ask(base, "/api/v1/dead?hop=source") == [letters["source"]]
    assert ask(base, "/api/v1/dead?reason=none-such") == []
    totals = ask(base, "/api/v1/status")["totals"]
    assert (totals["refused"], totals["dead"], totals["stored"]) == (1, 1, 2)


def test_a_retry_that_fails_again_is_counted(base):
    letter = ask(base, "/api/v1/dead?hop=process")[0]
    retried = ask(base, "/api/v1/dead/retry", {"store": letter["store"], "id": letter["id"]})
    assert retried == {"tried": 1, "resolved": 0}
    assert ask(base, "/api/v1/dead?hop=process")[0]["retries"] == 1
    assert ask(base, "/api/v1/dead/retry", {}) == {"tried": 2, "resolved": 0}  # the source's letter, too
    assert ask(base, "/api/v1/status")["totals"]["dead"] == 1
