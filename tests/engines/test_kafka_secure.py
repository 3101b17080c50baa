"""The users pipeline over a Kafka with TLS and passwords. Only in ./test --all; engines by tools/engine."""

import json

import confluent_kafka
import pytest
from leat import USERS, leat, nowhere, row_count
from test_kafka import KAFKA_S, TABLE, run_real, with_profile

USER, PASSWORD = "leat", "leat-secret"
OLD_SCRAM = "build leat with a newer librdkafka"  # of Debian 12


class Secure:
    def __init__(self, engines, name, *beside):
        engines.only(name, *beside)
        self.name, self.folder = name, engines.state / name
        self.ports = json.loads((engines.state / f"{name}.json").read_text())["ports"]

    def settings(self, port, mechanism=None, password=PASSWORD, certificate=False, authority=True):
        chosen = {"security.protocol": {"clients": "SASL_SSL", "sasl": "SASL_PLAINTEXT", "tls": "SSL"}[port]}
        if mechanism:
            chosen |= {"sasl.mechanism": mechanism, "sasl.username": USER, "sasl.password": password}
        if authority and port != "sasl":
            chosen["ssl.ca.location"] = f"{self.folder}/certificates/ca.pem"
        if certificate:
            for part, file in (("certificate", "client.crt"), ("key", "client.key")):
                chosen[f"ssl.{part}.location"] = f"{self.folder}/certificates/{file}"
        return chosen

    def file(self, tmp_path, port, *words, **options):
        log = f"kafka://127.0.0.1:{self.ports[port]}"
        settings = json.dumps(self.settings(port, *words, **options))
        return with_profile(USERS, tmp_path / "users.yaml", log=log, log_settings=settings)


@pytest.fixture(scope="module")
def secure(engines):
    return lambda *names: Secure(engines, *names)


@pytest.mark.parametrize("name, port, mechanism, certificate", [
    ("kafka-secure", "clients", "SCRAM-SHA-256", False),
    ("kafka-secure", "sasl", "SCRAM-SHA-512", False),
    ("kafka-secure", "tls", None, True),
    ("kafka4-secure", "clients", "PLAIN", False),
    ("kafka4-secure", "tls", None, False),
])  # fmt: skip
def test_each_way_in(name, port, mechanism, certificate, secure, api, tmp_path):
    kafka = secure(name)
    admin = confluent_kafka.admin.AdminClient(
        {"bootstrap.servers": f"127.0.0.1:{kafka.ports[port]}"} | kafka.settings(port, mechanism, certificate=certificate)
    )
    for future in admin.delete_topics(["users_created"]).values():
        try:
            future.result(KAFKA_S)
        except confluent_kafka.KafkaException as missing:
            assert missing.args[0].code() == confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART
    file = kafka.file(tmp_path, port, mechanism, certificate=certificate)
    data = tmp_path / "data"
    ended = run_real(file, data, api, "--limit", 700).wait(KAFKA_S)
    assert ended.code == 0, ended.stderr
    ended.check_sum()
    assert row_count(data, TABLE) == 700

    # The commands beside it find the log, and the way in, in the data directory.
    shown = leat("topic", "show", "users_created", "--json", data=data)
    assert shown.code == 0 and "users_created" in shown.stdout, shown.stderr
    assert len(leat("consume", "users_created", "--json", data=data).stdout.splitlines()) == 700
    # And in the profile.
    shown = leat("topic", "list", "--json", "--pipeline", file, "--profile", "real")
    assert shown.code == 0 and "users_created" in shown.stdout, shown.stderr


@pytest.mark.parametrize("port, words, options, remedy", [
    ("clients", ["PLAIN"], {"password": "wrong"}, "sasl.password"),
    ("clients", ["SCRAM-SHA-256"], {"password": "wrong"}, "sasl.password"),
    ("clients", ["PLAIN"], {"authority": False}, "ssl.ca.location"),
])  # fmt: skip
def test_a_way_in_that_is_refused_is_named(port, words, options, remedy, secure, tmp_path):
    file = secure("kafka-secure").file(tmp_path, port, *words, **options)
    ended = run_real(file, tmp_path / "data", None, "--limit", 1).wait(KAFKA_S)
    assert ended.code == 78 and remedy in ended.stderr, ended.stderr
    assert "wrong" not in ended.stderr
    found = leat("doctor", file, "--profile", "real", env={"RANDOMUSER_URL": nowhere()}, data=tmp_path / "data")
    assert remedy in found.stdout


def test_scram_with_kafka_4_works_or_says_why_not(secure, api, tmp_path):
    file = secure("kafka4-secure").file(tmp_path, "clients", "SCRAM-SHA-256")
    ended = run_real(file, tmp_path / "data", api, "--limit", 10).wait(KAFKA_S)
    if ended.code != 0:
        assert ended.code == 78 and OLD_SCRAM in ended.stderr, ended.stderr
    else:
        ended.check_sum()
