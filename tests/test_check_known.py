"""Only new problems: those that a baseline does not know, and those of what has changed since a revision of git."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.command import RULES, SPEC, environment, run, write_files

NOISY = SPEC.replace("for: 5m", "for: 30s")
FOR, WINDOW = "noise/sub-minute-for", "noise/sub-minute-window"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_files(tmp_path)
    (folder / "specs" / "shop.yaml").write_text(NOISY)
    (folder / "specs" / "rules.yaml").write_text(RULES.replace("for: 5m", "for: 30s"))
    return folder


def found(folder: Path, *arguments: str, code: int | None = None, paths: tuple[str, ...] = ("specs",)) -> list[Any]:
    done = run("check", *paths, "--format", "json", *arguments, cwd=folder)
    assert done.stderr == ""
    problems: list[Any] = json.loads(done.stdout)
    if code is None:
        code = int(any(problem["severity"] == "error" for problem in problems))
    assert done.returncode == code
    return problems


def codes(folder: Path, *arguments: str, **more: Any) -> list[str]:
    return [f"{one['code']} {Path(one['path']).name}:{one['line']}" for one in found(folder, *arguments, **more)]


KNOWN = ("--baseline", "known.json")


@pytest.fixture
def known(folder: Path) -> Path:
    """The folder, with a baseline of all its problems."""
    done = run("check", "specs", "--write-baseline", "known.json", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_baseline_is_what_people_can_review_and_does_not_change(known: Path) -> None:
    text = (known / "known.json").read_text()
    document = json.loads(text)
    assert document["version"] == 1
    assert document["problems"] == [
        {
            "path": "specs/rules.yaml",
            "code": FOR,
            "about": "- alert: ShopDown",
            "line": "for: 30s",
            "message": "`for: #s` tells people of a spike that is over before anyone can act",
            "count": 1,
        },
        {
            "path": "specs/shop.yaml",
            "code": FOR,
            "about": "- name: ShopErrorRateHigh",
            "line": "for: 30s",
            "message": "`for: #s` tells people of a spike that is over before anyone can act",
            "count": 1,
        },
    ]
    run("check", str(known / "specs"), "--write-baseline", str(known / "again.json"), cwd=Path("/"))
    assert (known / "again.json").read_text() == text


def test_what_is_known_is_not_reported_wherever_its_lines_move(known: Path) -> None:
    assert codes(known, *KNOWN) == []
    spec = known / "specs" / "shop.yaml"
    spec.write_text("# moved\n\n\n" + spec.read_text().replace("    for: 30s", "    for:   30s"))
    assert codes(known, *KNOWN) == []
    done = run("check", str(known / "specs"), "--baseline", str(known / "known.json"), cwd=Path("/"))
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_new_is_reported_and_what_is_gone_is_mentioned(known: Path) -> None:
    edit(known / "specs" / "shop.yaml", "for: 30s", "for: 20s")
    assert codes(known, *KNOWN) == ["lint/stale-baseline known.json:5", f"{FOR} shop.yaml:16"]
    assert found(known, *KNOWN)[0]["severity"] == "info"
    edit(known / "specs" / "shop.yaml", "for: 20s", "for: 5m")
    assert codes(known, *KNOWN) == ["lint/stale-baseline known.json:5"]
    assert codes(known, *KNOWN, "--fail-on", "info", code=1) == ["lint/stale-baseline known.json:5"]


def test_what_is_known_of_files_that_are_not_checked_may_still_be_there(known: Path) -> None:
    assert codes(known, *KNOWN, paths=("specs/rules.yaml",)) == []
    (known / "specs" / "shop.yaml").unlink()
    assert codes(known, *KNOWN, paths=("specs/rules.yaml",)) == ["lint/stale-baseline known.json:5"]


def test_the_same_problem_is_counted(known: Path) -> None:
    rules = known / "specs" / "rules.yaml"
    alert = rules.read_text().partition("    rules:\n")[2]
    rules.write_text(rules.read_text() + alert.replace("ShopDown", "Other"))
    assert codes(known, *KNOWN, "--select", FOR) == [f"{FOR} rules.yaml:14"]
    twice = run("check", "specs", "--select", FOR, "--write-baseline", "known.json", cwd=known)
    assert twice.returncode == 0
    rules.write_text(rules.read_text() + alert.replace("ShopDown", "Other"))
    assert codes(known, *KNOWN, "--select", FOR) == [f"{FOR} rules.yaml:22"]


def test_a_rule_that_is_not_asked_is_not_gone(known: Path) -> None:
    assert codes(known, *KNOWN, "--ignore", FOR) == []


def test_an_input_that_cannot_be_read_is_never_known(known: Path) -> None:
    before = (known / "known.json").read_text()
    done = run("check", "gone.yaml", "specs", "--write-baseline", "known.json", cwd=known)
    assert done.returncode == 2
    assert (known / "known.json").read_text() == before
    assert run("check", "specs", *KNOWN, "--write-baseline", "other.json", cwd=known).returncode == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "1:1: error[input/baseline]: this is no baseline"),
        ("[]", "expected a baseline, with `version` and `problems`"),
        ("", "expected a baseline, with `version` and `problems`"),
        ('{"version": 2, "problems": []}', "1:13: error[input/baseline]: this baseline has version 2, expected 1"),
        ('{"version": 1, "problems": [{"code": "a"}]}', "1:29: error[input/baseline]: expected a known problem, with"),
        ('{"version": 1, "problems": [3]}', "expected a known problem"),
        ("\x00", "error[input/not-text]"),
    ],
)
def test_a_faulty_baseline_is_told_with_its_place(text: str, said: str, folder: Path) -> None:
    (folder / "known.json").write_text(text)
    done = run("check", "specs", *KNOWN, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_baseline_that_is_not_there_or_cannot_be_written(folder: Path) -> None:
    done = run("check", "specs", *KNOWN, cwd=folder)
    assert done.returncode == 2
    assert "known.json:1:1: error[input/unreadable]" in done.stderr
    done = run("check", "specs", "--write-baseline", "specs/shop.yaml/known.json", cwd=folder)
    assert done.returncode == 2
    assert "error[input/write]" in done.stderr


# Changed since a revision


def git(folder: Path, *arguments: str) -> None:
    people = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
    identity = {f"GIT_{name}": "tocsin@example.com" for name in people}
    config = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    call = ["git", "-C", str(folder), *arguments]
    subprocess.run(call, env=environment(identity | config), check=True, capture_output=True)


@pytest.fixture
def repository(folder: Path) -> Path:
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "all")
    return folder


SINCE = ("--changed-since", "main")


def test_what_has_not_changed_is_not_reported(repository: Path) -> None:
    assert len(codes(repository)) == 2
    assert codes(repository, *SINCE) == []


def test_an_alert_of_which_any_line_changed_is_reported(repository: Path) -> None:
    edit(repository / "specs" / "shop.yaml", "Roll back the last deploy", "Roll it back")
    assert codes(repository, *SINCE) == [f"{FOR} shop.yaml:16"]
    git(repository, "commit", "-q", "-a", "-m", "changed")
    assert codes(repository, *SINCE) == []
    assert codes(repository, "--changed-since", "HEAD~1") == [f"{FOR} shop.yaml:16"]


def test_an_indicator_that_changed_changes_its_alerts(repository: Path) -> None:
    edit(repository / "specs" / "shop.yaml", 'code=~"5.."', 'code=~"50."')
    assert codes(repository, *SINCE) == [f"{FOR} shop.yaml:16"]


def test_a_line_that_is_taken_out_changes_its_alert(repository: Path) -> None:
    rules = repository / "specs" / "rules.yaml"
    edit(rules, "          action: Restart it, then read the last lines of its log.\n", "")
    assert [code for code in codes(repository, *SINCE) if FOR in code] == [f"{FOR} rules.yaml:6"]


def test_lines_of_another_alert_change_nothing(repository: Path) -> None:
    rules = repository / "specs" / "rules.yaml"
    rules.write_text("# a comment\n\n" + rules.read_text())
    assert codes(repository, *SINCE) == []


def test_files_that_git_does_not_know_are_new(repository: Path) -> None:
    new = repository / "specs" / "new \u00e4\n.yaml"
    new.write_text(NOISY.replace("ShopErrorRateHigh", "Another").replace("service: shop", "service: other"))
    assert [code for code in codes(repository, *SINCE) if FOR in code] == [f"{FOR} {new.name}:16"]
    git(repository, "add", "-A")
    assert [code for code in codes(repository, *SINCE) if FOR in code] == [f"{FOR} {new.name}:16"]


def test_what_others_did_since_is_not_ours(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "ours")
    git(repository, "checkout", "-q", "main")
    edit(repository / "specs" / "shop.yaml", "Roll back", "Take back")
    git(repository, "commit", "-q", "-a", "-m", "theirs")
    git(repository, "checkout", "-q", "ours")
    assert codes(repository, *SINCE) == []


def test_changed_settings_change_everything(repository: Path) -> None:
    (repository / "specs" / "tocsin.yaml").write_text("prometheus: {evaluation_interval: 30s}\n")
    assert len(codes(repository, *SINCE)) == 2


def test_what_cannot_be_read_is_reported_all_the_same(repository: Path) -> None:
    assert codes(repository, *SINCE, paths=("specs", "gone.yaml"), code=2) == ["input/unreadable gone.yaml:1"]


@pytest.mark.parametrize("revision", ["nothing", "--output=x", "main:specs", "a b", "HEAD~99"])
def test_an_unknown_revision_is_told(revision: str, repository: Path) -> None:
    done = run("check", "specs", f"--changed-since={revision}", cwd=repository)
    assert done.returncode == 2
    assert "error[input/git]" in done.stderr
    assert "revision" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (repository / "x").exists()


def test_outside_of_a_repository_that_is_told(folder: Path) -> None:
    done = run("check", "specs", *SINCE, cwd=folder, env={"GIT_CEILING_DIRECTORIES": str(folder.parent)})
    assert done.returncode == 2
    assert "specs:1:1: error[input/git]: --changed-since main: not a git repository" in done.stderr
    none = run("check", "specs", *SINCE, cwd=folder, env={"PATH": str(folder)})
    assert none.returncode == 2
    assert "cannot run git" in none.stderr
