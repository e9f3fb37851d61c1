"""The templates of an alert to the expressions that they query."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from tocsin.alerts.dependencies import where
from tocsin.diagnostics import Problem, ProblemError, Severity, Text
from tocsin.promql.ast import Expr
from tocsin.promql.durations import resolve
from tocsin.promql.parse import parse
from tocsin.rules import AlertingRule
from tocsin.templates.quote import unquoted
from tocsin.templates.scan import Token, scan


def queries(rule: AlertingRule, problems: list[Problem]) -> list[Expr]:
    """What the labels and annotations of an alert query; those that are put together at run time are told of."""
    found = []
    parts = {f"labels.{name}": text for name, text in rule.labels.items()}
    parts |= {f"annotations.{name}": text for name, text in rule.annotations.items()}
    for part, text in parts.items():
        for query in _arguments(text):
            if query is None:
                message = f"what `{part}` of `{rule.name}` queries is known only when it fires, and is not recorded"
                problems.append(Problem("record/template", message, where(rule, part), severity=Severity.WARNING))
                continue
            with suppress(ProblemError):  # a query that fails reads nothing
                found.append(resolve(parse(Text.of(query))))
    return found


def _arguments(text: str) -> Iterator[str | None]:
    """The argument of each `query` in a template; None where it is not a literal."""
    if "{{" not in text:
        return
    tokens = [token for token in scan(text) if token.kind != "space"]
    for index, token in enumerate(tokens):
        if token.kind == "name" and token.value == "query":
            piped = tokens[index - 2 : index] if tokens[index - 1].kind == "|" else []
            yield _literal(piped[0] if piped else tokens[index + 1])


def _literal(token: Token) -> str | None:
    return unquoted(token.value) if token.kind in ("string", "raw") else None
