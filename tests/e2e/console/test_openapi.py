"""The API against the description that it gives of itself: schemathesis makes requests from that."""

import subprocess
import sys

import jsonschema
import pytest
import requests
from leat import WAIT_S, wait_until

# Streams without end, and what would change the log under the other requests' feet.
LEFT_OUT = "/api/v1/events|/scan"


@pytest.mark.slow
def test_schemathesis_finds_no_fault(api, up, tmp_path):
    process = up("--set", 'sources.random_users.schedule="@once"', url=api.url)
    base = f"http://{process.addresses()['http']}"
    wait_until(lambda: requests.get(f"{base}/api/v1/topics", timeout=WAIT_S).json(), "a topic")
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{base}/api/v1/openapi.json", "--max-examples", "15",
            "--checks", "not_a_server_error,content_type_conformance,unsupported_method", "--exclude-path-regex", LEFT_OUT,
            "--seed", "7", "--request-timeout", "30", "--header", "Content-Type: application/json", "--suppress-health-check", "all", "--no-color",
        ],
        capture_output=True, text=True, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert requests.get(f"{base}/livez", timeout=WAIT_S).status_code == 200
    assert process.stop().code == 0


def test_the_description_is_openapi(api, up):
    """Each operation has what the specification wants; each schema in it is JSON Schema."""
    process = up("--set", 'sources.random_users.schedule="@once"', url=api.url)
    described = requests.get(f"http://{process.addresses()['http']}/api/v1/openapi.json", timeout=WAIT_S).json()
    for path, methods in described["paths"].items():
        assert path.startswith("/")
        for operation in methods.values():
            assert operation["responses"] and operation["summary"]
            for parameter in operation["parameters"]:
                jsonschema.Draft202012Validator.check_schema(parameter["schema"])
            if "requestBody" in operation:
                jsonschema.Draft202012Validator.check_schema(operation["requestBody"]["content"]["application/json"]["schema"])
