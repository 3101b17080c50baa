#!/usr/bin/env python3
"""Writes cron.txt, airflow.txt and refused.txt: what croniter, and Airflow's timetables above it, say of schedules.

usage: PYTHON-OF-AIRFLOW tests/golden/timetable/make.py [--check [N]]

Python is the one of an Airflow (tools/engine install airflow). --check compares with the files instead, with N each
N-th case, as tests/airflow/test_timetable.py does within each Airflow. Nothing depends on the day: times lie between
2015 and 2024, and zones are some whose rules for those years are settled. The unit test reads the zones of
tests/golden/zone/zoneinfo.

cron.txt:     cron | start | next | next | next | previous | previous     seconds since 1970; UTC
airflow.txt:  cron | zone | now | start date | catch up | start, end of the first interval | of the second | of the
              third | of a run by hand at `now`
              cron "@every N": N seconds
refused.txt:  what croniter refuses
"""

import datetime
import pathlib
import random
import sys

from croniter import croniter

HERE = pathlib.Path(__file__).resolve().parent
UTC = datetime.timezone.utc
FIRST, LAST = 1420070400, 1704067200  # 2015, 2024
FIXED = """* * * * *|*/5 * * * *|0 * * * *|15 6 * * *|0 0 1 * *|0 0 1 1 *|0 0 29 2 *|0 0 31 * *|30 4 1,15 * 5|0 22 * * 1-5
0 0 * * 0|0 0 * * 7|23 0-20/2 * * *|5 4 * * sun|0 0,12 1 */2 *|0 4 8-14 * *|*/7 */3 */9 * *|59 23 31 12 *|0 0 13 * 5
10-20/3,40 1,2,3 * JAN-MAR,DEC MON-FRI|0 9 * 1-6 1|1/13 * * * *|0 0 30 4,6,9,11 *|0 12 L * *|0 12 15,L 2 *|0 12 * * L5
0 12 * * MON#1|0 12 * * TUE#5,WED#2|0 12 * 2 MON#5|30 22-2 * * *|0 6 * NOV-FEB FRI-MON|0 6 * * 5-7|0 6 * * 0-7|0 6 * * 1/2
0 6 * * */3|0 6 1-31 * MON|0 6 1-31 * */2|0 6 */2 * MON|0 6 13 * */2|0 6 ? * MON|0 6 1 * ?|5 0-23 * * *|5 */1 * * *
50-10/7 * * * *|0 20-4/3 * * *|0 0 28-3/2 * *|0 0 1 OCT-MAR/2 *|0 6 * * THU-TUE/2|0 6 */1 * MON|0 6 10 * 0-6|0 0 L 2 *
0 0 28 2 *|0 6 * * L0,L7|@hourly|@daily|@midnight|@weekly|@monthly|@yearly|@annually"""
# Hours around which clocks are changed.
NIGHTLY = """30 2 * * *|0 2,3 * * *|*/30 2-3 * * *|0,45 2 * * *|15 1 * * *|*/20 1 * * *|30 */2 * * *|0 * * * *|30 * * * *
*/15 * * * *|30 3 * * 0|0 0 * * *|30 0 * * *|0 * * * MON|*/30 * 29-31 3,10 *|0 6 * * MON-FRI|0 0 1 * *|15 0-4 * * *|0 3 L * *
30 1 * * SUN#1|0 2 * * L0|@daily|@hourly|@quarterly|@weekly|45 23 * * *|0 1-23/2 * * *|5 2 29 2 *"""
ZONES = ["Europe/Berlin", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Australia/Sydney",
         "America/St_Johns", "Asia/Kolkata", "Pacific/Auckland", "UTC"]  # fmt: skip
# (zone, UTC) of changes of the clock: forward and back.
CHANGES = {
    "Europe/Berlin": ["2019-03-31T01:00", "2019-10-27T01:00", "2023-03-26T01:00", "2023-10-29T01:00"],
    "America/New_York": ["2018-03-11T07:00", "2018-11-04T06:00", "2022-03-13T07:00", "2022-11-06T06:00"],
    "Europe/London": ["2020-03-29T01:00", "2020-10-25T01:00"],
    "Australia/Lord_Howe": ["2019-10-05T15:30", "2020-04-04T15:00"],
    "Australia/Sydney": ["2021-10-02T16:00", "2022-04-02T16:00"],
    "America/St_Johns": ["2016-03-13T05:30", "2016-11-06T04:30"],
    "Pacific/Auckland": ["2017-09-23T14:00", "2018-03-31T14:00"],
    "Asia/Kolkata": ["2020-02-28T18:30"],
    "UTC": ["2016-02-29T00:00", "2023-12-31T23:59"],
}
REFUSED = """60 * * * *|* 24 * * *|* * 0 * *|* * 32 * *|* * * 0 *|* * * 13 *|* * * * 8|* * * foo *|* * * * foo|*/0 * * * *
1,,2 * * * *|, * * * *|* * * *||-1 * * * *|1- * * * *|a-b * * * *|*/x * * * *|1//2 * * * *|1-2-3 * * * *|* ? * * *|@reboot
* * * * MON#6|* * * * MON#0|? * * * *|1.5 * * * *|* * * * MON##2|5 5 5 5 MON#2,TUE"""


