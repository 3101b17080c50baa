"""Orders: what leat is asked to fetch over REST, and how they end. Shared by operators and triggers."""

from __future__ import annotations

from typing import Any, Literal

from leat_provider.exit_codes import raise_for_exit

#: An order as leat's API describes it; see ``POST /api/v1/ingests`` in the guide.
Order = dict[str, Any]
#: What it answers: id, state, counts, fault, exit_code.
Ingest = dict[str, Any]
Until = Literal["staged", "stored"]

ENDS = frozenset({"done", "failed", "cancelled"})
STAGED = frozenset({"appending", "storing"})


def is_over(ingest: Ingest, until: Until) -> bool:
    """Whether there is nothing more to wait for."""
    return ingest["state"] in ENDS or (until == "staged" and ingest["state"] in STAGED)


def counts(ingest: Ingest) -> str:
    """One line for the log."""
    names = ("fetched", "accepted", "unchanged", "refused")
    return ", ".join(f"{name} {ingest[name]}" for name in names)


def finish(ingest: Ingest, *, skip_if_empty: bool = False) -> Ingest:
    """The order as it ended; raises if it did not end well."""
    fault = ingest.get("fault") or {}
    reason = fault.get("message")
    if reason and fault.get("hint"):
        reason = f"{reason} ({fault['hint']})"
    what = f"order {ingest['id']} of source {ingest['source']}"
    raise_for_exit(ingest.get("exit_code") or 0, what, reason)
    if skip_if_empty and ingest["accepted"] == 0:
        raise_for_exit(99, what, "no new or changed record")
    return ingest
