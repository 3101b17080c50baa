"""Each Airflow says again what tests/golden/timetable holds, by which leat's schedules are judged. No scheduler runs
and nothing depends on the day: every time is given, and "now" is one of the case."""

import os
import sys

import pytest
from conftest import VERSIONS, program
from leat import ROOT


@pytest.mark.parametrize("version", VERSIONS)
def test_airflow_agrees_with_what_is_kept(version, install, tmp_path):
    each = 1 if version == VERSIONS[0] else 4
    said = program(
        install(version) / "bin" / "python", "-B", ROOT / "tests" / "golden" / "timetable" / "make.py", "--check", each,
        env=dict(os.environ, AIRFLOW_HOME=str(tmp_path), TZ="UTC"),
    )  # fmt: skip
    counts = [int(line.split()[1]) for line in said.splitlines() if line.endswith(" cases")]
    assert len(counts) == 3 and sum(counts) >= 1600 // each, said
