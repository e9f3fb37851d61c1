"""A document to a Spec: quantities, durations and PromQL read, names resolved, units held against each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from tocsin.diagnostics import Problem, Problems, Source, Span
from tocsin.document import MapNode, Node, Scalar
from tocsin.indicators.api import KINDS, Indicator
from tocsin.spec.model import Alert, Condition, Guard, Spec
from tocsin.spec.objectives import ObjectiveReader
from tocsin.spec.settings import Settings
from tocsin.spec.validate import validate
from tocsin.spec.values import Values, entries, items, nested, text, texts

IGNORE = "ignore"
"""The `no_data` of an alert that is not to tell of vanished series."""

RULE_LABELS = ("indicator", "owner", "service", "severity")
"""Labels that every alert has from the spec's own keys."""


def is_spec(node: Node) -> bool:
    """Whether a document is meant as a spec."""
    return isinstance(node, MapNode) and any(node.get(key) for key in ("service", "indicators", "alerts", "objectives"))


def read_spec(node: Node, source: Source, settings: Settings, problems: Problems) -> Spec | None:
    """The spec in a document. What is faulty is reported; None where the shape is not that of a spec."""
    sound, rest = validate(node, "spec", problems)
    if not isinstance(node, MapNode) or not isinstance(rest, MapNode):
        return None
    spec = _Reader(source, settings, problems).spec(
        rest, [key.text.value for key, _ in entries(node.get("indicators"))]
    )
    return spec if sound else None


