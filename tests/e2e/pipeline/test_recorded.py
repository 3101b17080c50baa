"""Recorded replies of the real API through the whole pipeline. What must come out is derived from the
recordings with Python's json. The recordings are not ours to pass on: they are read where they lie
(recorded/shared.py); without them a sample of made-up users takes their place where it can."""

import datetime
import json
import pathlib

import pytest
from leat import ROOT, audit, read_only, table
from shared import SHARED
from topic import AvroTopic
from users import by_id, row

SAMPLE = ROOT / "tests" / "data" / "users-sample.json"
LEGACY = pathlib.Path(__file__).with_name("legacy.yaml")


def replies(folder, pattern="*"):
    found = sorted((SHARED / folder).glob(f"{pattern}.json"))
    if not found:
        pytest.skip("the recordings are not here")
    return found


def results(path):
    return json.loads(path.read_bytes())["results"]


@pytest.fixture
def replay(make_api, tmp_path):
    """The stand-in playing these replies, a page each."""

    def start(paths):
        folder = tmp_path / "replies"
        folder.mkdir()
        for path in paths:
            (folder / path.name).write_bytes(path.read_bytes())
        return make_api("--replay", folder)

    return start


def test_recorded_users_field_by_field(replay, up, tmp_path):
    here = (SHARED / "randomuser").is_dir()
    paths = replies("randomuser") if here else [SAMPLE]
    recorded = [user for path in paths for user in results(path)]
    assert len(recorded) == (746 if here else 20)
    ended = up(command="run", url=replay(paths).url).wait()
    assert ended.code == 0, ended.stderr
    assert ended.check_sum()["stored"] == len(recorded)
    assert by_id(table(tmp_path / "data", "spark_streams.created_users")) == by_id([row(u) for u in recorded])
    audit(tmp_path / "data")


def test_users_of_an_old_version_are_dead_letters_and_others_go_on(replay, up, tmp_path):
    paths = replies("randomuser-legacy", "v1.2*") + replies("randomuser", "v1.4*-111")
    good, old = results(paths[1]), results(paths[0])
    ended = up(command="run", url=replay(paths).url).wait()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert (totals["accepted"], totals["refused"]) == (len(good), len(old))
    with read_only(tmp_path / "data", "staging.db") as db:
        letters = db.execute("SELECT raw, message FROM leat_dead ORDER BY id").fetchall()
    assert [json.loads(raw) for raw, _ in letters] == old
    assert all("location" in message for _, message in letters)
    assert by_id(table(tmp_path / "data", "spark_streams.created_users")) == by_id([row(u) for u in good])


def test_inferred_schemas_keep_every_field(up, tmp_path):
    replies("randomuser-legacy")
    settings = {"files": [LEGACY], "environment": {"RECORDED": str(SHARED / "randomuser-legacy")}}
    ended = up(command="run", **settings).wait()
    assert ended.code == 0, ended.stderr
    assert ended.check_sum()["stored"] == 1500
    process = up(**settings)
    addresses = process.addresses()
    found = {name: AvroTopic(addresses, name).read_all() for name in ("users_08", "users_12")}
    assert process.stop().code == 0

    for name, path in (("users_08", replies("randomuser-legacy", "v0.8*")[0]),
                       ("users_12", replies("randomuser-legacy", "v1.2*")[0])):
        recorded = {key_of(user): user for user in results(path)}
        assert len(found[name]) == len(recorded)
        for record in found[name]:
            assert same(record.value, recorded[record.key.decode()]), record.value
    check_people(tmp_path / "data")


def key_of(user):
    return user["user"]["md5"] if "user" in user else user["login"]["uuid"]


def same(decoded, recorded):
    """Equal, but that a field seen both as number and text is text with the digits as they came, and a
    field that some records lack is null in them."""
    if isinstance(decoded, dict):
        return isinstance(recorded, dict) and recorded.keys() <= decoded.keys() and all(
            same(value, recorded.get(name)) for name, value in decoded.items()
        )
    if isinstance(decoded, str) and isinstance(recorded, int) and not isinstance(recorded, bool):
        return decoded == str(recorded)
    return decoded == recorded


def check_people(data):
    def micros(moment):
        return int(moment.timestamp()) * 1000000

    utc = datetime.timezone.utc
    expected = {}
    for user in (u["user"] for u in results(replies("randomuser-legacy", "v0.8*")[0])):
        born = datetime.datetime.fromtimestamp(user["dob"], utc)
        expected[user["md5"]] = (f"{user['name']['first']} {user['name']['last']}", micros(born), user["location"]["zip"])
    assert {r["id"]: (r["name"], r["born"], r["zip"]) for r in table(data, "people_08")} == expected

    expected = {}
    for user in results(replies("randomuser-legacy", "v1.2*")[0]):
        born = datetime.datetime.strptime(user["dob"]["date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=utc)
        zip_code = str(user["location"]["postcode"])
        expected[user["login"]["uuid"]] = (f"{user['name']['first']} {user['name']['last']}", micros(born), zip_code)
    assert {r["id"]: (r["name"], r["born"], r["zip"]) for r in table(data, "people_12")} == expected
