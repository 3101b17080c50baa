"""`leat audit`: the sum from the stores."""

import sqlite3

from commands import leat
from leat import Leat, nowhere


def test_holds(data):
    found = leat("audit", "--data", data, "--json").rows[0]
    assert found["holds"]
    assert (found["accepted"], found["stored"], found["in_flight"]) == (200, 200, 0)
    assert found["fetched"] == found["accepted"] + found["unchanged"] + found["refused"]
    assert "holds" in leat("audit", "--data", data).stdout


def change(data, sql):
    connection = sqlite3.connect(data / "staging.db")
    with connection:
        connection.execute(sql)
    connection.close()


def test_a_lost_record_shows(stopped):
    change(stopped, "UPDATE leat_sources SET accepted = accepted + 1, fetched = fetched + 1")
    assert "DOES NOT HOLD" in leat("audit", "--data", stopped, code=1).stdout


def test_a_miscounted_page_shows(stopped):
    change(stopped, "UPDATE leat_sources SET fetched = fetched + 1")
    found = leat("audit", "--data", stopped, "--json", code=1).rows[0]
    assert not found["holds"] and not found["sources"][0]["holds"]


def test_what_waits_in_the_log_is_under_way(stopped):
    for name in stopped.glob("state/*"):
        name.unlink()
    (stopped / "tables.db").unlink()
    found = leat("audit", "--data", stopped, "--json").rows[0]
    assert found["holds"] and found["in_flight"] == 200 and found["stored"] == 0


def test_tables_that_are_gone_show(stopped):
    tables = {"spark_streams.created_users", "spark_streams.users_by_country"}
    (stopped / "tables.db").unlink()
    found = leat("audit", "--data", stopped, "--json", code=1).rows[0]
    assert not found["holds"] and set(found["lost_tables"]) == tables
    # A leat that makes them anew, empty, does not hide it.
    again = Leat(stopped, environment={"RANDOMUSER_URL": nowhere()})
    again.addresses()
    assert again.stop().code == 0
    assert "a table is gone" in again.stderr
    text = leat("audit", "--data", stopped, code=1).stdout
    assert "DOES NOT HOLD" in text and all(f"table {name}: LOST" in text for name in tables)


def test_damaged_store(stopped):
    (stopped / "tables.db").write_bytes(b"x" * 8192)
    leat("audit", "--data", stopped, code=65)
