"""One leat for the tests of this folder; each test has subjects of its own."""

import itertools

import pytest
from leat import Leat, nowhere
from rest import Registry

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    process = Leat(tmp_path_factory.mktemp("registry") / "data", environment={"RANDOMUSER_URL": nowhere()})
    yield Registry(process.addresses())
    process.close()


@pytest.fixture
def subject():
    return f"subject-{next(numbers)}-value"
