"""A spec to the rule group that ships: windows, guards, conditions, labels, and the same bytes each time."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.conftest import GOLDEN, Golden
from tests.specs import MINUTE, compiled, evaluated, recording

from tocsin.diagnostics import Problems
from tocsin.labels import Labels, get
from tocsin.pipeline.compile import artifacts, compile_specs, target_names
from tocsin.pipeline.inputs import read_inputs
from tocsin.plan import names
from tocsin.promql.print import print_expr
from tocsin.rules import AlertingRule
from tocsin.spec.settings import Settings
from tocsin.targets.api import Artifact

CASES = sorted(path.name.removesuffix(".in.yaml") for path in (GOLDEN / "compile").glob("*.in.yaml"))
SPECS = Path(__file__).parent.parent / "specs"
OUT = Path(__file__).parent.parent / "out"

INDICATORS = """\
service: checkout
indicators:
  errors: {ratio: {bad: errors_total, total: requests_total}}
  by_path: {ratio: {bad: errors_total, total: requests_total}, by: [path]}
  traffic: {rate: requests_total}
  traffic_by_path: {rate: requests_total, by: [path]}
  traffic_by_zone: {rate: requests_total, by: [path, zone]}
  queue: {gauge: {value: queue_length, unit: count}}
  level: {gauge: {value: level, unit: count}}
  disk: {usage: {free: avail_bytes, capacity: size_bytes}, by: [instance]}
"""


def rule(alert: str, settings: Settings | None = None, top: str = "") -> AlertingRule:
    """The compiled rule of one alert, in YAML's flow style."""
    found = compiled(f"{INDICATORS}{top}alerts:\n  - {{{alert}}}\n", settings).groups[0].rules[0]
    assert isinstance(found, AlertingRule)
    return found


def text(alert: str, settings: Settings | None = None) -> str:
    return " ".join(print_expr(rule(alert, settings).expr).split())


def firing(alert: str, folder: Path, series: dict[str, list[float | None]]) -> dict[Labels, float]:
    return evaluated(rule(alert).expr, recording(folder, series), 10 * MINUTE)


def paths(found: dict[Labels, float]) -> set[str]:
    return {get(labels, "path") for labels in found}


def rising(step: float) -> list[float | None]:
    return [step * index for index in range(11)]


def flat(value: float) -> list[float | None]:
    return [value] * 11


class TestWindows:
    @pytest.mark.parametrize(
        ("scrape", "window"), [(15_000, "5m"), (60_000, "5m"), (75_000, "5m"), (120_000, "8m"), (300_000, "20m")]
    )
    def test_five_minutes_or_four_scrapes(self, scrape: int, window: str) -> None:
        found = text("name: A, indicator: traffic, above: 1/s", Settings(scrape_interval=scrape))
        assert found == f"sum(rate(requests_total[{window}])) > 1"

    def test_the_window_that_the_alert_asks_for(self) -> None:
        settings = Settings(scrape_interval=300_000)
        assert text("name: A, indicator: traffic, above: 1/s, over: 90s", settings) == (
            "sum(rate(requests_total[1m30s])) > 1"
        )

    def test_a_gauge_is_taken_as_it_is_unless_it_is_asked_for_a_window(self) -> None:
        assert text("name: A, indicator: queue, above: 3") == "queue_length > 3"
        assert text("name: A, indicator: queue, above: 3, over: 10m") == "avg_over_time(queue_length[10m]) > 3"

    def test_the_events_and_the_guard_take_the_same_window(self) -> None:
        found = text(
            "name: A, indicator: errors, above: 1%, over: 7m, min_events: 9, while: {indicator: traffic, above: 1/s}"
        )
        assert found.count("[7m]") == 4
        assert found.count("[") == 4


SHARE: dict[str, list[float | None]] = {
    'errors_total{path="/x"}': rising(2),
    'requests_total{path="/x"}': rising(100),
}
"""2% of errors."""


