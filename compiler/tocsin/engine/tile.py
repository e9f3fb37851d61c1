"""A stretch of times on which expressions are evaluated, each distinct one once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import singledispatch

import numpy as np

from tocsin.diagnostics import Problem, ProblemError, Span, Text
from tocsin.engine.read import Reader
from tocsin.engine.semantics import Failure, Semantics
from tocsin.functions.values import Scalar, Steps, Value, Vector, Windows
from tocsin.promql.ast import At, Call, Expr
from tocsin.promql.print import print_expr
from tocsin.series import Mask, Times


@dataclass(frozen=True, slots=True)
class Outcome:
    """A value and where it could not be had."""

    value: Value
    failures: tuple[Failure, ...] = ()


@dataclass(slots=True)
class Tile:
    """`times` int64[T], rising; the samples to read; and what was evaluated on these times so far."""

    times: Times
    semantics: Semantics
    reader: Reader
    _outcomes: dict[Expr, Outcome] = field(default_factory=dict)
    _inner: dict[bytes, Tile] = field(default_factory=dict)
    _open: list[list[Failure]] = field(default_factory=list)

    def outcome(self, node: Expr) -> Outcome:
        """Evaluate an expression, or recall it. Failures of its parts are failures of the whole."""
        if node not in self._outcomes:
            self._open.append([])
            value = value_of(node, self)
            self._outcomes[node] = Outcome(value, tuple(self._open.pop()))
        outcome = self._outcomes[node]
        if self._open:
            self._open[-1] += outcome.failures
        return outcome

    def value(self, node: Expr) -> Value:
        return self.outcome(node).value

    @property
    def values(self) -> Iterator[Value]:
        """All that was evaluated, without subqueries' own times."""
        return (outcome.value for outcome in self._outcomes.values())

    @property
    def inner_tiles(self) -> Iterator[Tile]:
        """The tiles of subqueries, and of subqueries in them."""
        for inner in self._inner.values():
            yield inner
            yield from inner.inner_tiles

    def vector(self, node: Expr) -> Vector:
        value = self.value(node)
        assert isinstance(value, Vector)
        return value

    def scalar(self, node: Expr) -> Scalar:
        value = self.value(node)
        assert isinstance(value, Scalar)
        return value

    def windows(self, node: Expr) -> Windows:
        value = self.value(node)
        assert isinstance(value, Windows)
        return value

    def fail(self, node: Expr, at: Mask, message: str) -> None:
        """Record that the node under evaluation fails at some steps (bool[T])."""
        if at.any():
            self._open[-1].append(Failure(at, Problem("promql/execution", message, span_of(node))))

    def record(self, failure: Failure) -> None:
        self._open[-1].append(failure)

    def steps(self, call: Call) -> Steps:
        return Steps(self.times, self.semantics.compat, call, self.semantics.ends, self.semantics.step)

    def reference(self, at: At | None, offset: int) -> Times:
        """The time that a selector looks at, at each step."""
        if at is None or (isinstance(at, str) and self.semantics.ends is None):
            return self.times - offset
        ends = self.semantics.ends
        fixed = at if isinstance(at, int) else (ends[at == "end"] if ends else 0)
        return np.full(len(self.times), fixed - offset, dtype=np.int64)

    def inner(self, times: Times) -> Tile:
        """The tile of a subquery's own times. `@ start()` inside means the end of the outer expression."""
        key = times.tobytes()
        if key not in self._inner:
            semantics = self.semantics
            if semantics.ends is None and len(self.times) == 1:
                only = int(self.times[0])
                semantics = replace(semantics, ends=(only, only))
            self._inner[key] = Tile(times, semantics, self.reader)
        return self._inner[key]


@singledispatch
def value_of(node: Expr, _tile: Tile) -> Value:
    """The value of a node; one implementation per kind, in the file of its operator."""
    raise unsupported(node, f"an expression of kind `{type(node).__name__}`")


def unsupported(node: Expr, what: str) -> ProblemError:
    return ProblemError(
        Problem("promql/unsupported", f"cannot evaluate {what}", span_of(node), help="take it out of the backtest")
    )


def span_of(node: Expr) -> Span:
    """Where the node was written, else a span of its text."""
    return node.span if node.span is not None else Text.of(print_expr(node)).span
