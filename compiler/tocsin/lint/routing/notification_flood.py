"""A route that sends more than people can read: pages repeated within the hour, every alert by itself, no wait.

A page that nobody has answered yet is not answered faster because it comes again after ten minutes; who works on it
is disturbed. `group_by: ['...']` makes a notification of every single series, and `group_wait: 0s` sends the first
alert of an outage before the others can join it. With no `group_by` at all, every page of a route is one group: a
second outage waits for the first one's interval, and is a line in its notification.

Source: Alertmanager documentation, "Configuration", `<route>`; Google, "Site Reliability Engineering", chapter 11.

Bad::

    route:
      receiver: tickets
      group_by: [alertname, service]
      routes:
        - matchers: [severity="page"]
          receiver: pager
          group_wait: 0s
          repeat_interval: 10m
    receivers:
      - name: tickets
      - name: pager

Good::

    route:
      receiver: tickets
      group_by: [alertname, service]
      routes:
        - matchers: [severity="page"]
          receiver: pager
          group_wait: 30s
          repeat_interval: 4h
    receivers:
      - name: tickets
      - name: pager
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Routed, lint_rule
from tocsin.lint.routes import Way, pages, told, ways
from tocsin.routing import ALL_LABELS

HOUR = 3_600_000


@lint_rule(Severity.WARNING)
def check(subject: Routed) -> Iterator[Finding]:
    alerts = told(subject)
    for way in ways(subject.routing):
        yield from _written(way)
        if pages(way, subject, alerts):
            yield from _paging(way)


def _written(way: Way) -> Iterator[Finding]:
    """What sends too much whoever is told."""
    route = way.route
    if route.group_by == ALL_LABELS:
        help = "write `group_by: [alertname]` and the labels that say what is broken, such as `service`"
        yield Finding("every series is a notification of its own", way.place("group_by"), "not grouped", help)
    if route.group_wait == 0:
        message = "the first alert of an outage is sent alone, before the others can join it"
        yield Finding(message, way.place("group_wait"), "no wait", "write `group_wait: 30s`")


def _paging(way: Way) -> Iterator[Finding]:
    """What is too much where people are woken; where it is inherited, it is said of each route that wakes."""
    if way.repeat_interval < HOUR:
        every = format_duration(way.repeat_interval)
        span = way.place("repeat_interval")
        numbers = {"repeat_interval": way.repeat_interval / 1000}
        yield Finding(
            f"a page comes again every {every}", span, "within the hour", "write `repeat_interval: 4h`", numbers=numbers
        )
    if not way.group_by:
        message, help = "all pages of this route are one group", "write `group_by: [alertname]`, and what is broken"
        yield Finding(message, way.place("group_by", "receiver"), "no `group_by`", help, Severity.INFO)
