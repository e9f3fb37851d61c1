"""A backtest as text, JSON and a page: what readers rely on, and what hostile input must not do."""

from __future__ import annotations

import io
import json
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.alerts.timeline import Episode, Failure, Timeline
from tocsin.backtest.model import Backtest, Detection, Incident, IncidentVerdict, RuleVerdict, Score, Window
from tocsin.backtest.trace import Trace, thresholds
from tocsin.diagnostics import Problem, Source
from tocsin.labels import Labels, from_mapping
from tocsin.promql.parse import parse
from tocsin.report import charts, html
from tocsin.report.json import to_json
from tocsin.report.numbers import false_per_week
from tocsin.report.query import format_sample, format_samples
from tocsin.report.text import write
from tocsin.rules import AlertingRule
from tocsin.series import Frame

MINUTE = 60_000
DAY = 1440 * MINUTE
START = 1_700_000_000_000 // DAY * DAY
HOSTILE = (
    "</script><img src=x onerror=\"document.title='owned'\"><b>b</b><a href=\"javascript:document.title='owned'\">a</a>"
)
TERMINAL = "\x1b]0;owned\x07\u202e%{x}$1$"


def at(minutes: float) -> int:
    return START + int(minutes * MINUTE)


def episode(pending: float, firing: float | None, resolved: float | None, **labels: str) -> Episode:
    first, last = (None if time is None else at(time) for time in (firing, resolved))
    return Episode(from_mapping(labels), at(pending), first, last)


def rule_of(name: str, text: str = "") -> AlertingRule:
    return AlertingRule(
        name,
        parse('latency{job="shop"} > 2'),
        for_=5 * MINUTE,
        labels={"severity": "page", "team": text or "shop"},
        annotations={"summary": text or "Slow", "runbook_url": f"javascript:alert(1)//{text}", "zz": text or "z"},
    )


def sample(name: str = "ShopSlow", text: str = "") -> Backtest:
    """Two alerts over a day: one catches one of two incidents, pages once for a non-incident and once for nothing."""
    found, blip = episode(57, 62, 80, instance=text or "a"), episode(300, 305, 310)
    episodes = (found, episode(200, None, 203), blip, episode(1430, 1435, None))
    slow = Timeline("shop", rule_of(name, text), MINUTE, episodes, (Failure(text or "many-to-many", at(5), 2),))
    quiet = Timeline("shop", replace(rule_of("Quiet"), labels={}, annotations={}), MINUTE)
    score = Score(3, 1, 21.0, 1, 2, 1, 1, 1 / 3, 0.5, 2 * MINUTE, 90_500.0)
    problem = Problem(
        "backtest/failed", f"it failed {text}", Source(f"rules{text}.yaml", "a: 1\nb: 2").span(5, 6), "", text
    )
    return Backtest(
        Window(START, START + DAY, MINUTE),
        DAY // 2,
        (RuleVerdict(slow, score), RuleVerdict(quiet, Score(0, 0, 0.0, 0, 0, 0, 2, None, 0.0))),
        score,
        (
            IncidentVerdict(
                Incident(f"outage{text}", at(60), at(75), (("instance", "a"),), (("cause", text or "disk"),)),
                (Detection("shop", name, found),),
            ),
            IncidentVerdict(Incident("missed one", at(600), at(660))),
        ),
        (IncidentVerdict(Incident(f"blip{text}", at(300), at(301)), (Detection("shop", name, blip),)),),
        (problem,),
    )


def trace_of(backtest: Backtest, *labels: Labels) -> Trace:
    rule = backtest.rules[0].rule
    times = START + np.arange(0, 1441, dtype=np.int64) * MINUTE
    values = np.stack([np.sin(times / 9e6 + row) + 1.5 for row in range(len(labels))])
    comparison = thresholds(rule.expr)
    assert comparison is not None
    return Trace("shop", rule, comparison, Frame(labels, times, values, values > 0.7), 3)


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


# --- page --------------------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)


@pytest.fixture(scope="module")
def hostile() -> str:
    text = HOSTILE + TERMINAL
    backtest = sample("Shop" + text, text)
    return html.render(backtest, [trace_of(backtest, from_mapping({"instance": text}), from_mapping({"b": "2"}))])


def figures(page: str) -> dict[str, Any]:
    found = next(text for attributes, text in Elements(page).scripts if attributes.get("id") == "figures")
    loaded: dict[str, Any] = json.loads(found)
    return loaded


