"""Labels and annotations of alerts from templates, by hand and against Prometheus itself."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from tests import promtool
from tests.promtool import Stretch
from tests.replays import MINUTE, alert, every_minute, minutes, random_group, record, replayed, series_of

from tocsin.rules import AlertingRule, Rule, RuleGroup
from tocsin.series import Series

LABELLED = {
    "value": "{{ $value }}",
    "size": "{{ if gt $value 1.0 }}large{{ else }}small{{ end }}",
    "job": "{{ .Labels.job | toUpper }}",
    "raw": "{{ $labels.nothing }}",
    "fails": "{{ .Nothing }}",
    "now": '{{ with query "sum(gauge)" }}{{ . | first | value | humanize }}{{ end }}',
    "high": '{{ range query "high" | sortByLabel "instance" }}{{ .Labels.instance }} {{ end }}',
}


def templated_group(seed: int) -> tuple[RuleGroup, Series]:
    """Alerts with templates in their labels and annotations."""
    chance = random.Random(seed)
    group, series = random_group(seed)
    rules: list[Rule] = []
    for rule in group.rules:
        if isinstance(rule, AlertingRule):
            own = dict(chance.sample(list(LABELLED.items()), chance.choice([0, 1, 2])))
            told = dict(chance.sample(list(LABELLED.items()), chance.choice([1, 3])))
            rule = replace(rule, labels={**rule.labels, **own}, annotations={**told, "fixed": "text"})
        rules.append(rule)
    return replace(group, rules=tuple(rules)), series


@pytest.mark.live("promtool")
@pytest.mark.parametrize("seed", range(6))
def test_promtool_agrees_on_labels_and_annotations_from_templates(seed: int, tmp_path: Path) -> None:
    group, series = templated_group(seed)
    found = replayed(group, series, 170)
    assert all(problem.severity == "warning" for problem in found.problems)
    assert sum(bool(one.annotations) for timeline in found.timelines for one in timeline.episodes) > 20
    assert promtool.disagreement(tmp_path, [group], series, found.timelines, [Stretch(0, 170 * MINUTE)], MINUTE) == ""


@pytest.mark.live("promtool")
def test_promtool_sees_an_annotation_that_is_wrong(tmp_path: Path) -> None:
    group, series = templated_group(0)
    timelines = list(replayed(group, series, 170).timelines)
    for place, timeline in enumerate(timelines):
        wrong = tuple(replace(one, annotations=(("fixed", "other"),)) for one in timeline.episodes)
        timelines[place] = replace(timeline, episodes=wrong)
    assert "FAILED" in promtool.disagreement(tmp_path, [group], series, timelines, [Stretch(0, 170 * MINUTE)], MINUTE)


def test_labels_that_hold_the_value_make_a_new_alert_of_every_value() -> None:
    series = series_of({"x": every_minute([1, 1, 2, 2, 2])})
    (timeline,) = replayed(RuleGroup("g", (alert("x", labels={"v": "{{ $value }}"}, for_=1),)), series, 4).timelines
    assert [dict(episode.labels)["v"] for episode in timeline.episodes] == ["1", "2"]
    assert minutes(timeline.episodes) == [(0, 1, 2), (2, 3, None)]


def test_annotations_are_those_of_the_last_evaluation_that_returned_the_alert() -> None:
    series = series_of({'x{a="1"}': every_minute([1, 5, 7, 0, 0, 3])})
    rule = replace(alert("x > 0", keep_firing_for=1), annotations={"v": "{{ $value }}", "a": "{{ $labels.a }}"})
    (timeline,) = replayed(RuleGroup("g", (rule,)), series, 5).timelines
    assert [one.annotations for one in timeline.episodes] == [(("a", "1"), ("v", "7")), (("a", "1"), ("v", "3"))]


def test_results_that_templates_give_the_same_labels_fail_the_evaluation() -> None:
    series = series_of({'x{a="1"}': every_minute([1, 1, 1]), 'x{a="2"}': every_minute([2, 1, 2])})
    (timeline,) = replayed(RuleGroup("g", (alert("x", labels={"a": "{{ $value }}"}),)), series, 2).timelines
    assert [(failure.first, failure.count) for failure in timeline.failures] == [(MINUTE, 1)]


def test_a_template_that_fails_says_so_in_the_label_and_in_a_problem() -> None:
    series = series_of({"x": {3: 1.0, 4: 1.0}})
    rule = replace(alert("x", labels={"l": "{{ .Foo }}"}), annotations={"a": "{{ printf `%p` 1 }}", "b": "fine"})
    found = replayed(RuleGroup("g", (rule,)), series, 4)
    (episode,) = found.timelines[0].episodes
    assert dict(episode.labels)["l"].startswith("<error expanding template: error executing template __alert_A: ")
    assert dict(episode.annotations) == {"b": "fine"}
    assert [problem.code for problem in found.problems] == ["backtest/template"] * 2
    assert "first at 1970-01-01T00:03:00Z" in found.problems[0].message


def test_an_annotation_that_asks_for_the_server_is_left_out() -> None:
    rule = replace(alert("x"), annotations={"url": "{{ $externalURL }}/x", "b": "{{ $labels.a }}"})
    found = replayed(RuleGroup("g", (rule,)), series_of({'x{a="1"}': every_minute([1])}), 0)
    assert found.timelines[0].episodes[0].annotations == (("b", "1"),)
    assert "what the annotation `url` of `A` says is not known" in found.problems[0].message


def test_labels_of_a_recording_rule_are_no_templates() -> None:
    series = series_of({"x": every_minute([1])})
    group = RuleGroup("g", (record("y", "x", {"a": "{{ 1 }}"}), alert("y")))
    (timeline,) = replayed(group, series, 0).timelines
    assert dict(timeline.episodes[0].labels)["a"] == "{{ 1 }}"
