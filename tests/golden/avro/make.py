#!/usr/bin/env python3
"""Writes the golden files of this folder with two foreign implementations of Avro.

    python3 -m venv /tmp/avro && /tmp/avro/bin/pip install avro fastavro && /tmp/avro/bin/python make.py

datums.txt       schema, datum, JSON: what fastavro writes, and the values as leat shows them; the
                 datum is read back by the package `avro` as well.
resolution.txt   writer schema, reader schema, datum, JSON: what fastavro reads with both schemas.
canonical.txt    schema, Parsing Canonical Form, CRC-64-AVRO fingerprint, by fastavro; the form is
                 checked against the package `avro`.
bad_schemas.txt  schemas that fastavro or avro refuses.

Every word of a line is hex.
"""

import base64
import datetime
import decimal
import io
import json
import pathlib
import struct

import avro.io
import avro.schema
import fastavro
import fastavro.schema

HERE = pathlib.Path(__file__).parent
UTC = datetime.timezone.utc
D = decimal.Decimal


def record(*fields, name="R", **more):
    out = []
    for field in fields:
        entry = {"name": field[0], "type": field[1]}
        if len(field) > 2:
            entry.update(field[2])
        out.append(entry)
    return {"type": "record", "name": name, "fields": out, **more}


def logical(kind, name, **more):
    return {"type": kind, "logicalType": name, **more}


ENUM = {"type": "enum", "name": "Colour", "symbols": ["RED", "GREEN", "BLUE"]}
FIXED = {"type": "fixed", "name": "Four", "size": 4}
POINT = record(("x", "int"), ("y", "double"), name="Point")
LIST = record(("value", "long"), ("next", ["null", "List"]), name="List")

DATUMS = [
    (record(("a", "null")), [{"a": None}]),
    (record(("a", "boolean")), [{"a": True}, {"a": False}]),
    (record(("a", "int")), [{"a": n} for n in (0, -1, 1, 63, 64, -64, -65, 8191, 8192, 2**31 - 1, -(2**31))]),
    (record(("a", "long")), [{"a": n} for n in (0, -1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63))]),
    (record(("a", "float")), [{"a": n} for n in (0.0, 1.5, -2.25, 0.1, 3.4028234663852886e38)]),
    (record(("a", "double")), [{"a": n} for n in (0.0, -0.0, 0.1, 1e300, 5e-324, 123456789.125)]),
    (record(("a", "string")), [{"a": s} for s in ("", "a", "äöü €", "😀", 'q"\\\n\t\x01', "x" * 200)]),
    (record(("a", "bytes")), [{"a": b} for b in (b"", b"\x00", b"\xff\xfe", bytes(range(256)))]),
    (record(("a", FIXED)), [{"a": b"abcd"}, {"a": b"\x00\xff\x00\xff"}]),
    (record(("a", ENUM)), [{"a": s} for s in ENUM["symbols"]]),
    (record(("a", {"type": "array", "items": "int"})), [{"a": []}, {"a": [1]}, {"a": list(range(100))}]),
    (record(("a", {"type": "map", "values": "string"})), [{"a": {}}, {"a": {"k": "v"}}, {"a": {"ä": "ö", "": "x"}}]),
    (record(("a", {"type": "array", "items": {"type": "array", "items": ["null", "string"]}})), [{"a": [[], ["x", None], [None]]}]),
    (record(("a", {"type": "map", "values": {"type": "array", "items": POINT}})), [{"a": {"p": [{"x": 1, "y": 0.5}], "q": []}}]),
    (record(("a", POINT), ("b", "Point")), [{"a": {"x": 1, "y": 2.5}, "b": {"x": -1, "y": 0.0}}]),
    (record(("a", ["null", "string"])), [{"a": None}, {"a": "x"}]),
    (record(("a", ["string", "null"])), [{"a": None}, {"a": "x"}]),
    (record(("a", ["null", POINT])), [{"a": None}, {"a": {"x": 3, "y": 4.0}}]),
    (record(("a", ["null", "long", "string", "boolean"])), [{"a": None}, {"a": 7}, {"a": "x"}, {"a": True}]),
    (record(("a", ["null", {"type": "array", "items": "int"}, {"type": "map", "values": "int"}])), [{"a": None}, {"a": [1, 2]}, {"a": {"k": 3}}]),
    (record(("a", ["null", LIST])), [{"a": None}, {"a": {"value": 1, "next": {"value": 2, "next": None}}}]),
    (LIST, [{"value": 1, "next": None}, {"value": 1, "next": {"value": 2, "next": {"value": 3, "next": None}}}]),
    (record(("a", logical("int", "date"))), [{"a": datetime.date(1970, 1, 1)}, {"a": datetime.date(2026, 2, 28)}, {"a": datetime.date(1, 1, 1)}]),
    (record(("a", logical("long", "timestamp-millis"))), [{"a": datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)}, {"a": datetime.datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)}]),
    (record(("a", logical("long", "timestamp-micros"))), [{"a": datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)}]),
    (record(("a", logical("long", "local-timestamp-micros"))), [{"a": datetime.datetime(2026, 1, 2, 3, 4, 5, 678901)}]),
    (record(("a", logical("bytes", "decimal", precision=10, scale=2))), [{"a": D(t)} for t in ("0.00", "1.00", "-1.28", "1.27", "12345678.90", "-99999999.99")]),
    (record(("a", logical("bytes", "decimal", precision=38, scale=0))), [{"a": D(t)} for t in ("0", "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999")]),
    (record(("a", logical({"type": "fixed", "name": "Dec", "size": 8}, "decimal"))), []),
    (record(("a", {"type": "fixed", "name": "Dec", "size": 8, "logicalType": "decimal", "precision": 18, "scale": 4})), [{"a": D("-1.0000")}, {"a": D("12345678901234.5678")}]),
    (record(("a", logical("string", "uuid"))), [{"a": "764e08e4-d1ef-42e1-a452-fd39592a1ee6"}]),
    (record(("a", "int"), ("b", record(("c", record(("d", "string"), name="T")), name="S", namespace="other.space")), namespace="some.space"), [{"a": 1, "b": {"c": {"d": "x"}}}]),
    (record(), [{}]),
]

