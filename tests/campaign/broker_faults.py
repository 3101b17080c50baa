#!/usr/bin/env python3
"""The broker under faults: what it acknowledged is there, once and in order.

usage: broker_faults.py ROUNDS [--seed N]

A broker runs with broker_faults.c loaded into it. In each round, on a topic of its own with three
partitions, two idempotent producers of librdkafka write numbers while a consumer group reads them,
under some of: connections that are reset in the middle of a frame, frames in pieces of seven bytes,
writes and syncs of files that fail with EIO or ENOSPC, peers that stop in the middle of a request or
never read their answers, kill -9 and restarts. Then the faults end, and must be overcome:

- every number was acknowledged, and stands in the topic at the offset that was told, once;
- the numbers of a producer rise in each partition;
- the group has read every number, those of a partition in their order.
"""

import argparse
import collections
import contextlib
import errno
import mmap
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e" / "broker")]

from confluent_kafka import Consumer, Producer  # noqa: E402
from helpers import create_topic, read_partition  # noqa: E402

ROOT = HERE.parents[1]
PROGRAM = os.environ.get("LEAT_BROKER", str(ROOT / "build/tests/unit/leat-broker-test"))
PARTITIONS, PRODUCERS, COUNT = 3, 2, 1500
WAIT_S = 120
FIELDS = ("reset", "brief", "disk", "errno")


class Faults:
    """The file that tells the broker's process how often a call fails."""

    def __init__(self, folder):
        self.library = folder / "faults.so"
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-O1", "-o", self.library, HERE / "broker_faults.c", "-ldl"], check=True
        )
        self.path = folder / "faults"
        self.path.write_bytes(bytes(4096))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 4096)

    def set(self, **chosen):
        values = [chosen.get(name, 0) for name in FIELDS]
        self.memory[:16] = struct.pack("=4I", *values)

    def done(self):
        return struct.unpack("=3I", self.memory[16:28])


class Broker:
    def __init__(self, folder, faults):
        self.folder, self.faults, self.port = folder, faults, 0
        self.stderr = open(folder / "stderr", "ab")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [PROGRAM, "--dir", str(self.folder / "log"), "--port", str(self.port)],
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
            env=dict(os.environ, LD_PRELOAD=str(self.faults.library), FAULTS=str(self.faults.path)),
        )
        self.address = self.process.stdout.readline().strip()
        assert self.address, f"the broker did not start, see {self.folder}/stderr"
        self.port = int(self.address.rsplit(":", 1)[1])

    def end(self, number):
        assert self.process.poll() is None, f"the broker ended with {self.process.returncode}"
        self.process.send_signal(number)
        code = self.process.wait(WAIT_S)
        assert code in (0, -signal.SIGKILL) or number == signal.SIGTERM, f"the broker ended with {code}"
        self.process.stdout.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(WAIT_S)
        self.stderr.close()


class Writer(threading.Thread):
    """One idempotent producer; partition of a number is fixed."""

    def __init__(self, address, topic, number):
        super().__init__(daemon=True)
        self.topic, self.number = topic, number
        self.acknowledged, self.failed = {}, []
        self.producer = Producer(
            {
                "bootstrap.servers": address,
                "enable.idempotence": True,
                "message.timeout.ms": WAIT_S * 1000,
                "linger.ms": 2,
                "batch.num.messages": 50,
                "reconnect.backoff.ms": 10,
                "reconnect.backoff.max.ms": 200,
                "retry.backoff.ms": 20,
                "socket.timeout.ms": 3000,
                "log_level": 0,
            }
        )

    def delivered(self, error, message):
        if error:
            self.failed.append(error)
        else:
            self.acknowledged[message.value()] = (message.partition(), message.offset())

    def run(self):
        for i in range(COUNT):
            self.producer.produce(
                self.topic, b"%d:%d" % (self.number, i), partition=i % PARTITIONS, on_delivery=self.delivered
            )
            self.producer.poll(0)
            if i % 100 == 99:
                self.producer.poll(0.02)
        self.producer.flush(WAIT_S)


class Reader(threading.Thread):
    """A group of one that reads until it has every number."""

    def __init__(self, address, topic, group):
        super().__init__(daemon=True)
        self.found = collections.defaultdict(list)  # by partition
        self.seen = set()
        self.stop = threading.Event()
        self.consumer = Consumer(
            {
                "bootstrap.servers": address,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "auto.commit.interval.ms": 50,
                "reconnect.backoff.ms": 10,
                "reconnect.backoff.max.ms": 200,
                "session.timeout.ms": 10000,
                "socket.timeout.ms": 3000,
                "log_level": 0,
            }
        )
        self.consumer.subscribe([topic])

    def run(self):
        while not self.stop.is_set() and len(self.seen) < PRODUCERS * COUNT:
            message = self.consumer.poll(0.1)
            if message is not None and not message.error():
                self.found[message.partition()].append((message.offset(), message.value()))
                self.seen.add(message.value())
        self.consumer.close()


