"""An objective that pages, and whose data may vanish unseen: without series there are no events, and so no burn.

An indicator has an alert of its own for vanished series, but not where it reads several metrics: nothing tells then
which of them must be there. Count one metric, or watch one: an alert with `absent: true` on an indicator of its own,
and `no_data: ignore` at the objective.

Source: Google, "Site Reliability Engineering", chapter 6; pyrra-dev/pyrra, `SLOMetricAbsent`.

Bad::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      errors:
        ratio:
          bad: sum(increase(card_errors_total[$window])) + sum(increase(cash_errors_total[$window]))
          total: sum(increase(card_payments_total[$window])) + sum(increase(cash_payments_total[$window]))
    objectives:
      - name: availability
        indicator: errors
        target: 99.9%
        action: Roll back the last deploy.

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      errors:
        ratio:
          bad: payment_errors_total{job="checkout"}
          total: payments_total{job="checkout"}
    objectives:
      - name: availability
        indicator: errors
        target: 99.9%
        action: Roll back the last deploy.
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, RuleSet, Subject, lint_rule
from tocsin.plan import names


@lint_rule(Severity.WARNING)
def check(subject: RuleSet) -> Iterator[Finding]:
    watched = {_about(one) for one in subject.alerts if one.planned and one.planned.alert.condition.kind == "absent"}
    seen = set()
    for one in subject.alerts:
        objective = one.rule.labels.get(names.OBJECTIVE)
        # Only a spec knows of an indicator where it stands, and whether its author lets it vanish.
        if not (one.ours and one.wakes and "indicator" in one.rule.places) or "no_data" in one.rule.places:
            continue
        if _about(one) not in watched and (_about(one), objective) not in seen:
            seen.add((_about(one), objective))
            message = (
                f"nobody is told when the series of `{one.rule.labels[names.INDICATOR]}` are gone: nothing burns then"
            )
            help = "count one metric, or watch one with `absent: true`, and write `no_data: ignore` here"
            yield Finding(message, one.place("indicator", "alert"), "reads several metrics", help)


def _about(alert: Subject) -> tuple[str, str]:
    """The service and the indicator of an alert."""
    return alert.rule.labels.get(names.SERVICE, ""), alert.rule.labels.get(names.INDICATOR, "")