class _Reader(Values):
    def __init__(self, source: Source, settings: Settings, problems: Problems) -> None:
        super().__init__(problems)
        self._source = source
        self._settings = settings
        self._indicators: dict[str, Indicator | None] = {}
        self._labels: tuple[str, ...] = RULE_LABELS

    def spec(self, node: MapNode, indicators: Iterable[str]) -> Spec:
        """The spec of a document; `indicators` names those that were written, the faulty ones too."""
        self._indicators = dict.fromkeys(indicators)
        for key, value in entries(node.get("indicators")):
            self._indicators[key.text.value] = self._indicator(value)
        self._labels = (*RULE_LABELS, *texts(node.get("labels")))
        owner = node.get("owner")
        if isinstance(owner, Scalar) and self._settings.owners:
            self.known("owner", owner, self._settings.owners)
        alerts = [self._alert(item) for item in items(node.get("alerts")) if isinstance(item, MapNode)]
        return Spec(
            text(node, "service"),
            self._source,
            text(node, "owner"),
            text(node, "runbook"),
            texts(node.get("labels")),
            {name: indicator for name, indicator in self._indicators.items() if indicator},
            tuple(alert for alert in alerts if alert),
            ObjectiveReader(self._settings, self._indicators, self._labels, self.problems).objectives(node),
            {key.text.value: value.span for key, value in node.entries} | nested("indicators", node),
        )

    def _indicator(self, node: Node) -> Indicator | None:
        assert isinstance(node, MapNode)
        by = tuple(item.text.value for item in items(node.get("by")) if isinstance(item, Scalar))
        key, body = next((key, value) for key, value in node.entries if key.text.value in KINDS)
        return KINDS[key.text.value].read(body, by, self.problems)

    def _alert(self, node: MapNode) -> Alert | None:
        name, title = node.get("indicator"), node.get("name")
        if not isinstance(name, Scalar) or not isinstance(title, Scalar):
            return None
        self.known("indicator", name, self._indicators)
        severity = node.get("severity")
        if isinstance(severity, Scalar):
            self.known("severity", severity, [one.name for one in self._settings.severities])
        no_data = node.get("no_data")
        if isinstance(no_data, Scalar):
            self.known("severity", no_data, [IGNORE, *(one.name for one in self._settings.severities)])
        indicator = self._indicators.get(name.text.value)
        condition = self._condition(node, indicator)
        lengths = {key: self.duration(node, key) for key in ("for", "keep_firing_for", "over")}
        unread = any(node.get(key) and length is None for key, length in lengths.items())
        guard = self._guard(node.get("while"))
        if indicator is None or condition is None or unread:
            return None
        self._check_groups(indicator, name, texts(node.get("labels")))
        self._check_templates(node)
        events = node.get("min_events")
        return Alert(
            title.text.value,
            name.text.value,
            condition,
            lengths["for"] or 0,
            lengths["keep_firing_for"] or 0,
            lengths["over"],
            guard,
            events.value if isinstance(events, Scalar) and isinstance(events.value, int) else None,
            text(node, "no_data"),
            text(node, "severity"),
            text(node, "summary"),
            text(node, "action"),
            text(node, "runbook"),
            labels=texts(node.get("labels")),
            places={key.text.value: value.span for key, value in node.entries}
            | nested("labels", node)
            | {"rule": node.span},
        )

    def _check_groups(self, indicator: Indicator, name: Scalar, labels: Mapping[str, str]) -> None:
        """Prometheus refuses to evaluate a rule whose own labels make its groups the same."""
        for label in indicator.by:
            if label in self._labels or label in labels:
                message = f"`{name.text.value}` is grouped by `{label}`, and the alert sets this label itself"
                self.fault("label", message, name.span, "group by another label, or leave this one out of `labels`")

    def _check_templates(self, node: MapNode) -> None:
        """Labels and annotations of an alert are templates."""
        self.check_templates(*(node.get(key) for key in ("summary", "action", "runbook")))
        self.check_templates(*(value for _, value in entries(node.get("labels"))))

    def _guard(self, node: Node | None) -> Guard | None:
        if not isinstance(node, MapNode):
            return None
        name = node.get("indicator")
        assert isinstance(name, Scalar)
        self.known("indicator", name, self._indicators)
        indicator = self._indicators.get(name.text.value)
        condition = self._condition(node, indicator)
        return Guard(name.text.value, condition) if condition and indicator else None

    def _condition(self, node: MapNode, indicator: Indicator | None) -> Condition | None:
        for kind in ("above", "below"):
            if (value := node.get(kind)) is not None:
                return self._threshold(kind, (value,), indicator)
        if (range_ := node.get("outside")) is not None:
            return self._threshold("outside", items(range_), indicator)
        if (absent := node.get("absent")) is not None:
            if indicator and indicator.watched() is None:
                self.fault(
                    "condition", "this indicator reads several metrics, and any of them may be absent", absent.span
                )
                return None
            return Condition("absent")
        horizon = self.duration(node, "fills_in")
        if horizon is None or indicator is None:
            return None
        if indicator.forecast(horizon, horizon) is None:
            place = node.get("fills_in") or node
            self.fault("condition", "only an indicator with a capacity (`usage`) can fill", place.span)
            return None
        return Condition("fills_in", horizon=horizon)

    def _threshold(
        self, kind: Literal["above", "below", "outside"], nodes: tuple[Node, ...], indicator: Indicator | None
    ) -> Condition | None:
        found = [self.quantity(node, indicator.unit if indicator else None) for node in nodes]
        values = tuple(quantity for quantity in found if quantity)
        if len(values) < len(nodes):
            return None
        if kind == "outside" and values[0].exact >= values[1].exact:
            self.fault("range", "expected the lower value first", nodes[0].span)
            return None
        return Condition(kind, values)


def duplicate_names(specs: list[Spec]) -> Iterator[Problem]:
    """Alerts and services whose name another file has taken."""
    for noun, named in (("service", _services(specs)), ("alert", _alerts(specs))):
        first: dict[str, Span] = {}
        for name, span in named:
            if name in first:
                message = f"{noun} `{name}` is also defined in {first[name].source.path}:{first[name].line}"
                yield Problem("spec/duplicate-name", message, span, help="give each a name of its own")
            first.setdefault(name, span)


def _services(specs: list[Spec]) -> Iterator[tuple[str, Span]]:
    return ((spec.service, spec.places["service"]) for spec in specs)


def _alerts(specs: list[Spec]) -> Iterator[tuple[str, Span]]:
    return ((alert.name, alert.places["name"]) for spec in specs for alert in spec.alerts)
