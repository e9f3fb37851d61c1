"""What a tile held in memory to how many steps the next one may have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy.typing as npt

from tocsin.engine.tile import Tile
from tocsin.functions.values import Scalar, Value, Vector, Windows

FIRST = 256
"""Steps of the first tile, when nobody knows yet how many series there are."""

ROOMY = 40 << 20
"""Bytes that a tile should hold: enough that the work in Python is small beside that in kernels (100 series of 15 s for
a day of minutes), and small enough for the caches of a processor."""

LONG, LIMIT = 1024, 256 << 20
"""A tile has this many steps, or as many as its longest window, also where it is then larger than that, but not where
it would exceed the limit."""

GROWTH = 8
"""How much longer than the last a tile is at most, for the recording may become denser."""


def first_length(reach: int, step: int) -> int:
    """The steps of the first tile, if expressions look `reach` milliseconds back."""
    return max(FIRST, _shortest(reach, step))


def next_length(tile: Tile, reach: int, step: int) -> int:
    """The steps of the tile that comes after one with as many samples a second, and as many series."""
    span = len(tile.times) * step
    samples = (tile.reader.nbytes + sum(map(_held, tile.inner_tiles))) * step / (span + reach)
    each = max(1.0, samples + _held(tile) / len(tile.times))
    before = samples * reach / step
    wanted = max(ROOMY / each, min(max(LONG, reach / step), (LIMIT - before) / each), _shortest(reach, step))
    return int(min(wanted, GROWTH * len(tile.times)))


def _shortest(reach: int, step: int) -> int:
    """A tile reads all of its windows again: so many steps that the windows are not the most of it by far."""
    return max(1, reach // (4 * step))


def _held(tile: Tile) -> int:
    """The bytes of what was evaluated, without the samples; an array that serves several values counts once."""
    return sum({id(array): array.nbytes for value in tile.values for array in _arrays(value)}.values())


def _arrays(value: Value) -> Iterator[npt.NDArray[Any]]:
    found: Iterable[npt.NDArray[Any] | None] = ()
    match value:
        case Vector():
            found = value.values, value.present, value.rank, value.histograms
        case Windows():
            found = value.positions.known or ()
        case Scalar():
            found = (value.values,)
    yield from (array for array in found if array is not None)
