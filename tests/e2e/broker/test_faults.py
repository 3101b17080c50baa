"""Some rounds of tests/campaign/broker_faults.py. On a failure: run that with the seed shown."""

import random

import pytest
from broker_faults import run


@pytest.mark.slow
def test_what_is_acknowledged_is_there_once_whatever_fails():
    seed = random.randrange(1 << 32)
    print(f"tests/campaign/broker_faults.py 10 --seed {seed}")
    run(10, seed)
