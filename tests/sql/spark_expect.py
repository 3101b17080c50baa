#!/usr/bin/env python3
"""Derives what the SQL test files expect from Apache Spark.

    spark_expect.py FILE...            says where a file and Spark differ; ends with 1 if any does
    spark_expect.py --write FILE...    puts Spark's answers into the files

Needs pyspark (3.5.7) and Java 17, in a virtual environment outside the repository. Blocks of streams
and plans are left alone, and so is a block behind a comment "# not spark: reason".
"""

import argparse
import base64
import datetime
import decimal
import json
import math
import re
import sys

WORDS = ("create", "feed", "view", "query", "stream", "check", "expect", "error", "plan", "spark", "advance", "flush")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def blocks(lines):
    """Cuts a file into [word, rest of its line, body lines, comment lines before it]."""
    found, comments = [], []
    for line in lines:
        word = line.split(" ", 1)[0]
        if word in WORDS and not line.startswith(" "):
            found.append([word, line[len(word) + 1 :], [], comments])
            comments = []
        elif line.startswith("#") and not (found and found[-1][0] == "check" and not comments and found[-1][2][-1:] != [""]):
            comments.append(line)
        elif found and not comments:
            found[-1][2].append(line)
        else:
            comments.append(line)
    return found, comments


def number(value):
    """A double as leat writes it: the shortest text that reads back, as Java has it."""
    if math.isnan(value):
        return '"NaN"'
    if math.isinf(value):
        return '"Infinity"' if value > 0 else '"-Infinity"'
    return repr(float(value))


