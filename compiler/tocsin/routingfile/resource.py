"""An AlertmanagerConfig resource to the routing that the Prometheus operator makes of it, with the resource's places.

The resource is respelled as a configuration of Alertmanager (`groupBy` as `group_by`, matchers as texts), each part
where it was written, and read as one. The operator (pkg/alertmanager/amcfg.go) then keeps it to its namespace: its
route and both sides of its inhibition rules match `namespace`, and its route continues, for others come after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from tocsin.diagnostics import Problem, Problems, Source, Span, Text
from tocsin.document import ListNode, MapNode, Node, Scalar
from tocsin.labels import is_plain_name, quote
from tocsin.promql.ast import Matcher
from tocsin.routing import InhibitRule, Receiver, Route, Routing
from tocsin.routingfile.fields import Faults, Fields
from tocsin.routingfile.integrations import SEND_RESOLVED
from tocsin.routingfile.read import read_configuration
from tocsin.routingfile.secrets import blotted, moved

_BASE = "(the receiver of the Alertmanager resource)"
"""The root is not in the resource, but what reads configurations wants one, with a receiver."""


def read_resource(node: MapNode, source: Source, problems: Problems) -> Routing | None:
    """The routing of an AlertmanagerConfig; None, and errors in `problems`, where the operator would refuse it.

    The root's receiver is empty: it is that of alerts which the resource is not about.
    """
    found, native = Problems(), Problems()
    shown = blotted(source, node)
    respelling = _Respelling(Faults(found, shown))
    configuration = respelling.resource(node)
    routing = read_configuration(configuration, source, native) if configuration else None
    found.extend(map(_camel, native))
    problems.extend(moved(problem, shown) for problem in found)
    if routing is None or found.errors:
        return None
    namespace = _inner_text(node.get("metadata"), "namespace")
    matcher = (Matcher("namespace", "=", namespace),) if namespace else ()
    routes = tuple(_kept(route, matcher) for route in routing.root.routes)
    rules = tuple(_kept_rule(rule, matcher) for rule in routing.inhibit_rules)
    return replace(routing, root=Route("", routes=routes), receivers=respelling.receivers, inhibit_rules=rules)


def _kept(route: Route, namespace: tuple[Matcher, ...]) -> Route:
    return replace(route, matchers=route.matchers + namespace, continue_=True)


def _kept_rule(rule: InhibitRule, namespace: tuple[Matcher, ...]) -> InhibitRule:
    return replace(rule, source=rule.source + namespace, target=rule.target + namespace)


Respell: TypeAlias = Callable[[Node], Node]
Shape: TypeAlias = Mapping[str, tuple[str, Respell]]
"""For each key its name in Alertmanager's own configuration, and what becomes of its value."""


def _same(node: Node) -> Node:
    return node


def _each(respell: Respell) -> Respell:
    def items(node: Node) -> Node:
        return ListNode(tuple(map(respell, node.items)), node.span) if isinstance(node, ListNode) else node

    return items


