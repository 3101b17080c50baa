"""Apicurio Registry with Confluent's REST API."""

import urllib.request

from .frame import PROGRAMS, Engine, fetch_archive, java

PROGRAM = PROGRAMS / "apicurio-3.3.3"
ADDRESS = "http://127.0.0.1:{}/apis/ccompat/v7"


def fetch():
    java(21)
    artifact = "io.apicurio:apicurio-registry-app:3.3.3:tar.gz:all"
    fetch_archive(PROGRAM, artifact, "apicurio-registry-app-3.3.3-all.tar.gz")


def start(state):
    state.folder.mkdir(parents=True, exist_ok=True)
    words = [
        java(21), "-Xmx384m", "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={state.port()}",
        "-Dquarkus.management.host=127.0.0.1", f"-Dquarkus.management.port={state.port('management')}",
        "-jar", str(PROGRAM / "quarkus-run.jar"),
    ]  # fmt: skip
    return words, {"APICURIO_STORAGE_KIND": "sql"}


def ready(state):
    """Answers, and then judges as Confluent's does: its own default lets every schema pass."""
    base = ADDRESS.format(state.port())
    with urllib.request.urlopen(f"{base}/subjects", timeout=5):
        pass
    change = urllib.request.Request(
        f"{base}/config", b'{"compatibility":"BACKWARD"}', {"Content-Type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(change, timeout=5):
        return True


ENGINES = {
    "registry": Engine("Apicurio 3.3.3 with Confluent's REST API, schemas in memory; needs Java 21", fetch, start,
                       ready, ADDRESS, in_all=True),
}  # fmt: skip
