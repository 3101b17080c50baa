"""What the engines share: fetching programs, and the state of one engine."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "build" / "engines"


class Failure(Exception):
    """Ends the program; the text says why and what to do."""


# ---- programs --------------------------------------------------------------------------------------


def java_version(java):
    """The major version, or 0."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30).stderr
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', said)
    return int(found.group(1)) if found else 0


def java(least):
    """A Java that is new enough: JAVA_HOME's, the one on the path, or one of /usr/lib/jvm."""
    homes = sorted(pathlib.Path("/usr/lib/jvm").glob("*/bin/java"))
    candidates = [os.path.join(os.environ.get("JAVA_HOME", "/nowhere"), "bin/java"), shutil.which("java"), *homes]
    for candidate in candidates:
        if candidate and os.path.exists(candidate) and java_version(str(candidate)) >= least:
            return str(candidate)
    package = "openjdk-17-jre-headless" if least <= 17 else f"temurin-{least}-jdk (adoptium.net)"
    raise Failure(f"Java {least} or newer is needed and not there; install {package}, or set JAVA_HOME")


def maven(*arguments):
    if not shutil.which("mvn"):
        raise Failure("Maven fetches the engines and is not there; install the package maven")
    done = subprocess.run(["mvn", "-B", "-q", "-ntp", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)  # fmt: skip
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-12:])
        raise Failure(f"Maven could not fetch it (it needs the network once):\n{tail}")


POM = """<project><modelVersion>4.0.0</modelVersion><groupId>leat</groupId><artifactId>engine</artifactId>
<version>1</version><packaging>pom</packaging><dependencies>{}</dependencies></project>
"""
DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


def fetch_jars(target, *coordinates):
    """The jars and what they stand on. Only a complete folder gets its name."""
    if target.exists():
        return
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    pom = partial / "pom.xml"
    pom.write_text(POM.format("".join(DEPENDENCY.format(*c.split(":")) for c in coordinates)))
    maven("-f", str(pom), "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={partial}")
    partial.rename(target)


def fetch_archive(target, coordinate, name):
    if target.exists():
        return
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    maven("dependency:copy", f"-Dartifact={coordinate}", f"-DoutputDirectory={partial}")
    shutil.unpack_archive(partial / name, partial)
    (partial / name).unlink()
    partial.rename(target)


# ---- one engine ------------------------------------------------------------------------------------


@dataclasses.dataclass
class Engine:
    """How an engine is had and run. Each file beside this one sets ENGINES, by name, in the order of need."""

    title: str  # for --help
    fetch: object  # fetch(): brings the program, if it is not there
    start: object = None  # start(state) -> (words of the command, environment to add)
    ready: object = None  # ready(state) -> whether it answers; OSError counts as no
    address: str = "127.0.0.1:{}"  # what `up` prints, with the port
    needs: tuple = ()  # engines that run before it
    stop: int = signal.SIGTERM
    in_all: bool = False  # `up all` starts it: one of those that make the whole pipeline
    again: str = ""  # a word of its log: an end at the start with it is worth another start
    parts: tuple = ()  # names of the nodes of a cluster, NAME.1 and so on: they start and stop together


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def born(pid):
    """When the process began, in ticks since the start of the system; None if it is gone or has ended."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


class State:
    """RUN/NAME.json (pid, ports), RUN/NAME.log, RUN/NAME/ (data)."""

    def __init__(self, run, name):
        self.run, self.name = run, name
        self.folder, self.log, self.file = run / name, run / f"{name}.log", run / f"{name}.json"

    def read(self):
        try:
            return json.loads(self.file.read_text())
        except FileNotFoundError:
            return {}

    def write(self, **changes):
        self.run.mkdir(parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.read() | changes))
        new.rename(self.file)

    def port(self, use="clients"):
        """The engine's port of that use, chosen once."""
        ports = self.read().get("ports", {})
        if use not in ports:
            ports[use] = free_port()
            self.write(ports=ports)
        return ports[use]

    def other(self, name):
        """Of another engine of the same run."""
        return State(self.run, name)

    def pid(self):
        """Of the running process, or None. A pid that another program has by now does not count."""
        known = self.read()
        pid = known.get("pid")
        return pid if pid and known.get("born") == born(pid) else None

    def runs(self, pid):
        self.write(pid=pid, born=pid and born(pid))

    def tail(self, lines=12):
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "(no log)"


def properties(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def exchange_at(host, port, request, size):
    with socket.create_connection((host, port), timeout=2) as client:
        client.sendall(request)
        return client.recv(size)


def exchange(port, request, size):
    return exchange_at("127.0.0.1", port, request, size)
