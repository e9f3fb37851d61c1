"""Alertmanager's configuration file to a routing, with a place for every problem.

What is refused is what `amtool check-config` refuses, but for the fields of single integrations and the templates,
neither of which changes who is told when.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from tocsin.diagnostics import Problem, ProblemError, Problems, Source
from tocsin.document import ListNode, MapNode, Node, parse_documents
from tocsin.registry import suggest
from tocsin.routing import Receiver, Route, Routing, TimeInterval
from tocsin.routingfile.fields import Faults, Fields, is_given, is_null
from tocsin.routingfile.general import read_global
from tocsin.routingfile.integrations import read_receiver
from tocsin.routingfile.intervals import read_interval
from tocsin.routingfile.release import Release
from tocsin.routingfile.routes import read_inhibit_rule, read_route
from tocsin.routingfile.secrets import blotted, moved
from tocsin.rules import Places

_KEYS = ("global", "route", "inhibit_rules", "receivers", "templates", "mute_time_intervals", "time_intervals")


def read_routing(source: Source, problems: Problems, release: Release = Release.CURRENT) -> Routing | None:
    """The routing of a configuration file; None, and errors in `problems`, where Alertmanager would refuse it.

    No problem shows a secret. Only the first document of the file counts.
    """
    found = Problems()
    root = None
    try:
        documents = parse_documents(source, found)
        root = documents[0] if documents else None
    except ProblemError as error:
        found.add(error.problem)
        shown = blotted(source, root)
        problems.extend(moved(problem, shown) for problem in found)
        return None
    return read_configuration(root, source, problems, release, found)


def is_routing(node: Node) -> bool:
    """Whether a document is meant as a configuration of Alertmanager."""
    if not isinstance(node, MapNode):
        return False
    marks = ("route", "inhibit_rules", "mute_time_intervals")
    return any(node.get(key) for key in marks) or isinstance(node.get("receivers"), ListNode)


def read_configuration(
    root: Node | None,
    source: Source,
    problems: Problems,
    release: Release = Release.CURRENT,
    known: Iterable[Problem] = (),
) -> Routing | None:
    """The routing of a document of `source`; `known` is what is already wrong with it."""
    found = Problems(known)
    shown = blotted(source, root)
    routing = None
    try:
        routing = _Reader(Faults(found, shown), release).file(root, source)
    except ProblemError as error:
        found.add(error.problem)
    problems.extend(moved(problem, shown) for problem in found)
    return None if found.errors else routing


class _Reader:
    def __init__(self, faults: Faults, release: Release) -> None:
        self._faults = faults
        self._release = release

    def file(self, node: Node | None, source: Source) -> Routing | None:
        if node is None or is_null(node):
            self._faults.add("missing", "the file has no `route`", source.span())
            return None
        fields = self._faults.mapping(node, _KEYS, "a configuration of Alertmanager")
        if fields is None:
            return None
        fields.texts("templates")
        rules = (read_inhibit_rule(item, self._release, self._faults) for item in fields.items("inhibit_rules"))
        inhibit_rules = tuple(rule for rule in rules if rule is not None)
        receivers = self._receivers(fields)
        intervals = self._time_intervals(fields)
        route = fields.get("route")
        if route is None:
            self._faults.add("missing", "the file has no `route`", fields.where("route"))
            return None
        root = read_route(route, self._release, self._faults)
        if root is None or not isinstance(route, MapNode):
            return None
        self._check_root(root, Fields(route, self._faults))
        self._check_names(route, receivers, intervals)
        return Routing(root, receivers, inhibit_rules, intervals, self._places(fields))

    def _places(self, fields: Fields) -> Places:
        """Where the sections stand, and where each receiver and time interval is named."""
        named = {
            f"{'receivers' if key == 'receivers' else 'time_intervals'}.{inner.text('name')}": inner.places()["name"]
            for key in ("receivers", "mute_time_intervals", "time_intervals")
            for item in fields.items(key)
            if isinstance(item, MapNode) and (inner := Fields(item, self._faults)).text("name")
        }
        return {**fields.places(), **named}

    def _receivers(self, fields: Fields) -> Mapping[str, Receiver]:
        given = fields.get("global")
        general = read_global(given, self._release, self._faults) if is_given(given) else None
        receivers: dict[str, Receiver] = {}
        for item in fields.items("receivers"):
            found = read_receiver(item, general, self._release, self._faults)
            if found and found[0] in receivers:
                self._faults.add("duplicate", f"receiver `{found[0]}` stands twice", item.span, "rename one of them")
            elif found:
                receivers[found[0]] = found[1]
        return receivers

    def _time_intervals(self, fields: Fields) -> Mapping[str, tuple[TimeInterval, ...]]:
        found: dict[str, tuple[TimeInterval, ...]] = {}
        for key in ("mute_time_intervals", "time_intervals"):
            for item in fields.items(key):
                inner = self._faults.mapping(item, ("name", "time_intervals"), f"an item of `{key}`")
                if inner is None:
                    continue
                name = inner.text("name")
                if not name:
                    self._faults.add("missing", f"an item of `{key}` needs a `name`", inner.where("name"))
                elif name in found:
                    self._faults.add("duplicate", f"time interval `{name}` stands twice", inner.where("name"))
                found[name] = tuple(read_interval(one, self._faults) for one in inner.items("time_intervals"))
        return found

    def _check_root(self, root: Route, fields: Fields) -> None:
        if not root.receiver:
            self._faults.add("missing", "the root route needs a `receiver`", fields.where("receiver"))
        forbidden = {
            "continue": root.continue_,
            "match": fields.pairs("match"),
            "match_re": fields.pairs("match_re"),
            "matchers": root.matchers and fields.scalars("matchers"),
            "mute_time_intervals": root.mute_time_intervals,
            "active_time_intervals": root.active_time_intervals,
        }
        for key, given in forbidden.items():
            if given:
                help = "it is for all alerts: put it into a route below"
                self._faults.add("root", f"the root route cannot have `{key}`", fields.where(key), help)

    def _check_names(self, node: Node, receivers: Collection[str], intervals: Collection[str]) -> None:
        """Whether what the routes name is defined."""
        for fields in _routes(node, self._faults):
            name = fields.text("receiver")
            if name and name not in receivers:
                where = fields.where("receiver")
                self._faults.add("undefined", f"receiver `{name}` is not defined", where, suggest(name, receivers))
            for key in ("active_time_intervals", "mute_time_intervals"):
                for item in fields.scalars(key):
                    name = item.text.value
                    if name not in intervals:
                        message = f"time interval `{name}` is not defined"
                        self._faults.add("undefined", message, item.span, suggest(name, intervals))


def _routes(node: Node, faults: Faults) -> Iterator[Fields]:
    """A route and all below it."""
    if isinstance(node, MapNode):
        fields = Fields(node, faults)
        yield fields
        for item in fields.items("routes"):
            yield from _routes(item, faults)
