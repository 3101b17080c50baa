"""PostgreSQL, as the system's package brings it: Debian and Ubuntu keep the server's programs beside the path."""

import os
import pathlib
import shutil
import signal
import struct
import subprocess
import time

from .frame import Engine, Failure, exchange

USER, DATABASE = "leat", "leat"
SETTINGS = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
wal_level = logical
max_replication_slots = 20
max_wal_senders = 20
# Engines are killed here, machines are not: what the system has taken is safe.
fsync = off
"""


# Where tests of links come from (tests/engines/links.py). It listens on 127.0.0.1 all the same.
HOSTS = """\
host all all 10.213.0.0/16 trust
host replication all 10.213.0.0/16 trust
"""


def program(name):
    """The newest installed one."""
    homes = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    found = shutil.which(name, path=os.pathsep.join([*map(str, reversed(homes)), os.environ.get("PATH", "")]))
    if not found:
        raise Failure("PostgreSQL is not installed; install the package postgresql (Fedora: postgresql-server)")
    return found


def fetch():
    program("initdb")


def unprivileged(*words):
    """The server refuses root. The capability lets it pass folders that only root may enter."""
    if os.geteuid() != 0:
        return list(words)
    capability = "+dac_read_search"
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", f"--inh-caps={capability}",
            f"--ambient-caps={capability}", *words]  # fmt: skip


def make(words, text=None):
    done = subprocess.run(unprivileged(*words), input=text, capture_output=True, text=True, cwd="/")
    if done.returncode != 0:
        raise Failure(f"PostgreSQL could not make its data directory:\n{(done.stdout + done.stderr)[-2000:]}")


def wait_for_children(data):
    """A killed server leaves them for a moment; they work in its folder, and must be gone before the next."""
    deadline = time.monotonic() + 20
    while any(works_in(process, data) for process in pathlib.Path("/proc").glob("[0-9]*")):
        if time.monotonic() > deadline:
            raise Failure(f"processes of a killed PostgreSQL are still at work in {data}")
        time.sleep(0.02)


def works_in(process, folder):
    try:
        return os.readlink(process / "cwd") == str(folder)
    except OSError:
        return False


def start(state):
    data = state.folder / "data"
    if not (data / "made").exists():
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(data, "postgres", "postgres")
        make([program("initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
              "--no-sync"])  # fmt: skip
        with open(data / "postgresql.conf", "a") as settings:
            settings.write(SETTINGS)
        with open(data / "pg_hba.conf", "a") as hosts:
            hosts.write(HOSTS)
        make([program("postgres"), "--single", "-D", str(data), "postgres"], f"CREATE DATABASE {DATABASE}\n")
        (data / "made").touch()
    wait_for_children(data)
    (data / "postmaster.pid").unlink(missing_ok=True)  # its pid may be a zombie's, or another's by now
    return unprivileged(program("postgres"), "-D", str(data), "-p", str(state.port())), {}


def ready(state):
    """Whether it lets its user in."""
    body = struct.pack(">i", 196608) + f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
    return exchange(state.port(), struct.pack(">i", len(body) + 4) + body, 1) == b"R"


ENGINES = {
    "postgres": Engine(
        "PostgreSQL of the system, 13 or newer, with logical replication", fetch, start, ready,
        address=f"postgresql://{USER}@127.0.0.1:{{}}/{DATABASE}", stop=signal.SIGINT, in_all=True,
    )
}  # fmt: skip
