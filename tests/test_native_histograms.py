"""Native histograms in expressions, in rules, and as results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conformance.run import run
from tests.histogram_notation import format_histogram
from tests.histograms import h, histograms

from tocsin.alerts.replay import replay
from tocsin.diagnostics import ProblemError
from tocsin.engine.evaluate import concatenate, evaluate, evaluate_instant, evaluate_range
from tocsin.engine.semantics import Grid, Semantics
from tocsin.histograms.arithmetic import added
from tocsin.histograms.model import Histogram
from tocsin.labels import Labels, from_mapping
from tocsin.promql.parse import parse
from tocsin.report.query import of_instant, of_range, to_json, to_text
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup
from tocsin.series import STALE, Series, any_histograms
from tocsin.sources.memory import MemoryRecording

MINUTE = 60_000

SCRIPTS = Path(__file__).parent.parent.parent / "shared" / "promqltest"

Samples = Sequence[float | str | None]
"""One a minute from 0; a histogram in its notation, None where there is none."""


def recording(series: dict[str, Samples]) -> MemoryRecording:
    """The key is `name` or `name/label`: the value of the label `l`."""
    labels: list[Labels] = []
    offsets, times, values, histograms = [0], [], [], []
    for key, samples in sorted(series.items()):
        name, _, label = key.partition("/")
        labels.append(from_mapping({"__name__": name, "l": label}))
        for k, sample in enumerate(samples):
            if sample is not None:
                times.append(k * MINUTE)
                values.append(0.0 if isinstance(sample, str) else sample)
                histograms.append(h(sample) if isinstance(sample, str) else None)
        offsets.append(len(times))
    column = np.full(len(times), None, dtype=object)
    column[:] = histograms
    return MemoryRecording(
        Series(
            tuple(labels),
            np.array(offsets),
            np.array(times, dtype=np.int64),
            np.array(values, dtype=np.float64),
            any_histograms(column),
        )
    )


def evaluated(text: str, series: dict[str, Samples], minute: int = 0) -> dict[str, float | str]:
    """The result of an instant query: by the label `l`, or the name where there is none, numbers or notations."""
    result = evaluate_instant(parse(text), recording(series), minute * MINUTE)
    assert not result.failures
    frame, found = result.frame, {}
    for row, labels in enumerate(frame.labels):
        histogram = None if frame.histograms is None else frame.histograms[row, 0]
        sample = float(frame.values[row, 0]) if histogram is None else format_histogram(histogram)
        found[dict(labels).get("l") or dict(labels).get("__name__", "")] = sample
    return found


# --- Expressions -----------------------------------------------------------------------------------------------------

ONE, TWO = "count:4 sum:5 buckets:[1 2 1]", "count:6 sum:9 buckets:[1 4 1]"
GROWING: dict[str, Samples] = {"h": [ONE, TWO, "count:16 sum:19 buckets:[1 14 1]"]}
MIXED: dict[str, Samples] = {"m/f": [2.0, 3.0], "m/h": [ONE, ONE], "m/mix": [1.0, ONE]}
NAMED = {"h": [ONE]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # From the first to the last sample 12 observations in 2 minutes; the range of 3 minutes begins 1 minute before
        # the first, and the count would have been zero 2 * 4 / 12 minutes before: 12 * (2 + 2/3) / 2 = 16.
        ("increase(h[3m])", "{{count:16 sum:18.666666666666664 counter_reset_hint:gauge offset:1 buckets:[16]}}"),
        ("delta(h[3m])", "{{count:18 sum:21 counter_reset_hint:gauge offset:1 buckets:[18]}}"),
        ("idelta(h[3m])", "{{count:10 sum:10 counter_reset_hint:gauge offset:1 buckets:[10]}}"),
        ("irate(h[3m]) * 60", "{{count:10 sum:10 counter_reset_hint:gauge offset:1 buckets:[10]}}"),
        ("sum_over_time(h[3m])", "{{count:26 sum:33 buckets:[3 20 3]}}"),
        ("avg_over_time(h[2m])", "{{count:11 sum:14 buckets:[1 9 1]}}"),
        ("first_over_time(h[3m])", "{{count:4 sum:5 buckets:[1 2 1]}}"),
        ("last_over_time(h[3m])", "{{count:16 sum:19 buckets:[1 14 1]}}"),
        ("count_over_time(h[3m])", 3.0),
        ("present_over_time(h[3m])", 1.0),
        ("resets(h[3m])", 0.0),
        ("changes(h[3m])", 2.0),
        ("ts_of_last_over_time(h[3m])", 120.0),
        ("timestamp(h)", 120.0),
        ("h offset 1m", "{{count:6 sum:9 buckets:[1 4 1]}}"),
        ("histogram_count(h)", 16.0),
        ("histogram_sum(h)", 19.0),
        ("histogram_avg(h)", 1.1875),
        ("histogram_quantile(0.5, h)", pytest.approx(2**0.5)),
        ("histogram_fraction(1, 2, h)", 0.875),
        ("-h", "{{count:-16 sum:-19 counter_reset_hint:gauge buckets:[-1 -14 -1]}}"),
        ("h * 2", "{{count:32 sum:38 buckets:[2 28 2]}}"),
        ("2 * h", "{{count:32 sum:38 buckets:[2 28 2]}}"),
        ("h / 2", "{{count:8 sum:9.5 buckets:[0.5 7 0.5]}}"),
        ("h + h", "{{count:32 sum:38 buckets:[2 28 2]}}"),
        ("h - h offset 1m", "{{count:10 sum:10 counter_reset_hint:gauge offset:1 buckets:[10]}}"),
        ("h == h", "{{count:16 sum:19 buckets:[1 14 1]}}"),
        ("h == bool h offset 1m", 0.0),
        ("h != bool h offset 1m", 1.0),
        ("h </ 1", "{{count:1 sum:0.7071067811865476 buckets:[1]}}"),
        ("sum(h)", "{{count:16 sum:19 buckets:[1 14 1]}}"),
        ("count(h)", 1.0),
        ("sum_over_time(h[3m:1m])", "{{count:26 sum:33 buckets:[3 20 3]}}"),
    ],
)
def test_expressions_worked_out_by_hand(text: str, expected: float | str) -> None:
    (found,) = evaluated(text, GROWING, 2).values()
    assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        *("abs(h)", "round(h)", "clamp_max(h, 1)", "sort(h)", "minute(h)", "vector(scalar(h)) == 0", "deriv(h[3m])"),
        *("max_over_time(h[3m])", "quantile_over_time(0.5, h[3m])", "predict_linear(h[3m], 5)", "max(h)", "stddev(h)"),
        *("topk(1, h)", "quantile(0.5, h)", "h + 1", "1 - h", "h ^ 2", "h > 1", "h == 0", "h * h", "2 / h", "h > h"),
        *("f + h", "h - f", "f </ 2", "absent(h)", "rate(h[1m])"),
    ],
)
def test_what_prometheus_leaves_out(text: str) -> None:
    assert evaluated(text, {**GROWING, "f": [1.0, 1.0, 1.0]}, 2) == {}


def test_a_reset_is_added_back_and_makes_the_first_sample_matter_no_more() -> None:
    series: dict[str, Samples] = {
        "h": ["count:9 sum:9 buckets:[9]", "count:2 sum:2 buckets:[2]", "count:5 sum:5 buckets:[5]"]
    }
    # In (0, 2m] there are two samples, 3 more in one minute; 2 of the count lie at most 40 s before the first of them.
    assert evaluated("increase(h[2m])", series, 2) == {"": _gauge(5.0)}
    # With the first sample: 5 - 0 + 0 in two minutes, and the 9 of the first reach farther back than the range.
    assert evaluated("increase(h[3m])", series, 2) == {"": _gauge(7.5)}
    assert evaluated("resets(h[3m])", series, 2) == {"": 1.0}


def _gauge(n: float) -> str:
    return f"{{{{count:{n:g} sum:{n:g} counter_reset_hint:gauge buckets:[{n:g}]}}}}"


def test_floats_and_histograms_in_one_window_give_nothing_and_in_one_group_neither() -> None:
    assert evaluated("rate(m[2m])", MIXED, 1).keys() == {"f", "h"}
    assert evaluated("sum_over_time(m[2m])", MIXED, 1).keys() == {"f", "h"}
    assert evaluated("max_over_time(m[2m])", MIXED, 1) == {"f": 3.0, "mix": 1.0}
    assert evaluated("count_over_time(m[2m])", MIXED, 1) == {"f": 2.0, "h": 2.0, "mix": 2.0}
    assert evaluated("changes(m[2m])", MIXED, 1) == {"f": 1.0, "h": 0.0, "mix": 1.0}
    assert evaluated("sum(m)", MIXED, 1) == {}
    assert evaluated("sum by (l) (m)", MIXED, 0) == {"f": 2.0, "h": "{{count:4 sum:5 buckets:[1 2 1]}}", "mix": 1.0}
    assert evaluated("count(m)", MIXED, 1) == {"": 3.0}
    assert evaluated("max(m)", MIXED, 1) == {"": 3.0}
    assert evaluated("m * 2", MIXED, 0)["f"] == 4.0
    assert set(evaluated("limitk(2, m)", MIXED, 0)) == {"f", "h"}


def test_alternatives_hold_floats_and_histograms() -> None:
    both = evaluated('m{l="f"} or m{l="h"}', MIXED)
    assert both == {"f": 2.0, "h": "{{count:4 sum:5 buckets:[1 2 1]}}"}
    assert evaluated('label_replace(m{l="h"}, "l", "new", "", "")', MIXED) == {
        "new": "{{count:4 sum:5 buckets:[1 2 1]}}"
    }


def test_exponential_and_custom_buckets_do_not_meet() -> None:
    series: dict[str, Samples] = {
        "h/a": ["count:1 buckets:[1]"],
        "h/b": ["schema:-53 count:1 custom_values:[1] buckets:[1]"],
    }
    assert evaluated("sum(h)", series) == {}
    assert evaluated('h{l="a"} + ignoring(l) h{l="b"}', series) == {}
    assert evaluated("sum by (l) (h)", series).keys() == {"a", "b"}


def test_a_staleness_marker_ends_a_histogram() -> None:
    assert evaluated("h", {"h": [ONE, STALE]}, 1) == {}
    assert evaluated("count_over_time(h[5m])", {"h": [ONE, STALE]}, 1) == {"": 1.0}


def test_a_range_query_gives_both_kinds() -> None:
    result = evaluate_range(parse("m"), recording({"m": [1.0, ONE, None, 3.0]}), 0, 3 * MINUTE, MINUTE)
    document = json.loads(to_json(of_range(result.frame)))["data"]
    (series,) = document["result"]
    assert [time for time, _value in series["values"]] == [0, 180]
    assert [time for time, _value in series["histograms"]] == [60, 120]


def test_tiles_do_not_change_the_result() -> None:
    data, expr = recording({"h": [ONE, TWO, 1.0] * 3, "f": [1.0] * 3}), parse('increase(h[3m]) or {__name__=~"h|f"}')
    grid = Grid(0, 9 * MINUTE, MINUTE)
    documents = [
        to_json(of_range(concatenate([result for (result,) in evaluate([expr], data, grid, tile=tile)]).frame))
        for tile in (None, 1, 3)
    ]
    assert documents[1:] == documents[:1] * 2


@pytest.mark.parametrize(
    ("text", "semantics", "named"),
    [
        ("h", Semantics(compat=2), "native histograms as Prometheus 2 does"),
        ("rate(h[5m])", Semantics(compat=2), "native histograms as Prometheus 2 does"),
        ("h[5m] anchored", Semantics(), "native histograms in an anchored or smoothed range vector"),
        ('count_values("v", h)', Semantics(), "the aggregation `count_values` of native histograms"),
    ],
)
def test_what_is_not_reckoned_with_histograms_is_refused(text: str, semantics: Semantics, named: str) -> None:
    with pytest.raises(ProblemError) as refused:
        evaluate_instant(parse(text), recording(GROWING), 2 * MINUTE, semantics)
    assert refused.value.problem.code == "promql/unsupported"
    assert named in refused.value.problem.message
    assert refused.value.problem.span is not None


def test_classic_and_native_histograms_side_by_side() -> None:
    series: dict[str, Samples] = {"h/native": ["count:4 buckets:[4]"]}
    assert evaluated("histogram_quantile(1, h)", series) == {"native": 1.0}
    assert evaluated('histogram_quantiles(h, "q", 0, 1)', series).keys() == {"native"}


@pytest.mark.parametrize(("bound", "expected"), [("1", {}), ("no number", {"": 1.0})])
def test_a_bucket_of_the_same_name_hides_a_histogram_if_it_is_one(bound: str, expected: dict[str, float]) -> None:
    bucket = f'label_replace(label_replace(f, "le", "{bound}", "", ""), "__name__", "h", "", "")'
    series: dict[str, Samples] = {"h": ["count:4 buckets:[4]"], "f": [1.0]}
    assert evaluated(f"histogram_quantile(1, h or {bucket})", series) == expected


@settings(max_examples=30, deadline=None)
@given(st.lists(histograms(st.integers(0, 2)), min_size=8, max_size=8))
def test_the_rate_of_a_sum_is_the_sum_of_the_rates(steps: list[Histogram]) -> None:
    """Far from zero, where no counter is extrapolated below it."""
    base = h("count:1000000 z_bucket_w:1 z_bucket:1000000")
    series: dict[str, Samples] = {}
    for label, own in (("a", steps[:4]), ("b", steps[4:])):
        samples = [base]
        for step in own:
            samples.append(added(samples[-1], step))
        series[f"h/{label}"] = [format_histogram(one)[2:-2] for one in samples]
    data = recording(series)
    of_sum, of_rates = (
        evaluate_instant(parse(text), data, 4 * MINUTE).frame.histograms
        for text in ("rate(sum(h)[5m:1m])", "sum(rate(h[5m:1m]))")
    )
    assert of_sum is not None
    assert of_rates is not None
    a, b = of_sum[0, 0], of_rates[0, 0]
    assert a.count == pytest.approx(b.count)
    for own, other in ((a.positive, b.positive), (a.negative, b.negative)):
        for index in own.keys() | other.keys():
            assert own.get(index, 0.0) == pytest.approx(other.get(index, 0.0), abs=1e-9)


# --- Rules -----------------------------------------------------------------------------------------------------------

FAST, SLOW = "count:8 sum:8 buckets:[8]", "count:8 sum:80 offset:4 buckets:[8]"


def test_what_a_rule_records_later_rules_read() -> None:
    """The median is 0.7 s, and from the third minute to the fifth about 11 s."""
    series: dict[str, Samples] = {"h/a": [FAST, FAST, SLOW, SLOW, SLOW, FAST, FAST], "other/b": [FAST] * 7}
    rules: list[Rule] = [
        RecordingRule("all:h", parse("sum(h)"), {}),
        RecordingRule("count:h", parse('histogram_count({l="", __name__=~"all:.*"})'), {}),
        AlertingRule("Slow", parse("histogram_quantile(0.5, all:h) > 1")),
        AlertingRule("Counted", parse("count:h != 8")),
        AlertingRule("Histogram", parse("all:h")),
    ]
    found = replay([RuleGroup("g", tuple(rules), MINUTE)], recording(series), 0, 6 * MINUTE, Semantics())
    assert not list(found.problems)
    fired = {
        timeline.rule.name: [(episode.firing, episode.resolved) for episode in timeline.episodes]
        for timeline in found.timelines
    }
    assert fired == {"Slow": [(2 * MINUTE, 5 * MINUTE)], "Counted": [], "Histogram": [(0, None)]}
    recorded = evaluate_instant(parse('{__name__=~"all:h|count:h"}'), found.source, 3 * MINUTE).frame
    assert recorded.histograms is not None
    assert format_histogram(recorded.histograms[0, 0]) == "{{" + SLOW + "}}"
    assert recorded.values[1, 0] == 8.0


# --- Results ---------------------------------------------------------------------------------------------------------


def test_the_json_of_prometheus() -> None:
    full = "count:9 sum:3.5 z_bucket:1 z_bucket_w:0.25 buckets:[2 0 3] n_offset:1 n_buckets:[3]"
    frame = evaluate_instant(parse("h"), recording({"h": [full]}), 0).frame
    (series,) = json.loads(to_json(of_instant(frame, scalar=False)))["data"]["result"]
    assert series == {
        "metric": {"__name__": "h"},
        "histogram": [
            0,
            {
                "count": "9",
                "sum": "3.5",
                "buckets": [
                    [1, "-2", "-1", "3"],
                    [3, "-0.25", "0.25", "1"],
                    [0, "0.5", "1", "2"],
                    [0, "2", "4", "3"],
                ],
            },
        ],
    }
    assert list(to_text(of_instant(frame, scalar=False))) == [
        "h {count:9, sum:3.5, [-2,-1):3, [-0.25,0.25]:1, (0.5,1]:2, (2,4]:3}"
    ]


def test_an_empty_histogram_has_no_buckets_in_json() -> None:
    frame = evaluate_instant(parse("h"), recording({"h": [""]}), 0).frame
    (series,) = json.loads(to_json(of_instant(frame, scalar=False)))["data"]["result"]
    assert series["histogram"] == [0, {"count": "0", "sum": "0"}]


# --- Prometheus's scripts --------------------------------------------------------------------------------------------


@pytest.mark.skipif(not SCRIPTS.is_dir(), reason="needs the folder shared beside the project")
@pytest.mark.parametrize("name", ["native_histograms", "histograms", "limit", "operators", "aggregators", "functions"])
def test_every_eval_of_native_histograms_passes(name: str) -> None:
    outcomes = [outcome for outcome in run(SCRIPTS / f"{name}.test") if not outcome.is_float]
    assert outcomes
    failed = [outcome for outcome in outcomes if outcome.mismatch is not None]
    assert not failed, "\n".join(map(str, failed))
