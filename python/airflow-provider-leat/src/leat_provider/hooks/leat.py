"""LeatHook: leat's REST API for tasks, and without blocking for triggers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote, urlsplit

import httpx

from leat_provider import exit_codes
from leat_provider.orders import Ingest, Order
from leat_provider.version_compat import AirflowException, BaseHook, Connection

PORT = 9021
TIMEOUT_S = 30.0


class LeatApiError(AirflowException):
    """leat could not be asked, or refused.

    :param exit_code: what a leat command would end with for this reason.
    """

    def __init__(self, message: str, exit_code: int, http_status: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.http_status = http_status

    @property
    def may_pass(self) -> bool:
        """Whether it may be different soon: leat is starting, stopping or busy, or not there."""
        return self.exit_code in (exit_codes.UNAVAILABLE, exit_codes.TEMPFAIL)


@dataclass(frozen=True)
class Endpoint:
    """Where leat's API is and how it is asked; made from an Airflow connection."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: tuple[str, str] | None = None
    verify: bool = True
    timeout: float = TIMEOUT_S

    @classmethod
    def of(cls, connection: Connection) -> Endpoint:
        extra = connection.extra_dejson
        host = connection.host or "127.0.0.1"
        if "://" not in host:
            name = f"[{host}]" if ":" in host and not host.startswith("[") else host
            host = f"{connection.schema or 'http'}://{name}"
        parts = urlsplit(host)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise LeatApiError(f'connection: "{host}" is no http(s) address', exit_codes.CONFIG)
        if parts.port is None:
            host = f"{parts.scheme}://{parts.netloc}:{connection.port or PORT}{parts.path}"
        auth, headers = None, {}
        token = extra.get("token") or (None if connection.login else connection.password)
        if token:  # of `leat token add`
            headers = {"Authorization": f"Bearer {token}"}
        elif connection.login:  # for a proxy in front of leat, which itself wants a token
            auth = (connection.login, connection.password or "")
        return cls(
            base_url=host.rstrip("/"),
            headers=headers,
            auth=auth,
            verify=bool(extra.get("verify", True)),
            timeout=float(extra.get("timeout") or TIMEOUT_S),
        )

    def client_settings(self) -> dict[str, Any]:
        """For ``httpx.Client`` and ``httpx.AsyncClient``."""
        return {
            "base_url": self.base_url,
            "headers": dict(self.headers),
            "auth": self.auth,
            "verify": self.verify,
            "timeout": self.timeout,
        }


def _unreachable(endpoint: Endpoint, reason: Exception) -> LeatApiError:
    text = str(reason) or type(reason).__name__
    return LeatApiError(f"leat at {endpoint.base_url} does not answer: {text}", exit_codes.UNAVAILABLE)


def _refusal(endpoint: Endpoint, response: httpx.Response) -> LeatApiError:
    """The reply's own words where it has some."""
    try:
        error = response.json()["error"]
        text = str(error["message"]) + (f" ({error['hint']})" if error.get("hint") else "")
    except (ValueError, KeyError, TypeError):
        text = f"HTTP {response.status_code}"
    status = response.status_code
    code = {
        400: exit_codes.USAGE,
        401: exit_codes.NOPERM,
        403: exit_codes.NOPERM,
        404: exit_codes.CONFIG,
        413: exit_codes.USAGE,
        415: exit_codes.USAGE,
    }.get(status, exit_codes.TEMPFAIL if status >= 500 or status == 429 else exit_codes.CONFIG)
    return LeatApiError(f"leat at {endpoint.base_url}: {text}", code, status)


def _answer(endpoint: Endpoint, response: httpx.Response) -> Any:
    if not response.is_success:
        raise _refusal(endpoint, response)
    try:
        return response.json()
    except ValueError as reason:
        raise LeatApiError(f"{endpoint.base_url} is no leat: its answer is no JSON", exit_codes.CONFIG) from reason


