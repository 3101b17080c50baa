#!/usr/bin/env python3
"""Writes cases.txt: for each expression and time the next times, as croniter (PyPI) gives them.

usage: pip install croniter && tests/golden/cron/make.py > tests/golden/cron/cases.txt

Where both days are restricted and one is a step over all values (*/2), crons differ, and croniter is
not the one that we follow (Vixie's): such expressions are left out.

A line: expression | start | next | next | ... (seconds since 1970, UTC)
"""

import datetime
import random

from croniter import croniter

FIXED = """* * * * *
*/5 * * * *
0 * * * *
15 6 * * *
0 0 1 * *
0 0 1 1 *
0 0 29 2 *
0 0 31 * *
30 4 1,15 * 5
0 22 * * 1-5
0 0 * * 0
0 0 * * 7
23 0-20/2 * * *
5 4 * * sun
0 0,12 1 */2 *
0 4 8-14 * *
*/7 */3 */9 * *
59 23 31 12 *
0 0 13 * 5
10-20/3,40 1,2,3 * JAN-MAR,DEC MON-FRI
0 9 * 1-6 1
1/13 * * * *
0 0 30 4,6,9,11 *
0 12 * * MON#0""".splitlines()[:-1]


def field(random_source, low, high):
    kind = random_source.randrange(5)
    a, b = sorted(random_source.sample(range(low, high + 1), 2))
    return ["*", str(a), f"{a}-{b}", f"*/{random_source.randint(1, high)}", f"{a},{b}"][kind]


def main():
    source = random.Random(20260101)
    expressions = list(FIXED)
    while len(expressions) < 300:
        minute, hour, day, month, weekday = (
            field(source, low, high) for low, high in ((0, 59), (0, 23), (1, 28), (1, 12), (0, 6))
        )
        if day != "*" and weekday != "*" and ("*" in day + weekday or weekday == "0-6"):
            continue
        expressions.append(" ".join((minute, hour, day, month, weekday)))
    for expression in expressions:
        for _ in range(2):
            start = source.randrange(0, 4_000_000_000)
            times = croniter(expression, datetime.datetime.fromtimestamp(start, datetime.timezone.utc))
            following = [str(int(times.get_next(float))) for _ in range(3)]
            print(" | ".join([expression, str(start), *following]))


if __name__ == "__main__":
    main()
