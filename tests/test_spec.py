"""Specs and settings: every fault is reported once, at its place, in words that say what to write instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.conftest import GOLDEN, Golden
from tests.linting import codes, lint
from typer.testing import CliRunner

from tocsin.cli import app
from tocsin.diagnostics import Problem, Problems, render
from tocsin.document import parse_documents, plain
from tocsin.pipeline.inputs import read_inputs
from tocsin.report.formats.api import FORMATS, Checked, format_names
from tocsin.spec.settings import Settings
from tocsin.spec.validate import settings_schema, spec_schema
from tocsin.textfile import read_source

ERRORS = GOLDEN / "errors"
SPECS = Path(__file__).parent.parent / "specs"
CASES = sorted(
    path.relative_to(ERRORS)
    for pattern in ("*.yaml", "objectives/*.yaml")
    for path in ERRORS.glob(pattern)
    if path.name != "tocsin.yaml"
)
SETTINGS = sorted(path.relative_to(ERRORS) for path in ERRORS.glob("settings/*.yaml"))

SPEC = """\
service: checkout
indicators:
  errors: {ratio: {bad: errors_total, total: requests_total}}
alerts:
  - {name: A, indicator: errors, above: 1%}
"""


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in messages as an author sees them who stands beside the files."""
    monkeypatch.chdir(ERRORS)


def problems_of(*paths: Path, settings: Path | None = None) -> Problems:
    problems = Problems()
    read_inputs(paths, settings, problems)
    return problems


def rendered(problems: Problems) -> str:
    return "\n\n".join(map(render, problems)) + "\n"


def only(tmp_path: Path, text: str) -> Problem:
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    (problem,) = problems_of(path)
    return problem


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_faulty_spec_says_what_and_where(case: Path, golden: Golden) -> None:
    golden(f"errors/{case.with_suffix('.txt')}", rendered(problems_of(case)))


@pytest.mark.usefixtures("here")
def test_all_problems_of_all_files_come_in_one_run_sorted_by_place(golden: Golden) -> None:
    problems = problems_of(Path("several"))
    places = [(problem.span.source.path, problem.span.line, problem.span.column) for problem in problems]
    assert places == sorted(places)
    assert {path for path, _, _ in places} == {"several/a.yaml", "several/b.yaml", "several/c.yaml"}
    golden("errors/several.txt", rendered(problems))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("case", SETTINGS, ids=str)
def test_faulty_settings_say_what_and_where_and_keep_every_secret(case: Path, golden: Golden) -> None:
    problems = problems_of(settings=case)
    text = rendered(problems)
    golden(f"errors/settings/{case.stem}.txt", text)
    assert problems.errors
    assert "SECRET" not in text
    checked = Checked(tuple(problems))
    assert all("SECRET" not in FORMATS[name](checked) for name in format_names())


@pytest.mark.parametrize("format", ["text", "json"])
def test_the_command_prints_no_secret(format: str) -> None:
    settings = str(ERRORS / "settings" / "secrets.yaml")
    done = CliRunner().invoke(app, ["check", str(SPECS / "petsite.yaml"), "--settings", settings, "--format", format])
    assert done.exit_code == 1
    assert "spec/inline-secret" in done.output
    assert "SECRET" not in done.output


def test_every_inline_secret_is_refused() -> None:
    source = read_source(ERRORS / "settings" / "secrets.yaml")
    found = [problem for problem in problems_of(settings=Path(source.path)) if problem.code == "spec/inline-secret"]
    named = [source.text[problem.span.start : problem.span.end].strip("'") for problem in found]
    assert named == ("api_url routing_key service_key url password url credentials bot_token api_url".split())


@pytest.mark.parametrize(
    ("written", "help"),
    [
        ("1", "write `1%`"),
        ("0.01", "write `1%`"),
        ("0.1", "write `10%`"),
        ("50", "write `50%`"),
        ("0.0005", "write `0.05%`"),
    ],
)
def test_a_share_without_its_unit_is_offered_one(tmp_path: Path, written: str, help: str) -> None:
    problem = only(tmp_path, SPEC.replace("1%", written))
    assert (problem.code, problem.help) == ("spec/unit-missing", help)
    assert problem.span.text == written


@pytest.mark.parametrize(
    "query", ["sum(x z)", '"sum(x z)"', "'sum(x z)'", ">-\n        sum(x\n        z)", "|\n        sum(x z)"]
)
def test_the_caret_stands_under_the_faulty_part_of_promql(tmp_path: Path, query: str) -> None:
    """However YAML quotes or folds the expression."""
    text = f"service: a\nindicators:\n  x:\n    promql:\n      query: {query}\n      unit: count\n"
    assert only(tmp_path, text).span.text == "z"


def test_a_misspelt_name_does_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("above: 1%", "above: 2s, for: 300, sevrity: page, over: 5x"))
    codes = {problem.code for problem in problems_of(path)}
    assert codes == {"spec/unit", "spec/value", "spec/unknown-key", "spec/duration"}


def test_a_faulty_indicator_is_not_also_reported_as_missing(tmp_path: Path) -> None:
    problem = only(tmp_path, SPEC.replace("bad: errors_total, ", ""))
    assert problem.code == "spec/choose-one"


@pytest.mark.parametrize("key", ["for", "keep_firing_for", "over"])
def test_a_wait_that_cannot_be_read_is_not_also_judged_as_none(key: str, tmp_path: Path) -> None:
    assert codes(lint(tmp_path, SPEC.replace("above: 1%", f"above: 1%, {key}: 5x"))) == ["spec/duration"]


def test_what_is_right_gives_no_problem() -> None:
    assert list(problems_of(SPECS)) == []


def test_faulty_settings_keep_what_is_right_in_them(tmp_path: Path) -> None:
    path = tmp_path / "tocsin.yaml"
    path.write_text("prometheus: {scrape_interval: 15s, evaluation_interval: 30}\nseverities: {critical: {}}\n")
    problems = Problems()
    settings = read_inputs((), path, problems).settings
    assert [problem.span.text for problem in problems] == ["30"]
    assert settings.scrape_interval == 15_000
    assert settings.evaluation_interval == Settings().evaluation_interval
    assert [severity.name for severity in settings.severities] == ["critical"]


def test_the_printed_schema_is_the_one_beside_the_specs() -> None:
    done = CliRunner().invoke(app, ["schema"])
    assert done.output == (SPECS / "schema.json").read_text()


@pytest.mark.parametrize("schema", [spec_schema, settings_schema])
def test_the_schemas_are_valid(schema: object) -> None:
    assert callable(schema)
    document = schema()
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(document)


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: str(path.name))
def test_an_editor_accepts_the_specs_by_the_printed_schema(path: Path) -> None:
    arguments = ["schema", "--settings"] if path.name == "tocsin.yaml" else ["schema"]
    schema = json.loads(CliRunner().invoke(app, arguments).output)
    (document,) = parse_documents(read_source(path), Problems())
    assert list(Draft202012Validator(schema).iter_errors(plain(document))) == []
    assert not Draft202012Validator(schema).is_valid({"sevrice": "x"})
