"""Columns of texts to columns of numbers: values as float64, timestamps as exact milliseconds.

Which texts are values is what Go's `strconv.ParseFloat` accepts in decimal, as in Prometheus's parsers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from tocsin.series import Times, Values
from tocsin.sources.time import parse_seconds

Number = TypeVar("Number", int, float)

_DECIMAL = b"0123456789+-.eE "
_VALUE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_INFINITE = re.compile(r"([+-]?)(inf|infinity)", re.ASCII | re.IGNORECASE)
_WIDEST_TIME = 20
_LONGEST_SECONDS = 15


class NotANumberError(ValueError):
    """The text at `index` of a column is not a number."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def parse_value(text: str) -> float:
    """A sample's value; raises ValueError for what Go would not read, or would overflow."""
    if _VALUE.fullmatch(text) is not None:
        value = float(text)
        if math.isinf(value):
            raise ValueError("out of the range of a 64-bit float")
        return value
    infinite = _INFINITE.fullmatch(text)
    if infinite is not None:
        return -math.inf if infinite[1] == "-" else math.inf
    if text.lower() == "nan":
        return math.nan
    raise ValueError("expected a number")


def parse_values(texts: Sequence[bytes]) -> Values:
    """float64[N] of a column of values; raises NotANumberError."""
    if not b" ".join(texts).translate(None, _DECIMAL):
        try:
            column = np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))
        except ValueError:
            pass
        else:
            if not np.isinf(column).any():
                return column
    return np.array([_at(index, text, parse_value) for index, text in enumerate(texts)], dtype=np.float64)


def parse_times(texts: Sequence[bytes]) -> Times:
    """int64[N] milliseconds of a column of Unix seconds; raises NotANumberError.

    Decimal digits, never through a float: 1e3 times the nearest float of 1795402098.931 can fall below it.
    """
    if texts and max(map(len, texts)) <= _WIDEST_TIME:
        column = _plain_times(texts)
        if column is not None:
            return column
    return np.array([_at(index, text, parse_seconds) for index, text in enumerate(texts)], dtype=np.int64)


def _plain_times(texts: Sequence[bytes]) -> Times | None:
    """The column where every text is digits with at most one dot among them, digit by digit."""
    letters = np.array(texts)
    letters = letters.view(np.uint8).reshape(len(texts), letters.itemsize)
    digit, dot, padding = (letters >= 48) & (letters <= 57), letters == 46, letters == 0
    whole = np.cumsum(dot, axis=1) == 0
    clean = (digit | dot | padding).all() and (dot.sum(axis=1) <= 1).all()
    clean = clean and not (padding[:, :-1] & ~padding[:, 1:]).any()
    length = (digit & whole).sum(axis=1)
    if not clean or length.min() < 1 or length.max() > _LONGEST_SECONDS:
        return None
    decimals = np.cumsum(digit & ~whole, axis=1)
    total = np.zeros(len(texts), dtype=np.int64)
    for place in range(letters.shape[1]):
        used = digit[:, place] & (decimals[:, place] <= 3)
        total[used] = total[used] * 10 + (letters[used, place] - 48)
    total *= 10 ** (3 - np.minimum(decimals[:, -1], 3))
    return total


def _at(index: int, text: bytes, parse: Callable[[str], Number]) -> Number:
    try:
        return parse(text.decode("utf-8", "replace"))
    except ValueError as error:
        raise NotANumberError(index, str(error)) from None