A = record
RESOLUTIONS = [
    # writer, reader, value
    (A(("a", "int")), A(("a", "long")), {"a": -5}),
    (A(("a", "int")), A(("a", "float")), {"a": 5}),
    (A(("a", "int")), A(("a", "double")), {"a": 5}),
    (A(("a", "long")), A(("a", "double")), {"a": 2**40}),
    (A(("a", "float")), A(("a", "double")), {"a": 0.5}),
    (A(("a", "string")), A(("a", "bytes")), {"a": "xyz"}),
    (A(("a", "bytes")), A(("a", "string")), {"a": b"xyz"}),
    (A(("a", "int"), ("b", "string")), A(("b", "string")), {"a": 1, "b": "x"}),
    (A(("a", "int"), ("b", "string")), A(("b", "string"), ("a", "long")), {"a": 1, "b": "x"}),
    (A(("a", "int")), A(("a", "int"), ("b", "string", {"default": "dflt"})), {"a": 1}),
    (A(("a", "int")), A(("a", "int"), ("b", ["null", "string"], {"default": None})), {"a": 1}),
    (A(("a", "int")), A(("a", "int"), ("b", ["string", "null"], {"default": "s"})), {"a": 1}),
    (A(("a", "int")), A(("a", "int"), ("b", {"type": "array", "items": "int"}, {"default": [1, 2]})), {"a": 1}),
    (A(("a", "int")), A(("a", "int"), ("b", {"type": "map", "values": "int"}, {"default": {"k": 2}})), {"a": 1}),
    (A(("a", "int")), A(("a", "int"), ("b", POINT, {"default": {"x": 1, "y": 2.5}})), {"a": 1}),
    (A(("a", "int")), A(("a", "int"), ("b", ENUM, {"default": "GREEN"})), {"a": 1}),
    (A(("a", "int")), A(("a", "int"), ("b", "bytes", {"default": "\u00ff\u0000A"})), {"a": 1}),
    (A(("a", "int")), A(("a", "int"), ("b", "double", {"default": 1})), {"a": 1}),
    (A(("a", "int")), A(("a", "int"), ("b", "boolean", {"default": True})), {"a": 1}),
    (A(("old", "int")), A(("new", "int", {"aliases": ["old"]})), {"old": 9}),
    (A(("o", record(("p", "int"), ("q", "string"), name="S"))), A(("o", record(("q", "string"), name="S"))), {"o": {"p": 1, "q": "x"}}),
    (A(("o", record(("p", "int"), name="S"))), A(("o", record(("p", "int"), ("z", "string", {"default": "d"}), name="S"))), {"o": {"p": 1}}),
    (A(("o", ["null", record(("p", "int"), name="S")])), A(("o", ["null", record(("p", "long"), ("z", "string", {"default": "d"}), name="S")])), {"o": {"p": 1}}),
    (A(("o", ["null", record(("p", "int"), name="S")])), A(("o", ["null", record(("p", "long"), name="S")])), {"o": None}),
    (A(("a", ["null", "int"])), A(("a", ["null", "long"])), {"a": 4}),
    (A(("a", "int")), A(("a", ["null", "int"])), {"a": 4}),
    (A(("a", "int")), A(("a", ["null", "long"])), {"a": 4}),
    (A(("a", ["null", "int"])), A(("a", "int")), {"a": 4}),
    (A(("a", ["int", "string"])), A(("a", "string")), {"a": "x"}),
    (A(("a", {"type": "array", "items": "int"})), A(("a", {"type": "array", "items": "long"})), {"a": [1, 2, 3]}),
    (A(("a", {"type": "array", "items": record(("p", "int"), ("q", "int"), name="S")})), A(("a", {"type": "array", "items": record(("q", "long"), ("n", ["null", "int"], {"default": None}), name="S")})), {"a": [{"p": 1, "q": 2}, {"p": 3, "q": 4}]}),
    (A(("a", {"type": "map", "values": "int"})), A(("a", {"type": "map", "values": "double"})), {"a": {"k": 1}}),
    (A(("a", ENUM)), A(("a", {"type": "enum", "name": "Colour", "symbols": ["RED", "UNKNOWN"], "default": "UNKNOWN"})), {"a": "BLUE"}),
    (A(("a", ENUM)), A(("a", {"type": "enum", "name": "Colour", "symbols": ["BLUE", "RED"]})), {"a": "BLUE"}),
    (A(("a", "int"), ("s", {"type": "array", "items": {"type": "map", "values": ["null", "string"]}}), ("z", "string")), A(("z", "string")), {"a": 1, "s": [{"k": "v", "n": None}, {}], "z": "end"}),
    (A(("l", LIST), ("z", "int")), A(("z", "int")), {"l": {"value": 1, "next": {"value": 2, "next": None}}, "z": 7}),
    (A(("f", FIXED), ("b", "boolean"), ("d", "double"), ("g", "float"), ("e", ENUM), ("u", ["int", "string"]), ("z", "int")), A(("z", "int")), {"f": b"1234", "b": True, "d": 1.0, "g": 2.0, "e": "RED", "u": "s", "z": 7}),
]

