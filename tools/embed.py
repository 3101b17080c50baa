#!/usr/bin/env python3
"""Turns files into a C table, so that they are part of the binary.

usage: embed.py NAME ROOT OUT.c FILE...

Writes `const struct embedded_file NAME[]` and `const size_t NAME_count` (base/embedded.h), in the
order given; each file is named by its path below ROOT. The header that uses them declares both.
"""

import pathlib
import sys

LINE = 24


def c_bytes(data):
    for start in range(0, len(data), LINE):
        yield "    " + "".join(f"{byte}," for byte in data[start : start + LINE])


def main():
    name, root, target, *files = sys.argv[1:]
    root = pathlib.Path(root)
    out = [
        "/* Made by tools/embed.py. */",
        '#include "base/embedded.h"',
        f"extern const struct embedded_file {name}[];",
        f"extern const size_t {name}_count;",
    ]
    rows = []
    for number, file in enumerate(map(pathlib.Path, files)):
        data = file.read_bytes()
        shown = file.resolve().relative_to(root.resolve()).as_posix()
        out.append(f"static const uint8_t file_{number}[] = {{")
        out.extend(c_bytes(data or b"\0"))
        out.append("};")
        rows.append(f'    {{"{shown}", {{file_{number}, {len(data)}}}}},')
    out.append(f"const struct embedded_file {name}[] = {{")
    out.extend(rows)
    out.append("};")
    out.append(f"const size_t {name}_count = {len(rows)};")
    pathlib.Path(target).write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
