"""docs/lint.md: its table of rules is what the rules do, and what it says of real rule files is so.

`make golden` rewrites the table.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.linting import TODAY

from tocsin.diagnostics import Problem, Problems, Severity
from tocsin.lint.api import RULES, rule_names
from tocsin.pipeline.compile import check
from tocsin.pipeline.rules import data_rule_names
from tocsin.rules import AlertingRule, place

PAGE = Path(__file__).parent.parent / "docs" / "lint.md"
CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpus"
FOLDERS = ("kube-prometheus", "awesome-prometheus-alerts")
NAMES = rule_names()

Hits = Mapping[str, Counter[Severity]]


@cache
def judged(folder: str) -> tuple[tuple[Problem, ...], tuple[AlertingRule, ...]]:
    """What is said of a folder of the corpus with every rule asked, and the alerts in it."""
    path = CORPUS / folder
    if not path.is_dir():
        pytest.skip(f"need the folder shared/corpus/{folder}")
    optional = (f"{name}: {RULES[name].severity}" for name in NAMES if RULES[name].optional)
    problems = Problems()
    with TemporaryDirectory() as beside:
        settings = Path(beside, "tocsin.yaml")
        settings.write_text(f"lint: {{rules: {{{', '.join(optional)}}}}}")
        inputs, _ = check([path], settings, problems, TODAY)
    alerts = [rule for group in inputs.groups for rule in group.rules if isinstance(rule, AlertingRule)]
    return tuple(problems), tuple(alerts)


def hits(folder: str) -> Hits:
    """How often each rule finds something, by severity."""
    found: dict[str, Counter[Severity]] = defaultdict(Counter)
    for problem in judged(folder)[0]:
        found[problem.code][problem.severity] += 1
    return found


NOUNS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def shown(counts: Counter[Severity], optional: bool) -> str:
    """`1 error, 3 warnings`; in parentheses where nobody asked."""
    words = ", ".join(
        f"{counts[level]} {noun}{'s' * (counts[level] != 1)}" for level, noun in NOUNS.items() if counts[level]
    )
    return f"({words})" if optional and words else words or "0"


def rows(by_folder: Mapping[str, Hits]) -> Iterator[str]:
    yield "| rule | default | finds | kube-prometheus | awesome-prometheus-alerts |"
    yield "|---|---|---|---|---|"
    for name in NAMES:
        rule = RULES[name]
        counts = [shown(by_folder[folder].get(name, Counter()), rule.optional) for folder in FOLDERS]
        default = "off" if rule.optional else str(rule.severity)
        yield f"| `{name}` | {default} | {headline(rule.page)} | {' | '.join(counts)} |"


def headline(page: str) -> str:
    """A page's first sentence, as a cell of a table."""
    return " ".join(page.partition("\n\n")[0].split()).rstrip(".").replace("|", "\\|")


def part(name: str) -> str:
    """What stands in the page between `<!-- name -->` and `<!-- end -->`."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", PAGE.read_text(), re.DOTALL)
    assert found, f"docs/lint.md has no part {name}"
    return found[1]


def test_the_table_is_what_the_rules_find(request: pytest.FixtureRequest) -> None:
    table = "\n".join(rows({folder: hits(folder) for folder in FOLDERS})) + "\n"
    if request.config.getoption("--golden"):
        head, marker, rest = PAGE.read_text().partition("<!-- rules -->\n")
        PAGE.write_text(head + marker + table + rest[rest.index("<!-- end -->") :])
    assert part("rules") == table, "docs/lint.md differs: `make golden` rewrites it, if it should"


def test_every_rule_stands_in_the_table_with_its_severity() -> None:
    """Also where the corpus is not there to count the hits."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in part("rules").splitlines()[2:]]
    assert [(row[0].strip("| `"), row[1]) for row in cells] == [
        (name, "off" if RULES[name].optional else str(RULES[name].severity)) for name in NAMES
    ]


def test_every_error_on_kube_prometheus_is_explained() -> None:
    problems, alerts = judged("kube-prometheus")
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    hit = {(rule.name, problem.code) for problem in errors for rule in alerts if problem.span in place(rule, "rule")}
    assert len({name for name, _ in hit}) <= 0.02 * len(alerts)
    told = {tuple(re.findall(r"`([^`]+)`", line)[:2]) for line in part("errors").splitlines()[2:]}
    assert told == hit


def test_the_tables_name_only_rules_that_there_are() -> None:
    named = set(re.findall(r"`(noise/[a-z-]+)`", PAGE.read_text()))
    assert named <= {*NAMES, *data_rule_names()}
    assert named >= {*NAMES, *data_rule_names()}, "a rule that the page does not name"


def test_the_catalogue_is_whole() -> None:
    numbers = re.findall(r"^\| (N\d\d) \|", part("catalogue"), re.MULTILINE)
    assert numbers == [f"N{number:02}" for number in range(1, 41)]
