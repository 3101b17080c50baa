#!/usr/bin/env python3
"""Runs leat's tests; called by ./test, which has installed what they need.

A step is a build, a check or a family of tests. Each prints one line, and what failed in full; all
steps run, unless the build itself fails. Results as JUnit files go to build/test-results.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
RESULTS = BUILD / "test-results"
VENV = BUILD / "venv" / "bin"
JOBS = str(os.cpu_count() or 1)
CMOCKA = re.compile(r"\[  (PASSED|FAILED)  \] (\d+) test\(s\)")
SQL_FILE = re.compile(r"\.test: (\d+) passed, (\d+) failed")


@dataclasses.dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    details: str = ""  # of what failed
    note: str = ""

    def __add__(self, other):
        return Outcome(
            self.passed + other.passed,
            self.failed + other.failed,
            self.details + other.details,
            ", ".join(n for n in (self.note, other.note) if n),
        )


# ---- running programs ---------------------------------------------------------------------------


def run(command, timeout_s=3600, **settings):
    """Exit code and output, both streams in one. A program that hangs is ended with its group."""
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=ROOT,
        start_new_session=True,
        **settings,
    )
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as stopped:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        if isinstance(stopped, KeyboardInterrupt):
            raise
        return 124, f"{output}\nended: it ran longer than {timeout_s} s\n"
    return process.returncode, output


def check(command, **settings):
    """A program that passes or fails as a whole."""
    code, output = run(command, **settings)
    return Outcome(passed=1) if code == 0 else Outcome(failed=1, details=output)


def sources():
    """The C files that people wrote."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h"],
        cwd=ROOT, capture_output=True, text=True,
    )
    if listed.returncode == 0:
        return [name for name in listed.stdout.split("\n") if name and (ROOT / name).exists()]
    folders = ("src", "tests", "fuzz", "bench")
    return [str(p.relative_to(ROOT)) for f in folders for p in (ROOT / f).rglob("*.[ch]")]


# ---- steps --------------------------------------------------------------------------------------


def build(folder, *options, compiler=None, targets=()):
    environment = dict(os.environ)
    if compiler:
        environment["CC"] = compiler
    verb = ["configure", folder] if (folder / "build.ninja").exists() else ["setup", folder, ROOT]
    code, output = run(["meson", *verb, "-Dtests=true", *options], env=environment)
    if code == 0:
        code, output = run(["ninja", "-C", folder, *targets])
    if code == 0:
        return Outcome(passed=1)
    at = output.find("FAILED:")
    return Outcome(failed=1, details=output[max(at, 0) :][-20000:])


def layers():
    return check([sys.executable, "tools/layers.py", "src"])


def formatting():
    return check([VENV / "clang-format", "--dry-run", "-Werror", *sources()])


def unit_counts(record):
    """Cases of one test program, by its own count; one for a program that does not count."""
    text = record.get("stdout", "") + record.get("stderr", "")
    counts = {"PASSED": 0, "FAILED": 0}
    for kind, number in CMOCKA.findall(text):
        counts[kind] += int(number)
    for passed, failed_cases in SQL_FILE.findall(text):
        counts["PASSED"] += int(passed)
        counts["FAILED"] += int(failed_cases)
    failed = record["result"] not in ("OK", "EXPECTEDFAIL")
    if not failed:
        return Outcome(passed=max(counts["PASSED"], 1))
    details = f"--- {record['name']}: {record['result']}\n{text[-8000:]}\n"
    return Outcome(counts["PASSED"], max(counts["FAILED"], 1), details)


def unit(folder, *selection, label="unit", **settings):
    log = folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    code, output = run(
        ["meson", "test", "-C", folder, "--no-rebuild", "--num-processes", JOBS, *selection], **settings
    )
    if not log.exists():
        return Outcome(failed=1, details=output)
    total = Outcome()
    for line in log.read_text(errors="replace").splitlines():
        total += unit_counts(json.loads(line))
    junit = log.with_name("testlog.junit.xml")
    if junit.exists():
        shutil.copy(junit, RESULTS / f"{label}.xml")
    if code != 0 and total.failed == 0:
        total += Outcome(failed=1, details=output[-8000:])
    return total


