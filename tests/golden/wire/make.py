#!/usr/bin/env python3
"""Writes messages.txt: messages encoded by kafka-python (pip install kafka-python, 3.x).

One line a message, side, version and variant:

    NAME request|response VERSION full|null|tags HEX VALUES...

VALUES are the leaves in order: integers in decimal, strings as 'text', bytes as x<hex>, uuids as
u<hex>, "[N" before the N elements of an array, "~" for null. `full` sets every field to another
value, `null` makes all null or empty that may be, `tags` adds tagged fields that a reader must skip.

usage: make.py SRC_DIR > messages.txt
"""

import importlib
import pathlib
import pkgutil
import re
import sys
import types
import uuid

import kafka.protocol
from kafka.protocol.api_message import ApiMessage

HEAD = re.compile(r"^message (\w+) key \d+ versions (\d+)-(\d+)", re.M)
INTEGERS = {"int8": 100, "int16": 20_000, "int32": 1_000_000_000, "int64": 10**17}
TAGGED = {"string": "tagged", "int64": 77, "bool": True}


def load_classes():
    for part in pkgutil.walk_packages(kafka.protocol.__path__, "kafka.protocol."):
        if ".old" not in part.name and "generate" not in part.name:
            importlib.import_module(part.name)
    return {c.__name__: c for c in ApiMessage.__subclasses__()}


class Sample:
    """Makes values for the fields of one message and notes the leaves."""

    def __init__(self, version, variant):
        self.version, self.variant, self.counter, self.leaves = version, variant, 0, []

    def nullable(self, field):
        versions = field._nullable_versions
        return versions is not None and versions[0] <= self.version <= versions[1]

    def leaf(self, kind):
        self.counter += 1
        n = self.counter
        if kind == "bool":
            value = n % 2 == 1
            self.leaves.append(str(int(value)))
        elif kind == "bitfield":
            value = {3, 8, n % 30}
            self.leaves.append(str(sum(1 << bit for bit in value)))
        elif kind in INTEGERS:
            value = (INTEGERS[kind] + n) * (-1 if n % 3 == 0 else 1)
            if kind == "int8":
                value = n % 100
            self.leaves.append(str(value))
        elif kind == "uuid":
            value = uuid.UUID(int=(n << 120) | n)
            self.leaves.append("u" + value.bytes.hex())
        elif kind == "string":
            value = f"text-\u00fc-{n}" + ("." * 130 if n % 5 == 0 else "")
            self.leaves.append(f"'{value}'")
        else:
            value = bytes([n % 256, 0, 255]) * (50 if n % 4 == 0 else 1)
            self.leaves.append("x" + value.hex())
        return value

    def field(self, field):
        kind = field._type_str
        array = kind.startswith("[]")
        if self.variant == "null" and self.nullable(field):
            self.leaves.append("~")
            return None
        if not array:
            return self.leaf(kind)
        count = 0 if self.variant == "null" else 2
        self.leaves.append(f"[{count}")
        if field.is_struct_array():
            return [types.SimpleNamespace(**self.fields(field.array_of._fields, nested=True))
                    for _ in range(count)]
        return [self.leaf(kind[2:]) for _ in range(count)]

    def fields(self, fields, nested):
        values, tags = {}, set()
        for field in fields:
            if not field.for_version_q(self.version):
                continue
            if field._tag is None:
                values[field.name] = self.field(field)
            elif self.variant == "tags" and field._type_str in TAGGED:
                values[field.name] = TAGGED[field._type_str]
                tags.add(field.name)
        if nested:
            unknown = {"_99": b"unknown"} if self.variant == "tags" else None
            values |= {"tags": tags or None, "unknown_tags": unknown, "_version": self.version}
        return values


def main():
    classes = load_classes()
    for path in sorted(pathlib.Path(sys.argv[1], "wire/messages").glob("*.msg")):
        for name, first, last in HEAD.findall(path.read_text()):
            camel = "".join(word.capitalize() for word in name.split("_"))
            for side in ("request", "response"):
                cls = classes[camel + side.capitalize()]
                for version in range(int(first), int(last) + 1):
                    flexible = cls.flexible_version_q(version)
                    for variant in ("full", "null") + (("tags",) if flexible else ()):
                        sample = Sample(version, variant)
                        extra = {"_99": b"unknown"} if variant == "tags" else {}
                        values = sample.fields(cls._struct._fields, nested=False)
                        message = cls(version=version, **values, **extra)
                        print(name, side, version, variant, message.encode(version=version).hex(),
                              *sample.leaves)


if __name__ == "__main__":
    main()
