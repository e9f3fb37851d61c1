"""Inputs to compiled rules, findings and artifacts: the half that knows no samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from tocsin.diagnostics import Problem, Problems
from tocsin.lint.api import AnyRule, Linted, Recording, Routed, RuleSet, Subject
from tocsin.lint.run import lint
from tocsin.pipeline.groups import compile_specs as compile_specs
from tocsin.pipeline.groups import rule_groups as rule_groups
from tocsin.pipeline.inputs import Inputs, ReadFile, read_inputs
from tocsin.pipeline.rules import data_rule_names
from tocsin.plan.emit import Compiled
from tocsin.registry import discover
from tocsin.rules import AlertingRule
from tocsin.spec.settings import Settings
from tocsin.targets.alertmanager import routing
from tocsin.targets.api import MARK, TARGETS, Artifact
from tocsin.textfile import read_source


def findings(inputs: Inputs, compiled: Sequence[Compiled], today: date) -> Iterator[Problem]:
    """What would only make noise, in specs, rule files and configurations of Alertmanager."""
    subjects = list(_subjects(inputs, compiled))
    return lint(subjects, inputs.sources, today, data_rule_names(), inputs.settings.selection)


def _subjects(inputs: Inputs, compiled: Sequence[Compiled]) -> Iterator[Linted]:
    """Each rule, then all of them together, then what routes their alerts."""
    rules = tuple(_rules(inputs, compiled))
    own = [routing(compiled, inputs.settings)] if compiled and inputs.settings.receivers else []
    whole = RuleSet(rules, (*own, *inputs.routings), inputs.settings)
    yield from rules
    yield whole
    yield from (Routed(one, whole.alerts, inputs.settings) for one in inputs.routings)


def _rules(inputs: Inputs, compiled: Sequence[Compiled]) -> Iterator[AnyRule]:
    settings = inputs.settings
    for one in compiled:
        # What a spec's objectives record is not its author's to change.
        yield from (
            Subject(rule, group, settings, one.planned.get(rule.name), compiled=True) for rule, group in one.alerts
        )
    for group in inputs.groups:
        for rule in group.rules:
            # What tocsin compiled was judged where it was written, in the spec.
            compiled_before = group.places["rule"].source.text.startswith(MARK)
            if isinstance(rule, AlertingRule):
                yield Subject(rule, group, settings, compiled=compiled_before)
            elif not compiled_before:
                yield Recording(rule, group, settings)


def check(
    paths: Sequence[Path],
    settings: Path | None,
    problems: Problems,
    today: date,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    read: ReadFile = read_source,
) -> tuple[Inputs, list[Compiled]]:
    """Reads, compiles and lints: all problems of all files in one run. `select` and `ignore` name lint rules."""
    inputs = read_inputs(paths, settings, problems, read=read)
    inputs.settings = replace(inputs.settings, selection=inputs.settings.selection.narrowed(select, ignore))
    compiled = compile_specs(inputs)
    problems.extend(findings(inputs, compiled, today))
    return inputs, compiled


def artifacts(compiled: Sequence[Compiled], settings: Settings, targets: Sequence[str]) -> list[Artifact]:
    """The files of the targets, in the order of their paths."""
    written = [artifact for name in targets for artifact in TARGETS[name](compiled, settings)]
    return sorted(written, key=lambda artifact: artifact.path)


def target_names() -> list[str]:
    """The names of all targets."""
    discover("tocsin.targets")
    return list(TARGETS)
