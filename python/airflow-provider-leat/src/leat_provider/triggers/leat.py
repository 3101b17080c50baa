"""Triggers: waiting for leat without a worker.

What a trigger waits for is asked anew when a triggerer takes it over, so a restart of the triggerer loses
nothing; and since an order has a key, neither does a restart of leat.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from leat_provider import exit_codes
from leat_provider.conditions import CONDITIONS
from leat_provider.hooks.leat import LeatApiError, LeatHook
from leat_provider.orders import Ingest, Order, Until, counts, is_over

#: How long leat may be away before a trigger gives up.
PATIENCE_S = 120.0


class _Patience:
    """Trouble that may pass is borne for a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: float | None = None

    def over(self, trouble: LeatApiError) -> bool:
        now = time.monotonic()
        self._since = self._since or now
        return not trouble.may_pass or now - self._since > self._seconds

    def reset(self) -> None:
        self._since = None


def failure(exit_code: int, message: str) -> TriggerEvent:
    return TriggerEvent({"exit_code": exit_code, "message": message})


class LeatIngestTrigger(BaseTrigger):
    """Follows an order until it is over; places it again if leat has forgotten it.

    :param order: with its key, so that placing it again finds the one that stands; None: another task's, which
        is only looked at.
    :param number: of the order, as leat gave it when it was placed.
    :param until: ``"stored"`` or ``"staged"``.
    :param deadline: seconds since 1970 after which the order is cancelled; None: none.
    """

    def __init__(
        self,
        leat_conn_id: str,
        order: Order | None,
        number: int,
        until: Until = "stored",
        poll_interval: float = 2.0,
        deadline: float | None = None,
        patience: float = PATIENCE_S,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.leat_conn_id = leat_conn_id
        self.order = order
        self.until = until
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.patience = patience
        self.number = number

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "leat_provider.triggers.leat.LeatIngestTrigger",
            {
                "leat_conn_id": self.leat_conn_id,
                "order": self.order,
                "until": self.until,
                "poll_interval": self.poll_interval,
                "deadline": self.deadline,
                "patience": self.patience,
                "number": self.number,
            },
        )

    async def _ask(self, hook: LeatHook) -> Ingest:
        try:
            return await hook.aingest(self.number)
        except LeatApiError as refusal:
            if refusal.http_status != 404 or self.order is None:
                raise
            self.log.info("leat was started anew: the order is placed again")
            return await hook.aorder(self.order)

    async def _follow(self, hook: LeatHook) -> TriggerEvent:
        patience = _Patience(self.patience)
        shown = ""
        while True:
            try:
                ingest = await self._ask(hook)
                patience.reset()
            except LeatApiError as trouble:
                if patience.over(trouble):
                    return failure(trouble.exit_code, str(trouble))
                self.log.warning("%s; trying again", trouble)
            else:
                self.number = ingest["id"]
                if ingest["state"] != shown:
                    shown = ingest["state"]
                    self.log.info("order %s: %s, %s", ingest["id"], shown, counts(ingest))
                if is_over(ingest, self.until):
                    return TriggerEvent({"ingest": ingest})
            if self.deadline is not None and time.time() > self.deadline:
                await self._cancel()
                return failure(exit_codes.TEMPFAIL, "the task's time was over: the order is cancelled")
            await asyncio.sleep(self.poll_interval)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        try:
            try:
                event = await self._follow(LeatHook(self.leat_conn_id))
            except Exception as fault:  # of a connection that is wrong, and the like
                self.log.exception("the order cannot be followed")
                event = failure(getattr(fault, "exit_code", 1), str(fault))
        except asyncio.CancelledError:
            if not hasattr(BaseTrigger, "on_kill") and await self._task_was_ended():
                await self._cancel()
            raise
        yield event

    async def on_kill(self) -> None:
        """Someone ended the task (Airflow 3.3 says so itself)."""
        await self._cancel()

    async def _cancel(self) -> None:
        if self.order is None:
            return
        try:
            await LeatHook(self.leat_conn_id).acancel(self.number)
            self.log.info("order %s is cancelled", self.number)
        except LeatApiError as trouble:
            self.log.warning("order %s could not be cancelled: %s", self.number, trouble)

    async def _task_was_ended(self) -> bool:
        """A trigger is cancelled when its task is ended, and also when its triggerer stops: then the
        task is still deferred. Before 3.3 only the database tells the two apart."""
        from asgiref.sync import sync_to_async

        from leat_provider.task_state import state_of

        task: Any = self.task_instance
        if task is None:
            return False
        try:
            state = await sync_to_async(state_of)(task)
        except Exception:
            self.log.exception("the task's state cannot be read: the order goes on")
            return False
        return state != "deferred"


class LeatConditionTrigger(BaseTrigger):
    """Waits until a condition on leat's status holds.

    :param condition: a name of ``leat_provider.conditions.CONDITIONS``.
    :param arguments: its arguments.
    """

    def __init__(
        self,
        leat_conn_id: str,
        condition: str,
        arguments: dict[str, Any],
        poll_interval: float = 10.0,
        patience: float = PATIENCE_S,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.leat_conn_id = leat_conn_id
        self.condition = condition
        self.arguments = arguments
        self.poll_interval = poll_interval
        self.patience = patience

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "leat_provider.triggers.leat.LeatConditionTrigger",
            {
                "leat_conn_id": self.leat_conn_id,
                "condition": self.condition,
                "arguments": self.arguments,
                "poll_interval": self.poll_interval,
                "patience": self.patience,
            },
        )

    async def _wait(self, hook: LeatHook) -> TriggerEvent:
        patience = _Patience(self.patience)
        shown = ""
        while True:
            try:
                verdict = CONDITIONS[self.condition](await hook.astatus(), **self.arguments)
                patience.reset()
            except LeatApiError as trouble:
                if patience.over(trouble):
                    return failure(trouble.exit_code, str(trouble))
                self.log.warning("%s; trying again", trouble)
            else:
                if verdict.found != shown:
                    shown = verdict.found
                    self.log.info("%s", shown)
                if verdict.holds:
                    return TriggerEvent({"exit_code": 0, "message": verdict.found})
            await asyncio.sleep(self.poll_interval)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        try:
            event = await self._wait(LeatHook(self.leat_conn_id))
        except Exception as fault:
            self.log.exception("the condition cannot be judged")
            event = failure(getattr(fault, "exit_code", 1), str(fault))
        yield event
