"""The README runs: its spec is clean, and its commands print what it says they print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
LINT_PAGE = (ROOT / "docs/lint.md").read_text()
SESSIONS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)


def run(command: str) -> str:
    """What a command of the README prints, both streams as a terminal shows them."""
    words = shlex.split(command)
    assert words[0] == "tocsin", f"the README's sessions run tocsin, not {words[0]}"
    call = [sys.executable, "-m", "tocsin", *words[1:]]
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(
        call, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.stdout


def lines(text: str) -> list[str]:
    """The lines of an output; what stands at their ends, no reader sees."""
    return [line.rstrip() for line in text.strip("\n").splitlines()]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.partition("\n")[0])
def test_a_session_prints_what_the_readme_says(session: str) -> None:
    command, _, printed = session.partition("\n")
    assert command.startswith("$ ")
    shown, actual = lines(printed), lines(run(command[2:]))
    if "..." in shown:
        cut = shown.index("...")
        assert actual[:cut] == shown[:cut]
    else:
        assert actual == shown


@pytest.mark.parametrize("name", ["checkout.yaml", "objective.yaml"])
def test_the_spec_of_the_readme_is_the_one_that_is_tested(name: str) -> None:
    spec = (ROOT / "golden" / "readme" / name).read_text()
    assert f"```yaml\n{spec}```" in README


def test_every_command_is_in_the_readme_and_every_noise_rule_in_it_or_on_its_page() -> None:
    rules = [path.stem.replace("_", "-") for path in (ROOT / "compiler/tocsin/lint/rules").glob("*.py")]
    told = README + LINT_PAGE
    missing = [f"noise/{name}" for name in rules if name != "--init--" and f"noise/{name}" not in told]
    commands = re.findall(r"^  (\w+) ", run("tocsin --help").partition("Commands:")[2], re.MULTILINE)
    assert commands
    assert missing + [name for name in commands if f"`{name}" not in README] == []
