#!/usr/bin/env python3
"""Derives compatibility.jsonl from the checker of the Python package avro (1.12): a port of Java's
SchemaCompatibility, which Confluent's registry calls.

    compatibility.py > compatibility.jsonl

Each line is {"reader": ..., "writer": ..., "faults": [...]}, the kinds of incompatibility as a sorted
set. Half of the pairs are written by hand, half are made by a seeded generator that changes one
schema into another.
"""

import copy
import json
import random

import avro.compatibility
import avro.schema

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]


def record(name, *fields, **more):
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


def enum(name, *symbols, **more):
    return {"type": "enum", "name": name, "symbols": list(symbols), **more}


def fixed(name, size, **more):
    return {"type": "fixed", "name": name, "size": size, **more}


def array(items):
    return {"type": "array", "items": items}


def by_map(values):
    return {"type": "map", "values": values}


def by_hand():
    for reader in PRIMITIVES:
        for writer in PRIMITIVES:
            yield reader, writer
    kinds = ["int", "string", array("int"), by_map("int"), enum("E", "A"), fixed("F", 4), record("R"), ["int"], ["null", "long"]]
    for reader in kinds:
        for writer in kinds:
            yield reader, writer
    yield array("long"), array("int")
    yield array("int"), array("long")
    yield by_map("double"), by_map("float")
    yield by_map(array("string")), by_map(array("bytes"))
    yield enum("E", "A", "B"), enum("E", "A")
    yield enum("E", "A"), enum("E", "A", "B")
    yield enum("E", "A", default="A"), enum("E", "A", "B")
    yield enum("E", "A"), enum("F", "A")
    yield enum("E", "A", aliases=["F"]), enum("F", "A")
    yield enum("E", "A", namespace="a"), enum("E", "A", namespace="b")
    yield fixed("F", 4), fixed("F", 8)
    yield fixed("F", 4), fixed("G", 4)
    yield fixed("F", 4), fixed("G", 8)
    yield fixed("F", 4, aliases=["n.G"]), fixed("G", 4, namespace="n")
    yield fixed("F", 4, aliases=["G"]), fixed("G", 4, namespace="n")
    yield record("R", field("a", "int")), record("R", field("a", "int"), field("b", "int"))
    yield record("R", field("a", "int"), field("b", "int")), record("R", field("a", "int"))
    yield record("R", field("a", "int"), field("b", "int", default=1)), record("R", field("a", "int"))
    yield record("R", field("b", "int", aliases=["a"])), record("R", field("a", "int"))
    yield record("R", field("b", "int", aliases=["a"])), record("R", field("a", "string"))
    yield record("R", field("a", "long")), record("S", field("a", "int"))
    yield record("R", field("a", "long"), aliases=["S"]), record("S", field("a", "int"))
    yield record("R", field("a", ["null", "int"], default=None)), record("R", field("a", "int"))
    yield record("R", field("a", "int")), record("R", field("a", ["null", "int"], default=None))
    yield record("R", field("a", "int"), field("c", "int")), record("R", field("a", "string"))
    for reader in (["int", "string"], ["null", "int"], ["int"], ["long", "null"], ["string", "bytes"]):
        for writer in (["int", "string"], ["null", "int"], ["int"], ["double"], "int", "bytes", "string"):
            yield reader, writer
    tree = record("T", field("left", ["null", "T"]), field("value", "int"))
    wide = record("T", field("left", ["null", "T"]), field("value", "long"))
    other = record("T", field("left", ["null", "T"]), field("value", "string"))
    for reader in (tree, wide, other):
        for writer in (tree, wide, other):
            yield reader, writer
    one = record("R", field("x", record("P", field("a", "int"))), field("y", "P"))
    two = record("R", field("x", record("P", field("a", "int"), field("b", "int"))), field("y", "P"))
    yield one, two
    yield two, one
    yield [record("A", field("a", "int")), record("B", field("b", "int"))], record("A", field("a", "int"))
    yield [record("A", field("a", "int")), record("B", field("b", "int"))], record("C", field("a", "int"))
    yield {"type": "int", "logicalType": "date"}, "int"
    yield {"type": "long", "logicalType": "timestamp-millis"}, {"type": "int", "logicalType": "date"}


