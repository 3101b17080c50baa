"""`leat check`: what a file comes to, and where it is wrong."""

import json

import jsonschema
import pytest
import yaml
from commands import leat
from leat import ROOT, USERS


def users_file(tmp_path, change=lambda text: text):
    folder = ROOT / "examples" / "users"
    (tmp_path / "user.avsc").write_text((folder / "user.avsc").read_text())
    file = tmp_path / "pipeline.yaml"
    file.write_text(change((folder / "pipeline.yaml").read_text()))
    return file


def test_users_example():
    said = leat("check", USERS).stdout
    assert "is in order" in said and said.count("Spark: runs it") == 2
    found = leat("check", "--json", USERS).rows[0]
    assert found["ok"] and [stream["spark"] for stream in found["streams"]] == [True, True]
    assert found["streams"][1]["mode"] == "update"
    assert found["streams"][1]["type"] == "struct<minute:timestamp,country:string,changes:bigint>"


@pytest.mark.parametrize(
    "wrong,right,hint",
    [
        ("partitions: 3", "partitons: 3", 'did you mean "partitions"'),
        ("name.first AS", "nam.first AS", "nam"),
        ("from: created_users", "from: create_users", 'did you mean "created_users"'),
        ("version: 1", "version: 2", ""),
    ],
)
def test_mistakes_have_a_place(tmp_path, wrong, right, hint):
    file = users_file(tmp_path, lambda text: text.replace(wrong, right, 1))
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if right in text)
    said = leat("check", file, code=78).stderr
    assert f"{file}:{line}:" in said and "^" in said and hint in said
    as_json = leat("check", "--json", file, code=78).rows[0]
    assert not as_json["ok"] and f":{line}:" in as_json["error"]


def test_what_spark_refuses(tmp_path):
    file = users_file(tmp_path, lambda text: text.replace("count(*) AS changes", "count(*) AS changes, first(email) AS f"))
    stream = leat("check", "--json", file).rows[0]["streams"][1]
    assert stream["spark"] is True or stream["spark_refusal"]


def test_several_files_go_on_after_a_wrong_one(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("version: 1\n")
    rows = leat("check", "--json", wrong, USERS, code=78).rows
    assert [row["ok"] for row in rows] == [False, True]


def test_json_schema_takes_the_example():
    schema = json.loads(leat("check", "--json-schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(open(USERS, encoding="utf-8")), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1, "pipeline": "x", "sorces": {}}, schema)


def test_no_file():
    assert "needs a pipeline file" in leat("check", code=64).stderr


def test_set_of_several_files(tmp_path):
    """An assignment is for the files that have its name; one that no file has is a mistake."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(
            f"version: 1\npipeline: {name}\nsources:\n  from_{name}:\n"
            f"    file: {{path: {tmp_path}/{name}.jsonl}}\n    key: id\n    schedule: '@once'\n"
        )
    both = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for given in ("from_a.key=[x]", "sources.from_b.key=[x]"):
        leat("check", *both, "--set", given)
    for given in ("from_c.key=[x]", "sources.from_c.key=[x]"):
        for command in ("check", "test"):
            assert "no file has" in leat(command, *both, "--set", given, code=64).stderr
    data = tmp_path / "data"
    ended = leat("run", *both, "--data", data, "--kafka", "127.0.0.1:0", "--registry", "127.0.0.1:0",
                 "--http", "127.0.0.1:0", "-q", "--set", "from_c.key=[x]", code=64)
    assert "no file has" in ended.stderr
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n')
    (tmp_path / "c.jsonl").write_text('{"id": 1}\n')
    ended = leat("run", *both, "--data", data, "--kafka", "127.0.0.1:0", "--registry", "127.0.0.1:0",
                 "--http", "127.0.0.1:0", "-q", "--set", f"from_b.file.path={tmp_path}/c.jsonl")
    assert "accepted=2 " in ended.stdout
