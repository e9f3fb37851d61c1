"""A backtest as text, JSON and charts: what readers rely on, and what hostile input must not do."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.verdicts import DAY, HOSTILE, MINUTE, START, TERMINAL, at, sample, trace_of

from tocsin.backtest.model import Backtest, Score, Window
from tocsin.labels import from_mapping
from tocsin.report import charts
from tocsin.report.json import to_json
from tocsin.report.numbers import false_per_week
from tocsin.report.query import format_sample, format_samples
from tocsin.report.text import write


def written(backtest: Backtest) -> str:
    file = io.StringIO()
    write(backtest, file)
    return file.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


# --- text --------------------------------------------------------------------------------------------------------


def test_the_table_names_every_number_and_what_was_missed() -> None:
    text = written(sample())
    lines = [line.split() for line in text.splitlines()]
    expected = ["page", "3", "(+1", "lost)", "33.3%", "50%", "2m", "1m31s", "21.0", "14.0"]
    assert ["ShopSlow", *expected] in lines
    assert ["all", "alerts", *expected[1:]] in lines
    assert ["Quiet", "0", "–", "0%", "–", "–", "0", "0"] in lines
    assert "missed 1 of 2 incidents:\n  2023-11-14 10:00:00 to 11:00:00  missed one\n" in text
    assert "fired for 1 of 1 non-incidents:\n  2023-11-14 05:00:00 to 05:01:00  blip  by ShopSlow\n" in text
    assert text.startswith("2023-11-14 00:00:00 to 2023-11-15 00:00:00 UTC (1d, of which 12h are recorded)\n")


def test_without_incidents_nothing_is_said_of_them() -> None:
    score = Score(3, 0, 21.0)
    text = written(replace(sample(), incidents=(), not_incidents=(), score=score))
    assert "incident" not in text
    assert ["all", "alerts", "3", "–", "–", "–", "–", "21.0", "–"] in [line.split() for line in text.splitlines()]


def test_nothing_is_cut_where_nobody_knows_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long = "An" + "Alert" * 60
    text = written(sample(long))
    assert long in text
    assert any(long in line and line.rstrip().endswith("14.0") for line in text.splitlines())


def test_colour_only_on_a_terminal_and_only_if_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal, plain = Terminal(), Terminal()
    write(sample(), terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    write(sample(), plain)
    colours = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
    assert colours.search(terminal.getvalue())
    assert not colours.search(plain.getvalue())
    assert "\x1b" not in written(sample())


def test_no_text_drives_the_terminal() -> None:
    text = written(sample("Slow" + TERMINAL, TERMINAL + "[bold]"))
    assert not set(text) & set("\x1b\x07\u202e")
    assert "Slow\\x1b]0;owned\\x07\\u202e" in text
    assert "[bold]" in text


# --- json --------------------------------------------------------------------------------------------------------


def test_json_is_the_promised_interface() -> None:
    document = json.loads(to_json(sample()))
    assert document["window"] == {"start": START // 1000, "end": (START + DAY) // 1000, "step": 60}
    rule = document["rules"][0]
    assert list(rule) == ["group", "name", "labels", "episodes", "score"]
    assert (rule["group"], rule["name"], rule["labels"]) == ("shop", "ShopSlow", {"severity": "page", "team": "shop"})
    first = {"labels": {"instance": "a"}, "pending": at(57), "firing": at(62), "resolved": at(80), "annotations": {}}
    assert rule["episodes"][0] == {k: v // 1000 if isinstance(v, int) else v for k, v in first.items()}
    assert rule["episodes"][1]["firing"] is None
    assert rule["episodes"][3]["resolved"] is None
    assert rule["score"]["time_to_detect"] == 120
    assert rule["score"]["time_to_reset"] == 90.5
    assert document["rules"][1]["score"]["precision"] is None
    assert [one["detected"] for one in document["incidents"]] == [True, False]
    assert document["incidents"][0]["detections"][0]["at"] == at(62) // 1000
    assert document["not_incidents"][0]["detections"][0]["rule"] == "ShopSlow"
    assert document["notifications"] == []
    problem = document["problems"][0]
    assert (problem["code"], problem["path"], problem["line"], problem["column"]) == (
        "backtest/failed",
        "rules.yaml",
        2,
        1,
    )


@pytest.mark.parametrize("text", ["", HOSTILE, TERMINAL, '\u2028 \ud83d\ude00 \\ "'])
def test_json_is_as_python_writes_it(text: str) -> None:
    for verdict in (sample(text=text), replace(sample(text=text), rules=(), incidents=())):
        written = to_json(verdict)
        assert written == json.dumps(json.loads(written), indent=2) + "\n"


def test_json_is_the_same_every_time_and_ends_with_a_line_break() -> None:
    text = to_json(sample())
    assert text == to_json(sample())
    assert text.endswith("}\n")
    assert text.isascii()
    assert '"step": 60\n' in text, "whole seconds have no fraction"


def test_false_per_week_is_a_share_of_what_fired() -> None:
    assert false_per_week(Score(4, 0, 8.0, true=3, false=1)) == 2.0
    assert false_per_week(Score(0, 0, 0.0, true=0, false=0)) == 0.0
    assert false_per_week(Score(4, 0, 8.0)) is None


# --- charts ------------------------------------------------------------------------------------------------------


def test_the_axis_is_cut_at_long_gaps_only() -> None:
    window = Window(0, 100_000, 1)
    (whole,) = charts.panels(window)
    assert (whole.start, whole.end, whole.left, whole.right) == (-1000, 101_000, 0.0, 1.0)
    parts = charts.panels(window, [(0, 1000), (1100, 2000), (90_000, 96_000)])
    assert [(part.axis, part.start, part.end) for part in parts] == [("x", -20, 2020), ("x2", 89_940, 96_060)]
    widths = [part.right - part.left for part in parts]
    assert widths[1] / widths[0] == pytest.approx(3)
    assert parts[-1].right == pytest.approx(1)


def test_many_episodes_are_few_bars_and_none_is_forgotten() -> None:
    one = charts.Stretch
    merged = charts.merge([one(50, 60, "c"), one(0, 10, "a"), one(5, 20, "b"), one(24, 30, "d")], 3)
    assert [(found.start, found.end) for found in merged] == [(0, 20), (24, 30), (50, 60)]
    assert merged[0].text == "2 episodes, the first a"


def test_the_timeline_shows_each_episode_in_its_state() -> None:
    backtest = sample()
    figure = charts.timeline(backtest, charts.panels(backtest.window))
    bars = [
        (bar["marker"]["color"], bar["y"][0], list(zip(bar["base"], bar["x"], strict=True))) for bar in figure["data"]
    ]
    row = figure["layout"]["yaxis"]["ticktext"].index("ShopSlow")
    firing = next(spans for colour, y, spans in bars if (colour, y) == ("--firing", row))
    assert firing == [(at(62), 18 * MINUTE), (at(305), 5 * MINUTE), (at(1435), 5 * MINUTE)]
    pending = next(spans for colour, y, spans in bars if (colour, y) == ("--pending", row))
    assert (at(200), 3 * MINUTE) in pending
    missed = next(spans for colour, _, spans in bars if colour == "--missed")
    assert missed == [(at(600), 60 * MINUTE)]


def test_a_chart_shows_its_threshold_even_where_no_value_comes_near() -> None:
    backtest = sample()
    trace = trace_of(backtest, from_mapping({"a": "1"}))
    figure = charts.values(trace, backtest.rules[0], backtest, charts.panels(backtest.window))
    low, high = figure["layout"]["yaxis"]["range"]
    assert low < 0.7
    assert high > 2.5
    line = figure["data"][0]
    assert line["x"][0] == START
    assert [value is None for value in line["y"]] == (~trace.frame.present[0]).tolist()
    assert figure["layout"]["annotations"][0]["text"] == "&gt; 2"


@given(st.lists(st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1e-4, 9.999e-5, 1e16, 9.999999999999998e15, 1e21]))))
def test_samples_are_written_together_as_each_alone(values: list[float]) -> None:
    assert format_samples(np.array(values, dtype=np.float64)) == list(map(format_sample, values))
