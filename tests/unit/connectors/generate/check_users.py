#!/usr/bin/env python3
"""Checks generated users with Python's own json, csv, hashlib, uuid and datetime, and compares their
structure with recorded replies of the real API where LEAT_SHARED holds some.

usage: check_users.py MAKE_USERS SAMPLE.json
"""

import collections
import csv
import datetime
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import uuid

PROGRAM, SAMPLE = sys.argv[1:3]
NOW = datetime.datetime(2026, 2, 28, 12, 0, 0, tzinfo=datetime.timezone.utc)


def make(now=NOW, **query):
    arguments = [PROGRAM, str(int(now.timestamp() * 1_000_000))]
    arguments += [f"{name}={value}" for name, value in query.items()]
    return subprocess.run(arguments, check=True, stdout=subprocess.PIPE).stdout.decode("utf-8")


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, path + (key,))
    else:
        yield ".".join(path), value


def shape(user):
    """Keys in their order with the type of each value."""
    return [(path, type(value).__name__) for path, value in leaves(user)]


def form(text):
    return re.sub(r"[A-Z]", "@", re.sub(r"[0-9]", "#", text))


def age(date, now):
    born = datetime.datetime.strptime(date, "%Y-%m-%dT%H:%M:%S.%f%z")
    before = (now.month, now.day, now.time()) < (born.month, born.day, born.time())
    return now.year - born.year - before


def check_user(user):
    login = user["login"]
    salted = (login["password"] + login["salt"]).encode()
    for name in ("md5", "sha1", "sha256"):
        assert login[name] == hashlib.new(name, salted).hexdigest(), user
    assert uuid.UUID(login["uuid"]).version == 4 and str(uuid.UUID(login["uuid"])) == login["uuid"]
    assert re.fullmatch(r"[a-z0-9.'’/-]+@example\.com", user["email"]), user["email"]
    assert all(len(part) > 1 for part in user["email"].split("@")[0].split(".", 1)), user["email"]
    for field in ("dob", "registered"):
        assert user[field]["age"] == age(user[field]["date"], NOW), user
    assert "1944-08-25" <= user["dob"]["date"] < "2001-05-29"
    assert "2002-03-21" <= user["registered"]["date"] < "2022-05-24"
    place = user["location"]
    assert 1 <= place["street"]["number"] <= 9999
    for value, most in zip(place["coordinates"].values(), (90, 180)):
        assert re.fullmatch(r"-?[0-9]+\.[0-9]{4}", value) and abs(float(value)) <= most
    assert re.fullmatch(r"[a-z]+[1-9][0-9]{2}", login["username"])
    folder, number = re.search(r"/(men|women)/([0-9]+)\.jpg$", user["picture"]["large"]).groups()
    assert folder == ("men" if user["gender"] == "male" else "women")
    assert int(number) <= (99 if folder == "men" else 96)


def check_formats():
    compact = make(results=500, seed="formats", page=3)
    reply = json.loads(compact)
    assert compact == json.dumps(reply, ensure_ascii=False, separators=(",", ":"))
    pretty = make(results=500, seed="formats", page=3, format="pretty")
    assert pretty == json.dumps(reply, ensure_ascii=False, indent=2)
    rows = list(csv.DictReader(io.StringIO(make(results=500, seed="formats", page=3, format="csv"))))
    assert len(rows) == 500
    for row, user in zip(rows, reply["results"]):
        assert row == {path: "" if v is None else str(v) for path, v in leaves(user)}
    odd = 'a"b\\c\x01é/\u2028'
    assert json.loads(make(seed=odd))["info"]["seed"] == odd
    assert make(results=1, inc=" Name ,nat,bogus", noinfo="").startswith('{"results":[{"name":{')
    assert json.loads(make(inc="nothing", format="pretty"))["results"] == [{}]
    assert json.loads(make(callback="f.g")[4:-2])["info"]["results"] == 1
    assert make(callback="alert(1)//").startswith('{"results"')


def check_seeds():
    one = make(results=50, seed="leat")
    assert one == make(results=50, seed="leat") == make(results=50, seed="leat", gender="male")
    users = json.loads(one)["results"]
    assert json.loads(make(results=80, seed="leat"))["results"][:50] == users
    assert json.loads(make(results=50, seed="leat", page=2))["results"] != users
    assert make(results=9) != make(results=9)
    later = json.loads(make(now=NOW.replace(year=2036), results=50, seed="leat"))["results"]
    for old, new in zip(users, later):
        assert new["dob"].pop("age") == old["dob"].pop("age") + 10
        assert new["registered"].pop("age") == old["registered"].pop("age") + 10
        assert old == new
    part = json.loads(make(results=50, seed="leat", exc="login,location"))["results"]
    assert all(p["phone"] == u["phone"] and "login" not in p for p, u in zip(part, users))
    assert {u["gender"] for u in json.loads(make(results=50, gender="female"))["results"]} == {
        "female"
    }
    chosen = json.loads(make(results=99, nat="de,IR"))["results"]
    assert {u["nat"] for u in chosen} == {"DE", "IR"}
    assert len({u["nat"] for u in json.loads(make(results=500, nat="de, ir"))["results"]}) == 21
    hinted = json.loads(make(results=9, seed="0123456789abcdef0c"))["results"]
    assert {u["nat"] for u in hinted} == {"IR"}
    for bad in ("0", "5001", "-1", "1.5", "x", "", "99999999999999999999"):
        assert json.loads(make(results=bad))["info"]["results"] == 1
        assert json.loads(make(page=bad if bad != "5001" else "10001"))["info"]["page"] == 1


def recorded():
    """Users of the real API, the newest version of each nationality."""
    shared = os.environ.get("LEAT_SHARED")
    folder = pathlib.Path(shared or "/nonexistent") / "data" / "randomuser"
    for pattern in ("v1.4*.json", "v1.3*.json"):
        for path in sorted(folder.glob(pattern)):
            for user in json.loads(path.read_text("utf-8"))["results"]:
                # 1.3 had numbers for the postcodes of NL, and no id for BR, CA and DE
                if pattern == "v1.4*.json" or user["nat"] not in ("NL", "BR", "CA", "DE"):
                    yield user
    if shared is None:
        yield from json.loads(pathlib.Path(SAMPLE).read_text("utf-8"))["results"]


def check_structure(users):
    shapes = collections.defaultdict(list)
    forms = collections.defaultdict(collections.Counter)
    for user in users:
        if shape(user) not in shapes[user["nat"]]:
            shapes[user["nat"]].append(shape(user))
        for field in ("phone", "cell"):
            forms[user["nat"], field][form(user[field])] += 1
    assert len(shapes) == 21 and all(len(seen) == 1 for seen in shapes.values())
    compared = 0
    real_forms = collections.defaultdict(collections.Counter)
    for real in recorded():
        assert shape(real) in shapes[real["nat"]], (real["nat"], shape(real))
        for field in ("phone", "cell"):
            real_forms[real["nat"], field][form(real[field])] += 1
        compared += 1
    assert compared > 0
    for key, seen in real_forms.items():
        if len(seen) == 1 and sum(seen.values()) >= 20:
            assert set(forms[key]) == set(seen), (key, forms[key], seen)
    print(f"compared with {compared} users")


def main():
    users = json.loads(make(results=5000, seed="check"))["results"]
    assert len(users) == 5000
    for user in users:
        check_user(user)
    check_formats()
    check_seeds()
    check_structure(users)


if __name__ == "__main__":
    main()
