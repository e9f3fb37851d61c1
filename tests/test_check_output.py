"""`tocsin check` for programs: every format is what its readers expect, whatever the texts hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator, FormatChecker
from tests.command import SPEC, run, write_files
from tests.conftest import GOLDEN

from tocsin.cli.check import ProblemFormat
from tocsin.diagnostics import Fix, Problem, Severity, Source
from tocsin.pipeline.rules import all_rules
from tocsin.report.formats.api import FORMATS, Checked, format_names
from tocsin.report.identity import identity
from tocsin.report.paths import relative, uri

SARIF = Draft4Validator(
    json.loads((GOLDEN / "sarif" / "sarif-2.1.0-rtm.5.json").read_text()), format_checker=FormatChecker()
)
format_names()

CODES = ("noise/single-event", "spec/unknown-key", "input/unreadable", "lint/bad-allowance")
texts = st.text(st.characters(min_codepoint=0, max_codepoint=0x1FFFF) | st.sampled_from("\x00\x1b\udc80\ufffe]>&<%:,"))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    text = draw(texts.filter(bool))
    source = Source(draw(st.sampled_from(["a.yaml", "b c/d:e,f%.yaml", "/etc/\udcff.yaml", "../x.yaml"])), text)
    start = draw(st.integers(0, len(text) - 1))
    span = source.span(start, draw(st.integers(start, len(text))))
    numbers = draw(st.dictionaries(st.sampled_from(["for", "interval"]), st.floats(0, 1e9)))
    fix = draw(st.none() | st.builds(Fix, st.just(span), st.text()))
    severity = draw(st.sampled_from(list(Severity)))
    code = draw(st.sampled_from(CODES))
    return Problem(code, draw(texts), span, draw(texts), draw(texts), severity, fix, numbers)


checks = st.builds(
    Checked,
    st.lists(problems(), max_size=5).map(tuple),
    st.just(("a.yaml", "clean.yaml")),
    st.sampled_from(list(Severity)),
    st.just(lambda: {"noise/single-event": all_rules()["noise/single-event"]}),
)


def written(name: str, checked: Checked) -> str:
    return FORMATS[name](checked)


def test_the_command_offers_every_format() -> None:
    assert sorted(ProblemFormat) == sorted(["text", *format_names()])


@given(checks)
def test_every_format_can_be_written_to_any_stream(checked: Checked) -> None:
    for name in format_names():
        text = written(name, checked)
        assert text.encode().decode() == text
        assert text.endswith("\n") or not checked.problems
        assert all(char == "\n" or char.isprintable() or ord(char) > 0x7F for char in text)


@given(checks)
def test_sarif_is_valid_and_says_all(checked: Checked) -> None:
    document = json.loads(written("sarif", checked))
    assert [error.message for error in SARIF.iter_errors(document)] == []
    (run,) = document["runs"]
    declared = run["tool"]["driver"]["rules"]
    assert len(run["results"]) == len(checked.problems)
    for result, problem in zip(run["results"], checked.problems, strict=True):
        assert declared[result["ruleIndex"]]["id"] == result["ruleId"] == problem.code
        region = result["locations"][0]["physicalLocation"]["region"]
        assert (region["startLine"], region["startColumn"]) == (problem.span.line, problem.span.column)
        assert (region["endLine"], region["endColumn"]) >= (region["startLine"], region["startColumn"])
    marks = [result["partialFingerprints"]["tocsin/v1"] for result in run["results"]]
    assert len(set(marks)) == len(marks)


@given(checks)
def test_junit_and_checkstyle_parse_and_count(checked: Checked) -> None:
    suites = ElementTree.fromstring(written("junit", checked).encode())
    tests = suites.findall("./testsuite/testcase")
    assert int(suites.attrib["tests"]) == len(tests)
    assert int(suites.attrib["failures"]) == len(suites.findall(".//failure"))
    assert int(suites.attrib["errors"]) == len(suites.findall(".//error"))
    failing = {(p.span.source.path, p.code) for p in checked.problems if p.severity.fails(checked.fail_on)}
    assert len(suites.findall(".//failure") + suites.findall(".//error")) == len(failing)
    style = ElementTree.fromstring(written("checkstyle", checked).encode())
    assert len(style.findall("./file/error")) == len(checked.problems)
    assert "clean.yaml" in [file.attrib["name"] for file in style]


COMMAND = re.compile(r"::(error|warning|notice) ([^:\n]*)::([^\n]*)")


def unescaped(text: str) -> str:
    return re.sub("%(3A|2C|0D|0A|25)", lambda found: chr(int(found[1], 16)), text)


@given(checks)
def test_a_workflow_command_is_read_as_github_reads_it(checked: Checked) -> None:
    lines = written("github", checked).splitlines()
    assert len(lines) == len(checked.problems)
    for line, problem in zip(lines, checked.problems, strict=True):
        found = COMMAND.fullmatch(line)
        assert found, line
        properties = dict(one.split("=", 1) for one in found[2].split(","))
        assert unescaped(properties["title"]) == problem.code
        assert int(properties["line"]) == problem.span.line
        assert ("col" in properties) == (properties["line"] == properties["endLine"])
        assert "%" not in problem.message or "%" in unescaped(found[3])


@given(checks)
def test_json_gives_the_places_of_all(checked: Checked) -> None:
    found = json.loads(written("json", checked))
    for one, problem in zip(found, checked.problems, strict=True):
        assert (one["code"], one["line"], one["column"]) == (problem.code, problem.span.line, problem.span.column)
        assert (one["label"], one["numbers"]) == (problem.label, problem.numbers)
        assert (one["page"] is None) == (problem.code not in checked.rules)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_path_survives_its_uri(name: str) -> None:
    parsed = urlparse(uri(f"folder/{name}"))
    assert parsed.query == parsed.fragment == ""
    assert unquote(parsed.path) == (relative(f"folder/{name}") if not parsed.scheme else str(Path(f"folder/{name}")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_files(tmp_path)
    (folder / "specs" / "shop.yaml").write_text(SPEC.replace("for: 5m", "for: 30s"))
    return folder


def sarif(folder: Path, *arguments: str) -> dict[str, Any]:
    done = run("check", *arguments, "--format", "sarif", cwd=folder)
    assert done.stderr == ""
    document: dict[str, Any] = json.loads(done.stdout)
    assert [error.message for error in SARIF.iter_errors(document)] == []
    return document


def test_the_rules_of_sarif_have_their_pages_and_levels(folder: Path) -> None:
    (run,) = sarif(folder, "specs")["runs"]
    (result,) = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert rule["id"] == "noise/sub-minute-for"
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["help"]["text"].startswith("An alert that fires on less than a minute of trouble")
    assert "Bad::" in rule["help"]["text"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "specs/shop.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 16, "startColumn": 10, "endLine": 16, "endColumn": 13},
    }


def test_a_fingerprint_does_not_move_with_its_line(folder: Path) -> None:
    def mark() -> str:
        (result,) = sarif(folder, str(folder / "specs"))["runs"][0]["results"]
        return str(result["partialFingerprints"]["tocsin/v1"])

    before = mark()
    spec = folder / "specs" / "shop.yaml"
    spec.write_text("# a comment\n\n" + spec.read_text().replace("    for: 30s", "    for:  30s"))
    assert mark() == before
    spec.write_text(spec.read_text().replace("30s", "20s"))
    assert mark() != before


def test_an_identity_tells_alerts_with_equal_lines_apart() -> None:
    source = Source("a.yaml", "- alert: A\n  for: 0s\n- alert: B\n  for: 0s\n")
    first, second = source.span(0, 21), source.span(22, 43)
    one, two = (
        identity(Problem("x/y", "m", source.span(span.start + 13, span.start + 20), about=(span,)))
        for span in (first, second)
    )
    assert one != two
    assert one.line == two.line == "for: 0s"


def test_json_gives_the_numbers_that_decided_and_the_page(folder: Path) -> None:
    (problem,) = json.loads(run("check", "specs", "--format", "json", cwd=folder).stdout)
    assert problem["numbers"] == {"for": 30, "interval": 60}
    assert problem["label"] == "shorter than one minute; the group is evaluated every 1m"
    assert problem["page"] == "tocsin explain noise/sub-minute-for"
    assert problem["fix"] is None
    page = run("explain", problem["code"], cwd=folder)
    assert page.returncode == 0


@pytest.mark.parametrize("name", format_names())
def test_machines_are_served_on_standard_output(name: str, folder: Path) -> None:
    done = run("check", "specs", "rules.yaml", "--format", name, cwd=folder)
    assert (done.returncode, done.stderr) == (1, "")
    assert "noise/sub-minute-for" in done.stdout
    clean = run("check", "rules.yaml", "--format", name, cwd=folder)
    assert (clean.returncode, clean.stderr) == (0, "")
    assert "sub-minute-for: " not in clean.stdout
    unreadable = run("check", "gone.yaml", "--format", name, cwd=folder)
    assert (unreadable.returncode, unreadable.stderr) == (2, "")
    assert "input/unreadable" in unreadable.stdout
