"""`up`: the share of probes that failed, in a window."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.diagnostics import Problems
from tocsin.document import Node
from tocsin.indicators.api import PROMQL, SHARE, Counts, Indicator, Plain, field, kind, read_selector
from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector
from tocsin.quantity import Unit


@dataclass(frozen=True, slots=True)
class Up(Plain):
    """A metric that is 1 where a probe, or a scrape, went well, and 0 where it failed."""

    probe: VectorSelector
    by: tuple[str, ...]
    unit: Unit = Unit.RATIO
    bounds: tuple[float, float] = SHARE
    smoothed: bool = True

    def value(self, window: int | None) -> Expr:
        well = build.aggregate("avg", build.smooth(self.probe, window), self.by)
        return build.binary(build.number(1), "-", well)

    def counts(self, step: int, tiled: int) -> Counts:  # noqa: ARG002 - the protocol's signature
        """Each probe once: those that went well among all."""
        well, all_ = (
            build.aggregate("sum", build.call(function, build.over(self.probe, tiled)), self.by)
            for function in ("sum_over_time", "count_over_time")
        )
        return Counts(all_, well, good=True)

    def watched(self) -> VectorSelector:
        return self.probe


@kind(
    "up",
    "The share of failed probes: `up`, `probe_success` or another metric that is 1 or 0.",
    {**PROMQL, "x-expected": 'a metric that is 1 or 0, such as `up{job="x"}`'},
)
def read(node: Node, by: tuple[str, ...], problems: Problems) -> Indicator | None:
    probe = read_selector(field(node, ""), problems)
    return Up(probe, by) if probe else None
