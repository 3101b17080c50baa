#!/usr/bin/env python3
"""What people who look cost: 50 open consoles, and 10,000 visits of the page.

usage: visits.py [--consoles N] [--visits N] [--seconds N]

The users pipeline runs. Its processor time is taken over some seconds with no console open and then with N
event streams that are read to their end of each second: the difference must be at most 0.1 core. Then the
page is visited N times, as a browser does it: the page, its files, the session, the status. Memory (RSS) after the
last visit must be within a tenth, and 4 MiB, of that after the first tenth. Ends with 1 if one does not hold.
"""

import argparse
import http.client
import os
import pathlib
import re
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e")]

from leat import Api, Leat  # noqa: E402

CORES_MAX = 0.1
TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def cores(pid, seconds):
    """Processor time a second, over some seconds."""
    before, began = processor_s(pid), time.monotonic()
    time.sleep(seconds)
    return (processor_s(pid) - before) / (time.monotonic() - began)


class Console(threading.Thread):
    """An open page: one event stream, read as it comes."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection(address, timeout=60)
        self.events = 0
        self.start()

    def run(self):
        self.connection.request("GET", "/api/v1/events")
        reply = self.connection.getresponse()
        try:
            while line := reply.readline():
                self.events += line.startswith(b"data: ")
        except (OSError, ValueError, AttributeError):
            pass  # closed at the end


def ask(connection, path):
    connection.request("GET", path)
    reply = connection.getresponse()
    body = reply.read()
    assert reply.status in (200, 503), (path, reply.status)
    return body.decode()


def open_consoles(process, count, seconds):
    pid, address = process.process.pid, process.addresses()["http"]
    alone = cores(pid, seconds)
    consoles = [Console(address) for _ in range(count)]
    time.sleep(2)
    watched = cores(pid, seconds)
    assert all(console.events >= seconds // 2 for console in consoles), "a stream stood still"
    print(f"consoles: {count} open; {alone:.3f} core without, {watched:.3f} with: {watched - alone:.3f} more")
    return watched - alone <= CORES_MAX


def visit_pages(process, count):
    pid, address = process.process.pid, process.addresses()["http"]
    first = None
    files = None
    for number in range(count):
        connection = http.client.HTTPConnection(address, timeout=60)  # a new one, as of another reader
        page = ask(connection, "/")
        files = files or sorted(set(re.findall(r"/page/[\w.]+", page)))
        for path in (*files, "/api/v1/session", "/api/v1/status"):
            ask(connection, path)
        connection.close()
        if number + 1 == count // 10:
            first = resident_kib(pid)
    last = resident_kib(pid)
    print(f"visits: {count} of {len(files) + 3} requests; {first} KiB after the first tenth, {last} KiB at the end")
    return last <= first * 1.1 + 4096


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--consoles", type=int, default=50)
    options.add_argument("--visits", type=int, default=10000)
    options.add_argument("--seconds", type=int, default=30)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="leat-visits-") as folder:
        api = Api()
        process = Leat(pathlib.Path(folder) / "data", environment={"RANDOMUSER_URL": api.url})
        try:
            process.addresses()
            holds = open_consoles(process, given.consoles, given.seconds)
            holds = visit_pages(process, given.visits) and holds
            process.stop().check_sum()
        finally:
            process.close()
            api.close()
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
