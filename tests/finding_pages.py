"""The examples on the pages of the noise rules, and what a backtest of alerts and a recording tells."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from typer.testing import CliRunner

from tocsin.cli import app
from tocsin.pipeline.rules import all_rules, data_rule_names

NAMES = data_rule_names()
PAGES = all_rules()
Told: TypeAlias = dict[str, Any]
START = 1_700_000_040
"""A whole minute, in seconds."""


def example(name: str, title: str) -> str:
    """The block that a rule's page shows below `Recording::`, `Bad::` or `Good::`."""
    lines = PAGES[name].page.split("\n")
    shown = []
    for line in lines[lines.index(f"{title}::") + 1 :]:
        if line and not line.startswith("    "):
            break
        shown.append(line)
    return textwrap.dedent("\n".join(shown)).strip() + "\n"


def series(text: str) -> dict[str, list[float]]:
    """Series by their text: a sample a minute, `10x3` for three of them; a line that is indented goes on."""
    found: dict[str, list[float]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("incident "):
            continue
        if not line.startswith(" "):
            name, _, line = line.rpartition("}")
            name += "}"
        for word in line.split():
            value, _, count = word.partition("x")
            found.setdefault(name, []).extend([float(value)] * int(count or 1))
    return found


def incidents(text: str) -> list[tuple[int, int]]:
    """The minutes of `incident 318 to 345`."""
    return [(int(start), int(end)) for start, end in re.findall(r"^incident (\d+) to (\d+)$", text, re.MULTILINE)]


def write(folder: Path, recording: str, settings: object = None) -> list[str]:
    """The files that a recording and settings are; the options that name them."""
    samples = [
        f"{name} {value!r} {START + 60 * minute}"
        for name, values in series(recording).items()
        for minute, value in enumerate(values)
    ]
    (folder / "recording.om").write_text("\n".join([*samples, "# EOF", ""]))
    known = [
        {"name": f"incident {start}", "start": START + 60 * start, "end": START + 60 * end}
        for start, end in incidents(recording)
    ]
    (folder / "incidents.yaml").write_text(json.dumps({"incidents": known}))
    (folder / "tocsin.yaml").write_text(json.dumps(settings or {}))
    given = ["--incidents", str(folder / "incidents.yaml")] if known else []
    return ["--data", str(folder / "recording.om"), *given]


def judged(folder: Path, alerts: str, recording: str, settings: object = None, code: int = 0) -> list[Told]:
    """The problems of a backtest of a spec or a rule file, which ends with an exit code."""
    options = write(folder, recording, settings)
    (folder / "alerts.yaml").write_text(alerts)
    done = CliRunner().invoke(app, ["backtest", str(folder / "alerts.yaml"), *options, "--format", "json"])
    assert done.exit_code == code, done.output
    problems: list[Told] = json.loads(done.stdout)["problems"]
    return problems


def told(problems: Sequence[Told]) -> list[str]:
    return [str(problem["code"]) for problem in problems]
