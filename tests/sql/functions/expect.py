#!/usr/bin/env python3
"""Writes what Spark gives behind "=>" in *.cases files.

usage: expect.py FILE...

Needs pyspark 3.5 and Java 17. Each line is an expression over the table below; the result is the
type, then the value of every row as CAST(x AS STRING) has it, or of the first row only where the
expression names no column. "!" is an error of the row. Lines beginning with "#" are comments; a
line "#~ reason" keeps the expectation of the next line as it stands: a known difference.
"""

import re
import sys

from pyspark.sql import SparkSession

ROWS = """
(0, 1, 10000000000, 1.5D, 'Hello', DATE'2024-02-29', TIMESTAMP'2024-02-29 13:14:15.678', array(3, 1, 2), map('a', 1, 'b', 2), true),
(1, -7, 0, -0.25D, 'äöü ß 😀', DATE'1969-12-31', TIMESTAMP'1969-12-31 23:59:59.999999', array(), map(), false),
(2, 0, -3, double('NaN'), '', DATE'2000-01-01', TIMESTAMP'2000-01-01 00:00:00', array(5, NULL, 5), map('x', NULL), true),
(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(4, 2147483647, 9223372036854775807, 1e300D, '  a,b,,c  ', DATE'9999-12-31', TIMESTAMP'9999-12-31 23:59:59', array(1, 2, 3, 4), map('k', 9), false)
"""
COLUMNS = "id, i, l, d, s, dt, ts, arr, m, b"
NAMES = re.compile(r"(?<![\w'.])(id|i|l|d|s|dt|ts|arr|m|b)(?![\w'(])")


def escape(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("|", "\\p")


def without_strings(text):
    return re.sub(r"'(?:[^'\\]|\\.)*'", "''", text)


def run(spark, query):
    rows = spark.sql(query).collect()
    return rows


def expectation(spark, expression):
    columns = NAMES.search(without_strings(expression)) is not None
    rows = 5 if columns else 1
    try:
        kind = spark.sql(f"SELECT {expression} AS x FROM t").schema[0].dataType.simpleString()
    except Exception as error:
        print(f"{expression}: {str(error).splitlines()[0][:150]}", file=sys.stderr)
        return "refused"
    values = []
    query = f"SELECT CAST({expression} AS STRING) AS x FROM t"
    for row in range(rows):
        try:
            value = run(spark, f"{query} WHERE id = {row}")[0][0]
            values.append("null" if value is None else "'" + escape(value) + "'")
        except Exception:
            values.append("!")
    return f"{kind} | " + " | ".join(values)


def main():
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.driver.memory", "700m")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    spark.sql(f"SELECT * FROM VALUES {ROWS} AS t({COLUMNS})").createOrReplaceTempView("t")
    spark.table("t").cache()
    for path in sys.argv[1:]:
        lines = open(path, encoding="utf-8").read().splitlines()
        result = []
        keep = False
        for line in lines:
            if line.startswith("#") or not line.strip():
                keep = line.startswith("#~")
                result.append(line)
                continue
            expression = line.split("  =>  ")[0]
            if not keep:
                line = f"{expression}  =>  {expectation(spark, expression)}"
            keep = False
            result.append(line)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(result) + "\n")


main()
