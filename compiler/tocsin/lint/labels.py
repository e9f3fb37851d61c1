"""An expression to the labels that its series can have, must have, and cannot have.

The rules are those of Prometheus's engine (promql/engine.go: `resultMetric`, `VectorBinop`, `aggregation`;
promql/functions.go: `createLabelsForAbsentFunction`, `label_replace`, `label_join`). A label that a series lacks and
one with an empty value are the same. `__name__` is a label like others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tocsin.labels import NAME
from tocsin.lint.memo import once
from tocsin.promql.ast import (
    COMPARISONS,
    SET_OPERATORS,
    Aggregation,
    Binary,
    Call,
    Expr,
    Matcher,
    MatrixSelector,
    Paren,
    String,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
    unwrap,
    value_type,
)
from tocsin.promql.match import accepts, matchers_of


@dataclass(frozen=True, slots=True)
class Names:
    """A set of label names: those listed, or all but those listed."""

    listed: frozenset[str] = frozenset()
    all_but: bool = False

    def __contains__(self, name: str) -> bool:
        return (name in self.listed) != self.all_but

    def __and__(self, other: Names) -> Names:
        match self.all_but, other.all_but:
            case True, True:
                return Names(self.listed | other.listed, True)
            case True, False:
                return Names(other.listed - self.listed)
            case False, True:
                return Names(self.listed - other.listed)
        return Names(self.listed & other.listed)

    def __or__(self, other: Names) -> Names:
        return ~(~self & ~other)

    def __invert__(self) -> Names:
        return Names(self.listed, not self.all_but)


def only(names: Iterable[str]) -> Names:
    return Names(frozenset(names))


def all_but(*names: str) -> Names:
    return Names(frozenset(names), True)


ALL = all_but()


@dataclass(frozen=True, slots=True)
class Flow:
    """The labels of an expression's series.

    `may` are those that some series can have, `must` those that every series has, `fixed` the values that are known.
    `meant` are those that the author counts on: each of `must`, and what is named in a `by` or a `group_left`.
    """

    may: Names = Names()
    must: frozenset[str] = frozenset()
    meant: frozenset[str] = frozenset()
    fixed: Mapping[str, str] = field(default_factory=dict)

    def keep(self, names: Names) -> Flow:
        """Without all labels but these."""
        return Flow(
            self.may & names,
            frozenset(name for name in self.must if name in names),
            frozenset(name for name in self.meant if name in names),
            {name: value for name, value in self.fixed.items() if name in names},
        )

    def drop(self, *names: str) -> Flow:
        return self.keep(all_but(*names))

    def have(self, name: str, value: str | None = None) -> Flow:
        """With a label that every series has."""
        fixed = {key: known for key, known in self.fixed.items() if key != name}
        if value is not None:
            fixed[name] = value
        one = frozenset((name,))
        return Flow(self.may | only(one), self.must | one, self.meant | one, fixed)

    def might_have(self, name: str) -> Flow:
        """With a label that is given to some series, and that the others have or lack as before."""
        fixed = {key: known for key, known in self.fixed.items() if key != name}
        one = frozenset((name,))
        return Flow(self.may | only(one), self.must - one, self.meant | one, fixed)

    def either(self, other: Flow) -> Flow:
        """Of series of both."""
        fixed = {name: value for name, value in self.fixed.items() if other.fixed.get(name) == value}
        return Flow(self.may | other.may, self.must & other.must, self.meant & other.meant, fixed)

    def agree(self, other: Flow, names: Names) -> Flow:
        """Of those series whose labels `names` are the same as those of a series of `other`."""
        shared = other.keep(names)
        return Flow(
            self.may & (other.may | ~names),
            self.must | shared.must,
            frozenset(name for name in self.meant if name in other.may or name not in names) | shared.meant,
            {**shared.fixed, **self.fixed},
        )


NOTHING = Flow()
"""No labels at all, as of `vector(1)`."""


@once
def flow(expr: Expr) -> Flow:
    """The labels of an expression's series."""
    match expr:
        case VectorSelector():
            return _selector(expr)
        case Paren(expr=inner) | MatrixSelector(selector=inner) | Subquery(expr=inner):
            return flow(inner)
        case Unary(expr=inner):
            return flow(inner).drop(NAME)
        case Call():
            return _call(expr)
        case Aggregation():
            return _aggregation(expr)
        case Binary():
            return _binary(expr)
    return NOTHING


def _selector(selector: VectorSelector) -> Flow:
    matchers = matchers_of(selector)
    fixed = {matcher.label: matcher.value for matcher in matchers if matcher.op == "="}
    must = frozenset(matcher.label for matcher in matchers if not accepts(matcher, ""))
    empty = frozenset(name for name, value in fixed.items() if not value)
    known = {name: value for name, value in fixed.items() if value}
    return Flow(Names(empty, True), must, must, known)


# --- functions --------------------------------------------------------------------------------------------------------

_KEEP_NAME = frozenset("last_over_time first_over_time sort sort_desc sort_by_label sort_by_label_desc".split())
_BUCKETS = frozenset({"histogram_quantile", "histogram_fraction"})


def _call(call: Call) -> Flow:
    vectors = [arg for arg in call.args if value_type(arg) in (ValueType.VECTOR, ValueType.MATRIX)]
    if call.returns is not ValueType.VECTOR or not vectors:
        return NOTHING
    inside = flow(vectors[0])
    match call.function:
        case "absent" | "absent_over_time":
            return _absent(unwrap(call.args[0]))
        case "label_replace":
            return _replaced(call, inside)
        case "label_join":
            return _joined(call, inside)
        case "histogram_quantiles":
            added = _text(call.args[1])
            quantiles = inside.drop(NAME, "le")
            return quantiles.have(added) if added else replace(quantiles, may=ALL)
        case "info":
            return replace(inside, may=ALL)
    if call.function in _BUCKETS:
        return inside.drop(NAME, "le")
    return inside if call.function in _KEEP_NAME else inside.drop(NAME)