CANONICAL = [
    *[json.dumps(kind) for kind in ("null", "boolean", "int", "long", "float", "double", "bytes", "string")],
    '{"type":"string"}',
    '{"type":"int","logicalType":"date"}',
    '["null","string"]',
    '{"type":"array","items":{"type":"string"}}',
    '{"type":"map","values":["int","null"]}',
    '{"size":16,"type":"fixed","name":"md5","namespace":"a.b","doc":"x","aliases":["y"]}',
    '{"type":"enum","symbols":["A","B"],"name":"x.y.E","doc":"d","default":"A"}',
    '{"type":"record","name":"R","namespace":"n.s","doc":"d","aliases":["Q"],"fields":[{"name":"a","doc":"x","type":"int","default":1,"order":"ignore","aliases":["b"]},{"name":"e","type":{"type":"enum","name":"E","symbols":["X"]}},{"name":"f","type":"E"},{"name":"g","type":["null","n.s.R"]}]}',
    '{"type":"record","name":"R","fields":[{"name":"s","type":{"type":"record","name":"S","namespace":"other","fields":[{"name":"r","type":["null",{"type":"fixed","name":"F","size":2}]},{"name":"f","type":"F"}]}}]}',
    '{"type":"record","name":"Empty","fields":[]}',
    '{"type":"record","name":"a.b.C","namespace":"ignored","fields":[{"name":"x","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}}]}',
]

