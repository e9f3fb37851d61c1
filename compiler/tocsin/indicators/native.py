"""Native histograms to what `latency` asks of them: a quantile in seconds, or the share that is slower than a bound."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tocsin.indicators.api import POSITIVE, SHARE, Counts, Plain
from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector
from tocsin.quantity import Unit

LEAST = 5 * 60_000
"""The least window in ms of a rate that counts the requests of a step: it needs several scrapes."""


@dataclass(frozen=True, slots=True)
class NativeQuantile(Plain):
    """The duration that a share `quantile` of the requests does not exceed, in seconds."""

    histogram: VectorSelector
    quantile: float
    by: tuple[str, ...]
    unit: Unit = Unit.SECONDS
    bounds: tuple[float, float] = POSITIVE
    smoothed: bool = True

    def value(self, window: int | None) -> Expr:
        """Without requests the quantile is NaN, which no comparison accepts."""
        rate = _rate(self.histogram, window or 0, self.by)
        return build.call("histogram_quantile", build.number(self.quantile), rate)

    def watched(self) -> VectorSelector:
        return self.histogram

    def events(self, window: int) -> Expr:
        return _requests(self.histogram, window, self.by)


@dataclass(frozen=True, slots=True)
class NativeSlower(Plain):
    """The share of requests that take longer than `within` seconds, by interpolation within one bucket."""

    histogram: VectorSelector
    within: Decimal
    by: tuple[str, ...]
    unit: Unit = Unit.RATIO
    bounds: tuple[float, float] = SHARE
    smoothed: bool = True

    def value(self, window: int | None) -> Expr:
        """Without requests the share is NaN, which no comparison accepts."""
        return build.binary(build.number(1), "-", self._in_time(_rate(self.histogram, window or 0, self.by)))

    def counts(self, step: int, tiled: int) -> Counts:  # noqa: ARG002 - the protocol's signature
        """A step's part of the rate of a longer window: an estimate, for the difference of two samples has no share."""
        rate = _rate(self.histogram, max(step, LEAST), self.by)
        total = build.binary(build.call("histogram_count", rate), "*", build.number(step / 1000))
        # Without requests the share of those in time is NaN, and drops out: none of none is in time.
        in_time = build.compare(self._in_time(rate), ">=", build.number(0))
        return Counts(total, build.binary(total, "*", in_time), good=True)

    def watched(self) -> VectorSelector:
        return self.histogram

    def events(self, window: int) -> Expr:
        return _requests(self.histogram, window, self.by)

    def _in_time(self, rate: Expr) -> Expr:
        return build.call("histogram_fraction", build.number(0), build.number(float(self.within)), rate)


def _rate(histogram: VectorSelector, window: int, by: tuple[str, ...]) -> Expr:
    return build.aggregate("sum", build.call("rate", build.over(histogram, window)), by)


def _requests(histogram: VectorSelector, window: int, by: tuple[str, ...]) -> Expr:
    increase = build.aggregate("sum", build.call("increase", build.over(histogram, window)), by)
    return build.call("histogram_count", increase)
