"""The alerts of objectives over time: what burns pages, what is quiet or old does not, and no guard hides a burn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from tests.specs import MINUTE, compiled, read

from tocsin.alerts.replay import replay
from tocsin.engine.semantics import Semantics
from tocsin.rules import AlertingRule, RecordingRule
from tocsin.sources.open import open_recording
from tocsin.spec.burn_rates import built_in
from tocsin.spec.settings import Settings

HOUR = 60 * MINUTE
DAY = 24 * HOUR
SPEC = """\
service: shop
indicators:
  errors: {ratio: {bad: 'requests_total{code="500"}', total: requests_total}%s}
objectives:
  - {name: answers, indicator: errors, target: 99.9%%%s}
"""


def shop(more: str = "", by: str = "") -> str:
    return SPEC % (by, f", {more}" if more else "")


def counters(folder: Path, rates: Iterable[tuple[int, float, float]], labels: str = "") -> Path:
    """A recording of two counters, scraped every minute: for so many minutes, good and bad events a minute."""
    good, bad, lines = 0.0, 0.0, []
    for minute, (more, failed) in enumerate((g, b) for length, g, b in rates for _ in range(length)):
        good, bad = good + more, bad + failed
        lines.append((minute, good, bad))
    text = [f'requests_total{{code="200",instance="a",job="shop"{labels}}} {good!r} {60 * at}' for at, good, _ in lines]
    text += [f'requests_total{{code="500",instance="a",job="shop"{labels}}} {bad!r} {60 * at}' for at, _, bad in lines]
    path = folder / "recording.om"
    path.write_text("\n".join([*text, "# EOF", ""]))
    return path


def firing(
    spec: str, path: Path, minutes: int, settings: Settings | None = None
) -> Mapping[str, list[tuple[float, float | None]]]:
    """When each alert fired, and was over, in minutes."""
    groups = compiled(spec, settings).groups
    found = replay(groups, open_recording(str(path)), 0, minutes * MINUTE, Semantics(3))
    assert not found.problems
    return {
        timeline.rule.name: [
            (episode.firing / MINUTE, None if episode.resolved is None else episode.resolved / MINUTE)
            for episode in timeline.episodes
            if episode.firing is not None
        ]
        for timeline in found.timelines
    }


class TestBurning:
    def test_an_outage_pages_within_minutes_and_ends_with_its_short_window(self, tmp_path: Path) -> None:
        path = counters(tmp_path, [(26 * 60, 100, 0), (10, 0, 100), (4 * 60, 100, 0)])
        found = firing(shop(), path, 30 * 60)
        ((began, ended),) = found["ShopAnswersFastBurn"]
        # 1.44% of an hour is 0.864 minutes of an outage: the first evaluation that sees it.
        assert began == 26 * 60
        assert ended == 26 * 60 + 10 - 1 + 5
        assert len(found["ShopAnswersMediumBurn"]) == 1

    def test_what_the_budget_bears_is_quiet(self, tmp_path: Path) -> None:
        path = counters(tmp_path, [(3 * 24 * 60, 999.1, 0.9)])
        assert not any(firing(shop(), path, 3 * 24 * 60).values())

    def test_rules_that_are_new_do_not_page_for_the_first_error(self, tmp_path: Path) -> None:
        path = counters(tmp_path, [(5, 100, 0), (1, 70, 30), (120, 100, 0)])
        assert not firing(shop(), path, 120)["ShopAnswersFastBurn"]

    def test_a_budget_that_is_spent_is_told_once(self, tmp_path: Path) -> None:
        path = counters(tmp_path, [(2 * 24 * 60, 99, 1)])
        # 1% of all events spends thirty days of a budget of 0.1% in three days.
        (episode,) = firing(shop(), counters(tmp_path, [(4 * 24 * 60, 99, 1)]), 4 * 24 * 60)["ShopAnswersBudgetSpent"]
        assert abs(episode[0] - 3 * 24 * 60) <= 8
        assert not firing(shop(), path, 2 * 24 * 60)["ShopAnswersBudgetSpent"]

    def test_groups_burn_apart(self, tmp_path: Path) -> None:
        text = ""
        for tenant, bad in (("gold", 0.5), ("tin", 0.5)):
            path = counters(tmp_path, [(8 * 60, 100 - bad, bad)], f',tenant="{tenant}"')
            text += path.read_text().removesuffix("# EOF\n")
        (tmp_path / "both.om").write_text(f"{text}# EOF\n")
        more = "targets: [{labels: {tenant: gold}, target: 99.99%}]"
        groups = compiled(shop(more, ", by: [tenant]")).groups
        found = replay(groups, open_recording(str(tmp_path / "both.om")), 0, 8 * HOUR, Semantics(3))
        fired = {
            dict(e.labels)["tenant"]
            for t in found.timelines
            if t.rule.name == "ShopAnswersFastBurn"
            for e in t.episodes
        }
        assert fired == {"gold"}


class TestLowTraffic:
    NIGHT = ((2 * 24 * 60, 0.1, 0), (1, 0, 0.1), (24 * 60, 0.1, 0))

    def test_one_failure_in_a_quiet_night_pages_without_a_guard(self, tmp_path: Path) -> None:
        assert firing(shop(), counters(tmp_path, self.NIGHT), 3 * 24 * 60)["ShopAnswersFastBurn"]

    def test_and_does_not_with_one(self, tmp_path: Path) -> None:
        assert not any(firing(shop("min_events: 100"), counters(tmp_path, self.NIGHT), 3 * 24 * 60).values())

    @pytest.mark.parametrize("least", [100, 1_000, 20_000, 100_000, 1_000_000])
    def test_no_guard_hides_a_burn(self, least: int, tmp_path: Path) -> None:
        """Half a request a second, nine of ten fail: somebody is woken within hours, however high the guard."""
        path = counters(tmp_path, [(24 * 60, 30, 0), (24 * 60, 3, 27)])
        pages = {"ShopAnswersFastBurn", "ShopAnswersMediumBurn", "ShopAnswersEventsBurn"}
        found = firing(shop(f"min_events: {least}"), path, 48 * 60)
        first = min(began for name in pages for began, _ in found[name])
        assert first - 24 * 60 < 10 * 60

    def test_thresholds_that_know_the_traffic_let_a_quiet_hour_be(self, tmp_path: Path) -> None:
        path = counters(tmp_path, [(24 * 60, 1000, 0), (60, 0, 1), (60, 1000, 0)])
        assert firing(shop(), path, 26 * 60)["ShopAnswersFastBurn"]
        assert not firing(shop("thresholds: traffic"), path, 26 * 60)["ShopAnswersFastBurn"]

    def test_and_tell_of_the_same_share_of_the_budget(self, tmp_path: Path) -> None:
        """2% of a month's budget is 864 of its 43,200,000 events: an outage of a busy minute."""
        path = counters(tmp_path, [(24 * 60, 1000, 0), (10, 0, 1000), (60, 1000, 0)])
        ((began, _),) = firing(shop("thresholds: traffic"), path, 26 * 60)["ShopAnswersFastBurn"]
        assert began == 24 * 60


