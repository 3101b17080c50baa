"""The registry's most used client on Node, with records through leat's broker."""

import json
import shutil
import subprocess

import pytest
from leat import ROOT

HERE = ROOT / "tests" / "e2e" / "registry" / "node"
INSTALLED = ROOT / "build" / "registry-node"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def program():
    assert shutil.which("npm"), "npm is missing; install Node.js with npm (20 or newer)"
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "round_trip.js"):
        shutil.copy(HERE / name, INSTALLED / name)
    if not (INSTALLED / "node_modules").is_dir():
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(command, cwd=INSTALLED, check=True, capture_output=True, timeout=300)
    return INSTALLED / "round_trip.js"


def test_kafkajs(program, registry):
    command = ["node", str(program), registry.url, registry.kafka, "node-people"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    first, second = found["ids"]
    assert second > first
    assert (found["latest"], found["again"]) == (second, first)
    assert found["found"] == [{"id": 1}, {"id": 2, "name": "Größe 水"}, {"id": 3, "name": None}]
    assert "incompatible with an earlier schema" in found["incompatible"]
    assert "compatibility" in found["otherLevel"].lower()
    assert "Schema 999999 not found" in found["unknown"]
