"""What is fixed for a whole query: where it starts and ends, and its step. A rule is a query of one moment."""

from __future__ import annotations

import numpy as np

from tocsin.functions.registry import SCALAR, function
from tocsin.functions.values import Scalar, Steps


def _constant(steps: Steps, value: float) -> Scalar:
    return Scalar(np.full(len(steps.times), value))


def seconds(milliseconds: int) -> float:
    """Go's `Duration.Seconds`: whole seconds and the rest are converted apart."""
    return float(milliseconds // 1000) + float(milliseconds % 1000 * 1_000_000) / 1e9


@function("start", args=(), returns=SCALAR)
def start(steps: Steps) -> Scalar:
    return Scalar(steps.times / 1000.0) if steps.ends is None else _constant(steps, steps.ends[0] / 1000.0)


@function("end", args=(), returns=SCALAR)
def end(steps: Steps) -> Scalar:
    return Scalar(steps.times / 1000.0) if steps.ends is None else _constant(steps, steps.ends[1] / 1000.0)


@function("range", args=(), returns=SCALAR)
def range_(steps: Steps) -> Scalar:
    return _constant(steps, 0.0 if steps.ends is None else seconds(steps.ends[1] - steps.ends[0]))


@function("step", args=(), returns=SCALAR)
def step(steps: Steps) -> Scalar:
    """0 for a query of one moment."""
    return _constant(steps, seconds(steps.step))
