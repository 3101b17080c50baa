"""Operators: leat as a program that a task runs, and leat as a service that a task gives orders to."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from leat_provider.exit_codes import raise_for_exit
from leat_provider.hooks.leat import LeatApiError, LeatHook
from leat_provider.lineage import LineageMixin
from leat_provider.links.leat import URL_KEY, LeatConsoleLink
from leat_provider.orders import Ingest, Order, Until, counts, finish, is_over
from leat_provider.process import LeatProcess
from leat_provider.triggers.leat import LeatIngestTrigger
from leat_provider.version_compat import AirflowException, AirflowFailException, BaseOperator, conf

if TYPE_CHECKING:
    from leat_provider.version_compat import Context


def default_deferrable() -> bool:
    """What ``[operators] default_deferrable`` says."""
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


class LeatCliOperator(BaseOperator):
    """A leat command as a process of the task: its lines go into the task's log while they come, its exit
    code decides between success, skip, retry and failure, and whatever ends the task ends its group.

    :param leat: the program.
    :param data: data directory; leat's own default without.
    :param profile: engines of that profile of the file.
    :param env: added to the task's environment.
    :param cwd: where it runs; the task's own folder without.
    :param options: more words for the command line.
    :param kill_timeout: seconds that it may drain when the task is ended; then it is killed.
    """

    template_fields: Sequence[str] = ("leat", "data", "profile", "env", "cwd", "options")

    def __init__(
        self,
        *,
        leat: str = "leat",
        data: str | None = None,
        profile: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        options: Sequence[str] = (),
        kill_timeout: float = 15.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.leat = leat
        self.data = data
        self.profile = profile
        self.env = env
        self.cwd = cwd
        self.options = options
        self.kill_timeout = kill_timeout
        self._process: LeatProcess | None = None

    def common_options(self) -> list[str]:
        """``--data`` and ``--profile`` where they are set, then the task's own words."""
        words = ["--data", self.data] if self.data else []
        words += ["--profile", self.profile] if self.profile else []
        return [*words, *self.options]

    def run_leat(self, *words: str) -> str | None:
        """Runs one command to its end; its last line of output.

        :raises AirflowException: as ``exit_codes`` maps what it ended with.
        """
        what = f"leat {words[0]}"
        try:
            self._process = LeatProcess([self.leat, *words], self.log, self.env, self.cwd)
        except FileNotFoundError as fault:
            raise_for_exit(127, what, f'there is no "{fault.filename}" on this worker')
        except PermissionError as fault:
            raise_for_exit(126, what, str(fault))
        process = self._process
        assert process is not None
        try:
            code = process.wait()
        finally:
            process.stop(self.kill_timeout)  # when an exception ended the wait
        raise_for_exit(code, what, process.reason)
        return process.result

    def on_kill(self) -> None:
        if self._process is not None:
            self._process.stop(self.kill_timeout)


