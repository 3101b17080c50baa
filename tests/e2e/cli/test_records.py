"""`leat produce` and `leat consume`, judged with Confluent's client, kcat and fastavro."""

import base64
import json
import shutil
import signal
import subprocess
import time
import uuid

import pytest
from commands import leat
from confluent_kafka import Producer
from leat import BINARY, wait_until
from topic import AvroTopic, murmur2_partition


@pytest.fixture
def addresses(running):
    return json.loads((running / "leat.json").read_text())


@pytest.fixture
def topic(running):
    name = f"t-{uuid.uuid4()}"
    leat("topic", "create", name, "--partitions", 3, "--data", running)
    return name


def read(addresses, topic):
    return AvroTopic(addresses, topic).read_all(decode=False)


# ---- produce -------------------------------------------------------------------------------------


def test_produce_json(running, addresses, topic):
    lines = [json.dumps({"a": {"id": f"ü{i}"}, "n": i}) for i in range(2500)]
    text = "\n".join(lines[:3]) + "\r\n\n  \n" + "\n".join(lines[3:])
    done = leat("produce", topic, "--key", "a.id", "--data", running, stdin=text)
    assert done.stdout == "produced=2500\n"
    records = read(addresses, topic)
    assert sorted(r.value.decode() for r in records) == sorted(lines)
    for record in records:
        assert record.key.decode() == json.loads(record.value)["a"]["id"]
        assert record.partition == murmur2_partition(record.key, 3)
        assert abs(record.timestamp_ms / 1000 - time.time()) < 60


@pytest.mark.parametrize(
    "bad,reason", [("{nope", "line 3"), ("[1] 2", "line 3"), ('{"n":1}', 'line 3: there is no key at "id"')]
)
def test_bad_line(running, addresses, topic, bad, reason):
    text = f'{{"id":1}}\n\n{bad}\n{{"id":2}}\n'
    done = leat("produce", topic, "--key", "id", "--json", "--data", running, stdin=text, code=65)
    assert done.rows == [{"produced": 1}] and reason in done.stderr
    assert [(r.key, r.value) for r in read(addresses, topic)] == [(b"1", b'{"id":1}')]


def test_too_large_a_line(running, addresses, topic):
    text = '{"id":1}\n' + json.dumps("x" * (1 << 20)) + "\n"
    done = leat("produce", topic, "--data", running, stdin=text, code=65)
    assert "line 2" in done.stderr and len(read(addresses, topic)) == 1


def test_produce_text(running, addresses, topic):
    leat("produce", topic, "--raw", "--key-text", "k", "--data", running, stdin=" {no\tJSON \n\nlast")
    assert [(r.key, r.value) for r in read(addresses, topic)] == [(b"k", b" {no\tJSON "), (b"k", b"last")]


def test_produce_deletes(running, addresses, topic, tmp_path):
    leat("produce", topic, "--null", "--key-text", "one", "--data", running)
    (tmp_path / "keys").write_text('{"id":2}\n{"id":"3"}')
    leat("produce", topic, "--null", "--key", "id", "--file", tmp_path / "keys", "--data", running)
    assert sorted((r.key, r.value) for r in read(addresses, topic)) == [(b"2", None), (b"3", None), (b"one", None)]


def test_produce_avro(running, addresses):
    """Records of the pipeline's own topic, once more."""
    given = AvroTopic(addresses, "users_created").read_all()
    shown = leat("consume", "users_created", "--json", "--count", 5, "--data", running).rows
    text = "\n".join(json.dumps(r["value"]) for r in shown)
    leat("produce", "users_created", "--avro", "--key", "login.uuid", "--data", running, stdin=text)
    again = AvroTopic(addresses, "users_created").read_all()
    assert len(again) == len(given) + 5
    by_place = {(r.partition, r.offset): r for r in again}
    ends = {p: max(r.offset for r in given if r.partition == p) for p in {r.partition for r in given}}
    added = [r.value for r in again if r.offset > ends[r.partition]]
    key = lambda user: user["login"]["uuid"]
    assert sorted(added, key=key) == sorted((by_place[r["partition"], r["offset"]].value for r in shown), key=key)
    unknown = json.dumps({**shown[0]["value"], "surprise": 1})
    refused = leat("produce", "users_created", "--avro", "--data", running, stdin=unknown, code=65)
    assert "line 1" in refused.stderr and "surprise" in refused.stderr


@pytest.mark.parametrize(
    "words", [("--key", "a", "--key-text", "b"), ("--null",), ("--null", "--avro", "--key", "a"), ("--raw", "--key", "a")]
)
def test_produce_usage(running, topic, words):
    leat("produce", topic, *words, "--data", running, stdin="", code=64)


def test_produce_needs_topic_and_leat(running):
    assert 'did you mean "users_created"' in leat("produce", "user_created", "--data", running, code=1).stderr


def test_produce_needs_a_leat_that_runs(stopped):
    assert "no leat runs on" in leat("produce", "users_created", "--data", stopped, stdin="{}", code=69).stderr


# ---- consume -------------------------------------------------------------------------------------


def test_consume_users(data, filled):
    rows = leat("consume", "users_created", "--json", "--data", data).rows
    assert len(rows) == 200 == len({(r["partition"], r["offset"]) for r in rows})
    for row in rows:
        assert row["key"] == row["value"]["login"]["uuid"]
        assert [h["name"] for h in row["headers"]] == ["leat"]
        assert row["headers"][0]["value"].split("/")[0].endswith("random_users")


