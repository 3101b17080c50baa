"""The REST API as Confluent's 7.x answers: ids, versions, levels, deletes, error codes and texts."""

import concurrent.futures
import json

import pytest
import requests
from leat import Leat, nowhere
from rest import Registry, fault


def record(*fields):
    return json.dumps({"type": "record", "name": "R", "fields": list(fields)})


A = {"name": "a", "type": "int"}
B = {"name": "b", "type": "int"}
B_DEFAULT = {"name": "b", "type": "int", "default": 0}


def test_equal_schemas_have_one_id(registry, subject):
    first = registry.register(subject, record(A))
    assert registry.register(subject, json.dumps(json.loads(record(A)), indent=3)) == first
    assert registry.register(subject + "2", record(A)) == first
    second = registry.register(subject, record(A, B_DEFAULT))
    assert second > first
    assert registry.get("subjects", subject, "versions").json() == [1, 2]
    for version, id in ((1, first), (2, second), ("latest", second), ("LATEST", second), (-1, second)):
        found = registry.get("subjects", subject, "versions", version).json()
        assert (found["subject"], found["id"]) == (subject, id)
        assert found.keys() == {"subject", "version", "id", "schema"}
    assert json.loads(registry.get("schemas", "ids", first).json()["schema"]) == json.loads(record(A))
    assert registry.get("schemas", "ids", first, "schema").json() == json.loads(record(A))
    assert registry.get("subjects", subject, "versions", 1, "schema").json() == json.loads(record(A))
    assert {subject, subject + "2"} <= set(registry.get("schemas", "ids", first, "subjects").json())
    assert {"subject": subject, "version": 2} in registry.get("schemas", "ids", second, "versions").json()
    assert registry.get("subjects", subjectPrefix=subject).json() == [subject, subject + "2"]
    found = registry.call("POST", "subjects", subject, body={"schema": record(A)}).json()
    assert (found["version"], found["id"]) == (1, first)


def test_names_of_subjects(registry, subject):
    for name in (f"{subject}/with/slashes", f"{subject} ä水?&#%25", f"{subject}.+:"):
        registry.register(name, record(A))
        assert registry.get("subjects", name, "versions", 1).json()["subject"] == name
        assert name in registry.get("subjects").json()
        assert registry.call("PUT", "config", name, body={"compatibility": "NONE"}).status_code == 200
    for name in ("__GLOBAL", "__EMPTY", "a\tb", "a\x7f"):
        fault(registry.call("POST", "subjects", name, "versions", body={"schema": record(A)}), 422, 42208)
    for broken in ("%FF%FE", "a%00b", "%C3"):
        reply = requests.post(f"{registry.url}/subjects/{broken}/versions", json={"schema": record(A)}, timeout=30)
        assert reply.status_code in (400, 404, 422) and reply.json()["error_code"]
    assert registry.get("subjects").status_code == 200


def test_faults(registry, subject):
    fault(registry.get("subjects", subject, "versions"), 404, 40401, f"Subject '{subject}' not found.")
    fault(registry.get("subjects", subject, "versions", 1), 404, 40401, f"Subject '{subject}' not found.")
    fault(registry.get("schemas", "ids", 999999), 404, 40403, "Schema 999999 not found")
    fault(registry.call("DELETE", "subjects", subject), 404, 40401)
    fault(registry.call("POST", "subjects", subject, body={"schema": record(A)}), 404, 40401)
    registry.register(subject, record(A))
    fault(registry.get("subjects", subject, "versions", 9), 404, 40402, "Version 9 not found.")
    fault(registry.call("POST", "subjects", subject, body={"schema": record(B)}), 404, 40403, "Schema not found")
    for version in ("0", "-2", "x", "99999999999", "1x"):
        fault(registry.get("subjects", subject, "versions", version), 422, 42202)
    for schema in ('"nothing"', "{", '{"type": "record", "name": "R"}', '{"type":"record","name":"ä' + "é" * 900):
        fault(registry.call("POST", "subjects", subject, "versions", body={"schema": schema}), 422, 42201)
    fault(registry.call("POST", "subjects", subject, "versions", body={}), 422, 42201)
    fault(registry.call("POST", "subjects", subject, "versions", body={"schema": "{}", "schemaType": "JSON"}), 422, 42201)
    references = {"schema": record(A), "references": [{"name": "x", "subject": "y", "version": 1}]}
    fault(registry.call("POST", "subjects", subject, "versions", body=references), 422, 42201)
    fault(registry.call("PUT", "config", subject, body={"compatibility": "SIDEWAYS"}), 422, 42203)
    assert registry.call("POST", "subjects", subject, "versions").status_code in (400, 422)
    fault(registry.get("associations", "resources", "-", "topic", resourceType="topic"), 404, 404)
    fault(registry.get("no", "such", "path"), 404, 404)


