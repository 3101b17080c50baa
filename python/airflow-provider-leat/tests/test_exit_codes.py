from __future__ import annotations

import pytest

from leat_provider.exit_codes import raise_for_exit
from leat_provider.orders import finish, is_over
from leat_provider.version_compat import AirflowException, AirflowFailException, AirflowSkipException


def kind(code):
    with pytest.raises(AirflowException, match="because") as fault:
        raise_for_exit(code, "leat run", "because")
    return type(fault.value)


def test_every_code():
    raise_for_exit(0, "leat run", "because")
    assert kind(99) is AirflowSkipException
    assert {kind(code) for code in (2, 64, 65, 66, 77, 78, 126, 127)} == {AirflowFailException}
    assert {kind(code) for code in (1, 69, 70, 75, 130, 143, 5, 255, -9, -15)} == {AirflowException}


INGEST = {"id": 1, "source": "a.b", "state": "done", "accepted": 3, "fault": None, "exit_code": 0}


def test_how_orders_end():
    assert finish(INGEST) == INGEST
    assert finish(INGEST | {"exit_code": None})["id"] == 1  # staged, and not waited for any more
    fault = {"status": "config", "message": "no", "hint": "do"}
    with pytest.raises(AirflowFailException, match=r"no \(do\)"):
        finish(INGEST | {"fault": fault, "exit_code": 78})
    with pytest.raises(AirflowSkipException):
        finish(INGEST | {"accepted": 0}, skip_if_empty=True)
    assert finish(INGEST | {"accepted": 0})


def test_what_is_over():
    states = ["queued", "fetching", "appending", "storing", "done", "failed", "cancelled"]
    assert [is_over({"state": s}, "stored") for s in states] == [False] * 4 + [True] * 3
    assert [is_over({"state": s}, "staged") for s in states] == [False] * 2 + [True] * 5
