"""A backtest as a page: it tells what the verdict tells, asks nothing of anybody, and runs nothing of its input."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.verdicts import HOSTILE, TERMINAL, sample, trace_of

from tocsin.labels import from_mapping
from tocsin.report import html


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
