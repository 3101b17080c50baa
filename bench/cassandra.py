#!/usr/bin/env python3
"""Rows a second into Cassandra: leat's store beside the Java driver that comes with Cassandra, in turns.

    tools/engine up cassandra; bench/cassandra.py --build build cassandra://127.0.0.1:PORT
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[1]
JARS = ROOT / "build" / "engines" / "cassandra-5.0.9"
RUN_S = 600


def number(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=RUN_S)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return float(done.stdout.split()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--build", default="build")
    parser.add_argument("--rows", type=int, default=300000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    given = parser.parse_args()
    at = urllib.parse.urlsplit(given.url)
    leat = pathlib.Path(given.build) / "bench" / "cassandra_bench"

    def java(batch, in_flight):
        peer = ROOT / "bench" / "CassandraPeer.java"
        return number("java", "-Xmx512m", "-cp", f"{JARS}/*", peer, at.hostname, at.port, given.rows, batch, in_flight)

    ways = {
        "leat, batches of 10": lambda: number(leat, given.url, given.rows),
        "leat, a request a row": lambda: number(leat, f"{given.url}?batch_partitions=1&in_flight=512", given.rows),
        "Java driver, batches of 10": lambda: java(10, 128),
        "Java driver, a request a row": lambda: java(1, 512),
    }
    number(leat, given.url, given.rows // 3)  # the server's own warming up, and the keyspace
    found = {name: [] for name in ways}
    for _ in range(given.rounds):
        for name, way in ways.items():
            found[name].append(way())
    best = max(statistics.median(rates) for name, rates in found.items() if name.startswith("Java"))
    print(f"{'rows of 12 columns, 456 bytes':32}{'median rows/s':>15}{'of the best driver':>20}")
    for name, rates in found.items():
        print(f"{name:32}{statistics.median(rates):15,.0f}{statistics.median(rates) / best:20.0%}")
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
