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


@pytest.mark.parametrize("setting, place, message", [
    ("schedule: 0 0 30 2 *", "30 2 *", "there is no such day in any of these months"),
    ("schedule: '0 6 * * MON#6'", "6'", "behind # stands which of the month, 1 to 5"),
    ("schedule: 0 6 * * *\n    timezone: Europe/Berlni", "Europe/Berlni", '"Europe/Berlni" is no time zone'),
])  # fmt: skip
def test_an_impossible_schedule_is_shown_with_a_caret(setting, place, message, tmp_path):
    text = (ROOT / "examples/users/pipeline.yaml").read_text()
    line = next(line for line in text.splitlines() if line.strip().startswith("schedule:"))
    path = tmp_path / "pipeline.yaml"
    path.write_text(text.replace(line, f"    {setting}", 1))
    (tmp_path / "user.avsc").write_text((ROOT / "examples/users/user.avsc").read_text())
    ended = leat("check", path)
    assert ended.code == 78
    said = ended.stderr.splitlines()
    assert message in said[0], ended.stderr
    shown, caret = next(pair for pair in zip(said, said[1:]) if pair[1].strip(" |~") == "^")
    assert shown[caret.index("^") :].startswith(place), ended.stderr
