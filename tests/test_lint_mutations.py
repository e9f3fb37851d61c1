"""Specs and rule files that somebody has damaged: findings at their places, and never a traceback.

`TOCSIN_MUTATIONS=10000` says how many are tried; without it, a tenth, for the suite has other things to do.
"""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.command import inert
from tests.conftest import GOLDEN, SHARED
from tests.finding_pages import example
from tests.linting import GOOD_SPEC, rule_file

from tocsin.diagnostics import Problem, Problems, render
from tocsin.lint.api import RULES, rule_names
from tocsin.pipeline.compile import check

COUNT = int(os.environ.get("TOCSIN_MUTATIONS", "1000"))
LONGEST = 120
"""Lines: a damage in the first rules of a file is found as well as one in the last."""

NAMES = sorted(rule_names())
EVERYTHING = "lint: {rules: {" + ", ".join(f"{name}: error" for name in NAMES if RULES[name].optional) + "}}\n"
STRANGE = ["\0", "\x1b[31m", "\u202e", "\ud800", "\ufeff", "é", "😀", "İ", "\u2028", "\r", "\t", "{{", "}}", "%", "`"]
NUMBERS = ["0", "-1", "1e999", "NaN", "0x1F", "99999999999999999999", "1_000", "1.2.3", ".", "5d", "-5m", "1m1h"]
NESTED = ["&a ", "*a", "&a [*a]", "{<<: *a}", "<<: *a", "!!binary x", "!!set {a}", "? ", "- - - ", "|2", ">-", "---\n"]


def texts() -> list[str]:
    """The golden specs and rule files, the examples of the rules' pages, and what the corpus has of rule files."""
    golden = sorted([*GOLDEN.rglob("*.in.yaml"), *GOLDEN.glob("compile/*.prometheus.yaml"), *GOLDEN.glob("readme/*")])
    pages = [example(name, title) for name in NAMES for title in ("Bad", "Good")]
    own = [GOOD_SPEC, rule_file("up == 0"), *pages, *(file.read_text() for file in golden if file.is_file())]
    corpus = sorted((SHARED / "corpus").glob("*-prometheus*/**/*.y*ml")) + sorted((SHARED / "corpus").glob("kube*/*"))
    return own + ["".join(file.read_text().splitlines(keepends=True)[:LONGEST]) for file in corpus[::3]]


TEXTS = texts()

Edit = tuple[str, int, int, int]
EDITS = st.tuples(
    st.sampled_from(["delete", "double", "swap", "number", "quote", "insert", "nest", "indent", "cut", "graft"]),
    st.integers(0, 1 << 20),
    st.integers(0, 1 << 20),
    st.integers(0, 1 << 20),
)


def edited(text: str, edit: Edit) -> str:
    """A text with one of its lines, numbers or quotes damaged; the numbers of the edit say which, and how."""
    kind, where, other, how = edit
    lines = text.splitlines(keepends=True) or ["\n"]
    at, beside, place = where % len(lines), other % len(lines), where % (len(text) + 1)
    match kind:
        case "delete":
            del lines[at : at + 1 + how % 3]
        case "double":
            lines[at:at] = lines[at : at + 1 + how % 5]
        case "swap":
            lines[at], lines[beside] = lines[beside], lines[at]
        case "indent":
            lines[at] = " " * (how % 4) + lines[at] if other % 2 else lines[at].removeprefix(" " * (1 + how % 4))
        case "number":
            return replaced(text, re.compile(r"\d+(\.\d+)?[smhd%]?"), where, NUMBERS[how % len(NUMBERS)])
        case "quote":
            return replaced(text, re.compile(r"[\"'`{}\[\]():|>]"), where, "\"'`{}[]():,#"[how % 11] * (other % 3))
        case "insert":
            return text[:place] + STRANGE[how % len(STRANGE)] + text[place:]
        case "nest":
            return replaced(text, re.compile(r"(?<=: )|(?<=- )"), where, NESTED[how % len(NESTED)])
        case "cut":
            return text[:place]
        case "graft":
            lines[at : at + 1] = TEXTS[how % len(TEXTS)].splitlines(keepends=True)[other % 40 :][:5]
    return "".join(lines)


def replaced(text: str, pattern: re.Pattern[str], where: int, new: str) -> str:
    """A text with one of a pattern's matches replaced."""
    found = list(pattern.finditer(text))
    if not found:
        return text
    match = found[where % len(found)]
    return text[: match.start()] + new + text[match.end() :]


def mutated(text: str, edits: list[Edit]) -> str:
    for edit in edits:
        text = edited(text, edit)
    return text


def checked(text: str) -> list[Problem]:
    """What `tocsin check` says of a file, with every rule asked."""
    with TemporaryDirectory() as folder:
        file, beside = Path(folder, "checked.yaml"), Path(folder, "tocsin.yaml")
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        beside.write_text(EVERYTHING)
        problems = Problems()
        check([file], beside, problems, date(2026, 7, 1))
        return list(problems)


def has_place(problem: Problem) -> bool:
    """Whether a problem points at characters of the file; of a file that is no text, at the file."""
    span = problem.span
    inside = 0 <= span.start <= span.end <= len(span.source.text) + 1
    shown = span.text.strip() or not problem.code.startswith("noise/")
    return span.source.path.endswith("checked.yaml") and inside and bool(shown) and min(span.line, span.column) >= 1


@pytest.mark.filterwarnings("error")
@settings(max_examples=COUNT)
@given(st.integers(0, len(TEXTS) - 1), st.lists(EDITS, min_size=1, max_size=5))
def test_no_damage_is_a_traceback_or_a_finding_without_a_place(which: int, edits: list[Edit]) -> None:
    for problem in checked(mutated(TEXTS[which], edits)):
        assert has_place(problem), problem
        assert inert(render(problem))


def test_the_damage_is_real() -> None:
    """Most mutations are files that are read, and many have findings: the test would prove little else."""
    kinds = ["delete", "double", "swap", "number", "quote", "insert", "nest", "indent", "cut", "graft"]
    sample = [checked(edited(TEXTS[7 * n % len(TEXTS)], (kinds[n % 10], 37 * n, 11 * n, n))) for n in range(100)]
    codes = {problem.code for problems in sample for problem in problems}
    assert {code.partition("/")[0] for code in codes} >= {"input", "rules", "promql", "spec", "noise"}
    assert sum(any(problem.code.startswith("noise/") for problem in problems) for problems in sample) >= 20
