"""A document's nodes to values: texts, durations, quantities and names, with what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tocsin.diagnostics import Problem, Problems, Span
from tocsin.document import ListNode, MapNode, Node, Scalar
from tocsin.duration import parse_duration
from tocsin.quantity import EXAMPLES, Quantity, Unit, parse_quantity
from tocsin.registry import suggest
from tocsin.templates.actions import syntax_fault


class Values:
    """Reads values whose shape is valid; what is faulty in them goes to the problems, and is None."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def fault(self, name: str, message: str, span: Span, help: str = "") -> None:
        self.problems.add(Problem(f"spec/{name}", message, span, help=help))

    def known(self, noun: str, name: Scalar, known: Mapping[str, object] | Iterable[str]) -> bool:
        """Whether a name is one of those that are defined."""
        names = list(known)
        if name.text.value in names:
            return True
        message = f"{noun} `{name.text.value}` is not defined"
        self.fault("unknown-name", message, name.span, suggest(name.text.value, names))
        return False

    def duration(self, node: MapNode, key: str) -> int | None:
        """The milliseconds under a key."""
        value = node.get(key)
        if not isinstance(value, Scalar):
            return None
        try:
            return parse_duration(value.text.value)
        except ValueError as error:
            self.fault("duration", f"`{value.text.value}` is not a duration: {error}", value.span)
            return None

    def time_zone(self, node: Node) -> str | None:
        """The name of a time zone."""
        assert isinstance(node, Scalar)
        name = node.text.value
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            near = get_close_matches(name, available_timezones(), n=1)
            help = f"did you mean `{near[0]}`?" if near else "write `Europe/Berlin`"
            self.fault("time-zone", f"there is no time zone `{name}`", node.span, help)
            return None
        return name

    def check_templates(self, *values: Node | None) -> None:
        """Prometheus loads no rule in which a template is faulty."""
        for value in values:
            fault = syntax_fault(value.text.value) if isinstance(value, Scalar) else None
            if isinstance(value, Scalar) and fault:
                self.fault("template", f"not a template: {fault.message}", value.text.at(fault.start, fault.end))

    def quantity(self, node: Node, unit: Unit | None) -> Quantity | None:
        """A quantity in a unit; None takes any."""
        assert isinstance(node, Scalar)
        written = node.text.value
        try:
            quantity = parse_quantity(written)
        except ValueError as error:
            self.fault("quantity", f"`{written}` is not a quantity: {error}", node.span)
            return None
        if unit is None or quantity.unit is unit:
            return quantity
        help = f"write `{_with_unit(quantity, unit)}`" if quantity.unit is Unit.COUNT else ""
        if quantity.unit is Unit.COUNT:
            self.fault("unit-missing", f"`{written}` has no unit; the indicator is in {_name(unit)}", node.span, help)
        else:
            message = f"`{written}` is in {_name(quantity.unit)}, and the indicator in {_name(unit)}"
            self.fault("unit", message, node.span, f"write a value such as `{EXAMPLES[unit]}`")
        return None


def _name(unit: Unit) -> str:
    named = {
        Unit.RATIO: "percent",
        Unit.PER_SECOND: "events per second",
        Unit.COUNT: "plain numbers",
        Unit.CELSIUS: "degrees",
    }
    return named.get(unit, unit.value.replace("_", " "))


def _with_unit(quantity: Quantity, unit: Unit) -> str:
    """What the author of a bare number probably meant."""
    number = f"{quantity.exact:f}"
    match unit:
        case Unit.RATIO:
            return f"{(quantity.exact * 100).normalize():f}%" if quantity.exact < 1 else f"{number}%"
        case Unit.SECONDS:
            return f"{number}s"
        case Unit.PER_SECOND:
            return f"{number}/s"
    return EXAMPLES[unit] if unit is not Unit.CELSIUS else f"{number}C"


def entries(node: Node | None) -> tuple[tuple[Scalar, Node], ...]:
    """The keys and values of a mapping; none of anything else."""
    return node.entries if isinstance(node, MapNode) else ()


def items(node: Node | None) -> tuple[Node, ...]:
    """The items of a list; none of anything else."""
    return node.items if isinstance(node, ListNode) else ()


def text(node: MapNode, key: str) -> str:
    """The text under a key; empty where there is none."""
    value = node.get(key)
    return value.text.value if isinstance(value, Scalar) else ""


def texts(node: Node | None) -> dict[str, str]:
    """The names and texts of a mapping."""
    return {key.text.value: value.text.value for key, value in entries(node) if isinstance(value, Scalar)}


def nested(name: str, node: MapNode) -> dict[str, Span]:
    """Where the keys of a mapping stand, as `name.KEY`, and the keys with their values, as `name.KEY.whole`."""
    found = entries(node.get(name))
    wholes = {f"{name}.{key.text.value}.whole": replace(key.span, end=value.span.end) for key, value in found}
    return {f"{name}.{key.text.value}": key.span for key, _ in found} | {
        # The value of an alias stands where its anchor does.
        name: whole
        for name, whole in wholes.items()
        if whole.end > whole.start
    }
