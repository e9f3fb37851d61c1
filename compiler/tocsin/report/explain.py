"""An alert to the page that explains it: its PromQL, its arithmetic, and when it would tell of an outage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tocsin.diagnostics import printable
from tocsin.duration import format_duration
from tocsin.plan.emit import condition_text
from tocsin.plan.lower import PlannedAlert
from tocsin.plan.objectives.arithmetic import Pace
from tocsin.promql.print import pretty
from tocsin.report.delays import Delays, of_alert, of_rule
from tocsin.report.numbers import duration
from tocsin.rules import AlertingRule, RuleGroup


def explain_alert(
    rule: AlertingRule, group: RuleGroup, planned: PlannedAlert | None, pace: Pace, arithmetic: Sequence[str] = ()
) -> str:
    """The page of an alert, which ends with its `arithmetic` where it is known already."""
    lines = [f"{rule.name} ({rule.labels.get('severity') or 'no severity'})", *_texts(rule), "", "PromQL:"]
    lines += [f"    {line}" for line in pretty(rule.expr).splitlines()]
    lines += ["", *_evaluation(rule, group, planned, pace.step), ""]
    told = of_alert(rule, planned, pace) if planned else of_rule(rule, pace.step)
    lines += arithmetic or _detection(told, pace)
    return "\n".join(map(printable, lines)) + "\n"


def _texts(rule: AlertingRule) -> Iterator[str]:
    for name in ("summary", "action", "runbook_url"):
        if text := rule.annotations.get(name):
            yield f"{name}: {text}"


def _evaluation(rule: AlertingRule, group: RuleGroup, planned: PlannedAlert | None, interval: int) -> Iterator[str]:
    yield f"Evaluated every {format_duration(interval)}, in group `{group.name}`."
    if planned:
        measured = f" measured over {format_duration(planned.window)}" if planned.window else " at the instant"
        yield f"Fires where `{planned.alert.indicator}`{measured} is {condition_text(planned.alert.condition)}"
        yield f"without a break for {format_duration(rule.for_)}." if rule.for_ else "at any evaluation."
    elif rule.for_:
        yield f"The condition must hold without a break for {format_duration(rule.for_)}."
    if rule.keep_firing_for:
        yield f"Goes on for {format_duration(rule.keep_firing_for)} after the condition has ended."


def _detection(told: Delays, pace: Pace) -> Iterator[str]:
    if told.outages is None:
        yield f"Fires at most {format_duration(told.delay)} after the condition became true."
        return
    outages = told.outages
    yield f"Fires at most this long after an outage begins, {outages.terms}:"
    yield f"counters are scraped every {format_duration(pace.scrape)}, evaluated every {format_duration(pace.step)}"
    for _, times in outages.times:
        for size, time in zip(outages.sizes, times, strict=True):
            longest = "never: below the threshold" if time is None else duration(time)
            yield f"    {size.replace(' bad', ' of events bad'):>18}: {longest}"
