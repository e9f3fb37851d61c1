"""Circular functions and their inverses with the bits of Go's math package, which differ from the C library's.

The methods and constants are those of Go's src/math: sin.go, tan.go, atan.go (after the Cephes library), asin.go,
atan2.go, and for great arguments trig_reduce.go (Payne and Hanek's reduction, as K. C. Ng describes it).
"""

from __future__ import annotations

import math

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.series import Values

FOUR_OVER_PI = 1.27323954473516268615107010698
PI4_A, PI4_B, PI4_C = 7.85398125648498535156e-1, 3.77489470793079817668e-8, 2.69515142907905952645e-15
"""A quarter of pi in three parts, the first two with trailing zeros, so that a multiple of them is exact."""

EXACT_BELOW = 2.0**29
"""From here on the multiples of the three parts are no longer exact."""

FOUR_OVER_PI_BITS = np.array(
    [
        0x0000000000000001,
        0x45F306DC9C882A53,
        0xF84EAFA3EA69BB81,
        0xB6C52B3278872083,
        0xFCA2C757BD778AC3,
        0x6E48DC74849BA5C0,
        0x0C925DD413A32439,
        0xFC3BD63962534E7D,
        0xD1046BEA5D768909,
        0xD338E04D68BEFC82,
        0x7323AC7306A673E9,
        0x3908BF177BF25076,
        0x3FF12FFFBC0B301F,
        0xDE5E2316B414DA3E,
        0xDA6CFD9E4F96136E,
        0x9E8C7ECD3CBFD45A,
        0xEA4F758FD7CBE2F6,
        0x7A0E73EF14A525D4,
        0xD7F6BF623F1ABA10,
        0xAC06608DF8F6D757,
    ],
    dtype=np.uint64,
)
"""4 / pi in binary, 64 digits each, the point after the first."""

LOW_HALF = np.uint64(0xFFFFFFFF)
HALF_WORD, WORD, ONE = np.uint64(32), np.uint64(64), np.uint64(1)

MORE_OF_HALF_PI = 6.123233995736765886130e-17
TAN_3_PI_8 = 2.41421356237309504880


@kernel
def high_product(a: np.uint64, b: np.uint64) -> np.uint64:
    """The upper 64 bits of a product."""
    a_low, a_high = a & LOW_HALF, a >> HALF_WORD
    b_low, b_high = b & LOW_HALF, b >> HALF_WORD
    middle = a_high * b_low + ((a_low * b_low) >> HALF_WORD)
    other = (middle & LOW_HALF) + a_low * b_high
    return a_high * b_high + (middle >> HALF_WORD) + (other >> HALF_WORD)


@kernel
def word_at(digit: int, shift: np.uint64) -> np.uint64:
    """64 binary digits of 4 / pi, `shift` after the beginning of a word."""
    word = np.uint64(FOUR_OVER_PI_BITS[digit] << shift)
    if shift > 0:
        word |= FOUR_OVER_PI_BITS[digit + 1] >> (WORD - shift)
    return word


@kernel
def reduce_great(x: float) -> tuple[int, float]:
    """The octant (0 to 7, even) of a great number, and how far it is from there."""
    fraction, exponent = math.frexp(x)
    mantissa = np.uint64(int(math.ldexp(fraction, 53)))
    place = exponent - 53 + 61
    digit, shift = place // 64, np.uint64(place % 64)
    first, second, third = word_at(digit, shift), word_at(digit + 1, shift), word_at(digit + 2, shift)
    low = second * mantissa
    high = first * mantissa + high_product(second, mantissa)
    sum_low = low + high_product(third, mantissa)
    if sum_low < low:
        high += ONE
    octant = int(high >> np.uint64(61))
    high = (high << np.uint64(3)) | (sum_low >> np.uint64(61))
    zeros = 0
    while zeros < 63 and (high >> np.uint64(63 - zeros)) == 0:
        zeros += 1
    # The leading one is implied, as in the bits of a float; what no longer fits is cut off, not rounded.
    shift = np.uint64(zeros + 1)
    high = (high << shift) | (sum_low >> (WORD - shift)) if zeros < 63 else sum_low
    rest = math.ldexp(float(2**52 + int(high >> np.uint64(12))), -53 - zeros)
    if octant % 2 == 1:
        octant = (octant + 1) % 8
        rest -= 1.0
    return octant, rest * (math.pi / 4.0)


@kernel
def reduce(x: float) -> tuple[int, float]:
    """The octant (0 to 7, even) of a number that is not negative, and how far it is from there."""
    if x >= EXACT_BELOW:
        return reduce_great(x)
    octant = int(x * FOUR_OVER_PI)
    octant += octant % 2
    y = float(octant)
    return octant % 8, ((x - y * PI4_A) - y * PI4_B) - y * PI4_C


