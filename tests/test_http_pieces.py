"""Times to what is asked of a server, piece by piece, and the answers to series: without a server."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from tests.http_samples import M, bits, rows_of

from tocsin.labels import from_mapping
from tocsin.series import Series
from tocsin.sources.http.extent import extent
from tocsin.sources.http.pieces import pieces
from tocsin.sources.http.server import TooMuchError
from tocsin.sources.runs import EMPTY, Piece, Runs, Tally, settled


def test_pieces_shrink_where_there_is_too_much_and_cover_all() -> None:
    asked = []

    def fetch(_: object, start: int, end: int) -> tuple[Series, Tally]:
        asked.append((start, end))
        if end - start > 40_000:
            raise TooMuchError("no")
        return EMPTY, Tally()

    found: list[Piece] = list(pieces(fetch, M, 5, 10_000_000, ValueError))
    assert (found[0].start, found[-1].end) == (5, 10_000_000)
    assert all(a.end + 1 == b.start for a, b in pairwise(found))
    assert len(asked) < 4 * len(found)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (5, 5), (7, 10_000_000), (123_456_789, 987_654_321)])
def test_the_extent_is_found_between_the_hours_that_the_index_tells(first: int, last: int) -> None:
    hour = 3_600_000

    def sampled(start: int, end: int) -> bool:
        assert start <= end
        return start <= last and end >= first

    def indexed(start: int, end: int) -> bool:
        return start <= last // hour * hour + hour and end >= first // hour * hour

    assert extent(indexed, sampled, 2_000_000_000) == (first, last)
    assert extent(lambda _a, _b: False, sampled, 2_000_000_000) is None


def test_runs_of_one_series_are_joined_in_any_order() -> None:
    a, b = from_mapping({"__name__": "a"}), from_mapping({"__name__": "b"})
    runs = Runs.none()
    for labels, times in [(b, [5, 6]), (a, [9]), (b, [1, 2]), (a, [])]:
        runs.add(labels, np.array(times, dtype=np.int64), np.array(times, dtype=np.float64))
    series, tally = settled(runs)
    assert tally == Tally()
    assert rows_of(series) == {a: [(9, bits(9))], b: [(t, bits(t)) for t in (1, 2, 5, 6)]}
