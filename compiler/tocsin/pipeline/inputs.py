"""Paths to what they hold: specs, rule groups, Alertmanager's routing, and the settings for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.diagnostics import Problem, ProblemError, Problems, Severity, Source
from tocsin.document import MapNode, Node, Scalar, parse_documents, read_source
from tocsin.routing import Routing
from tocsin.routingfile.read import is_routing, read_configuration
from tocsin.rulefile import is_rule_file, read_groups
from tocsin.rules import RuleGroup
from tocsin.spec.load import duplicate_names, is_spec, read_spec
from tocsin.spec.model import Spec
from tocsin.spec.settings import Settings, read_settings, without_secrets

SETTINGS = "tocsin.yaml"


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


def read_inputs(paths: Sequence[Path], settings: Path | None, problems: Problems) -> Inputs:
    """Reads every file of the paths (folders are walked); what is faulty goes to `problems`."""
    file = _settings_path(paths, settings, problems)
    inputs = Inputs(_settings(file, problems) if file else Settings(), settings_path=file)
    for path in paths:
        if path.is_dir():
            files = [file for file in sorted(path.rglob("*")) if _is_candidate(file, path)]
            if not files:
                problems.add(_input("nothing", "no specs and no rule files in this folder", Source(str(path), "")))
            for file in files:
                _read_file(file, inputs, problems, explicit=False)
        else:
            _read_file(path, inputs, problems, explicit=True)
    problems.extend(duplicate_names(inputs.specs))
    return inputs


def _is_candidate(file: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return file.suffix in (".yaml", ".yml") and file.name != SETTINGS and not hidden and not file.is_dir()


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


def _settings(path: Path, problems: Problems) -> Settings:
    faults = Problems()
    settings = _read_settings(path, faults)
    problems.extend(without_secrets(problem) for problem in faults)
    return settings


def _read_settings(path: Path, problems: Problems) -> Settings:
    try:
        nodes = parse_documents(read_source(path), problems)
    except ProblemError as error:
        problems.add(error.problem)
        return Settings()
    return read_settings(nodes[0], problems) if nodes and _has_value(nodes[0]) else Settings()


def _nearest(path: Path) -> Path | None:
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.resolve().parents):
        if (folder / SETTINGS).is_file():
            return folder / SETTINGS
    return None


def _has_value(node: Node) -> bool:
    return not (isinstance(node, Scalar) and node.value is None)


def _read_file(path: Path, inputs: Inputs, problems: Problems, *, explicit: bool) -> None:
    try:
        source = read_source(path)
        nodes = [node for node in parse_documents(source, problems) if _has_value(node)]
    except ProblemError as error:
        problems.add(error.problem)
        return
    inputs.sources.append(source)
    if not nodes:
        problems.add(_input("empty", "the file holds nothing", source))
    for node in nodes:
        _read_document(node, source, inputs, problems, explicit=explicit)


def _read_document(node: Node, source: Source, inputs: Inputs, problems: Problems, *, explicit: bool) -> None:
    """What a document is, is told by its content."""
    if is_rule_file(node):
        inputs.groups += read_groups(node, problems)
    elif is_spec(node):
        if spec := read_spec(node, source, inputs.settings, problems):
            inputs.specs.append(spec)
    elif is_routing(node):
        if routing := read_configuration(node, source, problems):
            inputs.routings.append(routing)
    else:
        severity = Severity.ERROR if explicit else Severity.WARNING
        keys = ", ".join(f"`{key.text.value}`" for key, _ in node.entries[:4]) if isinstance(node, MapNode) else ""
        message = (
            f"neither a spec (`service`, `alerts`) nor a rule file (`groups`){f'; its keys are {keys}' if keys else ''}"
        )
        problems.add(Problem("input/unknown", message, node.span, severity=severity))