class TestConditions:
    @pytest.mark.parametrize(
        ("condition", "fires"),
        [("above: 1%", True), ("above: 2%", False), ("below: 2%", False), ("below: 3%", True)],
    )
    def test_a_threshold_itself_is_not_beyond_it(self, tmp_path: Path, condition: str, fires: bool) -> None:
        assert bool(firing(f"name: A, indicator: errors, {condition}", tmp_path, SHARE)) is fires

    @pytest.mark.parametrize(
        ("range_", "fires"), [("[1%, 3%]", False), ("[3%, 5%]", True), ("[0.5%, 1%]", True), ("[2%, 3%]", False)]
    )
    def test_outside_fires_on_both_sides(self, tmp_path: Path, range_: str, fires: bool) -> None:
        assert bool(firing(f"name: A, indicator: errors, outside: {range_}", tmp_path, SHARE)) is fires

    @pytest.mark.parametrize(("events", "fires"), [(500, True), (501, False)])
    def test_too_few_events_do_not_fire(self, tmp_path: Path, events: int, fires: bool) -> None:
        alert = f"name: A, indicator: errors, above: 1%, min_events: {events}"
        assert bool(firing(alert, tmp_path, SHARE)) is fires

    @pytest.mark.parametrize(("horizon", "fires"), [("40m", True), ("38m", False)])
    def test_fills_in_holds_the_trend_against_the_capacity(self, tmp_path: Path, horizon: str, fires: bool) -> None:
        """100 bytes at first and 2 less each minute leave 80, which last for another 40 minutes."""
        free: list[float | None] = [100.0 - 2 * index for index in range(11)]
        series = {
            'avail_bytes{instance="a"}': free,
            'size_bytes{instance="a"}': flat(1000),
            'avail_bytes{instance="b"}': flat(50),
            'size_bytes{instance="b"}': flat(1000),
        }
        found = firing(f"name: A, indicator: disk, fills_in: {horizon}", tmp_path, series)
        assert [get(labels, "instance") for labels in found] == (["a"] if fires else [])

    def test_absent_fires_where_the_series_are_gone(self, tmp_path: Path) -> None:
        assert list(firing("name: A, indicator: queue, absent: true", tmp_path, {"x": flat(1)}).values()) == [1.0]
        assert firing("name: A, indicator: queue, absent: true", tmp_path, {"queue_length": flat(0)}) == {}


ERRORS: dict[str, list[float | None]] = {
    'errors_total{path="/x"}': rising(50),
    'errors_total{path="/y"}': rising(50),
    'requests_total{path="/x",zone="1"}': rising(600),
    'requests_total{path="/y",zone="1"}': rising(60),
}


class TestGuards:
    @pytest.mark.parametrize(
        ("guard", "expected"),
        [
            ("{indicator: traffic_by_path, above: 5/s}", {"/x"}),
            ("{indicator: traffic_by_path, below: 5/s}", {"/y"}),
            ("{indicator: traffic_by_zone, above: 5/s}", {"/x"}),
            ("{indicator: traffic, above: 5/s}", {"/x", "/y"}),
            ("{indicator: traffic, above: 50/s}", set()),
            ("{indicator: queue, above: 3}", {"/x", "/y"}),
            ("{indicator: queue, above: 4}", set()),
        ],
    )
    def test_hold_for_the_same_group_or_for_all(self, tmp_path: Path, guard: str, expected: set[str]) -> None:
        series = {**ERRORS, 'queue_length{instance="a"}': flat(4)}
        assert paths(firing(f"name: A, indicator: by_path, above: 1%, while: {guard}", tmp_path, series)) == expected

    def test_of_a_sum_hold_for_series_with_labels(self, tmp_path: Path) -> None:
        """A gauge that is not grouped keeps its labels, and a sum has none to match them."""
        series = {**ERRORS, 'queue_length{instance="a"}': flat(4)}
        for guard, fires in (("above: 1/s", True), ("above: 50/s", False)):
            alert = f"name: A, indicator: queue, above: 3, while: {{indicator: traffic, {guard}}}"
            assert bool(firing(alert, tmp_path, series)) is fires

    def test_of_a_gauge_holds_for_a_sum(self, tmp_path: Path) -> None:
        series = {**ERRORS, 'queue_length{instance="a"}': flat(4)}
        for guard, fires in (("above: 3", True), ("above: 4", False)):
            alert = f"name: A, indicator: errors, above: 1%, while: {{indicator: queue, {guard}}}"
            assert bool(firing(alert, tmp_path, series)) is fires

    def test_between_gauges_hold_for_the_same_series(self, tmp_path: Path) -> None:
        series = {
            f'{name}{{instance="{one}"}}': flat(9) for name, one in (("queue_length", "a"), ("queue_length", "b"))
        }
        series |= {'level{instance="a"}': flat(1), 'level{instance="b"}': flat(3)}
        found = firing("name: A, indicator: queue, above: 3, while: {indicator: level, above: 2}", tmp_path, series)
        assert [get(labels, "instance") for labels in found] == ["b"]


