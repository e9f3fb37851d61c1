"""Three metrics of a fleet, as OpenMetrics text, VictoriaMetrics lines and Parquet: the same samples for everybody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tocsin.labels import NAME, Labels, drop, from_mapping, get, quote
from tocsin.series import Series, Values
from tocsin.sources.arrow.write import writing

START = 1_699_833_600_000
"""A Monday, at midnight; also a multiple of every block length of Prometheus up to a day."""

SCRAPE = 15_000
DAY = 86_400_000
BUCKETS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")
NAMES = ("__name__", "code", "instance", "job", "le")


def fleet(count: int, days: int) -> Iterator[Series]:
    """`count` series of each metric, one metric after the other: a counter, a gauge, the buckets of a histogram.

    Scraped every 15 s with some milliseconds of jitter; counters are whole numbers and are reset now and then, as by a
    restart, and gauges have two decimals.
    """
    rng = np.random.default_rng(42)
    length = days * DAY // SCRAPE
    yield _series([_request(index) for index in range(count)], length, _counters, rng)
    yield _series([_queue(index) for index in range(count)], length, _gauges, rng)
    yield _series([_bucket(index) for index in range(count)], length, _buckets, rng)


def _request(index: int) -> Labels:
    code = ("200", "204", "404", "500", "503")[index % 5]
    return _labels("http_requests_total", index // 5, code=code)


def _queue(index: int) -> Labels:
    return _labels("queue_seconds", index)


def _bucket(index: int) -> Labels:
    return _labels("http_request_duration_seconds_bucket", index // len(BUCKETS), le=BUCKETS[index % len(BUCKETS)])


def _labels(name: str, instance: int, **others: str) -> Labels:
    where = {"job": f"shop-{instance % 4}", "instance": f"10.0.{instance // 250}.{instance % 250}:9100"}
    return from_mapping({"__name__": name, **where, **others})


def _series(labels: list[Labels], length: int, column: object, rng: np.random.Generator) -> Series:
    assert callable(column)
    values: list[Values] = [column(one, index, length, rng) for index, one in enumerate(labels)]
    grid = START + SCRAPE * np.arange(length)
    times = [grid + rng.integers(0, 50, length) for _ in labels]
    order = sorted(range(len(labels)), key=lambda index: labels[index])
    return Series(
        tuple(labels[index] for index in order),
        np.arange(len(labels) + 1) * length,
        np.concatenate([times[index] for index in order]),
        np.concatenate([values[index] for index in order]),
    )


def _counters(labels: Labels, _index: int, length: int, rng: np.random.Generator) -> Values:
    steady = {"200": 30.0, "204": 3.0, "404": 1.0}.get(dict(labels)["code"], 0.02)
    # Twice a day some minutes in which a hundred times as many requests fail.
    worse = np.where(np.arange(length) % 2880 < 60, 100.0, 1.0) if steady < 1 else 1.0
    return _reset(np.cumsum(rng.poisson(steady * worse, length)), rng)


def _reset(total: Values, rng: np.random.Generator) -> Values:
    """A counter from 0 again at a few places."""
    values: Values = total.astype(np.float64)
    for at in sorted(rng.integers(0, len(values), 3)):
        values[at:] -= values[at]
    return values


def _gauges(_labels: Labels, index: int, length: int, rng: np.random.Generator) -> Values:
    day = np.sin(np.arange(length) * (2 * np.pi * SCRAPE / DAY) + index)
    values: Values = np.round(np.maximum(1.5 + day + rng.normal(0, 0.3, length), 0), 2)
    return values


def _buckets(labels: Labels, index: int, length: int, _rng: np.random.Generator) -> Values:
    # The buckets of one histogram see the same requests.
    rng = np.random.default_rng(index // len(BUCKETS))
    reached = 1 - np.exp(-float(dict(labels)["le"].replace("+Inf", "inf")) / 0.08)
    values: Values = np.cumsum(np.round(rng.poisson(40.0, length) * reached))
    return values


def write_openmetrics(series: Series, path: Path, last: bool) -> None:
    """Add the samples of one metric to a file."""
    with path.open("a") as file:
        for labels, low, high in zip(series.labels, series.offsets[:-1], series.offsets[1:], strict=True):
            where = ",".join(f"{key}={quote(value)}" for key, value in drop(labels, (NAME,)))
            name = f"{get(labels, NAME)}{{{where}}}"
            pairs = zip(series.values[low:high].tolist(), series.times[low:high].tolist(), strict=True)
            file.write("".join(f"{name} {value!r} {time // 1000}.{time % 1000:03d}\n" for value, time in pairs))
        if last:
            file.write("# EOF\n")


def json_lines(series: Series) -> Iterator[bytes]:
    """A line a series, as `/api/v1/import` of VictoriaMetrics takes them."""
    for labels, low, high in zip(series.labels, series.offsets[:-1], series.offsets[1:], strict=True):
        times, values = series.times[low:high].tolist(), series.values[low:high].tolist()
        yield json.dumps({"metric": dict(labels), "values": values, "timestamps": times}).encode() + b"\n"


def write_parquet(metrics: Sequence[Series], path: Path) -> None:
    with writing(str(path), NAMES) as write:
        for series in metrics:
            write(series)


def together(metrics: Sequence[Series]) -> Series:
    """All metrics as one."""
    pairs = [(one.labels[index], one, index) for one in metrics for index in range(len(one.labels))]
    pairs.sort(key=lambda pair: pair[0])
    cuts = [(one, slice(one.offsets[index], one.offsets[index + 1])) for _, one, index in pairs]
    return Series(
        tuple(labels for labels, _, _ in pairs),
        np.cumsum([0, *(rows.stop - rows.start for _, rows in cuts)]),
        np.concatenate([one.times[rows] for one, rows in cuts]),
        np.concatenate([one.values[rows] for one, rows in cuts]),
    )
