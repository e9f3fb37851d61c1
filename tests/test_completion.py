"""What may stand where one writes: the path of keys by indentation, and the choices there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import PositionEncodingKind
from tests.command import RULES, SPEC

from tocsin.diagnostics import Problems, Source
from tocsin.document import parse_documents
from tocsin.editor.complete import Known, allowable, complete, describe
from tocsin.editor.cursor import outline
from tocsin.editor.positions import Positions
from tocsin.quantity import Unit
from tocsin.spec.settings import Settings, read_settings

CURSOR = "‸"
ROOM = """\
severities: {page: , ticket: }
owners: {payments: {page: pager}, search: }
receivers: {pager: {webhook_configs: [{url: 'http://localhost:9099/x'}]}}
"""
SPEC_HEAD = """\
service: shop
indicators:
  errors: {up: 'up{job="shop"}'}
  traffic:
    rate: |
      x: y
        z: 1
"""


def settings() -> Settings:
    (node,) = parse_documents(Source("tocsin.yaml", ROOM), Problems())
    return read_settings(node, Problems())


def choices(marked: str, *, in_settings: bool = False) -> list[str]:
    """The names of the choices at the cursor of a text."""
    text, offset = marked.replace(CURSOR, ""), marked.index(CURSOR)
    known = Known(settings(), outline(text, offset), {"errors": Unit.RATIO, "traffic": Unit.PER_SECOND})
    return [choice.name for choice in complete(known, in_settings=in_settings)]


@pytest.mark.parametrize(
    ("text", "path", "word"),
    [
        ("‸", (), ""),
        ("serv‸", (), "serv"),
        ("service: sh‸", ("service",), "sh"),
        ("service: 'sh‸'", ("service",), "sh"),
        ("alerts:\n- na‸", ("alerts", None), "na"),
        ("alerts:\n  - name: a\n    ‸", ("alerts", None), ""),
        ("alerts:\n  - name: a\n  ‸", ("alerts",), ""),
        ("alerts:\n- name: a\n‸", (), ""),
        ("alerts:\n  - name: a\n\n  # a comment\n    wh‸ile: x\n  - name: b\n", ("alerts", None), "wh"),
        ("alerts:\n  - while: {indicator: e‸}", ("alerts", None, "while", "indicator"), "e"),
        ("alerts:\n  - while: {indicator: e, ab‸", ("alerts", None, "while"), "ab"),
        ("alerts:\n  - while: {\n    indicator: e,\n    ‸\n  }\n", ("alerts", None, "while"), ""),
        ("alerts: [{name: a, \"q\": '{', for‸}]", ("alerts", None), "for"),
        ("a: {b: [x, y‸", ("a", "b", None), "y"),
        ("a: {b: [x]}\nc: ‸", ("c",), ""),
        ("a: {b: [\nc: 1\n", None, ""),
        ("a: |\n  b: ‸\n", None, ""),
        ("a: >-\n  text\nb‸", (), "b"),
        ("# a: ‸", None, ""),
        ("a: 1 # b: ‸", None, ""),
        ("a: 1\n---\nb:\n  ‸\n---\nc: 2\n", ("b",), ""),
        ("'a b':\n  x‸", ("a b",), "x"),
        ("- - a: ‸", (None, None, "a"), ""),
    ],
)
def test_the_path_of_the_cursor(text: str, path: tuple[str | None, ...] | None, word: str) -> None:
    cursor = outline(text.replace(CURSOR, ""), text.find(CURSOR) if CURSOR in text else 0).cursor
    if path is None and CURSOR in text:
        assert cursor is None
    elif path is not None:
        assert cursor
        assert (cursor.path, cursor.word) == (path, word)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("‸", ["service", "owner", "runbook"]),
        ("indicators:\n  errors:\n    ‸", ["by", "gauge", "latency", "promql", "rate", "ratio", "up", "usage"]),
        ("indicators:\n  errors:\n    ratio:\n      ‸", ["total", "bad", "good"]),
        ("indicators:\n  errors:\n    ratio: {bad: x, ‸", ["total"]),
        ("indicators:\n  a: {gauge: {value: x, unit: ‸", ["ratio", "seconds", "bytes"]),
        (f"{SPEC_HEAD}alerts:\n  - indicator: ‸", ["errors", "traffic"]),
        (f"{SPEC_HEAD}alerts:\n  - while: {{indicator: ‸, above: 1}}", ["errors", "traffic"]),
        (f"{SPEC_HEAD}alerts:\n  - indicator: traffic\n    above: 5‸", ["5/s", "5/m", "5/h"]),
        (f"{SPEC_HEAD}alerts:\n  - above: ‸\n    indicator: errors", ["1%"]),
        ("alerts:\n  - severity: ‸", ["page", "ticket"]),
        ("alerts:\n  - no_data: ‸", ["page", "ticket", "ignore"]),
        ("alerts:\n  - absent: ‸", ["true"]),
        ("owner: ‸", ["payments", "search"]),
        ("objectives:\n  - burn_rates: ‸", ["workbook"]),
        ("objectives:\n  - thresholds: ‸", ["fixed", "traffic"]),
        ("objectives:\n  - {name: a}\n  - name: b\n  - composite:\n      - objective: ‸", ["b"]),
        ("maintenance:\n  - weekdays: [monday, ‸", ["monday", "tuesday"]),
        ("alerts:\n  ‸", ["name", "indicator"]),
    ],
)
def test_the_choices_in_a_spec(text: str, first: list[str]) -> None:
    assert choices(text)[: len(first)] == first


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("‸", ["prometheus", "severities", "owners"]),
        ("severities:\n  page:\n    wakes: ‸", ["true", "false"]),
        ("receivers:\n  pager:\n    ‸", ["discord_configs", "email_configs"]),
        ("receivers:\n  pager: {}\ndefault_receiver: ‸", ["pager"]),
        ("receivers:\n  pager: {}\nowners:\n  a: {page: ‸", ["pager"]),
        ("owners:\n  a:\n    ‸", ["page", "ticket"]),
        ("lint:\n  rules:\n    ‸", ["noise/absent-misuse"]),
        ("lint:\n  rules:\n    noise/duplicate: ‸", ["error", "warning", "info", "off"]),
        ("lint:\n  ignore: [‸", ["noise/"]),
        ("budget:\n  owners:\n    ‸", ["payments", "search"]),
    ],
)
def test_the_choices_in_the_settings(text: str, first: list[str]) -> None:
    assert choices(text, in_settings=True)[: len(first)] == first


@pytest.mark.parametrize(
    "text",
    [
        "service: ‸",
        "alerts:\n  - summary: something ‸",
        "alerts:\n  - name: a\n    labels: {severity: ‸",
        f"{RULES}    ‸",
        "kind: Deployment\napiVersion: v1\nspec:\n  ‸",
        "indicators:\n  a:\n    rate: |\n      ‸",
    ],
)
def test_where_nothing_is_known_nothing_is_offered(text: str) -> None:
    assert choices(text) == []


def test_what_is_there_is_not_offered_again() -> None:
    found = choices("alerts:\n  - name: a\n    ‸\n    above: 1%\n    for: 5m\n")
    assert "indicator" in found
    assert not {"name", "for", "above", "below", "outside", "absent", "fills_in"} & set(found)


def test_a_comment_that_allows_is_offered_the_rules() -> None:
    word, found = allowable("  # tocsin: allow noise/sho")
    assert word == "noise/sho"
    assert "noise/short-range" in [choice.name for choice in found]
    assert allowable("tocsin: allow ")[1] == []


def test_a_key_is_described_by_the_schema() -> None:
    assert describe(outline(SPEC, SPEC.index("owner") + 2), in_settings=False).startswith("The team that is told")
    assert describe(outline(SPEC, SPEC.index("payments")), in_settings=False) == ""
    assert describe(outline(ROOM, 3), in_settings=True).startswith("The severities that alerts may have")


@given(st.data())
def test_any_text_cut_anywhere_has_its_choices(data: st.DataObject) -> None:
    whole = SPEC + Path(__file__).with_name("command.py").read_text()[:500]
    junk = data.draw(st.text("{}[]:-#'\"|> \n\tab,", max_size=30))
    at = data.draw(st.integers(0, len(whole)))
    text = whole[:at] + junk + whole[data.draw(st.integers(at, len(whole))) :]
    offset = data.draw(st.integers(0, len(text)))
    seen = outline(text, offset)
    complete(Known(settings(), seen, {}), in_settings=data.draw(st.booleans()))
    assert seen.cursor is None or text[:offset].endswith(seen.cursor.word)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r")), st.sampled_from(list(PositionEncodingKind)))
def test_positions_go_there_and_back(text: str, encoding: PositionEncodingKind) -> None:
    positions = Positions(Source("a", text), encoding)
    offsets = list(range(len(text) + 1))
    assert [positions.offset(positions.position(offset)) for offset in offsets] == offsets
