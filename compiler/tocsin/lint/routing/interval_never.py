"""A time interval that never comes: 30 February, or a Monday that the date is not.

All fields of an interval must hold at once. A route that is active only in such an interval never tells anybody; one
that is muted in it is never mute.

Source: Alertmanager, timeinterval/timeinterval.go, `ContainsTime`.

Bad::

    route:
      receiver: tickets
      group_by: [alertname, service]
      routes:
        - matchers: [severity="ticket"]
          mute_time_intervals: [year end]
    receivers:
      - name: tickets
    time_intervals:
      - name: year end
        time_intervals:
          - days_of_month: ['31']
            months: [november, february]

Good::

    route:
      receiver: tickets
      group_by: [alertname, service]
      routes:
        - matchers: [severity="ticket"]
          mute_time_intervals: [year end]
    receivers:
      - name: tickets
    time_intervals:
      - name: year end
        time_intervals:
          - days_of_month: ['31']
            months: [december]
"""

from calendar import monthrange, weekday
from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Routed, lint_rule
from tocsin.routing import Ranges, TimeInterval

CALENDAR = 400
"""Years after which days of the week and leap years come again in the same order."""


@lint_rule(Severity.WARNING)
def check(subject: Routed) -> Iterator[Finding]:
    routing = subject.routing
    active = {name for route in routing.root.walk() for name in route.active_time_intervals}
    for name, intervals in routing.time_intervals.items():
        span = routing.places.get(f"time_intervals.{name}")
        if span and not any(map(_comes, intervals)):
            so = "a route that is active only then tells nobody" if name in active else "it mutes nothing"
            severity = Severity.ERROR if name in active else None
            help = "the fields of an interval must all hold at once: correct them, or write several intervals"
            yield Finding(f"time interval `{name}` never comes: {so}", span, "never", help, severity)


def _comes(interval: TimeInterval) -> bool:
    """Whether any time lies in an interval."""
    if interval.times == ():
        return False
    return any(_has(interval.days_of_month, day, length) for day, length in _days(interval))


def _days(interval: TimeInterval) -> Iterator[tuple[int, int]]:
    """The days of the month, with its length, that the other fields allow; from some year, if any will do."""
    months = [month for month in range(1, 13) if _contains(interval.months, month)]
    wanted = [day for day in range(7) if _contains(interval.weekdays, day)]
    for year in _years(interval.years):
        for month in months:
            length = monthrange(year, month)[1]
            for day in range(1, length + 1):
                if (weekday(year, month, day) + 1) % 7 in wanted:
                    yield day, length


def _years(ranges: Ranges) -> Iterator[int]:
    for first, last in ((2000, 2000 + CALENDAR - 1),) if ranges is None else ranges:
        yield from range(max(first, 1), min(last, first + CALENDAR - 1, 9999) + 1)


def _contains(ranges: Ranges, value: int) -> bool:
    return ranges is None or any(first <= value <= last for first, last in ranges)


def _has(ranges: Ranges, day: int, length: int) -> bool:
    """Whether ranges of days contain one of a month; negative ones count from its end."""
    if ranges is None:
        return True
    ends = ([end if end > 0 else length + 1 + end for end in one] for one in ranges)
    return any(max(first, 1) <= day <= min(last, length) for first, last in ends)
