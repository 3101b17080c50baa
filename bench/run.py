#!/usr/bin/env python3
"""Measures leat on this machine and prints a table, and JSON with --json.

usage: bench/run.py [--build DIR] [--users N] [--json FILE] [NAME...]

Every figure is measured in this run, with its peer beside it where there is one: the log against
librdkafka's in-memory mock with the same client. Names choose benchmarks: startup, memory, api,
table, sql, windows, rebuild, latency, log, codec. What runs through a whole leat also gives its
processor time, which other work on the machine does not change. Build first with: meson setup build -Dbench=true && ninja -C build
"""

import argparse
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PIPELINE = ROOT / "examples/users/pipeline.yaml"
PORTS = ["--kafka", "127.0.0.1:0", "--registry", "127.0.0.1:0", "--http", "127.0.0.1:0"]
FAST = ["--set", "random_users.limit=none", "--set", "random_users.http.params={results: 5000}"]


class Bench:
    def __init__(self, build, users):
        self.leat = build / "leat"
        self.build = build
        self.users = users
        self.rows = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="leat-bench-"))
        self.api = subprocess.Popen(
            [self.leat, "api", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
        )
        self.environment = dict(os.environ, RANDOMUSER_URL=self.api.stdout.readline().strip())

    def close(self):
        self.api.send_signal(signal.SIGTERM)
        self.api.wait(10)
        shutil.rmtree(self.folder)

    def add(self, name, value, unit, note=""):
        self.rows.append({"name": name, "value": value, "unit": unit, "note": note})
        shown = f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"
        print(f"{name:<44} {shown:>14} {unit:<10} {note}", flush=True)

    def data(self, name):
        return self.folder / name

    def add_run(self, name, records, seconds, note):
        cpu = f"{self.cpu_seconds / records * 1e6:.1f} us of CPU a record"
        self.add(name, records / seconds, "rows/s", f"{note}; {cpu}, all threads")

    def variant(self, name, **changes):
        """The users pipeline with other streams and sinks; an empty text leaves them out."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        shutil.copy(PIPELINE.parent / "user.avsc", folder)
        head, rest = PIPELINE.read_text().split("streams:\n")
        streams, sinks = rest.split("# leat test")[0].split("sinks:\n")
        rows, windows = streams.split("  users_by_country:\n")
        parts = {"rows": rows, "windows": "  users_by_country:\n" + windows, "sinks": sinks, **changes}
        text = head + "streams:\n" + parts["rows"] + parts["windows"]
        (folder / "pipeline.yaml").write_text(text + ("sinks:\n" + parts["sinks"] if parts["sinks"] else ""))
        return folder / "pipeline.yaml"

    def up(self, data, *options, pipeline=PIPELINE):
        """One run of a pipeline to its end; seconds it took."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        done = subprocess.run(
            [self.leat, "up", pipeline, "--data", data, "-q", "--drain-timeout", "10min"]
            + PORTS
            + list(options),
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        seconds = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return seconds, dict(p.split("=") for p in done.stdout.split())

    def start(self, data, *options):
        process = subprocess.Popen(
            [self.leat, "up", PIPELINE, "--data", data, "-q"] + PORTS + list(options),
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        return process

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def wait_until(condition, timeout=60):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.002)
    raise TimeoutError


def count_rows(data, table="spark_streams.created_users"):
    try:
        with sqlite3.connect(f"file:{data}/tables.db?mode=ro", uri=True) as db:
            return db.execute(f'select count(*) from "{table}"').fetchone()[0]
    except sqlite3.Error:
        return 0


def addresses(data):
    try:
        return json.loads((data / "leat.json").read_text())
    except (OSError, ValueError):
        return None


def pss_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) / 1024


def startup(bench):
    times = []
    for i in range(5):
        data = bench.data(f"startup-{i}")
        begin = time.monotonic()
        process = bench.start(data)
        wait_until(lambda: count_rows(data) > 0)
        times.append(time.monotonic() - begin)
        bench.stop(process)
    bench.add("start to the first stored row", statistics.median(times) * 1000, "ms", "median of 5")


def memory(bench):
    data = bench.data("memory")
    process = bench.start(data, "--set", "random_users.schedule=@every 1h")
    wait_until(lambda: count_rows(data) >= 500)
    time.sleep(1)
    bench.add("memory idle (PSS)", pss_mb(process.pid), "MB", "500 users stored")
    bench.stop(process)
    process = bench.start(data, "--limit", str(bench.users), *FAST)
    peak = 0
    while process.poll() is None:
        try:
            peak = max(peak, pss_mb(process.pid))
        except (OSError, AttributeError):
            break
        time.sleep(0.05)
    process.communicate()
    bench.add("memory at full load (PSS)", peak, "MB", f"peak, {bench.users:,} users")


def api(bench):
    seconds, total = bench.up(bench.data("api"), "--limit", str(bench.users), *FAST)
    assert int(total["stored"]) == bench.users
    bench.add_run("API to table", bench.users, seconds, "users example, start and stop included")


