"""What an evaluation depends on besides its expressions and samples, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tocsin.diagnostics import Problem
from tocsin.functions.values import Compat
from tocsin.series import Frame, Mask, Times


@dataclass(frozen=True, slots=True)
class Semantics:
    """Which Prometheus to agree with: 3 is the current one, 2 is 2.42. Durations in milliseconds.

    `lookback` is how old a sample may be that an instant selector takes, `evaluation_interval` the step of a subquery
    that names none. `ends` are what `@ start()` and `@ end()` mean; None: the time of the step, as in a rule.
    `step` is what `step()` means, 0 for a query of one moment; `evaluate` sets it where there are two ends.
    `delayed_names`: names go from the result of the whole expression, not from that of each function (Prometheus's
    feature flag `promql-delayed-name-removal`).
    """

    compat: Compat = 3
    lookback: int = 300_000
    evaluation_interval: int = 60_000
    ends: tuple[int, int] | None = None
    delayed_names: bool = False
    step: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """The times from `start` to `end`, both inclusive, every `step` milliseconds."""

    start: int
    end: int
    step: int

    @property
    def times(self) -> Times:
        return np.arange(self.start, self.end + 1, self.step, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Failure:
    """A runtime error of Prometheus, and the steps at which it hits: `at` bool[T]."""

    at: Mask
    problem: Problem


@dataclass(frozen=True, slots=True)
class Result:
    """An expression on some times. Where it failed the frame has nothing; a rule keeps its state there."""

    frame: Frame
    failures: tuple[Failure, ...] = ()

    @property
    def failed(self) -> Mask:
        """bool[T]: the steps at which the evaluation failed."""
        failed = np.zeros(len(self.frame.times), dtype=np.bool_)
        for failure in self.failures:
            failed |= failure.at
        return failed