class TestRules:
    def test_thresholds_are_exact_decimals(self) -> None:
        groups = compiled(shop()).groups
        text = "".join(str(rule.expr) for group in groups for rule in group.rules if isinstance(rule, AlertingRule))
        assert "0.0144" in text
        assert "0.0143999" not in text

    def test_an_edited_label_leaves_the_recordings_as_they_are(self) -> None:
        plain, edited = (
            shop(),
            shop("labels: {tier: '2'}").replace("service: shop\n", "service: shop\nlabels: {a: b}\n"),
        )
        recorded = [
            {
                (rule.name, tuple(rule.labels.items()))
                for group in compiled(spec).groups
                for rule in group.rules
                if isinstance(rule, RecordingRule)
            }
            for spec in (plain, edited)
        ]
        assert {name for name, _ in recorded[0] ^ recorded[1]} == {"slo:info"}

    @pytest.mark.parametrize("days", [7, 14, 28, 31, 90])
    def test_windows_follow_the_period_and_burn_rates_stay(self, days: int) -> None:
        scaled = built_in()["workbook"].scaled(days * DAY, MINUTE)
        assert [tier.burn_rate(days * DAY) for tier in scaled.tiers] == [Decimal("14.4"), 6, 3, 1]

    def test_a_period_of_the_calendar_has_the_windows_of_its_length(self) -> None:
        (objective,) = read(shop("period: week")).objectives
        first = objective.tiers[0]
        assert (first.long, first.short) == (14 * MINUTE, MINUTE)
