"""Repairs that change nothing of what a rule does, as edits of the file: for what has one safe answer."""

from __future__ import annotations

from tocsin.diagnostics import Fix, Span


def without_line(span: Span, key: str) -> Fix | None:
    """Removes the line that holds `key` and the value at `span`, where it holds nothing else."""
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end) + 1 or len(text)
    alone = text[start : span.start].strip() == f"{key}:" and not text[span.end : end].strip()
    return Fix(Span(span.source, start, end), "") if alone else None


def rewritten(span: Span, value: str) -> Fix | None:
    """Replaces a plain or quoted scalar of one line by another, in the same quotes."""
    text = span.text
    quote = text[:1] if text[:1] in ("'", '"') and len(text) > 1 and text[-1] == text[0] else ""
    if not text.strip() or "\n" in text or text[:1] in "|>&*!":
        return None
    return Fix(span, f"{quote}{value}{quote}")


def replaced_within(span: Span, old: str, new: str) -> Fix | None:
    """Replaces the one place of `old` in the text of a span; a text that stands there escaped is left alone."""
    if span.text.count(old) != 1:
        return None
    start = span.start + span.text.index(old)
    return Fix(Span(span.source, start, start + len(old)), new)