BAD = [
    '"unknown"', "{}", "[]x", "", "12", '{"type":"record"}', '{"type":"record","name":"R"}', '{"type":"record","name":"R","fields":{}}',
    '{"type":"record","name":"R","fields":[{"name":"a"}]}', '{"type":"record","name":"R","fields":[{"type":"int"}]}',
    '{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}',
    '{"type":"record","name":"1R","fields":[]}', '{"type":"record","name":"R","fields":[{"name":"a-b","type":"int"}]}',
    '{"type":"enum","name":"E"}', '{"type":"enum","name":"E","symbols":["A","A"]}', '{"type":"enum","name":"E","symbols":["a b"]}',
    '{"type":"enum","name":"E","symbols":["A"],"default":"B"}', '{"type":"fixed","name":"F"}', '{"type":"fixed","name":"F","size":"4"}',
    '{"type":"array"}', '{"type":"map"}', '["int","int"]', '["null",["int"]]', '["string","string"]',
    '{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}',
    '{"type":"record","name":"R","fields":[{"name":"a","type":"Missing"}]}',
    '{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"R","size":1}}]}',
]


def show(value):
    """The value as leat shows it in JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, D):
        return f"\x00{value:f}\x00"
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: show(item) for key, item in value.items()}
    if isinstance(value, list):
        return [show(item) for item in value]
    return value


def text(value):
    out = json.dumps(show(value), ensure_ascii=False, separators=(",", ":"))
    return out.replace('"\\u0000', "").replace('\\u0000"', "")  # decimals are numbers


def datum(schema, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def words(*parts):
    return " ".join((part if isinstance(part, bytes) else part.encode()).hex() or "-" for part in parts)


def write(name, lines):
    (HERE / name).write_text("\n".join(lines) + "\n")
    print(f"{name}: {len(lines)}")


def make_datums():
    lines = []
    for schema, values in DATUMS:
        source = json.dumps(schema)
        for value in values:
            data = datum(json.loads(source), value)
            if "logicalType" not in source:
                peer = avro.schema.parse(source)
                back = avro.io.DatumReader(peer).read(avro.io.BinaryDecoder(io.BytesIO(data)))
                assert back == value or "float" in source, (source, value, back)
            lines.append(words(source, data, text(value)))
    write("datums.txt", lines)


def make_resolutions():
    lines = []
    for writer, reader, value in RESOLUTIONS:
        data = datum(json.loads(json.dumps(writer)), value)
        back = fastavro.schemaless_reader(
            io.BytesIO(data), fastavro.parse_schema(json.loads(json.dumps(writer))), fastavro.parse_schema(json.loads(json.dumps(reader)))
        )
        for field in reader["fields"]:  # fastavro leaves the default of bytes as text
            if field["type"] == "bytes" and isinstance(back[field["name"]], str):
                back[field["name"]] = back[field["name"]].encode("latin-1")
        lines.append(words(json.dumps(writer), json.dumps(reader), data, text(back)))
    write("resolution.txt", lines)


def make_canonical():
    lines = []
    for source in CANONICAL:
        form = fastavro.schema.to_parsing_canonical_form(json.loads(source))
        peer = avro.schema.parse(source).canonical_form
        if peer != form:
            print("note: avro differs:", peer, form)
        fingerprint = fastavro.schema.fingerprint(form, "CRC-64-AVRO")
        lines.append(words(source, form, struct.pack(">Q", struct.unpack("<Q", bytes.fromhex(fingerprint))[0])))
    write("canonical.txt", lines)


def make_bad():
    lines = []
    for source in BAD:
        refused = []
        try:
            fastavro.parse_schema(json.loads(source))
        except Exception:
            refused.append("fastavro")
        try:
            avro.schema.parse(source)
        except Exception:
            refused.append("avro")
        if refused:
            lines.append(words(source))
        else:
            print("note: neither refuses", source)
    write("bad_schemas.txt", lines)


if __name__ == "__main__":
    make_datums()
    make_resolutions()
    make_canonical()
    make_bad()