class _Respelling:
    def __init__(self, faults: Faults) -> None:
        self.receivers: dict[str, Receiver] = {}
        self._faults = faults
        times: Shape = {"startTime": ("start_time", _same), "endTime": ("end_time", _same)}
        interval: Shape = {
            "times": ("times", _each(self._as("a range of times", times))),
            "daysOfMonth": ("days_of_month", _each(self._days)),
            **{key: (key, _same) for key in ("weekdays", "months", "years")},
        }
        intervals = _each(self._as("a time interval", interval))
        self._interval: Shape = {"name": ("name", _same), "timeIntervals": ("time_intervals", intervals)}
        self._inhibition: Shape = {
            "sourceMatch": ("source_matchers", _each(self._matcher)),
            "targetMatch": ("target_matchers", _each(self._matcher)),
            "equal": ("equal", _same),
        }
        self._routing: Shape = {
            **{key: (_snake(key), _same) for key in _ROUTE},
            "matchers": ("matchers", _each(self._matcher)),
            "routes": ("routes", _each(self._route)),
        }

    def resource(self, node: MapNode) -> MapNode | None:
        """The configuration, with a root above the resource's route."""
        spec = node.get("spec")
        if spec is None:
            self._faults.add("missing", "an AlertmanagerConfig needs a `spec`", node.span)
            return None
        named = "muteTimeIntervals" if _inner_text(node, "apiVersion").endswith("v1alpha1") else "timeIntervals"
        shape: Shape = {
            "route": ("route", self._route),
            "receivers": ("receivers", _each(self._receiver)),
            "inhibitRules": ("inhibit_rules", _each(self._as("an inhibition rule", self._inhibition))),
            named: ("time_intervals", _each(self._as(f"an item of `{named}`", self._interval))),
        }
        body = self._as("the `spec` of an AlertmanagerConfig", shape)(spec)
        if not isinstance(body, MapNode):
            return None
        parts = {key.text.value: (key, value) for key, value in body.entries}
        top = body.get("route")
        if isinstance(top, MapNode) and not _inner_text(top, "receiver"):
            self._faults.add("missing", "the route of an AlertmanagerConfig needs a `receiver`", top.span)
        base = _scalar(_BASE, node.span)
        root = _mapping(
            {"receiver": base} | ({"routes": ListNode((top,), top.span)} if top else {}), (top or node).span
        )
        given = body.get("receivers")
        receivers = given.items if isinstance(given, ListNode) else ()
        where = given.span if given else node.span
        if given is None or isinstance(given, ListNode):
            parts["receivers"] = (
                _scalar("receivers", where),
                ListNode((_mapping({"name": base}, where), *receivers), where),
            )
        parts["route"] = (_scalar("route", root.span), root)
        return MapNode(tuple(parts.values()), body.span)

    def _as(self, what: str, shape: Shape) -> Respell:
        def respell(node: Node) -> Node:
            if not isinstance(node, MapNode):
                return node
            self._faults.mapping(node, list(shape), what)
            known = [(key, value) for key, value in node.entries if key.text.value in shape]
            entries = (
                (_scalar(shape[key.text.value][0], key.span), shape[key.text.value][1](value)) for key, value in known
            )
            return MapNode(tuple(entries), node.span)

        return respell

    def _route(self, node: Node) -> Node:
        return self._as("a route", self._routing)(node)

    def _matcher(self, node: Node) -> Node:
        """`{name: a, matchType: "=~", value: b}` as the text `a=~"b"`."""
        fields = self._faults.mapping(node, ("name", "value", "matchType", "regex"), "a matcher")
        if fields is None:
            return _scalar("{}", node.span)
        name, op = self._text(fields, "name"), fields.text("matchType") or ("=~" if fields.flag("regex") else "=")
        if not name or op not in ("=", "!=", "=~", "!~"):
            message = "a matcher needs a `name`" if not name else f"`{op}` is no `matchType`"
            self._faults.add(
                "matcher", message, fields.where("name" if not name else "matchType"), "write `=`, `!=`, `=~` or `!~`"
            )
            return _scalar("{}", node.span)
        written = f"{name if is_plain_name(name) else quote(name)}{op}{quote(self._text(fields, 'value'))}"
        return _scalar(written, fields.where("value"))

    def _text(self, fields: Fields, key: str) -> str:
        """A text that the API server takes for one: `value: 5` is a number."""
        node = fields.get(key)
        if isinstance(node, Scalar) and not isinstance(node.value, str):
            shown = node.text.value
            self._faults.add(
                "shape", f"`{key}` is a text, and `{shown}` is none", node.span, f"write `{key}: {quote(shown)}`"
            )
        return fields.text(key)

    def _days(self, node: Node) -> Node:
        fields = self._faults.mapping(node, ("start", "end"), "a range of days")
        if fields is None:
            return _scalar("1", node.span)
        start = fields.text("start")
        return _scalar(f"{start}:{fields.text('end') or start}", node.span)

    def _receiver(self, node: Node) -> Node:
        """The receiver's name; what it does is kept as far as it says whether it tells of resolved alerts."""
        fields = self._faults.mapping(node, ("name", *_INTEGRATIONS), "a receiver")
        if fields is None:
            return node
        kept = {key: list(self._integrations(fields, name)) for name, key in _INTEGRATIONS.items()}
        name = fields.text("name")
        self.receivers[name] = {key: integrations for key, integrations in kept.items() if integrations}
        return _mapping({"name": fields.get("name") or _scalar("", fields.span)}, fields.span)

    def _integrations(self, fields: Fields, key: str) -> Iterator[dict[str, Any]]:
        for item in fields.items(key):
            if not isinstance(item, MapNode):
                self._faults.add("shape", f"an item of `{key}` is no mapping", item.span)
                continue
            sends = Fields(item, self._faults).flag("sendResolved")
            yield {} if sends is None else {"send_resolved": sends}


_ROUTE = (
    *("receiver", "groupBy", "groupWait", "groupInterval", "repeatInterval", "continue"),
    *("muteTimeIntervals", "activeTimeIntervals"),
)
_INTEGRATIONS = {key.replace("_configs", "Configs"): key for key in SEND_RESOLVED}


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda match: "_" + match[1].lower(), name)


_NAMES = {_snake(name): name for name in (*_ROUTE, "daysOfMonth", "startTime", "endTime", "timeIntervals")}
_NAMES |= {"source_matchers": "sourceMatch", "target_matchers": "targetMatch"}


def _camel(problem: Problem) -> Problem:
    """The problem in the words of the resource."""

    def spell(text: str) -> str:
        return re.sub(r"`(\w+)`", lambda match: f"`{_NAMES.get(match[1], match[1])}`", text)

    return replace(problem, message=spell(problem.message), help=spell(problem.help))


def _scalar(text: str, span: Span) -> Scalar:
    """A text that is not written as such, at the place of what means it."""
    return Scalar(Text(text, span, [span.start] * len(text)), text)


def _mapping(values: Mapping[str, Node], span: Span) -> MapNode:
    return MapNode(tuple((_scalar(key, span), value) for key, value in values.items()), span)


def _inner_text(node: Node | None, key: str) -> str:
    value = node.get(key) if isinstance(node, MapNode) else None
    return value.text.value if isinstance(value, Scalar) and value.value is not None else ""
