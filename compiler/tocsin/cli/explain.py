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
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A lint rule, such as noise/single-event, an alert, or an objective.")
    ],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Where the alert or objective is; default: specs.")
    ] = None,
    settings: SettingsFile = None,
    data: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="A recording: an objective's traffic is measured in it.")
    ] = None,
) -> None:
    """Show a lint rule's page, an alert's PromQL and detection times, or an objective's arithmetic."""
    from tocsin.pipeline import compile as compiling
    from tocsin.pipeline.explain import explain_alerts, explain_objective, objectives
    from tocsin.pipeline.inputs import read_inputs
    from tocsin.pipeline.rules import data_rule_names, explain_rule, lint_rule_names

    rules = [*lint_rule_names(), *data_rule_names()]
    if name in rules:
        sys.stdout.write(explain_rule(name))
        return
    problems = Problems()
    folders = paths or [path for path in [Path("specs")] if path.is_dir()]
    with reported(problems):
        inputs = read_inputs(folders, settings, problems)
        compiled = compiling.compile_specs(inputs)
        alerts, known = explain_alerts(inputs, compiled), objectives(compiled)
        found = [full for full in known if name in (full, full.partition("/")[2])]
        if name in alerts:
            sys.stdout.write(alerts[name])
        elif len(found) == 1:
            one, planned = known[found[0]]
            traffic = None
            if data:
                from tocsin.pipeline.traffic import measured  # it evaluates, which other pages need not wait for

                traffic = measured(planned, data, inputs.settings, problems)
            sys.stdout.write(explain_objective(inputs, one, planned, traffic))
        elif found:
            raise wrong_call(f"several services have an objective `{name}`: {', '.join(f'`{one}`' for one in found)}")
        else:
            names = {*rules, *alerts, *known, *(full.partition("/")[2] for full in known)}
            raise wrong_call(f"`{name}` is no lint rule, no alert and no objective: {suggest(name, names)}")
