"""Unix seconds to the parts of a date in UTC."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tocsin.functions.registry import VECTOR, function
from tocsin.functions.values import Steps, Vector, one_series
from tocsin.series import Values

Seconds: TypeAlias = npt.NDArray[np.datetime64]


def _within(unit: str, larger: str) -> Callable[[Seconds], npt.NDArray[np.int64]]:
    """How many whole units have passed since the last larger one began."""

    def count(seconds: Seconds) -> npt.NDArray[np.int64]:
        began = seconds.astype(f"M8[{larger}]").astype(f"M8[{unit}]")
        return np.asarray(seconds.astype(f"M8[{unit}]") - began, dtype=np.int64)

    return count


def _days_in_month(seconds: Seconds) -> npt.NDArray[np.int64]:
    month = seconds.astype("M8[M]")
    return np.asarray((month + 1).astype("M8[D]") - month.astype("M8[D]"), dtype=np.int64)


PARTS: dict[str, Callable[[Seconds], npt.NDArray[np.int64]]] = {
    "minute": _within("m", "h"),
    "hour": _within("h", "D"),
    "day_of_week": lambda seconds: (seconds.astype("M8[D]").astype(np.int64) + 4) % 7,
    "day_of_month": lambda seconds: _within("D", "M")(seconds) + 1,
    "day_of_year": lambda seconds: _within("D", "Y")(seconds) + 1,
    "days_in_month": _days_in_month,
    "month": lambda seconds: _within("M", "Y")(seconds) + 1,
    "year": lambda seconds: seconds.astype("M8[Y]").astype(np.int64) + 1970,
}


LAST = np.iinfo(np.int64).max
"""Go takes the smallest integer for NaN and for what is too large, and wraps it to the second after this one."""


def _register(name: str, part: Callable[[Seconds], npt.NDArray[np.int64]]) -> None:
    def of(seconds: Values) -> Values:
        within = np.abs(seconds) < 2.0**63
        whole = np.where(within, np.where(within, seconds, 0.0).astype(np.int64), LAST)
        return part(whole.astype("M8[s]")).astype(np.float64)

    @function(name, args=(VECTOR,), returns=VECTOR, optional=1, histograms="ignored")
    def apply(steps: Steps, vector: Vector | None = None) -> Vector:
        """Without an argument, of the time of the step."""
        if vector is None:
            return one_series(of(np.trunc(steps.times / 1000.0)))
        return vector.with_values(of(vector.values))


for _name, _part in PARTS.items():
    _register(_name, _part)
