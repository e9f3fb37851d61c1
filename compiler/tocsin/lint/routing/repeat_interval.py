"""A repeat interval that its group interval does not allow: repeats are sent when the group is looked at, not between.

Alertmanager looks at a group every `group_interval`, and only then asks whether `repeat_interval` has passed. A
shorter repeat interval is the group interval in disguise, and one that is no multiple of it is rounded up to the next.

Source: Alertmanager documentation, "Configuration", `<route>`; notify/notify.go, `DedupStage`.

Bad::

    route:
      receiver: tickets
      group_by: [alertname, service]
      group_interval: 2h
      repeat_interval: 1h
    receivers:
      - name: tickets

Good::

    route:
      receiver: tickets
      group_by: [alertname, service]
      group_interval: 5m
      repeat_interval: 4h
    receivers:
      - name: tickets
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Routed, lint_rule
from tocsin.lint.routes import Way, ways


@lint_rule(Severity.WARNING)
def check(subject: Routed) -> Iterator[Finding]:
    for way in ways(subject.routing):
        if way.route.group_interval or way.route.repeat_interval:
            yield from _of(way)


def _of(way: Way) -> Iterator[Finding]:
    group, repeat = way.group_interval, way.repeat_interval
    if repeat % group == 0:
        return
    real = -(-repeat // group) * group
    given, every, comes = map(format_duration, (repeat, group, real))
    if way.route.repeat_interval:
        span, label = way.place("repeat_interval"), f"comes every {comes}"
    else:
        span, label = way.place("group_interval"), f"repeats come every {comes}"
    message = f"a group is looked at every {every}, so it repeats every {comes} and not every {given}"
    severity = Severity.WARNING if repeat < group else Severity.INFO
    numbers = {"group_interval": group / 1000, "repeat_interval": repeat / 1000}
    yield Finding(message, span, label, f"write `repeat_interval: {comes}`", severity, numbers=numbers)