def words(text):
    return [word for line in text.split("\n") for word in line.split("|")]


def seconds(moment):
    assert moment.microsecond == 0
    return str(int(moment.timestamp()))


def field(source, low, high):
    a, b = sorted(source.sample(range(low, high + 1), 2))
    step = source.randint(1, high // 2)
    kinds = ["*", str(a), f"{a}-{b}", f"*/{step}", f"{a},{b}", f"{a}-{b}/{step}", f"{a}/{step}", f"{b}-{a}"]
    return source.choice(kinds)


def cron_lines():
    source = random.Random(20260103)
    crons = words(FIXED)
    while len(crons) < 400:
        cron = " ".join(field(source, *bounds) for bounds in ((0, 59), (0, 23), (1, 28), (1, 12), (0, 6)))
        crons.append(cron)
    for cron in crons:
        for _ in range(2):
            yield from cron_line(cron, source.randrange(FIRST, LAST))


def cron_line(cron, start):
    at = datetime.datetime.fromtimestamp(start, UTC)
    times = croniter(cron, at)
    following = [seconds(times.get_next(datetime.datetime)) for _ in range(3)]
    times = croniter(cron, at)
    before = [seconds(times.get_prev(datetime.datetime)) for _ in range(2)]
    yield "|".join([cron, str(start), *following, *before])


def moments(zone):
    """Times around the changes of a zone's clock: minutes, hours and days off."""
    for change in CHANGES[zone]:
        at = int(datetime.datetime.fromisoformat(change).replace(tzinfo=UTC).timestamp())
        yield from (at + off for off in (-86400, -5400, -600, 0, 600, 1800, 4000, 7200, 90000))


def airflow_lines():
    source = random.Random(20260104)
    crons = words(NIGHTLY)
    for zone in ZONES:
        for now in moments(zone):
            for cron in source.sample(crons, 5):
                start = now - source.choice([0, 3600, 86400, 3 * 86400, 400 * 86400]) - source.randrange(2) * 1234
                yield from airflow_line(cron, zone, now, start, source.randrange(2))
    for period in (10, 60, 90, 3600, 86400, 604800):
        for _ in range(6):
            now = source.randrange(FIRST, LAST)
            start = now - source.randrange(20 * period)
            yield from airflow_line(f"@every {period}s", "UTC", now, start, source.randrange(2))


def airflow_line(cron, zone, now, start, catch_up):
    """Nothing where Airflow fails, or its intervals overlap, are empty or leave out time (decision 26)."""
    import pendulum
    from airflow.timetables import interval
    from airflow.timetables.base import TimeRestriction

    if cron.startswith("@every "):
        timetable = interval.DeltaDataIntervalTimetable(datetime.timedelta(seconds=int(cron[7:-1])))
    else:
        timetable = interval.CronDataIntervalTimetable(cron, pendulum.timezone(zone))
    interval.utcnow = lambda: pendulum.from_timestamp(now)  # what Airflow takes for now
    restriction = TimeRestriction(earliest=pendulum.from_timestamp(start), latest=None, catchup=bool(catch_up))
    intervals, last = [], None
    for _ in range(3):
        try:
            info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        except (AssertionError, ValueError):
            return
        if last and not last.start < timetable._align_to_prev(last.end) <= last.end:
            return
        last = info.data_interval
        intervals.append(last)
    at = pendulum.from_timestamp(now)
    if timetable._get_prev(at) >= at:
        return
    intervals.append(timetable.infer_manual_data_interval(run_after=at))
    if intervals[-1].start >= intervals[-1].end:
        return
    ends = [f"{seconds(i.start)},{seconds(i.end)}" for i in intervals]
    yield "|".join([cron, zone, str(now), str(start), str(catch_up), *ends])


def refused_lines():
    for cron in words(REFUSED):
        yield from refused_line(cron)


def refused_line(cron):
    try:
        croniter(cron)
    except (ValueError, KeyError):
        yield cron


def number_or_word(word):
    return int(word) if word.isdigit() else word


# file: what makes it, what makes a line of it, and how many words of a line that takes
FILES = {
    "cron.txt": (cron_lines, cron_line, 2),
    "airflow.txt": (airflow_lines, airflow_line, 5),
    "refused.txt": (refused_lines, refused_line, 1),
}


def main():
    wrong = 0
    for name, (lines, line, given) in FILES.items():
        file = HERE / name
        if "--check" not in sys.argv:
            file.write_text("\n".join(lines()) + "\n")
            continue
        kept = file.read_text().splitlines()[:: int(sys.argv[2]) if len(sys.argv) > 2 else 1]
        for one in kept:
            here = list(line(*(number_or_word(word) for word in one.split("|")[:given])))
            if here != [one]:
                print(f"{name}: kept {one}\n{' ' * len(name)}  here {here}")
                wrong += 1
        print(f"{name}: {len(kept)} cases")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