def test_consume_users_as_fastavro(running, addresses):
    rows = leat("consume", "users_created", "--json", "--data", running).rows
    judged = {(r.partition, r.offset): r.value for r in AvroTopic(addresses, "users_created").read_all()}
    for row in rows:
        expected = judged.pop((row["partition"], row["offset"]))
        assert row["value"]["email"] == expected["email"] and row["value"]["location"] == expected["location"]
    assert not judged


FORMS = [
    (b"k", b'{"a":\n1}', {"key": "k", "value": {"a": 1}}, 'k\t{"a": 1}'),
    (b"4711", b"12", {"key": "4711", "value": 12}, "4711\t12"),
    (None, "tëxt\t\x1b[31m".encode(), {"key": None, "value": "tëxt\t\x1b[31m"}, "\ttëxt\\t\\u001b[31m"),
    (b"\xff", None, {"key": "/w==", "key_encoding": "base64", "value": None}, "/w==\t"),
    (b"", b"", {"key": "", "value": ""}, "\t"),
    (b"k", b"\x00\x00\x00\xff\xff\x80", {"key": "k", "value": "AAAA//+A", "value_encoding": "base64"}, "k\tAAAA//+A"),
]


def test_consume_forms(running, addresses, topic):
    producer = Producer({"bootstrap.servers": addresses["kafka"]})
    headers = [("h", b"1"), ("h", b"\xff"), ("n", None)]
    for i, (key, value, _, _) in enumerate(FORMS):
        producer.produce(topic, value, key, 1, timestamp=1_700_000_000_000 + i, headers=headers if i == 0 else None)
    assert producer.flush(20) == 0
    done = leat("consume", topic, "--json", "--data", running)
    assert "look like Avro" in done.stderr
    for i, (row, (_, _, expected, _)) in enumerate(zip(done.rows, FORMS, strict=True)):
        place = {"topic": topic, "partition": 1, "offset": i, "timestamp": 1_700_000_000_000 + i}
        shown_headers = row.pop("headers")
        assert row == {**place, **expected}
        assert (shown_headers == []) == (i > 0)
        if i == 0:
            assert shown_headers == [
                {"name": "h", "value": "1"},
                {"name": "h", "value": "/w==", "value_encoding": "base64"},
                {"name": "n", "value": None},
            ]
    plain = leat("consume", topic, "--kafka", addresses["kafka"]).stdout
    assert plain.split("\n") == [line for *_, line in FORMS] + [""]
    raw = subprocess.run([BINARY, "consume", topic, "--raw", "--data", running], capture_output=True, check=True).stdout
    assert raw == b"".join((value or b"") + b"\n" for _, value, _, _ in FORMS)


def test_consume_places(running, addresses, topic, tmp_path):
    producer = Producer({"bootstrap.servers": addresses["kafka"]})
    for i in range(10):
        producer.produce(topic, str(i), partition=0, timestamp=1_700_000_000_000 + i)
        producer.produce(topic, "other", partition=1, timestamp=1_600_000_000_000)
    assert producer.flush(20) == 0
    copy = tmp_path / "copy"
    shutil.copytree(running, copy, ignore=shutil.ignore_patterns("leat.json", "lock"))
    for data in (running, copy):
        for words, expected in [
            ([], range(10)),
            (["--from", "7"], range(7, 10)),
            (["--from", "-3"], range(7, 10)),
            (["--from", "-1h"], []),
            (["--from", "end"], []),
            (["--from", "2023-11-14T22:13:20.004Z"], range(4, 10)),
            (["--from", "2030-01-01"], []),
            (["--count", "2"], range(2)),
            (["--count", "0"], []),
        ]:
            done = leat("consume", topic, "--partition", 0, "--raw", "--data", data, *words)
            assert done.stdout.split() == [str(i) for i in expected], words
        late = leat("consume", topic, "--from", "2023-11-14", "--raw", "--data", data).stdout.split()
        assert late == [str(i) for i in range(10)]
    assert "no partition 3, but 0 to 2" in leat("consume", topic, "-p", 3, "--data", running, code=64).stderr
    assert "no leat runs" in leat("consume", topic, "--follow", "--data", copy, code=69).stderr


def test_follow(running, addresses, topic, tmp_path):
    out = tmp_path / "out"
    with out.open("wb") as target:
        process = subprocess.Popen([BINARY, "consume", topic, "--follow", "--data", running], stdout=target)
    try:
        for word in ("one", "two"):
            subprocess.run(
                ["kcat", "-P", "-b", addresses["kafka"], "-t", topic, "-K", ":"],
                input=f"k:{word}\n".encode(),
                check=True,
                timeout=20,
            )
            wait_until(lambda: f"k\t{word}\n" in out.read_text(), word)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def test_round_trip_with_kcat(running, addresses, topic):
    lines = [json.dumps({"id": i, "bytes": base64.b64encode(bytes([i])).decode()}) for i in range(50)]
    leat("produce", topic, "--key", "id", "--data", running, stdin="\n".join(lines))
    shown = subprocess.run(
        ["kcat", "-C", "-e", "-q", "-b", addresses["kafka"], "-t", topic, "-f", "%k\t%s\n"],
        capture_output=True,
        check=True,
        timeout=20,
        text=True,
    ).stdout
    assert sorted(shown.splitlines()) == sorted(leat("consume", topic, "--data", running).stdout.splitlines())
