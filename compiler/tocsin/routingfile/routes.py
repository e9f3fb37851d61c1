"""The routing tree and the inhibition rules of a configuration file."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.diagnostics import ProblemError
from tocsin.document import Node, Scalar
from tocsin.labels import is_plain_name
from tocsin.promql.ast import Matcher
from tocsin.routing import ALL_LABELS, InhibitRule, Route
from tocsin.routingfile.fields import Faults, Fields, content, is_null
from tocsin.routingfile.matchers import checked, read_matchers
from tocsin.routingfile.release import Release

_KEYS = (
    *("receiver", "group_by", "match", "match_re", "matchers", "mute_time_intervals", "active_time_intervals"),
    *("continue", "routes", "group_wait", "group_interval", "repeat_interval"),
)
_SIDE = ("match", "match_re", "matchers")


def read_route(node: Node, release: Release, faults: Faults) -> Route | None:
    """A route with those below it."""
    fields = faults.mapping(node, _KEYS, "a route")
    if fields is None:
        return None
    below = [read_route(item, release, faults) for item in fields.items("routes")]
    return Route(
        fields.text("receiver"),
        tuple(_matchers(fields, "", release)),
        _group_by(fields, release),
        fields.duration("group_wait"),
        _not_zero(fields, "group_interval"),
        _not_zero(fields, "repeat_interval"),
        tuple(route for route in below if route is not None),
        bool(fields.flag("continue")),
        fields.texts("mute_time_intervals"),
        fields.texts("active_time_intervals"),
        fields.places(),
    )


def read_inhibit_rule(node: Node, release: Release, faults: Faults) -> InhibitRule | None:
    """An inhibition rule; a null is none."""
    sides = tuple(f"{side}_{key}" for side in ("source", "target") for key in _SIDE)
    name = ("name",) if release is Release.CURRENT else ()
    fields = None if is_null(node) else faults.mapping(node, (*sides, "equal", *name), "an inhibition rule")
    if fields is None:
        return None
    equal = fields.scalars("equal")
    for item in equal:
        if item.value is None and release is Release.OLD:
            continue  # it becomes a label that no alert has
        _check_name(item, release, faults, "`equal`")
    source, target = (tuple(_matchers(fields, f"{side}_", release)) for side in ("source", "target"))
    return InhibitRule(source, target, tuple(dict.fromkeys(content(item) for item in equal)), fields.places())


def _matchers(fields: Fields, side: str, release: Release) -> Iterator[Matcher]:
    """The matchers of a route or of one side of an inhibition rule, as written in any of three ways."""
    for name, value in fields.pairs(f"{side}match"):
        _check_plain(name, fields.faults)
        yield Matcher(name.text.value, "=", content(value))
    for name, value in fields.pairs(f"{side}match_re"):
        _check_plain(name, fields.faults)
        if value.value is None:
            fields.faults.add("regex", f"`{name.text.value}` has no regular expression", value.span)
            continue
        yield from _tried(Matcher(name.text.value, "=~", content(value)), value, fields.faults)
    for item in fields.scalars(f"{side}matchers"):
        try:
            yield from read_matchers(item.text, release) if item.value is not None else ()
        except ProblemError as error:
            fields.faults.problems.add(error.problem)


def _tried(matcher: Matcher, value: Scalar, faults: Faults) -> Iterator[Matcher]:
    try:
        yield checked(matcher, value.text, 0, len(value.text.value))
    except ProblemError as error:
        faults.problems.add(error.problem)


def _check_plain(name: Scalar, faults: Faults) -> None:
    if not is_plain_name(name.text.value):
        help = "write letters, digits and `_`; `matchers` can have any name in quotes"
        faults.add("label-name", f"`{name.text.value}` is not a label name", name.span, help)


def _check_name(item: Scalar, release: Release, faults: Faults, what: str) -> None:
    name = content(item)
    if not (is_plain_name(name) if release is Release.OLD else name):
        help = "write letters, digits and `_`" if name else "remove it"
        faults.add("label-name", f"`{name}` in {what} is not a label name", item.span, help)


def _group_by(fields: Fields, release: Release) -> tuple[str, ...] | None:
    if fields.get("group_by") is None:
        return None
    items = fields.scalars("group_by")
    names: dict[str, Scalar] = {}
    for item in items:
        name = content(item)
        if name in ALL_LABELS:
            continue
        _check_name(item, release, fields.faults, "`group_by`")
        if name in names:
            fields.faults.add("duplicate", f"`{name}` stands twice in `group_by`", item.span, "remove one of them")
        names[name] = item
    if not any(content(item) in ALL_LABELS for item in items):
        return tuple(names)
    if names:
        message, help = "`...` stands beside other labels in `group_by`", "`...` alone keeps every label apart"
        fields.faults.add("group-by", message, fields.where("group_by"), help)
    return ALL_LABELS


def _not_zero(fields: Fields, key: str) -> int | None:
    value = fields.duration(key)
    if value == 0:
        fields.faults.add("duration", f"`{key}` cannot be zero", fields.where(key), "write `1s` or longer")
    return value