def again(bench, pipeline=PIPELINE):
    """The topic of `api` once more from its beginning."""
    data = bench.data("api")
    if not data.exists():
        bench.up(data, "--limit", str(bench.users), *FAST)
    for file in list(data.glob("tables.db*")) + list((data / "state").glob("*")):
        file.unlink()
    return bench.up(data, "--limit", "0", pipeline=pipeline)


def table(bench):
    seconds, total = again(bench)
    assert int(total["stored"]) == bench.users
    bench.add_run("topic to tables", bench.users, seconds, "12 columns and a window by country")


def sql(bench):
    seconds, total = again(bench, bench.variant("sql", windows="", sinks=""))
    assert int(total["filtered"]) == bench.users
    bench.add_run("SQL over a topic", bench.users, seconds, "12 columns, no sink")


def windows(bench):
    seconds, total = again(bench, bench.variant("windows", rows="", sinks=""))
    assert int(total["filtered"]) == bench.users
    bench.add_run("keyed windows over a topic", bench.users, seconds, "a minute by country, state kept, no sink")


def rebuild(bench):
    again(bench)
    changed = bench.variant("rebuild").read_text().replace("gender,", "upper(gender) AS gender,", 1)
    file = bench.folder / "rebuild/pipeline.yaml"
    file.write_text(changed)
    seconds, _ = bench.up(bench.data("api"), "--limit", "0", "--rebuild", pipeline=file)
    found = bench.data("api") / "tables.db"
    with sqlite3.connect(f"file:{found}?mode=ro", uri=True) as db:
        count = "select count(*) from \"spark_streams.created_users\" where gender in ('MALE', 'FEMALE')"
        assert db.execute(count).fetchone()[0] == bench.users
    bench.add("a changed query with its history", seconds, "s", f"{bench.users:,} rows rebuilt; {bench.cpu_seconds:.1f} s of CPU")


def latency(bench):
    data = bench.data("latency")
    process = bench.start(
        data, "--set", "random_users.http.params={results: 1}", "--set",
        "random_users.schedule=@every 100ms",
    )
    wait_until(lambda: addresses(data))
    wait_until(lambda: count_rows(data) > 0)
    url = addresses(data)["http"]
    if not url:
        bench.stop(process)
        return
    import urllib.request

    seen = []
    for _ in range(100):
        with urllib.request.urlopen(f"http://{url}/api/v1/status") as reply:
            text = reply.read().decode()
        seen += [int(v) / 1000 for v in re.findall(r'"latency_us":\s*(\d+)', text)]
        time.sleep(0.1)
    bench.stop(process)
    if seen:
        seen.sort()
        bench.add("acceptance to readable in the table, p50", seen[len(seen) // 2], "ms", "10 records/s")
        bench.add("acceptance to readable in the table, p99", seen[int(len(seen) * 0.99)], "ms", "10 records/s")


def log(bench):
    program = bench.build / "bench/kafka_bench"
    idle = bench.folder / "idle.yaml"
    idle.write_text(
        "version: 1\npipeline: idle\nsources:\n  none:\n    file: {path: /nonexistent/*.jsonl}\n"
        "    key: id\n    schedule: '@every 1h'\n"
    )
    for size, records in ((100, 2_000_000), (1024, 500_000)):
        peers = {}
        for name, flush in (("always", "always"), ("never", "never")):
            data = bench.data(f"log-{name}-{size}")
            process = subprocess.Popen(
                [bench.leat, "up", idle, "--data", data, "-q", "--flush", flush] + PORTS,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            kafka = wait_until(lambda: addresses(data))["kafka"]
            done = subprocess.run([program, kafka, str(records), str(size)], stdout=subprocess.PIPE, text=True, check=True)
            peers[name] = json.loads(done.stdout)
            bench.stop(process)
        done = subprocess.run([program, "mock", str(records), str(size)], stdout=subprocess.PIPE, text=True, check=True)
        peers["mock"] = json.loads(done.stdout)
        for name, note in (("always", "leat, fsync before ack"), ("never", "leat, no fsync"), ("mock", "librdkafka's mock, in memory")):
            bench.add(f"produce {size} B", peers[name]["produce_records_s"], "records/s", f'{note}; {peers[name]["produce_mb_s"]:.0f} MB/s')
        bench.add(f"consume {size} B", peers["always"]["consume_records_s"], "records/s", f'leat; {peers["always"]["consume_mb_s"]:.0f} MB/s')


def codec(bench):
    done = subprocess.run([bench.build / "bench/json_bench"], stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        print("  " + line)


BENCHES = {f.__name__: f for f in (startup, memory, api, table, sql, windows, rebuild, latency, log, codec)}


def hardware():
    model = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?"
    )
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores of {model}, {memory_gb:.0f} GiB, Linux {platform.release()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--users", type=int, default=300_000)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHES], default=[])
    arguments = parser.parse_args()
    print(hardware())
    bench = Bench(arguments.build.resolve(), arguments.users)
    try:
        for name in arguments.names or BENCHES:
            BENCHES[name](bench)
    finally:
        bench.close()
    if arguments.json:
        arguments.json.write_text(json.dumps({"hardware": hardware(), "rows": bench.rows}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
