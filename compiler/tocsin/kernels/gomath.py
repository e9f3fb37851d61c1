"""Exponentials, logarithms and powers with the bits of Go's math package on amd64, which differ from the C library's.

The methods and constants are those of Go's src/math: exp_amd64.s (on a processor with fused multiply-add), log.go,
log10.go and pow.go.
"""

from __future__ import annotations

import math

from tocsin.kernels.compile import kernel
from tocsin.kernels.fused import fused
from tocsin.series import Values

SMALLEST_NORMAL = 2.0**-1022
LOG2_E = 1.44269504088896340735992468100189214
LOG10_E = 0.434294481903251827651128918916605082
LN2_UPPER, LN2_LOWER = (
    0.69314718055966295651160180568695068359375,
    0.28235290563031577122588448175013436025525412068e-12,
)
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10


@kernel
def exp(x: float) -> float:
    """`math.Exp`."""
    if math.isnan(x) or x == math.inf:
        return x
    if x > 7.09782712893384e02:
        return math.inf
    if x < -7.5e02:
        return 0.0
    exponent = round(x * LOG2_E)
    if exponent > 1023:
        return math.inf  # for the last numbers whose exponential is a float, too
    x = fused(-LN2_UPPER, float(exponent), x)
    x = fused(-LN2_LOWER, float(exponent), x) * 0.0625
    series = fused(2.4801587301587301587e-5, x, 1.9841269841269841270e-4)
    series = fused(series, x, 1.3888888888888888889e-3)
    series = fused(series, x, 8.3333333333333333333e-3)
    series = fused(series, x, 4.1666666666666666667e-2)
    series = fused(series, x, 1.6666666666666666667e-1)
    series = fused(series, x, 0.5)
    x = x * fused(series, x, 1.0)
    x = x * (x + 2.0)
    x = x * (x + 2.0)
    x = x * (x + 2.0)
    return math.ldexp(fused(x, x + 2.0, 1.0), int(exponent))


@kernel
def ln(x: float) -> float:
    """`math.Log`."""
    if math.isnan(x) or x == math.inf:
        return x
    if x < 0:
        return math.nan
    if x == 0:
        return -math.inf
    fraction, exponent = math.frexp(x)
    if x < SMALLEST_NORMAL:
        # log_amd64.s takes the bits of a subnormal number as if it were a normal one.
        fraction, exponent = 0.5 + x * 2.0**1021, -1022
    if fraction < math.sqrt(2.0) / 2.0:
        fraction *= 2.0
        exponent -= 1
    f = fraction - 1.0
    k = float(exponent)
    s = f / (2.0 + f)
    s2 = s * s
    s4 = s2 * s2
    odd = s2 * (
        6.666666666666735130e-01
        + s4 * (2.857142874366239149e-01 + s4 * (1.818357216161805012e-01 + s4 * 1.479819860511658591e-01))
    )
    even = s4 * (3.999999999940941908e-01 + s4 * (2.222219843214978396e-01 + s4 * 1.531383769920937332e-01))
    half = 0.5 * f * f
    return k * LN2_HIGH - ((half - (s * (half + (odd + even)) + k * LN2_LOW)) - f)


@kernel
def log2(x: float) -> float:
    """`math.Log2`, exact for powers of two."""
    if not (x > 0) or x == math.inf:
        return ln(x)
    fraction, exponent = math.frexp(x)
    if fraction == 0.5:
        return float(exponent - 1)
    return ln(fraction) * LOG2_E + float(exponent)


@kernel
def power(x: float, y: float) -> float:
    """`math.Pow`; its special cases are those of IEEE 754, as in C."""
    if (
        y == 0.0
        or x == 1.0
        or x == 0.0
        or math.isnan(x)
        or math.isnan(y)
        or math.isinf(x)
        or math.isinf(y)
        or abs(y) >= 9.2e18
    ):
        return float(x**y)
    if y == 0.5:
        return math.sqrt(x)
    if y == -0.5:
        return 1.0 / math.sqrt(x)
    whole = float(math.floor(abs(y)))
    part = abs(y) - whole
    if part != 0.0 and x < 0.0:
        return math.nan
    result, scale = 1.0, 0
    if part != 0.0:
        if part > 0.5:
            part -= 1.0
            whole += 1.0
        result = exp(part * ln(x))
    base, exponent = math.frexp(x)
    bits = int(whole)
    while bits != 0:
        if exponent < -4096 or exponent > 4096:
            scale += exponent
            break
        if bits & 1 == 1:
            result *= base
            scale += exponent
        base *= base
        exponent *= 2
        if base < 0.5:
            base += base
            exponent -= 1
        bits >>= 1
    if y < 0.0:
        result = 1.0 / result
        scale = -scale
    return math.ldexp(result, scale)


@kernel
def each_exp(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = exp(values[i])


@kernel
def each_ln(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = ln(values[i])


@kernel
def each_log2(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = log2(values[i])


@kernel
def each_log10(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = ln(values[i]) * LOG10_E


@kernel
def each_power(bases: Values, exponents: Values, out: Values) -> None:
    for i in range(len(bases)):
        out[i] = power(bases[i], exponents[i])
