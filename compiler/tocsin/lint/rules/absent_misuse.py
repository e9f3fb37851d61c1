"""`absent` that fires at every restart, never, or not when it should.

Right after a restart of Prometheus nothing has been scraped, so without a `for` of two scrapes `absent` fires each
time. It is never true of what has a value at all times, such as `sum(x) or vector(0)`. Where its selector takes several
values, `job=~"a|b"`, it is true only once all of them are gone. And its labels are those that `=` names, no others, so
`and` with another metric needs `on ()`.

Source: cloudflare/pint, `alerts/absent`; Prometheus documentation, "Query functions" (`absent`).

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopGone
            expr: absent(up{job=~"shop|cart"})
            for: 10m
            labels: {severity: critical}
            annotations:
              summary: No server of the shop or of the cart has been seen for ten minutes
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopGone
            expr: absent(up{job="shop"}) or absent(up{job="cart"})
            for: 10m
            labels: {severity: critical}
            annotations:
              summary: No server of a job has been seen for ten minutes
              description: '{{ $labels.job }} is gone.'
              runbook_url: https://runbooks.example.com/shop
"""

import re
from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import branches
from tocsin.lint.memo import walked
from tocsin.lint.presence import presence
from tocsin.promql.ast import Binary, Call, Expr, Matcher, MatrixSelector, VectorSelector, unwrap


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    calls = [node for node in walked(subject.rule.expr) if isinstance(node, Call) and _is_absent(node)]
    for call in calls:
        yield from _never(call, subject)
        yield from _several(call, subject)
    if calls:
        yield from _restart(calls, subject)
        yield from _beside(subject)


def _is_absent(node: Expr) -> bool:
    return isinstance(node, Call) and node.function in ("absent", "absent_over_time")


def _never(call: Call, subject: Subject) -> Iterator[Finding]:
    if presence(call.args[0]) == "always":
        message = "this has a value at all times, so it is never absent"
        help = "leave out what stands in for missing series, such as `or vector(0)`"
        yield Finding(message, subject.span(call), "never true", help, Severity.ERROR)


def _several(call: Call, subject: Subject) -> Iterator[Finding]:
    """A selector of several values, each of which may be missing unseen."""
    read = unwrap(call.args[0])
    selector = read.selector if isinstance(read, MatrixSelector) else read
    if not isinstance(selector, VectorSelector):
        return
    choice = next((matcher for matcher in selector.matchers if _lists(matcher)), None)
    if choice:
        values = choice.value.split("|")
        message = f"this fires only once all {len(values)} values of `{choice.label}` are gone, not when one is"
        help = "write an `absent` for each, with `or` between them"
        yield Finding(message, subject.span(selector), "all of them at once", help)


def _lists(matcher: Matcher) -> bool:
    """Whether a matcher is a plain list of names, each of which somebody misses."""
    names = matcher.value.split("|")
    return matcher.op == "=~" and len(names) > 1 and all(re.fullmatch(r"[\w-]+", name) for name in names)


def _restart(calls: list[Call], subject: Subject) -> Iterator[Finding]:
    fires = [unwrap(conjuncts[0]) for conjuncts in branches(subject.rule.expr) if len(conjuncts) == 1]
    for call in calls:
        if call.function != "absent" or call not in fires:
            continue
        read = unwrap(call.args[0])
        scrape = subject.scrape_interval(read) if isinstance(read, VectorSelector) else subject.settings.scrape_interval
        if subject.rule.for_ < 2 * scrape:
            held = f"`for` is {format_duration(subject.rule.for_)}" if subject.rule.for_ else "there is no `for`"
            soon = format_duration(scrape)
            message = f"this fires whenever Prometheus restarts: {held}, and the first scrape may take {soon}"
            help = f"write `for: {format_duration(max(2 * scrape, 300_000))}`"
            yield Finding(message, subject.place("for", "expr"), "less than two scrapes", help)


def _beside(subject: Subject) -> Iterator[Finding]:
    """`absent(x) and y`: the labels of `y` are not those of the absent series."""
    for node in walked(subject.rule.expr):
        if isinstance(node, Binary) and node.op in ("and", "unless") and not node.matching.on:
            left, right = unwrap(node.lhs), unwrap(node.rhs)
            if _is_absent(left) != _is_absent(right) and not node.matching.labels and _has_labels(left, right):
                message = f"`{node.op}` pairs series with the same labels, and an absent series has few or none"
                yield Finding(message, subject.span(node), "labels that differ", f"write `{node.op} on () ...`")


def _has_labels(left: Expr, right: Expr) -> bool:
    """Whether the side beside `absent` is a metric as it was scraped, under some filters."""
    other = right if _is_absent(left) else left
    while isinstance(other, Binary):
        other = unwrap(other.lhs)
    return isinstance(other, VectorSelector)
