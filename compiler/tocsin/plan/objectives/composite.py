"""A composite objective to the weighted shares of its parts, which keep their own accounts."""

from __future__ import annotations

from functools import reduce

from tocsin.plan import names
from tocsin.plan.objectives.account import Account, account
from tocsin.plan.objectives.budget import covered, in_period
from tocsin.promql import build
from tocsin.promql.ast import Expr
from tocsin.spec.settings import Settings


def parts(own: Account, settings: Settings) -> list[tuple[Account, float]]:
    """The accounts of the parts with their weights."""
    named = {one.name: one for one in own.spec.objectives}
    found = [(named.get(part.objective), part.weight) for part in own.objective.parts]
    return [(account(own.spec, one, settings), float(weight)) for one, weight in found if one]


def share(parts: list[tuple[Account, float]], window: int) -> Expr:
    """The weighted share of bad events in a window; a part without events is without fault."""
    return _weighted([(part.ratio(window), weight) for part, weight in parts])


def share_in_period(own: Account, parts: list[tuple[Account, float]]) -> Expr:
    """The weighted share of bad events in the composite's own period."""

    def of(part: Account) -> Expr:
        series = [names.coarse(name, part.coarse_step) for name in (names.BAD_EVENTS, names.TOTAL_EVENTS)]
        bad, total = (in_period(own, part, name) for name in series)
        return build.binary(bad, "/", build.compare(total, ">", build.number(0)))

    return _weighted([(of(part), weight) for part, weight in parts])


def covered_parts(own: Account, parts: list[tuple[Account, float]]) -> Expr:
    """How much of the composite's period its best known part has seen."""
    seen = [covered(own, part) for part, _ in parts]
    return build.aggregate("max", reduce(lambda a, b: build.binary(a, "or", b), seen), (names.OBJECTIVE,), without=True)


def _weighted(shares: list[tuple[Expr, float]]) -> Expr:
    """The parts' series differ in their label `objective`: `or` keeps each, and a sum without it adds them up."""
    weighted = [build.binary(build.number(weight), "*", share) for share, weight in shares]
    union = reduce(lambda a, b: build.binary(a, "or", b), weighted)
    return build.aggregate("sum", union, (names.OBJECTIVE,), without=True)
