"""`tocsin explain`: a name to its page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.console import reported, wrong_call
from tocsin.cli.options import SettingsFile
from tocsin.diagnostics import Problems
from tocsin.registry import suggest


def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A lint rule, such as noise/single-event, or an alert.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Where the alert is; default: specs.")
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Show a lint rule's page, or an alert's PromQL, its arithmetic and its detection times."""
    from tocsin.pipeline import compile as compiling
    from tocsin.pipeline.explain import data_rule_names, explain_alerts, explain_rule, lint_rule_names
    from tocsin.pipeline.inputs import read_inputs

    rules = [*lint_rule_names(), *data_rule_names()]
    if name in rules:
        sys.stdout.write(explain_rule(name))
        return
    problems = Problems()
    folders = paths or [path for path in [Path("specs")] if path.is_dir()]
    with reported(problems):
        inputs = read_inputs(folders, settings, problems)
        pages = explain_alerts(inputs, compiling.compile_specs(inputs))
        if name in pages:
            sys.stdout.write(pages[name])
        else:
            raise wrong_call(f"`{name}` is no lint rule and no alert: {suggest(name, [*rules, *pages])}")
