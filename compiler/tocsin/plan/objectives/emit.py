"""The plan of an objective to the rule groups that ship, with alerts that say what burns, how fast, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tocsin.diagnostics import Span
from tocsin.duration import format_duration
from tocsin.labels import from_mapping
from tocsin.plan import names
from tocsin.plan.objectives.account import Account
from tocsin.plan.objectives.burn import Burn
from tocsin.plan.objectives.lower import PlannedObjective
from tocsin.rules import AlertingRule, RuleGroup
from tocsin.spec.model import Objective, Tier

_VALUE = "{{ $value | humanizePercentage }}"


def groups(planned: PlannedObjective) -> Iterator[RuleGroup]:
    """Two groups: what is counted and alerts on it, and the account of the budget, in longer steps."""
    own = planned.account
    name = f"{own.spec.service}-{own.objective.name}"
    places = {"rule": own.objective.places["rule"]}
    burns = tuple(_burn(own, burn) for burn in planned.burns)
    yield RuleGroup(name, (*planned.events, *burns), own.step, places=places)
    spent = (_spent(own, planned),) if planned.exhausted else ()
    yield RuleGroup(f"{name}-budget", (*planned.budget, *spent), own.coarse_step, places=places)


def alert_name(own: Account, tier: Tier) -> str:
    """The name of a tier's alert, the author's or ours."""
    return tier.alert or names.burn_alert(own.spec.service, own.objective.name, tier.name)


def _burn(own: Account, burn: Burn) -> AlertingRule:
    tier, objective = burn.tier, own.objective
    name = alert_name(own, tier)
    labels = _labels(own, tier.severity, tier.name, tier.owner, {**objective.labels, **tier.labels})
    told = _annotations(own, name, objective.summary or _summary(own, tier), _description(own, burn), tier.action)
    return AlertingRule(name, burn.expr, 0, tier.keep_firing_for, labels, told, _places(own, tier))


def _spent(own: Account, planned: PlannedObjective) -> AlertingRule:
    assert planned.exhausted is not None
    expr, severity = planned.exhausted
    objective = own.objective
    name = names.objective_alert(own.spec.service, objective.name, "BudgetSpent")
    summary = f"The error budget of {objective.name} of {own.spec.service} is spent"
    description = f"{_VALUE} of the budget of {_share(objective)} for {_period(objective)} are spent"
    action = "" if objective.policy else f"Stop risky changes to {own.spec.service} until the budget has recovered."
    told = _annotations(own, name, summary, description, action)
    if objective.policy:
        told = {**told, names.ACTION: objective.policy}
    labels = _labels(own, severity, "spent", "", objective.labels)
    return AlertingRule(name, expr, 0, 0, labels, told, _places(own, None))


def _labels(own: Account, severity: str, burn: str, owner: str, added: Mapping[str, str]) -> dict[str, str]:
    said = {
        **own.spec.labels,
        **added,
        **own.identity,
        names.OWNER: owner or own.spec.owner,
        names.INDICATOR: own.objective.indicator,
        names.SEVERITY: severity,
        names.BURN: burn,
    }
    return dict(from_mapping(said))


def _annotations(own: Account, name: str, summary: str, description: str, action: str) -> dict[str, str]:
    objective = own.objective
    said = {
        names.SUMMARY: summary,
        names.DESCRIPTION: description,
        names.ACTION: action or objective.action,
        names.POLICY: objective.policy,
        names.RUNBOOK: objective.runbook or names.runbook_section(own.spec.runbook, name),
    }
    return {key: text for key, text in said.items() if text}


def _summary(own: Account, tier: Tier) -> str:
    what = f"the error budget of {own.objective.name}"
    if tier.burn_rate == 1:
        return f"{own.spec.service} spends {what} before its period ends"
    return f"{own.spec.service} spends {what} {tier.burn_rate:f} times too fast"


def _description(own: Account, burn: Burn) -> str:
    """What was seen, what fires, and when the budget would be gone: `2.5% of events were bad in the last 5m, ...`."""
    tier, objective = burn.tier, own.objective
    what = "slices" if objective.slices else "events"
    seen = f"{_VALUE} of {what} were bad in the last {format_duration(tier.short)}"
    gone = (
        f"at {tier.burn_rate:f} times the budget of {_share(objective)} it is spent in {_exhaustion(objective, tier)}"
    )
    held = f"fires where {_budget(tier)} of it went in {format_duration(tier.long)}"
    counted = f", and {burn.bad_events} {what} were bad" if burn.bad_events else ""
    return f"{seen}; {gone}; {held}{counted}"


def _share(objective: Objective) -> str:
    return f"{(objective.budget * 100).normalize():f}%"


def _budget(tier: Tier) -> str:
    return f"{float(tier.budget * 100):.4g}%"


def _period(objective: Objective) -> str:
    return f"the {objective.period.calendar}" if objective.period.calendar else format_duration(objective.period.length)


def _exhaustion(objective: Objective, tier: Tier) -> str:
    """How long the whole budget lasts at the tier's burn rate, in whole hours where it is days: `50h`, `5d`."""
    hours = objective.period.length / 3_600_000 / float(tier.burn_rate)
    return f"{hours / 24:.3g}d" if hours >= 72 else f"{hours:.3g}h"


def _places(own: Account, tier: Tier | None) -> dict[str, Span]:
    """Where each part of an alert was written in the spec."""
    origin = own.objective.places
    changed = tier.places if tier else {}
    found = {
        "rule": origin["rule"],
        "alert": changed.get("name") or origin["name"],
        "expr": origin.get("tiers") or origin.get("target"),
        "indicator": own.spec.places.get(f"indicators.{own.objective.indicator}"),
        "indicator.whole": own.spec.places.get(f"indicators.{own.objective.indicator}.whole"),
        "min_events": origin.get("min_events"),
        "no_data": origin.get("no_data"),
        "keep_firing_for": changed.get("keep_firing_for"),
        f"labels.{names.SEVERITY}": changed.get("severity"),
        f"labels.{names.OWNER}": changed.get("owner") or own.spec.places.get("owner"),
        f"annotations.{names.SUMMARY}": origin.get("summary"),
        f"annotations.{names.ACTION}": changed.get("action") or origin.get("action"),
        f"annotations.{names.RUNBOOK}": origin.get("runbook") or own.spec.places.get("runbook"),
    }
    labels = {key: span for key, span in {**origin, **changed}.items() if key.startswith("labels.")}
    return {key: span for key, span in found.items() if span} | labels
