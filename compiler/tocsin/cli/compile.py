"""`tocsin compile`: specs to the files of the targets, or to what is stale of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.console import reported, shown, uncollected, wrong_call
from tocsin.cli.options import Paths, SettingsFile
from tocsin.diagnostics import Problem, Problems, Source, printable
from tocsin.registry import suggest


def compile(
    paths: Paths,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to write to.")] = Path("out"),
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Write only this target; may be repeated.", show_default=False),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 with a diff where DIR is stale.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Write the rules and the routing that specs mean. Where any problem is an error, nothing is written."""
    from tocsin.pipeline import compile as compiling
    from tocsin.targets import files

    problems = Problems()
    with reported(problems), uncollected():
        inputs, compiled = compiling.check(paths, settings, problems, datetime.now(UTC).date())
        targets = _targets(target)
        if problems.errors:
            return
        artifacts = compiling.artifacts(compiled, inputs.settings, targets)
        stale = files.unwanted(artifacts, out, targets) if all(path.is_dir() for path in paths) else []
        if check:
            difference = "".join(files.differences(artifacts, out, stale))
            sys.stdout.write("".join(map(shown, difference.splitlines(keepends=True))))
            if difference:
                span = Source(str(out), "").span()
                problems.add(
                    Problem("compile/stale", "not what the specs compile to", span, help="run `tocsin compile`")
                )
        else:
            touched = [f"{printable(str(path))}\n" for path in files.write(artifacts, out, stale)]
            sys.stdout.writelines(
                touched
                or [f"{printable(str(out))} is up to date: {len(artifacts)} file{'s' * (len(artifacts) != 1)}\n"]
            )


def _targets(chosen: Sequence[str] | None) -> list[str]:
    from tocsin.pipeline.compile import target_names

    known = target_names()
    for name in chosen or ():
        if name not in known:
            raise wrong_call(f"there is no target `{name}`: {suggest(name, known)}")
    return list(dict.fromkeys(chosen)) if chosen else known
