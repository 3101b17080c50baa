"""What can be said of the shipped files without starting them: by the checkers of the field."""

import json
import pathlib
import subprocess
import sys

import kubernetes_validate
import pytest
import yaml
from conftest import ROOT, must, need
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

DEPLOY = ROOT / "deploy"
COMPOSE_FILES = {
    "embedded": ["compose.embedded.yaml"],
    "engines": ["compose.yaml"],
    "three nodes": ["compose.yaml", "compose.three-nodes.yaml"],
}


@pytest.mark.parametrize("file", ["Dockerfile", "spark/Dockerfile", "airflow/Dockerfile"])
def test_hadolint(file):
    # DL3008: versions of Debian's packages are those of the release; DL3006: bases are arguments with a version.
    hadolint = pathlib.Path(sys.executable).with_name("hadolint")
    must([hadolint, "--ignore", "DL3008", "--ignore", "DL3006", "--ignore", "DL3063", DEPLOY / file])


def resolved(files):
    """What compose makes of them."""
    chosen = [word for file in files for word in ("-f", str(DEPLOY / file))]
    return yaml.safe_load(must([need("docker-compose", "docker-compose"), *chosen, "config"]))


@pytest.mark.parametrize("files", COMPOSE_FILES.values(), ids=COMPOSE_FILES)
def test_compose_files(files):
    services = resolved(files)["services"]
    for name, service in services.items():
        for port in service.get("ports", []):
            text = port if isinstance(port, str) else port.get("host_ip", "")
            assert text.startswith("127.0.0.1"), f"{name} publishes {port} beyond loopback"
        assert service.get("restart") != "always", name
        if name not in ("make-folders", "airflow-prepare"):
            assert service.get("mem_limit"), f"{name} has no memory limit"
            assert service.get("user") or name == "leat", f"{name} runs as root"
        assert ":latest" not in service["image"], name


def test_every_state_is_a_volume():
    """A folder that a service writes is a volume, or temporary by its name."""
    services = resolved(COMPOSE_FILES["engines"])["services"]
    for name in ("postgres", "zookeeper", "kafka", "cassandra", "leat", "spark-master", "spark-connect", "airflow"):
        kinds = [volume for volume in services[name]["volumes"] if not str(volume).split(":")[0].startswith(("/", "."))]
        assert kinds, f"{name} has no volume"


def test_kubernetes():
    for document in yaml.safe_load_all((DEPLOY / "kubernetes" / "leat.yaml").read_text()):
        kubernetes_validate.validate(document, "1.31", strict=True)


def test_kubernetes_refuses(tmp_path):
    """The checker does find a wrong word."""
    document = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "leat.yaml").read_text()))[1]
    document["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, "1.31", strict=True)


def test_systemd_unit():
    verify = need("systemd-analyze", "systemd")
    done = subprocess.run([verify, "verify", "--man=no", DEPLOY / "systemd" / "leat.service"], capture_output=True, text=True)
    # /usr/bin/leat is not installed where tests run; nothing else may be said.
    told = [line for line in done.stderr.splitlines() if line and "/usr/bin/leat" not in line]
    assert not told, "\n".join(told)


@pytest.mark.parametrize("kind", ["slim", "static"])
def test_bill_of_materials(kind, tmp_path):
    packages = must(["dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}\n"])
    made = must([sys.executable, DEPLOY / "sbom.py", kind], input=packages)
    file = tmp_path / "leat.spdx.json"
    file.write_text(made)
    assert validate_full_spdx_document(parse_file(str(file))) == []
    names = {package["name"] for package in json.loads(made)["packages"]}
    assert {"leat", "librdkafka" if kind == "static" else "libc6"} <= names
