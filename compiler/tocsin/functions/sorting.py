"""`sort_by_label`: the order of a vector by the values of labels, in which `a2` comes before `a10`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cmp_to_key, lru_cache

from tocsin.functions.registry import STRING, VECTOR, function
from tocsin.functions.values import Steps, Vector
from tocsin.labels import Labels, get

_CHUNKS = re.compile(r"[0-9]+|[^0-9]+")
_LARGEST = 2**63 - 1


@lru_cache(maxsize=65536)
def chunks(text: str) -> tuple[tuple[bytes, int | None], ...]:
    """The runs of digits and of others, with the number that the digits are if Go's `Atoi` reads it.

    >>> chunks("a10")
    ((b'a', None), (b'10', 10))
    """
    runs = _CHUNKS.findall(text)
    return tuple((run.encode(), int(run) if run[0].isdigit() and int(run) <= _LARGEST else None) for run in runs)


def precedes(a: str, b: str) -> bool:
    """The natural order of Prometheus (github.com/facette/natsort `Compare`).

    It contradicts itself where one text begins with the other, where one is empty, and where numbers differ in their
    leading zeros only.

    >>> precedes("a2", "a10"), precedes("a10", "a2"), precedes("1", "01"), precedes("01", "1")
    (True, False, True, True)
    """
    left, right = chunks(a), chunks(b)
    for i, (own, number) in enumerate(left):
        if i >= len(right):
            return False
        other, other_number = right[i]
        same = own == other
        if number is not None and other_number is not None:
            same = number == other_number
            if not same:
                return number < other_number
        if not same:
            return own < other
        if i == len(left) - 1:
            return True
    return False


def compare_values(a: str, b: str) -> int:
    """Negative where `a` comes first; by their bytes where the natural order contradicts itself."""
    first, second = precedes(a, b), precedes(b, a)
    if first == second:
        first, second = a.encode() < b.encode(), b.encode() < a.encode()
    return second - first


def _sorted(vector: Vector, names: Sequence[str], descending: bool) -> Vector:
    """The rows in the order of the labels and, where these agree, of all labels: it is the same at every step."""

    def compare(one: int, other: int) -> int:
        a, b = vector.labels[one], vector.labels[other]
        for name in names:
            if order := compare_values(get(a, name), get(b, name)):
                return order
        return _compare(a, b)

    order = sorted(range(len(vector.labels)), key=cmp_to_key(compare), reverse=descending)
    return replace(vector.rows(order), rank=None)


def _compare(a: Labels, b: Labels) -> int:
    return (a > b) - (a < b)


@function("sort_by_label", args=(VECTOR, STRING), returns=VECTOR, repeated=True, histograms="understood")
def sort_by_label(_steps: Steps, vector: Vector, *names: str) -> Vector:
    return _sorted(vector, names, descending=False)


@function("sort_by_label_desc", args=(VECTOR, STRING), returns=VECTOR, repeated=True, histograms="understood")
def sort_by_label_desc(_steps: Steps, vector: Vector, *names: str) -> Vector:
    return _sorted(vector, names, descending=True)
