"""The objectives of a document: targets, periods, tiers and parts, held against each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from tocsin.accounts import CALENDAR, DAY
from tocsin.diagnostics import Problems
from tocsin.document import MapNode, Node, Scalar
from tocsin.duration import format_duration, parse_duration
from tocsin.indicators.api import Indicator
from tocsin.labels import Labels, from_mapping
from tocsin.promql.ast import Expr, walk
from tocsin.promql.grouped import groups
from tocsin.quantity import Unit
from tocsin.spec.allowances import read_adjustments, read_maintenance
from tocsin.spec.composites import CompositeReader
from tocsin.spec.model import Condition, GroupTarget, Objective, Period, TimeSlices
from tocsin.spec.settings import MINUTE, Settings
from tocsin.spec.shares import Shares
from tocsin.spec.tiers import TierReader
from tocsin.spec.values import entries, items, nested, text, texts

ROLLING = 30 * DAY

UNITS: Mapping[str, Literal["week", "month", "quarter"]] = {"week": "week", "month": "month", "quarter": "quarter"}

RECORDED_LABELS = ("burn", "indicator", "objective", "owner", "service", "severity")
"""Labels that the rules of an objective have of their own."""


class ObjectiveReader(Shares):
    """Reads the objectives of one spec; `indicators` holds those that were written, None for the faulty ones.

    `taken` are labels that the spec gives to every alert.
    """

    def __init__(
        self,
        settings: Settings,
        indicators: Mapping[str, Indicator | None],
        taken: Collection[str],
        problems: Problems,
    ) -> None:
        super().__init__(problems)
        self._settings = settings
        self._indicators = indicators
        self._taken = taken
        self._tiers = TierReader(settings, problems)

    def objectives(self, spec: MapNode) -> tuple[Objective, ...]:
        """The objectives of a spec that are without fault, with the policy and the maintenance of all of them."""
        written = items(spec.get("objectives"))
        bodies = self._named([body for body in written if isinstance(body, MapNode)])
        composites = CompositeReader(bodies, self._indicators, self.problems)
        read = {name: self._objective(body, composites) for name, body in bodies.items()}
        self.check_templates(spec.get("policy"))
        policy, maintenance = text(spec, "policy"), read_maintenance(spec.get("maintenance"), self.problems)
        return tuple(
            replace(one, policy=one.policy or policy, maintenance=(*maintenance, *one.maintenance))
            for one in read.values()
            # What is faulty was told, and so it was of the parts that are.
            if one and all(read.get(part.objective) for part in one.parts)
        )

    def _named(self, bodies: Sequence[MapNode]) -> dict[str, MapNode]:
        """The objectives by name; of two with the same name, the first."""
        found: dict[str, MapNode] = {}
        for body in bodies:
            name = body.get("name")
            if not isinstance(name, Scalar):
                continue
            if name.text.value in found:
                first = (found[name.text.value].get("name") or name).span.line
                message = f"objective `{name.text.value}` is also defined in line {first}"
                self.fault("duplicate-name", message, name.span, "give each a name of its own")
            found.setdefault(name.text.value, body)
        return found

    def _objective(self, node: MapNode, composites: CompositeReader) -> Objective | None:
        before = len(self.problems)
        self._check_indicator(node)
        period = self._period(node)
        target = self.target(node.get("target"))
        slices = self._slices(node)
        by = composites.by(node)
        targets = tuple(self._targets(node, by))
        parts = composites.parts(node)
        tiers = self._tiers.tiers(node, period, slices) if period else ()
        if target is not None and text(node, "thresholds") != "traffic":
            judged = (target, *(group.target for group in targets))
            self._tiers.check_thresholds(judged, tiers, (node.get("target") or node).span)
        self._check_groups(node, by)
        self._check_texts(node)
        self._check_severity(node, "exhausted")
        self._check_severity(node, "no_data")
        if (events := node.get("bad_events")) and not node.get("min_events"):
            self.fault("events", "`bad_events` stand in for `min_events`, and there are none", events.span, "add them")
        maintenance = read_maintenance(node.get("maintenance"), self.problems)
        adjustments = read_adjustments(node.get("adjustments"), self.problems)
        if period is None or target is None or by is None or len(self.problems) > before:
            return None
        places = {key.text.value: value.span for key, value in node.entries} | nested("labels", node)
        return Objective(
            text(node, "name"),
            target,
            period,
            tiers,
            text(node, "indicator"),
            parts,
            targets,
            slices,
            text(node, "thresholds") == "traffic",
            _whole(node, "min_events"),
            _whole(node, "bad_events"),
            text(node, "exhausted"),
            text(node, "no_data"),
            maintenance,
            adjustments,
            text(node, "policy"),
            text(node, "description"),
            text(node, "summary"),
            text(node, "action"),
            text(node, "runbook"),
            texts(node.get("labels")),
            places | {"rule": node.span},
        )

    def _check_indicator(self, node: MapNode) -> None:
        """Whether what is judged counts events, or can be told good from bad in slices of time."""
        name = node.get("indicator")
        if not isinstance(name, Scalar) or not self.known("indicator", name, self._indicators):
            return
        indicator = self._indicators[name.text.value]
        written = node.get("time_slices")
        judged = isinstance(written, MapNode) and (written.get("above") or written.get("below"))
        if indicator is None or judged:
            return
        if indicator.unit is not Unit.RATIO:
            unit = indicator.unit.value.replace("_", " ")
            message = f"`{name.text.value}` is no share of bad events: it is in {unit}"
            help = "say with `time_slices: {every: 1m, above: ...}` when a minute of it is bad"
            self.fault("objective", message, name.span, help)
            return
        counts = indicator.counts(MINUTE, MINUTE)
        if counts is not None:
            for expr in dict.fromkeys((counts.total, counts.part)):
                self._check_sum(expr, indicator.by, name)
        elif written is None:
            message = f"`{name.text.value}` counts no events: it only has a value"
            self.fault("objective", message, name.span, "judge slices of time: `time_slices: {every: 1m}`")

    def _check_sum(self, expr: Expr, by: tuple[str, ...], name: Scalar) -> None:
        """What an author counts with an expression of his own must have one value for each group."""
        found, given = groups(expr), ", ".join(by)
        place = next((node.span for node in walk(expr) if node.span), name.span)
        help = f"write `sum{f' by ({given})' if by else ''} (...)`"
        if found is None:
            self.fault("label", "it counts series by series, and an objective has one account a group", place, help)
        elif lost := [label for label in by if label not in found]:
            self.fault("label", f"it has no label {_quoted(lost)}, and the indicator is grouped by it", place, help)
        elif more := sorted(found - set(by)):
            message = f"it has values by {_quoted(more)}, and the indicator is not grouped by it"
            self.fault("label", message, place, f"{help}, or add it to `by`")

    def _check_groups(self, node: MapNode, by: tuple[str, ...] | None) -> None:
        """Prometheus refuses a rule whose own labels make its groups the same; what corrects one corrects them all."""
        own = [node, *(tier for _, tier in entries(node.get("tiers")) if isinstance(tier, MapNode))]
        taken = {*self._taken, *RECORDED_LABELS, *(name for body in own for name in texts(body.get("labels")))}
        place = node.get("indicator") or node.get("composite") or node
        for label in by or ():
            if label in taken:
                message = f"the groups are by `{label}`, and the rules of an objective set this label themselves"
                self.fault("label", message, place.span, "group by another label, or leave this one out of `labels`")
        adjustments = node.key("adjustments")
        if by and adjustments is not None:
            message = f"an adjustment would count for every group by {_quoted(by)}"
            help = "give the group an objective of its own, with an indicator that selects it"
            self.fault("adjustment", message, adjustments.span, help)

    def _check_texts(self, node: MapNode) -> None:
        """What becomes a label or an annotation of an alert is a template."""
        own = [node, *(tier for _, tier in entries(node.get("tiers")) if isinstance(tier, MapNode))]
        for body in own:
            self.check_templates(*(body.get(key) for key in ("summary", "action", "policy", "runbook")))
            self.check_templates(*(value for _, value in entries(body.get("labels"))))

    def _period(self, node: MapNode) -> Period | None:
        written, zone = node.get("period"), node.get("time_zone")
        where = self.time_zone(zone) if zone else "UTC"
        unit = UNITS.get(text(node, "period"))
        if unit:
            return self._kept(Period(CALENDAR[unit], unit, where or "UTC"), written)
        if zone:
            self.fault("period", "a rolling period begins in no time zone", zone.span, "leave `time_zone` out")
        if not isinstance(written, Scalar):
            return self._kept(Period(ROLLING), node.get("name"))
        try:
            length = parse_duration(written.text.value)
        except ValueError as error:
            message = f"`{written.text.value}` is not a period: {error}"
            self.fault("duration", message, written.span, "write `30d`, or `week`, `month` or `quarter`")
            return None
        if length == 0:
            self.fault("period", "a period of no time has no budget", written.span, "write `30d`")
            return None
        return self._kept(Period(length), written)

    def _kept(self, period: Period, place: Node | None) -> Period | None:
        """The period, if the server keeps its samples for as long."""
        retention = self._settings.retention
        if retention is None or period.length <= retention or place is None:
            return period
        kept = format_duration(retention)
        message = (
            f"the period of {format_duration(period.length)} is longer than the retention of {kept} in tocsin.yaml"
        )
        self.fault("period", message, place.span, f"write `period: {kept}`, or keep samples for longer")
        return None

    def _targets(self, node: MapNode, by: tuple[str, ...] | None) -> Iterator[GroupTarget]:
        seen: set[Labels] = set()
        for item in items(node.get("targets")):
            if not isinstance(item, MapNode):
                continue
            written = item.get("labels")
            for label, _ in entries(written):
                if by is not None and label.text.value not in by:
                    grouped = f"it is grouped by {_quoted(by)}" if by else ""
                    message = f"the indicator has no groups by `{label.text.value}`"
                    self.fault("label", message, label.span, grouped or "add `by` to the indicator")
            labels = from_mapping(texts(written))
            if labels in seen and written is not None:
                self.fault("target", "this group has a target already", written.span, "remove one of them")
            seen.add(labels)
            target = self.target(item.get("target"))
            if target is not None:
                yield GroupTarget(labels, target)

    def _slices(self, objective: MapNode) -> TimeSlices | None:
        node, indicator = objective.get("time_slices"), self._indicators.get(text(objective, "indicator"))
        if not isinstance(node, MapNode):
            return None
        every = self.duration(node, "every")
        interval = self._settings.evaluation_interval
        if every is not None and (every < interval or every % interval):
            message = f"expected a multiple of the evaluation interval of {format_duration(interval)}"
            place = node.get("every") or node
            self.fault(
                "time-slices",
                message,
                place.span,
                f"write `{format_duration(max(interval, every // interval * interval))}`",
            )
        conditions = [key for key, _ in node.entries if key.text.value in ("good", "above", "below")]
        if len(conditions) > 1:
            message = f"found {' and '.join(f'`{key.text.value}`' for key in conditions)}"
            self.fault("choose-one", f"expected one of `good`, `above` and `below`; {message}", conditions[1].span)
            return None
        good = self.share(node.get("good"))
        if good is not None and not 0 < good < 1:
            place = node.get("good") or node
            self.fault("target", "expected a share between 0% and 100%", place.span)
        no_data = text(node, "no_data")
        return TimeSlices(
            every or 0,
            None if good is None else 1 - good,
            self._condition(node, indicator),
            "good" if no_data == "good" else "bad" if no_data == "bad" else "skip",
        )

    def _condition(self, node: MapNode, indicator: Indicator | None) -> Condition | None:
        unit = indicator.unit if indicator else None
        above, below = node.get("above"), node.get("below")
        if above is not None:
            found = self.quantity(above, unit)
            return Condition("above", (found,)) if found else None
        found = self.quantity(below, unit) if below is not None else None
        return Condition("below", (found,)) if found else None

    def _check_severity(self, node: MapNode, key: str) -> None:
        name = node.get(key)
        if isinstance(name, Scalar):
            self.known("severity", name, ["ignore", *(one.name for one in self._settings.severities)])


def _quoted(labels: Sequence[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels)


def _whole(node: MapNode, key: str) -> int | None:
    value = node.get(key)
    return value.value if isinstance(value, Scalar) and isinstance(value.value, int) else None
