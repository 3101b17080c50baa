"""Apache Airflow: scheduler, web server, triggerer (and DAG processor) on PostgreSQL, tasks by LocalExecutor.

Each version has a virtual environment of its own in build/engines, with the packages of one day: what was
newest when that Airflow came out, since undated installs of some versions do not work. The engine's process is
a small one that starts the parts and ends them. DAGs go to RUN/NAME/dags; RUN/NAME/environment.json is what the
`airflow` command wants to be run with.
"""

import ctypes
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request

from .frame import PROGRAMS, ROOT, Engine, Failure

UV = "uv==0.13.9"
# name: version, the day of its packages, more packages; with those that the provider's own tests are run by
VERSIONS = {
    "airflow": ("3.3.2", "2026-10-01", ["asyncpg", "apache-airflow-providers-openlineage", "mypy"]),
    "airflow211": ("2.11.2", "2026-03-25", []),
    "airflow210": ("2.10.5", "2025-02-20", []),
}
ALL_NEED = ["psycopg2-binary", "pytest"]
STOP_S = 15


def home(name):
    """The virtual environment of that version."""
    return PROGRAMS / f"airflow-{VERSIONS[name][0]}"


# ---- programs --------------------------------------------------------------------------------------


def checked(words, what):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failure(f"{what} (it needs the network once):\n" + "\n".join(done.stdout.splitlines()[-12:]))


def uv():
    """pip of Debian 12 cannot ask for the packages of a day; uv can, and is quick."""
    folder = PROGRAMS / "uv"
    program = folder / "bin" / "uv"
    if not program.exists():
        checked([sys.executable, "-m", "venv", folder], "could not make a virtual environment; install python3-venv")
        checked([folder / "bin" / "pip", "install", "-q", UV], "could not install uv")
    return program


def fetch(name):
    version, day, more = VERSIONS[name]
    folder = home(name)
    wanted = json.dumps([version, day, *ALL_NEED, *more])
    mark = folder / "installed.json"
    if mark.exists() and mark.read_text() == wanted:
        return
    if not (3, 10) <= sys.version_info[:2] <= (3, 12):
        raise Failure(f"Airflow {version} needs Python 3.10 to 3.12, and this is {sys.version.split()[0]}")
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    checked([uv(), "venv", "-q", "--clear", "--python", sys.executable, folder], "could not make a virtual environment")
    checked([uv(), "pip", "install", "-q", "--python", folder / "bin" / "python", "--exclude-newer", day,
             f"apache-airflow=={version}", *ALL_NEED, *more], f"could not install Airflow {version}")  # fmt: skip
    mark.write_text(wanted)


# ---- how it runs -----------------------------------------------------------------------------------


