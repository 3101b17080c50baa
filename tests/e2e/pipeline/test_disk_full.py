"""Runs tests/campaign/disk_full.py, which needs root or user namespaces for its small disks."""

import subprocess
import sys

import pytest
from leat import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("place", ["staging", "tables", "log", "state", "registry", "all"])
def test_a_full_disk_is_told_and_waited_out(place):
    script = ROOT / "tests" / "campaign" / "disk_full.py"
    done = subprocess.run([sys.executable, script, place], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
