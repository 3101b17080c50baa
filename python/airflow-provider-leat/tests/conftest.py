"""Unit tests of the provider, run by pytest within an Airflow's virtual environment: no scheduler, no leat."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest


class Stub(http.server.ThreadingHTTPServer):
    """An HTTP server with scripted answers: (status, body) by "METHOD path", a list for one after another."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, Any, dict[str, str]]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def answer(self, what: str) -> tuple[int, Any]:
        found = self.answers.get(what, (404, {"error": {"message": f"no {what}"}}))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        return found  # type: ignore[no-any-return]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Stub

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        what = f"{self.command} {self.path}"
        self.server.asked.append((what, body, dict(self.headers)))
        status, value = self.server.answer(what)
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def stub() -> Iterator[Stub]:
    server = Stub()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """connect(**fields): the connection leat_default, from the environment as Airflow reads it."""

    def make(conn_id: str = "leat_default", **fields: Any) -> None:
        value = json.dumps({"conn_type": "leat", **fields})
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", value)

    return make


@pytest.fixture
def leat(stub: Stub, connect: Callable[..., None]) -> Stub:
    """The stub as leat_default."""
    connect(host="127.0.0.1", port=stub.port)
    return stub
