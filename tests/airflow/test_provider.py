"""The provider's own tests within each version of Airflow, its types, and what its wheel says of itself."""

import os
import subprocess

import pytest
from conftest import PROVIDER, VERSIONS, home


def run(name, folder, *words):
    """A program of that version's virtual environment, with an Airflow home of its own."""
    settings = {"AIRFLOW_HOME": str(folder), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [home(name) / "bin" / "python", *words], cwd=PROVIDER, env=os.environ | settings, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("name", VERSIONS)
def test_unit_tests(install, name, tmp_path):
    install(name)
    done = run(name, tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout and "skipped" not in done.stdout, done.stdout


def test_types(install, tmp_path):
    install("airflow")
    done = run("airflow", tmp_path, "-m", "mypy", "--cache-dir", tmp_path, "--config-file", "pyproject.toml", "src")
    assert done.returncode == 0, done.stdout
