"""Edits in event time through examples/wikipedia, whole and with lines out of order. The judge is a
model of Spark's rule in a few lines: the watermark of a batch is made by the batches before it, and a
record is late if its window has ended by then."""

import collections
import datetime
import gzip
import json
import random

import pytest
from leat import ROOT, audit, table
from shared import recording, variants

PIPELINE = ROOT / "examples" / "wikipedia" / "pipeline.yaml"
SAMPLE = ROOT / "examples" / "wikipedia" / "edits.jsonl"
KEY = ("time", "channel", "page", "user", "delta", "comment")
MINUTE_US = 60_000_000
DELAY_US = 5 * MINUTE_US
BATCH = 1000
RECORDING = "wikipedia-edits/*.jsonl.gz"


def recorded():
    return gzip.decompress(recording(RECORDING).read_bytes()).decode().splitlines()


def sample():
    return SAMPLE.read_text().splitlines()


def micros(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(moment.timestamp() * 1000) * 1000


def model(lines, batch_size=BATCH):
    """(rows, unchanged, late) as they must be after all windows are closed."""
    newest, accepted, unchanged = {}, [], 0
    for line in lines:
        edit = json.loads(line)
        key = tuple(edit[name] for name in KEY)
        if newest.get(key) == edit:
            unchanged += 1
            continue
        newest[key] = edit
        accepted.append(edit)
    rows = collections.defaultdict(lambda: [0, 0, 0])
    late, watermark_us = 0, 0
    for first in range(0, len(accepted), batch_size):
        batch = accepted[first : first + batch_size]
        for edit in batch:
            minute = micros(edit["time"]) // MINUTE_US * MINUTE_US
            if minute + MINUTE_US <= watermark_us:
                late += 1
                continue
            row = rows[edit["channel"], minute]
            row[0] += 1
            row[1] += edit["delta"]
            row[2] += edit["isRobot"]
        watermark_us = max(watermark_us, max(micros(edit["time"]) for edit in batch) - DELAY_US)
    return dict(rows), unchanged, late


def shuffled(lines, seed):
    """Some lines far too late, most only a little out of order."""
    numbers = random.Random(seed)
    places = [(i + numbers.choice([0, 0, 0, 5, 50, 400, 3000]) * numbers.random(), i) for i in range(len(lines))]
    return [lines[i] for _, i in sorted(places)]


def run(up, path, *options, **settings):
    ended = up("--flush-windows", *options, command="run", files=[PIPELINE],
               environment={"WIKIPEDIA_EDITS": str(path)}, **settings).wait(timeout_s=90)
    assert ended.code == 0, ended.stderr
    return ended.check_sum()


def check(data, totals, lines):
    rows, unchanged, late = model(lines)
    assert totals["fetched"] == len(lines)
    assert (totals["unchanged"], totals["late"], totals["dead"]) == (unchanged, late, 0)
    assert totals["stored"] == len(lines) - unchanged - late
    found = {(r["channel"], r["minute"]): [r["edits"], r["characters"], r["by_robots"]]
             for r in table(data, "wiki.per_minute")}
    assert found == rows
    audit(data)
    return rows


@pytest.mark.parametrize("source", variants(sample, recorded, RECORDING))
def test_edits_in_order(source, up, tmp_path):
    lines = source()
    path = tmp_path / "edits.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode(), 1))
    rows = check(tmp_path / "data", run(up, path), lines)
    if source is recorded:
        assert len(rows) == 13909


@pytest.mark.parametrize("source", variants(sample, recorded, RECORDING))
def test_late_edits_are_told_apart(source, up, tmp_path):
    lines = source()
    if source is sample:
        # More than a batch: the sample some times over, an hour later each time.
        lines = [shift(line, hours) for hours in range(12) for line in lines]
    lines = shuffled(lines, 7)
    assert model(lines)[2] > 0
    path = tmp_path / "edits.jsonl"
    path.write_text("\n".join(lines) + "\n")
    check(tmp_path / "data", run(up, path), lines)


def shift(line, hours):
    edit = json.loads(line)
    moment = datetime.datetime.fromisoformat(edit["time"].replace("Z", "+00:00")) + datetime.timedelta(hours=hours)
    edit["time"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(edit, ensure_ascii=False)
