"""`leat health` and `leat doctor`."""

import json
import socket

from commands import leat
from leat import USERS, nowhere


def test_health(filled, running, tmp_path):
    said = leat("health", "--data", running, code=None)
    assert said.code in (0, 69)  # its source is not reachable
    leat("health", "--data", filled, code=69)
    leat("health", "--data", tmp_path / "none", code=69)


def test_doctor(data):
    rows = leat("doctor", "--data", data, "--json", code=None).rows
    assert {row["what"] for row in rows} >= {"version", "data directory", "disk", "log", "registry", "console"}
    assert next(row for row in rows if row["what"] == "data directory")["state"] == "ok"


def test_doctor_before_the_first_start(tmp_path):
    rows = leat("doctor", "--data", tmp_path / "none", "--json", code=None).rows
    assert next(row for row in rows if row["what"] == "data directory")["state"] == "note"


def doctor(tmp_path, *words, code=0, url=None):
    """Findings by name."""
    said = leat("doctor", "--data", tmp_path / "none", "--json", *words, code=None, environment={"RANDOMUSER_URL": url or nowhere()})
    found = {row["what"]: row for row in said.rows}
    if not any(row["state"] == "bad" for what, row in found.items() if what == "disk"):
        assert said.code == code, said.stdout
    return found


def test_doctor_asks_the_sources(api, tmp_path):
    found = doctor(tmp_path, USERS, url=api.url)
    assert found["file"]["state"] == "ok"
    assert found["source random_users"]["state"] == "ok" and "500 records" in found["source random_users"]["found"]
    assert not (tmp_path / "none").exists()


def test_doctor_names_a_source_that_does_not_answer(tmp_path):
    assert doctor(tmp_path, USERS, code=69)["source random_users"]["state"] == "bad"


def test_doctor_does_not_wait_for_a_silent_source(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert "within 3 s" in doctor(tmp_path, USERS, code=69, url=url)["source random_users"]["found"]


def test_doctor_reads_the_file(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("version: 1\npipelin: x\n")
    found = doctor(tmp_path, wrong, code=78)["file"]
    assert found["state"] == "bad" and f"{wrong}:" in found["found"]


def test_doctor_asks_the_engines_of_a_profile(running, tmp_path):
    addresses = json.loads((running / "leat.json").read_text())
    file = tmp_path / "pipeline.yaml"
    (tmp_path / "one.jsonl").write_text('{"id": 1}\n')

    def ask(profile, code):
        file.write_text(f"""version: 1
pipeline: p
sources:
  s:
    file: {{path: {tmp_path}/one.jsonl}}
    key: id
    schedule: "@once"
profiles:
  real: {profile}
""")
        return doctor(tmp_path, file, "--profile", "real", code=code)

    found = ask(f"{{log: 'kafka://{addresses['kafka']}', schemas: 'http://{addresses['registry']}'}}", 0)
    assert [found[what]["state"] for what in ("profile: log", "profile: schemas", "source s")] == ["ok"] * 3
    assert ask(f"{{schemas: '{nowhere()}'}}", 69)["profile: schemas"]["state"] == "bad"
    assert ask("{staging: 'db2://localhost/x'}", 78)["profile"]["state"] == "bad"
    leat("doctor", "--profile", "real", code=64)