def to_json(value, kind):
    from pyspark.sql import types as t

    if value is None:
        return "null"
    if isinstance(kind, t.StructType):
        return "{" + ",".join(f"{json.dumps(f.name, ensure_ascii=False)}:{to_json(v, f.dataType)}" for f, v in zip(kind.fields, value)) + "}"
    if isinstance(kind, t.ArrayType):
        return "[" + ",".join(to_json(v, kind.elementType) for v in value) + "]"
    if isinstance(kind, t.MapType):
        pairs = []
        for k, v in value.items():
            key = to_json(k, kind.keyType)
            pairs.append((key if key.startswith('"') else json.dumps(key)) + ":" + to_json(v, kind.valueType))
        return "{" + ",".join(pairs) + "}"
    if isinstance(kind, t.BooleanType):
        return "true" if value else "false"
    if isinstance(kind, (t.DoubleType,)):
        return number(value)
    if isinstance(kind, t.FloatType):
        import struct

        for digits in range(1, 10):
            text = f"{value:.{digits}g}"
            if struct.pack("f", float(text)) == struct.pack("f", value):
                return number(float(text))
        return number(value)
    if isinstance(kind, t.DecimalType):
        return format(value, "f")
    if isinstance(kind, t.TimestampType):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        us = (value - EPOCH) // datetime.timedelta(microseconds=1)
        text = (EPOCH + datetime.timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S")
        text = text.rjust(19, "0")
        return json.dumps(f"{text}.{us % 1000000:06d}Z")
    if isinstance(kind, t.DateType):
        return json.dumps(value.isoformat())
    if isinstance(kind, t.BinaryType):
        return json.dumps(base64.b64encode(bytes(value)).decode())
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


class Session:
    def __init__(self):
        from pyspark.sql import SparkSession

        self.spark = (
            SparkSession.builder.master("local[1]")
            .config("spark.sql.ansi.enabled", "true")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .config("spark.sql.warehouse.dir", "/tmp/spark_expect_warehouse")
            .getOrCreate()
        )
        self.spark.sparkContext.setLogLevel("OFF")
        self.tables = {}

    def reset(self):
        for name in list(self.tables):
            self.spark.catalog.dropTempView(name)
        self.tables = {}

    def create(self, rest):
        rest = rest.removeprefix("stream ")
        name, columns = rest.split("(", 1)
        self.tables[name.strip()] = (columns.rsplit(")", 1)[0], [])
        self.load(name.strip())

    def feed(self, name, lines):
        self.tables[name][1].extend(line for line in lines if line)
        self.load(name)

    def load(self, name):
        columns, lines = self.tables[name]
        rdd = self.spark.sparkContext.parallelize(lines, 1)
        frame = self.spark.read.schema(columns).option("mode", "FAILFAST").json(rdd)
        frame.createOrReplaceTempView(name.split(".")[-1])

    def query(self, text):
        """The rows as JSON texts; raises what Spark raises."""
        frame = self.spark.sql(text)
        fields = frame.schema
        renamed = frame.toDF(*[f"c{i}" for i in range(len(fields.fields))])
        for i, field in enumerate(fields.fields):
            if "interval" in field.dataType.simpleString():
                from pyspark.sql import functions as f

                renamed = renamed.withColumn(f"c{i}", f.col(f"c{i}").cast("string"))
        kinds = renamed.schema
        return [
            "{" + ",".join(f"{json.dumps(f.name, ensure_ascii=False)}:{to_json(v, k.dataType)}" for f, k, v in zip(fields.fields, kinds.fields, row)) + "}"
            for row in renamed.collect()
        ]


def reason(error):
    text = str(getattr(error, "desc", None) or error).split("\n")[0]
    return re.sub(r"\s+", " ", text)[:160]


def canonical(line):
    return json.dumps(json.loads(line, parse_float=decimal.Decimal), sort_keys=True, default=str, ensure_ascii=False)


class Runner:
    def __init__(self, session, path, write):
        self.session, self.path, self.write = session, path, write
        self.differences = 0

    def differs(self, what, wanted, got):
        self.differences += 1
        print(f"{self.path}: {what}\n  file:  {wanted}\n  spark: {got}")

    def answer(self, text):
        try:
            return self.session.query(text), None
        except Exception as error:  # every way in which Spark refuses
            return None, reason(error) or type(error).__name__

    def check(self, block):
        for i, line in enumerate(block[2]):
            if line.startswith("#") or not line.strip():
                continue
            expression, _, wanted = line.partition(" => ")
            expression = expression.removesuffix(" =>")
            rows, failure = self.answer(f"SELECT {expression} AS v")
            got = "error" if failure else rows[0][len('{"v":') : -1]
            if self.write:
                keep = failure and wanted.startswith("error")
                block[2][i] = f"{expression} => {wanted if keep else got}"
                continue
            same = wanted.startswith("error") if failure else not wanted.startswith("error") and canonical(wanted) == canonical(got)
            if not same:
                self.differs(expression, wanted, failure or got)

    def expect(self, query, block):
        """Compares or replaces the block behind a query."""
        rows, failure = self.answer("\n".join(query[2]))
        if self.write:
            if failure:
                if block[0] != "error":
                    block[:3] = ["error", "", [""]]
                    print(f"{self.path}: {' '.join(query[2])}\n  spark: {failure}")
            else:
                block[:3] = ["expect", "", (rows if query[1] == "ordered" else sorted(rows)) + [""]]
            return
        text = " ".join(query[2])
        if failure or block[0] == "error":
            if not (failure and block[0] == "error"):
                self.differs(text, block[0], failure or rows)
            return
        wanted = [canonical(line) for line in block[2] if line]
        got = [canonical(line) for line in rows]
        if query[1] != "ordered":
            wanted.sort(), got.sort()
        if wanted != got:
            self.differs(text, wanted, got)

    def run(self):
        with open(self.path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        found, tail = blocks(lines)
        out, query = [], None
        self.session.reset()
        i = 0
        while i < len(found):
            block = found[i]
            word, rest, body, comments = block
            skip = any("not spark" in comment for comment in comments[-2:])
            if word == "create":
                self.session.create(rest)
            elif word == "feed":
                self.session.feed(rest, body)
            elif word == "view":
                self.session.spark.sql("\n".join(body)).createOrReplaceTempView(rest)
                self.session.tables.setdefault(rest, ("", []))
            elif word == "check" and not skip:
                self.check(block)
            elif word == "query" and not skip:
                following = found[i + 1] if i + 1 < len(found) and found[i + 1][0] in ("expect", "error", "plan", "spark") else None
                if following is None and self.write:
                    while block[2] and not block[2][-1]:
                        block[2].pop()
                    following = ["expect", "", [""], []]
                    found.insert(i + 1, following)
                if following is not None and following[0] in ("expect", "error"):
                    self.expect(block, following)
            i += 1
        if self.write:
            for word, rest, body, comments in found:
                out += comments + [f"{word} {rest}".rstrip()] + body
            with open(self.path, "w", encoding="utf-8") as file:
                file.write("\n".join(out + tail).rstrip("\n") + "\n")
        return self.differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="put Spark's answers into the files")
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    session = Session()
    differences = sum(Runner(session, path, arguments.write).run() for path in arguments.files)
    print(f"{len(arguments.files)} files, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
