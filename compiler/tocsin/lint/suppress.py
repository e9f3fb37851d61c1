"""Comments that allow a finding: `# tocsin: allow noise/short-for until 2027-01-31 -- vendor probe is slow`.

A comment covers its own line, and the alert that it stands in or directly above. It needs a reason; past its date,
or where it allows nothing, it is reported itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tocsin.diagnostics import Fix, Problem, Severity, Source, Span
from tocsin.registry import suggest

_COMMENT = re.compile(r"(?:^|(?<=\s))#[ \t]*tocsin:(?P<body>[^\n]*)", re.MULTILINE)
_BODY = re.compile(r"\s*allow\s+(?P<rule>\S+)(?:\s+until\s+(?P<until>\S+))?(?:\s+--\s*(?P<reason>.*\S))?\s*")
_UNWRITTEN = re.compile(r"[\W_]*(?:(?:TODO|FIXME|XXX)(?![\w-]).*)?", re.IGNORECASE)
"""A reason that says nothing yet: `TODO: the reason`, which an editor's quick fix leaves to the author, or `...`."""
_FORM = "write `# tocsin: allow noise/RULE until 2027-01-31 -- the reason` (the date may be left out)"
FAULTS = ("lint/bad-allowance", "lint/expired-allowance", "lint/unused-allowance")
"""What may be wrong with a comment itself."""


@dataclass(frozen=True, slots=True)
class _Allowance:
    rule: str
    span: Span
    first: int
    last: int

    def covers(self, problem: Problem, whole: Span) -> bool:
        """Whether the problem, or the alert that it is about, stands where the comment does."""
        if problem.code != self.rule or problem.span.source.path != self.span.source.path:
            return False
        lines = range(problem.span.line, problem.span.last_line + 1)
        alert = range(whole.line, whole.last_line + 1) if whole.source.path == self.span.source.path else range(0)
        return any(line in lines or line in alert for line in (self.first, self.last))


def apply(
    found: Sequence[tuple[Problem, Span]],
    sources: Iterable[Source],
    rules: Collection[str],
    today: date,
    elsewhere: Collection[str] = (),
    ignored: Callable[[str, str], bool] = lambda _rule, _path: False,
) -> Iterator[Problem]:
    """What is left of the problems (each with the span of its alert), and what is wrong with the comments.

    Comments may allow what `rules` find, and what rules do that were not asked here, which are `elsewhere`.
    Of a rule that is `ignored` in the file at a path, nobody knows whether a comment is of use.
    """
    allowances: list[_Allowance] = []
    for source in sources:
        if "tocsin:" in source.text:
            for read in _comments(source, {*rules, *elsewhere}, today):
                if isinstance(read, Problem):
                    yield read
                else:
                    allowances.append(read)
    used: set[_Allowance] = set()
    for problem, whole in found:
        covering = [allowance for allowance in allowances if allowance.covers(problem, whole)]
        used.update(covering)
        if not covering:
            yield problem
    for allowance in allowances:
        asked = allowance.rule in rules and not ignored(allowance.rule, allowance.span.source.path)
        if asked and allowance not in used:
            message = f"nothing here is reported by `{allowance.rule}`"
            fault = _fault("unused-allowance", message, allowance.span, "remove the comment")
            yield replace(fault, fix=Fix(_comment_with_its_line(allowance.span), ""))


def _comments(source: Source, rules: Collection[str], today: date) -> Iterator[_Allowance | Problem]:
    for match in _COMMENT.finditer(source.text):
        span = source.span(match.start(), match.end())
        body = _BODY.fullmatch(match["body"])
        fault = _objection(body, span, rules, today)
        if fault or body is None:
            yield fault or _fault("bad-allowance", "this comment is not understood", span, _FORM)
        else:
            yield _Allowance(body["rule"], span, span.line, _covered_line(source, match))


def _objection(body: re.Match[str] | None, span: Span, rules: Collection[str], today: date) -> Problem | None:
    if body is None:
        return None
    if body["rule"] not in rules:
        help = suggest(body["rule"], rules)
        return _fault("bad-allowance", f"there is no rule `{body['rule']}`", span, help)
    if not body["reason"]:
        return _fault("bad-allowance", "an allowance needs a reason", span, _FORM)
    if _UNWRITTEN.fullmatch(body["reason"]):
        message = f"an allowance needs a reason, and `{body['reason']}` is none"
        return _fault("bad-allowance", message, span, "write after `--` why the alert is right as it is")
    if not body["until"]:
        return None
    try:
        until = date.fromisoformat(body["until"])
    except ValueError:
        return _fault("bad-allowance", f"`{body['until']}` is not a date", span, "write it as 2027-01-31")
    if until < today:
        message = f"this allowance ended on {until}"
        return _fault("expired-allowance", message, span, "repair the alert, or give a new date with a reason")
    return None


def _covered_line(source: Source, match: re.Match[str]) -> int:
    """The line that a comment is about: its own, or where it has that to itself, the next that is no comment."""
    line = source.position(match.start())[0]
    start = source.text.rfind("\n", 0, match.start()) + 1
    if source.text[start : match.start()].strip(" \t-"):
        return line
    rest = source.text[match.end() :].split("\n")[1:]
    skipped = next((i for i, text in enumerate(rest) if text.strip() and not text.strip().startswith("#")), 0)
    return line + 1 + skipped


def _comment_with_its_line(comment: Span) -> Span:
    """A comment with the white space before it, and with its line where nothing else stands there."""
    text = comment.source.text
    start = comment.start - (len(text[: comment.start]) - len(text[: comment.start].rstrip(" \t")))
    if start and text[start - 1] != "\n":
        return Span(comment.source, start, comment.end)
    return Span(comment.source, start, min(comment.end + 1, len(text)))


def _fault(name: str, message: str, span: Span, help: str) -> Problem:
    return Problem(f"lint/{name}", message, span, help=help, severity=Severity.ERROR)
