#!/usr/bin/env python3
"""Makes C structs and codec tables from message descriptions (*.msg).

usage: gen_wire.py NAME OUT_HEADER OUT_SOURCE FILE.msg...

NAME is the include path of the header without ".h", such as "wire/messages".

A description is lines; "#" starts a comment and the comment lines right above a message go along
into the header. Indentation, four blanks a level, nests.

    message NAME key K versions A-B flexible F|never     a request and a response
    record NAME key K versions A-B flexible F            one body, for our own files
    request | response                                   starts a body of a message
        FIELD TYPE[?[N+]] [A-B|A+] [= DEFAULT]

TYPE is bool, int8, int16, int32, int64, uuid, string, bytes, records, or []TYPE, where any other
word names a nested struct whose fields follow, one level deeper. "?" lets the field be null, from
version N on if given. A field without versions stands in all of them. DEFAULT is what a reader
finds for an integer that its version lacks.
"""

import pathlib
import re
import sys

PRIMITIVES = {
    "bool": "bool",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "uuid": "struct uuid",
    "string": "struct slice",
    "bytes": "struct slice",
    "records": "struct slice",
}
HEAD = re.compile(
    r"(message|record) (\w+) key (\d+) versions (\d+)-(\d+) flexible (\d+|never)$"
)
FIELD = re.compile(
    r"(?P<name>\w+) (?P<array>\[\])?(?P<type>\w+)(?P<null>\?(?:(?P<null_from>\d+)\+)?)?"
    r"(?: (?P<first>\d+)(?:\+|-(?P<last>\d+)))?(?: = (?P<default>-?\d+))?$"
)
NEVER = "WIRE_NEVER"


class Fault(Exception):
    pass


class Field:
    def __init__(self, match):
        self.name = match["name"]
        self.array = bool(match["array"])
        self.type = match["type"]
        self.fields = []
        self.nested = self.type not in PRIMITIVES
        self.null_from = NEVER
        if match["null"]:
            self.null_from = match["null_from"] or "0"
        self.first = match["first"] or "0"
        self.last = match["last"] or NEVER
        self.default = match["default"] or "0"
        if self.nested and not self.array:
            raise Fault(f"a single struct ('{self.type}') is not supported, only arrays")


class Body:
    def __init__(self, name):
        self.name = name
        self.fields = []


class Message:
    def __init__(self, match, comment):
        self.kind, self.name = match[1], match[2]
        self.key, self.first, self.last = int(match[3]), int(match[4]), int(match[5])
        self.flexible = NEVER if match[6] == "never" else match[6]
        self.comment = comment
        self.bodies = [Body(f"{self.name}_record")] if self.kind == "record" else []


def read_field(text, depth, stack):
    match = FIELD.match(text)
    if not match:
        raise Fault(f"cannot read the field '{text}'")
    if depth >= len(stack) or stack[depth] is None:
        raise Fault(f"'{match['name']}' is indented too far")
    field = Field(match)
    del stack[depth + 1 :]
    stack[depth].append(field)
    stack.append(field.fields if field.nested else None)


def read_file(path):
    messages, comment, stack = [], [], []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.strip()
        try:
            if not text or text.startswith("#"):
                comment = comment + [text[1:].strip()] if text else []
                continue
            depth, rest = divmod(len(line) - len(line.lstrip()), 4)
            if rest:
                raise Fault("indentation is not a multiple of four blanks")
            head = HEAD.match(text)
            if head:
                messages.append(Message(head, comment))
                stack = [messages[-1].bodies[0].fields] if head[1] == "record" else []
            elif not messages:
                raise Fault("a message must come first")
            elif depth == 0 and text in ("request", "response"):
                messages[-1].bodies.append(Body(f"{messages[-1].name}_{text}"))
                stack = [messages[-1].bodies[-1].fields]
            else:
                read_field(text, depth - 1, stack)
            comment = []
        except Fault as fault:
            sys.exit(f"{path}:{number}: {fault}")
    return messages


def nested_structs(fields):
    """Nested structs, innermost first."""
    for field in fields:
        if field.nested:
            yield from nested_structs(field.fields)
            yield field


