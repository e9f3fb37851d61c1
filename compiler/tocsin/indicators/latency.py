"""`latency`: how long requests take, from a histogram: a quantile in seconds, or the share that is slower."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import inf

from tocsin.diagnostics import Problem, Problems
from tocsin.document import Node, Scalar
from tocsin.indicators.api import POSITIVE, PROMQL, SHARE, Counts, Indicator, Plain, field, kind, read_selector
from tocsin.indicators.buckets import Classic, Histogram, Native
from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector
from tocsin.quantity import Quantity, Unit, parse_quantity


@dataclass(frozen=True, slots=True)
class Quantile(Plain):
    """The duration that a share `quantile` of the requests does not exceed, in seconds."""

    histogram: Histogram
    quantile: float
    by: tuple[str, ...]
    unit: Unit = Unit.SECONDS
    bounds: tuple[float, float] = POSITIVE
    smoothed: bool = True

    def value(self, window: int | None) -> Expr:
        return self.histogram.quantile(self.quantile, window or 0, self.by)

    def watched(self) -> VectorSelector:
        return self.histogram.watched()

    def events(self, window: int) -> Expr:
        return self.histogram.requests(window, self.by)


@dataclass(frozen=True, slots=True)
class Slower(Plain):
    """The share of requests that take longer than a bound, in seconds."""

    histogram: Histogram
    within: Decimal
    by: tuple[str, ...]
    unit: Unit = Unit.RATIO
    bounds: tuple[float, float] = SHARE
    smoothed: bool = True

    def value(self, window: int | None) -> Expr:
        return build.binary(build.number(1), "-", self.histogram.in_time(self.within, window or 0, self.by))

    def counts(self, step: int, tiled: int) -> Counts:
        return self.histogram.counts(self.within, step, tiled, self.by)

    def watched(self) -> VectorSelector:
        return self.histogram.watched(self.within)

    def events(self, window: int) -> Expr:
        return self.histogram.requests(window, self.by)


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
    asked = Native(histogram) if native is not None and native.value is True else Classic(histogram)
    if within:
        return Slower(asked, within.exact, by)
    return Quantile(asked, quantile.value, by) if quantile else None


def _quantity(node: Scalar | None, unit: Unit, problems: Problems) -> Quantity | None:
    if node is None:
        return None
    example = "99%" if unit is Unit.RATIO else "300ms"
    try:
        quantity = parse_quantity(node.text.value)
    except ValueError:
        quantity = None
    most = 1 if unit is Unit.RATIO else inf
    if quantity is None or quantity.unit is not unit or not 0 < quantity.exact < most:
        message = f"expected {'a share between 0% and 100%' if unit is Unit.RATIO else 'a time'}, such as `{example}`"
        problems.add(Problem("spec/quantity", f"{message}, found `{node.text.value}`", node.span))
        return None
    return quantity
