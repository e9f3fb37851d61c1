"""Paths to what they hold: specs, rule groups, Alertmanager's routing, and the settings for all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tocsin.diagnostics import Problem, ProblemError, Problems, Severity, Source
from tocsin.document import MapNode, parse_documents
from tocsin.pipeline.documents import Documents, has_value, read_documents
from tocsin.routingfile.release import Release
from tocsin.rules import RuleGroup
from tocsin.spec.settings import Settings, read_settings, without_secrets
from tocsin.textfile import read_source

if TYPE_CHECKING:
    from tocsin.routing import Routing
    from tocsin.spec.model import Spec

SETTINGS = "tocsin.yaml"

ReadFile: TypeAlias = Callable[[Path], Source]
"""A path to its text: what is on the disk, or what an editor has not saved yet. Raises ProblemError."""


@dataclass(slots=True)
class Inputs:
    """What the paths of a command hold: specs, rule groups of rule files, routings of Alertmanager's configurations,
    and the settings for all of them."""

    settings: Settings
    specs: list[Spec] = field(default_factory=list)
    groups: list[RuleGroup] = field(default_factory=list)
    routings: list[Routing] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    settings_path: Path | None = None


def read_inputs(
    paths: Sequence[Path],
    settings: Path | None,
    problems: Problems,
    release: Release = Release.CURRENT,
    read: ReadFile = read_source,
) -> Inputs:
    """Reads every file of the paths (folders are walked); what is faulty goes to `problems`.

    Configurations of Alertmanager are read as those of `release`.
    """
    file = _settings_path(paths, settings, problems)
    inputs = Inputs(_settings(file, problems, read) if file else Settings(), settings_path=file)
    for path in paths:
        if path.is_dir():
            files = [file for file in sorted(path.rglob("*")) if _is_candidate(file, path)]
            if not files:
                problems.add(_input("nothing", "no specs and no rule files in this folder", Source(str(path), "")))
            for candidate in files:
                _read_file(candidate, inputs, problems, release, read, explicit=False)
        elif path != file:
            _read_file(path, inputs, problems, release, read, explicit=True)
    if inputs.specs:
        from tocsin.spec.load import duplicate_names  # as where they were read

        problems.extend(duplicate_names(inputs.specs))
    return inputs


def _is_candidate(file: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return file.suffix in (".yaml", ".yml", ".json") and file.name != SETTINGS and not hidden and not file.is_dir()


def _input(name: str, message: str, source: Source, severity: Severity = Severity.ERROR, help: str = "") -> Problem:
    return Problem(f"input/{name}", message, source.span(), severity=severity, help=help)


def _settings_path(paths: Sequence[Path], given: Path | None, problems: Problems) -> Path | None:
    """The settings that were given, else the tocsin.yaml of the paths' folders or of the nearest folder above."""
    found = [given] if given else list(dict.fromkeys(filter(None, map(_nearest, paths))))
    if len(found) > 1:
        others = ", ".join(str(path) for path in found[1:])
        message = f"the paths have several {SETTINGS}: also {others}"
        problems.add(_input("settings", message, Source(str(found[0]), ""), help="give one with --settings"))
    return found[0] if found else None


def _settings(path: Path, problems: Problems, read: ReadFile) -> Settings:
    faults = Problems()
    settings = _read_settings(path, faults, read)
    problems.extend(without_secrets(problem) for problem in faults)
    return settings


def _read_settings(path: Path, problems: Problems, read: ReadFile) -> Settings:
    try:
        nodes = parse_documents(read(path), problems)
    except ProblemError as error:
        problems.add(error.problem)
        return Settings()
    return read_settings(nodes[0], problems) if nodes and has_value(nodes[0]) else Settings()


def _nearest(path: Path) -> Path | None:
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.resolve().parents):
        if (folder / SETTINGS).is_file():
            return folder / SETTINGS
    return None


_ABOUT_ALERTS = re.compile(r'"(?:groups|route|service|indicators|alerts|kind)"\s*:')
"""Keys of what tocsin reads. In a folder, JSON may be any data, and much of it."""


def _read_file(
    path: Path, inputs: Inputs, problems: Problems, release: Release, read: ReadFile, *, explicit: bool
) -> None:
    any_data = path.suffix == ".json" and not explicit
    try:
        source = read(path)
    except ProblemError as error:
        problems.extend([error.problem] if not any_data else [])
        return
    if any_data and not _ABOUT_ALERTS.search(source.text):
        return
    found = Problems()
    documents = read_documents(source, inputs.settings, found, release)
    if any_data and not documents.known:
        return
    problems.extend(found)
    inputs.sources.append(source)
    inputs.specs += documents.specs
    inputs.groups += documents.groups
    inputs.routings += documents.routings
    problems.extend(_beside(documents, source, explicit=explicit))


def _beside(documents: Documents, source: Source, *, explicit: bool) -> Iterator[Problem]:
    """What is said of a file, or of a document, that tocsin does not read."""
    if documents.empty:
        yield _input("empty", "the file holds nothing", source)
    for node in documents.unknown:
        severity = Severity.ERROR if explicit else Severity.WARNING
        keys = ", ".join(f"`{key.text.value}`" for key, _ in node.entries[:4]) if isinstance(node, MapNode) else ""
        message = "neither a spec (`service`), a rule file (`groups`) nor Alertmanager's configuration (`route`)"
        yield Problem(
            "input/unknown", f"{message}{f'; its keys are {keys}' if keys else ''}", node.span, severity=severity
        )
    if explicit and documents.others and not documents.known and not documents.unknown:
        kinds = ", ".join(f"`{kind}`" for kind in dict.fromkeys(documents.others))
        yield _input("nothing", f"nothing here is about alerts: it holds {kinds}", source, Severity.INFO)