def environment(name, state):
    port, database = state.port(), f"postgresql+psycopg2://leat@127.0.0.1:{state.other('postgres').port()}/{name}"
    settings = {
        "AIRFLOW_HOME": str(state.folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(state.folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "6",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(state.port("worker logs")),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(state.port("trigger logs")),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    }
    if VERSIONS[name][0].startswith("2."):
        settings |= {
            "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
            "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": str(port),
            "AIRFLOW__WEBSERVER__WORKERS": "1",
            "AIRFLOW__API__AUTH_BACKENDS": "airflow.api.auth.backend.basic_auth",
            "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "5",
        }
    else:
        token = hashlib.sha256(str(state.folder).encode()).hexdigest()
        settings |= {
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__API_AUTH__JWT_SECRET": token,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
            # Without it a task that comes back from the triggerer within 5 s is taken for a dead one.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "airflow",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
                {"type": "file", "log_file_path": str(state.folder / "lineage.jsonl"), "append": True}
            ),
        }
    return settings


def start(name, state):
    end_leftovers(state.folder)
    (state.folder / "dags").mkdir(parents=True, exist_ok=True)
    settings = environment(name, state)
    (state.folder / "environment.json").write_text(json.dumps(settings, indent=1))
    words = [sys.executable, "-B", "-m", "engines.airflow", name, str(home(name)), str(state.folder)]
    return words, {"PYTHONPATH": str(ROOT / "tools")}


def ready(name, state):
    old = VERSIONS[name][0].startswith("2.")
    path = "health" if old else "api/v2/monitor/health"
    with urllib.request.urlopen(f"http://127.0.0.1:{state.port()}/{path}", timeout=5) as reply:
        health = json.load(reply)
    parts = ["scheduler", "triggerer"] + ([] if old else ["dag_processor"])
    return all(health[part]["status"] == "healthy" for part in parts)


def of(name):
    version = VERSIONS[name][0]
    return Engine(
        f"Apache Airflow {version} on PostgreSQL, LocalExecutor", lambda: fetch(name), lambda state: start(name, state),
        lambda state: ready(name, state), address="http://127.0.0.1:{}", needs=("postgres",),
    )  # fmt: skip


ENGINES = {name: of(name) for name in VERSIONS}


# ---- the process -----------------------------------------------------------------------------------


def end_leftovers(folder):
    """Ends processes that work for this Airflow home: parts leave some behind when they are killed."""
    mark = f"AIRFLOW_HOME={folder}".encode()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if int(process.name) != os.getpid() and mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
        except (OSError, ProcessLookupError):
            continue


MAKE_DATABASE = """
import psycopg2, sys
there = psycopg2.connect(sys.argv[1])
there.autocommit = True
cursor = there.cursor()
cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [sys.argv[2]])
if sys.argv[3] == "anew" and cursor.fetchone():
    cursor.execute(f'DROP DATABASE "{sys.argv[2]}" WITH (FORCE)')
cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [sys.argv[2]])
if not cursor.fetchone():
    cursor.execute(f'CREATE DATABASE "{sys.argv[2]}"')
"""


def prepare(name, program, folder, settings):
    """Database and, in Airflow 2, a user."""
    made = folder / "made"
    if made.exists():
        return
    server = settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2", "postgresql")
    server = server.rpartition("/")[0] + "/leat"
    subprocess.run([program / "python", "-c", MAKE_DATABASE, server, name, "anew"], check=True)
    subprocess.run([program / "airflow", "db", "migrate"], check=True)
    if VERSIONS[name][0].startswith("2."):
        subprocess.run(
            [program / "airflow", "users", "create", "--username", "admin", "--password", "admin", "--firstname", "a",
             "--lastname", "a", "--role", "Admin", "--email", "admin@example.org"], check=True,
        )  # fmt: skip
    made.touch()


def with_me():
    """A part does not outlive this process, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main(name, venv, folder):
    program, folder = pathlib.Path(venv) / "bin", pathlib.Path(folder)
    settings = json.loads((folder / "environment.json").read_text())
    os.environ.pop("PYTHONPATH", None)
    os.environ.update(settings, PATH=f"{program}:{os.environ['PATH']}")
    stopping = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    prepare(name, program, folder, settings)
    old = VERSIONS[name][0].startswith("2.")
    names = ["scheduler", "webserver", "triggerer"] if old else ["api-server", "scheduler", "dag-processor", "triggerer"]
    parts = []
    for part in names:
        with open(folder / f"{part}.log", "ab") as log:
            parts.append(
                subprocess.Popen([program / "airflow", part], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                 start_new_session=True, preexec_fn=with_me)
            )  # fmt: skip
    while not stopping and all(part.poll() is None for part in parts):
        time.sleep(0.1)
    ended = [f"{words} ended with {part.returncode}" for words, part in zip(names, parts) if part.returncode is not None]
    for part in parts:
        part.terminate()
    deadline = time.monotonic() + STOP_S
    while any(part.poll() is None for part in parts) and time.monotonic() < deadline:
        time.sleep(0.1)
    end_leftovers(folder)
    if not stopping:
        sys.exit("; ".join(ended) + f"; logs are in {folder}")


if __name__ == "__main__":
    main(*sys.argv[1:])
