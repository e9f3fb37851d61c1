"""One number to one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tocsin.functions.registry import SCALAR, VECTOR, function
from tocsin.functions.values import Scalar, Steps, Vector
from tocsin.kernels import gomath, hyperbolic, trigonometry
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
}
"""What a processor computes alike everywhere."""

COMPILED: dict[str, Callable[[Values, Values], None]] = {
    "exp": gomath.each_exp,
    "ln": gomath.each_ln,
    "log2": gomath.each_log2,
    "log10": gomath.each_log10,
    "sin": trigonometry.each_sin,
    "cos": trigonometry.each_cos,
    "tan": trigonometry.each_tan,
    "asin": trigonometry.each_asin,
    "acos": trigonometry.each_acos,
    "atan": trigonometry.each_atan,
    "sinh": hyperbolic.each_sinh,
    "cosh": hyperbolic.each_cosh,
    "tanh": hyperbolic.each_tanh,
    "asinh": hyperbolic.each_asinh,
    "acosh": hyperbolic.each_acosh,
    "atanh": hyperbolic.each_atanh,
}
"""With the bits of Go's math package on amd64, which every library has its own of."""


def _register(name: str, change: Callable[[Values], Values]) -> None:
    @function(name, args=(VECTOR,), returns=VECTOR, histograms="ignored")
    def apply(_steps: Steps, vector: Vector) -> Vector:
        with np.errstate(all="ignore"):
            return vector.with_values(change(vector.values))


for _name, _change in EXACT.items():
    _register(_name, _change)

for _name, _kernel in COMPILED.items():
    _register(_name, _compiled(_kernel))


@function("round", args=(VECTOR, SCALAR), returns=VECTOR, optional=1, histograms="ignored")
def round_(_steps: Steps, vector: Vector, nearest: Scalar | None = None) -> Vector:
    """To the nearest multiple, halves upwards; Prometheus multiplies by the inverse, and so do we."""
    with np.errstate(all="ignore"):
        inverse = 1.0 / (np.ones(1) if nearest is None else nearest.values)
        return vector.with_values(np.floor(vector.values * inverse + 0.5) / inverse)


@function("clamp", args=(VECTOR, SCALAR, SCALAR), returns=VECTOR, histograms="ignored")
def clamp(_steps: Steps, vector: Vector, low: Scalar, high: Scalar) -> Vector:
    clamped = vector.with_values(maximum(low.values, minimum(high.values, vector.values)))
    return replace(clamped, present=vector.present & ~(high.values < low.values))


@function("clamp_min", args=(VECTOR, SCALAR), returns=VECTOR, histograms="ignored")
def clamp_min(_steps: Steps, vector: Vector, low: Scalar) -> Vector:
    return vector.with_values(maximum(low.values, vector.values))


@function("clamp_max", args=(VECTOR, SCALAR), returns=VECTOR, histograms="ignored")
def clamp_max(_steps: Steps, vector: Vector, high: Scalar) -> Vector:
    return vector.with_values(minimum(high.values, vector.values))


@function("max_of", args=(SCALAR, SCALAR), returns=SCALAR)
def max_of(_steps: Steps, a: Scalar, b: Scalar) -> Scalar:
    return Scalar(maximum(a.values, b.values))


@function("min_of", args=(SCALAR, SCALAR), returns=SCALAR)
def min_of(_steps: Steps, a: Scalar, b: Scalar) -> Scalar:
    return Scalar(minimum(a.values, b.values))
