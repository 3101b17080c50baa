"""Runs tests/campaign/disk_full.py, which needs root or user namespaces for its small disk."""

import subprocess
import sys

import pytest
from leat import ROOT


@pytest.mark.slow
def test_a_full_disk_is_told_and_waited_out():
    script = ROOT / "tests" / "campaign" / "disk_full.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
