"""The kill campaign, short and long. On a failure: tests/campaign/kills.py COUNT --seed SEED."""

import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "campaign"))

from kills import Campaign  # noqa: E402


@pytest.mark.parametrize("count", [50, pytest.param(200, marks=pytest.mark.slow)])
def test_kills_lose_nothing_and_double_nothing(count, tmp_path):
    seed = random.randrange(1 << 32)
    print(f"tests/campaign/kills.py {count} --seed {seed}")
    campaign = Campaign(count, seed, tmp_path / "data")
    try:
        campaign.run()
    finally:
        campaign.close()
