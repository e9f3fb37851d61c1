"""A place in a document to what is known of it: the PromQL that it compiles to, and the pages of its problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tocsin.diagnostics import Span
from tocsin.editor.check import Checked
from tocsin.lint.api import RULES
from tocsin.pipeline.explain import explain_alerts, explain_objectives
from tocsin.plan.emit import Compiled
from tocsin.plan.lower import usual_window
from tocsin.plan.objectives.emit import groups
from tocsin.promql.ast import Expr
from tocsin.promql.print import pretty
from tocsin.rules import AlertingRule, RuleGroup
from tocsin.spec.model import Alert, Objective
from tocsin.spec.settings import Settings


def hover(checked: Checked, offset: int) -> str:
    """What is known of the character at an offset, as Markdown; nothing where that is nothing."""
    codes = dict.fromkeys(problem.code for problem in checked.at(offset))
    rules = [RULES[code] for code in codes if code in RULES]
    pages = [markdown(f"{rule.name} ({rule.severity})\n\n{rule.page}\n") for rule in rules]
    return "\n\n---\n\n".join([*_compiled(checked, offset), *pages])


def _compiled(checked: Checked, offset: int) -> Iterator[str]:
    for one in checked.compiled:
        yield from _indicators(one, checked.inputs.settings, offset)
        for objective in one.plan.objectives:
            judged = objective.account.objective
            if _holds(judged.places.get("name"), offset):
                page = explain_objectives(checked.inputs, checked.compiled)[f"{one.spec.service}/{judged.name}"]
                yield "\n\n".join([markdown(page), *map(_titled, _alerts(groups(objective)))])
    planned = (rule for one in checked.compiled for rule, _ in one.alerts if rule.name in one.planned)
    named = [r for r in (*planned, *_alerts(checked.inputs.groups)) if _holds(r.places.get("alert"), offset)]
    if named:
        first, *others = named
        page = explain_alerts(checked.inputs, checked.compiled)[first.name]
        yield "\n\n".join([markdown(page), *map(_titled, others)])


def _indicators(compiled: Compiled, settings: Settings, offset: int) -> Iterator[str]:
    """The PromQL of the indicator that is named at a place: where it is measured, or where it is judged."""
    spec = compiled.spec
    for name, indicator in spec.indicators.items():
        judges: tuple[Alert | Objective, ...] = (*spec.alerts, *spec.objectives)
        places = (one.places.get("indicator") for one in judges if one.indicator == name)
        named = [spec.places.get(f"indicators.{name}"), *places]
        if any(_holds(span, offset) for span in named):
            window = usual_window(indicator, settings)
            windows = {one.window for one in compiled.plan.alerts if one.alert.indicator == name and one.value}
            values = [indicator.value(one) for one in sorted(windows or {window}, key=lambda one: one or 0)]
            yield "\n\n".join([f"**{name}** ({indicator.unit})", *map(_promql, values)])


def _alerts(groups: Iterable[RuleGroup]) -> Iterator[AlertingRule]:
    return (rule for group in groups for rule in group.rules if isinstance(rule, AlertingRule))


def _holds(span: Span | None, offset: int) -> bool:
    return span is not None and span.start <= offset <= span.end


def _titled(rule: AlertingRule) -> str:
    severity = rule.labels.get("severity")
    return f"**{rule.name}**{f' ({severity})' if severity else ''}\n\n{_promql(rule.expr)}"


def _promql(expr: Expr) -> str:
    return f"```promql\n{pretty(expr)}\n```"


_BLOCK = re.compile(r"(?m)^(?P<head>[^\s].*\n)?\n*(?P<block>(?: {4,}\S.*\n|[ ]*\n(?= {4,}\S))+)")


def markdown(page: str) -> str:
    """A page of `tocsin explain` as Markdown: its first line bold, its indented blocks fenced."""
    title, _, rest = page.partition("\n")
    rest = re.sub(r"(?m)^([a-z_]+: .*)$", r"\1  ", rest)  # the annotations, a line each
    return f"**{title}**  \n{_BLOCK.sub(_fenced, rest)}".rstrip()


def _fenced(match: re.Match[str]) -> str:
    head = match["head"] or ""
    language = "promql" if head.startswith("PromQL") else "yaml" if head.endswith("::\n") else "text"
    lines = match["block"].rstrip("\n").split("\n")
    depth = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    block = "\n".join(line[depth:] for line in lines)
    return f"{head.replace('::', ':')}\n```{language}\n{block}\n```\n"
