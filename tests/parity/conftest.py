"""leat and Spark answer the same queries: every query runs in both once, before the tests compare."""

import json
import os
import pathlib
import struct
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "e2e"), str(ROOT / "tools")]

from engines.frame import java  # noqa: E402
from engines.spark import OPENED, SPARK3, fetch_spark3  # noqa: E402
from leat import ANY_PORTS, BINARY  # noqa: E402

START_S = 600  # Spark may have to be fetched, and the machine may be busy
SETTINGS = {
    "master": "local[1]", "app.name": "leat-parity", "ui.enabled": "false", "driver.host": "127.0.0.1",
    "driver.bindAddress": "127.0.0.1", "sql.session.timeZone": "UTC", "sql.ansi.enabled": "true",
    "sql.shuffle.partitions": "1", "sql.datetime.java8API.enabled": "true",
    # The interpreter says the same as generated code, which a query that runs once does not repay.
    "sql.codegen.wholeStage": "false", "sql.codegen.factoryMode": "NO_CODEGEN",
}  # fmt: skip
PIPELINE = """version: 1
pipeline: parity
sources:
  nothing: {file: {path: nothing.jsonl}, key: id, topic: {name: nothing}}
"""


NAMED = "(id, i, l, "  # generated queries name all their columns; without a name, texts differ (docs/parity.md)

# ---- values ----------------------------------------------------------------------------------------


def split_type(text):
    """map<string,struct<a:int>> as ("map", [parts])."""
    name, _, inside = text.partition("<")
    parts, depth, start = [], 0, 0
    inside = inside[:-1]
    for at, letter in enumerate(inside + ","):
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(inside[start:at])
            start = at + 1
    return name, parts


def value(found, kind):
    """What both sides write in their own way, in one way; numbers come as their text."""
    if found is None:
        return None
    name, parts = split_type(kind)
    if name == "struct":
        values = list(found.values()) if isinstance(found, Pairs) else found
        return [value(v, part.split(":", 1)[1]) for v, part in zip(values, parts, strict=True)]
    if name == "array":
        return [value(v, parts[0]) for v in found]
    if name == "map":
        pairs = found.items() if isinstance(found, Pairs) else found
        return sorted(([value(k, parts[0]), value(v, parts[1])] for k, v in pairs), key=repr)
    if name == "double":
        return repr(float(found))
    if name == "float":
        return struct.pack("f", float(found)).hex()
    if name == "date":
        return found.lstrip("+")  # Java's sign of years behind 9999; JSON has none
    return found


# ---- the two sides ---------------------------------------------------------------------------------


class Spark:
    """One session for all queries."""

    def __init__(self, folder):
        fetch_spark3()
        words = [java(17), *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED), "-Xmx700m"]
        words += ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC"]
        words += [f"-Dspark.{name}={setting}" for name, setting in SETTINGS.items()]
        words += [f"-Dspark.sql.warehouse.dir={folder}/warehouse", f"-Dspark.local.dir={folder}/local"]
        words += ["-cp", f"{SPARK3}/*", "org.codehaus.janino.SimpleCompiler", HERE / "SparkRows.java", "SparkRows"]
        self.words, self.log = words, folder / "spark.log"

    def answers(self, queries):
        lines = "".join(json.dumps(query) + "\n" for query in queries)
        with self.log.open("w") as log:
            done = subprocess.run(
                self.words, input=lines, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8",
                timeout=START_S, env=dict(os.environ, SPARK_LOCAL_IP="127.0.0.1"),
            )  # fmt: skip
        assert done.returncode == 0, self.log.read_text()[-4000:]
        found = [json.loads(line) for line in done.stdout.split("\n") if line]
        assert len(found) == len(queries), self.log.read_text()[-4000:]
        return found


class Ours:
    """`leat query` over a data directory."""

    def __init__(self, folder):
        self.data = folder / "data"
        (folder / "nothing.jsonl").write_text('{"id": 1}\n')
        (folder / "pipeline.yaml").write_text(PIPELINE)
        subprocess.run(
            [BINARY, "run", folder / "pipeline.yaml", "--data", self.data, *ANY_PORTS],
            cwd=folder, check=True, capture_output=True, timeout=120,
        )

    def rows(self, query):
        done = subprocess.run(
            [BINARY, "query", "--data", self.data, "--json", "-"],
            input=query, capture_output=True, text=True, encoding="utf-8", timeout=120,
        )  # fmt: skip
        if done.returncode != 0:
            return {"error": {1: "row", 78: "query"}.get(done.returncode, "crash"), "message": done.stderr}
        lines = [line for line in done.stdout.split("\n") if line]
        rows = [json.loads(line, parse_float=str, parse_int=str, object_pairs_hook=Pairs) for line in lines]
        return {"names": [name for name, _ in rows[0].pairs] if rows else None, "rows": [row.values() for row in rows]}

    def answer(self, query, names):
        """The rows and the types of their columns, of which there are as many as `names`."""
        found = self.rows(query)
        if "rows" in found and names is not None:
            columns = [f"c{i}" for i in range(len(names))]
            typed = ", ".join(f"typeof(first({column}))" for column in columns)
            types = self.rows(f"WITH parity({', '.join(columns)}) AS ({query}) SELECT {typed} FROM parity")
            found["types"] = types["rows"][0] if "rows" in types else types
        return found


class Pairs:
    """A JSON object; columns may have one name twice."""

    def __init__(self, pairs):
        self.pairs = pairs

    def items(self):
        return self.pairs

    def values(self):
        return [value for _, value in self.pairs]


class Answers:
    def __init__(self, spark, ours, queries):
        theirs = spark.answers(queries)
        mine = [ours.answer(query, answer.get("names")) for query, answer in zip(queries, theirs, strict=True)]
        self.found = dict(zip(queries, zip(theirs, mine, strict=True), strict=True))

    def of(self, query):
        return self.found[query]


def compare(query, theirs, ours):
    """None, or what differs in words."""
    if "error" in theirs or "error" in ours:
        return None if "error" in theirs and "error" in ours else "one of them fails"
    if theirs["types"] != ours["types"]:
        return "types"
    if NAMED in query and ours["rows"] and theirs["names"] != ours["names"]:
        return "names"
    kinds = theirs["types"]
    theirs, ours = (
        [[value(found, kind) for found, kind in zip(row, kinds, strict=True)] for row in side["rows"]]
        for side in (theirs, ours)
    )
    if "ORDER BY" not in query:
        theirs, ours = sorted(theirs, key=repr), sorted(ours, key=repr)
    if theirs == ours:
        return None
    different = [pair for pair in zip(theirs, ours) if pair[0] != pair[1]]
    return f"values: {different[0]}" if different else f"{len(theirs)} rows, {len(ours)} rows"


@pytest.fixture(scope="session")
def sides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parity")
    return Spark(folder), Ours(folder)
