"""A pipeline that refuses a record at its source and one in its stream."""

PIPELINE = """\
version: 1
pipeline: bad
sources:
  numbers:
    file: {path: numbers.jsonl}
    key: id
    schedule: "@once"
    topic: {name: numbers}
streams:
  parsed:
    sql: SELECT id, CAST(n AS INT) AS n FROM numbers
sinks:
  parsed: {from: parsed, table: parsed, key: [id]}
"""
RECORDS = ['{"id": "a", "n": "1"}', '{"id": "b", "n": "<b>x</b>"}', '{"n": "3"}', '{"id": "d", "n": "4"}']
