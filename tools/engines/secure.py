"""The same two Kafkas with TLS and passwords: what differs from the plain ones, and a private authority.

Clients use the port of SASL_SSL that `up` prints; the state's file has those of "sasl" (SASL_PLAINTEXT) and
"tls" (SSL) too. User leat, password leat-secret; FOLDER/certificates has ca.pem, and client.pem with its key.
"""

import shutil
import subprocess

from . import kafka3, kafka4
from .frame import Engine, Failure, java

USER, PASSWORD = "leat", "leat-secret"
SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")
LISTENERS = {"SASL_SSL": "clients", "SASL_PLAINTEXT": "sasl", "SSL": "tls", "PLAINTEXT": "inside"}


def run(*words, cwd):
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, words[:2]))} failed:\n{(done.stdout + done.stderr)[-2000:]}")


def certificates(state):
    """An authority of its own, and what it signed: PEM files, for the broker and for clients."""
    folder = state.folder / "certificates"
    if (folder / "client.pem").exists():
        return folder
    if not shutil.which("openssl"):
        raise Failure("openssl makes the certificates and is not there; install the package openssl")
    folder.mkdir(parents=True, exist_ok=True)
    key = ("-newkey", "rsa:2048", "-nodes")
    run("openssl", "req", "-x509", *key, "-days", "3650", "-keyout", "ca.key", "-out", "ca.pem", "-subj",
        "/CN=leat-test-ca", cwd=folder)  # fmt: skip
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("broker", "client"):
        run("openssl", "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", cwd=folder)
        run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "3650", "-extfile", "names", "-out", f"{name}.crt", cwd=folder)  # fmt: skip
        parts = (folder / f"{name}.key", folder / f"{name}.crt", folder / "ca.pem")
        (folder / f"{name}.pem").write_text("".join(part.read_text() for part in parts))
    return folder


def settings(state):
    """Of the broker, to be put behind those of a plain one: the last of a key counts."""
    folder = certificates(state)
    listeners = ",".join(f"{name}://127.0.0.1:{state.port(use)}" for name, use in LISTENERS.items())
    lines = [
        f"advertised.listeners={listeners}", "inter.broker.listener.name=PLAINTEXT",
        f"sasl.enabled.mechanisms=PLAIN,{','.join(SCRAM)}", "ssl.keystore.type=PEM",
        f"ssl.keystore.location={folder}/broker.pem", "ssl.truststore.type=PEM",
        f"ssl.truststore.location={folder}/ca.pem", "ssl.client.auth=requested",
    ]  # fmt: skip
    module = "org.apache.kafka.common.security"
    for name in ("sasl_plaintext", "sasl_ssl"):
        prefix = f"listener.name.{name}"
        lines.append(f'{prefix}.plain.sasl.jaas.config={module}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";')
        for mechanism in SCRAM:
            word = mechanism.lower()
            lines.append(f"{prefix}.{word}.sasl.jaas.config={module}.scram.ScramLoginModule required;")
    return listeners, lines


def start3(state):
    listeners, lines = settings(state)
    words, environment = kafka3.start(state, f"listeners={listeners}", *lines)
    added = ",".join(f"{mechanism}=[iterations=4096,password={PASSWORD}]" for mechanism in SCRAM)
    zookeeper = f"127.0.0.1:{state.other('zookeeper').port()}"
    run(java(11), kafka3.log4j(state), *kafka3.JARS, "kafka.admin.ConfigCommand", "--zookeeper", zookeeper, "--alter",
        "--entity-type", "users", "--entity-name", USER, "--add-config", added, cwd=state.folder)  # fmt: skip
    return words, environment


def start4(state):
    listeners, lines = settings(state)
    users = [word for mechanism in SCRAM
             for word in ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")]  # fmt: skip
    protocols = ",".join(f"{name}:{name}" for name in LISTENERS)
    return kafka4.start(
        state, f"listeners={listeners},CONTROLLER://127.0.0.1:{state.port('controller')}",
        f"listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocols}", *lines, formatting=users,
    )  # fmt: skip


def ready(state):
    return kafka3.ready(state, "inside")


ENGINES = {
    "kafka-secure": Engine("Apache Kafka 3.9.2 with TLS and SASL, on ZooKeeper (the address: SASL_SSL)", kafka3.fetch,
                           start3, ready, needs=("zookeeper",), again="NodeExists"),
    "kafka4-secure": Engine("Apache Kafka 4.3.1 with TLS and SASL (the address: SASL_SSL)", kafka4.fetch, start4, ready),
}  # fmt: skip
