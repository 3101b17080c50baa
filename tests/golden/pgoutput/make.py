"""Writes v1.hex, v2.hex and v3.hex: messages of a real PostgreSQL (15 made the ones here), one a line.

    python3 tests/golden/pgoutput/make.py postgresql://USER@HOST:PORT/DATABASE

The server needs wal_level=logical, max_prepared_transactions=5 and logical_decoding_work_mem=64kB; the database should
be empty. Transaction ids, oids, positions and times differ from run to run; the tests look at the rest.
"""

import pathlib
import subprocess
import sys

MAKE = '''
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE SCHEMA "Odd ""schema""";
CREATE TABLE t(id int PRIMARY KEY, name text, m mood, big text);
ALTER TABLE t ALTER COLUMN big SET STORAGE EXTERNAL;
CREATE TABLE "Odd ""schema"""."full" (a int, b text); ALTER TABLE "Odd ""schema"""."full" REPLICA IDENTITY FULL;
CREATE TABLE other(id int PRIMARY KEY); ALTER TABLE other REPLICA IDENTITY NOTHING;
CREATE PUBLICATION golden FOR TABLE t, "Odd ""schema"""."full";
CREATE PUBLICATION golden_inserts FOR TABLE other WITH (publish = 'insert, truncate');
'''
CHANGES = '''
BEGIN; INSERT INTO t VALUES (1, 'one', 'glad', NULL), (2, E'\\u00fc "two" \\U0001F600', NULL, repeat('x', 3000)); COMMIT;
UPDATE t SET name = 'uno' WHERE id = 1;
UPDATE t SET name = 'dos' WHERE id = 2;
UPDATE t SET id = 20 WHERE id = 2;
DELETE FROM t WHERE id = 1;
INSERT INTO "Odd ""schema"""."full" VALUES (1, NULL);
UPDATE "Odd ""schema"""."full" SET b = 'now';
DELETE FROM "Odd ""schema"""."full";
INSERT INTO other VALUES (7);
ALTER TABLE t ADD COLUMN late int DEFAULT 5;
INSERT INTO t(id) VALUES (3);
TRUNCATE t, other RESTART IDENTITY CASCADE;
SELECT pg_logical_emit_message(false, 'plain', 'outside');
BEGIN; SELECT pg_logical_emit_message(true, 'with', '\\x00ff'::bytea); COMMIT;
SELECT pg_replication_origin_create('elsewhere');
SELECT pg_replication_origin_session_setup('elsewhere');
BEGIN; SELECT pg_replication_origin_xact_setup('0/ABCDEF', now()); INSERT INTO t(id) VALUES (4); COMMIT;
SELECT pg_replication_origin_session_reset();
'''
STREAMED = '''
BEGIN; INSERT INTO t SELECT i, repeat('y', 100) FROM generate_series(100, 1100) i;
SAVEPOINT s; INSERT INTO t SELECT i, repeat('z', 100) FROM generate_series(2000, 3000) i; ROLLBACK TO s; COMMIT;
BEGIN; INSERT INTO t SELECT i, repeat('w', 100) FROM generate_series(4000, 5000) i; ROLLBACK;
'''
PREPARED = '''
BEGIN; INSERT INTO t(id) VALUES (10000); PREPARE TRANSACTION 'kept';
COMMIT PREPARED 'kept';
BEGIN; INSERT INTO t(id) VALUES (10001); PREPARE TRANSACTION 'dropped';
ROLLBACK PREPARED 'dropped';
BEGIN; INSERT INTO t SELECT i, repeat('p', 100) FROM generate_series(20000, 21000) i; PREPARE TRANSACTION 'streamed';
COMMIT PREPARED 'streamed';
'''


def psql(text):
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", sys.argv[1]], input=text, capture_output=True,
                          text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def record(name, version, changes, two_phase, options):
    psql(f"SELECT pg_create_logical_replication_slot('golden', 'pgoutput', false, {two_phase})")
    psql(changes)
    found = psql(f"SELECT encode(data, 'hex') FROM pg_logical_slot_get_binary_changes('golden', NULL, NULL,"
                 f" 'proto_version', '{version}', 'publication_names', 'golden,golden_inserts'{options})")  # fmt: skip
    psql("SELECT pg_drop_replication_slot('golden')")
    lines, last, repeated = [], None, 0
    for line in found.splitlines():
        kind = line[:2]
        repeated = repeated + 1 if kind == last else 0
        last = kind
        if repeated < 2:  # of many rows of one kind some are enough
            lines.append(line)
    pathlib.Path(__file__).with_name(name).write_text("\n".join(lines) + "\n")


psql(MAKE)
record("v1.hex", 1, CHANGES, "false", ", 'messages', 'true'")
record("v2.hex", 2, STREAMED, "false", ", 'streaming', 'true'")
record("v3.hex", 3, PREPARED, "true", ", 'streaming', 'true', 'two_phase', 'true'")
