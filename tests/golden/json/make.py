#!/usr/bin/env python3
"""Writes cases.txt: JSON texts, and what Python's json module makes of them.

Each line: "ok" or "bad", the text in hex and, if ok, the canonical form in hex: members sorted by
the bytes of their names, no white space, numbers as they came. A half of a surrogate pair, which
Python keeps, stands as U+FFFD. NaN and Infinity, which Python takes, are refused here.
"""

import json
import pathlib
import re

TEXTS = """
null true false 0 -0 1 -1 10 1.5 -1.5e3 1E5 1e+5 1e-5 0e0 0.0 -0.0 0E-0 1e400 1e-400
123456789012345678901234567890 -9223372036854775808 9223372036854775807 9223372036854775808
0.1000000000000000055511151231257827 1.7976931348623157e308 5e-324 100000000000000000000e-20
"" "a" [] {} [[]] [{}] {"a":{}} {"":0} [1] [1,2] [[],[]] [""] {"a":1} {"a":1,"b":2} {"b":1,"a":2}
{"a":1,"a":2} {"a":{"b":[1,{"c":null}]}} {"a":[],"b":{}} [true,false,null] {"\\u0061":1,"a":2}
"\\"" "\\\\" "\\/" "/" "\\b\\f\\n\\r\\t" "\\u0000" "\\u001f" "\\u007f" "\\u00e9" "\\u20ac" "\\uFFFF"
"\\ud83d\\ude00" "\\uD83D\\uDE00" "\\ud83d" "\\ude00" "\\ud83d\\ud83d" "\\ud83dx" "\\ude00\\ud83d"
"\\ud83d\\u0041" "\\ud83d\\n" "a\\u0000b" "\\\\u0041" "\\\\\\"" {"\\n":1} {"\\"":{"\\\\":1}}
nul tru fals nulll truefalse Null TRUE NaN Infinity -Infinity nan undefined None
- + +1 01 -01 00 1. .5 -.5 1.e5 1e 1e+ 1e- 1.5e 0x10 1_000 1a --1 1-1 0.0.0 1e5.5 ١ Ⅰ 1,000
" "a 'a' "a""b" "\\x" "\\u" "\\u1" "\\u12" "\\u123" "\\u12g4" "\\U0041" "\\ud83d\\u12" "\\" "\\a"
"\\'" "\\0" "\\ud83d\\
[ ] { } [, [,] [1,] [,1] [1,,2] [1 [1} {1} {"a"} {"a":} {"a":1,} {,"a":1} {:1} {"a"1} {"a",1} {1:1}
{a:1} {'a':1} {"a":1 {"a":1]] {"a":1}} [1]] []] {}} [] [] {"a":1}{"b":2} [1][2] ][ }{ {"a":1"b":2}
[1:2] {null:1} {[]:1} [a] [\\u0041] {"a":a} /**/ //x # [1]//x [/**/1] {"a":/**/1} <a/> @ : , $ \\ \\n
""".split()

SPACED = [
    b"", b" ", b"\n\n", b" 1 ", b"\t[\r\n1 ,\t2 ]\n", b'{ "a" : 1 , "b" : [ ] }', b'{\n   "a": {\n      "b": 1\n   }\n}\n',
    b" " * 100 + b"1" + b" " * 100, b"[" + b" " * 15 + b"]", b"[" + b"\n" * 16 + b"]", b"[" + b"\t" * 17 + b"1]",
    b"\x0c1", b"\x0b1", b"1\x00", b"\x001", b"[\x00]", b"\xa01", b"\xc2\xa01", b"[1\x0c]", b"\xef\xbb\xbf1", b"1 2", b"1\n2",
    b'"a\nb"', b'"a\tb"', b'"\x00"', b'"\x1f"', b'"\x7f"', b'["a\x01"]', b'{"a\n":1}',
]

STRINGS = [
    b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xf4\x8f\xbf\xbf", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbf", b"\xc2\x80",
    b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\x80", b"\xbf", b"\xff", b"\xfe", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xc3\x28", b"\xe2\x28\xa1", b"\xe2\x82\x28", b"\xf0\x28\x8c\xbc", b"\xc3\\n\xa9",
]

# Every length around the sixteen bytes that are looked at together.
LENGTHS = [n for n in range(0, 50)] + [63, 64, 65, 1000]


def texts():
    for text in TEXTS:
        yield text.encode()
    yield from SPACED
    for string in STRINGS:
        yield b'"' + string + b'"'
        yield b'"' + b"x" * 14 + string + b'"'
        yield b'{"' + string + b'":1}'
    for length in LENGTHS:
        plain = bytes(97 + i % 26 for i in range(length))
        yield b'"' + plain + b'"'
        yield b'"' + plain
        yield b'["' + plain + b'\\n' + plain + b'","\xc3\xa9' + plain + b'"]'
        yield b'"' + plain + b'\x1f"'
        yield b'"' + plain + b'\xff"'
        yield b" " * length + b"[" + b" " * length + b"]"
        yield b"[" + b"7" * (length + 1) + b"]"
    for depth in (2, 64, 127, 128):
        yield b"[" * depth + b"]" * depth
        yield b'{"a":' * depth + b"1" + b"}" * depth
        yield b"[" * depth + b"]" * (depth - 1)
        yield b"[" * depth


class Number(str):
    pass


def refuse(name):
    raise ValueError(name)


def escape(text):
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    short = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r", '"': '"', "\\": "\\"}
    out = []
    for char in text:
        if char in short:
            out.append("\\" + short[char])
        elif char < " " or char == "\x7f":
            out.append("\\u%04x" % ord(char))
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def canonical(value):
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, dict):
        members = sorted((escape(name).encode(), item) for name, item in value.items())
        return "{" + ",".join(name.decode() + ":" + canonical(item) for name, item in members) + "}"
    return {None: "null", True: "true", False: "false"}[value]


def main():
    lines = []
    for text in texts():
        try:
            value = json.loads(text.decode("utf-8"), parse_constant=refuse, parse_int=Number, parse_float=Number)
            lines.append(f"ok {text.hex()} {canonical(value).encode().hex()}")
        except ValueError:
            lines.append(f"bad {text.hex()}")
    target = pathlib.Path(__file__).with_name("cases.txt")
    target.write_text("\n".join(dict.fromkeys(lines)) + "\n")
    print(f"{len(set(lines))} cases, {sum(line.startswith('ok') for line in set(lines))} ok")


if __name__ == "__main__":
    main()
