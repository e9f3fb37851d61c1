"""The hooks for pre-commit: as it reads them, and as it runs them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from tests.command import SPEC, run

from tocsin.diagnostics import Problems
from tocsin.document import parse_documents, plain
from tocsin.textfile import read_source

HOOKS = Path(__file__).parent.parent / ".pre-commit-hooks.yaml"


def hooks() -> dict[str, dict[str, Any]]:
    problems = Problems()
    (node,) = parse_documents(read_source(HOOKS), problems)
    assert not len(problems)
    return {hook["id"]: hook for hook in plain(node)}


def call(name: str, folder: Path) -> int:
    """The exit code of a hook in a repository. Its arguments are those for the usual folders, and no file is added."""
    hook = hooks()[name]
    words: list[str] = shlex.split(hook["entry"]) + hook["args"]
    assert (words[0], hook["pass_filenames"], hook["language"]) == ("tocsin", False, "python")
    return run(*words[1:], cwd=folder).returncode


@pytest.mark.parametrize("name", ["tocsin-check", "tocsin-compile"])
def test_a_hook_has_what_pre_commit_asks_for(name: str) -> None:
    hook = hooks()[name]
    assert {"id", "name", "entry", "language"} <= set(hook)
    assert re.search(hook["files"], "specs/shop.yaml")
    assert re.search(hook["files"], "specs/tocsin.yaml")
    assert not re.search(hook["files"], "src/main.py")


def test_the_hooks_pass_what_is_in_order_and_refuse_the_rest(tmp_path: Path) -> None:
    spec = tmp_path / "specs" / "shop.yaml"
    spec.parent.mkdir()
    spec.write_text(SPEC)
    assert call("tocsin-check", tmp_path) == 0
    assert call("tocsin-compile", tmp_path) == 1, "nothing is compiled yet"
    assert run("compile", "specs", cwd=tmp_path).returncode == 0
    assert call("tocsin-compile", tmp_path) == 0
    spec.write_text(SPEC.replace("for: 5m", "for: 5s"))
    assert call("tocsin-check", tmp_path) == 1
    assert call("tocsin-compile", tmp_path) == 1
