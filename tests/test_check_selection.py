"""Which problems `tocsin check` reports: rules selected and ignored, here and in tocsin.yaml, and severities."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.command import RULES, SPEC, run, write_files

VAGUELY = "something is wrong"
NOISY = SPEC.replace("for: 5m", "for: 30s").replace("More than 1% of the requests to the shop fail", VAGUELY)
FOR, VAGUE = "noise/sub-minute-for", "noise/vague-text"
ALLOW = f"# tocsin: allow {VAGUE} -- the vendor says no more"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_files(tmp_path)
    (folder / "specs" / "shop.yaml").write_text(NOISY)
    (folder / "specs" / "legacy").mkdir()
    (folder / "specs" / "legacy" / "rules.yaml").write_text(RULES.replace("for: 5m", "for: 30s"))
    return folder


def found(folder: Path, *arguments: str, settings: str = "") -> set[tuple[str, str]]:
    """The code and the file of every problem."""
    if settings:
        (folder / "specs" / "tocsin.yaml").write_text(settings)
    done = run("check", "specs", "--format", "json", *arguments, cwd=folder)
    assert done.stderr == ""
    problems = json.loads(done.stdout)
    assert done.returncode == int(any(problem["severity"] == "error" for problem in problems))
    return {(problem["code"], Path(problem["path"]).name) for problem in problems}


ALL = {(FOR, "shop.yaml"), (VAGUE, "shop.yaml"), (FOR, "rules.yaml")}
FORS = {one for one in ALL if one[0] == FOR}


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ((), ALL),
        (("--select", FOR), FORS),
        (("--select", FOR, "--select", VAGUE), ALL),
        (("--select", "noise/"), ALL),
        (("--ignore", VAGUE), FORS),
        (("--ignore", "noise/"), set()),
        (("--select", "noise/", "--ignore", FOR), ALL - FORS),
        (("--select", FOR, "--ignore", FOR), set()),
    ],
)
def test_rules_are_selected_and_ignored(arguments: tuple[str, ...], left: set[tuple[str, str]], folder: Path) -> None:
    assert found(folder, *arguments) == left
    as_settings = {"--select": "select", "--ignore": "ignore"}
    lists: dict[str, list[str]] = {}
    for option, name in zip(arguments[::2], arguments[1::2], strict=True):
        lists.setdefault(as_settings[option], []).append(name)
    assert found(folder, settings=json.dumps({"lint": lists})) == left


def test_the_command_line_selects_in_place_of_the_settings_and_ignores_on_top(folder: Path) -> None:
    settings = f"lint: {{select: [{VAGUE}], ignore: [{FOR}]}}"
    assert found(folder, settings=settings) == ALL - FORS
    assert found(folder, "--select", FOR) == FORS
    assert found(folder, "--ignore", VAGUE) == set()


@pytest.mark.parametrize(
    ("glob", "matches"),
    [
        ("legacy", True),
        ("legacy/", True),
        ("./legacy/*.yaml", True),
        ("legacy/**", True),
        ("**/rules.yaml", True),
        ("rules.yaml", True),
        ("r?les.y*ml", True),
        ("*/rules.yaml", True),
        ("specs/legacy", False),
        ("legac", False),
        ("rules", False),
        ("*/*/rules.yaml", False),
    ],
)
def test_paths_are_globs_from_the_folder_of_the_settings(glob: str, matches: bool, folder: Path) -> None:
    settings = json.dumps({"lint": {"paths": [{"path": glob, "ignore": [FOR]}]}})
    assert ((FOR, "rules.yaml") not in found(folder, settings=settings)) is matches
    assert (FOR, "shop.yaml") in found(folder)


def test_a_rule_that_is_not_asked_leaves_its_comments_alone(folder: Path) -> None:
    clean = SPEC.replace("    summary:", f"    {ALLOW}\n    summary:")
    (folder / "specs" / "shop.yaml").write_text(clean)
    unused = ("lint/unused-allowance", "shop.yaml")
    assert unused in found(folder)
    assert unused not in found(folder, "--ignore", VAGUE)
    assert unused not in found(folder, "--select", FOR)
    assert unused not in found(folder, settings=f"lint: {{paths: [{{path: shop.yaml, ignore: [{VAGUE}]}}]}}")
    assert unused not in found(folder, settings="lint: {ignore: [lint/unused-allowance]}")
    assert unused in found(folder, settings="lint: {ignore: [lint/bad-allowance]}")


def test_faults_of_the_files_themselves_are_always_told(folder: Path) -> None:
    (folder / "specs" / "shop.yaml").write_text(NOISY.replace("above: 1%", "abvoe: 1%"))
    told = {code for code, _ in found(folder, "--ignore", "noise/")}
    assert "spec/unknown-key" in told


def test_an_unknown_rule_is_a_wrong_call(folder: Path) -> None:
    for option in ("--select", "--ignore"):
        done = run("check", "specs", option, "noise/vage-text", cwd=folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert "there is no rule `noise/vage-text`: did you mean `noise/vague-text`?" in done.stderr
        assert run("check", "specs", option, "nois/", cwd=folder).returncode == 2


@pytest.mark.parametrize(
    ("lint", "said"),
    [
        ("{ignore: [noise/vage-text]}", "1:17: error[lint/unknown-rule]: there is no rule `noise/vage-text`"),
        ("{select: noise/vague-text}", "1:16: error[spec/value]: expected a list of rules"),
        ("{selct: []}", "1:8: error[spec/unknown-key]: `lint` has no key `selct`"),
        ("{paths: [{path: a}]}", "1:17: error[spec/missing-key]: `paths` needs `ignore`"),
        ("{paths: [{path: '', ignore: []}]}", "error[spec/value]: expected a path"),
        ("{paths: [{path: a, ignore: [noise/x]}]}", "1:35: error[lint/unknown-rule]: there is no rule `noise/x`"),
    ],
)
def test_faulty_settings_are_told_at_their_place(lint: str, said: str, folder: Path) -> None:
    (folder / "specs" / "tocsin.yaml").write_text(f"lint: {lint}\n")
    done = run("check", "specs", cwd=folder)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("info", 1)])
def test_the_exit_code_is_that_of_the_severity_to_fail_on(fail_on: str, code: int, folder: Path) -> None:
    (folder / "specs" / "shop.yaml").unlink()
    (folder / "specs" / "tocsin.yaml").write_text(f"lint: {{rules: {{{FOR}: warning}}}}\n")
    done = run("check", "specs", "--select", FOR, "--fail-on", fail_on, cwd=folder)
    assert done.returncode == code
    assert f"warning[{FOR}]" in done.stderr


def test_an_input_that_cannot_be_read_ends_with_2_whatever_fails(folder: Path) -> None:
    assert run("check", "gone.yaml", "--fail-on", "info", cwd=folder).returncode == 2
    assert run("check", "specs", "--fail-on", "fatal", cwd=folder).returncode == 2


def test_a_rule_that_is_off_is_asked_where_it_is_selected_by_its_name(folder: Path) -> None:
    settings = f"lint: {{rules: {{{VAGUE}: off}}}}"
    assert found(folder, settings=settings) == FORS
    assert found(folder, "--select", VAGUE) == ALL - FORS
    assert found(folder, "--select", "noise/") == FORS
