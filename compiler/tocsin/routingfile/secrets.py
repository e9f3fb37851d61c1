"""A configuration's text with its secrets blotted out, so that no problem shows one in its excerpt."""

from __future__ import annotations

import re

from tocsin.diagnostics import Problem, Source, Span
from tocsin.document import ListNode, MapNode, Node, Scalar

_NAMES = "password|secret|token|key|credentials|url|user|webhook|auth|bearer|header|cookie"
_SECRET = re.compile(_NAMES, re.IGNORECASE)
_FILE = re.compile(r"_files?$")
_LINE = re.compile(rf"(?i)\b\w*(?:{_NAMES})\w*[\"']?\s*:(?P<value>[^\n]*)")
_SHOWN = re.compile(r"\S")


def blotted(source: Source, root: Node | None) -> Source:
    """The source, every value under a key that may name a secret replaced by as many `*`.

    Where the text did not parse, and `root` is None, the rest of each line after such a key.
    """
    text = list(source.text)
    for start, end in _of(root, False) if root else (match.span("value") for match in _LINE.finditer(source.text)):
        text[start:end] = _SHOWN.sub("*", source.text[start:end])
    return Source(source.path, "".join(text), source.first_line)


def moved(problem: Problem, source: Source) -> Problem:
    """The problem, shown in another text of the same length."""
    span = problem.span
    return Problem(
        problem.code,
        problem.message,
        Span(source, span.start, span.end),
        problem.label,
        problem.help,
        problem.severity,
    )


def _of(node: Node, secret: bool) -> list[tuple[int, int]]:
    """Where the texts stand that are secret: all below a key that may name one."""
    match node:
        case Scalar(span=span):
            return [(span.start, span.end)] if secret else []
        case ListNode(items=items):
            return [place for item in items for place in _of(item, secret)]
        case MapNode(entries=entries):
            return [place for key, value in entries for place in _of(value, secret or _may_be(key.text.value))]


def _may_be(key: str) -> bool:
    return bool(_SECRET.search(key)) and not _FILE.search(key)
