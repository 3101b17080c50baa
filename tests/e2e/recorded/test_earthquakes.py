"""Two polls of an earthquake feed that overlap, through examples/earthquakes: what changed is stored,
what did not is counted. The judge is Python's json over the same two replies."""

import collections
import copy
import json

import pytest
from leat import ROOT, audit, table
from shared import recording, variants

PIPELINE = ROOT / "examples" / "earthquakes" / "pipeline.yaml"
RECORDINGS = ("usgs-earthquakes/*1_day*.json", "usgs-earthquakes/*7_day*.json")


def quake(number, **properties):
    """An invented event in the form of the feed."""
    known = {
        "mag": 1.0 + number / 7, "place": f"{number} km N of Nowhere", "time": 1550000000000 + number * 61003,
        "updated": 1550000900000 + number, "status": "automatic", "net": "xyz"[number % 3], "magType": "ml", "felt": None,
    }
    point = {"type": "Point", "coordinates": [number / 3, -number, 10 if number % 2 else 0.5]}
    return {"type": "Feature", "properties": {**known, **properties}, "geometry": point, "id": f"xy{number}"}


def feed(quakes):
    return {"type": "FeatureCollection", "metadata": {"count": len(quakes)}, "features": quakes}


def invented():
    """A day, and a week that repeats it; in the week one magnitude is null and one field is new."""
    day = [quake(n) for n in range(20)]
    week = copy.deepcopy(day) + [quake(n, alert="green") for n in range(20, 50)] + [quake(50, mag=None)]
    return feed(day), feed(week)


def recorded():
    return tuple(json.loads(recording(name).read_text()) for name in RECORDINGS)


def expected_events(quakes):
    def event(q):
        p, (longitude, latitude, depth) = q["properties"], q["geometry"]["coordinates"]
        return {
            "id": q["id"], "at": p["time"] * 1000, "magnitude": p["mag"], "magnitude_type": p["magType"],
            "place": p["place"], "status": p["status"], "updated": p["updated"] * 1000,
            "longitude": longitude, "latitude": latitude, "depth_km": depth,
        }

    return {q["id"]: event(q) for q in quakes}


def expected_networks(changes):
    counts, strongest = collections.Counter(), {}
    for q in changes:
        network, magnitude = q["properties"]["net"], q["properties"]["mag"]
        counts[network] += 1
        if magnitude is not None:
            strongest[network] = max(magnitude, strongest.get(network, magnitude))
    return {n: {"network": n, "changes": counts[n], "strongest": strongest.get(n)} for n in counts}


def stored(data, name, key):
    rows = table(data, name)
    found = {r[key]: r for r in rows}
    assert len(found) == len(rows)
    return found


def poll(up, replies, reply):
    replies.body = json.dumps(reply).encode()
    ended = up(command="run", files=[PIPELINE], environment={"EARTHQUAKES_URL": replies.url}).wait()
    assert ended.code == 0, ended.stderr
    return ended.check_sum()


def check(data, changes):
    newest = {q["id"]: q for q in changes}.values()
    events = expected_events(newest)
    strong = {id: {k: e[k] for k in ("id", "at", "magnitude", "place")}
              for id, e in events.items() if e["magnitude"] is not None and e["magnitude"] >= 4.5}
    assert stored(data, "geo.events", "id") == events
    assert stored(data, "geo.strong", "id") == strong
    assert stored(data, "geo.by_network", "network") == expected_networks(changes)
    audit(data)


@pytest.mark.parametrize("source", variants(invented, recorded, *RECORDINGS))
def test_polls_that_overlap(source, up, replies, tmp_path):
    day, week = source()
    known = {q["id"]: q for q in day["features"]}
    repeated = sum(known.get(q["id"]) == q for q in week["features"])
    if source is recorded:
        assert (len(day["features"]), len(week["features"]), repeated) == (158, 1304, 158)
    poll(up, replies, day)
    check(tmp_path / "data", day["features"])
    totals = poll(up, replies, week)
    fetched = len(day["features"]) + len(week["features"])
    assert (totals["fetched"], totals["unchanged"]) == (fetched, repeated)
    assert (totals["accepted"], totals["stored"]) == (fetched - repeated, fetched - repeated)
    check(tmp_path / "data", day["features"] + [q for q in week["features"] if known.get(q["id"]) != q])


def test_a_revised_event_is_another_change(up, replies, tmp_path):
    before = [quake(n) for n in range(5)]
    after = copy.deepcopy(before)
    after[3]["properties"].update(mag=6.5, status="reviewed", updated=1560000000000)
    poll(up, replies, feed(before))
    totals = poll(up, replies, feed(after))
    assert (totals["accepted"], totals["unchanged"]) == (6, 4)
    check(tmp_path / "data", before + [after[3]])


def test_a_reply_that_is_cut_short_is_a_fault(up, replies, tmp_path):
    """Fewer events than announced: nothing of the reply is taken until it is whole."""
    whole = feed([quake(n) for n in range(5)])
    short = dict(whole, features=whole["features"][:3])
    replies.body = json.dumps(short).encode()
    process = up("--give-up", "1s", command="run", files=[PIPELINE], environment={"EARTHQUAKES_URL": replies.url})
    ended = process.wait()
    assert ended.code == 69, ended.stderr
    assert ended.sum["accepted"] == 0
    assert poll(up, replies, whole)["stored"] == 5
    check(tmp_path / "data", whole["features"])
