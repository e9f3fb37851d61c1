"""An alert that cannot fire: it looks like a guard, and guards nothing.

A share cannot be above 100%, `up` not above 1, a rate not below 0, and no value is above 10 and below 5 at once. An
alert that can never fire is worse than none, for people rely on it.

Source: cloudflare/pint, `promql/impossible`; Google, "The Site Reliability Workbook", chapter 5 (burn rates that
no outage reaches).

Bad::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      errors:
        ratio:
          bad: http_requests_total{job="checkout", code=~"5.."}
          total: http_requests_total{job="checkout"}
    alerts:
      - name: CheckoutErrors
        indicator: errors
        above: 100%
        for: 5m
        severity: page
        summary: All requests to checkout fail
        action: Roll back the last deploy.

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      errors:
        ratio:
          bad: http_requests_total{job="checkout", code=~"5.."}
          total: http_requests_total{job="checkout"}
    alerts:
      - name: CheckoutErrors
        indicator: errors
        above: 99%
        for: 5m
        severity: page
        summary: All requests to checkout fail
        action: Roll back the last deploy.
"""

from collections.abc import Iterator

from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.bounds import bounds
from tocsin.lint.conditions import branches
from tocsin.lint.metrics import is_renamed
from tocsin.lint.presence import contradiction, dead
from tocsin.lint.reach import nothing_left, outcome, reach
from tocsin.promql.ast import COMPARISONS, Binary, Expr, VectorSelector, unwrap
from tocsin.promql.compare import Comparison, comparisons, constant


@lint_rule()
def check(subject: Subject) -> Iterator[Finding]:
    told: set[int] = set()
    for conjuncts in branches(subject.rule.expr):
        compared = comparisons(conjuncts)
        impossible = next((found for found in compared if outcome(found, reach(found, subject)) == "never"), None)
        if impossible:
            told.add(id(impossible.node))
            yield _finding(impossible, subject)
        elif contradictory := _contradictory(compared):
            first, second = contradictory
            message = f"no value is `{first.op} {first.threshold:g}` and `{second.op} {second.threshold:g}` at once"
            yield Finding(message, subject.span(first.node), "never true", "use `or`, or correct the bounds")
        yield from (_constant(node, subject) for node in map(unwrap, conjuncts) if _constant_false(node))
    for node in dead(subject.rule.expr):
        if id(node) not in told and not is_renamed(node, subject.settings.metrics):
            yield _dead(node, subject)


def _finding(found: Comparison, subject: Subject) -> Finding:
    limits = reach(found, subject)
    message = f"this never fires: the value lies in {limits.low:g} to {limits.high:g}, and is never"
    span = subject.place("expr") if subject.planned else subject.span(found.literal)
    return Finding(f"{message} {found.op} {found.threshold:g}", span, "out of reach", "correct the threshold")


def _contradictory(compared: list[Comparison]) -> tuple[Comparison, Comparison] | None:
    for index, first in enumerate(compared):
        for second in compared[index + 1 :]:
            if first.value == second.value and nothing_left(first, second):
                return first, second
    return None


def _constant_false(node: object) -> bool:
    """`1 > bool 2` and the like; a filter of a constant vector, such as `vector(1) > 2`, is caught by its bounds."""
    if not isinstance(node, Binary) or node.op not in COMPARISONS:
        return False
    return constant(node.lhs) is not None and constant(node.rhs) is not None


def _constant(node: object, subject: Subject) -> Finding:
    assert isinstance(node, Binary)
    return Finding(
        "this compares two numbers, and no series", subject.span(node), "always the same", "compare a metric"
    )


def _dead(node: Expr, subject: Subject) -> Finding:
    """Of a part that never has a result: matchers such as `{a="x", a!="x"}`, or a filter inside of something else."""
    span = subject.span(node)
    if isinstance(node, VectorSelector) and (clash := contradiction(node)):
        message = f"no series has these labels: the matchers of `{clash.label}` contradict each other"
        return Finding(message, span, "matches nothing", "correct the matchers")
    if isinstance(node, Binary) and node.op in COMPARISONS:
        left, right = bounds(node.lhs), bounds(node.rhs)
        values = f"{left.low:g} to {left.high:g}, never `{node.op}` what lies in {right.low:g} to {right.high:g}"
        return Finding(f"this part is always empty: {values}", span, "never true", "correct the comparison")
    return Finding("this part is always empty", span, "never has a result", "remove it, or correct it")
