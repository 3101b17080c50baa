"""The REST API for tests: calls, and what an error must look like."""

import urllib.parse

import requests


class Registry:
    def __init__(self, addresses):
        self.url = f"http://{addresses['registry']}"
        self.kafka = addresses["kafka"]

    def call(self, method, *path, body=None, **query):
        parts = "/".join(urllib.parse.quote(str(part), safe="") for part in path)
        return requests.request(method, f"{self.url}/{parts}", json=body, params=query, timeout=30)

    def get(self, *path, **query):
        return self.call("GET", *path, **query)

    def register(self, subject, schema):
        reply = self.call("POST", "subjects", subject, "versions", body={"schema": schema})
        assert reply.status_code == 200, reply.text
        return reply.json()["id"]


def fault(reply, status, code, message=None):
    """The reply is this error of the REST API."""
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"].startswith("application/vnd.schemaregistry.v1+json")
    found = reply.json()
    assert found.keys() == {"error_code", "message"}
    assert found["error_code"] == code, found
    if message is not None:
        assert found["message"] == message