class Maker:
    """Random schemas; names are given once, in order, so that a changed copy keeps them."""

    def __init__(self, seed):
        self.numbers = random.Random(seed)
        self.count = 0

    def name(self, letter):
        self.count += 1
        return f"{letter}{self.count}"

    def make(self, depth=0):
        pick = self.numbers.random()
        if depth > 2 or pick < 0.4:
            return self.numbers.choice(PRIMITIVES[1:])
        if pick < 0.5:
            return array(self.make(depth + 1))
        if pick < 0.58:
            return by_map(self.make(depth + 1))
        if pick < 0.66:
            return enum(self.name("E"), *"ABCD"[: self.numbers.randint(1, 4)])
        if pick < 0.72:
            return fixed(self.name("F"), self.numbers.randint(1, 3))
        if pick < 0.84:
            kinds = self.numbers.sample(["null", "int", "long", "string", "double"], self.numbers.randint(1, 3))
            if self.numbers.random() < 0.4:
                kinds.append(record(self.name("R"), field("a", self.make(depth + 2))))
            return kinds
        names = "abcde"[: self.numbers.randint(1, 5)]
        return record(self.name("R"), *(self.field(n, depth) for n in names))

    def field(self, name, depth):
        if self.numbers.random() < 0.3:
            return field(name, ["null", self.numbers.choice(PRIMITIVES[1:])], default=None)
        return field(name, self.make(depth + 1))

    def change(self, schema):
        """One change somewhere in a copy."""
        schema = copy.deepcopy(schema)
        places = []

        def walk(holder, key):
            node = holder[key]
            places.append((holder, key))
            if isinstance(node, list):
                for i in range(len(node)):
                    walk(node, i)
            elif isinstance(node, dict):
                for inner in ("items", "values"):
                    if inner in node:
                        walk(node, inner)
                for inner in node.get("fields", []):
                    if "default" not in inner:  # it would no longer fit
                        walk(inner, "type")

        root = [schema]
        walk(root, 0)
        holder, key = self.numbers.choice(places)
        node = holder[key]
        kind = node.get("type") if isinstance(node, dict) else None
        if kind == "record" and self.numbers.random() < 0.8:
            fields = node["fields"]
            if self.numbers.random() < 0.5 and len(fields) > 1:
                fields.pop(self.numbers.randrange(len(fields)))
            else:
                default = {"default": 7} if self.numbers.random() < 0.5 else {}
                fields.append(field("added", "int", **default))
        elif kind == "enum":
            node["symbols"] = list("ABCDE"[: self.numbers.randint(1, 5)])
        elif kind == "fixed":
            node["size"] += self.numbers.randint(0, 1)
        elif isinstance(node, list):
            if len(node) > 1 and self.numbers.random() < 0.5:
                node.pop(self.numbers.randrange(len(node)))
            elif "bytes" not in node:
                node.append("bytes")
        else:
            holder[key] = self.numbers.choice(PRIMITIVES[1:])
        return root[0]


def by_chance(count):
    for seed in range(count):
        maker = Maker(seed)
        before = maker.make()
        after = before
        for _ in range(maker.numbers.randint(1, 3)):
            after = maker.change(after)
        yield before, after
        yield after, before


def main():
    for reader, writer in [*by_hand(), *by_chance(250)]:
        try:
            parsed = [avro.schema.parse(json.dumps(s)) for s in (reader, writer)]
        except avro.errors.AvroException:
            continue
        checker = avro.compatibility.ReaderWriterCompatibilityChecker()
        result = checker.get_compatibility(*parsed)
        faults = sorted({kind.value.upper() for kind in result.incompatibilities})
        assert (not faults) == (result.compatibility is avro.compatibility.SchemaCompatibilityType.compatible)
        print(json.dumps({"reader": reader, "writer": writer, "faults": faults}, separators=(",", ":")))


if __name__ == "__main__":
    main()
