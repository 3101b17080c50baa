"""What the README's tour does: query, change the SQL, and go on."""

import json
import pathlib
import shutil

import pytest
from leat import USERS, leat, nowhere, table
from users import by_id, row, users

TABLE = "spark_streams.created_users"


def query(data, sql):
    ended = leat("query", "--json", sql, data=data)
    assert ended.code == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.fixture
def example(tmp_path):
    """A copy of the users example that a test may change."""
    folder = tmp_path / "users"
    shutil.copytree(pathlib.Path(USERS).parent, folder)
    return folder / "pipeline.yaml"


def change(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, f"{path} has {text.count(old)} of {old}"
    path.write_text(text.replace(old, new))


def test_query_reads_tables_and_topics_whether_leat_runs_or_not(api, up, tmp_path):
    data = tmp_path / "data"
    assert up("--limit", 600, url=api.url).wait().code == 0
    expected = users(api, 600)
    emails = sorted(user["email"] for user in expected)
    by_email = f"SELECT email FROM {TABLE} ORDER BY email"
    nats = "SELECT nat, count(*) AS n FROM users_created GROUP BY nat ORDER BY nat"
    counted = {}
    for user in expected:
        counted[user["nat"]] = counted.get(user["nat"], 0) + 1

    def check():
        assert [r["email"] for r in query(data, by_email)] == emails
        assert {r["nat"]: r["n"] for r in query(data, nats)} == counted

    check()
    process = up(url=nowhere())
    process.addresses()
    check()
    assert process.stop().code == 0


def test_a_wrong_query_points_at_the_word_and_names_the_nearest(api, up, tmp_path):
    assert up("--limit", 1, url=api.url).wait().code == 0
    ended = leat("query", f"SELECT emial FROM {TABLE}", data=tmp_path / "data")
    assert ended.code == 78
    assert "emial" in ended.stderr and "^" in ended.stderr and "email" in ended.stderr


def with_nat(user):
    return row(user) | {"nat": user["nat"].upper()}


def test_a_changed_query_holds_for_new_records_and_with_rebuild_for_all(api, up, example, tmp_path):
    data = tmp_path / "data"
    assert up("--limit", 300, url=api.url, files=[example]).wait().code == 0
    change(example, "phone, picture.medium AS picture", "phone, picture.medium AS picture, upper(nat) AS nat")
    ended = up("--limit", 200, url=api.url, files=[example]).wait()
    assert ended.code == 0, ended.stderr
    assert ended.check_sum()["new"] == 200

    expected = users(api, 600)
    before = [row(user) | {"nat": None} for user in expected[:300]]
    assert by_id(table(data, TABLE)) == by_id(before + [with_nat(user) for user in expected[300:500]])

    change(example, "upper(nat) AS nat", "concat(upper(nat), '!') AS nat")
    ended = up("--rebuild", "--limit", 100, url=api.url, files=[example]).wait()
    assert ended.code == 0, ended.stderr
    totals = ended.check_sum()
    assert (totals["accepted"], totals["stored"], totals["new"]) == (600, 600, 100)
    rebuilt = [row(user) | {"nat": user["nat"].upper() + "!"} for user in expected]
    assert by_id(table(data, TABLE)) == by_id(rebuilt)


def test_a_changed_stateful_query_asks_for_rebuild_and_counts_the_same_again(api, up, example, tmp_path):
    assert up("--limit", 300, url=api.url, files=[example]).wait().code == 0
    change(example, "count(*) AS changes", "count(*) AS changes, max(nat) AS newest")
    refused = up("--limit", 0, url=api.url, files=[example]).wait()
    assert refused.code == 78 and "--rebuild" in refused.stderr
    ended = up("--rebuild", "--limit", 0, url=api.url, files=[example]).wait()
    assert ended.code == 0, ended.stderr
    assert ended.check_sum()["stored"] == 300
    rows = table(tmp_path / "data", "spark_streams.users_by_country")
    assert sum(r["changes"] for r in rows) == 300
    assert all(len(r["newest"]) == 2 for r in rows)


def test_a_mistake_in_the_file_is_told_before_anything_starts(up, example, tmp_path):
    change(example, "schedule:", "shedule:")
    ended = up(url=nowhere(), files=[example]).wait()
    assert ended.code == 78
    assert "shedule" in ended.stderr and "schedule" in ended.stderr and ":20:" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_a_mistake_in_the_sql_is_told_with_its_place(up, example):
    change(example, "name.last AS last_name", "name.lost AS last_name")
    ended = up(url=nowhere(), files=[example]).wait()
    assert ended.code == 78
    assert "lost" in ended.stderr and "last" in ended.stderr and "^" in ended.stderr
