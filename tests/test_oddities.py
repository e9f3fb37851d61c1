"""Series that go on under another label, gaps of targets and clocks that jump are told; regular series give nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.labels import Labels, from_mapping
from tocsin.record.oddities import Clocks, Covered, Leap, Lives, Relabelled, relabelled
from tocsin.record.run import Recorded
from tocsin.report.record import summary
from tocsin.series import STALE_BITS, Series, without_markers

S = 1000
STEP = 15 * S


def labels(name: str = "up", **others: str) -> Labels:
    return from_mapping({"__name__": name, "job": "api", "instance": "a:1"} | others)


def series(*several: tuple[Labels, Sequence[int]]) -> Series:
    ordered = sorted(several)
    offsets = np.cumsum([0, *(len(times) for _, times in ordered)])
    times = np.concatenate([np.array(times, np.int64) for _, times in ordered])
    return Series(tuple(one for one, _ in ordered), offsets.astype(np.int64), times, np.ones(len(times)))


def every(start: int, count: int, step: int = STEP) -> list[int]:
    return [start + index * step for index in range(count)]


def always(_labels: Labels, _low: int, _high: int) -> bool:
    return True


def never(_labels: Labels, _low: int, _high: int) -> bool:
    return False


def changes(*parts: Series, covered: Covered = always) -> list[Relabelled]:
    lives = Lives()
    for part in parts:
        lives.add(part)
    return relabelled(lives.known, covered)


def leaps(*parts: Series) -> tuple[list[Leap], list[Leap]]:
    clocks = Clocks(always)
    for part in parts:
        clocks.add(part)
    return clocks.gaps, clocks.jumps


OLD, NEW = labels(pod="x"), labels(pod="y")


def test_a_series_goes_on_under_another_label() -> None:
    whole = series((OLD, every(0, 10)), (NEW, every(10 * STEP, 10)))
    assert changes(whole) == [Relabelled("pod", 1, OLD, NEW, 10 * STEP)]
    assert changes(whole, covered=never) == []


def test_the_same_in_two_parts() -> None:
    parts = series((OLD, every(0, 10))), series((NEW, every(10 * STEP, 10)))
    assert changes(*parts) == [Relabelled("pod", 1, OLD, NEW, 10 * STEP)]


def test_a_label_that_is_added() -> None:
    found = changes(series((labels(), every(0, 10)), (NEW, every(10 * STEP, 10))))
    assert found == [Relabelled("pod", 1, labels(), NEW, 10 * STEP)]


@pytest.mark.parametrize(
    "others",
    [
        ((NEW, every(13 * STEP, 5)),),  # too late
        ((NEW, every(5 * STEP, 9)),),  # at the same time
        ((NEW, every(10 * STEP, 5)), (labels(pod="z"), every(10 * STEP, 5))),  # two that begin
        ((NEW, every(10 * STEP, 5)), (labels(pod="z"), every(0, 10))),  # two that end
        ((labels(pod="y", node="n"), every(10 * STEP, 5)),),  # two labels
        ((labels("down", pod="y"), every(10 * STEP, 5)),),  # another metric
    ],
)
def test_what_is_no_change_of_a_label(others: tuple[tuple[Labels, list[int]], ...]) -> None:
    assert changes(series((OLD, every(0, 10)), *others)) == []


def test_buckets_do_not_count() -> None:
    assert changes(series((labels(le="1"), every(0, 10)), (labels(le="2"), every(10 * STEP, 10)))) == []


GAP = [*every(0, 20), *every(40 * STEP, 20)]
JUMP = [*every(0, 20), *every(20 * STEP + 6 * S, 20)]


def test_a_gap_is_told_with_its_ends() -> None:
    expected = [Leap(("api", "a:1"), 19 * STEP, 40 * STEP)]
    assert leaps(series((labels(), GAP))) == (expected, [])
    assert leaps(series((labels(), GAP[:20])), series((labels(), GAP[20:]))) == (expected, [])
    assert leaps(series((labels(), GAP[:21])), series((labels(), GAP[21:]))) == (expected, [])


def test_a_gap_of_one_metric_is_none_of_the_target() -> None:
    assert leaps(series((labels(), GAP), (labels("other"), [25 * STEP]))) == ([], [])


def test_a_clock_that_jumps() -> None:
    expected = [Leap(("api", "a:1"), 19 * STEP, 20 * STEP + 6 * S)]
    assert leaps(series((labels(), JUMP))) == ([], expected)
    assert leaps(series((labels(), JUMP[:20])), series((labels(), JUMP[20:]))) == ([], expected)


@pytest.mark.parametrize(
    "times",
    [
        [*every(0, 20), *every(21 * STEP, 20)],  # a scrape that is missing
        [*every(0, 20), 20 * STEP + 6 * S, *every(21 * STEP, 20)],  # one that is late
        [*every(0, 30), *every(30 * STEP, 20, 8 * STEP)],  # another interval from then on
        np.cumsum([7, 90, 20, 300, 41, 1, 8, 900, 77, 33, 150, 12]).tolist(),  # no rhythm
    ],
)
def test_what_is_neither_gap_nor_jump(times: list[int]) -> None:
    assert leaps(series((labels(), times))) == ([], [])


def test_what_was_not_asked_for_is_no_gap() -> None:
    clocks = Clocks(never)
    clocks.add(series((labels(), GAP)))
    assert clocks.gaps == []


def test_staleness_markers_are_no_samples() -> None:
    marked = series((OLD, every(0, 3)), (NEW, [5]))
    marked.values.view(np.uint64)[[2, 3]] = STALE_BITS
    real = without_markers(marked)
    assert (real.labels, real.offsets.tolist(), real.times.tolist()) == ((OLD,), [0, 2], [0, STEP])


@given(
    st.lists(st.tuples(st.integers(0, 59_999), st.integers(1000, 60_000)), min_size=1, max_size=5),
    st.integers(2, 200),
    st.data(),
)
def test_regular_series_give_nothing(targets: list[tuple[int, int]], count: int, data: st.DataObject) -> None:
    several = []
    for number, (start, step) in enumerate(targets):
        jitter = data.draw(st.lists(st.integers(-step // 50, step // 50), min_size=count, max_size=count))
        times = [60_000 + start + index * step + late for index, late in enumerate(jitter)]
        several.append((labels(instance=str(number)), times))
    assert leaps(series(*several)) == ([], [])
    # All of them at the same times.
    assert changes(series(*((one, several[0][1]) for one, _ in several))) == []


def test_the_summary_tells_each_with_an_example() -> None:
    (found,) = changes(series((OLD, every(0, 10)), (NEW, every(10 * STEP, 10))))
    gaps, _ = leaps(series((labels(), GAP)))
    _, jumps = leaps(series((labels(), JUMP)))
    text = summary(Recorded(2, 0, 0, 60_000, {OLD}, relabelled=[found], gaps=gaps, jumps=jumps), Path("r.parquet"))
    assert text.splitlines()[1:] == [
        '  1 series went on under another `pod`: up{instance="a:1", job="api", pod="x"} as '
        'up{instance="a:1", job="api", pod="y"}, 1970-01-01 00:02:30 UTC',
        '  1 gap of targets, the longest 5m15s of {instance="a:1", job="api"}, 1970-01-01 00:04:45 to 00:10:00 UTC',
        '  1 clock jump, the first 21s of {instance="a:1", job="api"}, 1970-01-01 00:04:45 to 00:05:06 UTC',
    ]
