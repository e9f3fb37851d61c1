"""The operators on numbers: arithmetic and comparison, as whole arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tocsin.functions.values import Compat
from tocsin.kernels.gomath import each_power
from tocsin.kernels.threads import over_rows
from tocsin.kernels.trigonometry import each_atan2
from tocsin.promql.ast import COMPARISONS, TRIMS
from tocsin.series import Mask, Values


def _compiled(kernel: Callable[[Values, Values, Values], None]) -> Callable[[Values, Values], Values]:
    def apply(lhs: Values, rhs: Values) -> Values:
        left, right = np.broadcast_arrays(lhs, rhs)
        out = np.empty(left.size)
        kernel(left.flatten(), right.flatten(), out)  # copies: a kernel takes columns
        return out.reshape(left.shape)

    return apply


ARITHMETIC: dict[str, Callable[[Values, Values], Values]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": _compiled(each_power),
    "atan2": _compiled(each_atan2),
}

COMPARISON: dict[str, np.ufunc] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


def drops_name(op: str, returns_bool: bool, compat: Compat) -> bool:
    """Whether the result is another quantity than the operand; 2.42 forgets `atan2`."""
    return returns_bool or (op not in COMPARISONS | TRIMS and not (op == "atan2" and compat == 2))


def combine(op: str, lhs: Values, rhs: Values, returns_bool: bool) -> tuple[Values, Mask | None]:
    """The values of `lhs op rhs`, and where a comparison without `bool` keeps them (None: everywhere).

    What a comparison keeps are the values of its left side.
    """
    if op in ARITHMETIC:
        return ARITHMETIC[op](lhs, rhs), None
    kept = _compared(COMPARISON[op], lhs, rhs)
    if returns_bool:
        return kept.astype(np.float64), None
    return np.broadcast_to(lhs, kept.shape), kept


def _compared(compare: np.ufunc, lhs: Values, rhs: Values) -> Mask:
    """Row by row, on all cores, for a rule compares every series at every step."""
    left, right = np.broadcast_arrays(lhs, rhs)
    kept = np.empty(left.shape, dtype=np.bool_)

    def work(rows: slice) -> None:
        with np.errstate(all="ignore"):  # which holds for one thread
            compare(left[rows], right[rows], out=kept[rows])

    over_rows(work, len(kept), kept.size)
    return kept
