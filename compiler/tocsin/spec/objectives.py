"""The objectives of a document: targets, periods, tiers and parts, held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin.diagnostics import Problems, Span
from tocsin.document import ListNode, MapNode, Node, Scalar
from tocsin.duration import format_duration, parse_duration
from tocsin.indicators.api import Indicator
from tocsin.labels import from_mapping
from tocsin.quantity import Unit
from tocsin.spec.allowances import read_adjustments, read_maintenance
from tocsin.spec.model import Condition, GroupTarget, Objective, Part, Period, TimeSlices
from tocsin.spec.settings import MINUTE, Settings
from tocsin.spec.tiers import TierReader
from tocsin.spec.values import Values, entries, items, nested, text, texts

DAY = 86_400_000
ROLLING = 30 * DAY

CALENDAR: Mapping[str, tuple[Literal["week", "month", "quarter"], int]] = {
    "week": ("week", 7 * DAY),
    "month": ("month", 30 * DAY),
    "quarter": ("quarter", 91 * DAY),
}

LEAST_TARGET = Decimal("0.5")
"""Below it a target lets more events fail than it asks for: a slip such as 0.999%."""


class ObjectiveReader(Values):
    """Reads the objectives of one spec; `indicators` holds those that were written, None for the faulty ones."""

    def __init__(self, settings: Settings, indicators: Mapping[str, Indicator | None], problems: Problems) -> None:
        super().__init__(problems)
        self._settings = settings
        self._indicators = indicators
        self._tiers = TierReader(settings, problems)

    def objectives(self, spec: MapNode) -> tuple[Objective, ...]:
        """The objectives of a spec that are without fault, with the policy and the maintenance of all of them."""
        written = items(spec.get("objectives"))
        bodies = [body for body in written if isinstance(body, MapNode) and isinstance(body.get("name"), Scalar)]
        self._check_names(bodies)
        self._check_parts(bodies)
        read = [self._objective(body) for body in bodies]
        policy, maintenance = text(spec, "policy"), read_maintenance(spec.get("maintenance"), self.problems)
        return tuple(
            replace(one, policy=one.policy or policy, maintenance=(*maintenance, *one.maintenance))
            for one in read
            if one
        )

    def _check_names(self, bodies: Sequence[MapNode]) -> None:
        first: dict[str, Span] = {}
        for body in bodies:
            name = body.get("name")
            assert name is not None
            if (written := text(body, "name")) in first:
                message = f"objective `{written}` is also defined in line {first[written].line}"
                self.fault("duplicate-name", message, name.span, "give each a name of its own")
            first.setdefault(written, name.span)

    def _check_parts(self, bodies: Sequence[MapNode]) -> None:
        composites = {text(body, "name"): body.get("composite") is not None for body in bodies}
        for body in bodies:
            for part in items(body.get("composite")):
                name = part.get("objective") if isinstance(part, MapNode) else None
                if not isinstance(name, Scalar) or not self.known("objective", name, composites):
                    continue
                if name.text.value == text(body, "name"):
                    self.fault(
                        "composite", "a composite of itself", name.span, "name the objectives that it is made of"
                    )
                elif composites[name.text.value]:
                    message = f"`{name.text.value}` is a composite itself"
                    self.fault("composite", message, name.span, "name its parts here, with their weights multiplied")

    def _objective(self, node: MapNode) -> Objective | None:
        before = len(self.problems)
        indicator = self._indicator(node)
        period = self._period(node)
        target = self._target(node.get("target"))
        slices = self._slices(node.get("time_slices"), indicator)
        targets = tuple(self._targets(node, indicator))
        parts = self._parts(node.get("composite"))
        self._check_severity(node, "exhausted")
        self._check_severity(node, "no_data")
        maintenance = read_maintenance(node.get("maintenance"), self.problems)
        adjustments = read_adjustments(node.get("adjustments"), self.problems)
        if period is None or target is None or len(self.problems) > before:
            return None
        places = {key.text.value: value.span for key, value in node.entries} | nested("labels", node)
        objective = Objective(
            text(node, "name"),
            target,
            period,
            self._tiers.tiers(node, period, slices),
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
        self._tiers.check_thresholds(objective)
        return objective if len(self.problems) == before else None

    def _indicator(self, node: MapNode) -> Indicator | None:
        name = node.get("indicator")
        if not isinstance(name, Scalar) or not self.known("indicator", name, self._indicators):
            return None
        indicator = self._indicators[name.text.value]
        if indicator is None:
            return None
        written = node.get("time_slices")
        judged = isinstance(written, MapNode) and (written.get("above") or written.get("below"))
        if indicator.unit is not Unit.RATIO and not judged:
            message = (
                f"`{name.text.value}` is no share of bad events: it is in {indicator.unit.value.replace('_', ' ')}"
            )
            help = "say with `time_slices: {every: 1m, above: ...}` when a minute of it is bad"
            self.fault("objective", message, name.span, help)
        elif not judged and indicator.counts(MINUTE, MINUTE) is None and written is None:
            message = f"`{name.text.value}` counts no events: it only has a value"
            help = "judge slices of time: `time_slices: {every: 1m}`"
            self.fault("objective", message, name.span, help)
        return indicator

    def _period(self, node: MapNode) -> Period | None:
        written, zone = node.get("period"), self._zone(node.get("time_zone"))
        if not isinstance(written, Scalar):
            return Period(ROLLING)
        if written.text.value in CALENDAR:
            unit, length = CALENDAR[written.text.value]
            return Period(length, unit, zone)
        try:
            length = parse_duration(written.text.value)
        except ValueError as error:
            message = f"`{written.text.value}` is not a period: {error}"
            self.fault("duration", message, written.span, "write `30d`, or `week`, `month` or `quarter`")
            return None
        if node.get("time_zone"):
            place = node.get("time_zone") or node
            self.fault("period", "a rolling period begins in no time zone", place.span, "leave `time_zone` out")
        retention = self._settings.retention
        if retention is not None and length > retention:
            message = f"the period is longer than the retention of {format_duration(retention)} in tocsin.yaml"
            self.fault(
                "period", message, written.span, f"write `{format_duration(retention)}`, or keep samples for longer"
            )
        return Period(length)

    def _zone(self, node: Node | None) -> str:
        if not isinstance(node, Scalar):
            return "UTC"
        try:
            ZoneInfo(node.text.value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fault("time-zone", f"there is no time zone `{node.text.value}`", node.span, "write `Europe/Berlin`")
        return node.text.value

    def _share(self, node: Node | None) -> Decimal | None:
        if not isinstance(node, Scalar):
            return None
        quantity = self.quantity(node, None)
        if quantity is None:
            return None
        if quantity.unit is not Unit.RATIO:
            exact = quantity.exact
            meant = f"{(exact * 100).normalize():f}%" if exact < 1 else f"{exact:f}%"
            message = f"expected a share in percent, found `{node.text.value}`"
            self.fault("target", message, node.span, f"write `{meant}`" if quantity.unit is Unit.COUNT else "")
            return None
        return quantity.exact

    def _target(self, node: Node | None) -> Decimal | None:
        target = self._share(node)
        if target is None or node is None:
            return None
        if target >= 1:
            message = "a target of 100% or more leaves no error budget: the first bad event spends it for ever"
            self.fault("target", message, node.span, "write `99.9%`, or a threshold alert")
            return None
        if target < LEAST_TARGET:
            allowed = f"{((1 - target) * 100).normalize():f}%"
            meant = f"write `{(target * 10000).normalize():f}%`" if Decimal("0.005") < target < Decimal("0.01") else ""
            self.fault("target", f"this target lets {allowed} of all events fail", node.span, meant)
            return None
        return target

    def _targets(self, node: MapNode, indicator: Indicator | None) -> Iterator[GroupTarget]:
        for item in items(node.get("targets")):
            assert isinstance(item, MapNode)
            target = self._target(item.get("target"))
            for label, _ in entries(item.get("labels")):
                if indicator is not None and label.text.value not in indicator.by:
                    groups = f"it is grouped by {', '.join(f'`{one}`' for one in indicator.by)}" if indicator.by else ""
                    message = f"the indicator has no groups by `{label.text.value}`"
                    self.fault("label", message, label.span, groups or "add `by` to the indicator")
            if target is not None:
                yield GroupTarget(from_mapping(texts(item.get("labels"))), target)

    def _parts(self, node: Node | None) -> tuple[Part, ...]:
        read = []
        for item in items(node):
            assert isinstance(item, MapNode)
            weight = self._share(item.get("weight"))
            if weight is not None and not 0 < weight < 1:
                place = item.get("weight") or item
                self.fault("composite", "expected a weight between 0% and 100%", place.span)
            read.append(Part(text(item, "objective"), weight or Decimal(0)))
        total = sum((part.weight for part in read), Decimal(0))
        if isinstance(node, ListNode) and read and all(part.weight for part in read) and total != 1:
            message = f"the weights add up to {(total * 100).normalize():f}%, not to 100%"
            self.fault("composite", message, node.span)
        return tuple(read)

    def _slices(self, node: Node | None, indicator: Indicator | None) -> TimeSlices | None:
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
        conditions = [key for key in ("good", "above", "below") if node.get(key)]
        if len(conditions) > 1:
            message = f"found {' and '.join(f'`{key}`' for key in conditions)}"
            self.fault("choose-one", f"expected one of `good`, `above` and `below`; {message}", node.entries[0][0].span)
            return None
        good = self._share(node.get("good"))
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


def _whole(node: MapNode, key: str) -> int | None:
    value = node.get(key)
    return value.value if isinstance(value, Scalar) and isinstance(value.value, int) else None
