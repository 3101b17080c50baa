"""What the python tasks of nightly.yaml call."""

import os


def choose(which):
    return which


def note(path, value):
    with open(path, "a") as receipts:
        receipts.write(f"note {value} {os.environ['LEAT_INTERVAL_START']}\n")
    return value
