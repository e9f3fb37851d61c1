"""An objective to the page of its arithmetic: what may fail, when somebody is told of it, and what the rules cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import partial

from tocsin.diagnostics import printable
from tocsin.duration import format_duration
from tocsin.labels import Labels, format_labels
from tocsin.plan.objectives.account import Account
from tocsin.plan.objectives.arithmetic import (
    HOUR,
    Burning,
    Pace,
    burning,
    detection,
    events,
    exhaustion,
    full_outage,
    least_bad,
    reset,
)
from tocsin.plan.objectives.cost import Cost
from tocsin.plan.objectives.emit import alert_name
from tocsin.report.columns import columns
from tocsin.report.delays import SHARES, just_above, noun, percent, shares_of, targets, unguarded
from tocsin.report.numbers import NOTHING, duration
from tocsin.spec.model import Objective, Tier

TRAFFIC: Mapping[str, Fraction] = {"1/min": Fraction(1, 60), "1/s": Fraction(1), "100/s": Fraction(100)}
"""Events a second of a service that few, some and many use."""

SERIES, GROUPS = 100, 10

Burns = Sequence[tuple[Tier, Burning]]
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What an objective is judged in: the pace of its rules, the costs of their groups (name, interval in ms, samples),
    the severities that wake people, and the traffic to reckon with, in events a second by what it is called."""

    pace: Pace
    costs: tuple[tuple[str, int, Cost], ...]
    waking: frozenset[str]
    traffic: Mapping[str, Fraction] = field(default_factory=lambda: TRAFFIC)


def explain_objective(own: Account, setting: Setting) -> str:
    """The page of an objective."""
    objective = own.objective
    lines = [*_head(own), *_target(own, (), objective.target, setting)]
    for group in objective.targets:
        lines += ["", *_target(own, group.labels, group.target, setting)]
    for section in (_traffic_aware, _low_traffic, _alerts, _cost):
        lines += section(own, setting)
    return "\n".join(printable(line) for line in lines) + "\n"


def _head(own: Account) -> Iterator[str]:
    objective = own.objective
    whose = f"of `{objective.indicator}`" if objective.indicator else "of its parts, by weight,"
    good = f"{percent(objective.target)} of the {noun(own)} {whose} are good"
    yield f"{objective.name} of {own.spec.service}: {good} over {_period(objective)}"
    if objective.description:
        yield f"description: {objective.description}"
    yield ""
    if objective.parts:
        yield from columns(("part", "weight"), [(part.objective, percent(part.weight)) for part in objective.parts])
        yield ""


def _target(own: Account, labels: Labels, target: Decimal, setting: Setting) -> Iterator[str]:
    """Budget, tiers, detection and reset at one target."""
    burns = list(burning(own, target))
    if labels:
        yield f"Groups with {format_labels(labels)}: {percent(target)}"
        yield ""
    yield from _budget(own, target, setting)
    if not burns:
        yield "No tier alerts on it."
        return
    yield from _tiers(own, burns)
    if not own.objective.parts:
        yield from _least(own, burns, setting)
    yield from _delays(own, target, burns, setting)


