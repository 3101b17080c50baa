"""A client in JavaScript, and Confluent's Avro format as it reads and writes it."""

import json
import pathlib
import shutil
import subprocess

import pytest
from leat import ROOT, nowhere
from topic import AvroTopic
from users import users

HERE = pathlib.Path(__file__).resolve().parent
INSTALLED = ROOT / "build" / "node"
SCHEMA = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "pieces", "type": "int"},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node():
    """node(addresses, *arguments, stdin) runs client.js; what it printed."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "client.js"):
        shutil.copy(HERE / name, INSTALLED / name)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=INSTALLED, check=True, capture_output=True)

    def run(addresses, *arguments, stdin=""):
        done = subprocess.run(
            ["node", INSTALLED / "client.js", addresses["kafka"], addresses["registry"], *map(str, arguments)],
            input=stdin, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_node_reads_what_leat_wrote(node, api, up):
    assert up("--limit", 600, url=api.url).wait().code == 0
    process = up(url=nowhere())
    records = node(process.addresses(), "read", "users_created", 600)
    assert process.stop().code == 0
    expected = {user["login"]["uuid"]: user for user in users(api, 600)}
    assert len({record["key"] for record in records}) == 600
    for record in records:
        user = expected[record["key"]]
        assert record["value"]["name"] == user["name"]
        assert record["value"]["location"]["postcode"] == str(user["location"]["postcode"])
        assert record["identity"].startswith("users.random_users/1/")


def test_node_writes_and_python_reads(node, up):
    process = up(url=nowhere())
    addresses = process.addresses()
    orders = [{"id": f"o{i}", "pieces": i, "note": "ü" if i % 2 else None} for i in range(50)]
    lines = "\n".join(json.dumps({"key": order["id"], "value": order}) for order in orders)
    node(addresses, "write", "orders", json.dumps(SCHEMA), stdin=lines)
    assert sorted((r.value for r in AvroTopic(addresses, "orders").read_all()), key=lambda v: v["pieces"]) == orders
    assert process.stop().code == 0
