"""One number to one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tocsin.functions.registry import SCALAR, VECTOR, function
from tocsin.functions.values import Scalar, Steps, Vector
from tocsin.kernels import gomath
from tocsin.series import Values


def maximum(a: Values, b: Values) -> Values:
    """Go's `math.Max`: NaN wins except against +Inf, and +0 is greater than -0."""
    either = np.where((a == 0) & (b == 0), a + b, np.maximum(a, b))
    return np.where(np.isposinf(a) | np.isposinf(b), np.inf, either)


def minimum(a: Values, b: Values) -> Values:
    """Go's `math.Min`."""
    return -maximum(-a, -b)


def _compiled(kernel: Callable[[Values, Values], None]) -> Callable[[Values], Values]:
    def apply(values: Values) -> Values:
        out = np.empty(values.size)
        kernel(values.ravel(), out)
        return out.reshape(values.shape)

    return apply


def _sign(values: Values) -> Values:
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


EXACT: dict[str, Callable[[Values], Values]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "sqrt": np.sqrt,
    "sgn": _sign,
    "deg": lambda values: values * 180.0 / np.pi,
    "rad": lambda values: values * np.pi / 180.0,
    "exp": _compiled(gomath.each_exp),
    "ln": _compiled(gomath.each_ln),
    "log2": _compiled(gomath.each_log2),
    "log10": _compiled(gomath.each_log10),
}
"""With the bits of Prometheus on amd64."""

TRIGONOMETRIC: dict[str, Callable[[Values], Values]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
}
"""NumPy's: they may differ from Go's in the last bit."""


def _register(name: str, change: Callable[[Values], Values]) -> None:
    @function(name, args=(VECTOR,), returns=VECTOR)
    def apply(_steps: Steps, vector: Vector) -> Vector:
        with np.errstate(all="ignore"):
            return vector.with_values(change(vector.values))


for _name, _change in (EXACT | TRIGONOMETRIC).items():
    _register(_name, _change)


@function("round", args=(VECTOR, SCALAR), returns=VECTOR, optional=1)
def round_(_steps: Steps, vector: Vector, nearest: Scalar | None = None) -> Vector:
    """To the nearest multiple, halves upwards; Prometheus multiplies by the inverse, and so do we."""
    with np.errstate(all="ignore"):
        inverse = 1.0 / (np.ones(1) if nearest is None else nearest.values)
        return vector.with_values(np.floor(vector.values * inverse + 0.5) / inverse)


@function("clamp", args=(VECTOR, SCALAR, SCALAR), returns=VECTOR)
def clamp(_steps: Steps, vector: Vector, low: Scalar, high: Scalar) -> Vector:
    clamped = vector.with_values(maximum(low.values, minimum(high.values, vector.values)))
    return replace(clamped, present=vector.present & ~(high.values < low.values))


@function("clamp_min", args=(VECTOR, SCALAR), returns=VECTOR)
def clamp_min(_steps: Steps, vector: Vector, low: Scalar) -> Vector:
    return vector.with_values(maximum(low.values, vector.values))


@function("clamp_max", args=(VECTOR, SCALAR), returns=VECTOR)
def clamp_max(_steps: Steps, vector: Vector, high: Scalar) -> Vector:
    return vector.with_values(minimum(high.values, vector.values))