@contextlib.contextmanager
def bad_peers(port, chosen):
    """Connections that stop in the middle, or do not read."""
    peers = []
    for _ in range(5 if chosen else 0):
        peer = socket.create_connection(("127.0.0.1", port))
        peer.setblocking(False)
        peers.append(peer)
    with contextlib.suppress(OSError):
        for kind, peer in enumerate(peers):
            if kind < 2:
                peer.send(struct.pack(">ihh", 5000, 0, 9) + bytes(kind * 1000))  # Produce, cut
            elif kind == 2:
                peer.send(struct.pack(">i", 1 << 30))
            else:
                request = struct.pack(">hhihi", 3, 1, 7, 0, -1)  # Metadata 1, all topics, never read
                for _ in range(2000):
                    peer.send(struct.pack(">i", len(request)) + request)
    yield
    for peer in peers:
        peer.close()


def check(broker, topic, writers, reader):
    for writer in writers:
        assert not writer.failed, f"{topic}: not delivered: {writer.failed[0]}"
        assert len(writer.acknowledged) == COUNT, f"{topic}: {len(writer.acknowledged)} of {COUNT} acknowledged"
    acknowledged = {v: place for writer in writers for v, place in writer.acknowledged.items()}
    stored = collections.Counter()
    for partition in range(PARTITIONS):
        last = {}
        for message in read_partition(broker, topic, partition):
            value = message.value()
            stored[value] += 1
            assert acknowledged[value] == (partition, message.offset()), f"{topic}: {value} is not where it was told"
            writer, number = map(int, value.split(b":"))
            assert number > last.get(writer, -1), f"{topic}: partition {partition} is out of order at {value}"
            last[writer] = number
    assert stored == collections.Counter(acknowledged.keys()), f"{topic}: lost or twice"
    assert reader.seen == set(acknowledged), f"{topic}: the group has read {len(reader.seen)}"
    for partition, messages in reader.found.items():
        for offset, value in messages:
            assert acknowledged[value] == (partition, offset), f"{topic}: the group read {value} elsewhere"


def run_round(broker, faults, number, chance):
    topic = f"round-{number}"
    create_topic(broker, topic, PARTITIONS)
    chosen = {
        "reset": chance.choice((0, 10000, 50000)),
        "brief": chance.choice((0, 50000, 300000)),
        "disk": chance.choice((0, 20000, 200000)),
        "errno": chance.choice((errno.EIO, errno.ENOSPC)),
    }
    writers = [Writer(broker.address, topic, i) for i in range(PRODUCERS)]
    reader = Reader(broker.address, topic, f"group-{number}")
    with bad_peers(broker.port, chance.random() < 0.3):
        faults.set(**chosen)
        for thread in (*writers, reader):
            thread.start()
        time.sleep(chance.uniform(0.2, 1.0))
        ending = chance.choice((None, None, signal.SIGKILL, signal.SIGTERM))
        if ending is not None:
            broker.end(ending)
            faults.set()  # it starts on a disk that works
            broker.start()
            faults.set(**chosen)
            time.sleep(chance.uniform(0.2, 0.6))
        faults.set()
        for writer in writers:
            writer.join(WAIT_S)
        deadline = time.monotonic() + WAIT_S
        while reader.is_alive() and time.monotonic() < deadline:
            reader.join(0.1)
        reader.stop.set()
        reader.join(WAIT_S)
    assert broker.process.poll() is None, f"the broker ended with {broker.process.returncode}"
    check(broker, topic, writers, reader)
    return "kill" if ending == signal.SIGKILL else "restart" if ending else "none"


def run(rounds, seed, report=None):
    chance = random.Random(seed)
    endings = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="leat-broker-") as name:
        folder = pathlib.Path(name)
        faults = Faults(folder)
        faults.set()
        broker = Broker(folder, faults)
        try:
            for number in range(1, rounds + 1):
                endings[run_round(broker, faults, number, chance)] += 1
                if report and number % 10 == 0:
                    report(f"{number} rounds, {dict(endings)}, resets, short calls, file faults: {faults.done()}")
            return endings, faults.done()
        except BaseException:
            sys.stderr.write((folder / "stderr").read_text(errors="replace")[-4000:])
            raise
        finally:
            broker.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"{arguments.rounds} rounds, seed {arguments.seed}", flush=True)
    started = time.monotonic()
    endings, done = run(arguments.rounds, arguments.seed, lambda line: print(line, flush=True))
    print(f"{dict(endings)}; {done[0]} resets, {done[1]} short calls, {done[2]} file faults")
    print(f"all acknowledged, once and in order; {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