def _absent(watched: Expr) -> Flow:
    """Only what a single `=` matcher says of a label."""
    if isinstance(watched, MatrixSelector):
        watched = watched.selector
    found = NOTHING
    if isinstance(watched, VectorSelector):
        seen: set[str] = set()
        for matcher in watched.matchers:
            if matcher.op == "=" and matcher.label not in seen and matcher.label != NAME and matcher.value:
                found = found.have(matcher.label, matcher.value)
            else:
                found = found.drop(matcher.label)
            if matcher.op == "=":
                seen.add(matcher.label)
    return found


def _text(node: Expr) -> str | None:
    literal = unwrap(node)
    return literal.value if isinstance(literal, String) else None


_ANYTHING = frozenset({".*", "(.*)", "^.*$", "^(.*)$"})


def _replaced(call: Call, inside: Flow) -> Flow:
    target, text, source, pattern = (_text(arg) for arg in call.args[1:5])
    if target is None or text is None or source is None or pattern is None:
        return replace(inside, may=ALL, must=frozenset(), fixed={})
    absent = source not in inside.may
    always = pattern in _ANYTHING or (absent and accepts(Matcher("", "=~", pattern), ""))
    if absent and not accepts(Matcher("", "=~", pattern), ""):
        return inside
    if not always:
        kept = inside.might_have(target)
        return replace(kept, must=kept.must | {target}) if target in inside.must and _literal(text) else kept
    if not text:
        return inside.drop(target)
    if _literal(text):
        return inside.have(target, text)
    return inside.have(target) if source in inside.must and text == "$1" else inside.might_have(target)


def _literal(text: str) -> bool:
    """Whether a replacement is the same whatever was matched, and not empty."""
    return bool(text) and "$" not in text


def _joined(call: Call, inside: Flow) -> Flow:
    target, separator, *sources = (_text(arg) for arg in call.args[1:])
    if target is None:
        return replace(inside, may=ALL, must=frozenset(), fixed={})
    if any(source in inside.must for source in sources if source) or (separator and len(sources) > 1):
        return inside.have(target)
    if separator == "" and not any(source is None or source in inside.may for source in sources):
        return inside.drop(target)
    return inside.might_have(target)


# --- operators --------------------------------------------------------------------------------------------------------

_CHOOSE = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations that pass on some of the series as they are."""


def _aggregation(node: Aggregation) -> Flow:
    inside = flow(node.expr)
    if node.op in _CHOOSE:
        return inside
    grouped = inside.drop(NAME, *node.grouping) if node.without else inside.keep(only(node.grouping))
    if not node.without:
        named = frozenset(name for name in node.grouping if name in inside.may)
        grouped = replace(grouped, meant=grouped.meant | named)
    if node.op == "count_values" and node.param is not None:
        added = _text(node.param)
        if node.without and added in node.grouping:
            return grouped
        return grouped.have(added) if added else replace(grouped, may=ALL)
    return grouped


def _binary(node: Binary) -> Flow:
    filters = (node.op in COMPARISONS and not node.returns_bool) or node.op in SET_OPERATORS
    left, right = flow(node.lhs), flow(node.rhs)
    if value_type(node.rhs) is ValueType.SCALAR or value_type(node.lhs) is ValueType.SCALAR:
        vector = left if value_type(node.rhs) is ValueType.SCALAR else right
        return vector if filters else vector.drop(NAME)
    if node.op == "or":
        return left.either(right)
    if node.op == "unless":
        return left
    paired = matched(node)
    if node.op == "and":
        return left.agree(right, paired)
    return _paired(node, left, right, paired, filters)


def _paired(node: Binary, left: Flow, right: Flow, paired: Names, filters: bool) -> Flow:
    matching = node.matching
    many, one = (right, left) if matching.cardinality == "one-to-many" else (left, right)
    if not filters:
        many = many.drop(NAME)
    found = many.either(one) if matching.fills else many.agree(one, paired)
    if matching.cardinality == "one-to-one":
        found = found.keep(only(matching.labels)) if matching.on else found.drop(*matching.labels)
    for name in matching.include:
        found = found.drop(name)
        if name in one.must:
            found = found.have(name, one.fixed.get(name))
        elif name in one.may:
            found = found.might_have(name)
    return found


def matched(node: Binary) -> Names:
    """The labels that must be the same on both sides of a binary operation."""
    labels = node.matching.labels
    return only(labels) if node.matching.on else all_but(NAME, *labels)


def remover(expr: Expr, name: str) -> Expr:
    """The innermost part of an expression that cannot have a label although what it is made from can."""
    node = unwrap(expr)
    for part in sources(node):
        if name not in flow(part).may:
            return remover(part, name)
    return node


def sources(node: Expr) -> tuple[Expr, ...]:
    """What the labels of a node come from."""
    match node:
        case Aggregation(expr=inner) | Unary(expr=inner) | Subquery(expr=inner):
            return (inner,)
        case Call(function="absent" | "absent_over_time" | "vector" | "scalar"):
            return ()
        case Call(args=args):
            return tuple(arg for arg in args if value_type(arg) in (ValueType.VECTOR, ValueType.MATRIX))
        case Binary(op="or" | "and" | "unless", lhs=lhs):
            return (lhs,)
        case Binary(lhs=lhs, rhs=rhs):
            return tuple(side for side in (lhs, rhs) if value_type(side) is not ValueType.SCALAR)
    return ()
