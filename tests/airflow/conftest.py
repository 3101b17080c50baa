"""Fixtures of the tests over real Airflow: one version after another, each with the provider's wheel."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from airflow_rest import Airflow  # noqa: E402
from events_api import EventsApi  # noqa: E402
from leat import BINARY, ROOT, Api, Leat, nowhere, wait_until  # noqa: E402

ENGINE = ROOT / "tools" / "engine"
PROVIDER = ROOT / "python" / "airflow-provider-leat"
INSTALL_S, START_S = 600, 240
VERSIONS = ["airflow", "airflow211", "airflow210"]


def pytest_configure(config):
    config.addinivalue_line("markers", "only_newest: what does not differ by version is run over one")


def pytest_collection_modifyitems(config, items):
    """The older versions run what may differ between them; those tests do not exist for them."""
    left = [i for i in items if i.get_closest_marker("only_newest") and i.callspec.params["world"] != VERSIONS[0]]
    items[:] = [item for item in items if item not in left]


def program(*words, timeout=INSTALL_S, **settings):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=timeout, **settings)
    assert done.returncode == 0, f"{words}:\n{done.stdout}{done.stderr}"
    return done.stdout


def home(name):
    """The virtual environment of a version, as tools/engines/airflow.py has it."""
    listed = program(sys.executable, "-c", f"import engines.airflow as a; print(a.home({name!r}))", cwd=ROOT / "tools")
    return pathlib.Path(listed.strip())


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    program(sys.executable, ENGINE, "install", "airflow")  # brings uv
    uv = home("airflow").parent / "uv" / "bin" / "uv"
    program(uv, "build", "--wheel", "-q", "-o", target, PROVIDER)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="session")
def install(wheel):
    """install(name): that version's virtual environment, with the provider's wheel."""
    done = {}

    def of(name):
        if name not in done:
            program(sys.executable, ENGINE, "install", name)
            uv = home(name).parent / "uv" / "bin" / "uv"
            program(uv, "pip", "install", "-q", "--reinstall", "--no-deps", "--python", home(name) / "bin" / "python",
                    wheel)  # fmt: skip
            program(uv, "pip", "check", "-q", "--python", home(name) / "bin" / "python")
            done[name] = home(name)
        return done[name]

    return of


class Engines:
    """tools/engine with state of its own."""

    def __init__(self, state):
        self.state = state

    def call(self, command, *words):
        said = program(
            sys.executable, ENGINE, "--state", self.state, "--json", command, *words, timeout=START_S,
            env=dict(os.environ, PATH=os.environ["PATH"]),
        )  # fmt: skip
        return json.loads(said)


@pytest.fixture(scope="session")
def engines(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engines")
    for path in (folder, *folder.parents):  # PostgreSQL's user goes through
        if path.stat().st_uid == os.getuid() and path != pathlib.Path("/"):
            path.chmod(path.stat().st_mode | 0o711)
    made = Engines(folder)
    yield made
    made.call("down", *VERSIONS)
    made.call("reset", *VERSIONS, "postgres")


PIPELINE = f"""
version: 1
pipeline: users
sources:
  random_users:
    http:
      url: ${{RANDOMUSER_URL}}
      params: {{results: 20}}
      records: results
      next: {{param: page}}
    pages: 1
    key: login.uuid
    ignore_changes: [dob.age, registered.age]
    schema: {{file: {ROOT}/examples/users/user.avsc}}
    schedule: "@every 1s"
    topic: {{name: users_created, partitions: 2}}
  slow_users:
    http:
      url: ${{RANDOMUSER_URL}}
      params: {{results: 20}}
      records: results
      next: {{param: page}}
    limit: 20 records / 2s
    key: login.uuid
    schema: {{file: {ROOT}/examples/users/user.avsc}}
    topic: {{name: slow_created, partitions: 1}}
streams:
  created_users: {{sql: "SELECT login.uuid AS id, name.first AS first_name FROM users_created"}}
  slow: {{sql: "SELECT login.uuid AS id, name.first AS first_name FROM slow_created"}}
sinks:
  users: {{from: created_users, table: spark_streams.created_users, key: [id]}}
  slow: {{from: slow, table: slow, key: [id]}}
tests:
  address:
    given: {{users_created: [{ROOT}/examples/users/one_user.json]}}
    expect: {{users: [{{first_name: Sigrid}}]}}
profiles:
  airflow: {{orchestration: external}}
"""

EVENTS = """
version: 1
pipeline: shop
sources:
  orders:
    http:
      url: ${EVENTS_URL}
      params: {from: "${interval.start}", to: "${interval.end}"}
      records: events
    key: id
    topic: {name: orders, partitions: 1}
streams:
  placed: {sql: "SELECT id, at FROM orders"}
sinks:
  orders: {from: placed, table: orders, key: [id]}
profiles:
  airflow: {orchestration: external}
"""

NOTHING = """
version: 1
pipeline: nothing
sources:
  lines:
    file: {path: "{folder}/nothing.jsonl"}
    key: id
    topic: {name: lines, partitions: 1}
streams:
  all: {sql: "SELECT id FROM lines"}
sinks:
  lines: {from: all, table: lines, key: [id]}
"""


class World:
    """A version of Airflow, and beside it a leat that it drives."""

    def __init__(self, name, folder, airflow, leat, events, api):
        self.name, self.folder, self.airflow = name, folder, airflow
        self.leat, self.events, self.api = leat, events, api
        self.url = f"http://{leat.addresses()['http']}"


def start_airflow(engines, name, venv):
    address = engines.call("up", name)[name]
    return Airflow(address, venv, json.loads((engines.state / name / "environment.json").read_text()))


def lay_out(folder, api, events):
    """Pipeline files, and what DAGs read of this run."""
    (folder / "users.yaml").write_text(PIPELINE)
    (folder / "shop.yaml").write_text(EVENTS)
    (folder / "nothing.yaml").write_text(NOTHING.replace("{folder}", str(folder)))
    (folder / "nothing.jsonl").write_text("")
    (folder / "wrong.yaml").write_text(PIPELINE.replace("name.first AS", "name.frist AS"))
    return {
        "leat": BINARY,
        "folder": str(folder),
        "users": api.url,
        "nowhere": nowhere(),
        "events": events.url,
    }


@pytest.fixture(scope="session", params=VERSIONS)
def world(request, engines, install, tmp_path_factory):
    name = request.param
    venv = install(name)
    folder = tmp_path_factory.mktemp(name)
    api, events = Api(), EventsApi()
    known = lay_out(folder, api, events)
    leat = Leat(
        folder / "service", "--profile", "airflow", files=[folder / "users.yaml", folder / "shop.yaml"],
        environment={"RANDOMUSER_URL": api.url, "EVENTS_URL": events.url},
    )  # fmt: skip
    dags = engines.state / name / "dags"
    shutil.copytree(HERE / "dags", dags, dirs_exist_ok=True)
    shutil.copy(PROVIDER / "src" / "leat_provider" / "example_dags" / "user_automation.py", dags)
    (dags / "known.json").write_text(json.dumps(known))
    world = World(name, folder, start_airflow(engines, name, venv), leat, events, api)
    host, port = leat.addresses()["http"].split(":")
    world.airflow.connection("leat_default", host=host, port=int(port))
    world.airflow.connection("leat_nowhere", host="127.0.0.1", port=9)
    yield world
    engines.call("down", name)
    leat.close()
    api.close()
    events.close()


__all__ = ["wait_until"]