def pytest(*selection, label="e2e", binary=None, timeout_s=3600):
    report = RESULTS / f"{label}.xml"
    report.unlink(missing_ok=True)
    environment = dict(os.environ, LEAT_BINARY=str(binary or BUILD / "leat"))
    code, output = run(
        [VENV / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore",
         f"--junitxml={report}", *(selection or ["tests/e2e"])],
        env=environment,
        timeout_s=timeout_s,
    )
    if not report.exists():
        return Outcome(failed=1, details=output[-20000:])
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in xml.parse(report).getroot().iter("testsuite"):
        for name in counts:
            counts[name] += int(suite.get(name, 0))
    failed = counts["failures"] + counts["errors"]
    passed = counts["tests"] - failed - counts["skipped"]
    if code not in (0, 5) and failed == 0:
        failed = 1
    # A skipped test proves nothing: it counts nowhere, and is told with its reason.
    reasons = {skip.get("message") for skip in xml.parse(report).getroot().iter("skipped")}
    note = f"{counts['skipped']} skipped: {'; '.join(sorted(map(str, reasons)))}" if reasons else ""
    return Outcome(passed, failed, output[-40000:] if failed else "", note)


def tidy(budget_s):
    """clang-tidy over as many files as fit, those changed last first."""
    changed = subprocess.run(
        ["git", "log", "--format=", "--name-only", "--no-renames", "--", "src"],
        cwd=ROOT, capture_output=True, text=True,
    ).stdout.split("\n")
    known = [name for name in sources() if name.startswith("src/") and name.endswith(".c")]
    order = {name: place for place, name in reversed(list(enumerate(changed)))}
    files = sorted(known, key=lambda name: order.get(name, -1))
    deadline, done, findings = time.monotonic() + budget_s, 0, ""
    group = 4 * int(JOBS)
    while done < len(files) and time.monotonic() < deadline:
        part = files[done : done + group]
        code, output = run(
            ["xargs", "-P", JOBS, "-n", "2", "clang-tidy", "--quiet", "-p", BUILD / "clang"],
            stdin=feed("\n".join(part)),
        )
        findings += with_lines(output) if code != 0 else ""
        done += len(part)
    note = f"{done} of {len(files)} files" if done < len(files) else ""
    if findings:
        return Outcome(failed=1, details=findings[-20000:], note=note)
    return Outcome(passed=1, note=note)


def with_lines(output):
    """The errors with the lines they point to; without the analyser's way there."""
    lines = output.split("\n")
    return "".join("\n".join(lines[i : i + 3]) + "\n" for i, line in enumerate(lines) if " error: " in line)


