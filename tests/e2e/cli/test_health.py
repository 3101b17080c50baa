"""`leat health` and `leat doctor`."""

from commands import leat


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
