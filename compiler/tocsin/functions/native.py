"""Range vectors with native histograms: what the functions of floats do where histograms are among the samples.

Plain loops over objects: each histogram costs far more than the loop. Source: prometheus/promql/functions.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias, cast

import numpy as np

from tocsin.functions.registry import FUNCTIONS, native
from tocsin.functions.values import Steps, Vector, Windows
from tocsin.histograms.arithmetic import (
    MixedBucketsError,
    Total,
    added,
    divided,
    overflows,
    reduced,
    scaled,
    subtracted,
)
from tocsin.histograms.model import Histogram, same
from tocsin.histograms.resets import is_reset
from tocsin.kernels.rate import covered
from tocsin.series import Mask, Objects, Offsets, any_histograms, are_histograms, histograms_at, offsets_of

Fold: TypeAlias = Callable[[list[Histogram]], Histogram | None]


def _objects(windows: Windows) -> Objects:
    assert windows.histograms is not None
    return windows.histograms


def _how_many(windows: Windows) -> Offsets:
    """int64[S, T]: the histograms of each window."""
    before = offsets_of(are_histograms(_objects(windows)))
    return np.asarray(before[windows.hi] - before[windows.lo])


def _with(vector: Vector, here: Mask, histograms: Objects) -> Vector:
    """The vector with histograms at `here` and its own floats elsewhere; what is None there is absent."""
    filled = here & are_histograms(histograms)
    return replace(vector, present=np.where(here, filled, vector.present), histograms=any_histograms(histograms))


def _cells(mask: Mask) -> Iterator[tuple[int, int]]:
    return ((int(s), int(t)) for s, t in np.argwhere(mask))


def folded(
    floats: Vector, windows: Windows, fold: Callable[[int, int, int], Histogram | None], least: int = 1
) -> Vector:
    """`fold(first, last, step)` of the windows that hold at least so many histograms and nothing else.

    A mixed window gives nothing, one of floats alone what `floats` has there.
    """
    out, count = np.full(windows.lo.shape, None, dtype=object), _how_many(windows)
    for s, t in _cells((count >= least) & (count == windows.hi - windows.lo)):
        out[s, t] = fold(int(windows.lo[s, t]), int(windows.hi[s, t]) - 1, t)
    return _with(floats, count > 0, out)


def _register_change(name: str, counter: bool, per_second: bool) -> None:
    @native(name)
    def apply(steps: Steps, windows: Windows) -> Vector:
        objects = _objects(windows)
        floats = cast("Vector", FUNCTIONS[name].implementation(steps, windows.floats()))

        def fold(first: int, last: int, t: int) -> Histogram | None:
            change = _change([cast("Histogram", h) for h in objects[first : last + 1]], counter)
            if change is None:
                return None
            sampled = float(windows.times[last] - windows.times[first]) / 1000.0
            before = float(windows.times[first] - windows.start[t]) / 1000.0
            after = float(windows.end[t] - windows.times[last]) / 1000.0
            start = objects[first].count if counter else -1.0
            factor = (
                covered(before, after, sampled, sampled / (last - first), start, change.count, steps.compat) / sampled
            )
            return scaled(change, factor / windows.seconds if per_second else factor)

        return folded(floats, windows, fold, least=2)


for _name, _counter, _per_second in (("rate", True, True), ("increase", True, False), ("delta", False, False)):
    _register_change(_name, _counter, _per_second)


def _change(samples: list[Histogram], counter: bool) -> Histogram | None:
    """The last sample less the first, and for a counter plus what resets took (Prometheus `histogramRate`)."""
    first, last = samples[0], samples[-1]
    if counter and is_reset(samples[1], first):
        # Then the first sample does not matter, whatever its buckets are.
        first = Histogram(samples[1].schema, bounds=samples[1].bounds)
    inner = samples[1:-1] if counter else []
    if any(h.custom != first.custom for h in (last, *inner)):
        return None
    change = subtracted(reduced(last, min(h.schema for h in (first, last, *inner))), first)
    if counter:
        for before, current in zip([first, *samples[1:-1]], samples[1:], strict=True):
            if is_reset(current, before):
                change = added(change, before)
    return change.hinted("gauge").compacted()


def _register_instant_change(name: str, counter: bool) -> None:
    @native(name)
    def apply(steps: Steps, windows: Windows) -> Vector:
        objects = _objects(windows)
        floats = cast("Vector", FUNCTIONS[name].implementation(steps, windows.floats()))
        two = windows.hi - windows.lo >= 2
        held = are_histograms(objects)
        last, before = held[np.where(two, windows.hi - 1, 0)], held[np.where(two, windows.hi - 2, 0)]
        floats = replace(floats, present=floats.present & two & ~last & ~before)
        out = np.full(windows.lo.shape, None, dtype=object)
        for s, t in _cells(two & last & before):
            position = int(windows.hi[s, t]) - 1
            seconds = float(windows.times[position] - windows.times[position - 1]) / 1000.0
            change = _last_change(objects[position - 1], objects[position], counter)
            out[s, t] = divided(change, seconds) if change is not None and counter else change
        return _with(floats, two & (last | before), out)


_register_instant_change("irate", counter=True)
_register_instant_change("idelta", counter=False)


def _last_change(before: Histogram, last: Histogram, counter: bool) -> Histogram | None:
    change = last
    if not counter or not is_reset(last, before):
        try:
            change = subtracted(last, before)
        except MixedBucketsError:
            return None
    return change.hinted("gauge").compacted()


def total(samples: list[Histogram]) -> Histogram | None:
    """Their Kahan sum; None where exponential and custom buckets meet."""
    try:
        running = Total(samples[0])
        for h in samples[1:]:
            running = running.plus(h)
        return running.value()
    except MixedBucketsError:
        return None


def mean(samples: list[Histogram]) -> Histogram | None:
    """Their Kahan sum divided by their number; from where the sum overflows, a mean that grows step by step."""
    try:
        running = Total(samples[0])
        for n, h in enumerate(samples[1:], 2):
            grown = running.plus(h)
            if overflows(grown.sum):
                return _incremental_mean(running.divided(n - 1), samples[n - 1 :], n)
            running = grown
        return running.divided(len(samples)).value()
    except MixedBucketsError:
        return None


def _incremental_mean(running: Total, samples: list[Histogram], count: int) -> Histogram:
    for n, h in enumerate(samples, count):
        running = running.scaled((n - 1) / n).plus(divided(h, n))
    return running.value()


def _register_fold(name: str, fold: Fold) -> None:
    @native(name)
    def apply(steps: Steps, windows: Windows) -> Vector:
        objects = _objects(windows)
        floats = cast("Vector", FUNCTIONS[name].implementation(steps, windows.floats()))
        return folded(floats, windows, lambda first, last, _t: fold(list(objects[first : last + 1])))


_register_fold("sum_over_time", total)
_register_fold("avg_over_time", mean)


def _register_sample(name: str, at: Callable[[Windows], Offsets]) -> None:
    @native(name)
    def apply(_steps: Steps, windows: Windows) -> Vector:
        position = np.where(windows.filled, at(windows), 0)
        vector = windows.vector(windows.values[position], windows.filled, keep_name=True)
        return replace(vector, histograms=histograms_at(windows.histograms, position, windows.filled))


_register_sample("first_over_time", lambda windows: windows.lo)
_register_sample("last_over_time", lambda windows: windows.hi - 1)


def _counted(windows: Windows, pair: Mask) -> Vector:
    """How many neighbours in each window form a `pair` (bool[N - 1]): a difference of two running counts."""
    running = np.concatenate([[0, 0], np.cumsum(pair)])[: len(windows.values) + 1]
    some = windows.filled
    count = running[np.where(some, windows.hi, 0)] - running[np.where(some, windows.lo + 1, 0)]
    return windows.vector(count.astype(np.float64), some)


def _register_pairs(
    name: str, differ: Callable[[Histogram, Histogram], bool], floats_differ: Callable[..., Mask]
) -> None:
    """A count of neighbours that differ; a float and a histogram always do."""

    @native(name)
    def apply(_steps: Steps, windows: Windows) -> Vector:
        objects = _objects(windows)
        held = are_histograms(objects)
        pair = np.where(held[1:] | held[:-1], held[1:] != held[:-1], floats_differ(windows.values))
        for k in np.flatnonzero(held[1:] & held[:-1]).tolist():
            pair[k] = differ(objects[k], objects[k + 1])
        return _counted(windows, pair)


_register_pairs("resets", lambda before, after: is_reset(after, before), lambda v: v[1:] < v[:-1])
_register_pairs(
    "changes",
    lambda before, after: not same(after, before),
    lambda v: (v[1:] != v[:-1]) & ~(np.isnan(v[1:]) & np.isnan(v[:-1])),
)
