#!/usr/bin/env python3
"""Derives windows.txt from Apache Spark Structured Streaming.

    spark_windows.py > windows.txt

Each scenario is a stream of small batches with times out of order. A batch is one file; Spark runs
until it has nothing left to do (its batch without rows included) before the next file comes, as leat
does between two drains. What stands in windows.txt after `expect` is the table so far: every row that
Spark gave, the newest by key. Needs pyspark (3.5.7) and Java 17, in an environment outside the
repository. The random numbers are seeded: the scenarios are the same each time.
"""

import datetime
import json
import pathlib
import random
import tempfile
import time

from pyspark.sql import SparkSession
from pyspark.sql.types import LongType, StringType, StructField, StructType

EPOCH = datetime.datetime(1970, 1, 1)
BASE_US = 1763837823 * 1_000_000
WINDOW = "SELECT window.start AS start, window.end AS `end`, k, count(*) AS n, sum(v) AS v FROM t GROUP BY window(_accepted_at, {}), k"
RAW = "SELECT _accepted_at AS at, k, count(*) AS n FROM t GROUP BY _accepted_at, k"
DISTINCT = "SELECT DISTINCT k, _accepted_at AS at FROM t"

# name, mode, delay in s, SQL, key, span of the times in s, base, granularity in µs
SCENARIOS = [
    ("tumbling append", "append", 10, WINDOW.format("'10 seconds'"), "start,k", 60, BASE_US, 1),
    ("tumbling append no delay", "append", 0, WINDOW.format("'10 seconds'"), "start,k", 60, BASE_US, 1_000_000),
    ("tumbling update", "update", 10, WINDOW.format("'10 seconds'"), "start,k", 60, BASE_US, 1),
    ("tumbling complete", "complete", 5, WINDOW.format("'10 seconds'"), "start,k", 60, BASE_US, 1),
    ("hopping append", "append", 7, WINDOW.format("'10 seconds', '4 seconds'"), "start,k", 60, BASE_US, 1000),
    ("hopping update", "update", 7, WINDOW.format("'10 seconds', '4 seconds'"), "start,k", 60, BASE_US, 1000),
    ("hopping offset", "append", 3, WINDOW.format("'12 seconds', '5 seconds', '2 seconds'"), "start,k", 60, BASE_US, 1),
    ("before 1970", "append", 2, WINDOW.format("'10 seconds'"), "start,k", 60, -20_000_000, 1),
    ("times update", "update", 4, RAW, "at,k", 30, BASE_US, 250_001),
    ("distinct append", "append", 4, DISTINCT, "k,at", 30, BASE_US, 250_001),
]


def batches_of(seed, span_s, base_us, granularity_us):
    """Six batches whose times rise slowly and vary widely; one batch is much later than the others."""
    numbers = random.Random(seed)
    batches = []
    for index in range(6):
        middle_us = (index + (3 if index == 5 else 0)) * span_s * 1_000_000 // 6
        rows = []
        for _ in range(numbers.randint(1, 7)):
            at_us = middle_us + numbers.randint(-20_000_000, 6_000_000)
            rows.append((numbers.choice("ab"), numbers.randint(-5, 9), base_us + at_us - at_us % granularity_us))
        batches.append(rows)
    return batches


def text_of(value):
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value


def run(spark, scenario, seed):
    name, mode, delay_s, sql, key, span_s, base_us, granularity_us = scenario
    given = {}

    def keep(frame, _batch):
        if mode == "complete":
            given.clear()
        for row in frame.collect():
            values = {field: text_of(row[field]) for field in row.__fields__}
            given[tuple(values[column] for column in key.split(","))] = values

    schema = StructType([StructField("k", StringType()), StructField("v", LongType()), StructField("us", LongType())])
    print(f"scenario {name}\nmode {mode}\ndelay {delay_s}\nkey {key}\nsql {sql}")
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "in")
        source.mkdir()
        rows = spark.readStream.schema(schema).json(str(source))
        rows = rows.selectExpr("k", "v", "timestamp_micros(us) AS _accepted_at")
        rows.withWatermark("_accepted_at", f"{delay_s} seconds").createOrReplaceTempView("t")
        query = (
            spark.sql(sql).writeStream.outputMode(mode).foreachBatch(keep)
            .option("checkpointLocation", str(pathlib.Path(folder, "check"))).start()
        )
        for number, batch in enumerate(batches_of(seed, span_s, base_us, granularity_us)):
            lines = [json.dumps({"k": k, "v": v, "us": us}) for k, v, us in batch]
            part = pathlib.Path(folder, f"{number}.json")
            part.write_text("\n".join(lines))
            part.rename(source / part.name)
            query.processAllAvailable()
            time.sleep(0.3)  # the batch without rows may not have begun
            query.processAllAvailable()
            print("batch")
            for k, v, us in batch:
                print(k, v, us)
            print("expect")
            for line in sorted(json.dumps(row, separators=(",", ":")) for row in given.values()):
                print(line)
        query.stop()
    print("end", flush=True)


def main():
    spark = (
        SparkSession.builder.master("local[1]").config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.ansi.enabled", "true").config("spark.sql.shuffle.partitions", "1")
        .config("spark.ui.enabled", "false").getOrCreate()
    )
    for seed, scenario in enumerate(SCENARIOS):
        run(spark, scenario, seed)


if __name__ == "__main__":
    main()
