import pytest
from dags import Dags


@pytest.fixture
def dags(tmp_path):
    """dags(text, head="") makes a pipeline file with DAGs."""
    return lambda text, head="": Dags(tmp_path, text, head)
