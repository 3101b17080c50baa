"""A Docker engine of the tests' own, images of the same engines and versions as the published ones, and the
shipped compose files started with real compose."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tools")]
sys.dont_write_bytecode = True

from engines import ENGINES  # noqa: E402
from engines import frame as engine_frame  # noqa: E402
from leat import wait_until  # noqa: E402

HOME = ROOT / "build" / "docker"
IMAGES = pathlib.Path(__file__).parent / "images"
ENGINE_IMAGES = {
    "postgres": "postgres:15-bookworm",
    "kafka": "apache/kafka:3.9.2",
    "cassandra": "cassandra:5.0.9",
    "spark": "leat-spark:3.5.7",
    "registry": "apicurio/apicurio-registry:3.3.3",
    "airflow": "apache/airflow:3.3.2-python3.11",
}
PROGRAMS = {"kafka": "kafka-3.9.2", "cassandra": "cassandra-5.0.9", "spark": "spark-3.5.7", "registry": "apicurio-3.3.3"}
FLIT = "flit_core==3.12.0"
READY_S = 300


def need(program, package):
    found = shutil.which(program, path="/usr/bin:/usr/sbin:" + os.environ.get("PATH", ""))
    assert found, f"{program} is not there; install the package {package}"
    return found


def must(words, timeout_s=1200, **settings):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=timeout_s, **settings)
    assert done.returncode == 0, f"{words}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


class Docker:
    """The engine, and its command."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = f"unix://{folder}/socket"
        self.process = None

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "pid").unlink(missing_ok=True)
        words = [need("dockerd", "docker.io"), "--data-root", self.folder / "data", "--exec-root", self.folder / "exec",
                 "-H", self.socket, "-p", self.folder / "pid"]  # fmt: skip
        log = self.folder / "log"
        with open(log, "wb") as out:
            self.process = subprocess.Popen([str(w) for w in words], stdout=out, stderr=out, start_new_session=True)
        try:
            wait_until(lambda: self.process.poll() is not None or self.answers(), "the Docker engine", READY_S)
        finally:
            assert self.process.poll() is None, log.read_text()[-4000:]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def environment(self):
        return os.environ | {"DOCKER_HOST": self.socket, "DOCKER_BUILDKIT": "0"}

    def answers(self):
        return subprocess.run([need("docker", "docker.io"), "info"], capture_output=True, env=self.environment()).returncode == 0

    def __call__(self, *words, timeout_s=1200):
        return must([need("docker", "docker.io"), *words], timeout_s, env=self.environment())

    def has(self, image):
        return bool(self("images", "-q", image).strip())


def make_base(docker, folder):
    """debian:bookworm-slim, made from Debian's packages."""
    if docker.has("debian:bookworm-slim"):
        return
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    must([need("debootstrap", "debootstrap"), "--variant=minbase", "--include=ca-certificates", "bookworm", root])
    for part in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / part)
        (root / part / "partial").mkdir(parents=True)
    tar = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
    must([need("docker", "docker.io"), "import", "-c", 'CMD ["bash"]', "-", "debian:bookworm-slim"],
         stdin=tar.stdout, env=docker.environment())  # fmt: skip
    assert tar.wait() == 0
    shutil.rmtree(root)


def copy(source, target):
    """Hard links where they can be."""
    try:
        shutil.copytree(source, target, copy_function=os.link)
    except (OSError, shutil.Error):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)


