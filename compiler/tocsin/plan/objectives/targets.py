"""Targets of single groups to one expression: each group is held against its own."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from tocsin.labels import Labels
from tocsin.plan.objectives.account import Account
from tocsin.promql import build
from tocsin.promql.ast import Expr, Matcher

Judged: TypeAlias = Callable[[Decimal, Callable[[Expr], Expr]], Expr]
"""What a target means: the target, and how to narrow a selector to the groups that have it."""


def by_target(own: Account, judged: Judged) -> Expr:
    """The expressions of all targets, joined by `or`: those of single groups first, and for the rest the common one."""
    groups = own.objective.targets
    found = [judged(one.target, _only(one.labels, [o.labels for o in groups[:i]])) for i, one in enumerate(groups)]
    found.append(judged(own.objective.target, _only((), [one.labels for one in groups])))
    whole = found[0]
    for one in found[1:]:
        whole = build.binary(whole, "or", one)
    return whole


def _only(labels: Labels, others: list[Labels]) -> Callable[[Expr], Expr]:
    """Narrows to the groups with some labels, but those that an earlier target has taken."""

    def narrow(expr: Expr) -> Expr:
        mine = build.narrowed(expr, *(Matcher(label, "=", value) for label, value in labels))
        for taken in others:
            if len(taken) == 1:
                ((label, value),) = taken
                mine = build.narrowed(mine, Matcher(label, "!=", value))
            else:
                theirs = build.narrowed(expr, *(Matcher(label, "=", value) for label, value in taken))
                mine = build.binary(mine, "unless", theirs)
        return mine

    return narrow