def feed(text):
    """A pipe to read `text` from."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        stream.write(text)
    return os.fdopen(reader)


def sanitized(folder, kind, *suites):
    """Builds with a sanitizer and runs the unit tests of some folders, or of all."""
    # Warnings belong to the plain builds: instrumented code makes gcc guess.
    options = [f"-Db_sanitize={kind}", "-Doptimization=1", "-Db_lundef=false", "-Dwerror=false"]
    targets = test_programs(folder, suites, options) if suites else []
    outcome = build(folder, *options, targets=targets)
    if outcome.failed:
        return outcome
    environment = dict(
        os.environ,
        ASAN_OPTIONS="detect_leaks=1:abort_on_error=1",
        UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1",
        TSAN_OPTIONS="halt_on_error=1",
    )
    selection = [word for suite in suites for word in ("--suite", suite)]
    label = "unit-" + folder.name
    return outcome + unit(folder, *selection, "--timeout-multiplier", "5", label=label, env=environment)


def test_programs(folder, suites, options):
    """The test programs of some folders, so that only they are built."""
    if not (folder / "build.ninja").exists():
        run(["meson", "setup", folder, ROOT, "-Dtests=true", *options])
    run(["ninja", "-C", folder, "build.ninja"])  # the list as it is now
    known = json.loads(run(["meson", "introspect", "--targets", folder])[1])
    prefixes = tuple(f"test_{suite}_" for suite in suites)
    return [os.path.relpath(t["filename"][0], folder) for t in known if t["name"].startswith(prefixes)]


def coverage():
    folder = BUILD / "with-coverage"
    outcome = build(folder, "-Db_coverage=true")
    if outcome.failed:
        return outcome
    outcome += unit(folder, label="unit-coverage")
    outcome += pytest("tests/e2e/pipeline", "-m", "not slow", label="e2e-coverage", binary=folder / "leat")
    target = BUILD / "coverage"
    target.mkdir(exist_ok=True)
    code, output = run(
        [VENV / "gcovr", "--root", ROOT, "--filter", "src/", "--gcov-ignore-parse-errors=all",
         "--html-details", target / "index.html", "--txt-summary", folder]
    )
    lines = re.search(r"^lines: .*$", output, re.M)
    outcome.note = f"{lines.group(0) if lines else 'no report'}; build/coverage/index.html"
    return outcome + (Outcome() if code == 0 else Outcome(failed=1, details=output))


# ---- choosing -----------------------------------------------------------------------------------


def all_steps():
    """The steps of --all, behind those of every run. Minutes on two cores stand behind them."""
    yield "clang: build", lambda: build(BUILD / "clang", compiler="clang")
    yield "clang-tidy", lambda: tidy(budget_s=240)
    yield "address and undefined behaviour", lambda: sanitized(BUILD / "asan", "address,undefined")
    yield "threads", lambda: sanitized(BUILD / "tsan", "thread", "io", "log", "broker", "stream")
    yield "end to end, slow", lambda: pytest("tests/e2e", "-m", "slow", label="e2e-slow")
    yield "Airflow", lambda: pytest("tests/airflow", label="airflow", timeout_s=1200)
    yield "parity", lambda: pytest("tests/parity", label="parity", timeout_s=900)
    yield "real engines", lambda: pytest("tests/engines", label="engines", timeout_s=3000)
    yield "Docker", lambda: pytest(
        "tests/docker/test_files.py", "tests/docker/test_embedded.py", label="docker", timeout_s=1200
    )


def selected(words):
    """Steps for files and patterns of the command line."""
    units, files, patterns = [], [], []
    names = run(["meson", "test", "-C", BUILD, "--list"])[1].splitlines()
    names = sorted({line.rsplit(" / ", 1)[-1].strip() for line in names if " / " in line})
    for word in words:
        if word.split("::")[0].endswith(".py"):
            files.append(word)
        elif word.endswith(".c"):
            units.append(pathlib.Path(word).stem)
        else:
            matching = [name for name in names if word in name]
            units += matching
            if not matching:
                patterns.append(word)
    if units:
        yield "unit tests", lambda: unit(BUILD, *units)
    if files:
        yield "end to end", lambda: pytest(*files)
    if patterns:
        yield "end to end", lambda: pytest("tests/e2e", "-k", " or ".join(patterns))


def steps(arguments):
    yield "build", lambda: build(BUILD)
    if arguments.words:
        yield from selected(arguments.words)
        return
    if arguments.coverage:
        yield "coverage", coverage
        return
    yield "layers", layers
    yield "format", formatting
    yield "links of the pages", lambda: check([sys.executable, "tools/links.py"])
    yield "reference pages", lambda: check(["tools/reference.sh", "--check"])
    yield "unit tests", lambda: unit(BUILD)
    yield "end to end", lambda: pytest("tests/e2e", "-m", "not slow")
    if arguments.all:
        yield from all_steps()


def main():
    parser = argparse.ArgumentParser(prog="./test")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("words", nargs="*", metavar="FILE | PATTERN")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    RESULTS.mkdir(parents=True, exist_ok=True)

    total = Outcome()
    begin = time.monotonic()
    for name, step in steps(arguments):
        started = time.monotonic()
        outcome = step()
        total += outcome
        if outcome.failed:
            print(outcome.details)
        print(
            f"{'FAILED' if outcome.failed else 'ok':6}  {name:32} {outcome.passed:5} passed"
            f"{f', {outcome.failed} failed' if outcome.failed else ''}"
            f"  {time.monotonic() - started:6.1f} s{f'  ({outcome.note})' if outcome.note else ''}",
            flush=True,
        )
        if name == "build" and outcome.failed:
            break
    print(f"\n{(time.monotonic() - begin) / 60:.1f} minutes; JUnit files in build/test-results")
    print(f"{total.passed} passed, {total.failed} failed")
    sys.exit(1 if total.failed or not total.passed else 0)


if __name__ == "__main__":
    main()
