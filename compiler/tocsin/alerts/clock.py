"""A window to the times at which a rule group is evaluated: the multiples of its interval.

Prometheus shifts each group by a hash of its file's path and its name (rules/group.go `EvalTimestamp`); a backtest
has no such path, so its offset is 0.
"""

from __future__ import annotations

import numpy as np

from tocsin.series import Times


def evaluation_times(start: int, end: int, interval: int) -> Times:
    """The multiples of `interval` from `start` to `end`, both inclusive; all in milliseconds.

    >>> evaluation_times(61_000, 180_000, 60_000).tolist()
    [120000, 180000]
    """
    return np.arange(-(-start // interval) * interval, end + 1, interval, dtype=np.int64)
