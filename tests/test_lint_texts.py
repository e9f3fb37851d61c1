"""What is found in the texts of alerts: labels that are not there, templates that fail, units that are not those."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.linting import alert, found, rules, spec

from tocsin.diagnostics import Severity


@pytest.mark.parametrize(
    ("expr", "text", "shown"),
    [
        ("sum(x) > 1", "{{ $labels.pod }}", "$labels.pod"),
        ("sum(x) > 1", "{{ .Labels.pod }}", ".Labels.pod"),
        ("sum(x) > 1", "{{ range query `up` }}{{ $.Labels.pod }}{{ end }}", "$.Labels.pod"),
        ("sum(x) > 1", "{{ if $value }}{{ $labels.pod | title }}{{ end }}", "$labels.pod"),
        ('absent(x{a="1"})', "{{ $labels.a }} {{ $labels.pod }}", "$labels.pod"),
        ("sum by (job) (x) > 1", "{{ $labels.severity }}", "$labels.severity"),
        ("sum by (a) (x) / sum by (a) (y) > 1", "{{ printf `%s` $labels.pod }}", "$labels.pod"),
        ("sum by (job) (x) > 1", "{{ $labels.job }} {{ $labels.job }} {{ $labels.jo }}", "$labels.jo"),
    ],
)
def test_a_label_that_the_query_took_away(tmp_path: Path, expr: str, text: str, shown: str) -> None:
    (problem,) = found(tmp_path, "lost-label", rules(alert(expr, description=text)))
    assert problem.span.text == shown
    assert problem.span.source.text[problem.span.start :].startswith(
        shown + ("}" if text.endswith(shown + "}") else "")
    )


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ("x > 1", "{{ $labels.pod }}"),
        ("sum by (pod) (x) > 1", "{{ $labels.pod }}"),
        ("sum(x) > 1", "{{ if $labels.pod }}{{ $labels.pod }}{{ end }}"),
        ("sum(x) > 1", "{{ with $labels.pod }}{{ . }}{{ end }}"),
        ("sum(x) > 1", "{{ range query `up` }}{{ .Labels.pod }}{{ end }}"),
        ("sum(x) > 1 or sum by (pod) (y) > 1", "{{ $labels.pod }}"),
        ("sum(x) > 1", "{{ $externalLabels.pod }} {{ $value }}"),
        ("sum by (job) (x) * on (job) group_left (pod) y > 1", "{{ $labels.pod }}"),
        ('absent(x{pod="1"})', "{{ $labels.pod }}"),
    ],
)
def test_a_label_that_may_be_there(tmp_path: Path, expr: str, text: str) -> None:
    assert not found(tmp_path, "lost-label", rules(alert(expr, description=text)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{ .Foo }}", ".Foo"),
        ("{{ $labels.a.b }}", "$labels.a.b"),
        ("{{ query `sum(` }}", "`sum(`"),
        ("{{ `rate(x)` | query | first | value }}", "`rate(x)`"),
        ("{{ printf `sum(%s` $labels.job | query }}", "`sum(%s`"),
        ("{{ $labels.job }}", None),
        ("{{ .Value }} {{ .ExternalURL }} {{ $externalLabels.a }}", None),
        ("{{ query `up` }}", None),
        ("{{ printf `up{job=%q}[%s]` $labels.job `5m` | query }}", None),
        ("{{ range query `up` }}{{ .Foo }}{{ end }}", None),
        ("no template", None),
    ],
)
def test_a_text_that_fails_when_it_is_filled_in(tmp_path: Path, text: str, shown: str | None) -> None:
    problems = found(tmp_path, "broken-template", rules(alert("x > 1", description=text)))
    assert [problem.span.text for problem in problems] == ([shown] if shown else [])


@pytest.mark.parametrize(
    ("expr", "text", "fires"),
    [
        ("avg_over_time(x_percent[5m]) > 50", "{{ $value | humanizePercentage }}", True),
        ("avg_over_time(x_ratio[5m]) * 100 > 50", "{{ $value | humanizePercentage }}", True),
        ("avg_over_time(x_ratio[5m]) > 0.5", "{{ $value | humanizePercentage }}", False),
        ("avg_over_time(x_ratio[5m]) > 0.5", "{{ $value }}%", True),
        ("avg_over_time(x_ratio[5m]) > 0.5", '{{ printf "%.1f" $value }} %', True),
        ("avg_over_time(x_ratio[5m]) * 100 > 50", "{{ $value }}%", False),
        ("avg_over_time(x_milliseconds[5m]) > 500", "{{ $value | humanizeDuration }}", True),
        ("avg_over_time(x_seconds[5m]) > 500", "slower than 500ms", True),
        ("avg_over_time(x_seconds[5m]) > 0.5", "slower than 500ms", False),
        ("avg_over_time(x_seconds[5m]) > 500", "slower than 1500ms", False),
        ("avg_over_time(x_ms[5m]) > 2", "slower than 2 seconds", True),
        ("avg_over_time(x_seconds[5m]) * 1000 > 500", "slower than 500 ms", False),
    ],
)
def test_a_text_in_another_unit(tmp_path: Path, expr: str, text: str, fires: bool) -> None:
    assert bool(found(tmp_path, "unit-mismatch", rules(alert(expr, description=text)))) is fires


@pytest.mark.parametrize(
    ("labels", "severity"),
    [
        ({"used": "{{ $value }}"}, Severity.ERROR),
        ({"used": "{{ .Value | humanize }}"}, Severity.ERROR),
        ({"used": "{{ query `up` | first | value }}"}, Severity.ERROR),
        ({"job": "shop"}, Severity.WARNING),
        ({"pod": ""}, Severity.WARNING),
        ({"job": ""}, Severity.WARNING),
        ({"team": "{{ $labels.job }}"}, None),
        ({"team": "shop"}, None),
    ],
)
def test_a_label_that_is_no_identity(tmp_path: Path, labels: Mapping[str, str], severity: Severity | None) -> None:
    problems = found(tmp_path, "templated-identity", rules(alert("sum by (job) (x) > 1", labels)))
    assert [problem.severity for problem in problems] == ([severity] if severity else [])


def test_a_label_of_a_spec_that_its_query_took_away_is_an_error(tmp_path: Path) -> None:
    text = spec("{gauge: {value: sum(x), unit: count}}", "above: 9, for: 5m", "Too much of x on {{ $labels.pod }}")
    (problem,) = found(tmp_path, "lost-label", text)
    assert problem.severity is Severity.ERROR
    assert problem.span.text == "$labels.pod"
