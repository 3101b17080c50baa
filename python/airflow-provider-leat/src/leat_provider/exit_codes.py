"""leat's exit codes (sysexits.h) as Airflow's ways to end a task."""

from __future__ import annotations

from leat_provider.version_compat import AirflowException, AirflowFailException, AirflowSkipException

DONE = 0
USAGE = 64
DATA = 65
UNAVAILABLE = 69
TEMPFAIL = 75
NOPERM = 77
CONFIG = 78
NOTHING_TO_DO = 99

#: Trying again cannot help: wrong words (2, 64), damaged data (65), no input (66), no permission (77), a
#: wrong pipeline file (78), no such program (126, 127).
HOPELESS = frozenset({2, USAGE, DATA, 66, NOPERM, CONFIG, 126, 127})

MEANINGS = {
    1: "failed",
    2: "wrong command line",
    USAGE: "wrong command line",
    DATA: "stored data is damaged",
    66: "no such input",
    UNAVAILABLE: "something is not reachable or not installed",
    70: "a fault of leat itself",
    TEMPFAIL: "worth trying again",
    NOPERM: "not allowed",
    CONFIG: "configuration or SQL is wrong",
    NOTHING_TO_DO: "nothing to do",
    126: "the leat program cannot be executed",
    127: "the leat program was not found",
    130: "stopped before it was drained",
    143: "stopped before it was drained",
}


def raise_for_exit(code: int, what: str, reason: str | None = None) -> None:
    """Returns for 0; else raises what makes Airflow retry, skip, or fail for good.

    :param code: the exit code; a negative one is the signal that ended the process.
    :param what: what ended so: ``"leat run"``.
    :param reason: what leat said about it.
    """
    if code == DONE:
        return
    meaning = MEANINGS.get(code, f"signal {-code}" if code < 0 else "not a code of leat's")
    message = f"{what} ended with {code} ({meaning})" + (f": {reason}" if reason else "")
    if code == NOTHING_TO_DO:
        raise AirflowSkipException(message)
    if code in HOPELESS:
        raise AirflowFailException(message)
    raise AirflowException(message)
