"""A data directory with 200 users in it, and the same while leat runs on it."""

import shutil

import pytest
from commands import leat
from leat import ANY_PORTS, USERS, Api, Leat


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    data = tmp_path_factory.mktemp("cli") / "data"
    api = Api()
    try:
        leat("run", USERS, "--data", data, "--limit", "200", "-q", *ANY_PORTS, environment={"RANDOMUSER_URL": api.url})
    finally:
        api.close()
    return data


@pytest.fixture
def stopped(filled, tmp_path):
    """A copy of its own, on which nothing runs."""
    data = tmp_path / "data"
    shutil.copytree(filled, data)
    return data


@pytest.fixture
def running(stopped):
    """The same with leat on it, whose source is not reachable."""
    process = Leat(stopped, environment={"RANDOMUSER_URL": "http://127.0.0.1:9/"})
    process.addresses()
    yield stopped
    process.close()


@pytest.fixture(params=["stopped", "running"])
def data(request):
    return request.getfixturevalue(request.param)