def test_levels(registry, subject):
    fault(registry.get("config", subject), 404, 40408,
          f"Subject '{subject}' does not have subject-level compatibility configured")
    assert registry.get("config", subject, defaultToGlobal="true").json() == {"compatibilityLevel": "BACKWARD"}
    assert registry.get("config").json() == {"compatibilityLevel": "BACKWARD"}
    assert registry.call("PUT", "config", subject, body={"compatibility": "FULL"}).json() == {"compatibility": "FULL"}
    assert registry.get("config", subject).json() == {"compatibilityLevel": "FULL"}
    assert registry.call("DELETE", "config", subject).json() == {"compatibilityLevel": "FULL"}
    fault(registry.get("config", subject), 404, 40408)


# What each level takes after [a], then [a, b with a default]: a new schema that only
# reads the newest, that reads all, that the newest reads, ...
CHANGES = {
    "BACKWARD": {"drop a": True, "add without default": False, "text": False},
    "FORWARD": {"drop a": False, "add without default": True, "text": False},
    "FULL": {"drop a": False, "add without default": False, "text": False},
    "NONE": {"drop a": True, "add without default": True, "text": True},
}
NEW = {
    "drop a": record(B_DEFAULT),
    "add without default": record(A, B_DEFAULT, {"name": "c", "type": "int"}),
    "text": record({"name": "a", "type": "string"}, B_DEFAULT),
}


@pytest.mark.parametrize("level", CHANGES)
@pytest.mark.parametrize("suffix", ["", "_TRANSITIVE"])
def test_what_a_level_takes(registry, subject, level, suffix):
    if level == "NONE" and suffix:
        return
    registry.register(subject, record(A))
    registry.register(subject, record(A, B_DEFAULT))
    registry.call("PUT", "config", subject, body={"compatibility": level + suffix})
    for change, taken in CHANGES[level].items():
        body = {"schema": NEW[change]}
        reply = registry.call("POST", "compatibility", "subjects", subject, "versions", "latest", body=body, verbose="true").json()
        assert reply["is_compatible"] == taken, (change, reply)
        assert bool(reply["messages"]) == (not taken)
        if not taken:
            reply = registry.call("POST", "subjects", subject, "versions", body=body)
            fault(reply, 409, 409)
            text = reply.json()["message"]
            assert text.startswith("Schema being registered is incompatible with an earlier schema for subject "
                                   f'"{subject}", details: [{{errorType:\'')
            assert f"compatibility: '{level + suffix}'" in text and "oldSchemaVersion: 2" in text


def test_transitive_levels_look_at_all_versions(registry, subject):
    """Version 3 gives b another type: that is fine for version 2, which has no b, and not for version 1."""
    versions = record(A, B), record(A)
    for schema in versions:
        registry.register(subject, schema)
    text = {"schema": record(A, {"name": "b", "type": "string", "default": ""})}

    def taken(level):
        registry.call("PUT", "config", subject, body={"compatibility": level})
        return registry.call("POST", "compatibility", "subjects", subject, "versions", body=text).json()["is_compatible"]

    assert taken("BACKWARD")
    assert not taken("BACKWARD_TRANSITIVE")


