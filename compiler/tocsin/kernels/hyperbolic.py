"""Hyperbolic functions and their inverses with the bits of Go's math package on amd64.

The methods and constants are those of Go's src/math: sinh.go, tanh.go (after the Cephes library), and asinh.go,
acosh.go, atanh.go and log1p.go (after FreeBSD's msun).
"""

from __future__ import annotations

import math

from tocsin.kernels.compile import kernel
from tocsin.kernels.gomath import LN2_HIGH, LN2_LOW, exp, ln
from tocsin.series import Values

LN2 = 6.93147180559945286227e-01
LARGE = 2.0**28
NEAR_ZERO = 2.0**-28
ROOT_2, ROOT_2_LESS_1, HALF_ROOT_2_LESS_1 = (
    1.4142135623730951,
    4.142135623730950488017e-01,
    -2.928932188134524755992e-01,
)
TANH_IS_ONE_ABOVE = 0.5 * 8.8029691931113054295988e01


@kernel
def sinh(x: float) -> float:
    """`math.Sinh`."""
    size = -x if x < 0.0 else x
    if size > 21.0:
        y = exp(size) * 0.5
    elif size > 0.5:
        power = exp(size)
        y = (power - 1.0 / power) * 0.5
    else:
        square = size * size
        above = (-0.2630563213397497062819489e2 * square + -0.2894211355989563807284660366e4) * square
        above = (above + -0.8991272022039509355398013511e5) * square + -0.6307673640497716991184787251e6
        below = (square + -0.173678953558233699533450911e3) * square + 0.1521517378790019070696485176e5
        y = above * size / (below * square + -0.6307673640497716991212077277e6)
    return -y if x < 0.0 else y


@kernel
def cosh(x: float) -> float:
    """`math.Cosh`."""
    size = abs(x)
    power = exp(size)
    return power * 0.5 if size > 21.0 else (power + 1.0 / power) * 0.5


@kernel
def tanh(x: float) -> float:
    """`math.Tanh`."""
    size = abs(x)
    if size > TANH_IS_ONE_ABOVE:
        return -1.0 if x < 0.0 else 1.0
    if size >= 0.625:
        y = 1.0 - 2.0 / (exp(2.0 * size) + 1.0)
        return -y if x < 0.0 else y
    if x == 0.0:
        return x
    s = x * x
    above = (-9.64399179425052238628e-1 * s + -9.92877231001918586564e1) * s + -1.61468768441708447952e3
    below = ((s + 1.12811678491632931402e2) * s + 2.23548839060100448583e3) * s + 4.84406305325125486048e3
    return x + x * s * above / below


@kernel
def log1p_series(f: float) -> float:
    """`R` of log1p.go: what the logarithm of 1 + f lacks."""
    s = f / (2.0 + f)
    z = s * s
    series = 1.818357216161805012e-01 + z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01)
    series = 2.857142874366239149e-01 + z * (2.222219843214978396e-01 + z * series)
    return z * (6.666666666666735130e-01 + z * (3.999999999940941908e-01 + z * series))


@kernel
def log1p(x: float) -> float:
    """`math.Log1p`."""
    if x < -1.0 or math.isnan(x):
        return math.nan
    if x == -1.0:
        return -math.inf
    if x == math.inf:
        return x
    size = abs(x)
    if size < 2.0**-29:
        return x if size < 2.0**-54 else x - x * x * 0.5
    if HALF_ROOT_2_LESS_1 < x < ROOT_2_LESS_1:
        half = 0.5 * x * x
        return x - (half - x / (2.0 + x) * (half + log1p_series(x)))
    u, correction = x, 0.0
    if size < 2.0**53:
        u = 1.0 + x
        correction = (1.0 - (u - x) if u >= 2.0 else x - (u - 1.0)) / u
    fraction, exponent = math.frexp(u)
    if 2.0 * fraction < ROOT_2:
        fraction *= 2.0
        exponent -= 1
        is_power = fraction == 1.0
    else:
        is_power = 1.0 - fraction < 2.0**-51  # so near to the next power that its bits round to it
    f, k = fraction - 1.0, float(exponent)
    half = 0.5 * f * f
    if is_power:
        if f == 0.0:
            return k * LN2_HIGH + (correction + k * LN2_LOW)
        rest = half * (1.0 - 0.66666666666666666 * f)
        return k * LN2_HIGH - ((rest - (k * LN2_LOW + correction)) - f)
    s = f / (2.0 + f)
    return k * LN2_HIGH - ((half - (s * (half + log1p_series(f)) + (k * LN2_LOW + correction))) - f)


@kernel
def asinh(x: float) -> float:
    """`math.Asinh`."""
    if math.isnan(x) or math.isinf(x):
        return x
    size = abs(x)
    if size > LARGE:
        y = ln(size) + LN2
    elif size > 2.0:
        y = ln(2.0 * size + 1.0 / (math.sqrt(size * size + 1.0) + size))
    elif size < NEAR_ZERO:
        return x
    else:
        y = log1p(size + size * size / (1.0 + math.sqrt(1.0 + size * size)))
    return -y if x < 0.0 else y


@kernel
def acosh(x: float) -> float:
    """`math.Acosh`."""
    if x < 1.0 or math.isnan(x):
        return math.nan
    if x == 1.0:
        return 0.0
    if x >= LARGE:
        return ln(x) + LN2
    if x > 2.0:
        return ln(2.0 * x - 1.0 / (x + math.sqrt(x * x - 1.0)))
    t = x - 1.0
    return log1p(t + math.sqrt(2.0 * t + t * t))


@kernel
def atanh(x: float) -> float:
    """`math.Atanh`."""
    size = abs(x)
    if not size <= 1.0:
        return math.nan
    if size == 1.0:
        y = math.inf
    elif size < NEAR_ZERO:
        return x
    elif size < 0.5:
        y = size + size
        y = 0.5 * log1p(y + y * size / (1.0 - size))
    else:
        y = 0.5 * log1p((size + size) / (1.0 - size))
    return -y if x < 0.0 else y


@kernel
def each_sinh(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = sinh(values[i])


@kernel
def each_cosh(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = cosh(values[i])


@kernel
def each_tanh(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = tanh(values[i])


@kernel
def each_asinh(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = asinh(values[i])


@kernel
def each_acosh(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = acosh(values[i])


@kernel
def each_atanh(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = atanh(values[i])
