"""Each Airflow says again what tests/golden/trigger_rules holds, by which leat's trigger rules are judged."""

import os
import re

import pytest
from conftest import VERSIONS, program
from leat import ROOT

MAKE = ROOT / "tests" / "golden" / "trigger_rules" / "make.py"


@pytest.mark.parametrize("version", VERSIONS)
def test_airflow_agrees_with_what_is_kept(version, install, tmp_path):
    said = program(
        install(version) / "bin" / "python", "-B", MAKE, "--check",
        env=dict(os.environ, AIRFLOW_HOME=str(tmp_path), TZ="UTC"),
    )  # fmt: skip
    assert int(re.search(r"^(\d+) cases$", said, re.M)[1]) >= 1386
