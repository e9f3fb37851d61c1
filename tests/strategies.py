"""Random inputs for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from tocsin.promql.ast import (
    ARITHMETIC,
    COMPARISONS,
    SET_OPERATORS,
    Aggregation,
    At,
    Binary,
    Call,
    Cardinality,
    Expr,
    Matcher,
    Matching,
    MatchOp,
    MatrixSelector,
    Number,
    Paren,
    String,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
)
from tocsin.promql.print import parenthesize

MINUTE = 60_000

metrics = st.sampled_from(["up", "x_total", "job:x:rate5m", "sum", "by", "offset", "a.b c", "on", "NaN", "größe"])
labels = st.sampled_from(["job", "le", "on", "group_left", "a.b", "inf", "größe"])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
patterns = st.sampled_from([".+", "a|b", "5..", r"\Qa.b\E", "[a[b]", r"(?i)x\d+", "a{1000}"])
durations = st.integers(1, 90 * 24 * 60 * MINUTE)
offsets = st.one_of(st.just(0), st.integers(-60 * MINUTE, 60 * MINUTE))
numbers = st.builds(Number, st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1.0, 0.01, 1e21, 5e-324])))
times: st.SearchStrategy[At | None] = st.one_of(
    st.none(), st.integers(-(10**12), 10**13), st.sampled_from(["start", "end"])
)


@st.composite
def matchers(draw: st.DrawFn) -> Matcher:
    op = draw(st.sampled_from(["=", "!=", "=~", "!~"]))
    typed: MatchOp = op  # type: ignore[assignment]
    return Matcher(draw(labels), typed, draw(patterns if "~" in op else texts))


selectors = st.builds(VectorSelector, metrics, st.lists(matchers(), max_size=3).map(tuple), offsets, times)
matrices = st.builds(MatrixSelector, selectors, durations)


def vectors() -> st.SearchStrategy[Expr]:
    """Well-typed expressions that are instant vectors, with parentheses where their text needs them."""
    leaves = st.one_of(
        selectors, st.builds(_over_range, st.sampled_from(["rate", "increase", "avg_over_time"]), matrices)
    )
    return st.recursive(leaves, _deeper, max_leaves=8).map(parenthesize)


def scalars() -> st.SearchStrategy[Expr]:
    """Well-typed expressions that are scalars."""
    return st.recursive(numbers, _deeper_scalar, max_leaves=4).map(parenthesize)


def expressions() -> st.SearchStrategy[Expr]:
    """Well-typed expressions of every type."""
    subqueries = st.builds(Subquery, vectors(), durations, st.one_of(st.none(), durations), offsets, times)
    return st.one_of(vectors(), scalars(), matrices, subqueries.map(parenthesize), st.builds(String, texts))


def _over_range(function: str, window: Expr) -> Expr:
    return Call(function, (window,), ValueType.VECTOR)


def _deeper_scalar(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.builds(Binary, st.sampled_from(sorted(ARITHMETIC)), inner, inner),
        st.builds(Binary, st.sampled_from(sorted(COMPARISONS)), inner, inner, st.just(True)),
        st.builds(Paren, inner),
        st.builds(Unary, inner),
    )


def _deeper(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    grouping = st.lists(labels, max_size=3).map(tuple)
    windows = st.builds(Subquery, inner, durations, st.one_of(st.none(), durations), offsets, times)
    return st.one_of(
        st.builds(Paren, inner),
        st.builds(Unary, inner),
        st.builds(Aggregation, st.sampled_from(["sum", "max", "group"]), inner, st.none(), grouping, st.booleans()),
        st.builds(Aggregation, st.sampled_from(["topk", "quantile"]), inner, numbers, grouping, st.booleans()),
        st.builds(_over_range, st.sampled_from(["rate", "max_over_time"]), windows),
        _binaries(inner),
    )


def _binaries(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    sides = st.one_of(inner, numbers)
    arithmetic = st.sampled_from(sorted(ARITHMETIC))
    comparison = st.sampled_from(sorted(COMPARISONS))
    return st.one_of(
        st.builds(Binary, arithmetic, inner, sides),
        st.builds(Binary, comparison, sides, inner, st.booleans()),
        st.builds(Binary, arithmetic, inner, inner, st.just(False), matchings()),
        st.builds(Binary, st.sampled_from(sorted(SET_OPERATORS)), inner, inner, st.just(False), _set_matchings()),
    )


@st.composite
def matchings(draw: st.DrawFn) -> Matching:
    """How two vectors can pair; no label is both matched on and included."""
    cardinality: Cardinality = draw(st.sampled_from(["one-to-one", "many-to-one", "one-to-many"]))
    on = draw(st.booleans())
    matched = tuple(draw(st.lists(labels, max_size=2)))
    grouped = cardinality != "one-to-one"
    include = [label for label in draw(st.lists(labels, max_size=2)) if label not in matched] if grouped else []
    return Matching(matched, on, cardinality, tuple(include))


def _set_matchings() -> st.SearchStrategy[Matching]:
    cardinality: Cardinality = "many-to-many"
    return st.builds(Matching, st.lists(labels, max_size=2).map(tuple), st.booleans(), st.just(cardinality))
