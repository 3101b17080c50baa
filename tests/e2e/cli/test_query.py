"""`leat query` over tables and topics, whether leat runs or not."""

import csv
import io
import sqlite3

from commands import leat


def stored(data):
    """Rows of the table as SQLite's own client sees them."""
    connection = sqlite3.connect(f"file:{data}/tables.db?mode=ro", uri=True)
    rows = connection.execute('SELECT first_name, email FROM "spark_streams.created_users"').fetchall()
    connection.close()
    return sorted(rows)


def test_table(data):
    found = leat("query", "--data", data, "--json", "SELECT first_name, email FROM spark_streams.created_users").rows
    assert sorted((row["first_name"], row["email"]) for row in found) == stored(data)
    assert len(found) == 200


def test_topic_and_table_agree(data):
    rows = leat(
        "query",
        "--data",
        data,
        "--json",
        """SELECT count(*) AS n, count(t.id) AS stored, count(DISTINCT u._partition) AS partitions
           FROM users_created u LEFT JOIN spark_streams.created_users t ON t.id = u.login.uuid""",
    ).rows
    assert rows == [{"n": 200, "stored": 200, "partitions": 3}]


def test_forms(data):
    sql = "SELECT first_name, post_code, 'a,\"b\"' AS odd, NULL AS none FROM spark_streams.created_users ORDER BY id LIMIT 3"
    as_json = leat("query", "--data", data, "--json", sql).rows
    as_csv = list(csv.DictReader(io.StringIO(leat("query", "--data", data, "--csv", sql).stdout)))
    assert [{**row, "none": ""} for row in as_json] == as_csv
    table = leat("query", "--data", data, sql).stdout.splitlines()
    assert table[0].split() == ["first_name", "post_code", "odd", "none"]
    assert len(table) == 5 and table[2].startswith(as_json[0]["first_name"])


def test_limit_and_standard_input(data):
    found = leat("query", "--data", data, "--json", "--limit", "7", "-", stdin="SELECT * FROM users_created")
    assert len(found.rows) == 7


def test_what_there_is(data):
    rows = leat("query", "--data", data, "--json").rows
    assert {(row["name"], row["kind"]) for row in rows} == {
        ("spark_streams.created_users", "table"),
        ("spark_streams.users_by_country", "table"),
        ("users_created", "topic"),
    }


def test_errors_point_into_the_text(stopped):
    wrong = leat("query", "--data", stopped, "SELECT location.contry\nFROM users_created", code=78).stderr
    assert "query:1:17" in wrong and "                ^" in wrong and 'did you mean "country"' in wrong
    table = leat("query", "--data", stopped, "SELECT * FROM user_created", code=78).stderr
    assert 'did you mean "users_created"' in table
    bad_row = leat("query", "--data", stopped, "SELECT CAST(email AS INT) FROM users_created", code=1).stderr
    assert "query:1:8" in bad_row


def test_no_data_directory(tmp_path):
    assert "is no data directory" in leat("query", "--data", tmp_path / "none", "SELECT 1", code=1).stderr