def as_object(text: str | None) -> dict[str, Any]:
    """leat's closing line, as an object."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class LeatRunOperator(LeatCliOperator):
    """``leat run``: a pipeline from its sources to its tables, until they are drained.

    Returns leat's closing totals (accepted, stored, filtered, late, dead, ..., new).

    :param file: the pipeline file, on the worker.
    :param limit: accept so many records, then end.
    :param skip_if_empty: the task is skipped if nothing was accepted.
    """

    template_fields: Sequence[str] = ("file", "limit", *LeatCliOperator.template_fields)
    ui_color = "#d8ecf3"

    def __init__(
        self, *, file: str, limit: int | str | None = None, skip_if_empty: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.file = file
        self.limit = limit
        self.skip_if_empty = skip_if_empty

    def execute(self, context: Context) -> dict[str, Any]:
        words = ["--json", *self.common_options()]
        if self.limit is not None:
            words += ["--limit", str(self.limit)]
        if self.skip_if_empty:
            words.append("--skip-if-empty")
        return as_object(self.run_leat("run", self.file, *words))


class LeatCheckOperator(LeatCliOperator):
    """``leat check``, and with `test` also ``leat test``: a pipeline file that is wrong fails the run before
    anything is fetched, and is not tried again.

    :param file: the pipeline file, on the worker.
    :param test: run the tests that the file holds.
    """

    template_fields: Sequence[str] = ("file", *LeatCliOperator.template_fields)
    ui_color = "#e6f2e1"

    def __init__(self, *, file: str, test: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file
        self.test = test

    def execute(self, context: Context) -> None:
        profile = ["--profile", self.profile] if self.profile else []
        self.run_leat("check", self.file, *profile, *self.options)
        if self.test:
            self.run_leat("test", self.file)


class LeatIngestOperator(LineageMixin, LeatCliOperator):
    """One source, once: for the run's data interval, or from where it stands.

    With `leat_conn_id` it is an order to a running leat (``orchestration: external`` in its profile), and
    the task may be deferred; with `file` it is ``leat ingest`` on the worker, which uses the leat that runs
    on the data directory if one does. Returns the counts.

    :param source: ``PIPELINE.SOURCE``, or ``SOURCE`` if one pipeline has it; with `file` the name within it.
    :param file: the pipeline file, on the worker; None: an order by `leat_conn_id`.
    :param data_interval: ask for the run's data interval. A source that does not use intervals, such as an
        API that just has a next page, wants False.
    :param start: begin of another interval, ISO 8601; with `end`.
    :param end: its end, not included.
    :param limit: accept so many records at most.
    :param until: wait until all of it is ``"stored"`` in tables, or only ``"staged"``.
    :param give_up: how long the source may fail to answer: ``"60s"``, ``"5 min"``.
    :param lease: leat cancels the order when nobody has asked about it for so long, as when worker and triggerer
        were killed; a triggerer may be away for so long.
    :param skip_if_empty: the task is skipped if no record was new or changed.
    :param deferrable: wait in the triggerer.
    :param defer_after: seconds to wait in the worker first; most orders take less.
    :param poll_interval: seconds between two looks at the order.
    """

    template_fields: Sequence[str] = (
        "source",
        "file",
        "start",
        "end",
        "limit",
        *LeatCliOperator.template_fields,
    )
    operator_extra_links = (LeatConsoleLink(),)
    ui_color = "#d8ecf3"

    def __init__(
        self,
        *,
        source: str,
        leat_conn_id: str = LeatHook.default_conn_name,
        file: str | None = None,
        data_interval: bool = True,
        start: str | None = None,
        end: str | None = None,
        limit: int | str | None = None,
        until: Until = "stored",
        give_up: str = "60s",
        lease: str = "10 min",
        skip_if_empty: bool = False,
        deferrable: bool | None = None,
        defer_after: float = 10.0,
        poll_interval: float = 2.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.leat_conn_id = leat_conn_id
        self.file = file
        self.data_interval = data_interval
        self.start = start
        self.end = end
        self.limit = limit
        self.until = until
        self.give_up = give_up
        self.lease = lease
        self.skip_if_empty = skip_if_empty
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.defer_after = defer_after
        self.poll_interval = poll_interval
        self._number: int | None = None

    # ---- what is asked for ----

    def interval(self, context: Context) -> tuple[str, str] | None:
        """Begin and end as text; None: from where the source stands."""
        if self.start or self.end:
            if not (self.start and self.end):
                raise AirflowFailException("an interval needs both start and end")
            return self.start, self.end
        if not self.data_interval:
            return None
        begin, end = context.get("data_interval_start"), context.get("data_interval_end")
        if begin is None or end is None:
            raise AirflowFailException(
                "this run has no data interval (it was triggered without a logical date): give it one, set "
                "start and end, or data_interval=False for a source that does not use intervals"
            )
        if begin >= end:
            raise AirflowFailException(
                f"the run's data interval is empty ({begin.isoformat()}), as Airflow 3 makes them of a cron "
                "text: use CronDataIntervalTimetable(cron, timezone=...) of airflow.timetables.interval as "
                "schedule, or data_interval=False"
            )
        return begin.isoformat(), end.isoformat()

    def order_of(self, context: Context) -> Order:
        """What is posted. The key names this try of this task, so that asking twice fetches once."""
        ti = context["ti"]
        order: Order = {
            "source": self.source,
            "give_up": self.give_up,
            "lease": self.lease,
            "key": f"airflow/{ti.dag_id}/{ti.run_id}/{ti.task_id}/{ti.map_index}/{ti.try_number}",
        }
        interval = self.interval(context)
        if interval:
            order["from"], order["to"] = interval
        if self.limit is not None:
            order["limit"] = int(self.limit)
        return order

    # ---- ways to do it ----

    def execute(self, context: Context) -> dict[str, Any]:
        return self._run_command(context) if self.file else self._place_order(context)

    def _run_command(self, context: Context) -> dict[str, Any]:
        words = ["--json", "--give-up", self.give_up, *self.common_options()]
        interval = self.interval(context)
        if interval:
            words += ["--from", interval[0], "--to", interval[1]]
        if self.limit is not None:
            words += ["--limit", str(self.limit)]
        if self.until != "stored":
            words += ["--until", self.until]
        if self.skip_if_empty:
            words.append("--skip-if-empty")
        assert self.file is not None
        return as_object(self.run_leat("ingest", self.file, self.source, *words))

    def _place_order(self, context: Context) -> Ingest:
        hook = LeatHook(self.leat_conn_id)
        order = self.order_of(context)
        self.xcom_push_url(context, hook)
        try:
            ingest = hook.order(order)
            self._number = ingest["id"]
            self.log.info("leat at %s took order %s: %s", hook.endpoint.base_url, self._number, order)
            ingest = self._wait(hook, ingest)
        except LeatApiError as refusal:
            self._fail(refusal.exit_code, str(refusal))
        if not is_over(ingest, self.until):
            self._defer(order, ingest["id"])
        return self._finish(ingest)

    def _wait(self, hook: LeatHook, ingest: Ingest) -> Ingest:
        """Until it is over; a deferrable task only for a while."""
        began = time.monotonic()
        shown = ""
        pause = 0.1
        while True:
            if ingest["state"] != shown:
                shown = ingest["state"]
                self.log.info("%s, %s", shown, counts(ingest))
            waited = time.monotonic() - began
            if is_over(ingest, self.until) or (self.deferrable and waited >= self.defer_after):
                return ingest
            time.sleep(min(pause, self.poll_interval))
            pause *= 1.5
            ingest = hook.ingest(ingest["id"])

    def _defer(self, order: Order, number: int) -> NoReturn:
        limit = self.execution_timeout
        self.log.info("waiting in the triggerer")
        self._number = None  # the trigger's from here on
        self.defer(
            trigger=LeatIngestTrigger(
                leat_conn_id=self.leat_conn_id,
                order=order,
                number=number,
                until=self.until,
                poll_interval=self.poll_interval,
                deadline=time.time() + limit.total_seconds() if limit else None,
            ),
            method_name="execute_complete",
        )
        raise AssertionError("defer() does not return")

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Ingest:
        """The trigger has seen the end."""
        if "ingest" in event:
            return self._finish(event["ingest"])
        return self._fail(event["exit_code"], event["message"])

    def _finish(self, ingest: Ingest) -> Ingest:
        self._number = None
        self.log.info("order %s: %s, %s", ingest["id"], ingest["state"], counts(ingest))
        return finish(ingest, skip_if_empty=self.skip_if_empty)

    def _fail(self, code: int, message: str) -> NoReturn:
        raise_for_exit(code or 1, f"order of source {self.source}", message)
        raise AssertionError("a code that is not 0 raises")

    def xcom_push_url(self, context: Context, hook: LeatHook) -> None:
        """For LeatConsoleLink."""
        context["ti"].xcom_push(key=URL_KEY, value=hook.console_url(self.source))

    def on_kill(self) -> None:
        super().on_kill()
        if self._number is not None:
            self.log.info("cancelling order %s", self._number)
            with contextlib.suppress(LeatApiError):
                LeatHook(self.leat_conn_id).cancel(self._number)


class LeatStreamOperator(LeatCliOperator):
    """Starts or stops a leat on the worker's machine that runs on when the task has ended: ``leat up`` for
    the streams of a pipeline, while tasks order what its sources fetch.

    Both are idempotent: one that runs is left running, one that does not is left stopped. Where a service
    manager (systemd, a container) keeps leat up, these are not needed.

    :param action: ``"start"``: until it answers that all its streams run; ``"stop"``: until it has drained.
    :param file: the pipeline file, on the worker; needed to start.
    :param data: data directory of that leat.
    :param log_file: gets its lines once the task has ended; DATA/leat.log without.
    :param timeout: seconds that it may take.
    """

    template_fields: Sequence[str] = ("file", "log_file", *LeatCliOperator.template_fields)
    ui_color = "#f3ecd8"

    def __init__(
        self,
        *,
        action: Literal["start", "stop"],
        data: str,
        file: str | None = None,
        log_file: str | None = None,
        timeout: float = 60.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(data=data, **kwargs)
        if action not in ("start", "stop"):
            raise AirflowException(f'action is "{action}", not "start" or "stop"')
        if action == "start" and file is None:
            raise AirflowException("file is needed to start")
        self.action = action
        self.file = file
        self.log_file = log_file
        self.timeout = timeout

    def execute(self, context: Context) -> dict[str, Any]:
        from leat_provider.service import LeatService

        assert self.data is not None
        service = LeatService(self.leat, self.data, self.log, self.env, self.cwd)
        if self.action == "stop":
            return service.stop(self.timeout)
        profile = ["--profile", self.profile] if self.profile else []
        assert self.file is not None
        return service.start([self.file, *profile, *self.options], self.log_file, self.timeout)


__all__ = [
    "LeatCheckOperator",
    "LeatCliOperator",
    "LeatIngestOperator",
    "LeatRunOperator",
    "LeatStreamOperator",
]
