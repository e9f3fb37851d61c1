"""Prometheus rule files and PrometheusRule resources to rule groups, and rule groups to a rule file.

What is refused is what Prometheus refuses (model/rulefmt), with a place for every problem.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from tocsin.diagnostics import Problem, ProblemError, Problems, Severity, Span
from tocsin.document import ListNode, MapNode, Node, Scalar, dump, dump_text
from tocsin.duration import format_duration, parse_duration
from tocsin.labels import NAME, is_plain_metric, is_plain_name
from tocsin.promql.check import check
from tocsin.promql.durations import resolve
from tocsin.promql.parse import parse
from tocsin.promql.print import pretty
from tocsin.registry import suggest
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup
from tocsin.spelling import renamed
from tocsin.templates.actions import syntax_fault

_GROUP_KEYS = ("name", "interval", "query_offset", "limit", "rules", "labels")
_RULE_KEYS = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")


def is_rule_file(node: Node) -> bool:
    """Whether a document is a rule file or a PrometheusRule resource."""
    if not isinstance(node, MapNode):
        return False
    kind = node.get("kind")
    return "groups" in _names(node) or (isinstance(kind, Scalar) and kind.text.value == "PrometheusRule")


def read_groups(node: Node, problems: Problems) -> tuple[RuleGroup, ...]:
    """The groups of a rule file or PrometheusRule; what is faulty is reported to `problems` and left out."""
    return _Reader(problems).file(node)


def _names(node: MapNode) -> list[str]:
    return [key.text.value for key, _ in node.entries]


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def _fault(self, name: str, message: str, span: Span, help: str = "") -> None:
        self._problems.add(Problem(f"rules/{name}", message, span, help=help))

    def file(self, node: Node) -> tuple[RuleGroup, ...]:
        if isinstance(node, MapNode) and (node.get("kind") or node.get("spec")):
            spec = node.get("spec")
            if spec is None:
                self._fault("missing", "a PrometheusRule needs a `spec`", node.span)
                return ()
            node = spec
        body = self._mapping(node, ("groups",), "a rule file")
        groups: dict[str, RuleGroup] = {}
        for item in self._items(body, "groups") if body else ():
            group = self._group(item)
            if group and group.name in groups:
                self._fault("duplicate-group", f"group `{group.name}` stands twice in this file", group.places["name"])
            elif group:
                groups[group.name] = group
        return tuple(groups.values())

    def _group(self, node: Node) -> RuleGroup | None:
        body = self._mapping(node, _GROUP_KEYS, "a group")
        if body is None:
            return None
        name = self._text(body, "name")
        if name is None or not name.text.value:
            self._fault("missing", "a group needs a `name`", (name or body).span)
            return None
        shared = self._strings(body, "labels", labels=True)
        rules = [self._rule(item, shared) for item in self._items(body, "rules")]
        return RuleGroup(
            name.text.value,
            tuple(rule for rule in rules if rule),
            self._duration(body, "interval"),
            self._duration(body, "query_offset"),
            self._limit(body),
            {"rule": body.span, "name": name.span} | dict(_spans(body)),
        )

    def _limit(self, body: MapNode) -> int:
        node = body.get("limit")
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return 0
        value = node.value if isinstance(node, Scalar) else None
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if type(whole) is not int or abs(whole) >= 2**63:
            self._fault(
                "limit", "expected a whole number of alerts or series", body.span if node is None else node.span
            )
            return 0
        if whole < 0 and node is not None:
            message = f"a limit of {whole} is none: Prometheus takes what is below 1 for no limit"
            help = "leave it out, or write the number of alerts or series that are too many"
            self._problems.add(Problem("rules/no-limit", message, node.span, "", help, Severity.WARNING))
        return whole

    def _rule(self, node: Node, shared: dict[str, str]) -> Rule | None:
        body = self._mapping(node, _RULE_KEYS, "a rule")
        if body is None:
            return None
        alert, record, expr = (self._text(body, key) for key in ("alert", "record", "expr"))
        if any(isinstance(body.get(key), ListNode | MapNode) for key in ("alert", "record", "expr")):
            return None
        # What is null is named `null` in Prometheus, which then has both.
        named = [body.get(key) for key in ("alert", "record")]
        given = [node for node in named if isinstance(node, Scalar) and node.text.value]
        if len(given) != 1 or given[0].value is None:
            self._fault("kind", "a rule has either `alert` or `record`", body.span)
            return None
        if expr is None or not expr.text.value.strip():
            self._fault("missing", "a rule needs an `expr`", (expr or body).span)
            return None
        places = {"rule": body.span} | dict(_spans(body))
        labels = shared | self._strings(body, "labels", labels=True)
        try:
            tree = resolve(parse(expr.text))
        except ProblemError as error:
            self._problems.add(error.problem)
            return None
        self._problems.extend(check(tree))
        if record is not None and given == [record]:
            return self._recording(body, RecordingRule(record.text.value, tree, labels, places))
        annotations = self._strings(body, "annotations", labels=False)
        self._templates(body)
        for_, keep = (self._duration(body, key) or 0 for key in ("for", "keep_firing_for"))
        assert alert is not None
        return AlertingRule(alert.text.value, tree, for_, keep, labels, annotations, places)

    def _templates(self, body: MapNode) -> None:
        """Reports the labels and annotations of an alert that are no templates, as Prometheus refuses them."""
        for node in (body.get("labels"), body.get("annotations")):
            for _, value in node.entries if isinstance(node, MapNode) else ():
                fault = syntax_fault(value.text.value) if isinstance(value, Scalar) else None
                if isinstance(value, Scalar) and fault:
                    self._fault("template", f"not a template: {fault.message}", value.text.at(fault.start, fault.end))

    def _recording(self, body: MapNode, rule: RecordingRule) -> RecordingRule:
        waits = [key for key in ("for", "keep_firing_for") if self._duration(body, key)]
        texts = ["annotations"] if self._strings(body, "annotations", labels=False) else []
        for key in waits + texts:
            self._fault("kind", f"a recording rule has no `{key}`", rule.places[key])
        if not is_plain_metric(rule.name):
            self._fault(
                "name",
                f"`{rule.name}` is not a metric name",
                rule.places["record"],
                "write letters, digits, `_` and `:`",
            )
        return rule

    def _mapping(self, node: Node, known: Collection[str], what: str) -> MapNode | None:
        if not isinstance(node, MapNode):
            if not (isinstance(node, Scalar) and node.value is None and what == "a rule file"):
                self._fault("shape", f"expected {what}: a mapping with `{'`, `'.join(known)}`", node.span)
            return None
        for key, _ in node.entries:
            if key.text.value not in known:
                message, help = f"{what} has no key `{key.text.value}`", suggest(key.text.value, known)
                fix = renamed(key, node, known)
                self._problems.add(Problem("rules/unknown-key", message, key.span, help=help, fix=fix))
        return node

    def _items(self, body: MapNode, key: str) -> Sequence[Node]:
        node = body.get(key)
        if isinstance(node, ListNode):
            return node.items
        if node is not None and not (isinstance(node, Scalar) and node.value is None):
            self._fault("shape", f"expected a list of {key}", node.span)
        return ()

    def _text(self, body: MapNode, key: str) -> Scalar | None:
        node = body.get(key)
        if node is not None and not isinstance(node, Scalar):
            self._fault("shape", f"expected text for `{key}`", node.span)
            return None
        return None if node is None or node.value is None else node

    def _duration(self, body: MapNode, key: str) -> int | None:
        node = self._text(body, key)
        if node is None:
            return None
        try:
            return parse_duration(node.text.value)
        except ValueError as error:
            self._fault("duration", f"`{node.text.value}` is not a duration: {error}", node.span)
            return None

    def _strings(self, body: MapNode, key: str, *, labels: bool) -> dict[str, str]:
        node = body.get(key)
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return {}
        if not isinstance(node, MapNode):
            self._fault("shape", f"expected names and texts under `{key}`", node.span)
            return {}
        found = {}
        for name, value in node.entries:
            if not is_plain_name(name.text.value) or (labels and name.text.value == NAME):
                self._fault("name", f"`{name.text.value}` is not a name that {key} can have", name.span)
            elif not isinstance(value, Scalar):
                self._fault("shape", f"expected text for `{name.text.value}`", value.span)
            else:
                found[name.text.value] = "" if value.value is None else value.text.value
        return found


def _spans(body: MapNode) -> Iterator[tuple[str, Span]]:
    """Where each value stands; a label or annotation as `labels.NAME`."""
    for key, value in body.entries:
        yield key.text.value, _shown(key, value)
        if isinstance(value, MapNode):
            yield from ((f"{key.text.value}.{name.text.value}", _shown(name, inner)) for name, inner in value.entries)


def _shown(key: Scalar, value: Node) -> Span:
    """The place of a value; one of no characters has none of its own, and is shown by its key."""
    return value.span if value.span.text.strip() else key.span


def print_groups(groups: Sequence[RuleGroup]) -> str:
    """Rule groups as the YAML of a rule file that Prometheus loads, with the comments of their rules."""
    return "groups:" + ("\n" + "".join(map(_group, groups)) if groups else " []\n")


def _group(group: RuleGroup) -> str:
    rules = "".join(map(_rule, group.rules))
    return f"{dump([_head(group)])}  rules:{chr(10) + rules if rules else ' []' + chr(10)}"


def _rule(rule: Rule) -> str:
    """A rule as `dump` would write it in the list of a group, below its comment."""
    comment = f"  # {rule.comment}\n" if isinstance(rule, RecordingRule) and rule.comment else ""
    lines = []
    for key, value in rule_data(rule).items():
        if isinstance(value, str):
            lines.append(f"{key}: {dump_text(value, 4)}")
        else:
            lines.append(f"{key}:")
            lines += (f"  {dump_text(name, 6)}: {dump_text(text, 6)}" for name, text in value.items())
    return f"{comment}  - {(chr(10) + '    ').join(lines)}\n"


def _head(group: RuleGroup) -> dict[str, Any]:
    data: dict[str, Any] = {"name": group.name}
    if group.interval is not None:
        data["interval"] = format_duration(group.interval)
    if group.query_offset is not None:
        data["query_offset"] = format_duration(group.query_offset)
    if group.limit:
        data["limit"] = group.limit
    return data


def rule_data(rule: Rule) -> dict[str, Any]:
    """A rule as the plain data of a rule file."""
    data: dict[str, Any] = {"alert" if isinstance(rule, AlertingRule) else "record": rule.name}
    data["expr"] = pretty(rule.expr)
    if isinstance(rule, RecordingRule):
        return data | ({"labels": dict(rule.labels)} if rule.labels else {})
    durations = {"for": rule.for_, "keep_firing_for": rule.keep_firing_for}
    data |= {key: format_duration(ms) for key, ms in durations.items() if ms}
    texts = {"labels": rule.labels, "annotations": rule.annotations}
    return data | {key: dict(value) for key, value in texts.items() if value}
