"""A burn-rate alert of the wrong shape: it is late, it never resolves, or it cannot fire at all.

The long window says that enough of the error budget is gone, the short one that it is still going, so both are
asked, with the same threshold. The short one is a twelfth of the long one: much longer, and the alert goes on when
all is well again; much shorter, and a quiet minute ends it. A `for` on top of two windows only delays the page. And a
burn rate times the error budget stays below 1, for no outage fails more than everything: an objective of 90% cannot
be burned at 14.4 times.

Source: Google, "The Site Reliability Workbook", chapter 5, "Alerting on SLOs", sections 5 and 6.

Bad::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutBurnsBudget
            expr: |
              sum(rate(http_requests_total{job="checkout", code=~"5.."}[1h]))
                / sum(rate(http_requests_total{job="checkout"}[1h])) > 14.4 * 0.001
            for: 1h
            labels: {severity: critical}
            annotations:
              summary: Checkout burns 2% of its monthly error budget in an hour
              description: 'The share of errors is {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/checkout

Good::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutBurnsBudget
            expr: |
              sum(rate(http_requests_total{job="checkout", code=~"5.."}[1h]))
                / sum(rate(http_requests_total{job="checkout"}[1h])) > 14.4 * 0.001
              and
              sum(rate(http_requests_total{job="checkout", code=~"5.."}[5m]))
                / sum(rate(http_requests_total{job="checkout"}[5m])) > 14.4 * 0.001
            labels: {severity: critical}
            annotations:
              summary: Checkout burns 2% of its monthly error budget in an hour
              description: 'The share of errors is {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/checkout
"""

from collections.abc import Iterator, Sequence

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.burn import Burn, burns, is_product, pairs
from tocsin.lint.conditions import branches
from tocsin.promql.compare import comparisons

MINUTE = 60_000
TWELFTH = 12
LEAST, MOST = 4, 48
"""How many times as long as the short window the long one may be: a third of twelve, and four times twelve."""


SCRAPES = 4
"""What a short window needs in any case."""


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    for conjuncts in branches(subject.rule.expr):
        burning = list(burns(comparisons(conjuncts)))
        found = list(pairs(burning))
        paired = {id(burn) for pair in found for burn in pair}
        alone = [burn for burn in burning if id(burn) not in paired and is_product(burn.compared.literal)]
        yield from _out_of_reach([*alone, *(long for long, _ in found)], subject)
        yield from (_single(burn, subject) for burn in alone)
        for long, short in found:
            yield from _shape(long, short, subject)


def _out_of_reach(burning: Sequence[Burn], subject: Subject) -> Iterator[Finding]:
    for burn in burning:
        if is_product(burn.compared.literal) and burn.compared.threshold >= 1:
            message = f"this never fires: no outage fails {burn.compared.threshold:.0%} of everything"
            span = subject.span(burn.compared.literal)
            yield Finding(message, span, "out of reach", "lower the burn rate, or alert on 100%", Severity.ERROR)


def _single(burn: Burn, subject: Subject) -> Finding:
    length = format_duration(burn.window)
    if burn.window >= TWELFTH * MINUTE:
        other = format_duration(_whole(burn.window // TWELFTH))
        message = f"this burn rate has one window, so the alert goes on for up to {length} after all is well"
        help = f"add `and` with the same condition over `{other}`"
    else:
        other = format_duration(TWELFTH * burn.window)
        message = f"this burn rate has one window, so {length} of errors fire the alert, however little was burned"
        help = f"add `and` with the same condition over `{other}`"
    return Finding(message, subject.span(burn.compared.node), f"only {length}", help)


def _shape(long: Burn, short: Burn, subject: Subject) -> Iterator[Finding]:
    length, brief = format_duration(long.window), format_duration(short.window)
    span = subject.span(short.compared.node)
    scarce = short.window <= SCRAPES * subject.settings.scrape_interval
    if not (long.window / short.window >= LEAST or scarce) or long.window / short.window > MOST:
        message = f"the short window of {brief} is not about a twelfth of the long one of {length}"
        help = f"take `{format_duration(_whole(long.window // TWELFTH))}`"
        yield Finding(message, span, "too long" if long.window / short.window < LEAST else "too short", help)
    if subject.rule.for_ > short.window:
        held = format_duration(subject.rule.for_)
        message = f"`for: {held}` delays an alert whose windows of {length} and {brief} are smooth already"
        yield Finding(message, subject.place("for"), "longer than the short window", "remove `for`")


def _whole(ms: int) -> int:
    """Whole minutes, one at least."""
    return max(1, ms // MINUTE) * MINUTE
