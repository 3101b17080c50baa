"""The users example from the API to its tables and its topic."""

import collections
import json
import signal
import socket
import urllib.parse

import pytest
from leat import audit, nowhere, read_only, row_count, table, wait_until
from topic import AvroTopic, murmur2_partition
from users import by_id, changes_by_country, row, users

TABLE = "spark_streams.created_users"
BY_COUNTRY = "spark_streams.users_by_country"


def test_limit_is_exact_and_rows_are_those_of_the_api(api, up, tmp_path):
    ended = up("--limit", 1234, url=api.url).wait()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert (totals["accepted"], totals["new"], totals["stored"]) == (1234, 1234, 1234)
    expected = users(api, 1234)
    assert by_id(table(tmp_path / "data", TABLE)) == by_id(map_rows(expected))


def test_countries_are_counted_by_accepted_changes(api, up, tmp_path):
    assert up("--limit", 1500, url=api.url).wait().code == 0
    counted = collections.Counter()
    for group in table(tmp_path / "data", BY_COUNTRY):
        counted[group["country"]] += group["changes"]
    assert counted == changes_by_country(users(api, 1500))


def test_a_second_run_goes_on_inside_the_page_that_the_limit_cut(api, up, tmp_path):
    assert up("--limit", 700, url=api.url).wait().code == 0
    totals = up("--limit", 555, url=api.url).wait().check_sum()
    assert (totals["accepted"], totals["new"]) == (1255, 555)
    assert by_id(table(tmp_path / "data", TABLE)) == by_id(map_rows(users(api, 1255)))


def test_the_topic_holds_each_user_once_with_key_identity_and_schema(api, up):
    assert up("--limit", 1200, url=api.url).wait().code == 0
    process = up(url=nowhere())
    records = AvroTopic(process.addresses(), "users_created").read_all()
    assert process.stop().code == 0

    expected = {user["login"]["uuid"]: user for user in users(api, 1200)}
    assert len(records) == len(expected)
    positions = collections.defaultdict(list)
    for record in records:
        assert record.value == with_text_postcode(expected.pop(record.key.decode()), record.value)
        assert record.partition == murmur2_partition(record.key, 3)
        source, epoch, position, _, accepted_us = record.headers["leat"].decode().split("/")
        assert (source, epoch) == ("users.random_users", "1")
        assert record.timestamp_ms == int(accepted_us) // 1000
        positions[record.partition].append(int(position))
    for given in positions.values():
        assert given == sorted(set(given))


def map_rows(some):
    return [row(user) for user in some]


def with_text_postcode(user, decoded):
    """The user as the declared schema has it: postcodes are text; ages are those of the request."""
    user["location"]["postcode"] = str(user["location"]["postcode"])
    for field in ("dob", "registered"):
        assert abs(user[field]["age"] - decoded[field]["age"]) <= 1
        user[field]["age"] = decoded[field]["age"]
    return user


# ---- stopping and starting -----------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(number, api, up, tmp_path):
    process = up("--set", "random_users.schedule=@every 50ms", url=api.url)
    wait_until(lambda: row_count(tmp_path / "data", TABLE) >= 500, "500 rows")
    ended = process.stop(number)
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert row_count(tmp_path / "data", TABLE) == totals["stored"] == totals["accepted"]
    assert not (tmp_path / "data" / "leat.json").exists()


def test_a_second_leat_on_the_same_data_is_told_who_has_it(api, up):
    first = up("--set", "random_users.schedule=@every 1h", url=api.url)
    pid = first.addresses()["pid"]
    second = up(url=api.url).wait()
    assert second.code == 75
    assert str(pid) in second.stderr
    assert first.stop().code == 0


@pytest.mark.parametrize("option", ["--kafka", "--http", "--registry"])
def test_a_taken_port_is_named(option, api, up):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = up(option, f"127.0.0.1:{port}", url=api.url).wait()
    assert ended.code == 69, ended.stderr
    assert str(port) in ended.stderr


def test_rows_survive_a_kill_and_nothing_comes_twice(api, up, tmp_path):
    process = up("--set", "random_users.schedule=@every 20ms", url=api.url)
    wait_until(lambda: row_count(tmp_path / "data", TABLE) >= 1000, "1000 rows")
    process.kill()
    audit(tmp_path / "data")
    ended = up("--limit", 100, url=api.url).wait()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert by_id(table(tmp_path / "data", TABLE)) == by_id(map_rows(users(api, totals["accepted"])))


# ---- what the source does wrong ------------------------------------------------------------------

UNUSABLE = ["503:3", "429", "empty:2", "html", "truncated", "cut", "error", "slow:200ms:3", "reset:2",
            "503@0.2,reset@0.1,truncated@0.1"]


@pytest.mark.parametrize("fault", UNUSABLE)
def test_an_unusable_answer_is_asked_again_and_leaves_no_trace(fault, make_api, up, tmp_path):
    api = make_api("--fault", fault)
    ended = up("--limit", 1000, url=api.url).wait()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert (totals["accepted"], totals["refused"], totals["dead"]) == (1000, 0, 0)
    assert api.counts()["faults"] > 0
    clean = make_api()
    assert by_id(table(tmp_path / "data", TABLE)) == by_id(map_rows(users(clean, 1000)))


def test_a_bad_record_is_a_dead_letter_and_the_page_goes_on(make_api, up, tmp_path):
    api = make_api("--fault", "badrecord")
    ended = up("--limit", 999, url=api.url).wait()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert (totals["accepted"], totals["refused"], totals["stored"]) == (999, 1, 999)
    assert audit(tmp_path / "data")["refused"] == 1
    with read_only(tmp_path / "data", "staging.db") as db:
        (source, reason, raw), = db.execute("SELECT source, reason, raw FROM leat_dead").fetchall()
    assert source == "users.random_users" and reason
    assert "login" in json.loads(raw)


def test_the_rate_limit_of_the_api_is_kept(make_api, up, tmp_path):
    api = make_api("--limit")
    ended = up("--limit", 20000, url=api.url).wait()
    assert ended.code == 0, ended.stderr
    assert ended.check_sum()["stored"] == 20000
    process = up(url=api.url)  # the budget is spent, and that is durable
    process.addresses()
    assert process.stop().check_sum()["new"] == 0
    assert api.counts()["limited"] == 0


def test_up_waits_for_a_source_that_is_not_there(make_api, up, tmp_path):
    url = nowhere()
    process = up("--set", "random_users.schedule=@every 50ms", url=url)
    process.addresses()
    api = make_api("--listen", urllib.parse.urlparse(url).netloc)
    wait_until(lambda: row_count(tmp_path / "data", TABLE) > 0, "a row")
    assert process.stop().code == 0
    assert api.counts()["users"] > 0


def test_run_gives_up_on_a_source_that_is_not_there(up):
    ended = up("--give-up", "300ms", command="run", url=nowhere()).wait()
    assert ended.code == 69, ended.stderr
