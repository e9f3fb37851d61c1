"""One file to what its documents are, told by their content: specs, rule groups, routings, and resources with those."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tocsin.diagnostics import Problem, ProblemError, Problems, Severity, Source
from tocsin.document import ListNode, MapNode, Node, Scalar, parse_documents, parse_within
from tocsin.routingfile.release import Release
from tocsin.rulefile import is_rule_file, read_groups
from tocsin.rules import RuleGroup
from tocsin.spec.settings import Settings

if TYPE_CHECKING:
    from tocsin.routing import Routing
    from tocsin.spec.model import Spec


@dataclass(slots=True)
class Documents:
    """What a file holds. `known` is whether any of it is read, however faulty; `unknown` are the documents that are
    nothing of these, `others` the kinds of the resources that have nothing to do with alerts."""

    specs: list[Spec] = field(default_factory=list)
    groups: list[RuleGroup] = field(default_factory=list)
    routings: list[Routing] = field(default_factory=list)
    unknown: list[Node] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    empty: bool = False
    known: bool = False


def read_documents(source: Source, settings: Settings, problems: Problems, release: Release) -> Documents:
    """The documents of a file; what is faulty goes to `problems`, and an excerpt of it never shows a secret."""
    found = Problems()
    reader = _Reader(source, settings, found, release)
    try:
        reader.stream(parse_documents(source, found))
    except ProblemError as error:
        found.add(_with_hint(error.problem))
    problems.extend(_without_secrets(source, found) if _MAY_HOLD_SECRETS.search(source.text) else found)
    return reader.documents


def _without_secrets(source: Source, found: Problems) -> Iterator[Problem]:
    from tocsin.routingfile.secrets import blotted, moved

    hide = blotted(source, None)
    return (moved(problem, hide) if hide and problem.code.startswith("yaml/") else problem for problem in found)


_MAY_HOLD_SECRETS = re.compile(r"""(?m)^[\s\-{]*["']?(?:receivers["']?\s*:|kind["']?\s*:\s*["']?Secret)""")
_TEMPLATED = re.compile(r"\{\{-?\s*(?:\.Values|\.Release|include|if|range|with|template|define|end)\b")


def _with_hint(problem: Problem) -> Problem:
    if problem.code == "yaml/syntax" and _TEMPLATED.search(problem.span.source.text):
        return replace(problem, help="this looks like a template of Helm: check what `helm template` makes of it")
    return problem


_TEXTS = {"ConfigMap": ("data",), "Secret": ("stringData",)}
"""Where resources hold whole files as texts. The `data` of a Secret is base64, which has no places."""

_EMBEDDED = re.compile(r"(?m)^(?:groups|route|receivers)[ \t]*:")


class _Reader:
    def __init__(self, source: Source, settings: Settings, problems: Problems, release: Release) -> None:
        self.documents = Documents()
        self._source = source
        self._settings = settings
        self._problems = problems
        self._release = release

    def stream(self, nodes: tuple[Node, ...]) -> None:
        self.documents.empty = not any(map(has_value, nodes))
        for index, node in enumerate(nodes):
            if has_value(node):
                self._document(node, first=index == 0)

    def _document(self, node: Node, *, first: bool) -> None:
        kind = _kind(node)
        if kind:
            assert isinstance(node, MapNode)
            self._resource(node, kind)
        elif is_rule_file(node):
            self.documents.known = True
            self._rule_file(node, first=first)
        else:
            self._spec_or_routing(node)

    def _spec_or_routing(self, node: Node) -> None:
        from tocsin.routingfile.read import is_routing, read_configuration  # rule files need not wait for these
        from tocsin.spec.load import is_spec, read_spec

        if is_spec(node):
            self.documents.known = True
            if spec := read_spec(node, self._source, self._settings, self._problems):
                self.documents.specs.append(spec)
        elif is_routing(node):
            self.documents.known = True
            if routing := read_configuration(node, self._source, self._problems, self._release):
                self.documents.routings.append(routing)
        else:
            self.documents.unknown.append(node)

    def _rule_file(self, node: Node, *, first: bool) -> None:
        self.documents.groups += read_groups(node, self._problems)
        if not first:
            message = "Prometheus reads only the first document of a rule file, and this is a later one"
            help = "put its groups into the first document, or into a file of their own"
            span = node.span.source.span(node.span.start)
            self._problems.add(Problem("rules/second-document", message, span, "", help, Severity.WARNING))

    def _resource(self, node: MapNode, kind: str) -> None:
        """A resource of Kubernetes, or a list of such."""
        items = node.get("items")
        self.documents.known |= kind in ("PrometheusRule", "AlertmanagerConfig")
        if kind == "PrometheusRule":
            self.documents.groups += read_groups(node, self._problems)
        elif kind == "AlertmanagerConfig":
            from tocsin.routingfile.resource import read_resource

            if routing := read_resource(node, self._source, self._problems):
                self.documents.routings.append(routing)
        elif kind.endswith("List") and isinstance(items, ListNode):
            for item in items.items:
                if inner := _kind(item) or kind.removesuffix("List"):
                    assert isinstance(item, MapNode)
                    self._resource(item, inner)
        elif not self._embedded(node, kind):
            self.documents.others.append(kind)

    def _embedded(self, node: MapNode, kind: str) -> bool:
        """Reads the rule files and configurations that a resource holds as texts. Whether there are any."""
        from tocsin.routingfile.read import is_routing

        known = False
        for text in _texts(node, kind):
            if not _EMBEDDED.search(text.text.value):
                continue
            for index, inner in enumerate(parse_within(text.text, self._problems)):
                # Grafana's files have groups, too, and a version of their own.
                versioned = isinstance(inner, MapNode) and inner.get("apiVersion") is not None
                if not versioned and (is_rule_file(inner) or is_routing(inner)):
                    known = True
                    self._document(inner, first=index == 0)
        return known


def _texts(node: MapNode, kind: str) -> Iterator[Scalar]:
    for key in _TEXTS.get(kind, ()):
        body = node.get(key)
        for _, value in body.entries if isinstance(body, MapNode) else ():
            if isinstance(value, Scalar):
                yield value


def _kind(node: Node) -> str:
    """The kind of a resource of Kubernetes; nothing where a document is none."""
    if not isinstance(node, MapNode):
        return ""
    version, kind = node.get("apiVersion"), node.get("kind")
    found = isinstance(kind, Scalar) and (version is not None or kind.text.value == "PrometheusRule")
    return kind.text.value if isinstance(kind, Scalar) and found else ""


def has_value(node: Node) -> bool:
    """Whether something is written in a document."""
    return not (isinstance(node, Scalar) and node.value is None)
