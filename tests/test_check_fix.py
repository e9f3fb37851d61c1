"""`tocsin check --fix` answers what has one safe answer, and nothing else in the file changes."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.command import RULES, SPEC, run, write_files

from tocsin.diagnostics import Fix, Problem, Source
from tocsin.pipeline.fix import Repair, repairs

ALLOW = "# tocsin: allow noise/vague-text -- the vendor says no more"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path)


def fixed(folder: Path, text: str, code: int = 0) -> str:
    """What becomes of a spec."""
    spec = folder / "specs" / "shop.yaml"
    spec.write_bytes(text.encode())
    done = run("check", "specs", "--fix", cwd=folder)
    assert done.returncode == code, done.stderr
    return spec.read_bytes().decode()


BEFORE_SUMMARY = "    summary: More"
MISSPELT = SPEC.replace("severity: page", "sevrity: page")
COMMENTED = SPEC.replace(BEFORE_SUMMARY, f"    {ALLOW}\n{BEFORE_SUMMARY}")


@pytest.mark.parametrize(
    "text",
    [
        MISSPELT,
        COMMENTED,
        SPEC.replace("    for: 5m\n", f"    for: 5m  {ALLOW}\n"),
        SPEC.rstrip("\n") + f"  {ALLOW}",
        SPEC + ALLOW,
        MISSPELT.replace(BEFORE_SUMMARY, f"    {ALLOW}\n{BEFORE_SUMMARY}").replace("owner:", "onwer:"),
    ],
)
def test_what_has_one_answer_is_answered(text: str, folder: Path) -> None:
    assert fixed(folder, text).rstrip("\n") == SPEC.rstrip("\n")


def test_line_breaks_and_marks_and_modes_of_files_stay(folder: Path) -> None:
    text = "\ufeff" + COMMENTED.replace("sevrity", "severity").replace("\n", "\r\n")
    spec = folder / "specs" / "shop.yaml"
    spec.chmod(0o600)
    assert fixed(folder, text) == "\ufeff" + SPEC.replace("\n", "\r\n")
    assert stat.S_IMODE(spec.stat().st_mode) == 0o600
    assert sorted(path.name for path in spec.parent.iterdir()) == ["shop.yaml"]


def test_a_link_stays_a_link(folder: Path) -> None:
    spec = folder / "specs" / "shop.yaml"
    (folder / "real.yaml").write_text(COMMENTED)
    spec.unlink()
    spec.symlink_to(folder / "real.yaml")
    assert run("check", "specs", "--fix", cwd=folder).returncode == 0
    assert spec.is_symlink()
    assert (folder / "real.yaml").read_text() == SPEC


def test_the_diff_comes_first_and_alone_if_so_asked(folder: Path) -> None:
    spec = folder / "specs" / "shop.yaml"
    spec.write_text(MISSPELT)
    only = run("check", "specs", "--diff", cwd=folder)
    assert only.returncode == 1
    assert "\n-    sevrity: page\n+    severity: page\n" in only.stdout
    assert "spec/unknown-key" in only.stderr
    assert spec.read_text() == MISSPELT
    done = run("check", "specs", "--fix", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, only.stdout, "")
    assert run("check", "specs", "--fix", cwd=folder).stdout == ""
    spec.write_text(MISSPELT)
    both = run("check", "specs", "--fix", "--format", "json", cwd=folder)
    assert (json.loads(both.stdout), both.stderr) == ([], only.stdout)


def test_only_what_is_reported_is_answered(folder: Path) -> None:
    (folder / "specs" / "shop.yaml").write_text(COMMENTED)
    ignored = run("check", "specs", "--fix", "--ignore", "lint/unused-allowance", cwd=folder)
    assert (ignored.returncode, ignored.stdout) == (0, "")
    run("check", "specs", "--write-baseline", "known.json", cwd=folder)
    assert run("check", "specs", "--fix", "--baseline", "known.json", cwd=folder).stdout == ""


def test_a_misspelt_key_that_may_be_two_or_is_there_is_left_alone(folder: Path) -> None:
    both = MISSPELT.replace("sevrity: page", "sevrity: page\n    severity: ticket")
    assert fixed(folder, both, code=1) == both
    twice = MISSPELT.replace("sevrity: page", "sevrity: page\n    severty: page")
    answered = fixed(folder, twice, code=1)
    assert "    severity: page\n    severty: page\n" in answered


def test_a_rule_file_is_answered_too(folder: Path) -> None:
    rules = folder / "rules.yaml"
    rules.write_text(RULES.replace("labels:", "lables:").replace("annotations:", "anotations:"))
    done = run("check", "rules.yaml", "--fix", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert rules.read_text() == RULES


def test_secrets_of_the_settings_are_in_no_diff(folder: Path) -> None:
    settings = "receivers: {pager: {webhook_configs: [{url: 'https://x/?token=SECRET'}]}}\nbudgt: {pages_per_week: 1}\n"
    (folder / "specs" / "tocsin.yaml").write_text(settings)
    done = run("check", "specs", "--fix", cwd=folder)
    assert done.returncode == 1
    assert "SECRET" not in done.stdout + done.stderr
    assert (folder / "specs" / "tocsin.yaml").read_text() == settings


# Answers of any kind


def answers(path: Path, text: str, *fixes: tuple[str, str]) -> list[Repair]:
    path.write_text(text)
    source = Source(str(path), text)
    places = [(text.index(old), old, new) for old, new in fixes]
    spans = [Fix(source.span(at, at + len(old)), new) for at, old, new in places]
    return list(repairs(Problem("x/y", "m", fix.span, fix=fix) for fix in spans))


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("a: 1\nb: 2\n", "1\nb: 2", "1\nc: 2"),
        ("a: {b: 1}\n", "{b: 1", "{b: 1"[:-1] + "[1"),
        ("a: 'x'\n", "x", "it's"),
        ("a: x\n", "x", "x # y"),
        ("a: x\n", " x", "x"),
        ("- a\n- b\n", "- a\n", ""),
        ("a: 1\nb: 2\n", "b", "a"),
        ('a: "\\x41"\n', "\\x41", "\\x4"),
        ("a: 1\n", "a: 1\n", "a: 1\n---\nb: 2\n"),
    ],
)
def test_an_answer_that_would_change_more_is_refused(text: str, old: str, new: str, tmp_path: Path) -> None:
    assert answers(tmp_path / "a.yaml", text, (old, new)) == []


@pytest.mark.parametrize(
    ("text", "old", "new", "after"),
    [
        ("a: 'x'\n", "'x'", "y", "a: y\n"),
        ("a: 1\nb: 2\nc: 3\n", "b: 2\n", "", "a: 1\nc: 3\n"),
        ("a: |\n  up == 0 # old\n  and on()\n", " # old", "", "a: |\n  up == 0\n  and on()\n"),
        ("a: >-\n  x\n  y z\n", "y z", "w", "a: >-\n  x\n  w\n"),
        ("a: &x {b: 1, c: 2}\nd: *x\n", "1", "3", "a: &x {b: 3, c: 2}\nd: *x\n"),
        ('a: "\\u00e4 x"\n', "x", "y", 'a: "\\u00e4 y"\n'),
    ],
)
def test_an_answer_within_its_value_is_given(text: str, old: str, new: str, after: str, tmp_path: Path) -> None:
    (repair,) = answers(tmp_path / "a.yaml", text, (old, new))
    repair.write()
    assert (tmp_path / "a.yaml").read_text() == after


def test_of_answers_that_overlap_the_first_is_given(tmp_path: Path) -> None:
    (repair,) = answers(tmp_path / "a.yaml", "a: xyz\nb: x\n", ("xyz", "q"), ("yz", "r"), ("xyz", "q"))
    assert repair.text == "a: q\nb: x\n"


def test_an_unsafe_answer_does_not_hold_up_the_safe_ones(tmp_path: Path) -> None:
    (repair,) = answers(tmp_path / "a.yaml", "a: x\nb: 'y'\nc: z\n", ("x", "1"), ("y", "it's"), ("z", "2"))
    assert repair.text == "a: 1\nb: 'y'\nc: 2\n"


def test_a_file_that_has_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    (repair,) = answers(tmp_path / "a.yaml", "a: x\n", ("x", "y"))
    (tmp_path / "a.yaml").write_text("a: z\n")
    with pytest.raises(Exception, match="the file has changed since it was checked"):
        repair.write()
    assert (tmp_path / "a.yaml").read_text() == "a: z\n"


@given(st.text("ab:,\n\r 'é\U0001f514", max_size=30), st.integers(0, 30), st.integers(0, 5), st.booleans())
def test_the_raw_bytes_change_as_the_text_does(text: str, at: int, length: int, mark: bool) -> None:
    raw = ("\ufeff" if mark else "") + text.lstrip("\ufeff")
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    at = min(at, len(plain))
    end = min(at + length, len(plain))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.yaml"
        path.write_bytes(raw.encode())
        source = Source(str(path), plain)
        repair = Repair(source, (Fix(source.span(at, end), "NEW\n"),))
        repair.write()
        after = path.read_bytes().decode()
    assert after.startswith("\ufeff") == mark
    assert after.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n") == repair.text
