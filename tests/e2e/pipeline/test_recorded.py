"""Replies of the real API, of now and of old versions, through the whole pipeline. What must come out
is derived from the replies with Python's json. The recordings are not ours to pass on: they are read
where they lie (recorded/shared.py); each test also runs with made-up users in the same forms."""

import datetime
import json
import pathlib

import old_users
import pytest
from leat import ROOT, audit, read_only, table
from shared import SHARED, variants
from topic import AvroTopic
from users import by_id, row

SAMPLE = ROOT / "tests" / "data" / "users-sample.json"
LEGACY = pathlib.Path(__file__).with_name("legacy.yaml")


class Replies:
    """Paths of replies: `now` all of today's version, `one` of them, `old` a folder of older ones."""

    def __init__(self, now, one, old):
        self.now, self.one, self.old = now, one, old
        self.v08, self.v12 = next(old.glob("v0.8*.json")), next(old.glob("v1.2*.json"))


def sample(folder):
    return Replies([SAMPLE], SAMPLE, old_users.write(results(SAMPLE), folder / "old"))


def recorded(_):
    now = SHARED / "randomuser"
    return Replies(sorted(now.glob("*.json")), next(now.glob("v1.4*-111.json")), SHARED / "randomuser-legacy")


@pytest.fixture(params=variants(sample, recorded, "randomuser/*.json", "randomuser-legacy/*.json"))
def given(request, tmp_path):
    found = request.param(tmp_path)
    if request.param is recorded:
        assert [len(users_of(found.now)), len(users_of([found.v08, found.v12]))] == [746, 1500]
    return found


def results(path):
    return json.loads(path.read_bytes())["results"]


def users_of(paths):
    return [user for path in paths for user in results(path)]


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


def test_users_field_by_field(given, replay, up, tmp_path):
    users = users_of(given.now)
    ended = up(command="run", url=replay(given.now).url).wait()
    assert ended.code == 0, ended.stderr
    assert ended.check_sum()["stored"] == len(users)
    assert by_id(table(tmp_path / "data", "spark_streams.created_users")) == by_id([row(u) for u in users])
    audit(tmp_path / "data")


def test_users_of_an_old_version_are_dead_letters_and_others_go_on(given, replay, up, tmp_path):
    good, old = results(given.one), results(given.v12)
    ended = up(command="run", url=replay([given.v12, given.one]).url).wait()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert (totals["accepted"], totals["refused"]) == (len(good), len(old))
    with read_only(tmp_path / "data", "staging.db") as db:
        letters = db.execute("SELECT raw, message FROM leat_dead ORDER BY id").fetchall()
    assert [json.loads(raw) for raw, _ in letters] == old
    assert all("location" in message for _, message in letters)
    assert by_id(table(tmp_path / "data", "spark_streams.created_users")) == by_id([row(u) for u in good])


def test_inferred_schemas_keep_every_field(given, up, tmp_path):
    settings = {"files": [LEGACY], "environment": {"RECORDED": str(given.old)}}
    ended = up(command="run", **settings).wait()
    assert ended.code == 0, ended.stderr
    assert ended.check_sum()["stored"] == len(users_of([given.v08, given.v12]))
    process = up(**settings)
    addresses = process.addresses()
    found = {name: AvroTopic(addresses, name).read_all() for name in ("users_08", "users_12")}
    assert process.stop().code == 0

    for name, path in (("users_08", given.v08), ("users_12", given.v12)):
        users = {key_of(user): user for user in results(path)}
        assert len(found[name]) == len(users)
        for record in found[name]:
            assert same(record.value, users[record.key.decode()]), record.value
    check_people(tmp_path / "data", given)


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


def check_people(data, given):
    def micros(moment):
        return int(moment.timestamp()) * 1000000

    utc = datetime.timezone.utc
    expected = {}
    mixed = {type(u["user"]["location"]["zip"]) for u in results(given.v08)} == {int, str}
    for user in (u["user"] for u in results(given.v08)):
        born = datetime.datetime.fromtimestamp(user["dob"], utc)
        expected[user["md5"]] = (f"{user['name']['first']} {user['name']['last']}", micros(born),
                                 str(user["location"]["zip"]) if mixed else user["location"]["zip"])
    assert {r["id"]: (r["name"], r["born"], r["zip"]) for r in table(data, "people_08")} == expected

    expected = {}
    for user in results(given.v12):
        born = datetime.datetime.strptime(user["dob"]["date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=utc)
        zip_code = str(user["location"]["postcode"])
        expected[user["login"]["uuid"]] = (f"{user['name']['first']} {user['name']['last']}", micros(born), zip_code)
    assert {r["id"]: (r["name"], r["born"], r["zip"]) for r in table(data, "people_12")} == expected
