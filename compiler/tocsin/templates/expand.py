"""A label or annotation of an alert and what the alert is about, to the text that Prometheus gives it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from tocsin.templates.evaluate import evaluate
from tocsin.templates.functions import Environment, function_names, functions
from tocsin.templates.parse import TemplateSyntaxError, parse
from tocsin.templates.tree import Template
from tocsin.templates.values import Data, TemplateError

PREFIX = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
"""What Prometheus puts before every template (rules/alerting.go); positions in its messages count it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a template does not parse, and between which characters of its text."""

    message: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Expanded:
    """The text of a label or annotation; `error` is empty, or why the text is Prometheus's words for a failure."""

    text: str
    error: str = ""


def fault(text: str, compat: int) -> Fault | None:
    """See `tocsin.templates.actions.syntax_fault`."""
    try:
        _parsed(text, "", compat)
    except TemplateSyntaxError as error:
        token = error.culprit
        start = min(max(0, token.start - len(PREFIX)), len(text) - 1)
        return Fault(error.message, start, start + 1 if token.kind in ("error", "end") else start + len(token.value))
    return None


def tree(text: str, compat: int = 3) -> Template | None:
    """A template as its parts, whose offsets count `PREFIX`; None where it has no actions, or does not parse."""
    if "{{" not in text:
        return None
    try:
        return _parsed(text, "", compat)
    except TemplateSyntaxError:
        return None


def expand(text: str, name: str, data: Data, environment: Environment) -> Expanded:
    """Expand a template of the alert `name`.

    Raises UnsupportedTemplateError where the text that Prometheus would give is not known.
    """
    if "{{" not in text:
        return Expanded(text)
    template_name = f"__alert_{name}"
    try:
        template = _parsed(text, name, environment.compat)
    except TemplateSyntaxError as error:
        return _failed(f"error parsing template {template_name}: {error}")
    data = replace(data, boxed=environment.compat > 2)
    try:
        return Expanded(evaluate(template, data, functions(environment), environment.compat))
    except TemplateError as error:
        return _failed(f"error executing template {template_name}: {error}")


def _failed(message: str) -> Expanded:
    return Expanded(f"<error expanding template: {message}>", message)


@lru_cache(maxsize=4096)
def _parsed(text: str, name: str, compat: int) -> Template:
    return parse(PREFIX + text, f"__alert_{name}", function_names(compat), compat)
