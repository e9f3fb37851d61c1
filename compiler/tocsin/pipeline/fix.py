"""Problems with one safe answer to files that have it: as a diff, and then written."""

from __future__ import annotations

import os
import stat
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from tocsin.diagnostics import Fix, Problem, ProblemError, Problems, Source
from tocsin.document import ListNode, MapNode, Node, Scalar, parse_documents
from tocsin.targets import files
from tocsin.textfile import read_source


@dataclass(frozen=True, slots=True)
class Repair:
    """A file, and the answers that it is given, in their order."""

    source: Source
    fixes: tuple[Fix, ...]

    @property
    def text(self) -> str:
        """The text with the answers."""
        return _edited(self.source.text, ((fix.span.start, fix.span.end, fix.replacement) for fix in self.fixes))

    def diff(self) -> Iterator[str]:
        """The lines of a unified diff."""
        before, after = (text.splitlines(keepends=True) for text in (self.source.text, self.text))
        yield from unified_diff(before, after, self.source.path, self.source.path)

    def write(self) -> None:
        """Writes the file whole; its mode, its byte-order mark and its line breaks stay.

        Raises OSError, and ProblemError (`input/changed`) where it is not what was checked.
        """
        path = Path(os.path.realpath(self.source.path))
        if read_source(self.source.path) != self.source:
            message = "the file has changed since it was checked"
            raise ProblemError(Problem("input/changed", message, self.source.span(), help="run the command again"))
        raw = path.read_bytes().decode()
        start = raw.startswith("\ufeff")
        broken = [at - count for count, at in enumerate(_places(raw, "\r\n"))]  # as offsets of the source's text

        def offset(at: int) -> int:
            return start + at + bisect_left(broken, at + start)

        ends = "\r\n" if broken else "\n"
        edits = [(offset(f.span.start), offset(f.span.end), f.replacement.replace("\n", ends)) for f in self.fixes]
        files.replace(path, _edited(raw, edits), stat.S_IMODE(path.stat().st_mode))


def repairs(problems: Iterable[Problem]) -> Iterator[Repair]:
    """The files that answers change. Of answers that overlap only the first is given: the next run gives the others.

    An answer is refused where the file would then not mean the same but for the answer.
    """
    wanted: dict[Source, set[Fix]] = {}
    for problem in problems:
        if problem.fix and problem.fix.span.source.first_line == 1 and os.path.isfile(problem.fix.span.source.path):
            wanted.setdefault(problem.fix.span.source, set()).add(problem.fix)
    for source, fixes in sorted(wanted.items(), key=lambda item: item[0].path):
        apart = tuple(_apart(sorted(fixes, key=lambda fix: (fix.span.start, fix.span.end, fix.replacement))))
        whole = Repair(source, apart)
        chosen = whole if is_safe(whole) else Repair(source, tuple(_safe(source, apart)))
        if chosen.fixes:
            yield chosen


def _apart(fixes: Iterable[Fix]) -> Iterator[Fix]:
    end = -1
    for fix in fixes:
        if fix.span.start >= max(end, 0):
            yield fix
            end = fix.span.end


def _safe(source: Source, fixes: Iterable[Fix]) -> Iterator[Fix]:
    """The answers that are safe one by one, where they are not all together."""
    given: tuple[Fix, ...] = ()
    for fix in fixes:
        if is_safe(Repair(source, (*given, fix))):
            given = (*given, fix)
            yield fix


def is_safe(repair: Repair) -> bool:
    """Whether the file then holds the same but for what the answers are about."""
    faults = Problems()
    try:
        old = parse_documents(repair.source, Problems())
        new = parse_documents(Source(repair.source.path, repair.text), faults)
    except ProblemError:
        return False
    return len(old) == len(new) and all(_same(*pair, repair.fixes) for pair in zip(old, new, strict=True))


def _same(old: Node, new: Node, fixes: Sequence[Fix]) -> bool:
    match old, new:
        case Scalar(), Scalar():
            return _same_scalar(old, new, fixes)
        case ListNode(), ListNode():
            pairs = zip(old.items, new.items, strict=False)
            return len(old.items) == len(new.items) and all(_same(*pair, fixes) for pair in pairs)
        case MapNode(), MapNode():
            kept = [(key, value) for key, value in old.entries if not _removed(key, value, fixes)]
            entries = zip(kept, new.entries, strict=False)
            return len(kept) == len(new.entries) and all(
                _same(key, new_key, fixes) and _same(value, new_value, fixes)
                for (key, value), (new_key, new_value) in entries
            )
    return False


def _removed(key: Scalar, value: Node, fixes: Sequence[Fix]) -> bool:
    return any(
        not fix.replacement.strip() and fix.span.start <= key.span.start and value.span.end <= fix.span.end
        for fix in fixes
    )


def _same_scalar(old: Scalar, new: Scalar, fixes: Sequence[Fix]) -> bool:
    """Whether a value is the same, or is what the answers make of it, or is answered as a whole."""
    inside = [fix for fix in fixes if old.span.start <= fix.span.start and fix.span.end <= old.span.end]
    if not inside:
        return old.text.value == new.text.value
    if (inside[0].span.start, inside[0].span.end) == (old.span.start, old.span.end):
        return new.span.text == inside[0].replacement
    places = old.text.offsets
    edits = [(bisect_left(places, f.span.start), bisect_left(places, f.span.end), f.replacement) for f in inside]
    return new.text.value == _edited(old.text.value, edits)


def _edited(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """The text with pieces replaced, each by its start and end; they are in order and do not overlap."""
    pieces, at = [], 0
    for start, end, replacement in edits:
        pieces += [text[at:start], replacement]
        at = end
    return "".join([*pieces, text[at:]])


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + len(part))
