"""Recordings that are too large for the repository: the folder of LEAT_SHARED, or `shared` beside the
project. Tests that find none use what the repository holds."""

import os
import pathlib

from leat import ROOT

SHARED = pathlib.Path(os.environ.get("LEAT_SHARED", ROOT.parent / "shared")) / "data"


def variants(invented, recorded, *patterns):
    """What a test is run with: data of our own, and the recordings where they are here."""
    return [invented] + ([recorded] if all(map(recording, patterns)) else [])


def recording(pattern):
    """The first file of this pattern, or None."""
    return next(iter(sorted(SHARED.glob(pattern))), None)
