"""A problem to the edits that an editor offers for it: its one safe answer, and a comment that allows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.diagnostics import Fix, Problem, Source, Span
from tocsin.editor.check import Checked
from tocsin.lint.api import RULES
from tocsin.pipeline.fix import Repair, is_safe


@dataclass(frozen=True, slots=True)
class Action:
    """An edit of the document, and what it answers; there is but one answer that is `preferred`."""

    title: str
    problem: Problem
    edit: Fix
    preferred: bool = False


def actions(checked: Checked, start: int, end: int) -> Iterator[Action]:
    """The edits for the problems between two offsets, those left out that would change anything else."""
    for problem in checked.problems:
        if problem.span.start <= end and start <= max(problem.span.end, problem.span.start + 1):
            found = [_answer(checked.source, problem), _allowance(checked.source, problem)]
            yield from (one for one in found if one and is_safe(Repair(checked.source, (one.edit,))))


def _answer(source: Source, problem: Problem) -> Action | None:
    if problem.fix is None or problem.fix.span.source.path != source.path:
        return None
    # What hides secrets from excerpts leaves them in the document.
    span = Span(source, problem.fix.span.start, problem.fix.span.end)
    new, old = problem.fix.replacement, span.text
    title = f"Replace `{_short(old)}` by `{_short(new)}`" if new.strip() else f"Remove `{_short(old)}`"
    return Action(title, problem, Fix(span, new), preferred=True)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else f"{line[:39]}…"


def _allowance(source: Source, problem: Problem) -> Action | None:
    """A comment in a line of its own, above the alert (or whatever else it is) that the problem is said of."""
    if problem.code not in RULES or source.path.endswith(".json"):
        return None
    whole = problem.about[0] if problem.about and problem.about[0].source.path == source.path else problem.span
    start = source.text.rfind("\n", 0, whole.start) + 1
    line = source.text[start:].partition("\n")[0]
    indent = line[: len(line) - len(line.lstrip(" "))]
    # The reason is the author's to give: until it is, the comment itself is reported, and allows nothing.
    comment = f"{indent}# tocsin: allow {problem.code} -- TODO: the reason\n"
    return Action(f"Allow {problem.code} here, with a reason", problem, Fix(Span(source, start, start), comment))
