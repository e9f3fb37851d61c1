"""A result of an alert's expression to the labels and annotations of the alert, templates expanded at that time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from tocsin.alerts.dependencies import could_read, where
from tocsin.diagnostics import Problem, ProblemError, Severity, Text
from tocsin.engine.evaluate import evaluate_instant
from tocsin.engine.semantics import Semantics
from tocsin.histograms.model import Histogram
from tocsin.histograms.notation import describe
from tocsin.labels import NAME, Labels, from_mapping
from tocsin.promql.ast import Expr, ValueType, selectors, value_type
from tocsin.promql.check import check
from tocsin.promql.durations import resolve
from tocsin.promql.parse import parse
from tocsin.rules import AlertingRule
from tocsin.series import Recording
from tocsin.templates import values
from tocsin.templates.actions import reads
from tocsin.templates.values import CallError, Data, Sample, UnsupportedTemplateError

Number: TypeAlias = float | Histogram


_KNOWN = 100_000
"""Texts of a rule that are kept."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an evaluation returned: the labels of the result, its value, and the time in Unix milliseconds."""

    labels: Labels
    value: Number
    time: int


@dataclass(frozen=True, slots=True)
class Server:
    """What templates can ask of the Prometheus that evaluates them."""

    external_url: str
    external_labels: Mapping[str, str]


@dataclass(slots=True)
class Texts:
    """The labels and annotations of one rule.

    `source` is what queries in templates read, and `unknown` has the names of the series that they cannot:
    Prometheus has them from rules that are evaluated elsewhere or later; `server` is None where nothing is known of it.
    A template that fails gives Prometheus's words for it, and a problem; one of which the text is not known raises
    ProblemError. `named` are the labels of alerts by those of results, where they depend on nothing else.
    """

    rule: AlertingRule
    semantics: Semantics
    source: Callable[[], Recording]
    unknown: Sequence[str] = ()
    server: Server | None = None
    problems: dict[str, Problem] = field(default_factory=dict)
    known: dict[tuple[str, Labels, str], str] = field(default_factory=dict)
    named: dict[Labels, Labels] = field(default_factory=dict)

    @property
    def expands_labels(self) -> bool:
        """Whether any label is a template."""
        return any("{{" in text for text in self.rule.labels.values())

    @property
    def changing(self) -> bool:
        """Whether labels depend on more than the labels of a result."""
        return any(reads(text, "value", "query", "now") for text in self.rule.labels.values())

    def labels(self, found: Found) -> Labels:
        """The labels of an alert; an empty one deletes, and the rule's name comes last."""
        own = {name: self._text(f"labels.{name}", text, found) for name, text in self.rule.labels.items()}
        return from_mapping({**dict(found.labels), NAME: "", **own, "alertname": self.rule.name})

    def annotations(self, found: Found) -> Mapping[str, str]:
        """The annotations of an alert; without those of which the text is not known."""
        told = {}
        for name, text in self.rule.annotations.items():
            try:
                told[name] = self._text(f"annotations.{name}", text, found)
            except ProblemError as error:
                self.problems.setdefault(f"annotations.{name}", error.problem)
        return told

    def _text(self, part: str, text: str, found: Found) -> str:
        """The text of a label or annotation; kept, for alerts come back with the same labels and value."""
        if "{{" not in text:
            return text
        if isinstance(found.value, Histogram) or reads(text, "query", "now"):
            return self._expanded(part, text, found)
        key = part, found.labels, repr(found.value) if reads(text, "value") else ""
        if key not in self.known:
            if len(self.known) >= _KNOWN:
                self.known.clear()
            self.known[key] = self._expanded(part, text, found)
        return self.known[key]

    def _expanded(self, part: str, text: str, found: Found) -> str:
        from tocsin.templates.expand import expand  # rules without templates need not wait for these
        from tocsin.templates.functions import Environment

        server = self.server or Server("", {})
        compat = self.semantics.compat
        environment = Environment(lambda query: self._query(query, found.time), found.time, server.external_url, compat)
        data = Data(dict(found.labels), self._value(found.value), server.external_labels, server.external_url)
        place = where(self.rule, part)
        kind, name = part.split(".", 1)
        shown = f"{kind.removesuffix('s')} `{name}` of `{self.rule.name}`"
        try:
            if self.server is None and reads(text, "server"):
                raise UnsupportedTemplateError("it asks for the external URL or labels of the server")
            expanded = expand(text, self.rule.name, data, environment)
        except UnsupportedTemplateError as error:
            message = f"what the {shown} says is not known: {error}"
            raise ProblemError(Problem("backtest/template", message, place, severity=Severity.WARNING)) from None
        if expanded.error and part not in self.problems:
            time = datetime.fromtimestamp(found.time / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            message = f"the template of the {shown} fails, first at {time}: {expanded.error}"
            self.problems[part] = Problem("backtest/template", message, place, severity=Severity.WARNING)
        return expanded.text

    def _value(self, value: Number) -> float | values.Histogram:
        if not isinstance(value, Histogram):
            return value
        return values.Histogram(describe(value)) if self.semantics.compat > 2 else 0.0

    def _query(self, text: str, time: int) -> list[Sample]:
        """What a query in a template returns."""
        expr = self._parsed(text)
        for selector in selectors(expr):
            if name := could_read(selector, self.unknown):
                raise UnsupportedTemplateError(f"it queries `{name}`, which a rule records that is evaluated elsewhere")
        try:
            result = evaluate_instant(expr, self.source(), time, self.semantics)
        except ProblemError as error:
            if error.problem.code.startswith("input/"):
                raise  # the recording cannot be read, whatever the template
            raise UnsupportedTemplateError(f"its query `{text}`: {error.problem.message}") from None
        if result.failures:
            raise CallError(result.failures[0].problem.message)
        frame = result.frame
        held = [None] * len(frame.labels) if frame.histograms is None else frame.histograms[:, 0]
        return [
            Sample(dict(labels), self._value(one if isinstance(one, Histogram) else float(number)))
            for labels, number, one, there in zip(
                frame.labels, frame.values[:, 0], held, frame.present[:, 0], strict=True
            )
            if there
        ]

    def _parsed(self, text: str) -> Expr:
        """The expression of a query. What Prometheus refuses is refused here in other words, so it is not known."""
        try:
            expr = resolve(parse(Text.of(text)))
        except ProblemError as error:
            raise UnsupportedTemplateError(f"its query `{text}` fails: {error.problem.message}") from None
        problems = [problem for problem in check(expr) if problem.severity is Severity.ERROR]
        if problems:
            raise UnsupportedTemplateError(f"its query `{text}` fails: {problems[0].message}")
        if value_type(expr) not in (ValueType.VECTOR, ValueType.SCALAR):
            raise CallError("rule result is not a vector or scalar")
        return expr
