"""A time interval that no route names: it mutes nothing.

A name counts only where a route has it under `mute_time_intervals` or `active_time_intervals`, and neither of the
two is inherited by the routes below.

Source: Alertmanager documentation, "Configuration", `<time_interval>`.

Bad::

    route:
      receiver: tickets
      group_by: [alertname, service]
    receivers:
      - name: tickets
    time_intervals:
      - name: nights
        time_intervals:
          - times: [{start_time: '00:00', end_time: '07:00'}]

Good::

    route:
      receiver: tickets
      group_by: [alertname, service]
      routes:
        - matchers: [severity="ticket"]
          mute_time_intervals: [nights]
    receivers:
      - name: tickets
    time_intervals:
      - name: nights
        time_intervals:
          - times: [{start_time: '00:00', end_time: '07:00'}]
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Routed, lint_rule


@lint_rule(Severity.WARNING)
def check(subject: Routed) -> Iterator[Finding]:
    routing = subject.routing
    routes = list(routing.root.walk())
    used = {name for route in routes for name in (*route.mute_time_intervals, *route.active_time_intervals)}
    for name in routing.time_intervals:
        span = routing.places.get(f"time_intervals.{name}")
        if name not in used and span:
            help = "name it in `mute_time_intervals` or `active_time_intervals` of a route, or remove it"
            yield Finding(f"no route is muted by, or active in, time interval `{name}`", span, "not used", help)
