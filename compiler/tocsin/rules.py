"""Rule groups: where the two halves meet. What is compiled, linted, shipped, and backtested is this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tocsin.diagnostics import Span
from tocsin.promql.ast import Expr

Places: TypeAlias = Mapping[str, Span]
"""Where the parts of a rule were written: by field (`expr`, `for`), `labels.NAME`, `annotations.NAME`, `rule`."""


def no_places() -> Places:
    """Of what no file holds."""
    return {}


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """An alert as Prometheus evaluates it; durations in milliseconds."""

    name: str
    expr: Expr
    for_: int = 0
    keep_firing_for: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=no_places, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A series as Prometheus records it; `name` is the metric, and `comment` tells those who read the file of it."""

    name: str
    expr: Expr
    labels: Mapping[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=no_places, compare=False, repr=False)
    comment: str = field(default="", compare=False)


Rule: TypeAlias = AlertingRule | RecordingRule


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated in their order, every `interval` milliseconds (None: the server's default).

    Labels that a rule file gives to a whole group are merged into its rules when it is read.
    """

    name: str
    rules: tuple[Rule, ...]
    interval: int | None = None
    query_offset: int | None = None
    limit: int = 0
    places: Places = field(default_factory=no_places, compare=False, repr=False)


def place(rule: Rule | RuleGroup, *parts: str) -> Span:
    """Where the first of `parts` that was written stands, else where the rule stands."""
    written = next((part for part in parts if part in rule.places), "rule")
    return rule.places[written]