@kernel
def sine_near_zero(z: float) -> float:
    zz = z * z
    series = 1.58962301576546568060e-10 * zz + -2.50507477628578072866e-8
    series = series * zz + 2.75573136213857245213e-6
    series = series * zz + -1.98412698295895385996e-4
    series = series * zz + 8.33333333332211858878e-3
    series = series * zz + -1.66666666666666307295e-1
    return z + z * zz * series


@kernel
def cosine_near_zero(z: float) -> float:
    zz = z * z
    series = -1.13585365213876817300e-11 * zz + 2.08757008419747316778e-9
    series = series * zz + -2.75573141792967388112e-7
    series = series * zz + 2.48015872888517045348e-5
    series = series * zz + -1.38888888888730564116e-3
    series = series * zz + 4.16666666666665929218e-2
    return 1.0 - 0.5 * zz + zz * zz * series


@kernel
def sin(x: float) -> float:
    """`math.Sin`."""
    if x == 0.0 or math.isnan(x):
        return x
    if math.isinf(x):
        return math.nan
    octant, z = reduce(abs(x))
    y = cosine_near_zero(z) if octant in (2, 6) else sine_near_zero(z)
    return -y if (octant > 3) != (x < 0.0) else y


@kernel
def cos(x: float) -> float:
    """`math.Cos`."""
    if math.isnan(x) or math.isinf(x):
        return math.nan
    octant, z = reduce(abs(x))
    y = sine_near_zero(z) if octant in (2, 6) else cosine_near_zero(z)
    return -y if octant in (2, 4) else y


@kernel
def tan(x: float) -> float:
    """`math.Tan`."""
    if x == 0.0 or math.isnan(x):
        return x
    if math.isinf(x):
        return math.nan
    octant, z = reduce(abs(x))
    y, zz = z, z * z
    if zz > 1e-14:
        above = (-1.30936939181383777646e4 * zz + 1.15351664838587416140e6) * zz + -1.79565251976484877988e7
        below = (zz + 1.36812963470692954678e4) * zz + -1.32089234440210967447e6
        below = (below * zz + 2.50083801823357915839e7) * zz + -5.38695755929454629881e7
        y = z + z * (zz * above / below)
    if octant in (2, 6):
        y = -1.0 / y
    return -y if x < 0.0 else y


@kernel
def atan_near_zero(x: float) -> float:
    """The arc tangent from 0 to 0.66."""
    z = x * x
    above = (-8.750608600031904122785e-01 * z + -1.615753718733365076637e01) * z + -7.500855792314704667340e01
    above = (above * z + -1.228866684490136173410e02) * z + -6.485021904942025371773e01
    below = (z + 2.485846490142306297962e01) * z + 1.650270098316988542046e02
    below = ((below * z + 4.328810604912902668951e02) * z + 4.853903996359136964868e02) * z + 1.945506571482613964425e02
    return x * (z * above / below) + x


@kernel
def atan_positive(x: float) -> float:
    if x <= 0.66:
        return atan_near_zero(x)
    if x > TAN_3_PI_8:
        return math.pi / 2.0 - atan_near_zero(1.0 / x) + MORE_OF_HALF_PI
    return math.pi / 4.0 + atan_near_zero((x - 1.0) / (x + 1.0)) + 0.5 * MORE_OF_HALF_PI


@kernel
def atan(x: float) -> float:
    """`math.Atan`."""
    if x == 0.0:
        return x
    return atan_positive(x) if x > 0.0 else -atan_positive(-x)


@kernel
def asin(x: float) -> float:
    """`math.Asin`."""
    if x == 0.0:
        return x
    size = abs(x)
    if not size <= 1.0:
        return math.nan
    other = math.sqrt(1.0 - size * size)
    y = math.pi / 2.0 - atan_positive(other / size) if size > 0.7 else atan_positive(size / other)
    return -y if x < 0.0 else y


@kernel
def acos(x: float) -> float:
    """`math.Acos`."""
    return math.pi / 2.0 - asin(x)


@kernel
def atan2(y: float, x: float) -> float:
    """`math.Atan2`; its special cases are those of IEEE 754, as in C."""
    if math.isnan(x) or math.isnan(y) or x == 0.0 or y == 0.0 or math.isinf(x) or math.isinf(y):
        return math.atan2(y, x)
    q = atan(y / x)
    if x < 0.0:
        return q + math.pi if q <= 0.0 else q - math.pi
    return q


@kernel
def each_sin(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = sin(values[i])


@kernel
def each_cos(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = cos(values[i])


@kernel
def each_tan(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = tan(values[i])


@kernel
def each_asin(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = asin(values[i])


@kernel
def each_acos(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = acos(values[i])


@kernel
def each_atan(values: Values, out: Values) -> None:
    for i in range(len(values)):
        out[i] = atan(values[i])


@kernel
def each_atan2(ys: Values, xs: Values, out: Values) -> None:
    for i in range(len(ys)):
        out[i] = atan2(ys[i], xs[i])
