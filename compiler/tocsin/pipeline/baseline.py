"""Known problems to a file, and from it: what a team lives with for now, so that only new problems fail."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from tocsin.diagnostics import Problem, ProblemError, Problems, Severity, Span
from tocsin.document import ListNode, MapNode, Node, Scalar, parse_documents
from tocsin.report.identity import Identity, identity
from tocsin.targets import files
from tocsin.textfile import read_source

VERSION = 1
_KEYS = tuple(field.name for field in fields(Identity))


@dataclass(frozen=True, slots=True)
class Entry:
    """A problem that is known, how many there are of it, and where the baseline says so."""

    known: Identity
    count: int
    span: Span


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of a baseline; the paths in it are as seen from its folder."""

    path: Path
    entries: tuple[Entry, ...]

    @property
    def folder(self) -> str:
        return os.path.dirname(os.path.abspath(self.path))

    def new(
        self, problems: Iterable[Problem], read: Collection[str], asked: Callable[[str, str], bool]
    ) -> Iterator[Problem]:
        """The problems that are not known, and a note for each entry whose problem is gone.

        `read` are the files that were checked, and a rule was `asked` of a path: what is known of others may still be
        there. Inputs that cannot be read are never known.
        """
        left = Counter({entry.known: 0 for entry in self.entries})
        for entry in self.entries:
            left[entry.known] += entry.count
        for problem in problems:
            known = identity(problem, self.folder)
            if left[known] > 0 and not problem.code.startswith("input/"):
                left[known] -= 1
            else:
                yield problem
        checked = {os.path.realpath(path) for path in read}
        for entry in self.entries:
            path = os.path.join(self.folder, entry.known.path)
            gone = os.path.realpath(path) in checked or not os.path.exists(path)
            if left[entry.known] and gone and asked(entry.known.code, path):
                yield _stale(entry, left[entry.known])


def _stale(entry: Entry, gone: int) -> Problem:
    known = entry.known
    times = f", {gone} of {entry.count} times" if entry.count > 1 else ""
    message = f"`{known.code}` in {known.path} is gone{times}: `{known.line or known.message}`"
    help = "write the baseline anew with --write-baseline"
    return Problem("lint/stale-baseline", message, entry.span, help=help, severity=Severity.INFO)


def write_baseline(path: Path, problems: Iterable[Problem]) -> None:
    """Writes what is known from now on, in an order that does not change with the order of lines. Raises OSError."""
    folder = os.path.dirname(os.path.abspath(path))
    counts = Counter(identity(problem, folder) for problem in problems if not problem.code.startswith("input/"))
    entries = [{**{key: getattr(one, key) for key in _KEYS}, "count": counts[one]} for one in sorted(counts)]
    lines = ",\n".join(f"    {json.dumps(entry, ensure_ascii=False)}" for entry in entries)
    listed = f"[\n{lines}\n  ]" if entries else "[]"
    files.replace(path, f'{{\n  "version": {VERSION},\n  "problems": {listed}\n}}\n')


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file. Raises ProblemError (`input/...`)."""
    source = read_source(path)
    try:
        documents = parse_documents(source, Problems())  # JSON is YAML, and so has places
    except ProblemError as error:
        raise _fault(f"this is no baseline: {error.problem.message}", error.problem.span) from None
    root = documents[0] if documents else None
    listed = root.get("problems") if isinstance(root, MapNode) else None
    version = root.get("version") if isinstance(root, MapNode) else None
    if not isinstance(listed, ListNode) or not isinstance(version, Scalar):
        raise _fault("expected a baseline, with `version` and `problems`", root.span if root else source.span())
    if version.value != VERSION:
        raise _fault(f"this baseline has version {version.text.value}, expected {VERSION}", version.span)
    return Baseline(path, tuple(_entry(item) for item in listed.items))


def _entry(node: Node) -> Entry:
    found = {key.text.value: value for key, value in node.entries} if isinstance(node, MapNode) else {}
    values = [value.text.value for key in _KEYS if isinstance(value := found.get(key), Scalar)]
    count = found.get("count")
    if len(values) < len(_KEYS) or not isinstance(count, Scalar) or type(count.value) is not int or count.value < 1:
        raise _fault(f"expected a known problem, with {', '.join(f'`{key}`' for key in _KEYS)} and `count`", node.span)
    return Entry(Identity(*values), count.value, node.span)


def _fault(message: str, span: Span) -> ProblemError:
    return ProblemError(Problem("input/baseline", message, span, help="write it anew with --write-baseline"))
