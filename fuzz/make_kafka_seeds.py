#!/usr/bin/env python3
"""Writes the seeds of kafka_request and kafka_broker.

The first are the newest version of every message in tests/golden/wire/messages.txt; the second are
conversations of some requests, in versions old enough to be written by hand here.

usage: make_kafka_seeds.py ROOT
"""

import pathlib
import re
import struct
import sys

TOPIC, GROUP = "t", "g"


def text(value):
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()


def data(value):
    return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value


def array(*items):
    return struct.pack(">i", len(items)) + b"".join(items)


def header(key, version, flexible=False):
    tags = b"\0" if flexible else b""
    return struct.pack(">Hhi", key, version, 7) + text("seed") + tags


def frame(key, version, *parts):
    body = header(key, version) + b"".join(parts)
    return struct.pack(">i", len(body)) + body


def number(code, *values):
    return struct.pack(">" + code, *values)


def crc32c(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def record_batch():
    record = b"\x14\0\0\0\2k\6one\0"  # length 10: attributes, deltas, key, value, no headers
    summed = number("hiqqqhii", 0, 0, 1000, 1000, -1, -1, -1, 1) + record
    rest = number("ib", -1, 2) + struct.pack(">I", crc32c(summed)) + summed
    return number("qi", 0, len(rest)) + rest


def conversations(batch):
    create = frame(19, 2, array(text(TOPIC) + number("ih", 2, 1) + array() + array()),
                   number("ib", 1000, 0))
    produce = frame(0, 3, text(None), number("hi", -1, 1000),
                    array(text(TOPIC) + array(number("i", 0) + data(batch))))
    fetch = frame(1, 7, number("iiiibii", -1, 0, 1, 1 << 20, 0, 0, 0),
                  array(text(TOPIC) + array(number("iqqi", 0, 0, -1, 1 << 20))), array())
    wait = frame(1, 4, number("iiiib", -1, 60000, 1 << 20, 1 << 20, 0),
                 array(text(TOPIC) + array(number("iqi", 1, 0, 1 << 20))))
    offsets = frame(2, 1, number("i", -1), array(text(TOPIC) + array(number("iq", 0, -1))))
    metadata = frame(3, 1, array(text(TOPIC)))
    protocols = array(text("range") + data(b"\0\0\0\0\0\1\0\1t\xff\xff\xff\xff"))
    join = frame(11, 1, text(GROUP), number("ii", 10000, 10000), text(""), text("consumer"),
                 protocols)
    other = frame(11, 5, text(GROUP), number("ii", 10000, 10000), text(""), text("fixed"),
                  text("consumer"), protocols)
    sync = frame(14, 1, text(GROUP), number("i", 1), text("nobody"), array())
    commit = frame(8, 2, text(GROUP), number("i", -1), text(""), number("q", -1),
                   array(text(TOPIC) + array(number("iq", 0, 1) + text("note"))))
    committed = frame(9, 1, text(GROUP), array(text(TOPIC) + array(number("i", 0))))
    leave = frame(13, 3, text(GROUP), array(text("") + text("fixed")))
    groups = frame(15, 0, array(text(GROUP))) + frame(16, 0)
    producer = frame(22, 0, text(None), number("i", 1000))
    settings = frame(32, 1, array(number("b", 2) + text(TOPIC) + number("i", -1)), number("b", 1))
    change = frame(44, 0, array(number("b", 2) + text(TOPIC) + array(
        text("retention.ms") + number("b", 0) + text("1000"))), number("b", 0))
    more = frame(37, 0, array(text(TOPIC) + number("ii", 4, -1)), number("ib", 1000, 0))
    delete_records = frame(21, 0, array(text(TOPIC) + array(number("iq", 0, 1))), number("i", 1000))
    delete_topic = frame(20, 1, array(text(TOPIC)), number("i", 1000))
    delete_group = frame(42, 0, array(text(GROUP)))
    delete_offset = frame(47, 0, text(GROUP), array(text(TOPIC) + array(number("i", 0))))
    epochs = frame(23, 2, array(text(TOPIC) + array(number("iii", 0, -1, 0))))
    return {
        "records": create + produce + produce + fetch + offsets + epochs + delete_records + fetch,
        "waiting": create + wait + produce + metadata + delete_topic,
        "group": create + join + join + other + sync + groups + leave + delete_group,
        "offsets": create + commit + committed + delete_offset + committed + delete_group,
        "admin": frame(18, 0) + frame(60, 99) + frame(3, 0, array()) + create + settings + change +
                 more + metadata + producer + producer + delete_topic + settings,
        "unknown_topic": produce + fetch + offsets + metadata + commit,
    }


def main():
    root = pathlib.Path(sys.argv[1])
    corpus = root / "fuzz/corpus"
    keys, flexible_from = {}, {}
    for path in (root / "src/wire/messages").glob("*.msg"):
        for name, key, flexible in re.findall(
                r"^message (\w+) key (\d+) versions \d+-\d+(?: flexible (\d+))?", path.read_text(), re.M):
            keys[name], flexible_from[name] = int(key), int(flexible or 99)
    newest = {}
    for line in (root / "tests/golden/wire/messages.txt").open():
        name, side, version, variant, body = line.split(" ")[:5]
        if variant == "full":
            newest[name, side] = int(version), bytes.fromhex(body)
    for (name, side), (version, body) in newest.items():
        key = keys[name] | (0x8000 if side == "response" else 0)
        seed = header(key, version, version >= flexible_from[name]) + body
        (corpus / f"kafka_request/{name}_{side}").write_bytes(seed)
    for name, frames in conversations(record_batch()).items():
        (corpus / f"kafka_broker/{name}").write_bytes(frames)


if __name__ == "__main__":
    main()