class TestMetadata:
    def test_every_alert_says_whose_it_is_and_what_it_is_about(self) -> None:
        found = rule("name: A, indicator: queue, above: 3, severity: page", top="owner: payments\n")
        assert found.labels == {"indicator": "queue", "owner": "payments", "service": "checkout", "severity": "page"}

    def test_an_alert_s_labels_go_before_those_of_its_service(self) -> None:
        top = "labels: {env: prod, tier: '1'}\n"
        found = rule("name: A, indicator: queue, above: 3, labels: {env: test}", top=top)
        assert (found.labels["env"], found.labels["tier"]) == ("test", "1")

    @pytest.mark.parametrize(
        ("alert", "top", "expected"),
        [
            ("", "runbook: https://example.com/r\n", "https://example.com/r#queuelong"),
            ("", "runbook: https://example.com/r#all\n", "https://example.com/r#all"),
            (", runbook: 'https://example.com/own'", "runbook: https://example.com/r\n", "https://example.com/own"),
            ("", "", None),
        ],
    )
    def test_every_alert_links_to_its_own_section(self, alert: str, top: str, expected: str | None) -> None:
        found = rule(f"name: QueueLong, indicator: queue, above: 3{alert}", top=top)
        assert found.annotations.get(names.RUNBOOK) == expected

    def test_a_description_gives_the_value_beside_what_it_is_held_against(self) -> None:
        found = rule("name: A, indicator: errors, above: 1%, for: 10m, over: 30m, summary: s, action: a")
        assert list(found.annotations) == [names.SUMMARY, names.DESCRIPTION, names.ACTION]
        assert found.annotations[names.DESCRIPTION] == (
            "errors is {{ $value | humanizePercentage }}, above 1% for 10m (measured over 30m)"
        )

    def test_durations_go_into_the_rule(self) -> None:
        found = rule("name: A, indicator: queue, above: 3, for: 5m, keep_firing_for: 1h")
        assert (found.for_, found.keep_firing_for) == (5 * MINUTE, 60 * MINUTE)

    def test_the_group_is_named_for_its_service_and_evaluated_as_the_settings_say(self) -> None:
        group = compiled(INDICATORS, Settings(evaluation_interval=15_000)).groups[0]
        assert (group.name, group.interval, group.rules) == ("checkout", 15_000, ())


class TestNoData:
    @staticmethod
    def told(*alerts: str, settings: Settings | None = None) -> dict[str, AlertingRule]:
        written = "".join(f"  - {{{alert}}}\n" for alert in alerts)
        rules = compiled(f"{INDICATORS}alerts:\n{written}", settings).groups[0].rules
        return {one.name: one for one in rules if isinstance(one, AlertingRule) and one.name.endswith("NoData")}

    def test_one_for_each_indicator_that_is_judged_as_urgent_as_it_says(self) -> None:
        found = self.told(
            "name: A, indicator: queue, above: 3, severity: page",
            "name: B, indicator: by_path, above: 3%, severity: ticket",
            "name: C, indicator: by_path, above: 9%, severity: page, no_data: page",
        )
        assert {name: one.labels["severity"] for name, one in found.items()} == {
            "CheckoutByPathNoData": "page",
            "CheckoutQueueNoData": "ticket",
        }

    def test_none_where_it_is_ignored_or_is_the_alert_itself(self) -> None:
        assert self.told("name: A, indicator: queue, above: 3, no_data: ignore") == {}
        assert self.told("name: A, indicator: queue, absent: true") == {}

    @pytest.mark.parametrize(("scrape", "minutes"), [(60_000, 10), (300_000, 10), (600_000, 20)])
    def test_waits_for_more_than_a_lost_scrape(self, scrape: int, minutes: int) -> None:
        (one,) = self.told("name: A, indicator: queue, above: 3", settings=Settings(scrape_interval=scrape)).values()
        assert one.for_ == minutes * MINUTE


@pytest.mark.parametrize(
    ("service", "indicator", "name"),
    [("checkout", "errors", "CheckoutErrorsNoData"), ("pet-site", "p99_by_zone", "PetSiteP99ByZoneNoData")],
)
def test_names_of_alerts_on_missing_data(service: str, indicator: str, name: str) -> None:
    assert names.no_data_alert(service, indicator) == name


def compile_case(path: Path) -> list[Artifact]:
    problems = Problems()
    inputs = read_inputs([path], None, problems)
    assert not len(problems)
    return artifacts(compile_specs(inputs), inputs.settings, target_names())


@pytest.mark.parametrize("case", CASES)
def test_what_a_spec_compiles_to(case: str, golden: Golden) -> None:
    for artifact in compile_case(GOLDEN / "compile" / f"{case}.in.yaml"):
        golden(f"compile/{case}.{artifact.path.partition('/')[0]}.yaml", artifact.text)


@pytest.mark.parametrize("path", [SPECS, *(GOLDEN / "compile" / f"{case}.in.yaml" for case in CASES)], ids=str)
def test_the_same_bytes_each_time(path: Path) -> None:
    once, again = compile_case(path), compile_case(path)
    assert once
    assert once == again


def accepted(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


RULE_FILES = [*(GOLDEN / "compile" / f"{case}.prometheus.yaml" for case in CASES), *OUT.glob("prometheus/*.yaml")]
ROUTINGS = [
    *(GOLDEN / "compile" / f"{case}.alertmanager.yaml" for case in CASES),
    OUT / "alertmanager/alertmanager.yml",
]


@pytest.mark.live("promtool")
@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: str(path.name))
def test_prometheus_loads_every_rule_file(path: Path) -> None:
    accepted("promtool", "check", "rules", str(path))


@pytest.mark.live("amtool")
@pytest.mark.parametrize("path", ROUTINGS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_alertmanager_loads_every_routing(path: Path) -> None:
    accepted("amtool", "check-config", str(path))