def write_struct(out, body, name, fields):
    out.append(f"struct {name} {{")
    for field in fields:
        c_type = f"struct {body.name}_{field.type}" if field.nested else PRIMITIVES[field.type]
        if field.array:
            out.append(f"    {c_type} *{field.name};")
            out.append(f"    int32_t {field.name}_count;")
        else:
            out.append(f"    {c_type} {field.name};")
    if not fields:
        out.append("    char empty;")
    out.append("};\n")


def write_table(out, body, name, fields):
    if fields:
        out.append(f"static const struct wire_field {name}_fields[] = {{")
    for field in fields:
        kind = "WIRE_ARRAY" if field.array else f"WIRE_{field.type.upper()}"
        parts = [
            f'.name = "{field.name}"',
            f".kind = {kind}",
            f".first = {field.first}",
            f".last = {field.last}",
            f".null_from = {field.null_from}",
            f".offset = offsetof(struct {name}, {field.name})",
        ]
        if field.default != "0":
            parts.append(f".absent = {field.default if field.default != '-2147483648' else 'INT32_MIN'}")
        if field.array:
            parts.append(f".count_offset = offsetof(struct {name}, {field.name}_count)")
            element = "STRUCT" if field.nested else field.type.upper()
            parts.append(f".element = WIRE_{element}")
            if field.nested:
                parts.append(f".type = &{body.name}_{field.type}_type")
        out.append("    {" + ", ".join(parts) + "},")
    if fields:
        out.append("};\n")
    table = f"{name}_fields" if fields else "NULL"
    out.append(f"const struct wire_type {name}_type = {{")
    out.append(f'    .name = "{name}", .size = sizeof(struct {name}),')
    out.append(f"    .fields = {table}, .field_count = {len(fields)},")
    out.append("};\n")


def write_header(name, messages):
    out = ["#pragma once\n", f"/* Made by tools/gen_wire.py from .msg files; do not edit. */\n"]
    out += ['#include "wire/codec.h"\n']
    prefix = "API" if messages[0].kind == "message" else "RECORD"
    out.append("enum {")
    out += [f"    {prefix}_{m.name.upper()} = {m.key}," for m in messages]
    out.append("};\n")
    for message in messages:
        if message.comment:
            out.append("/* " + " ".join(message.comment) + " */")
        for body in message.bodies:
            for field in nested_structs(body.fields):
                write_struct(out, body, f"{body.name}_{field.type}", field.fields)
            write_struct(out, body, body.name, body.fields)
            out.append(f"extern const struct wire_type {body.name}_type;\n")
        out.append(f"extern const struct wire_message {message.name}_message;\n")
    stem = name.rsplit("/", 1)[1]
    out.append("/* All of them, by key. */")
    out.append(f"extern const struct wire_message *const {stem}_all[{len(messages)}];")
    return "\n".join(out) + "\n"


def write_source(name, messages):
    out = [f'#include "{name}.h"\n']
    for message in messages:
        for body in message.bodies:
            for field in nested_structs(body.fields):
                write_table(out, body, f"{body.name}_{field.type}", field.fields)
                out[-4] = "static " + out[-4]
            write_table(out, body, body.name, body.fields)
        bodies = [f"&{body.name}_type" for body in message.bodies] + ["NULL"]
        out.append(f"const struct wire_message {message.name}_message = {{")
        out.append(f'    .name = "{message.name}", .key = {message.key},')
        out.append(f"    .version_min = {message.first}, .version_max = {message.last},")
        out.append(f"    .flexible_from = {message.flexible},")
        out.append(f"    .request = {bodies[0]}, .response = {bodies[1]},")
        out.append("};\n")
    stem = name.rsplit("/", 1)[1]
    out.append(f"const struct wire_message *const {stem}_all[{len(messages)}] = {{")
    out += [f"    &{m.name}_message," for m in sorted(messages, key=lambda m: m.key)]
    out.append("};")
    return "\n".join(out) + "\n"


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    name, header, source = sys.argv[1:4]
    messages = [m for path in sys.argv[4:] for m in read_file(pathlib.Path(path))]
    keys = [m.key for m in messages]
    if len(set(keys)) != len(keys):
        sys.exit(f"{name}: two messages have the same key")
    pathlib.Path(header).write_text(write_header(name, messages))
    pathlib.Path(source).write_text(write_source(name, messages))


if __name__ == "__main__":
    main()
