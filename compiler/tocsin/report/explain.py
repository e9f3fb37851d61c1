"""An alert to the page that explains it: its PromQL, its arithmetic, and when it would tell of an outage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, inf

from tocsin.diagnostics import printable
from tocsin.duration import format_duration
from tocsin.plan.emit import condition_text
from tocsin.plan.lower import PlannedAlert
from tocsin.promql.print import pretty
from tocsin.quantity import Unit
from tocsin.rules import AlertingRule, RuleGroup

SHARES = (1.0, 0.1, 0.01)
"""How large an outage is: all requests fail, one in ten, one in a hundred."""


def explain_alert(
    rule: AlertingRule, group: RuleGroup, planned: PlannedAlert | None, interval: int, arithmetic: Sequence[str] = ()
) -> str:
    """The page of an alert, which ends with its `arithmetic` where it is known already.

    `interval` is how often it is evaluated, in milliseconds.
    """
    lines = [f"{rule.name} ({rule.labels.get('severity') or 'no severity'})", *_texts(rule), "", "PromQL:"]
    lines += [f"    {line}" for line in pretty(rule.expr).splitlines()]
    lines += ["", *_evaluation(rule, group, planned, interval), ""]
    lines += arithmetic or _detection(rule, planned, interval)
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


def _detection(rule: AlertingRule, planned: PlannedAlert | None, interval: int) -> Iterator[str]:
    threshold = _share_threshold(planned)
    if planned is None or threshold is None:
        at_most = interval + interval * ceil(rule.for_ / interval)
        yield f"Fires at most {format_duration(at_most)} after the condition became true."
        return
    yield "Fires after, at steady traffic that was without fault before:"
    for share in SHARES:
        delay = detection_time(share, threshold, planned.window or 0, rule.for_, interval)
        told = format_duration(int(delay)) if delay < inf else "never: below the threshold"
        yield f"    {share:>5.0%} of events bad: {told}"


def _share_threshold(planned: PlannedAlert | None) -> float | None:
    if planned is None or planned.alert.condition.kind != "above" or planned.indicator.unit is not Unit.RATIO:
        return None
    return planned.alert.condition.thresholds[0].value if planned.window else None


def detection_time(share: float, threshold: float, window: int, for_: int, interval: int) -> float:
    """Milliseconds until an outage of `share` fires, at the latest.

    The window fills until the share in it passes the threshold, the next evaluation sees it, and `for` runs.

    >>> detection_time(1.0, 0.01, 300_000, 300_000, 60_000)
    363000
    """
    if share <= threshold:
        return inf
    crossing = ceil(window * threshold / share / 1000) * 1000
    return crossing + interval + interval * ceil(for_ / interval)
