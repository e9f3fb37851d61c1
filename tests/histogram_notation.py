"""Histograms as test series write them, `{{schema:1 count:3 buckets:[1 2]}}`, to histograms and back.

Source: prometheus/promql/parser/generated_parser.y, `histogram_series_value`; float_histogram.go, `TestExpression`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import cast

from tocsin.histograms.arithmetic import added, subtracted
from tocsin.histograms.model import CUSTOM, Counts, Hint, Histogram
from tocsin.histograms.notation import format_g

SCHEMAS = range(-4, 9)
HINTS = ("unknown", "reset", "not_reset", "gauge")
NUMBERS = ("count", "sum", "z_bucket", "z_bucket_w")
WHOLES = ("schema", "offset", "n_offset")
LISTS = ("buckets", "n_buckets", "custom_values")

_ENTRY = re.compile(r"\s*(\w+):(?:\[([^\]]*)\]|([^\s\[\]]+))")


def parse_histogram(text: str) -> Histogram:
    """The histogram that `{{...}}` writes. Raises ValueError, which says what is wrong."""
    if not (text.startswith("{{") and text.endswith("}}")):
        raise ValueError(f"a histogram stands between `{{{{` and `}}}}`: {text}")
    numbers, wholes, lists, hint = _entries(text[2:-2])
    schema, width = wholes.get("schema", 0), numbers.get("z_bucket_w", 0.0)
    if schema not in SCHEMAS and schema != CUSTOM:
        raise ValueError(f"a schema is -4 to 8, or {CUSTOM} for custom buckets: {schema}")
    if not 0 <= width < math.inf:
        raise ValueError(f"the zero bucket is not that wide: {width}")
    bounds, negative = lists.get("custom_values", ()), lists.get("n_buckets", ())
    positive, offset = lists.get("buckets", ()), wholes.get("offset", 0)
    if bounds and schema != CUSTOM:
        raise ValueError(f"only schema {CUSTOM} has `custom_values`")
    if schema == CUSTOM and (negative or width or "z_bucket" in numbers):
        raise ValueError("custom buckets are all in `buckets`")
    if schema == CUSTOM and not 0 <= offset <= offset + len(positive) <= len(bounds) + 1:
        raise ValueError("more buckets than `custom_values` part")
    return Histogram(
        schema,
        numbers.get("count", 0.0),
        numbers.get("sum", 0.0),
        width,
        numbers.get("z_bucket", 0.0),
        dict(enumerate(positive, offset)),
        dict(enumerate(negative, wholes.get("n_offset", 0))),
        tuple(bounds),
        hint,
    )


def _entries(text: str) -> tuple[Mapping[str, float], Mapping[str, int], Mapping[str, tuple[float, ...]], Hint]:
    numbers: dict[str, float] = {}
    wholes: dict[str, int] = {}
    lists: dict[str, tuple[float, ...]] = {}
    hint: Hint = "unknown"
    seen: set[str] = set()
    end = 0
    while text[end:].strip():
        found = _ENTRY.match(text, end)
        if found is None:
            raise ValueError(f"no entry of a histogram: {text[end:].strip()}")
        name, listed, value = found.groups()
        if name in seen:
            raise ValueError(f"`{name}` stands twice")
        seen.add(name)
        if name in LISTS and listed is not None:
            lists[name] = tuple(map(float, listed.split()))
        elif name in NUMBERS and value is not None:
            numbers[name] = float(value)
        elif name in WHOLES and value is not None:
            wholes[name] = int(value)
        elif name == "counter_reset_hint" and value in HINTS:
            hint = cast("Hint", value)
        else:
            raise ValueError(f"no entry of a histogram: {found[0].strip()}")
        end = found.end()
    return numbers, wholes, lists, hint


def histogram_sequence(base: Histogram, step: Histogram, times: int, *, falling: bool = False) -> list[Histogram]:
    """`base+step x times`: each sample is the one before it plus (or minus) the step. Raises ValueError."""
    if base.schema > step.schema and not base.custom:
        raise ValueError(f"cannot merge from schema {step.schema} to {base.schema}")
    combine: Callable[[Histogram, Histogram], Histogram] = subtracted if falling else added
    sequence = [base]
    for _ in range(times):
        sequence.append(combine(sequence[-1], step))
    return sequence


def format_histogram(h: Histogram) -> str:
    """The notation of test series; what is zero is left out."""
    parts = [f"schema:{h.schema}"] if h.schema else []
    for name, value in zip(NUMBERS, (h.count, h.sum, h.zero_count, h.zero_threshold), strict=True):
        if value != 0:
            parts.append(f"{name}:{format_g(value)}")
    if h.custom:
        parts.append(f"custom_values:{_listed(dict(enumerate(h.bounds)))}")
    if h.hint != "unknown":
        parts.append(f"counter_reset_hint:{h.hint}")
    for prefix, counts in (("", h.compacted().positive), ("n_", h.compacted().negative)):
        if counts:
            first = min(counts)
            parts += [f"{prefix}offset:{first}"] if first else []
            parts.append(f"{prefix}buckets:{_listed(counts)}")
    return "{{" + " ".join(parts) + "}}"


def _listed(counts: Counts) -> str:
    if not counts:
        return "[]"
    return "[" + " ".join(format_g(counts.get(i, 0.0)) for i in range(min(counts), max(counts) + 1)) + "]"