def _budget(own: Account, target: Decimal, setting: Setting) -> Iterator[str]:
    period = own.objective.period.length
    outage = format_duration(full_outage(target, period) // 1000 * 1000)
    yield f"Budget: {percent(1 - target)} of the {noun(own)}, or {outage} of full outage in {_length(own)}"
    if own.objective.parts:
        yield ""
        return
    rows = []
    for name, traffic in _traffic(own, setting).items():
        whole = events(traffic, period)
        rows.append((name, f"{int(whole):,}", f"{int(whole * Fraction(1 - target)):,}"))
    yield ""
    yield from columns(("traffic", f"{noun(own)} in {_length(own)}", "may be bad"), rows)
    yield ""


def _tiers(own: Account, burns: Burns) -> Iterator[str]:
    yield f"Tiers: each fires where more than `above` of the {noun(own)} are bad in both windows,"
    yield "which is the burn rate times the budget; the burn rate is what is spent then, times the period, by long"
    yield ""
    titles = ("tier", "severity", "long", "short", "burn rate", "above", "spent then", "budget lasts", "keeps firing")
    rows = [
        (
            tier.name,
            tier.severity,
            format_duration(tier.long),
            format_duration(tier.short),
            f"{tier.burn_rate:f}",
            percent(burn.threshold),
            percent(tier.budget),
            duration(exhaustion(tier, own.objective.period.length)),
            duration(tier.keep_firing_for) if tier.keep_firing_for else NOTHING,
        )
        for tier, burn in burns
    ]
    yield from columns(titles, rows, words=2)
    yield ""


def _least(own: Account, burns: Burns, setting: Setting) -> Iterator[str]:
    traffic = _traffic(own, setting)
    yield f"The fewest bad {noun(own)} that fire a tier, at a traffic of"
    yield ""
    found = [(tier, [least_bad(burn, rate) for rate in traffic.values()]) for tier, burn in burns]
    yield from columns(("tier", *traffic), [(tier.name, *map(_count, counts)) for tier, counts in found])
    yield ""
    alone = {tier.name: list(traffic)[counts.index(1)] for tier, counts in found if 1 in counts}
    if alone and not own.objective.slices:
        name, rate = next(iter(alone.items()))
        more = "more `min_events` are" if own.objective.min_events else "`min_events` is"
        yield f"At {rate} a single bad event fires `{name}`: {more} a guard against that."
        yield ""


def _delays(own: Account, target: Decimal, burns: Burns, setting: Setting) -> Iterator[str]:
    shares = sorted({*shares_of(own), just_above(target)}, reverse=True)
    titles = ("tier", *(f"{percent(share)} bad" for share in shares))
    pace, what = setting.pace, noun(own)
    seen = f"scraped every {format_duration(pace.scrape)}, evaluated every {format_duration(pace.step)}"
    yield f"Fires at most this long after an outage begins, where traffic is steady, and no {what} were bad before:"
    yield f"counters are {seen}"
    yield ""
    first = [_first_page(burns, shares, setting)] if len(burns) > 1 else []
    yield from columns(titles, [*_each(burns, shares, partial(_detected, pace)), *first])
    yield ""
    yield "Ends at most this long after an outage of an hour is over"
    yield ""
    yield from columns(titles, _each(burns, shares, partial(_resets, pace)))


def _each(burns: Burns, shares: Sequence[Fraction], cell: Callable[[Burning, Fraction], str]) -> list[Row]:
    return [(tier.name, *(cell(burn, share) for share in shares)) for tier, burn in burns]


def _detected(pace: Pace, burn: Burning, share: Fraction) -> str:
    return _told(detection(unguarded(burn), share, pace))


def _resets(pace: Pace, burn: Burning, share: Fraction) -> str:
    return _told(reset(unguarded(burn), share, HOUR, pace))


def _first_page(burns: Burns, shares: Sequence[Fraction], setting: Setting) -> Row:
    waking = [unguarded(burn) for tier, burn in burns if tier.severity in setting.waking]
    found = [[one for burn in waking if (one := detection(burn, share, setting.pace)) is not None] for share in shares]
    return ("first page", *(_told(min(times, default=None)) for times in found))


def _traffic_aware(own: Account, setting: Setting) -> Iterator[str]:  # noqa: ARG001 - a section as the others
    if not own.objective.traffic_aware:
        return
    yield ""
    yield "Thresholds follow the traffic: a tier fires where its share of the period's budget, in events, was spent in"
    yield "its long window. Those above hold where the long window has the period's average traffic; with other traffic"
    yield "they are"
    yield ""
    factors = {"a tenth": Fraction(10), "the average": Fraction(1), "ten times": Fraction(1, 10)}
    rows = []
    for tier, burn in burning(own, own.objective.target):
        if not burn.bad_events:
            above = (burn.threshold * factor for factor in factors.values())
            rows.append((tier.name, *(percent(share) if share < 1 else "never fires" for share in above)))
    yield from columns(("tier", *factors), rows)


def _low_traffic(own: Account, setting: Setting) -> Iterator[str]:
    """What `min_events` silences, and what stands in for it."""
    burns = list(burning(own, own.objective.target))
    extra = next(((tier, burn) for tier, burn in burns if burn.bad_events), None)
    if extra is None:
        return
    stand_in, burn = extra
    yield ""
    yield f"Low traffic: with `min_events: {own.objective.min_events}` a tier is silent below"
    yield ""
    quiet = [(tier.name, Fraction(one.min_events * 60_000, one.long)) for tier, one in burns if tier != stand_in]
    yield from columns(("tier", "traffic"), [(name, f"{float(rate):.3g}/min") for name, rate in quiet])
    yield ""
    bad = f"{burn.bad_events} bad {noun(own)} in {format_duration(burn.long)}"
    yield f"In its stead `{stand_in.name}` fires on {bad}, if they are more than {percent(burn.threshold)}, after"
    yield ""
    shares = (Fraction(1), Fraction(9, 10), *SHARES[1:])
    rows = [
        (name, *(_told(detection(burn, share, setting.pace, rate)) for share in shares))
        for name, rate in _traffic(own, setting).items()
    ]
    yield from columns(("traffic", *(f"{percent(share)} bad" for share in shares)), rows)


def _alerts(own: Account, setting: Setting) -> Iterator[str]:  # noqa: ARG001 - a section as the others
    burns = list(burning(own, own.objective.target))
    if burns:
        yield ""
        yield "Alerts (`tocsin explain NAME` shows their PromQL)"
        yield ""
        yield from (f"    {alert_name(own, tier)}" for tier, _ in burns)


def _cost(own: Account, setting: Setting) -> Iterator[str]:
    """What the groups read: for S series of each scraped metric, and G groups."""
    groups = GROUPS if own.by else 1
    yield ""
    by = f" in G groups by {', '.join(own.by)}" if own.by else ""
    yield f"Cost: samples that an evaluation of the rules reads, for S series of each scraped metric{by}"
    yield ""
    rows, total = [], Fraction(0)
    for name, interval, one in setting.costs:
        whole = one.of(SERIES, groups)
        total += Fraction(whole * 60_000, interval)
        rows.append((name, format_duration(interval), _formula(one, own), f"{whole:,}"))
    rows.append(("both, a minute", "", "", f"{round(total):,}"))
    with_ = f"S = {SERIES}" + (f", G = {groups}" if own.by else "")
    yield from columns(("group", "every", "samples", with_), rows)


def _formula(one: Cost, own: Account) -> str:
    terms = [f"{one.scraped:,} S"] if one.scraped else []
    if one.recorded:
        terms.append(f"{one.recorded:,}" + (" G" if own.by else ""))
    return " + ".join(terms) or "0"


def explain_burn(own: Account, tier_name: str, setting: Setting) -> list[str]:
    """The arithmetic of one tier, for the page of its alert: at every target of the objective."""
    lines: list[str] = []
    for labels, target in targets(own):
        burns = [(tier, burn) for tier, burn in burning(own, target) if tier.name == tier_name]
        if burns:
            lines += [f"Groups with {format_labels(labels)}: {percent(target)}", ""] if labels else []
            lines += [*_budget(own, target, setting), *_tiers(own, burns)]
            lines += [] if own.objective.parts else _least(own, burns, setting)
            lines += _delays(own, target, burns, setting)
    return lines


def _traffic(own: Account, setting: Setting) -> Mapping[str, Fraction]:
    """Slices come at the pace of time, whatever the traffic."""
    slices = own.objective.slices
    return {f"1/{format_duration(slices.every)}": Fraction(1000, slices.every)} if slices else setting.traffic


def _length(own: Account) -> str:
    return format_duration(own.objective.period.length)


def _period(objective: Objective) -> str:
    length = format_duration(objective.period.length)
    if not objective.period.calendar:
        return length
    return f"each {objective.period.calendar} ({objective.period.time_zone}; reckoned as {length})"


def _told(ms: int | None) -> str:
    return NOTHING if ms is None else duration(ms)


def _count(count: int | None) -> str:
    return NOTHING if count is None else f"{count:,}"
