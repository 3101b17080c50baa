#!/usr/bin/env python3
"""Writes zoneinfo/ and cases.txt: what Python's zoneinfo says of times around changes of the clock.

usage: tests/golden/zone/make.py         (needs zic and /usr/share/zoneinfo/tzdata.zi, of Debian's tzdata)

The files of the zones are kept beside the answers, so that neither depends on the tzdata of a machine. They are
as small as zic makes them; those in Fat have every change until 2037 written out.

Lines: name | u | time | offset | dst | abbreviation       a time in UTC, seconds since 1970
       name | l | local time | UTC of fold 0 | of fold 1   a time on the wall, as if it were UTC
"""

import datetime
import pathlib
import random
import struct
import subprocess
import tempfile
import zoneinfo

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = "/usr/share/zoneinfo/tzdata.zi"
NAMES = """Africa/Abidjan Africa/Casablanca America/Chicago America/Havana America/Los_Angeles America/New_York
America/Nuuk America/Santiago America/Sao_Paulo America/St_Johns Antarctica/Troll Asia/Gaza Asia/Jerusalem
Asia/Kathmandu Asia/Kolkata Asia/Tehran Asia/Tokyo Australia/Lord_Howe Australia/Sydney Etc/GMT+5 Europe/Berlin
Europe/Dublin Europe/Lisbon Europe/London Pacific/Apia Pacific/Auckland Pacific/Chatham Pacific/Kwajalein""".split()
FAT = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
EPOCH = datetime.datetime(1970, 1, 1)


def compile_zones():
    target = HERE / "zoneinfo"
    for kind, names in ("slim", NAMES), ("fat", FAT):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["zic", "-b", kind, "-d", folder, SOURCE], check=True)
            for name in names:
                path = target / (name if kind == "slim" else "Fat/" + name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes((pathlib.Path(folder) / name).read_bytes())
    return target


def changes(path):
    """The times of changes in the file's 64-bit block (RFC 9636)."""
    data = path.read_bytes()

    def header(at):
        return struct.unpack(">6L", data[at + 20 : at + 44])

    ut, standard, leaps, count, types, names = header(0)
    at = 44 + count * 5 + types * 6 + names + leaps * 8 + standard + ut
    count = header(at)[3]
    return struct.unpack(f">{count}q", data[at + 44 : at + 44 + 8 * count])


def interesting(path, source):
    """Times around changes: of the file, and of the rule until 2500."""
    known = [t for t in changes(path) if t > -3_000_000_000]
    times = source.sample(known, min(len(known), 12)) + known[-4:]
    zone = zoneinfo.ZoneInfo.from_file(path.open("rb"))
    for year in source.sample(range(2026, 2500), 6) + [2037, 2038]:
        day = datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc)
        for _ in range(366 * 24 * 2):
            following = day + datetime.timedelta(minutes=30)
            if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
                times.append(int(following.timestamp()))
            day = following
    return sorted(set(times)) + [source.randrange(-2_000_000_000, 16_000_000_000) for _ in range(10)]


def seconds(moment):
    return int((moment.replace(tzinfo=None) - EPOCH).total_seconds())


def main():
    source = random.Random(20260102)
    folder = compile_zones()
    lines = []
    for name in NAMES + ["Fat/" + name for name in FAT]:
        zone = zoneinfo.ZoneInfo.from_file((folder / name).open("rb"))
        for time in interesting(folder / name, source):
            for at in (time - 1, time, time + source.randrange(7200)):
                moment = (EPOCH + datetime.timedelta(seconds=at)).replace(tzinfo=datetime.timezone.utc).astimezone(zone)
                offset, dst = int(moment.utcoffset().total_seconds()), int(bool(moment.dst()))
                lines.append(f"{name}|u|{at}|{offset}|{dst}|{moment.tzname()}")
            local = EPOCH + datetime.timedelta(seconds=time + offset + source.randrange(-5400, 5400))
            folds = [seconds(local) - int(local.replace(tzinfo=zone, fold=f).utcoffset().total_seconds()) for f in (0, 1)]
            lines.append(f"{name}|l|{seconds(local)}|{folds[0]}|{folds[1]}")
    (HERE / "cases.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
