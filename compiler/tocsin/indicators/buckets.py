"""A histogram, classic or native, to what `latency` asks of it: a quantile, and the share of requests within a bound.

Windows and steps are milliseconds, bounds are seconds; each answer has one series for each group of `by`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from tocsin.indicators.api import Counts
from tocsin.indicators.counting import since
from tocsin.promql import build
from tocsin.promql.ast import Expr, Matcher, VectorSelector

LE = "le"

LEAST = 5 * 60_000
"""The least window in ms of a rate that counts the requests of a step: it needs several scrapes."""


class Histogram(Protocol):
    """What the requests of a service took."""

    def quantile(self, share: float, window: int, by: tuple[str, ...]) -> Expr:
        """The seconds that a share of the requests does not exceed; NaN without requests, which no comparison takes."""
        ...

    def in_time(self, within: Decimal, window: int, by: tuple[str, ...]) -> Expr:
        """The share of requests that take no longer than a bound; NaN or no value without requests."""
        ...

    def requests(self, window: int, by: tuple[str, ...]) -> Expr:
        """How many there were in a window."""
        ...

    def counts(self, within: Decimal, step: int, tiled: int, by: tuple[str, ...]) -> Counts:
        """Those of a step, and of them those that are in time."""
        ...

    def watched(self, within: Decimal | None = None) -> VectorSelector:
        """The series without which there is no quantile, or no share within a bound."""
        ...


@dataclass(frozen=True, slots=True)
class Classic:
    """A counter for each bound, in the label `le`; `base` has the name without `_bucket`."""

    base: VectorSelector

    def quantile(self, share: float, window: int, by: tuple[str, ...]) -> Expr:
        rate = build.call("rate", build.over(self._part("_bucket"), window))
        buckets = build.aggregate("sum", rate, (*by, LE))
        return build.call("histogram_quantile", build.number(share), buckets)

    def in_time(self, within: Decimal, window: int, by: tuple[str, ...]) -> Expr:
        in_time, total = (_summed("rate", selector, window, by) for selector in (self.watched(within), self.watched()))
        return build.binary(in_time, "/", build.compare(total, ">", build.number(0)))

    def requests(self, window: int, by: tuple[str, ...]) -> Expr:
        return _summed("increase", self.watched(), window, by)

    def counts(self, within: Decimal, step: int, tiled: int, by: tuple[str, ...]) -> Counts:
        total = self.watched()
        return Counts(since(total, step, tiled, by), since(self.watched(within), step, tiled, by, total), good=True)

    def watched(self, within: Decimal | None = None) -> VectorSelector:
        """The count, or one bucket: where the histogram has no such bound, the alert on missing data says so."""
        return self._part("_count") if within is None else self._part("_bucket", _bound(within))

    def _part(self, suffix: str, *matchers: Matcher) -> VectorSelector:
        return replace(self.base, name=f"{self.base.name}{suffix}", matchers=(*self.base.matchers, *matchers))


def _bound(within: Decimal) -> Matcher:
    """A bucket's label: `0.3`; a whole number is written `1` by some clients, and `1.0` by Prometheus 3."""
    text = f"{within.normalize():f}"
    return Matcher(LE, "=~", rf"{text}(\.0)?") if within == int(within) else Matcher(LE, "=", text)


@dataclass(frozen=True, slots=True)
class Native:
    """One series whose samples are histograms: any bound will do, by interpolation within one bucket."""

    series: VectorSelector

    def quantile(self, share: float, window: int, by: tuple[str, ...]) -> Expr:
        return build.call("histogram_quantile", build.number(share), _summed("rate", self.series, window, by))

    def in_time(self, within: Decimal, window: int, by: tuple[str, ...]) -> Expr:
        return _fraction(within, _summed("rate", self.series, window, by))

    def requests(self, window: int, by: tuple[str, ...]) -> Expr:
        return build.call("histogram_count", _summed("increase", self.series, window, by))

    def counts(self, within: Decimal, step: int, tiled: int, by: tuple[str, ...]) -> Counts:  # noqa: ARG002 - the protocol's signature
        """A step's part of the rate of a longer window: an estimate, for the difference of two samples has no share."""
        rate = _summed("rate", self.series, max(step, LEAST), by)
        total = build.binary(build.call("histogram_count", rate), "*", build.number(step / 1000))
        # Without requests the share of those in time is NaN, and drops out: none of none is in time.
        in_time = build.compare(_fraction(within, rate), ">=", build.number(0))
        return Counts(total, build.binary(total, "*", in_time), good=True)

    def watched(self, within: Decimal | None = None) -> VectorSelector:  # noqa: ARG002 - the protocol's signature
        return self.series


def _fraction(within: Decimal, rate: Expr) -> Expr:
    return build.call("histogram_fraction", build.number(0), build.number(float(within)), rate)


def _summed(function: str, selector: VectorSelector, window: int, by: tuple[str, ...]) -> Expr:
    return build.aggregate("sum", build.call(function, build.over(selector, window)), by)
