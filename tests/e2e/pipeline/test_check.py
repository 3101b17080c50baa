"""`leat check` on the examples, and its JSON schema judged by python-jsonschema."""

import json

import jsonschema
import pytest
import yaml
from leat import ROOT, leat

EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))


@pytest.fixture(scope="module")
def schema():
    ended = leat("check", "--json-schema")
    assert ended.code == 0
    found = json.loads(ended.stdout)
    jsonschema.validators.validator_for(found).check_schema(found)
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_are_in_order_for_leat_and_for_editors(path, schema):
    ended = leat("check", path)
    assert ended.code == 0, ended.stderr
    jsonschema.validate(yaml.safe_load(path.read_text()), schema)


@pytest.mark.parametrize("old, new", [("schedule:", "shedule:"), ("partitions: 3", "partitions: three"),
                                      ("pipeline: users", "name: users")])
def test_leat_and_editors_refuse_the_same_mistakes(old, new, schema, tmp_path):
    text = (ROOT / "examples/users/pipeline.yaml").read_text()
    assert old in text
    path = tmp_path / "pipeline.yaml"
    path.write_text(text.replace(old, new, 1))
    (tmp_path / "user.avsc").write_text((ROOT / "examples/users/user.avsc").read_text())
    ended = leat("check", path)
    assert ended.code == 78
    assert ended.stderr.startswith(f"leat: {path}:"), ended.stderr
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)
