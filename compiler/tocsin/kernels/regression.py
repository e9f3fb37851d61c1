"""Windows of samples to a least-squares line: `deriv` and `predict_linear`."""

from __future__ import annotations

import math

from tocsin.kernels.compile import kernel
from tocsin.kernels.kahan import neumaier
from tocsin.series import Mask, Offsets, Times, Values


@kernel
def lines(
    times: Times,
    values: Values,
    lo: Offsets,
    hi: Offsets,
    origin: Times,
    from_first: bool,
    guard: bool,
    slope: Values,
    intercept: Values,
    present: Mask,
) -> None:
    """Slope per second, and value at `origin` (int64[T]; `from_first`: at the first sample), of windows of two or more.

    Prometheus `linearRegression` (promql/functions.go).
    """
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            a, b = lo[s, t], hi[s, t]
            present[s, t] = b - a >= 2
            if b - a < 2:
                continue
            zero = times[a] if from_first else origin[t]
            x_sum, x_error, y_sum, y_error = 0.0, 0.0, 0.0, 0.0
            xy_sum, xy_error, xx_sum, xx_error = 0.0, 0.0, 0.0, 0.0
            constant = True
            for i in range(a, b):
                constant = constant and not (i > a and values[i] != values[a])
                x = float(times[i] - zero) / 1000.0
                x_sum, x_error = neumaier(x, x_sum, x_error, guard)
                y_sum, y_error = neumaier(values[i], y_sum, y_error, guard)
                xy_sum, xy_error = neumaier(x * values[i], xy_sum, xy_error, guard)
                xx_sum, xx_error = neumaier(x * x, xx_sum, xx_error, guard)
            if constant:
                infinite = math.isinf(values[a])
                slope[s, t] = math.nan if infinite else 0.0
                intercept[s, t] = math.nan if infinite else values[a]
                continue
            n = float(b - a)
            x_sum, y_sum, xy_sum, xx_sum = x_sum + x_error, y_sum + y_error, xy_sum + xy_error, xx_sum + xx_error
            covariance = xy_sum - x_sum * y_sum / n
            spread = xx_sum - x_sum * x_sum / n
            slope[s, t] = covariance / spread
            intercept[s, t] = y_sum / n - slope[s, t] * x_sum / n
