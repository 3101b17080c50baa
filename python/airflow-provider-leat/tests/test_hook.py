from __future__ import annotations

import asyncio

import pytest

from leat_provider import exit_codes
from leat_provider.hooks.leat import Endpoint, LeatApiError, LeatHook
from leat_provider.version_compat import Connection

STATUS = {"version": "0.1.0", "state": "running", "sources": [{}]}


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({}, "http://127.0.0.1:9021"),
        ({"host": "leat.example", "port": 80}, "http://leat.example:80"),
        ({"host": "leat.example", "schema": "https"}, "https://leat.example:9021"),
        ({"host": "https://leat.example/deep/"}, "https://leat.example:9021/deep"),
        ({"host": "http://leat.example:1234"}, "http://leat.example:1234"),
        ({"host": "::1", "port": 1}, "http://[::1]:1"),
    ],
)
def test_addresses(fields, url):
    assert Endpoint.of(Connection(conn_id="x", conn_type="leat", **fields)).base_url == url


def test_an_address_that_is_none():
    with pytest.raises(LeatApiError, match="no http"):
        Endpoint.of(Connection(conn_id="x", conn_type="leat", host="ftp://leat"))


def test_secrets_go_into_headers(leat, connect):
    leat.answers["GET /api/v1/status"] = (200, STATUS)
    connect(host="127.0.0.1", port=leat.port, password="token")
    LeatHook().status()
    connect(host="127.0.0.1", port=leat.port, login="a", password="b")
    LeatHook().status()
    connect(host="127.0.0.1", port=leat.port, login="a", password="b", extra={"token": "of-extra"})
    LeatHook().status()
    asyncio.run(LeatHook().astatus())
    assert [headers["Authorization"] for _, _, headers in leat.asked] == [
        "Bearer token",
        "Basic YTpi",
        "Bearer of-extra",
        "Bearer of-extra",
    ]


def test_an_order_is_placed_followed_and_cancelled(leat):
    leat.answers["POST /api/v1/ingests"] = (202, {"id": 7})
    leat.answers["GET /api/v1/ingests/7"] = (200, {"id": 7, "state": "done"})
    leat.answers["POST /api/v1/ingests/7/cancel"] = (200, {"id": 7, "state": "cancelled"})
    hook = LeatHook()
    assert hook.order({"source": "a.b"})["id"] == 7
    assert hook.ingest(7)["state"] == "done"
    assert hook.cancel(7)["state"] == "cancelled"
    assert asyncio.run(hook.aingest(7))["state"] == "done"
    assert leat.asked[0][1] == {"source": "a.b"}


@pytest.mark.parametrize(
    ("status", "code", "may_pass"),
    [
        (400, exit_codes.USAGE, False),
        (401, exit_codes.NOPERM, False),
        (404, exit_codes.CONFIG, False),
        (429, exit_codes.TEMPFAIL, True),
        (500, exit_codes.TEMPFAIL, True),
        (503, exit_codes.TEMPFAIL, True),
    ],
)
def test_refusals(leat, status, code, may_pass):
    leat.answers["GET /api/v1/status"] = (status, {"error": {"message": "no", "hint": "do"}})
    with pytest.raises(LeatApiError, match=r"no \(do\)") as refusal:
        LeatHook().status()
    assert (refusal.value.exit_code, refusal.value.may_pass) == (code, may_pass)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe"])
def test_who_is_no_leat(leat, body):
    leat.answers["GET /api/v1/status"] = (200, body)
    with pytest.raises(LeatApiError, match="no leat"):
        LeatHook().status()
    leat.answers["GET /api/v1/status"] = (502, body)
    with pytest.raises(LeatApiError, match="HTTP 502"):
        LeatHook().status()


def test_who_is_not_there(connect):
    connect(host="127.0.0.1", port=9)
    with pytest.raises(LeatApiError, match="does not answer") as fault:
        LeatHook().status()
    assert fault.value.exit_code == exit_codes.UNAVAILABLE
    with pytest.raises(LeatApiError, match="does not answer"):
        asyncio.run(LeatHook().astatus())


def test_the_button_of_the_form(leat, connect):
    leat.answers["GET /api/v1/status"] = (200, STATUS)
    assert LeatHook().test_connection() == (True, "leat 0.1.0, running, 1 source(s)")
    leat.answers["GET /api/v1/status"] = (200, [])
    assert LeatHook().test_connection()[0] is False
    connect(host="127.0.0.1", port=9)
    assert LeatHook().test_connection()[0] is False
