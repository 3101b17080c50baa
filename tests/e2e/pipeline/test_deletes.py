"""Records that say that their key is gone."""

import json

import pytest
from leat import ANY_PORTS, audit, leat, table


def write(folder, deleted, records):
    (folder / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    file = folder / "deletes.yaml"
    file.write_text(f"""\
version: 1
pipeline: deletes
sources:
  things:
    file: {{path: "{folder}/records.jsonl"}}
    key: id
    deleted: {deleted}
streams:
  all: {{sql: "SELECT id, name FROM things"}}
sinks:
  things: {{from: all, table: things, key: [id]}}
tests:
  gone:
    given: {{things: [{{id: 1, name: a, gone: false, op: u}}, {{id: 2, name: b, gone: false, op: u}}, {{id: 1, name: a, gone: true, op: d}}]}}
    expect: {{things: [{{id: 2, name: b}}]}}
""")
    return file


@pytest.mark.parametrize(
    "deleted, marks, others",
    [
        ("gone", [{"gone": True}, {"gone": "2026-01-01"}, {"gone": 1}, {"gone": {}}],
         [{"gone": False}, {"gone": None}, {"gone": ""}, {"gone": 0}, {}]),
        ("{field: op, equals: d}", [{"op": "d"}], [{"op": "u"}, {"op": ""}, {"op": None}, {}]),
    ],
)  # fmt: skip
def test_a_record_marks_a_delete(deleted, marks, others, tmp_path):
    records = [{"id": i, "name": f"n{i}"} for i in range(20)]
    for i, mark in enumerate(marks):
        records.append({"id": i} | mark)  # no more than the key
    for i, mark in enumerate(others):
        records.append({"id": 10 + i, "name": "kept"} | mark)
    records.append({"id": 99} | marks[0])  # of a key that is not there
    if deleted == "gone":  # one type, as a schema wants it
        records = [r for r in records if isinstance(r.get("gone"), bool) or r.get("gone") is None or r["id"] < len(marks)]
    file = write(tmp_path, deleted, records)
    data = tmp_path / "data"
    ended = leat("run", file, *ANY_PORTS, data=data)
    assert ended.code == 0, ended.stderr
    expected = {r["id"]: r["name"] for r in records if "name" in r}
    for i in range(len(marks)):
        expected.pop(i)
    assert {row["id"]: row["name"] for row in table(data, "things")} == expected
    assert ended.check_sum()["refused"] == 0, ended.stderr
    audit(data)


def test_leat_test_knows_deletes(tmp_path):
    for deleted in ("gone", "{field: op, equals: d}"):
        ended = leat("test", write(tmp_path, deleted, []))
        assert ended.code == 0, ended.stdout + ended.stderr