def test_the_page_asks_nothing_of_anybody(hostile: str) -> None:
    for tag, attributes in Elements(hostile).found:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "img"), tag
        assert "src" not in attributes, attributes
    assert policy(hostile).startswith("default-src 'none'; script-src 'sha256-")


def policy(page: str) -> str:
    (found,) = [a["content"] for _, a in Elements(page).found if a.get("http-equiv") == "Content-Security-Policy"]
    return found or ""


def test_the_policy_knows_every_script_by_its_digest(hostile: str) -> None:
    scripts = [text for attributes, text in Elements(hostile).scripts if attributes.get("type") != "application/json"]
    assert len(scripts) == 2
    for script in scripts:
        digest = b64encode(sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy(hostile)


def test_hostile_text_makes_no_element_and_no_link(hostile: str) -> None:
    for tag, attributes in Elements(hostile).found:
        assert tag != "b"
        assert not [name for name in attributes if name.startswith("on")], attributes
        assert (attributes.get("href") or "#").startswith(("#", "https://", "http://")), attributes
    assert not set(hostile) & set("\x1b\x07\u202e")


def strings(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def test_figures_hold_no_markup_of_the_input(hostile: str) -> None:
    own = ("%{customdata}<extra></extra>", "%{y:.4~g} at %{x|%Y-%m-%d %H:%M:%S}<br>%{fullData.name}<extra></extra>")
    for text in strings(figures(hostile)):
        assert text in own or not re.search(r"<(?!br>)", text), text


def test_the_page_tells_what_the_verdict_tells() -> None:
    backtest = sample()
    page = html.render(backtest, [trace_of(backtest, from_mapping({"instance": "a"}))])
    visible = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page[: page.index('<script type="application/json"')]))
    for expected in (
        "1 of 2 incidents caught, fired for nothing 2 of 3 times",
        "of which 12h are recorded",
        "outage 2023-11-14 01:00:00 to 01:15:00 caught ShopSlow after 2m",
        "missed one 2023-11-14 10:00:00 to 11:00:00 missed",
        "blip 2023-11-14 05:00:00 to 05:01:00 fired",
        "latency{job=&#34;shop&#34;} &gt; 2",
        "and 3 more that came less near",
        "2 evaluations failed, the first at 2023-11-14 00:05:00: many-to-many",
        "2023-11-14 23:55:00 still firing nothing",
        "It never fired.",
    ):
        assert expected in visible, expected
    assert set(figures(page)) == {"timeline", "chart-alert-1"}


def test_the_page_is_the_same_every_time() -> None:
    assert html.render(sample()) == html.render(sample())


CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=5000 --window-size=1200,6000 --dump-dom"
)


@pytest.mark.live("chromium")
def test_a_browser_draws_the_charts_and_runs_nothing_of_the_input(hostile: str, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    # The control: the page must be able to tell that a script ran, so one is added that its policy does not know.
    file.write_text(hostile.replace("</body>", "<script>document.title = 'owned'</script></body>"), encoding="utf-8")
    command = [*CHROMIUM.split(), f"--user-data-dir={tmp_path / 'profile'}", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "<title>Backtest of 2 alerts</title>" in done.stdout
    drawn = Elements(done.stdout).found
    assert len([1 for tag, a in drawn if tag == "svg" and "main-svg" in (a.get("class") or "")]) >= 4
    assert len([1 for _, a in drawn if a.get("class") == "js-line"]) >= 2
    assert "javascript:" not in " ".join(str(a.get("href") or a.get("xlink:href")) for _, a in drawn)
    for tag, attributes in drawn:
        assert tag not in ("img", "b"), attributes


@pytest.mark.live("chromium")
def test_a_browser_would_tell_that_a_script_of_the_input_ran(hostile: str, tmp_path: Path) -> None:
    """The control of the test above: the same page without its policy and its escapes is owned."""
    file = tmp_path / "report.html"
    bare = re.sub(r"<meta http-equiv[^>]*>", "", hostile)
    file.write_text(bare.replace("</body>", "<script>document.title = 'owned'</script></body>"), encoding="utf-8")
    command = [*CHROMIUM.split(), f"--user-data-dir={tmp_path / 'profile'}", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "<title>owned</title>" in done.stdout


@given(st.lists(st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1e-4, 9.999e-5, 1e16, 9.999999999999998e15, 1e21]))))
def test_samples_are_written_together_as_each_alone(values: list[float]) -> None:
    assert format_samples(np.array(values, dtype=np.float64)) == list(map(format_sample, values))
