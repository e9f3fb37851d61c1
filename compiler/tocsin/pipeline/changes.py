"""A revision to the lines of the work tree that have changed since, by asking git."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tocsin.diagnostics import Problem, ProblemError, Source, Span

_HUNK = re.compile(rb"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Changes:
    """The lines that have changed, by the real paths of files; None for a file that is new as a whole."""

    lines: Mapping[str, Collection[int] | None]

    def touch(self, problem: Problem) -> bool:
        """Whether a problem stands in a line that has changed, or is about something that holds one.

        What stands in no line at all, such as a file that cannot be read, is not known to be old.
        """
        spans = (problem.span, *problem.about)
        return not problem.span.source.text or problem.code.startswith("input/") or any(map(self._touches, spans))

    def __contains__(self, path: object) -> bool:
        return os.path.realpath(str(path)) in self.lines

    def _touches(self, span: Span) -> bool:
        path = os.path.realpath(span.source.path)
        lines = self.lines.get(path, ())
        return lines is None or any(line in lines for line in range(span.line, span.last_line + 1))


def changes_since(revision: str, paths: Iterable[Path], read: Iterable[str]) -> Changes:
    """What has changed in the files that were read since this branch left `revision`, committed or not.

    Raises ProblemError (`input/git`) where a path is in no repository, or the revision is not known there.
    """
    tops = {_top(path, revision): None for path in paths}
    files = {os.path.realpath(path) for path in read}
    lines: dict[str, Collection[int] | None] = {}
    for top in tops:
        base = _base(top, revision)
        inside = {path for path in files if path.startswith(os.path.join(top, ""))}
        old = {os.path.join(top, name) for name in _names(top, "ls-tree", "-r", "-z", "--name-only", base)}
        lines |= dict.fromkeys(inside - old)
        changed = {os.path.join(top, name) for name in _names(top, "diff", *_PLAIN, "--name-only", "-z", base)}
        lines |= {path: _lines(top, base, path) for path in sorted(inside & old & changed)}
    return Changes(lines)


_PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules")


def _lines(top: str, base: str, path: str) -> Collection[int]:
    """The changed lines of a file; where lines were taken out, the one before them."""
    name = os.path.relpath(path, top)
    patch = _git(top, "diff", *_PLAIN, "--unified=0", base, "--", f":(top,literal){name}")
    found: set[int] = set()
    for start, length in _HUNK.findall(b"\n".join(line for line in patch.split(b"\n") if line.startswith(b"@@ "))):
        first, count = int(start), int(length or 1)
        found.update(range(first, first + count) if count else [max(first, 1)])
    return found


def _names(top: str, *arguments: str) -> list[str]:
    return [os.fsdecode(name) for name in _git(top, *arguments).split(b"\0") if name]


def _top(path: Path, revision: str) -> str:
    """The repository that a path is in."""
    folder = path if path.is_dir() else path.parent
    try:
        return os.path.realpath(os.fsdecode(_git(str(folder), "rev-parse", "--show-toplevel").removesuffix(b"\n")))
    except subprocess.CalledProcessError as error:
        raise _fault(str(path), f"--changed-since {revision}: {_said(error)}") from None
    except OSError as error:
        raise _fault(str(path), f"--changed-since {revision}: cannot run git: {error.strerror}") from None


def _base(top: str, revision: str) -> str:
    """The commit where this branch left `revision`: what others have done there since is not ours."""
    try:
        if revision.startswith("-"):
            raise _fault(top, f"`{revision}` is not a revision")
        commit = _git(top, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    except (subprocess.CalledProcessError, ValueError):
        help = "in CI, fetch it first: the clone may be shallow"
        raise _fault(top, f"git knows no revision `{revision}` here", help) from None
    try:
        return _git(top, "merge-base", commit, "HEAD").decode().strip()
    except subprocess.CalledProcessError:  # unrelated, or the clone is too shallow to tell
        return commit


def _git(folder: str, *arguments: str) -> bytes:
    call = ["git", "-C", folder, *arguments]
    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_PAGER": ""}
    return subprocess.run(call, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout


def _said(error: subprocess.CalledProcessError) -> str:
    lines = os.fsdecode(error.stderr).strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else f"git failed with exit code {error.returncode}"


def _fault(path: str, message: str, help: str = "") -> ProblemError:
    return ProblemError(Problem("input/git", message, Source(path, "").span(), help=help))
