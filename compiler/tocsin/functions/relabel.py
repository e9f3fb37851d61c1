"""Functions that rewrite labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import re2

from tocsin.functions.registry import STRING, VECTOR, function
from tocsin.functions.values import Compat, ExecutionError, Steps, Vector
from tocsin.labels import NAME, Labels, from_mapping, get, is_plain_name
from tocsin.promql.expand import expand
from tocsin.promql.match import anchored


@lru_cache(maxsize=1024)
def _anchored(pattern: str, dot_matches_newline: bool) -> re2._Regexp[str]:
    try:
        return anchored(pattern, dot_matches_newline)
    except re2.error as error:
        raise ExecutionError(f"invalid regular expression in label_replace(): {pattern}") from error


def is_label_name(name: str, compat: Compat) -> bool:
    """Whether a label can have this name; since Prometheus 3 any but the empty one will do."""
    return is_plain_name(name) if compat == 2 else name != ""


def relabelled(labels: Labels, name: str, value: str) -> Labels:
    """The label set with one label changed; an empty value removes it."""
    return from_mapping({**dict(labels), name: value})


def _check_name(steps: Steps, name: str, role: str) -> None:
    if not is_label_name(name, steps.compat):
        raise ExecutionError(f"invalid {role} label name in {steps.call.function}(): {name}")


def _changed(vector: Vector, labels: Sequence[Labels], target: str, rows: Sequence[bool]) -> Vector:
    """The vector with new labels; a name that was just given is the series's own."""
    vector = vector.renamed(labels)
    if vector.unnamed is None or target != NAME:
        return vector
    return replace(vector, unnamed=vector.unnamed & ~np.array(rows, dtype=np.bool_))


@function("label_replace", args=(VECTOR, STRING, STRING, STRING, STRING), returns=VECTOR, histograms="understood")
def label_replace(steps: Steps, vector: Vector, target: str, replacement: str, source: str, pattern: str) -> Vector:
    regex = _anchored(pattern, steps.compat == 3)
    _check_name(steps, target, "destination")

    matches = [regex.search(get(labels, source)) for labels in vector.labels]
    found = [
        labels if match is None else relabelled(labels, target, expand(replacement, match))
        for labels, match in zip(vector.labels, matches, strict=True)
    ]
    return _changed(vector, found, target, [match is not None for match in matches])


@function("label_join", args=(VECTOR, STRING, STRING, STRING), returns=VECTOR, repeated=True, histograms="understood")
def label_join(steps: Steps, vector: Vector, target: str, separator: str, *sources: str) -> Vector:
    for name in sources:
        _check_name(steps, name, "source")
    _check_name(steps, target, "destination")
    joined = [
        relabelled(labels, target, separator.join(get(labels, name) for name in sources)) for labels in vector.labels
    ]
    return _changed(vector, joined, target, [True] * len(joined))
