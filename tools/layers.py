#!/usr/bin/env python3
"""Checks that each folder of src/ includes only what src/LAYERS allows.

usage: layers.py SRC_DIR [STAMP]

Every include of ours names its folder ("base/error.h"). A header *_internal.h is for its own
folder only. A foreign library may be included only where LAYERS names it. Exits 1 with one line
per violation.
"""

import pathlib
import re
import sys

# Header (prefix) -> the library's name in LAYERS.
FOREIGN = {
    "jansson.h": "jansson",
    "libfyaml.h": "fyaml",
    "xxhash.h": "xxhash",
    "uv.h": "uv",
    "sqlite3.h": "sqlite3",
    "zlib.h": "zlib",
    "zstd": "zstd",
    "lz4": "lz4",
    "snappy-c.h": "snappy",
    "curl/": "curl",
    "microhttpd.h": "microhttpd",
    "openssl/": "openssl",
    "pcre2.h": "pcre2",
    "utf8proc.h": "utf8proc",
    "librdkafka/": "rdkafka",
    "rocksdb/": "rocksdb",
    "libpq-fe.h": "pq",
    "zookeeper/": "zookeeper",
    "protobuf-c/": "protobuf-c",
    "argon2.h": "argon2",
    "pthread.h": "pthread",
}
FREE = {"pthread"}  # libc, as far as layers go
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def read_layers(path):
    layers = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        folder, _, rest = line.partition(":")
        ours, _, foreign = rest.partition("|")
        for name in ours.split():
            if name not in layers:
                sys.exit(f"{path}:{number}: '{folder}' names '{name}', which does not stand above it")
        layers[folder] = (set(ours.split()), set(foreign.split()))
    return layers


def folder_of(path, layers):
    """The longest layer name that `path` (relative, with a file name) lies in."""
    parts = pathlib.PurePosixPath(path).parts[:-1]
    for length in range(len(parts), 0, -1):
        name = "/".join(parts[:length])
        if name in layers:
            return name
    return None


def check_file(source, file, layers):
    relative = file.relative_to(source).as_posix()
    folder = folder_of(relative, layers)
    if folder is None:
        if len(pathlib.PurePosixPath(relative).parts) > 1:
            yield f"{relative}: its folder does not stand in LAYERS"
        return
    ours, foreign = layers[folder]
    for number, line in enumerate(file.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, name = match.groups()
        place = f"{relative}:{number}"
        if quote == "<":
            for prefix, library in FOREIGN.items():
                if name.startswith(prefix) and library not in foreign | FREE:
                    yield f"{place}: '{folder}' may not include <{name}> ({library})"
            continue
        target = folder_of(name, layers)
        if target is None:
            yield f"{place}: \"{name}\" does not name a folder of src/"
        elif target != folder and target not in ours:
            yield f"{place}: '{folder}' may not include '{target}'"
        elif target != folder and name.endswith("_internal.h"):
            yield f"{place}: \"{name}\" is internal to '{target}'"


def main():
    source = pathlib.Path(sys.argv[1])
    layers = read_layers(source / "LAYERS")
    faults = []
    for file in sorted(source.rglob("*.[ch]")):
        faults.extend(check_file(source, file, layers))
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(1)
    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2]).write_text("ok\n")


if __name__ == "__main__":
    main()
