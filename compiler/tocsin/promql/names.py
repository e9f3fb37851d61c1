"""The names that PromQL knows: functions with the type of what they return, aggregations, and reserved words.

Source: prometheus/promql/parser/functions.go and lex.go.
"""

from __future__ import annotations

from tocsin.promql.ast import ValueType

# fmt: off
FUNCTIONS = frozenset({
    "abs", "absent", "absent_over_time", "acos", "acosh", "asin", "asinh", "atan", "atanh", "avg_over_time", "ceil",
    "changes", "clamp", "clamp_max", "clamp_min", "cos", "cosh", "count_over_time", "day_of_month", "day_of_week",
    "day_of_year", "days_in_month", "deg", "delta", "deriv", "double_exponential_smoothing", "end", "exp",
    "first_over_time", "floor", "histogram_avg", "histogram_count", "histogram_fraction", "histogram_quantile",
    "histogram_quantiles", "histogram_stddev", "histogram_stdvar", "histogram_sum", "hour", "idelta", "increase",
    "info", "irate", "label_join", "label_replace", "last_over_time", "ln", "log10", "log2", "mad_over_time",
    "max_of", "max_over_time", "min_of", "min_over_time", "minute", "month", "pi", "predict_linear",
    "present_over_time", "quantile_over_time", "rad", "range", "rate", "resets", "round", "scalar", "sgn", "sin",
    "sinh", "sort", "sort_by_label", "sort_by_label_desc", "sort_desc", "sqrt", "start", "start_timestamp",
    "stddev_over_time", "stdvar_over_time", "step", "sum_over_time", "tan", "tanh", "time", "timestamp",
    "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time", "vector", "year",
})
# fmt: on

_SCALAR_FUNCTIONS = frozenset({"end", "max_of", "min_of", "pi", "range", "scalar", "start", "step", "time"})

AGGREGATIONS = frozenset(
    {
        "avg",
        "bottomk",
        "count",
        "count_values",
        "group",
        "limit_ratio",
        "limitk",
        "max",
        "min",
        "quantile",
        "stddev",
        "stdvar",
        "sum",
        "topk",
    }
)

RENAMED = {"holt_winters": "double_exponential_smoothing"}
"""Functions that Prometheus 3 knows by another name."""

MODIFIERS = frozenset({"bool", "on", "ignoring", "group_left", "group_right"})
"""What can follow a binary operator, and so can be no metric without quotes."""

EXTENDED = frozenset({"anchored", "smoothed"})
"""What can follow a selector, and is a name elsewhere."""

EXTENDABLE = {
    "anchored": frozenset({"changes", "delta", "increase", "rate", "resets"}),
    "smoothed": frozenset({"delta", "increase", "rate"}),
}
"""The functions of a range vector with these modifiers, for it reaches beyond its range (promql/functions.go)."""

UNQUOTABLE = MODIFIERS | EXTENDED | {"inf", "nan", "atan2", "fill", "fill_left", "fill_right"}
"""Words that cannot be a metric wherever a metric can stand, or not in every version."""


def returns(function: str) -> ValueType:
    """The type of what a function returns."""
    return ValueType.SCALAR if function in _SCALAR_FUNCTIONS else ValueType.VECTOR
