#!/usr/bin/env python3
"""Makes the golden record batches, and judges ours.

    make.py make [DIR]      writes python-CODEC.bin (kafka-python) and librdkafka-CODEC.bin
                            (librdkafka, by way of its mock broker); both hold records() below
    make.py check FILE...   each file must hold one batch with records(), as kafka-python reads it
    make.py judge PROGRAM   the same for what the unit test record_batch_test writes

Needs kafka-python >= 2.1, confluent-kafka >= 2, lz4, zstandard, python-snappy and crc32c.
Exits 77 (skipped) when kafka-python is missing.
"""

import pathlib
import socket
import struct
import subprocess
import sys
import tempfile

try:
    from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
except ImportError:
    sys.exit(77)

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
FIRST_TIMESTAMP = 1_700_000_000_000


def records():
    """What every batch holds; tests/unit/wire/record_batch_test.c says the same in C."""
    for i in range(40):
        timestamp = FIRST_TIMESTAMP + i * 37 % 11 * 1000
        key = None if i % 3 == 0 else b"key-%d" % i
        value = ("värde-%d-" % i).encode() + b"x" * (i * 13 % 200)
        if i % 7 == 5:
            value = b""
        if i % 7 == 6:
            value = None
        headers = []
        if i % 4 == 1:
            headers = [("trace", b"\0\1"), ("null", None)]
        if i % 4 == 2:
            headers = [("empty", b"")]
        yield timestamp, key, value, headers


def python_batch(codec):
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], False, 4000, 3, 17, 1 << 20)
    for offset, (timestamp, key, value, headers) in enumerate(records()):
        builder.append(offset, timestamp, key, value, headers)
    return bytes(builder.build())


def exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError("the mock broker closed the connection")
        data += part
    return data


def fetch(host, port, topic):
    """The raw records of partition 0, by a Fetch request of version 4."""
    name = topic.encode()
    body = struct.pack(">iiiibi", -1, 1000, 1, 1 << 20, 0, 1)
    body += struct.pack(">h", len(name)) + name + struct.pack(">iiqi", 1, 0, 0, 1 << 20)
    request = struct.pack(">hhih", 1, 4, 7, 2) + b"me" + body
    with socket.create_connection((host, port)) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        reply = exactly(connection, struct.unpack(">i", exactly(connection, 4))[0])
    # correlation 4, throttle 4, topics 4, name 2 + n, partitions 4, partition 4, error 2,
    # high watermark 8, last stable 8, aborted 4 (none: 0 or -1), size 4
    at = 4 + 4 + 4 + 2 + len(name) + 4 + 4
    error, _, _, aborted, size = struct.unpack_from(">hqqii", reply, at)
    assert error == 0 and aborted <= 0, (error, aborted)
    return reply[at + 26 : at + 26 + size]


def librdkafka_batch(codec):
    from confluent_kafka import Producer

    producer = Producer(
        {
            "test.mock.num.brokers": 1,
            "bootstrap.servers": "unused",
            "compression.type": codec,
            "linger.ms": 500,
            "batch.num.messages": 40,
        }
    )
    producer.list_topics("golden", timeout=10)
    for timestamp, key, value, headers in records():
        producer.produce("golden", value, key, partition=0, timestamp=timestamp, headers=headers)
    assert producer.flush(10) == 0
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
    return fetch(broker.host, broker.port, "golden")


def check(path):
    data = pathlib.Path(path).read_bytes()
    batch = DefaultRecordBatch(data)
    assert batch.size_in_bytes == len(data), "it is not one whole batch"
    assert batch.validate_crc(), "the checksum is wrong"
    found = [(r.timestamp, r.key, r.value, list(r.headers)) for r in batch]
    assert found == list(records()), f"the records differ: {found}"
    assert batch.last_offset_delta == len(found) - 1


def main():
    command, *arguments = sys.argv[1:]
    if command == "make":
        target = pathlib.Path(arguments[0] if arguments else __file__)
        target = target if target.is_dir() else target.parent
        for codec in CODECS:
            (target / f"python-{codec}.bin").write_bytes(python_batch(codec))
            (target / f"librdkafka-{codec}.bin").write_bytes(librdkafka_batch(codec))
    elif command == "check":
        for path in arguments:
            check(path)
            print(f"{path}: as it should be")
    elif command == "judge":
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([arguments[0], "--write", directory], check=True)
            for codec in CODECS:
                check(f"{directory}/leat-{codec}.bin")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
