"""`latency`: how long requests take, from a classic histogram: a quantile in seconds, or the share that is slower."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from tocsin.diagnostics import Problem, Problems
from tocsin.document import Node, Scalar
from tocsin.indicators.api import POSITIVE, PROMQL, SHARE, Counts, Indicator, Plain, field, kind, read_selector
from tocsin.indicators.counting import since
from tocsin.indicators.native import NativeQuantile, NativeSlower
from tocsin.promql import build
from tocsin.promql.ast import Expr, Matcher, VectorSelector
from tocsin.quantity import Quantity, Unit, parse_quantity

LE = "le"


@dataclass(frozen=True, slots=True)
class Quantile(Plain):
    """The duration that a share `quantile` of the requests does not exceed, in seconds."""

    histogram: VectorSelector
    quantile: float
    by: tuple[str, ...]
    unit: Unit = Unit.SECONDS
    bounds: tuple[float, float] = POSITIVE
    smoothed: bool = True

    def value(self, window: int | None) -> Expr:
        """Without requests the quantile is NaN, which no comparison accepts."""
        rate = build.call("rate", build.over(_part(self.histogram, "_bucket"), window or 0))
        buckets = build.aggregate("sum", rate, (*self.by, LE))
        return build.call("histogram_quantile", build.number(self.quantile), buckets)

    def watched(self) -> VectorSelector:
        return _part(self.histogram, "_count")

    def events(self, window: int) -> Expr:
        return _requests(self.histogram, window, self.by)


@dataclass(frozen=True, slots=True)
class Slower(Plain):
    """The share of requests that take longer than a bucket's bound, in seconds."""

    histogram: VectorSelector
    within: Decimal
    by: tuple[str, ...]
    unit: Unit = Unit.RATIO
    bounds: tuple[float, float] = SHARE
    smoothed: bool = True

    def value(self, window: int | None) -> Expr:
        """One less the share that is in time; without requests there is no value."""
        in_time, total = (
            build.aggregate("sum", build.call("rate", build.over(selector, window or 0)), self.by)
            for selector in (self.watched(), _part(self.histogram, "_count"))
        )
        share = build.binary(in_time, "/", build.compare(total, ">", build.number(0)))
        return build.binary(build.number(1), "-", share)

    def counts(self, step: int, tiled: int) -> Counts:
        """Those that are in time among all."""
        total = _part(self.histogram, "_count")
        return Counts(since(total, step, tiled, self.by), since(self.watched(), step, tiled, self.by, total), good=True)

    def watched(self) -> VectorSelector:
        """The one bucket: where the histogram has no such bound, the alert on missing data says so."""
        return _part(self.histogram, "_bucket", _bound(self.within))

    def events(self, window: int) -> Expr:
        return _requests(self.histogram, window, self.by)


def _requests(histogram: VectorSelector, window: int, by: tuple[str, ...]) -> Expr:
    return build.aggregate("sum", build.call("increase", build.over(_part(histogram, "_count"), window)), by)


def _part(histogram: VectorSelector, suffix: str, *matchers: Matcher) -> VectorSelector:
    return replace(histogram, name=f"{histogram.name}{suffix}", matchers=(*histogram.matchers, *matchers))


def _bound(within: Decimal) -> Matcher:
    """A bucket's label: `0.3`; a whole number is written `1` by some clients, and `1.0` by Prometheus 3."""
    text = f"{within.normalize():f}"
    return Matcher(LE, "=~", rf"{text}(\.0)?") if within == int(within) else Matcher(LE, "=", text)


@kind(
    "latency",
    "How long requests take, from a histogram: a `quantile`, or the share that is not `within` a bound.",
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["histogram"],
        "properties": {
            "histogram": {**PROMQL, "description": "The histogram's name with its labels, without `_bucket`."},
            "native": {
                "description": "Whether it is a native histogram: any bound will do then. Default: false.",
                "type": "boolean",
                "x-expected": "`true` or `false`",
            },
            "quantile": {
                "description": "Such as `99%`: the value is the time that 99% of the requests do not exceed.",
                "type": "string",
                "x-expected": "a share such as `99%`",
            },
            "within": {
                "description": "A bucket's bound, such as `300ms`: the value is the share of requests that are slower.",
                "type": "string",
                "x-expected": "a time such as `300ms`",
            },
        },
        "oneOf": [{"required": ["quantile"]}, {"required": ["within"]}],
        "x-expected": "`histogram`, and one of `quantile` and `within`",
    },
)
def read(node: Node, by: tuple[str, ...], problems: Problems) -> Indicator | None:
    written = field(node, "histogram")
    histogram = read_selector(written, problems)
    quantile = _quantity(field(node, "quantile"), Unit.RATIO, problems)
    within = _quantity(field(node, "within"), Unit.SECONDS, problems)
    if histogram is None or written is None:
        return None
    if histogram.name is None or histogram.name.endswith(("_bucket", "_count", "_sum")):
        help = f"write `{(histogram.name or '').rpartition('_')[0]}`" if histogram.name else "name the histogram"
        message = "expected the histogram's own name, without `_bucket`, `_count` or `_sum`"
        problems.add(Problem("spec/selector", message, written.span, help=help))
        return None
    native = field(node, "native")
    if native is not None and native.value is True:
        if within:
            return NativeSlower(histogram, within.exact, by)
        return NativeQuantile(histogram, quantile.value, by) if quantile else None
    if within:
        return Slower(histogram, within.exact, by)
    return Quantile(histogram, quantile.value, by) if quantile else None


def _quantity(node: Scalar | None, unit: Unit, problems: Problems) -> Quantity | None:
    if node is None:
        return None
    example = "99%" if unit is Unit.RATIO else "300ms"
    try:
        quantity = parse_quantity(node.text.value)
    except ValueError:
        quantity = None
    if (
        quantity is None
        or quantity.unit is not unit
        or not quantity.exact > 0
        or (example == "99%" and quantity.exact >= 1)
    ):
        message = f"expected {'a share between 0% and 100%' if unit is Unit.RATIO else 'a time'}, such as `{example}`"
        problems.add(Problem("spec/quantity", f"{message}, found `{node.text.value}`", node.span))
        return None
    return quantity
