"""`info()`: the labels of info metrics beside those of series, as Prometheus 3 documents it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.evaluations import answer_at, at, error, one, recording
from tests.oracle_numbers import Samples
from tests.promql_samples import START

from tocsin.engine.evaluate import evaluate_instant
from tocsin.engine.semantics import Semantics
from tocsin.labels import Labels, from_mapping
from tocsin.promql.parse import parse
from tocsin.series import STALE

METRIC = one(1.0, 2.0, 3.0, __name__="m", instance="a", job="1", own="x")
TARGET = one(1.0, 1.0, 1.0, __name__="target_info", instance="a", job="1", data="d", own="other")
BUILD = one(1.0, 1.0, 1.0, __name__="build_info", instance="a", job="1", build="b")


def labels_of(text: str, data: Mapping[Labels, Samples], minute: int = 0) -> list[dict[str, str]]:
    answer = at(text, data, minute)
    assert isinstance(answer, dict)
    return [dict(labels) for labels in sorted(answer)]


@pytest.mark.parametrize(
    ("selector", "added"),
    [
        ("", {"data": "d"}),
        (', {data=~".+"}', {"data": "d"}),
        (', {none=~".*"}', {}),
        (', {__name__="build_info"}', {"build": "b"}),
        (', {__name__=~".+_info"}', {"build": "b", "data": "d"}),
        (', {__name__!="target_info"}', {"build": "b"}),
        (', {__name__="none"}', {}),
        (', {__name__=~".+_info", build="b"}', {"build": "b"}),
        (', {own="other"}', {}),
    ],
)
def test_info_adds_the_labels_that_a_series_lacks(selector: str, added: dict[str, str]) -> None:
    (got,) = labels_of(f"info(m{selector})", METRIC | TARGET | BUILD)
    assert got == {"__name__": "m", "instance": "a", "job": "1", "own": "x", **added}


def test_a_series_without_info_goes_only_where_a_label_is_asked_for() -> None:
    assert labels_of('info(m, {none="x"})', METRIC | TARGET) == []
    assert labels_of("info(m)", METRIC) == [dict(next(iter(METRIC)))]


def test_info_metrics_are_not_described_themselves() -> None:
    (got,) = labels_of('info(build_info, {__name__=~".+_info"})', TARGET | BUILD)
    assert got == dict(next(iter(BUILD)))


def test_the_newest_info_wins() -> None:
    newer = {from_mapping({**dict(next(iter(TARGET))), "data": "new"}): [(START + 60_000, 1.0)]}
    old = {labels: found[:1] for labels, found in TARGET.items()}
    assert [labels_of("info(m)", METRIC | old | newer, t)[0]["data"] for t in (0, 1, 2)] == ["d", "new", "new"]


def test_two_infos_of_the_same_time_are_an_error() -> None:
    other = one(1.0, __name__="target_info", instance="a", job="1", data="e")
    message = error("info(m)", METRIC | TARGET | other)
    assert message.startswith('found duplicate series for info metric: existing {__name__="target_info", data="d"')
    assert message.endswith(f"@ {START}")
    conflict = one(1.0, __name__="build_info", instance="a", job="1", data="e")
    assert error('info(m, {__name__=~".+_info"})', METRIC | TARGET | conflict) == "conflicting label: data"


def test_infos_need_not_agree_on_a_label_that_the_series_has() -> None:
    own = one(1.0, __name__="m", instance="a", job="1", data="own")
    conflict = one(1.0, __name__="build_info", instance="a", job="1", data="e", build="b")
    (got,) = labels_of('info(m, {__name__=~".+_info"})', own | TARGET | conflict)
    assert got == {**dict(next(iter(own))), "build": "b", "own": "other"}


def test_info_is_looked_up_when_the_samples_are() -> None:
    gone = {labels: [(START, 1.0), (START + 100_000, STALE)] for labels in TARGET}
    second = START // 1000
    for text, described in (
        ("info(m)", False),
        ("info(m offset 2m)", True),
        (f"info(m @ {second})", True),
        (f"info(last_over_time(m[2m:1m] @ {second + 60}))", True),
        (f"info(last_over_time(m[2m:1m] @ {second + 120}))", False),
        (f"info(last_over_time((m offset 1m)[3m:1m] @ {second + 120}))", True),
        ("info(last_over_time(m[2m:1m] offset 1m))", True),
    ):
        (got,) = labels_of(text, METRIC | gone, 2)
        assert ("data" in got) is described, text


def test_the_labels_that_identify_need_not_all_be_there() -> None:
    data = one(1.0, __name__="m", instance="a") | one(1.0, __name__="target_info", instance="a", data="d")
    assert labels_of("info(m)", data) == [{"__name__": "m", "instance": "a", "data": "d"}]


def test_names_that_go_at_the_end_stay_known_to_info() -> None:
    source = recording(TARGET | METRIC)
    delayed = replace(Semantics(), delayed_names=True)
    result = evaluate_instant(parse("info(floor(m))"), source, START, delayed)
    (labels,) = result.frame.labels
    assert dict(labels) == {"instance": "a", "job": "1", "own": "x", "data": "d"}
    assert answer_at(result, 0, scalar=False) == {labels: 1.0}
