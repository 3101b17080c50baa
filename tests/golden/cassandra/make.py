#!/usr/bin/env python3
"""Writes golden.txt: values, tokens and segments as the Python driver makes them (pip install cassandra-driver lz4).

    value CLASS JSON HEX       token KEY TOKEN       segment lz4|plain PAYLOAD HEX
"""

import decimal
import io
import json
import pathlib
import uuid

from cassandra import cqltypes as t
from cassandra.connection import locally_supported_compressions
from cassandra.metadata import Murmur3Token
from cassandra.segment import SegmentCodec
from cassandra.util import Date, Duration, Time

UUID = "01234567-89ab-cdef-0011-2233445566ff"
PLAIN = [
    ("BooleanType", t.BooleanType, True, True),
    ("ByteType", t.ByteType, -128, -128),
    ("ShortType", t.ShortType, -32768, -32768),
    ("Int32Type", t.Int32Type, -(2**31), -(2**31)),
    ("LongType", t.LongType, -(2**63), -(2**63)),
    ("FloatType", t.FloatType, 1.5, 1.5),
    ("DoubleType", t.DoubleType, 0.1, 0.1),
    ("UTF8Type", t.UTF8Type, "h\u20ac", "h\u20ac"),
    ("UTF8Type", t.UTF8Type, "", ""),
    ("AsciiType", t.AsciiType, "plain", "plain"),
    ("BytesType", t.BytesType, b"\0\xff", "AP8="),
    *(("IntegerType", t.IntegerType, n, n) for n in (0, 127, 128, -128, -129, 10**37, -(10**37))),
    ("DecimalType", t.DecimalType, decimal.Decimal("-123.450000000000000000"), decimal.Decimal("-123.450000000000000000")),
    ("UUIDType", t.UUIDType, uuid.UUID(UUID), "ASNFZ4mrze8AESIzRFVm/w=="),
    ("InetAddressType", t.InetAddressType, "192.0.2.1", "192.0.2.1"),
    ("InetAddressType", t.InetAddressType, "2001:db8::1", "2001:db8::1"),
    ("TimestampType", t.DateType, -1, "1969-12-31T23:59:59.999000Z"),
    ("SimpleDateType", t.SimpleDateType, Date("1969-12-31"), "1969-12-31"),
    ("TimeType", t.TimeType, Time("13:30:54.234"), "13:30:54.234"),
    ("DurationType", t.DurationType, Duration(14, 3, 3723000000000), "1y2mo3d1h2m3s"),
    ("DurationType", t.DurationType, Duration(-1, -2, -3), "-1mo2d3ns"),
    ("DurationType", t.DurationType, Duration(2**31 - 1, 0, 2**63 - 1), "178956970y7mo2562047h47m16s854ms775us807ns"),
]  # fmt: skip


def parent(kind, *children):
    return kind.apply_parameters(children)


NESTED = [
    ("ListType(Int32Type)", parent(t.ListType, t.Int32Type), [1, 2], [1, 2]),
    ("SetType(UTF8Type)", parent(t.SetType, t.UTF8Type), ["a"], ["a"]),
    ("MapType(UTF8Type,LongType)", parent(t.MapType, t.UTF8Type, t.LongType), {"a": 1}, {"a": 1}),
    ("TupleType(UTF8Type,Int32Type)", parent(t.TupleType, t.UTF8Type, t.Int32Type), ("x", None), {"_1": "x", "_2": None}),
    ("ListType(FrozenType(ListType(UTF8Type)))", parent(t.ListType, parent(t.ListType, t.UTF8Type)), [["a"], []], [["a"], []]),
    ("VectorType(FloatType,3)", t.VectorType.apply_parameters(["FloatType", 3], None), [1.0, -2.5, 0.0], [1.0, -2.5, 0.0]),
]  # fmt: skip

KEYS = [b"a", b"\xff\x80\x81", bytes(range(120, 160)), "h\u20ac".encode(), uuid.UUID(UUID).bytes, bytes(15), bytes(16)]


def lines():
    for name, kind, value, shown in PLAIN + NESTED:
        text = str(shown) if isinstance(shown, decimal.Decimal) else json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
        raw = (value).to_bytes(8, "big", signed=True) if name == "TimestampType" else kind.to_binary(value, 5)
        yield f"value {name} {text} {raw.hex() or '-'}"
    for key in KEYS:
        yield f"token {key.hex()} {Murmur3Token.hash_fn(key)}"
    compress = locally_supported_compressions["lz4"]
    for payload in (b"\x05" * 300, bytes(range(9))):
        for name, codec in (("plain", SegmentCodec()), ("lz4", SegmentCodec(*compress))):
            target = io.BytesIO()
            codec.encode(target, payload)
            yield f"segment {name} {payload.hex()} {target.getvalue().hex()}"


pathlib.Path(__file__).with_name("golden.txt").write_text("\n".join(lines()) + "\n")
