"""One addition to a compensated sum, in Neumaier's variant of Kahan's algorithm."""

from __future__ import annotations

import math

from tocsin.kernels.compile import kernel


@kernel
def neumaier(addend: float, total: float, error: float, guard: bool) -> tuple[float, float]:
    """The new sum and its error term; `guard` forgets the error once the sum overflows.

    Prometheus `kahansum.Inc` (util/kahansum); 2.42 has no guard.
    """
    result = total + addend
    if guard and math.isinf(result):
        return result, 0.0
    if abs(total) >= abs(addend):
        return result, error + ((total - result) + addend)
    return result, error + ((addend - result) + total)