class LeatHook(BaseHook):
    """Asks a running leat, over the REST API of its console.

    :param leat_conn_id: the connection: host, port (9021), schema (http or https), and for a leat with a
        login the token of `leat token add` as password without login, or as ``token`` in the extra; extra
        ``{"verify": true, "timeout": 30}``. Login and password are sent as basic auth, for proxies.
    """

    conn_name_attr = "leat_conn_id"
    default_conn_name = "leat_default"
    conn_type = "leat"
    hook_name = "leat"

    def __init__(self, leat_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.leat_conn_id = leat_conn_id
        self._endpoint: Endpoint | None = None

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """The connection's form in Airflow 2; from 3.2 it comes from get_provider_info."""
        from leat_provider.get_provider_info import FORM

        return {
            "hidden_fields": FORM["hidden-fields"],
            "relabeling": FORM["relabeling"],
            "placeholders": FORM["placeholders"],
        }

    # ---- asking ----

    @property
    def endpoint(self) -> Endpoint:
        """Where leat is; looks the connection up once."""
        if self._endpoint is None:
            self._endpoint = Endpoint.of(self.get_connection(self.leat_conn_id))
        return self._endpoint

    async def aendpoint(self) -> Endpoint:
        """The same in a triggerer, whose loop must not block."""
        if self._endpoint is None:
            if hasattr(self, "aget_connection"):  # 3.1
                connection = await self.aget_connection(self.leat_conn_id)
            else:
                from asgiref.sync import sync_to_async

                connection = await sync_to_async(self.get_connection)(self.leat_conn_id)
            self._endpoint = Endpoint.of(connection)
        return self._endpoint

    def get_conn(self) -> httpx.Client:
        """A client for leat's API; the caller closes it."""
        return httpx.Client(**self.endpoint.client_settings())

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer of one request.

        :raises LeatApiError: leat does not answer, or refuses.
        """
        with self.get_conn() as client:
            try:
                return _answer(self.endpoint, client.request(method, path, json=body))
            except httpx.HTTPError as reason:
                raise _unreachable(self.endpoint, reason) from reason

    async def acall(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The same without blocking."""
        endpoint = await self.aendpoint()
        async with httpx.AsyncClient(**endpoint.client_settings()) as client:
            try:
                return _answer(endpoint, await client.request(method, path, json=body))
            except httpx.HTTPError as reason:
                raise _unreachable(endpoint, reason) from reason

    # ---- what there is to ask ----

    def status(self) -> dict[str, Any]:
        """Totals, problems, sources, flows and topics, as of now."""
        return cast("dict[str, Any]", self.call("GET", "/api/v1/status"))

    async def astatus(self) -> dict[str, Any]:
        return cast("dict[str, Any]", await self.acall("GET", "/api/v1/status"))

    def order(self, order: Order) -> Ingest:
        """Asks leat to fetch a source once; an order with the ``key`` of an earlier one is that one."""
        return cast("Ingest", self.call("POST", "/api/v1/ingests", order))

    async def aorder(self, order: Order) -> Ingest:
        return cast("Ingest", await self.acall("POST", "/api/v1/ingests", order))

    def ingest(self, number: int) -> Ingest:
        """An order's state and counts."""
        return cast("Ingest", self.call("GET", f"/api/v1/ingests/{number}"))

    async def aingest(self, number: int) -> Ingest:
        return cast("Ingest", await self.acall("GET", f"/api/v1/ingests/{number}"))

    def cancel(self, number: int) -> Ingest:
        """Ends an order; what was accepted stays."""
        return cast("Ingest", self.call("POST", f"/api/v1/ingests/{number}/cancel", {}))

    async def acancel(self, number: int) -> Ingest:
        return cast("Ingest", await self.acall("POST", f"/api/v1/ingests/{number}/cancel", {}))

    def console_url(self, source: str | None = None) -> str:
        """The console's page, of one source or of all."""
        return f"{self.endpoint.base_url}/" + (f"#sources/{quote(source, safe='')}" if source else "")

    def test_connection(self) -> tuple[bool, str]:
        """For the button of the connection's form."""
        try:
            status = self.status()
            return True, f"leat {status['version']}, {status['state']}, {len(status['sources'])} source(s)"
        except (LeatApiError, KeyError, TypeError) as reason:
            return False, str(reason)
