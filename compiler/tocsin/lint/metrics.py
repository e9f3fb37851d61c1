"""A metric to its type: as the settings declare it, else as its name tells."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tocsin.lint.matchers import selectors
from tocsin.promql.ast import Expr
from tocsin.spec.settings import MetricType

COUNTER_SUFFIXES = ("_total", "_bucket", "_count", "_sum")
_HISTOGRAM = ("_bucket", "_count", "_sum")
_SUMMARY = ("_count", "_sum")
_GAUGE = re.compile(
    r"up|.*(_(ratio|percent|celsius|info|timestamp_seconds|created|up)"
    r"|(mem|heap|free|avail|used|usage|limit|capacity)[a-z_]*_bytes)",
    re.IGNORECASE,
)
"""`_bytes` alone may be sent bytes, of exporters that give counters no suffix, or sizes in a native histogram."""


def type_of(name: str | None, declared: Mapping[str, MetricType]) -> MetricType | None:
    """The type of what a selector of that name reads; None where nothing tells.

    The series of a declared histogram or summary are counters, but for its quantiles. Without a declaration, the
    conventions of Prometheus's client libraries hold: `_total`, and `_bucket`, `_count` and `_sum`, are counters. A
    name with a colon is recorded, and tells nothing.
    """
    if name is None:
        return None
    if name in declared:
        return declared[name]
    for kind, suffixes in (("histogram", _HISTOGRAM), ("summary", _SUMMARY)):
        stems = (name.removesuffix(suffix) for suffix in suffixes if name.endswith(suffix))
        if any(declared.get(stem) == kind for stem in stems):
            return "counter"
    if ":" in name:
        return None
    if name.endswith(COUNTER_SUFFIXES):
        return "counter"
    return "gauge" if _GAUGE.fullmatch(name) else None


def is_sure(name: str | None, declared: Mapping[str, MetricType]) -> bool:
    """Whether the type is declared, or told by a suffix that nobody gives to anything else."""
    return name is not None and (name in declared or name.endswith(("_total", "_bucket")))


def is_renamed(expr: Expr, declared: Mapping[str, MetricType]) -> bool:
    """Whether an expression reads a gauge that is named like a counter: its values are not what `bounds` says."""
    if not declared:
        return False
    names = (node.name or "" for node in selectors(expr))
    return any(name.endswith(COUNTER_SUFFIXES) and declared.get(name) == "gauge" for name in names)
