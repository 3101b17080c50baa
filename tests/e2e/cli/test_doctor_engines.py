"""`leat doctor --profile` before engines that are wrong: a leat's own broker stands for the cluster."""

import contextlib
import json
import socket
import struct
import threading

import pytest
from leat import USERS, Leat, leat, nowhere

PIPELINE = """version: 1
pipeline: doctored
sources:
  users: {{file: {{path: users.jsonl}}, key: id, topic: {{name: users, partitions: 1, replication: {replication}}}}}
profiles:
  real:
    log: kafka://{log}
"""


@pytest.fixture
def unused():
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


def told(address):
    """As the broker's answers hold it."""
    host, port = address.split(":")
    return host.encode() + struct.pack(">i", int(port))


def pass_on(listener, broker, wrong):
    """Serves each client with the broker's answers, in which its address is another."""
    host, port = broker.split(":")
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.create_connection((host, int(port)))
        threading.Thread(target=copy, args=(client, server, b"", b""), daemon=True).start()
        threading.Thread(target=copy, args=(server, client, told(broker), told(wrong)), daemon=True).start()


def copy(source, target, old, new):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data.replace(old, new) if old else data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def cluster(tmp_path, unused):
    """A log whose broker tells clients an address that is not its own: something in between changes the port."""
    made = Leat(tmp_path / "cluster", files=(USERS,), environment={"RANDOMUSER_URL": nowhere()})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=pass_on, args=(listener, made.addresses()["kafka"], unused), daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    made.close()


def findings(tmp_path, log, replication=0, **roles):
    (tmp_path / "users.jsonl").write_text('{"id": 1}\n')
    file = tmp_path / "doctored.yaml"
    lines = [f"    {role}: {engine}\n" for role, engine in roles.items()]
    file.write_text(PIPELINE.format(log=log, replication=replication) + "".join(lines))
    ended = leat("doctor", file, "--profile", "real", "--json", data=tmp_path / "data", cwd=tmp_path)
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    return ended.code, {one["what"]: one for one in found if one["what"].startswith("profile")}


def test_a_broker_that_tells_a_wrong_address(cluster, unused, tmp_path):
    code, found = findings(tmp_path, cluster, coordination=f"zookeeper://{unused}")
    assert code == 69
    assert found["profile: log"]["state"] == "ok"
    (broker,) = [one for what, one in found.items() if ", broker" in what]
    assert broker["state"] == "bad" and unused in broker["found"] and "advertised.listeners" in broker["remedy"]
    assert found["profile: coordination"]["state"] == "bad" and "majority" in found["profile: coordination"]["remedy"]


def test_more_copies_than_brokers(cluster, tmp_path):
    _, found = findings(tmp_path, cluster, replication=3)
    assert "wants 3 copies, and the log has 1 broker" in found["profile: log, topic users"]["found"]


def test_a_log_that_is_not_there(unused, tmp_path):
    code, found = findings(tmp_path, unused)
    assert code == 69 and unused in found["profile: log"]["found"]