def make_airflow(context):
    """The packages of Airflow, and what the provider's wheel is built by."""
    ENGINES["airflow"].fetch()
    (packages,) = (engine_frame.PROGRAMS / "airflow-3.3.2" / "lib").glob("python3.11/site-packages")
    copy(packages, context / "airflow-3.3.2")
    must([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", context / "wheels", FLIT])


def make_engines(docker, folder):
    """Each engine's programs come from tools/engine."""
    context = folder / "context"
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir()
    shutil.copy(IMAGES / "Dockerfile", context)
    for name, program in PROGRAMS.items():
        ENGINES[name].fetch()
        copy(engine_frame.PROGRAMS / program, context / program)
    java = pathlib.Path(engine_frame.java(21)).resolve().parents[1]
    copy(java, context / "java")
    make_airflow(context)
    for target, image in ENGINE_IMAGES.items():
        docker("build", "-q", "--network", "host", "--target", target, "-t", image, context)
    shutil.rmtree(context)
    docker("build", "-q", "--network", "host", "-f", ROOT / "deploy" / "airflow" / "Dockerfile", "-t", "leat-airflow:3.3.2", ROOT)


@pytest.fixture(scope="session")
def docker():
    made = Docker(HOME)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def leat_image(docker):
    """leat:slim, as the shipped Dockerfile builds it."""
    make_base(docker, HOME)
    docker("build", "-q", "--network", "host", "-f", ROOT / "deploy" / "Dockerfile", "--target", "slim", "-t", "leat:slim", ROOT)
    docker("tag", "leat:slim", "leat")
    return "leat:slim"


@pytest.fixture(scope="session")
def engine_images(docker, leat_image):
    make_engines(docker, HOME)


class Compose:
    """One project of compose files, each on top of those before it."""

    def __init__(self, docker, files, project, **environment):
        self.docker, self.project = docker, project
        chosen = [word for file in files for word in ("-f", str(ROOT / "deploy" / file))]
        self.words = [need("docker-compose", "docker-compose"), "-p", project, *chosen]
        self.environment = docker.environment() | environment

    def __call__(self, *words, timeout_s=900):
        return must([*self.words, *words], timeout_s, env=self.environment)

    def container(self, service):
        return self("ps", "-q", service).split()[0]

    def inspect(self, service):
        return json.loads(self.docker("inspect", self.container(service)))[0]

    def healthy(self, service):
        return self.inspect(service)["State"].get("Health", {}).get("Status") == "healthy"

    def leat(self, *words):
        """A command of leat in its container: exit code, output."""
        done = subprocess.run([need("docker", "docker.io"), "exec", self.container("leat"), "leat", *words],
                              capture_output=True, text=True, env=self.environment, timeout=120)  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def audit(self):
        code, out, _ = self.leat("audit", "--json")
        return json.loads(out) if code in (0, 1) and out else None

    def kill(self, service):
        """kill -9 of its process; Docker's own restart policy brings it back, as it does for users."""
        before = self.inspect(service)["RestartCount"]
        os.kill(self.inspect(service)["State"]["Pid"], signal.SIGKILL)
        wait_until(lambda: self.inspect(service)["RestartCount"] > before, f"{service} comes back", READY_S)

    def address(self, service):
        networks = self.inspect(service)["NetworkSettings"]["Networks"]
        return next(iter(networks.values()))["IPAddress"]


@pytest.fixture
def compose(docker, leat_image):
    """compose(file..., **environment): a project of the files, with an API beside it; down with its volumes afterwards."""
    made = []

    def make(*files, **environment):
        project = f"leat{os.getpid()}{len(made)}"
        api = f"{project}-api"
        one = Compose(docker, files, project, RANDOMUSER_URL=f"http://{api}:8099/api/", **environment)
        docker("network", "create", f"{project}_default")  # compose takes it, and removes it
        docker("run", "-d", "--name", api, "--network", f"{project}_default", leat_image,
               "api", "--listen", "0.0.0.0:8099")  # fmt: skip
        made.append((one, api))
        return one

    yield make
    for one, api in made:
        print(one("logs", "--tail=60"))
        docker("rm", "-f", api)
        one("down", "-v", "--timeout", "10")


def later(compose, more, timeout_s=READY_S):
    """Waits until the pipeline has stored `more` records than now, and gives the audit then."""
    begin = time.monotonic()
    first = None
    while True:
        audit = compose.audit()
        stored = audit["stored"] if audit else None
        first = stored if first is None else first
        if stored is not None and stored >= first + more:
            return audit
        assert time.monotonic() < begin + timeout_s, f"only {stored} of {first} + {more} were stored: {compose.leat('audit')}"
        time.sleep(0.5)


def free_ports(*names):
    return {name: str(engine_frame.free_port()) for name in names}
