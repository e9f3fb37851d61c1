"""The slope of a window, and where it leads."""

from __future__ import annotations

import numpy as np

from tocsin.functions.parallel import over_series
from tocsin.functions.registry import MATRIX, SCALAR, VECTOR, function
from tocsin.functions.values import Scalar, Steps, Vector, Windows
from tocsin.kernels.regression import lines
from tocsin.series import Mask, Values


def _lines(steps: Steps, windows: Windows, from_first: bool) -> tuple[Values, Values, Mask]:
    slope, intercept = windows.empty_values(), windows.empty_values()
    present = np.zeros(windows.shape, dtype=np.bool_)
    columns, guard = (windows.times, windows.values), steps.compat == 3

    def work(rows: slice) -> None:
        lines(
            *columns,
            *windows.positions.of_rows(rows),
            steps.times,
            from_first,
            guard,
            slope[rows],
            intercept[rows],
            present[rows],
        )

    over_series(windows, work)
    return slope, intercept, present


@function("deriv", args=(MATRIX,), returns=VECTOR, histograms="ignored")
def deriv(steps: Steps, windows: Windows) -> Vector:
    slope, _intercept, present = _lines(steps, windows, from_first=True)
    return windows.vector(slope, present)


@function("predict_linear", args=(MATRIX, SCALAR), returns=VECTOR, histograms="ignored")
def predict_linear(steps: Steps, windows: Windows, ahead: Scalar) -> Vector:
    """The line at `ahead` seconds after the step; the offset of the selector does not move it, as in Prometheus."""
    slope, intercept, present = _lines(steps, windows, from_first=False)
    return windows.vector(slope * ahead.values + intercept, present)
