"""The objectives that are made of others: their parts and weights, and what only the parts can have."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tocsin.diagnostics import Problems
from tocsin.document import ListNode, MapNode, Scalar
from tocsin.indicators.api import Indicator
from tocsin.spec.model import Part
from tocsin.spec.shares import Shares, percent
from tocsin.spec.values import items, text

_OF_PARTS = ("time_slices", "min_events", "bad_events", "no_data", "maintenance", "adjustments")
"""What judges events, of which a composite has none of its own."""


class CompositeReader(Shares):
    """Reads the parts of composites; `bodies` are the objectives of the spec by name."""

    def __init__(
        self, bodies: Mapping[str, MapNode], indicators: Mapping[str, Indicator | None], problems: Problems
    ) -> None:
        super().__init__(problems)
        self._bodies = bodies
        self._indicators = indicators

    def parts(self, node: MapNode) -> tuple[Part, ...]:
        """The parts of an objective, none where it is no composite."""
        written = node.get("composite")
        if written is None:
            return ()
        self._check_keys(node)
        known = [part for item in items(written) if isinstance(item, MapNode) and (part := self._name(item, node))]
        self._check_each(known)
        self._check_groups(known)
        read = [
            Part(text(item, "objective"), self._weight(item)) for item in items(written) if isinstance(item, MapNode)
        ]
        total = sum((part.weight for part in read), Decimal(0))
        if isinstance(written, ListNode) and all(part.weight for part in read) and total != 1:
            message = f"the weights add up to {percent(total)}, not to 100%"
            self.fault("composite", message, written.span, _balanced(read, total))
        return tuple(read)

    def by(self, node: MapNode) -> tuple[str, ...] | None:
        """The labels of the groups of an objective, a composite's being those of its parts; None if unknown."""
        named = [text(part, "objective") for part in items(node.get("composite")) if isinstance(part, MapNode)]
        bodies = [self._bodies[name] for name in named if name in self._bodies] or [node]
        found = [self._indicators.get(text(body, "indicator")) for body in bodies]
        return next((indicator.by for indicator in found if indicator), None)

    def _check_keys(self, node: MapNode) -> None:
        for key, value in node.entries:
            name = key.text.value
            if name in _OF_PARTS or (name == "thresholds" and isinstance(value, Scalar) and value.value == "traffic"):
                message = f"a composite has no `{name}`: it adds up the shares of its parts, and counts no events"
                self.fault("composite", message, key.span, "give it to the parts")

    def _name(self, item: MapNode, node: MapNode) -> Scalar | None:
        """The name of a part that can be one."""
        name = item.get("objective")
        if not isinstance(name, Scalar) or not self.known("objective", name, self._bodies):
            return None
        if name.text.value == text(node, "name"):
            self.fault("composite", "a composite of itself", name.span, "name the objectives that it is made of")
        elif self._bodies[name.text.value].get("composite") is not None:
            message = f"`{name.text.value}` is a composite itself"
            self.fault("composite", message, name.span, "name its parts here, with their weights multiplied")
        else:
            return name
        return None

    def _check_each(self, names: list[Scalar]) -> None:
        seen: set[str] = set()
        for name in names:
            if name.text.value in seen:
                message = f"`{name.text.value}` is a part twice"
                self.fault("composite", message, name.span, "name it once, with the weights added up")
            seen.add(name.text.value)

    def _check_groups(self, names: list[Scalar]) -> None:
        """Parts add up group by group."""
        grouped = [(name, self.by(self._bodies[name.text.value])) for name in names]
        known = [(name, by) for name, by in grouped if by is not None]
        for name, by in known[1:]:
            first, wanted = known[0]
            if set(by) != set(wanted):
                message = (
                    f"`{name.text.value}` is grouped by {_listed(by)}, and `{first.text.value}` by {_listed(wanted)}"
                )
                self.fault("composite", message, name.span, "parts add up group by group: group both alike")

    def _weight(self, item: MapNode) -> Decimal:
        """The weight of a part; 0 where it is faulty."""
        weight = self.share(item.get("weight"))
        if weight is not None and not 0 < weight < 1:
            place = item.get("weight") or item
            self.fault("composite", "expected a weight between 0% and 100%", place.span)
            return Decimal(0)
        return weight or Decimal(0)


def _listed(by: tuple[str, ...]) -> str:
    return ", ".join(f"`{label}`" for label in by) or "nothing"


def _balanced(parts: list[Part], total: Decimal) -> str:
    """The weights in the same proportion, where that gives whole percents."""
    scaled = [part.weight / total for part in parts]
    if any(weight * 100 % 1 for weight in scaled):
        return ""
    return f"in the same proportion: {', '.join(f'`{percent(weight)}`' for weight in scaled)}"
