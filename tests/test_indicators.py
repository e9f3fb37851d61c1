"""Every kind of indicator gives the number that its words mean, on recordings small enough to reckon by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.specs import MINUTE, compiled, evaluated, read, recording

from tocsin.indicators.api import KINDS, Indicator
from tocsin.labels import Labels, from_mapping
from tocsin.quantity import Unit
from tocsin.rules import AlertingRule

WINDOW = 5 * MINUTE
END = 10 * MINUTE
LONG = 11
"""Samples, a minute apart, up to END."""


def indicator(yaml: str) -> Indicator:
    return read(f"service: a\nindicators:\n  it: {yaml}\n").indicators["it"]


def labels(**pairs: str) -> Labels:
    return from_mapping(pairs)


def rising(step: float, length: int = LONG) -> list[float | None]:
    """A counter that grows by `step` a minute."""
    return [step * index for index in range(length)]


def flat(value: float, length: int = LONG) -> list[float | None]:
    return [value] * length


def value(
    folder: Path, yaml: str, series: dict[str, list[float | None]], window: int | None = WINDOW
) -> dict[Labels, float]:
    found = evaluated(indicator(yaml).value(window), recording(folder, series), END)
    return {key: round(number, 9) for key, number in found.items()}


BAD = "{ratio: {bad: 'errors_total{job=\"a\"}', total: 'requests_total{job=\"a\"}'}%s}"
GOOD = "{ratio: {good: good_total, total: requests_total}%s}"


class TestRatio:
    def test_is_the_share_of_the_bad(self, tmp_path: Path) -> None:
        series = {
            'errors_total{job="a",code="500"}': rising(3),
            'errors_total{job="a",code="503"}': rising(2),
            'errors_total{job="b"}': rising(70),
            'requests_total{job="a"}': rising(100),
        }
        assert value(tmp_path, BAD % "", series) == {(): 0.05}

    def test_is_zero_where_no_error_was_ever_counted(self, tmp_path: Path) -> None:
        assert value(tmp_path, BAD % "", {'requests_total{job="a"}': rising(100)}) == {(): 0.0}

    @pytest.mark.parametrize("yaml", [BAD % "", GOOD % "", BAD % ", by: [job]", GOOD % ", by: [job]"])
    def test_has_no_value_without_traffic(self, tmp_path: Path, yaml: str) -> None:
        series = {name + '_total{job="a"}': flat(7) for name in ("errors", "good", "requests")}
        assert value(tmp_path, yaml, series) == {}

    def test_of_the_good_is_what_is_left(self, tmp_path: Path) -> None:
        assert value(tmp_path, GOOD % "", {"good_total": rising(90), "requests_total": rising(100)}) == {(): 0.1}

    def test_where_nothing_was_ever_good_all_is_bad(self, tmp_path: Path) -> None:
        assert value(tmp_path, GOOD % "", {"requests_total": rising(100)}) == {(): 1.0}

    def test_a_group_without_errors_is_zero(self, tmp_path: Path) -> None:
        series = {
            'errors_total{job="a",path="/x"}': rising(25),
            'requests_total{job="a",path="/x"}': rising(100),
            'requests_total{job="a",path="/y"}': rising(10),
            'requests_total{job="a",path="/idle"}': flat(10),
        }
        assert value(tmp_path, BAD % ", by: [path]", series) == {labels(path="/x"): 0.25, labels(path="/y"): 0.0}

    def test_counts_its_events_by_group(self, tmp_path: Path) -> None:
        data = recording(tmp_path, {'requests_total{job="a",path="/x"}': rising(100)})
        counted = indicator(BAD % ", by: [path]").events(WINDOW)
        assert counted is not None
        (number,) = evaluated(counted, data, END).values()
        assert number == pytest.approx(500)


def histogram(bounds: dict[str, float], total: float, pairs: str = "") -> dict[str, list[float | None]]:
    """Requests a minute up to each bound; `total` in all."""
    more = f",{pairs}" if pairs else ""
    buckets = {f'seconds_bucket{{le="{le}"{more}}}': rising(count) for le, count in bounds.items()}
    return buckets | {f'seconds_bucket{{le="+Inf"{more}}}': rising(total), f"seconds_count{{{pairs}}}": rising(total)}


class TestLatency:
    def test_a_quantile_is_in_seconds(self, tmp_path: Path) -> None:
        yaml = "{latency: {histogram: seconds, quantile: 75%}}"
        assert value(tmp_path, yaml, histogram({"0.1": 50, "0.3": 100}, 100)) == {(): 0.2}

    def test_a_quantile_by_group(self, tmp_path: Path) -> None:
        series = histogram({"1": 100, "2": 100}, 100, 'path="/x"') | histogram({"1": 0, "2": 100}, 100, 'path="/y"')
        yaml = "{latency: {histogram: seconds, quantile: 50%}, by: [path]}"
        assert value(tmp_path, yaml, series) == {labels(path="/x"): 0.5, labels(path="/y"): 1.5}

    def test_a_quantile_of_no_requests_passes_no_threshold(self, tmp_path: Path) -> None:
        series = {name: flat(5) for name in histogram({"1": 5}, 5)}
        found = value(tmp_path, "{latency: {histogram: seconds, quantile: 50%}}", series)
        assert all(math.isnan(number) for number in found.values())
        for condition in ("above: 0s", "below: 100s"):
            text = ALERT % ("{latency: {histogram: seconds, quantile: 50%}}", condition)
            assert evaluated(compiled(text).groups[0].rules[0].expr, recording(tmp_path, series), END) == {}

    @pytest.mark.parametrize(
        ("within", "le"),
        [("1s", "1"), ("1s", "1.0"), ("300ms", "0.3"), ("1000ms", "1"), ("10s", "10"), ("2.5s", "2.5")],
    )
    def test_within_is_the_share_that_is_slower(self, tmp_path: Path, within: str, le: str) -> None:
        yaml = f"{{latency: {{histogram: seconds, within: {within}}}}}"
        assert value(tmp_path, yaml, histogram({"0.1": 10, le: 80}, 100)) == {(): 0.2}

    def test_within_by_group_without_the_idle(self, tmp_path: Path) -> None:
        series = histogram({"1": 80}, 100, 'path="/x"')
        series |= {name: flat(5) for name in histogram({"1": 80}, 100, 'path="/idle"')}
        yaml = "{latency: {histogram: seconds, within: 1s}, by: [path]}"
        assert value(tmp_path, yaml, series) == {labels(path="/x"): 0.2}

    def test_counts_requests_and_not_buckets(self, tmp_path: Path) -> None:
        data = recording(tmp_path, histogram({"0.5": 80, "1": 90}, 100))
        for form in ("quantile: 50%", "within: 1s"):
            counted = indicator(f"{{latency: {{histogram: seconds, {form}}}}}").events(WINDOW)
            assert counted is not None
            (number,) = evaluated(counted, data, END).values()
            assert number == pytest.approx(500)


DISKS: dict[str, list[float | None]] = {
    'avail{instance="a",mountpoint="/"}': flat(25),
    'avail{instance="a",mountpoint="/x"}': flat(90),
    'avail{instance="b",mountpoint="/"}': flat(50),
    'size{instance="a",mountpoint="/"}': flat(100),
    'size{instance="a",mountpoint="/x"}': flat(100),
    'size{instance="b",mountpoint="/"}': flat(100),
    'size{instance="none",mountpoint="/"}': flat(0),
    'avail{instance="none",mountpoint="/"}': flat(0),
}


class TestUsage:
    def test_of_what_is_free(self, tmp_path: Path) -> None:
        found = value(tmp_path, "{usage: {free: avail, capacity: size}}", DISKS, None)
        assert found == {
            labels(instance="a", mountpoint="/"): 0.75,
            labels(instance="a", mountpoint="/x"): 0.1,
            labels(instance="b", mountpoint="/"): 0.5,
        }

    def test_of_what_is_used_by_the_fullest_of_a_group(self, tmp_path: Path) -> None:
        found = value(tmp_path, "{usage: {used: avail, capacity: size}, by: [instance]}", DISKS, None)
        assert found == {labels(instance="a"): 0.9, labels(instance="b"): 0.5}

    def test_over_a_window_is_the_average(self, tmp_path: Path) -> None:
        series = {"used": [*flat(0, 9), 50.0, 100.0], "size": flat(100)}
        assert value(tmp_path, "{usage: {used: used, capacity: size}}", series, 2 * MINUTE) == {(): 0.75}

    @pytest.mark.parametrize(("yaml", "now", "slope"), [("used", 60.0, 1.0), ("free", 40.0, -1.0)])
    def test_a_forecast_goes_on_with_the_trend(self, tmp_path: Path, yaml: str, now: float, slope: float) -> None:
        part: list[float | None] = [now - slope * (LONG - 1 - index) for index in range(LONG)]
        data = recording(tmp_path, {"part": part, "size": flat(100)})
        forecast = indicator(f"{{usage: {{{yaml}: part, capacity: size}}}}").forecast(END, 30 * MINUTE)
        assert forecast is not None
        (number,) = evaluated(forecast, data, END).values()
        assert number == pytest.approx(0.9)


QUEUES: dict[str, list[float | None]] = {
    'queue{instance="a",name="x"}': flat(3),
    'queue{instance="a",name="y"}': flat(5),
    'queue{instance="b",name="x"}': flat(7),
}


class TestGauge:
    @pytest.mark.parametrize(("aggregate", "number"), [("max", 5), ("min", 3), ("avg", 4), ("sum", 8)])
    def test_combines_the_series_of_a_group_as_it_says(self, tmp_path: Path, aggregate: str, number: float) -> None:
        yaml = f"{{gauge: {{value: queue, unit: count, aggregate: {aggregate}}}, by: [instance]}}"
        assert value(tmp_path, yaml, QUEUES, None) == {labels(instance="a"): number, labels(instance="b"): 7}

    def test_without_groups_every_series_stands_for_itself(self, tmp_path: Path) -> None:
        found = value(tmp_path, "{gauge: {value: queue, unit: count}}", QUEUES, None)
        assert sorted(found.values()) == [3, 5, 7]

    @pytest.mark.parametrize("query", ["queue", "queue * 1"])
    def test_over_a_window_is_the_average(self, tmp_path: Path, query: str) -> None:
        series: dict[str, list[float | None]] = {"queue": [*flat(0, 6), *flat(10, 5)]}
        yaml = f"{{gauge: {{value: {query}, unit: count}}}}"
        assert value(tmp_path, yaml, series, 10 * MINUTE) == {(): 5.0}


class TestUp:
    def test_is_the_share_of_failed_probes(self, tmp_path: Path) -> None:
        series: dict[str, list[float | None]] = {'up{i="1"}': [*flat(1, 10), 0.0], 'up{i="2"}': flat(1)}
        assert value(tmp_path, "{up: up}", series) == {(): 0.1}
        assert value(tmp_path, "{up: up, by: [i]}", series) == {labels(i="1"): 0.2, labels(i="2"): 0.0}


class TestRate:
    def test_is_per_second_and_summed(self, tmp_path: Path) -> None:
        series = {'jobs_total{i="1"}': rising(60), 'jobs_total{i="2"}': rising(120)}
        assert value(tmp_path, "{rate: jobs_total}", series) == {(): 3.0}
        assert value(tmp_path, "{rate: jobs_total, by: [i]}", series) == {labels(i="1"): 1.0, labels(i="2"): 2.0}


class TestPromql:
    def test_takes_the_window_where_it_says_so(self, tmp_path: Path) -> None:
        yaml = "{promql: {query: 'sum(increase(jobs_total[$window]))', unit: count}}"
        assert indicator(yaml).smoothed
        assert value(tmp_path, yaml, {"jobs_total": rising(60)}, 5 * MINUTE) == {(): 300.0}
        assert value(tmp_path, yaml, {"jobs_total": rising(60)}, 2 * MINUTE) == {(): 120.0}

    def test_without_a_window_it_is_as_written(self, tmp_path: Path) -> None:
        yaml = "{promql: {query: 'max_over_time(queue[2m]) + 1', unit: count}}"
        assert not indicator(yaml).smoothed
        assert value(tmp_path, yaml, {"queue": rising(1)}, None) == {(): 11.0}


ALERT = "service: a\nindicators:\n  it: %s\nalerts:\n  - {name: A, indicator: it, %s}\n"

KINDS_AND_SERIES = [
    (BAD % "", "above: 1%", {'requests_total{job="a"}': rising(9)}),
    ("{latency: {histogram: seconds, quantile: 50%}}", "above: 1s", histogram({"1": 5}, 5)),
    ("{latency: {histogram: seconds, within: 1s}}", "above: 1%", histogram({"1.0": 5}, 5)),
    ("{usage: {free: avail, capacity: size}}", "above: 80%", {"avail": flat(9), "size": flat(10)}),
    ("{gauge: {value: queue, unit: count}}", "above: 3", {"queue": flat(1)}),
    ("{up: up}", "above: 3%", {"up": flat(1)}),
    ("{rate: jobs_total}", "above: 3/s", {"jobs_total": rising(1)}),
    ("{promql: {query: 'sum(jobs_total)', unit: count}}", "above: 3", {"jobs_total": rising(1)}),
]


@pytest.mark.parametrize(("yaml", "condition", "series"), KINDS_AND_SERIES, ids=lambda item: str(item)[:24])
def test_vanished_series_are_told_of(
    tmp_path: Path, yaml: str, condition: str, series: dict[str, list[float | None]]
) -> None:
    """Five minutes after the last sample, which is how long Prometheus takes one for the present."""
    _, absent = compiled(ALERT % (yaml, condition)).groups[0].rules
    assert isinstance(absent, AlertingRule)
    assert absent.name == "AItNoData"
    data = recording(tmp_path, series)
    assert evaluated(absent.expr, data, END + 4 * MINUTE) == {}
    assert list(evaluated(absent.expr, data, END + 6 * MINUTE).values()) == [1.0]


def test_one_of_several_groups_that_vanishes_is_told_of_for_an_hour(tmp_path: Path) -> None:
    yaml = "{ratio: {bad: errors_total, total: requests_total}, by: [instance]}"
    _, absent = compiled(ALERT % (yaml, "above: 1%")).groups[0].rules
    series = {'requests_total{instance="a"}': rising(5, 90), 'requests_total{instance="b"}': rising(5, 11)}
    data = recording(tmp_path, series)
    gone = {labels(instance="b"): 1.0}
    found = {minute: evaluated(absent.expr, data, minute * MINUTE) for minute in (10, 16, 65, 80)}
    assert found == {10: {}, 16: gone, 65: gone, 80: {}}


def test_every_kind_is_evaluated_here() -> None:
    tried = {yaml.strip("{").partition(":")[0] for yaml, _, _ in KINDS_AND_SERIES}
    assert set(KINDS) == tried


def test_a_value_lies_within_the_bounds_that_the_kind_claims(tmp_path: Path) -> None:
    for yaml, _, series in KINDS_AND_SERIES:
        one = indicator(yaml)
        window = WINDOW if one.smoothed else None
        low, high = one.bounds
        found = evaluated(one.value(window), recording(tmp_path, series), END)
        assert found, yaml
        assert all(low <= number <= high for number in found.values()), yaml
        assert one.unit in Unit
