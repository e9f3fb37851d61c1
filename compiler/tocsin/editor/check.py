"""The text of a document, saved or not, to what `tocsin check` says of it, and that as an editor's diagnostics."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lsprotocol.types import Diagnostic, DiagnosticSeverity

from tocsin.diagnostics import Problem, ProblemError, Problems, Severity, Source, printable
from tocsin.editor.positions import Positions
from tocsin.pipeline import compile as compiling
from tocsin.pipeline.inputs import SETTINGS, Inputs
from tocsin.plan.emit import Compiled
from tocsin.spec.settings import Settings, without_secrets
from tocsin.textfile import decoded, read_source

TOOL = "tocsin"

_SEVERITIES = {
    Severity.ERROR: DiagnosticSeverity.Error,
    Severity.WARNING: DiagnosticSeverity.Warning,
    Severity.INFO: DiagnosticSeverity.Information,
}
_NOT_OURS = ("input/empty", "input/nothing", "input/unknown")
"""What is said of a file that is not about alerts: an editor asks of every YAML file, and only wants a hint then."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A text with its problems, and what it compiles to with the settings nearest to it."""

    source: Source
    problems: tuple[Problem, ...]
    inputs: Inputs
    compiled: Sequence[Compiled] = ()

    def at(self, offset: int) -> list[Problem]:
        """The problems of the character at an offset; of a place without characters, those there."""
        return [one for one in self.problems if one.span.start <= offset < max(one.span.end, one.span.start + 1)]


def unsaved(path: Path, text: str) -> Source:
    """A text in an editor as it is read when it is saved. Raises ProblemError where it then could not be read."""
    data = text.encode("utf-8", "surrogatepass")
    return decoded(path, data, len(data))


def check_text(path: Path, texts: Mapping[str, str], today: date) -> Checked:
    """What `tocsin check PATH` says of that file; `texts` are those in the editor, by real path, instead of the disk's.

    Problems of the settings are told where the settings are. Whatever goes wrong is a problem of the document, too.
    """

    def read(file: Path) -> Source:
        text = texts.get(os.path.realpath(file))
        return read_source(file) if text is None else unsaved(file, text)

    source, problems = Source(str(path), ""), Problems()
    inputs, compiled = Inputs(Settings()), list[Compiled]()
    try:
        source = read(path)
        settings = path if path.name == SETTINGS else None  # it may not have been saved yet
        inputs, compiled = compiling.check([path], settings, problems, today, read=read)
    except ProblemError as error:
        problems.add(error.problem)
    except Exception as error:  # an editor's user cannot do without the server until we have repaired it
        message = f"the check of this text failed ({type(error).__name__}): a fault of tocsin, please report it"
        problems.add(Problem("editor/failed", message, source.span()))
    found = (one for one in problems if one.span.source.path == source.path)
    if inputs.settings_path == path:
        found = (without_secrets(one) for one in found)
    return Checked(source, tuple(found), inputs, compiled)


def diagnostics(checked: Checked, positions: Positions) -> list[Diagnostic]:
    """The problems as an editor underlines them."""
    return [
        Diagnostic(
            positions.range(problem.span.start, problem.span.end),
            _message(problem),
            DiagnosticSeverity.Hint if problem.code in _NOT_OURS else _SEVERITIES[problem.severity],
            problem.code,
            source=TOOL,
        )
        for problem in checked.problems
    ]


def _message(problem: Problem) -> str:
    said = (problem.message, problem.label, problem.help and f"help: {problem.help}")
    return "\n".join(printable(text) for text in said if text)
