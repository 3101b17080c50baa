"""What Airflow is told about this provider; provider.yaml says the same for people."""

from __future__ import annotations

from typing import Any

from leat_provider import __version__

#: The connection's form.
FORM: dict[str, Any] = {
    "hidden-fields": [],
    "relabeling": {"schema": "http or https", "password": "Password or token"},
    "placeholders": {
        "host": "127.0.0.1",
        "port": "9021",
        "schema": "http",
        "extra": '{"verify": true, "timeout": 30}',
    },
}


def get_provider_info() -> dict[str, Any]:
    return {
        "package-name": "airflow-provider-leat",
        "name": "leat",
        "description": "leat: data pipelines from APIs through a log and stream SQL into tables.",
        "versions": [__version__],
        "integrations": [{"integration-name": "leat", "tags": ["service"]}],
        "connection-types": [
            {
                "connection-type": "leat",
                "hook-class-name": "leat_provider.hooks.leat.LeatHook",
                "ui-field-behaviour": FORM,
                "conn-fields": {
                    "verify": {
                        "label": "Verify TLS",
                        "schema": {"type": ["boolean", "null"], "default": True},
                    },
                    "timeout": {
                        "label": "Time-out of a request (s)",
                        "schema": {"type": ["number", "null"], "default": 30},
                    },
                },
            }
        ],
        "hooks": [{"integration-name": "leat", "python-modules": ["leat_provider.hooks.leat"]}],
        "operators": [{"integration-name": "leat", "python-modules": ["leat_provider.operators.leat"]}],
        "sensors": [{"integration-name": "leat", "python-modules": ["leat_provider.sensors.leat"]}],
        "triggers": [{"integration-name": "leat", "python-modules": ["leat_provider.triggers.leat"]}],
        "extra-links": ["leat_provider.links.leat.LeatConsoleLink"],
    }
