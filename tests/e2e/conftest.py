"""Fixtures of the end-to-end tests: leat, and the stand-in for its source. See leat.py."""

import pathlib
import sys

import pytest

# Helpers (leat.py, topic.py, each folder's own) are imported by their plain names.
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(path) for path in sorted(HERE.iterdir()) if path.is_dir())]

from leat import Api, Leat  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: only in ./test --all")


@pytest.fixture
def make_api():
    """make_api(*options) starts `leat api`."""
    started = []

    def make(*options, **settings):
        started.append(Api(*options, **settings))
        return started[-1]

    yield make
    for api in started:
        api.close()


@pytest.fixture
def api(make_api):
    return make_api()


@pytest.fixture
def up(tmp_path):
    """up(*options, url=..., data=...) starts the users pipeline, or `files`."""
    started = []

    def start(*options, url=None, data=None, environment=None, **settings):
        environment = dict(environment or {})
        if url:
            environment["RANDOMUSER_URL"] = url
        started.append(Leat(data or tmp_path / "data", *options, environment=environment, **settings))
        return started[-1]

    yield start
    for process in started:
        process.close()
