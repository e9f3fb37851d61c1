"""Label sets: sorted tuples of (name, value), so that they hash, and compare as Prometheus orders series.

Prometheus compares label sets pair by pair in the order of the names (model/labels `Compare`); tuples do the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import TypeAlias

Labels: TypeAlias = tuple[tuple[str, str], ...]

NAME = "__name__"
EMPTY: Labels = ()

_PLAIN_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PLAIN_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def from_mapping(mapping: Mapping[str, str]) -> Labels:
    """A label set; a label with an empty value is a label that is not there."""
    return tuple(sorted((name, value) for name, value in mapping.items() if value))


def get(labels: Labels, name: str) -> str:
    """The value of a label, empty where the label is not there."""
    for key, value in labels:
        if key == name:
            return value
    return ""


def keep(labels: Labels, names: Collection[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] in names)


def drop(labels: Labels, names: Collection[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] not in names)


def is_plain_name(text: str) -> bool:
    """Whether a label name can be written without quotes."""
    return _PLAIN_NAME.fullmatch(text) is not None


def is_plain_metric(text: str) -> bool:
    """Whether a metric name can be written without quotes."""
    return _PLAIN_METRIC.fullmatch(text) is not None


def quote(text: str) -> str:
    """A string as Prometheus writes it, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def format_labels(labels: Labels) -> str:
    """A series as Prometheus writes it: `name{label="value"}`.

    >>> format_labels((("__name__", "up"), ("job", "api")))
    'up{job="api"}'
    """
    name = get(labels, NAME)
    plain = not name or is_plain_metric(name)
    pairs = [] if plain else [quote(name)]
    pairs += [f"{key if is_plain_name(key) else quote(key)}={quote(value)}" for key, value in drop(labels, (NAME,))]
    body = "{" + ", ".join(pairs) + "}" if pairs or not name else ""
    return (name if plain else "") + body
