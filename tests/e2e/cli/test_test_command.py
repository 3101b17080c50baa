"""`leat test`: tests of pipeline files pass, fail with a readable place, and are reported as JUnit XML."""

import json
import os
import xml.etree.ElementTree as xml

import pytest
from commands import leat
from leat import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*/pipeline.yaml"))

FILE = """version: 1
pipeline: shop
sources:
  orders:
    file: {path: orders.jsonl}
    key: id
    schema: {file: order.avsc}
    schedule: "@once"
streams:
  paid:
    sql: SELECT id, amount, CAST(at AS TIMESTAMP) AS at, note FROM orders WHERE amount > 0
sinks:
  paid: {from: paid, table: shop.paid, key: [id]}
"""


SCHEMA = {
    "type": "record",
    "name": "order",
    "fields": [
        {"name": name, "type": ["null", kind], "default": None}
        for name, kind in {"id": "long", "amount": "long", "at": "string", "note": "string"}.items()
    ],
}


@pytest.fixture
def shop(tmp_path):
    """shop(tests) writes a pipeline file with these tests."""
    (tmp_path / "order.avsc").write_text(json.dumps(SCHEMA))
    (tmp_path / "orders.jsonl").write_text('{"id":1,"amount":5,"at":"2026-01-02","note":"a<b"}\n\n{"id":2,"amount":0}\n')

    def write(tests):
        path = tmp_path / "pipeline.yaml"
        path.write_text(FILE + tests)
        return path

    return write


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_pass(path):
    ended = leat("test", path)
    assert "FAIL" not in ended.stdout and " 0 failed" in ended.stdout


def test_leaves_nothing_behind(tmp_path):
    leat("test", EXAMPLES[0], environment={"TMPDIR": str(tmp_path)})
    assert os.listdir(tmp_path) == []


def test_files_and_partial_rows(shop):
    path = shop("""tests:
  from_file:
    given: {orders: [orders.jsonl, {id: 3, amount: 1}]}
    expect: {paid: [{id: 3, note: null}, {at: 2026-01-02T00:00:00Z}]}
""")
    assert leat("test", path).stdout.endswith("1 test: 1 passed, 0 failed\n")


def test_an_undeclared_schema_is_that_of_the_records(shop):
    path = shop("""tests:
  inferred:
    given: {orders: [{id: 1, amount: 5, at: "2026-01-02"}, {id: 2, amount: 5.5, note: x}]}
    expect: {paid: [{id: 1, amount: 5}, {id: 2, amount: 5.5, at: null, note: x}]}
""")
    path.write_text(path.read_text().replace("    schema: {file: order.avsc}\n", ""))
    leat("test", path)
    path.write_text(path.read_text().replace(", note: x", ""))
    assert 'there is no column "note"' in leat("test", path, code=78).stdout


def test_any_order_where_one_row_fits_two_expectations(shop):
    path = shop("""tests:
  order:
    given: {orders: [{id: 1, amount: 5}, {id: 2, amount: 5}]}
    expect: {paid: [{amount: 5}, {id: 1, amount: 5}]}
""")
    leat("test", path)
    leat("test", shop(path.read_text()[len(FILE):].replace("[{amount: 5}, {id: 1, amount: 5}]", "[{id: 1}, {amount: 5}]")))


def test_what_differs_has_its_place(shop, tmp_path):
    path = shop("""tests:
  wrong:
    given: {orders: [orders.jsonl, {id: "x", amount: 2}, {id: 9, amount: 2}]}
    expect:
      paid:
        - {id: 1, amount: 6, note: "a<b"}
        - {id: 9}
""")
    ended = leat("test", path, "--junit", tmp_path / "report.xml", code=1)
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "amount: 6" in text)
    assert f'{path}:{line}: sink "paid" has no row like this' in ended.stdout
    assert "amount: expected 6, is 5" in ended.stdout
    assert "0 passed, 1 failed" in ended.stdout
    suite = xml.parse(tmp_path / "report.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "1", "0")
    assert "a<b" in suite.find("testcase/failure").text


def test_a_number_is_not_its_text(shop):
    path = shop("""tests:
  kinds:
    given: {orders: [{id: 1, amount: 5, note: "7"}]}
    expect: {paid: [{note: 7}]}
""")
    assert 'note: expected 7, is "7"' in leat("test", path, code=1).stdout


def test_dead_letters_must_be_expected(shop):
    tests = """tests:
  dead:
    given: {orders: [{id: 1, amount: 5, at: someday}, {amount: 3}]}
    expect: {paid: []}
"""
    said = leat("test", shop(tests), code=1).stdout
    assert said.count("the dead letters has a row that is not expected") == 2
    tests += "    dead: [{reason: missing-key, hop: source}, {reason: cast, hop: process, name: paid}]\n"
    leat("test", shop(tests))


@pytest.mark.parametrize("wrong, hint", [
    ("given: {order: [{id: 1, amount: 2}]}\n    expect: {paid: []}", 'did you mean "orders"'),
    ("given: {orders: [{id: 1, amount: 2}]}\n    expect: {pad: []}", 'did you mean "paid"'),
    ("given: {orders: [{id: 1, amount: 2}]}\n    expect: {paid: [{amout: 2}]}", 'did you mean "amount"'),
    ("given: {orders: [none.json]}\n    expect: {paid: []}", "none.json"),
    ("given: {orders: [{id: 1}]}", "expects nothing"),
    ("given: {orders: [{id: 1}]}\n    clock: later\n    expect: {paid: []}", "later"),
    ("given: {orders: [[1]]}\n    expect: {paid: []}", "name of a file"),
    ("given: []\n    expect: {paid: []}", "given"),
])
def test_mistakes_in_a_test(shop, wrong, hint):
    path = shop(f"tests:\n  wrong:\n    {wrong}\n")
    said = leat("test", path, code=78).stdout
    assert f"{path}:" in said and hint in said


def test_no_tests(shop):
    ended = leat("test", shop(""))
    assert "has no tests" in ended.stderr and ended.stdout == ""


def test_json_and_a_wrong_file(shop, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("version: 1\n")
    path = shop("tests:\n  a:\n    given: {orders: [{id: 1, amount: 1}]}\n    expect: {paid: [{id: 1}]}\n")
    rows = leat("test", "--json", wrong, path, code=78).rows
    assert [(row["test"], row["ok"]) for row in rows] == [(None, False), ("a", True)]


def test_topic_of_a_stream(shop):
    path = shop("""  big: {from: big, table: shop.big, key: [id]}
tests:
  chained:
    given:
      orders: [{id: 7, amount: 3, at: "2026-01-01", note: x}]
      paid_orders: [{id: 8, amount: 40}]
    expect:
      paid: [{id: 7}]
      big: [{id: 8, amount: 40}]
""")
    text = path.read_text().replace(
        "sinks:\n", "  big:\n    sql: SELECT id, amount FROM paid_orders WHERE amount > 10\nsinks:\n", 1)
    path.write_text(text.replace("  paid:\n", "  paid:\n    topic: {name: paid_orders, key: [id]}\n", 1))
    leat("test", path)
