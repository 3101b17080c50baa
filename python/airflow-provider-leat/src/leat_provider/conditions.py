"""What sensors wait for, as functions of leat's status; shared by sensors and triggers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from leat_provider import exit_codes
from leat_provider.hooks.leat import LeatApiError

Status = dict[str, Any]
ENDS = ("stored", "filtered", "late", "dead")


@dataclass(frozen=True)
class Verdict:
    """Whether a condition holds, and in words what was found."""

    holds: bool
    found: str


def _of_pipeline(status: Status, pipeline: str | None) -> tuple[list[Status], list[Status]]:
    """Its sources and flows; of all pipelines without a name."""
    sources = [s for s in status["sources"] if pipeline in (None, s["pipeline"])]
    flows = [f for f in status["flows"] if pipeline in (None, f["pipeline"])]
    if not sources and not flows:
        raise LeatApiError(f'this leat has no pipeline "{pipeline}"', exit_codes.CONFIG)
    return sources, flows


def lag_of(status: Status, pipeline: str | None) -> int:
    """Records on their way: accepted, and not yet stored, filtered, late or dead.

    From durable counts, so it is the same whichever log the pipeline stands on.
    """
    sources, flows = _of_pipeline(status, pipeline)
    first = [f for f in flows if not f["derived"]]
    accepted: int = sum(s["accepted"] for s in sources) + sum(f["foreign"] for f in first)
    ended: int = sum(f[end] for f in first for end in ENDS)
    derived: int = sum(f["lag"] or 0 for f in flows if f["derived"])
    return max(accepted - ended, 0) + derived


def lag(status: Status, *, pipeline: str | None, max_lag: int) -> Verdict:
    """At most `max_lag` records are on their way."""
    found = lag_of(status, pipeline)
    return Verdict(found <= max_lag, f"{found} records are on their way, at most {max_lag} wanted")


def freshness(status: Status, *, source: str, max_age_s: float) -> Verdict:
    """The source was fetched at most `max_age_s` ago, and what came is in its tables."""
    matching = [s for s in status["sources"] if source in (s["name"], f"{s['pipeline']}.{s['name']}")]
    if not matching:
        raise LeatApiError(f'this leat has no source "{source}"', exit_codes.CONFIG)
    if len(matching) > 1:
        raise LeatApiError(f'several pipelines have a source "{source}": name it PIPELINE.SOURCE', exit_codes.CONFIG)
    fetched_us = matching[0]["fetched_at_us"]
    if fetched_us is None:
        return Verdict(False, f"{source} was never fetched")
    age_s = (status["now_us"] - fetched_us) / 1e6
    behind = lag_of(status, matching[0]["pipeline"])
    return Verdict(
        age_s <= max_age_s and behind == 0,
        f"{source} was fetched {age_s:.1f} s ago, at most {max_age_s:g} wanted; {behind} records are on their way",
    )


def ready(status: Status, *, pipeline: str | None) -> Verdict:
    """leat runs, with all streams of the pipeline."""
    _, flows = _of_pipeline(status, pipeline)
    stopped = [f["topic"] for f in flows if not f["running"] and not f["waits_for_schema"]]
    holds = status["state"] == "running" and not stopped
    found = f"leat is {status['state']}"
    return Verdict(holds, f"{found}, stopped: {', '.join(stopped)}" if stopped else found)


#: By the name that a trigger carries.
CONDITIONS: dict[str, Callable[..., Verdict]] = {"lag": lag, "freshness": freshness, "ready": ready}
