"""Tables of PostgreSQL as a source: what leat stores is what PostgreSQL's own SELECT says, through updates, deletes,
key changes, large values, truncates, changed columns, large transactions and kills of both; and what is lost has a
name. Only in ./test --all; the engine by tools/engine."""

import json
import os
import pathlib
import random
import sqlite3
import subprocess
import threading
import time

import pytest
from leat import Leat, audit, leat, read_only, row_count, table, wait_until
from postgres_side import database, psql, rows

RUN_S = 60
COLUMNS = "id, name, n, body"
MAKE = "CREATE TABLE items(id int PRIMARY KEY, name text NOT NULL, n bigint, body text)"


@pytest.fixture(scope="session")
def server(engines):
    return engines.call("up", "postgres")["postgres"]


def drop_slots(url):
    psql(url, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
    wait_until(lambda: psql(url, "SELECT count(*) FROM pg_replication_slots WHERE active") == "0", "idle slots")
    psql(url, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


@pytest.fixture
def url(engines, server, request):
    """A database of the test's own; slots belong to the server, so they go."""
    engines.call("up", "postgres")  # a test may have killed it
    drop_slots(server)
    yield database(server, f"c{abs(hash(request.node.name)) % 10**12}")
    engines.call("up", "postgres")
    drop_slots(server)


def pipeline(folder, url, tables="items", columns=COLUMNS, key="id", **settings):
    """A pipeline file that keeps a copy of the table."""
    lines = "".join(f"      {name}: {value}\n" for name, value in settings.items())
    file = pathlib.Path(folder) / "copy.yaml"
    sink_key = key if key.startswith("[") else f"[{key}]"
    file.write_text(f"""\
version: 1
pipeline: copy
sources:
  items:
    postgres:
      url: {url}
      tables: {tables}
{lines}    key: {key}
streams:
  all:
    sql: SELECT {columns} FROM items
sinks:
  items: {{from: all, table: items, key: {sink_key}}}
""")
    return file


def run(file, data, *options):
    return leat("run", file, "--kafka", "127.0.0.1:0", "--http", "127.0.0.1:0", "--registry", "127.0.0.1:0",
                *options, data=data)  # fmt: skip


def drained(file, data, *options):
    ended = run(file, data, *options)
    assert ended.code == 0, ended.stderr
    ended.check_sum()
    return ended


def by_id(found):
    return {row["id"]: row for row in found}


def check_copy(url, data, query=f"SELECT {COLUMNS} FROM items"):
    theirs = by_id(rows(url, query))
    ours = by_id(table(data, "items"))
    assert ours.keys() == theirs.keys()
    for key, row in theirs.items():
        assert ours[key] == row, f"row {key}"


def staged(data):
    with read_only(data, "staging.db") as db:
        return db.execute("SELECT accepted FROM leat_sources").fetchone()[0]


def slot(url, column):
    return psql(url, f"SELECT {column} FROM pg_replication_slots WHERE slot_name = 'leat_copy_items'")


# ---- random changes ------------------------------------------------------------------------------

LARGE = "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 200))"  # stored out of line


def change(rng, keys):
    """A statement, and what it does to the set of keys."""
    kind = rng.random()
    key = rng.choice(sorted(keys)) if keys else None
    if kind < 0.35 or key is None:
        new = rng.randrange(1, 100_000)
        keys.add(new)
        body = LARGE if rng.random() < 0.3 else f"'b{rng.random()}'"
        return (f"INSERT INTO items VALUES ({new}, 'n{rng.random()}', {rng.randrange(-2**40, 2**40)}, {body})"
                f" ON CONFLICT (id) DO UPDATE SET name = excluded.name;")  # fmt: skip
    if kind < 0.65:
        return f"UPDATE items SET name = 'u{rng.random()}' WHERE id = {key};"
    if kind < 0.75:
        return f"UPDATE items SET body = {LARGE}, n = NULL WHERE id = {key};"
    if kind < 0.85:
        new = rng.randrange(100_000, 200_000)
        if new in keys:
            return f"UPDATE items SET n = 1 WHERE id = {key};"
        keys.discard(key)
        keys.add(new)
        return f"UPDATE items SET id = {new} WHERE id = {key};"
    keys.discard(key)
    return f"DELETE FROM items WHERE id = {key};"


def changes(rng, keys, count):
    """Transactions of some statements; one in ten is rolled back."""
    text = []
    for _ in range(count):
        before = set(keys)
        body = "".join(change(rng, keys) for _ in range(rng.randrange(1, 8)))
        if rng.random() < 0.1:
            keys.clear()
            keys.update(before)
            text.append(f"BEGIN;{body}ROLLBACK;")
        else:
            text.append(f"BEGIN;{body}COMMIT;")
    return "\n".join(text)


class Writer(threading.Thread):
    """Changes the table until it is stopped; a lost connection is made again."""

    def __init__(self, url, seed):
        super().__init__()
        self.url, self.rng, self.stopping, self.keys = url, random.Random(seed), threading.Event(), set()

    def run(self):
        while not self.stopping.is_set():
            text = changes(self.rng, self.keys, 5)
            subprocess.run(["psql", "-Xq", self.url], input=text, capture_output=True, text=True, timeout=RUN_S)

    def stop(self):
        self.stopping.set()
        self.join()


# ---- the same rows -------------------------------------------------------------------------------


def test_rows_and_then_changes(url, tmp_path):
    file, data = pipeline(tmp_path, url, page_records=100), tmp_path / "data"
    psql(url, f"{MAKE}; INSERT INTO items SELECT i, 'first ' || i, i, repeat('x', i % 5000)"
              f" FROM generate_series(1, 2000) i")  # fmt: skip
    assert drained(file, data).sum["stored"] == 2000
    check_copy(url, data)
    keys = set(range(1, 2001))
    psql(url, changes(random.Random(7), keys, 300))
    drained(file, data)
    check_copy(url, data)
    assert drained(file, data).sum["new"] == 0  # nothing comes twice
    audit(data)


def test_writes_while_the_first_rows_are_read(url, tmp_path):
    file, data = pipeline(tmp_path, url, page_records=50), tmp_path / "data"
    psql(url, f"{MAKE}; INSERT INTO items SELECT i, 'first', i, NULL FROM generate_series(300000, 320000) i")
    seed = random.randrange(2**32)
    writer = Writer(url, seed)
    writer.start()
    running = Leat(data, files=(file,))
    try:
        wait_until(lambda: row_count(data, "items") > 20_000, "the first rows", RUN_S)
    finally:
        writer.stop()
        running.stop()
    drained(file, data)
    check_copy(url, data)
    print(f"seed {seed}")


def test_values(url, tmp_path):
    columns = "id, b, r, d, num, price, raw, day, at, local, took, u, tags, grid, doc, mood, odd_name"  # as Avro may write it
    psql(url, """
        CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE DOMAIN small AS int CHECK (value < 100);
        CREATE TABLE items(id small PRIMARY KEY, b bool, r real, d float8, num numeric, price numeric(10,2), raw bytea,
          day date, at timestamptz, local timestamp, took interval, u uuid, tags text[], grid int[][], doc jsonb,
          mood mood, "odd name" text, twice int GENERATED ALWAYS AS (id * 2) STORED);
        INSERT INTO items(id, b, r, d, num, price, raw, day, at, local, took, u, tags, grid, doc, mood, "odd name")
        VALUES (1, true, 1.5, 'NaN', 123456789012345678901234567890.12345, 1.10, '\\x00ff10', '2024-02-29',
          '2024-02-29 12:00:00.25+02', '2024-02-29 12:00:00', '1 day 2 hours', 'da794aa2-87de-4f60-8632-1aa3c8a68bb3',
          ARRAY['a', NULL, 'c "q" \\ ,{}'], NULL, '{"k": [1, null]}', 'glad', E'tab\\t nl\\n ü 😀'),
        (2, false, '-Infinity', 1e300, 'NaN', -0.05, '', NULL, NULL, NULL, NULL, NULL, '{}', NULL, 'null', NULL, ''),
        (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""")
    file, data = pipeline(tmp_path, url, columns=columns), tmp_path / "data"
    drained(file, data)
    psql(url, "INSERT INTO items(id, tags, num) SELECT 4, tags, num FROM items WHERE id = 1")
    drained(file, data)
    first, second, third, fourth = (by_id(table(data, "items"))[i] for i in (1, 2, 3, 4))
    assert first["b"] in (1, True) and first["r"] == 1.5
    assert first["num"] == fourth["num"] == "123456789012345678901234567890.12345" and first["price"] == "1.10"
    assert bytes(first["raw"]) == bytes([0, 255, 16]) and bytes(second["raw"]) == b""
    assert first["took"] == "P1DT2H" and first["u"] == "da794aa2-87de-4f60-8632-1aa3c8a68bb3"
    assert json.loads(first["tags"]) == json.loads(fourth["tags"]) == ["a", None, 'c "q" \\ ,{}']
    assert json.loads(first["doc"]) == {"k": [1, None]} and first["mood"] == "glad"
    assert first["odd_name"] == "tab\t nl\n ü 😀" and second["odd_name"] == ""
    assert second["num"] == "NaN" and second["price"] == "-0.05" and second["d"] == 1e300
    assert json.loads(second["tags"]) == []
    assert all(value is None for name, value in third.items() if name != "id")
    text = leat("query", "--json", "SELECT string(at) AS at, string(day) AS day, string(local) AS local, d, r"
                " FROM items WHERE id <= 2 ORDER BY id", data=data)  # fmt: skip
    one, two = map(json.loads, text.stdout.splitlines())
    assert one["at"].startswith("2024-02-29 10:00:00.25") and one["day"] == "2024-02-29"
    assert one["local"].startswith("2024-02-29 12:00:00") and str(one["d"]) == "NaN" and "Infinity" in str(two["r"])


def test_truncate_and_changed_columns(url, tmp_path):
    file, data = pipeline(tmp_path, url, page_records=100), tmp_path / "data"
    psql(url, f"{MAKE}; INSERT INTO items SELECT i, 'x', i, NULL FROM generate_series(1, 1000) i")
    drained(file, data)
    psql(url, """
        ALTER TABLE items ADD COLUMN more timestamptz DEFAULT now();
        BEGIN; INSERT INTO items(id, name) VALUES (2000, 'before'); TRUNCATE items;
        INSERT INTO items(id, name, more) VALUES (1, 'after', '2024-01-01'); COMMIT;
        ALTER TABLE items DROP COLUMN n; INSERT INTO items(id, name) VALUES (2, 'without n');
        ALTER TABLE items ADD COLUMN n bigint; UPDATE items SET n = 5, body = 'b' WHERE id = 2""")
    drained(file, data)
    check_copy(url, data)
    assert len(table(data, "items")) == 2
    wide = pipeline(tmp_path, url, columns=COLUMNS + ", more")
    psql(url, "UPDATE items SET more = '2025-01-01' WHERE id = 1")
    drained(wide, data, "--rebuild")
    shown = leat("query", "--json", "SELECT string(more) AS more FROM items WHERE id = 1", data=data)
    assert json.loads(shown.stdout)["more"].startswith("2025-01-01"), shown.stdout + shown.stderr


@pytest.mark.parametrize("identity", ["FULL", "USING INDEX by_name"])
def test_other_identities(identity, url, tmp_path):
    key = "name" if "INDEX" in identity else "id"
    psql(url, f"{MAKE}; CREATE UNIQUE INDEX by_name ON items(name); ALTER TABLE items REPLICA IDENTITY {identity};"
              f"INSERT INTO items SELECT i, 'n' || i, i, {LARGE} FROM generate_series(1, 50) i")  # fmt: skip
    file, data = pipeline(tmp_path, url, key=key), tmp_path / "data"
    drained(file, data)
    psql(url, "UPDATE items SET n = 0 WHERE id < 10; UPDATE items SET name = 'm' || id WHERE id BETWEEN 10 AND 20;"
              "DELETE FROM items WHERE id > 40")  # fmt: skip
    drained(file, data)
    check_copy(url, data)


def test_several_tables(url, tmp_path):
    psql(url, "CREATE SCHEMA shop; CREATE TABLE shop.a(id int PRIMARY KEY, x text); CREATE TABLE shop.b(id int PRIMARY"
              " KEY, y int); INSERT INTO shop.a VALUES (1, 'a'); INSERT INTO shop.b VALUES (1, 5), (2, 6)")  # fmt: skip
    file = pipeline(tmp_path, url, tables="shop.*", columns="_table, id, x, y", key="[_table, id]")
    data = tmp_path / "data"
    drained(file, data)
    psql(url, "DELETE FROM shop.b WHERE id = 1; UPDATE shop.a SET x = 'z'; TRUNCATE shop.b; INSERT INTO shop.b VALUES (9, 9)")
    drained(file, data)
    found = {(row["_table"], row["id"], row["x"], row["y"]) for row in table(data, "items")}
    assert found == {("shop.a", 1, "z", None), ("shop.b", 9, None, 9)}
    # A table that joins later is read as a whole, and then followed.
    psql(url, "CREATE TABLE shop.c(id int PRIMARY KEY, x text); INSERT INTO shop.c VALUES (1, 'old'), (2, 'old');"
              "ALTER PUBLICATION leat_copy_items ADD TABLE shop.c; UPDATE shop.c SET x = 'new' WHERE id = 2")  # fmt: skip
    drained(file, data)
    assert {row["id"]: row["x"] for row in table(data, "items") if row["_table"] == "shop.c"} == {1: "old", 2: "new"}


def test_a_table_that_came_and_went(url, tmp_path):
    psql(url, f"{MAKE}; INSERT INTO items VALUES (1, 'x', 1, NULL); CREATE PUBLICATION every FOR ALL TABLES")
    file, data = pipeline(tmp_path, url, tables="'*'", publication="every"), tmp_path / "data"
    drained(file, data)
    psql(url, "CREATE TABLE passing(id int PRIMARY KEY, name text); INSERT INTO passing VALUES (1, 'gone'); DROP TABLE"
              " passing; INSERT INTO items VALUES (2, 'y', 2, NULL)")  # fmt: skip
    drained(file, data)
    check_copy(url, data)


def test_a_stop_while_the_server_waits(url, tmp_path):
    """A slot can only be made once the transactions that are under way have ended."""
    psql(url, f"{MAKE}; INSERT INTO items VALUES (1, 'x', 1, NULL)")
    file, data = pipeline(tmp_path, url), tmp_path / "data"
    holder = subprocess.Popen(["psql", "-Xq", url], stdin=subprocess.PIPE, text=True)
    try:
        holder.stdin.write("BEGIN; INSERT INTO items VALUES (2, 'y', 2, NULL);\n")
        holder.stdin.flush()
        held = "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
        wait_until(lambda: psql(url, held) == "1", "an open transaction")
        running = Leat(data, files=(file,))
        making = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE_REPLICATION_SLOT%'"
        wait_until(lambda: psql(url, making) == "1", "a slot under way", RUN_S)
        assert running.stop().code in (0, 143)
    finally:
        holder.communicate("COMMIT;\n", timeout=RUN_S)
    drained(file, data)
    check_copy(url, data)


# ---- large transactions, kills, idling -----------------------------------------------------------


def test_a_large_transaction_in_little_memory(url, tmp_path):
    count = int(os.environ.get("LEAT_CDC_ROWS", "200000"))
    file, data = pipeline(tmp_path, url, page_bytes="256 KiB"), tmp_path / "data"
    psql(url, MAKE)
    drained(file, data)
    running = Leat(data, files=(file,))
    running.addresses()
    psql(url, f"INSERT INTO items SELECT i, 'row ' || i, i, repeat('x', 100) FROM generate_series(1, {count}) i")
    wait_until(lambda: staged(data) > count // 3, "a part of the transaction", RUN_S)
    peak = int(pathlib.Path(f"/proc/{running.process.pid}/status").read_text().split("VmHWM:")[1].split()[0])
    running.kill()  # in the middle of it
    part = staged(data)
    assert count // 3 < part < count, part
    assert peak < 200_000, f"{peak} KiB"
    ended = drained(file, data)
    assert ended.sum["accepted"] == count and ended.sum["unchanged"] == 0, ended.stdout
    assert row_count(data, "items") == count


def test_kills_of_both(url, engines, tmp_path):
    file, data = pipeline(tmp_path, url, page_records=200), tmp_path / "data"
    psql(url, f"{MAKE}; INSERT INTO items SELECT i, 'first', i, NULL FROM generate_series(300000, 303000) i")
    seed = random.randrange(2**32)
    rng, writer = random.Random(seed), Writer(url, seed)
    print(f"seed {seed}")
    writer.start()
    running = Leat(data, files=(file,))
    try:
        for step in range(8):
            before = row_count(data, "items") and staged(data)
            wait_until(lambda: row_count(data, "items") and staged(data) > before, "progress", RUN_S)
            kind = ("leat", "walsender", "leat", "server")[step % 4]
            if kind == "leat":
                time.sleep(rng.random() / 5)
                running.kill()
                running = Leat(data, files=(file,))
            elif kind == "walsender":
                psql(url, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
            else:
                engines.call("down", "postgres", "--kill")
                engines.call("up", "postgres")
    finally:
        writer.stop()
        running.stop()
    drained(file, data)
    check_copy(url, data)
    audit(data)


def test_an_idle_slot_moves(url, server, tmp_path):
    """Other databases write; the server may forget it although this one has nothing to say."""
    file, data = pipeline(tmp_path, url), tmp_path / "data"
    psql(url, f"{MAKE}; INSERT INTO items VALUES (1, 'x', 1, NULL)")
    running = Leat(data, files=(file,))
    wait_until(lambda: row_count(data, "items") == 1, "the row", RUN_S)
    psql(server, "DROP TABLE IF EXISTS noise; CREATE TABLE noise AS SELECT repeat('x', 1000) FROM generate_series(1, 5000)")
    end = psql(server, "SELECT pg_current_wal_flush_lsn()")
    wait_until(lambda: slot(url, f"confirmed_flush_lsn >= '{end}'") == "t", "the slot to move", RUN_S)
    assert running.stop().code == 0


# ---- what is lost has a name ---------------------------------------------------------------------


def advance(url):
    psql(url, "SELECT pg_replication_slot_advance('leat_copy_items', pg_current_wal_flush_lsn())")


def drop(url):
    psql(url, "SELECT pg_drop_replication_slot('leat_copy_items')")


def drop_publication(url):
    psql(url, "DROP PUBLICATION leat_copy_items")


def invalidate(url):
    psql(url, "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
    psql(url, "SELECT pg_reload_conf()")
    for _ in range(3):
        psql(url, "SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000000)) FROM generate_series(1, 20)")
        psql(url, "SELECT pg_switch_wal()")
        psql(url, "CHECKPOINT")
    psql(url, "ALTER SYSTEM RESET max_slot_wal_keep_size")
    psql(url, "SELECT pg_reload_conf()")
    assert slot(url, "wal_status") == "lost"


@pytest.mark.parametrize(
    "lose, name",
    [(drop, "slot-missing"), (advance, "slot-moved"), (invalidate, "slot-invalidated"),
     (drop_publication, "publication-missing")],
)  # fmt: skip
def test_what_is_lost_has_a_name_and_a_way_out(lose, name, url, tmp_path):
    file, data = pipeline(tmp_path, url), tmp_path / "data"
    psql(url, f"{MAKE}; INSERT INTO items SELECT i, 'first', i, NULL FROM generate_series(1, 3000) i")
    drained(file, data)
    psql(url, "DELETE FROM items WHERE id % 7 = 0; UPDATE items SET name = 'changed' WHERE id = 1;"
              "INSERT INTO items VALUES (5000, 'new', 1, NULL)")  # fmt: skip
    lose(url)
    failed = run(file, data, "--give-up", "1s")
    assert failed.code != 0 and name in failed.stderr and "when_lost" in failed.stderr, failed.stderr
    assert len(table(data, "items")) == 3000  # nothing is guessed
    drained(pipeline(tmp_path, url, snapshot="when_lost"), data)
    check_copy(url, data)
    psql(url, "INSERT INTO items VALUES (5001, 'newer', 1, NULL)")
    drained(file, data)
    check_copy(url, data)


@pytest.mark.parametrize(
    "change, name",
    [({"system": "1"}, "other-server"), ({"timeline": 9}, "timeline-left"), ({"lsn": "FFFF/0"}, "server-behind"),
     ({"slot": "another"}, "a source keeps its slot")],
)  # fmt: skip
def test_another_history_is_refused(change, name, url, tmp_path):
    file, data = pipeline(tmp_path, url), tmp_path / "data"
    psql(url, f"{MAKE}; INSERT INTO items VALUES (1, 'x', 1, NULL)")
    drained(file, data)
    with sqlite3.connect(data / "staging.db") as db:
        cursor = json.loads(db.execute("SELECT cursor FROM leat_sources").fetchone()[0])
        assert cursor["system"] == psql(url, "SELECT system_identifier FROM pg_control_system()")
        db.execute("UPDATE leat_sources SET cursor = ?", (json.dumps(cursor | change),))
    failed = run(file, data, "--give-up", "1s")
    assert failed.code != 0 and name in failed.stderr, failed.stderr


def test_two_readers_of_a_slot(url, tmp_path):
    file = pipeline(tmp_path, url)
    psql(url, f"{MAKE}; INSERT INTO items VALUES (1, 'x', 1, NULL)")
    first = Leat(tmp_path / "first", files=(file,))
    wait_until(lambda: row_count(tmp_path / "first", "items") == 1, "the row", RUN_S)
    wait_until(lambda: slot(url, "active") == "t", "an active slot", RUN_S)
    second = run(file, tmp_path / "second", "--give-up", "1s")
    assert second.code != 0 and "slot-in-use" in second.stderr, second.stderr
    assert first.stop().code == 0


@pytest.mark.parametrize(
    "prepare, settings, words",
    [
        ("CREATE TABLE items(id int)", {}, "has no primary key"),
        (MAKE, {"tables": "nothing"}, 'no table "nothing"'),
        (MAKE, {"key": "name"}, "not in the replica identity"),
        (MAKE, {"slot": "Bad-Name"}, "no name of a replication slot"),
        (MAKE, {"metadata": "xid"}, 'no metadata'),
    ],
)
def test_wrong_settings_are_named(prepare, settings, words, url, tmp_path):
    psql(url, prepare)
    failed = run(pipeline(tmp_path, url, **settings), tmp_path / "data", "--give-up", "1s")
    assert failed.code == 78 and words in failed.stderr, failed.stderr
    assert psql(url, "SELECT count(*) FROM pg_replication_slots") == "0"


def test_doctor_changes_nothing(url, tmp_path):
    psql(url, f"{MAKE}; DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; GRANT SELECT ON items TO reader")
    fine = leat("doctor", pipeline(tmp_path, url), data=tmp_path / "data")
    assert "PostgreSQL" in fine.stdout and "1 table" in fine.stdout, fine.stdout
    reader = pipeline(tmp_path, url.replace("leat@", "reader@"))
    found = leat("doctor", reader, data=tmp_path / "data")
    assert found.code == 78 and "may not replicate" in found.stdout and "ALTER ROLE" in found.stdout, found.stdout
    assert psql(url, "SELECT count(*) FROM pg_replication_slots") == "0"
    assert psql(url, "SELECT count(*) FROM pg_publication") == "0"