def test_checks_without_a_subject(registry, subject):
    body = {"schema": record(A)}
    assert registry.call("POST", "compatibility", "subjects", subject, "versions", "latest", body=body).json() == {"is_compatible": True}
    fault(registry.call("POST", "compatibility", "subjects", subject, "versions", 3, body=body), 404, 40402)


def test_deletes(registry, subject):
    id = registry.register(subject, record(A))
    registry.register(subject, record(A, B_DEFAULT))
    registry.call("PUT", "config", subject, body={"compatibility": "NONE"})
    path = ("subjects", subject, "versions", 1)
    fault(registry.call("DELETE", *path, permanent="true"), 404, 40407)
    assert registry.call("DELETE", *path).json() == 1
    fault(registry.call("DELETE", *path), 404, 40406)
    fault(registry.get(*path), 404, 40402)
    assert registry.get(*path, deleted="true").json()["id"] == id
    assert registry.get("schemas", "ids", id).status_code == 200
    assert registry.get("subjects", subject, "versions").json() == [2]
    assert registry.get("subjects", subject, "versions", deleted="true").json() == [1, 2]

    fault(registry.call("DELETE", "subjects", subject, permanent="true"), 404, 40405)
    assert registry.call("DELETE", "subjects", subject).json() == [2]
    fault(registry.call("DELETE", "subjects", subject), 404, 40404,
          f"Subject '{subject}' was soft deleted.Set permanent=true to delete permanently")
    assert subject not in registry.get("subjects").json()
    assert subject in registry.get("subjects", deleted="true").json()
    fault(registry.get("config", subject), 404, 40408)
    assert registry.register(subject, record(A)) == id
    assert registry.get("subjects", subject, "versions").json() == [3]

    registry.call("DELETE", "subjects", subject)
    assert registry.call("DELETE", "subjects", subject, permanent="true").json() == [1, 2, 3]
    fault(registry.get("subjects", subject, "versions", deleted="true"), 404, 40401)
    assert registry.register(subject, record(A)) == id


def test_an_id_goes_with_its_last_version(registry, subject):
    schema = record({"name": subject.replace("-", "_"), "type": "int"})
    id = registry.register(subject, schema)
    registry.call("DELETE", "subjects", subject)
    assert registry.get("schemas", "ids", id).status_code == 200
    registry.call("DELETE", "subjects", subject, permanent="true")
    fault(registry.get("schemas", "ids", id), 404, 40403)
    assert registry.register(subject, schema) == id


def test_large_schemas(registry, subject):
    fields = [{"name": f"field_{n}", "type": ["null", "string"], "default": None, "doc": "ä" * 40} for n in range(3000)]
    id = registry.register(subject, record(*fields))
    assert len(json.loads(registry.get("schemas", "ids", id).json()["schema"])["fields"]) == 3000
    fields.append({"name": "text", "type": "string"})
    reply = registry.call("POST", "subjects", subject, "versions", body={"schema": record(*fields)})
    fault(reply, 409, 409)
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in reply.json()["message"]


def test_many_register_at_once(registry, subject):
    registry.call("PUT", "config", subject, body={"compatibility": "NONE"})
    schemas = [record({"name": f"{subject.replace('-', '_')}_{n % 8}", "type": "int"}) for n in range(64)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda schema: registry.register(subject, schema), schemas))
    assert len(set(ids)) == 8 and ids[:8] * 8 == ids
    assert registry.get("subjects", subject, "versions").json() == list(range(1, 9))


def test_what_is_registered_survives_a_kill(tmp_path):
    process = Leat(tmp_path / "data", environment={"RANDOMUSER_URL": nowhere()})
    registry = Registry(process.addresses())
    id = registry.register("kept", record(A))
    registry.call("PUT", "config", "kept", body={"compatibility": "FULL"})
    process.kill()
    process = Leat(tmp_path / "data", environment={"RANDOMUSER_URL": nowhere()})
    try:
        registry = Registry(process.addresses())
        assert registry.get("subjects", "kept", "versions", "latest").json()["id"] == id
        assert registry.get("config", "kept").json() == {"compatibilityLevel": "FULL"}
        assert registry.register("other", record(B)) > id
    finally:
        process.close()
