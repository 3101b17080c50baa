"""Sensors: waiting for leat, in a worker or, with ``deferrable=True``, in the triggerer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from leat_provider.conditions import CONDITIONS
from leat_provider.exit_codes import raise_for_exit
from leat_provider.hooks.leat import LeatApiError, LeatHook
from leat_provider.links.leat import URL_KEY, LeatConsoleLink
from leat_provider.operators.leat import default_deferrable
from leat_provider.orders import Ingest, Until, counts, finish, is_over
from leat_provider.triggers.leat import LeatConditionTrigger, LeatIngestTrigger
from leat_provider.version_compat import BaseSensorOperator

if TYPE_CHECKING:
    from leat_provider.version_compat import Context


class _LeatSensor(BaseSensorOperator):
    """What all have: the connection, and the two ways to wait.

    A leat that does not answer is waited for until the sensor's `timeout`; a mistake, such as a source that
    is not there, fails the task at once.

    :param leat_conn_id: the connection.
    :param deferrable: wait in the triggerer.
    """

    template_fields: Sequence[str] = ()
    operator_extra_links = (LeatConsoleLink(),)
    ui_color = "#ece6f3"

    def __init__(
        self, *, leat_conn_id: str = LeatHook.default_conn_name, deferrable: bool | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.leat_conn_id = leat_conn_id
        self.deferrable = default_deferrable() if deferrable is None else deferrable

    def _trigger(self) -> LeatConditionTrigger | LeatIngestTrigger:
        raise NotImplementedError

    def _look(self, hook: LeatHook) -> bool:
        """Whether it holds now, told in the log."""
        raise NotImplementedError

    def poke(self, context: Context) -> bool:
        try:
            return self._look(LeatHook(self.leat_conn_id))
        except LeatApiError as trouble:
            if not trouble.may_pass:
                raise_for_exit(trouble.exit_code, type(self).__name__, str(trouble))
            self.log.warning("%s; waiting", trouble)
            return False

    def execute(self, context: Context) -> Any:
        hook = LeatHook(self.leat_conn_id)
        context["ti"].xcom_push(key=URL_KEY, value=hook.console_url())
        if not self.deferrable:
            return super().execute(context)
        if not self.poke(context):
            self.defer(
                trigger=self._trigger(),
                method_name="execute_complete",
                timeout=timedelta(seconds=self.timeout),
            )
        return None

    def execute_complete(self, context: Context, event: dict[str, Any]) -> None:
        """The trigger has seen it."""
        if "ingest" in event:
            finish(event["ingest"])
            return
        self.log.info("%s", event["message"])
        raise_for_exit(event["exit_code"], type(self).__name__, event["message"])


class _ConditionSensor(_LeatSensor):
    condition = ""

    def _arguments(self) -> dict[str, Any]:
        raise NotImplementedError

    def _trigger(self) -> LeatConditionTrigger:
        return LeatConditionTrigger(
            leat_conn_id=self.leat_conn_id,
            condition=self.condition,
            arguments=self._arguments(),
            poll_interval=float(self.poke_interval),
            patience=float(self.timeout),
        )

    def _look(self, hook: LeatHook) -> bool:
        verdict = CONDITIONS[self.condition](hook.status(), **self._arguments())
        self.log.info("%s", verdict.found)
        return verdict.holds


class LeatLagSensor(_ConditionSensor):
    """Waits until at most `max_lag` records are on their way: accepted, and not yet stored, filtered, late or
    dead.

    :param pipeline: of that pipeline; of all that this leat runs without.
    """

    template_fields: Sequence[str] = ("pipeline", "max_lag")
    condition = "lag"

    def __init__(self, *, pipeline: str | None = None, max_lag: int | str = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline
        self.max_lag = max_lag

    def _arguments(self) -> dict[str, Any]:
        return {"pipeline": self.pipeline, "max_lag": int(self.max_lag)}


class LeatFreshnessSensor(_ConditionSensor):
    """Waits until a source was fetched at most `max_age` ago and all of it is in its tables.

    :param source: ``PIPELINE.SOURCE``, or ``SOURCE`` if one pipeline has it.
    """

    template_fields: Sequence[str] = ("source",)
    condition = "freshness"

    def __init__(self, *, source: str, max_age: timedelta, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.max_age = max_age

    def _arguments(self) -> dict[str, Any]:
        return {"source": self.source, "max_age_s": self.max_age.total_seconds()}


class LeatReadySensor(_ConditionSensor):
    """Waits until leat runs, with all streams of the pipeline."""

    template_fields: Sequence[str] = ("pipeline",)
    condition = "ready"

    def __init__(self, *, pipeline: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline

    def _arguments(self) -> dict[str, Any]:
        return {"pipeline": self.pipeline}


class LeatIngestSensor(_LeatSensor):
    """Waits until an order that another task placed is over; it fails as the order failed.

    :param ingest_id: the order's number, such as ``{{ ti.xcom_pull('order')['id'] }}`` of a
        LeatIngestOperator with ``until="staged"``.
    :param until: ``"stored"`` or ``"staged"``.
    """

    template_fields: Sequence[str] = ("ingest_id",)

    def __init__(self, *, ingest_id: int | str, until: Until = "stored", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ingest_id = ingest_id
        self.until = until

    def _trigger(self) -> LeatIngestTrigger:
        return LeatIngestTrigger(
            leat_conn_id=self.leat_conn_id,
            order=None,
            number=int(self.ingest_id),
            until=self.until,
            poll_interval=float(self.poke_interval),
            patience=float(self.timeout),
        )

    def _look(self, hook: LeatHook) -> bool:
        ingest: Ingest = hook.ingest(int(self.ingest_id))
        self.log.info("order %s: %s, %s", ingest["id"], ingest["state"], counts(ingest))
        if not is_over(ingest, self.until):
            return False
        finish(ingest)
        return True


__all__ = ["LeatFreshnessSensor", "LeatIngestSensor", "LeatLagSensor", "LeatReadySensor"]
