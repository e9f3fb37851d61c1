"""An alert on recorded values that are older than it may wait: it finds out late, and its `for` counts old news.

A rule reads what another group has recorded at that group's last evaluation, so each step from group to group adds up
to one interval. Here they add up to more than the alert's own `for`. Put the recording rule into the alert's group,
before it: rules of one group are evaluated in their order, and see each other's results at once.

Source: cloudflare/pint, `rule/dependency`; Prometheus documentation, "Recording rules".

Bad::

    groups:
      - name: shop-recorded
        interval: 5m
        rules:
          - record: shop:errors:ratio_rate30m
            expr: sum(rate(shop_errors_total[30m])) / sum(rate(shop_requests_total[30m]))
      - name: shop
        rules:
          - alert: ShopErrors
            expr: shop:errors:ratio_rate30m > 0.05
            for: 2m
            labels: {severity: page}
            annotations:
              summary: More than 5% of requests fail
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - record: shop:errors:ratio_rate30m
            expr: sum(rate(shop_errors_total[30m])) / sum(rate(shop_requests_total[30m]))
          - alert: ShopErrors
            expr: shop:errors:ratio_rate30m > 0.05
            for: 2m
            labels: {severity: page}
            annotations:
              summary: More than 5% of requests fail
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator, Mapping

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import AnyRule, Finding, Recording, RuleSet, lint_rule
from tocsin.lint.matchers import selectors

Lag = tuple[int, tuple[str, ...]]
"""Milliseconds, and the recorded metrics on the way."""


@lint_rule(Severity.WARNING)
def check(subject: RuleSet) -> Iterator[Finding]:
    recorded: dict[str, list[Recording]] = {}
    for one in subject.recordings:
        recorded.setdefault(one.rule.name, []).append(one)
    single = {name: found[0] for name, found in recorded.items() if len(found) == 1}
    known: dict[int, Lag] = {}
    for alert in subject.alerts:
        lag, way = _lag(alert, single, known)
        if alert.wakes and lag > max(alert.rule.for_, alert.interval):
            held = f"its `for` of {format_duration(alert.rule.for_)}" if alert.rule.for_ else "its interval"
            through = ", ".join(f"`{name}`" for name in way)
            message = f"what this reads may be {format_duration(lag)} old, more than {held}: {through}"
            help = f"put {'it' if len(way) == 1 else 'them'} into the group `{alert.group.name}`, before the alert"
            yield Finding(message, alert.place("expr"), "late", help)


def _lag(one: AnyRule, recorded: Mapping[str, Recording], known: dict[int, Lag]) -> Lag:
    """How much older than the evaluation of a rule what it reads may be, through recording rules of other groups."""
    found = known.get(id(one))
    if found is None:
        known[id(one)] = (0, ())  # a rule that reads itself reads its last result
        names = {node.name or "" for node in selectors(one.rule.expr)}
        ways = (_through(name, one, recorded, known) for name in sorted(names) if name in recorded)
        found = known[id(one)] = max(ways, default=(0, ()))
    return found


def _through(name: str, one: AnyRule, recorded: Mapping[str, Recording], known: dict[int, Lag]) -> Lag:
    step = recorded[name]
    lag, way = _lag(step, recorded, known)
    return (lag, way) if step.group is one.group else (lag + step.interval, (name, *way))
