"""Two rules to what one of them does not see yet of what the other records, though it stands at times that it reads.

A rule sees what was recorded before its own evaluation. Where it is evaluated for many times at once, samples are
hidden from it that were recorded later: those of a rule that comes after it at the same moment, or of one whose query
offset is longer, so that its samples stand further in the past than the moment at which they were recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tocsin.alerts.clock import Clock
from tocsin.engine.read import needs
from tocsin.engine.semantics import Semantics
from tocsin.promql.ast import Expr
from tocsin.series import Mask, Times


@dataclass(frozen=True, slots=True)
class Stretch:
    """How far an expression looks, in milliseconds, `back` from the time of its query and `ahead` of it."""

    back: int
    ahead: int


def stretch(expr: Expr, clock: Clock, first: int, last: int, semantics: Semantics) -> Stretch:
    """The stretch of a rule that is evaluated from `first` to `last`; fixed times (`@ 1700000000`) lie far.

    Durations of the expression are resolved.
    """
    ends = [time - clock.shift for time in (first, last)]
    found = [(need.start - time, need.end - time) for time in ends for need in needs(expr, time, time, semantics)]
    return Stretch(max((-start for start, _ in found), default=0), max((end for _, end in found), default=0))


@dataclass(frozen=True, slots=True)
class Sight:
    """One rule's view of another's samples; `late`: at the same moment, the other is evaluated after it."""

    reader: Clock
    writer: Clock
    late: bool
    stretch: Stretch

    @property
    def _slack(self) -> int:
        """How long after an evaluation samples are still recorded at times that it looks at."""
        return self.writer.shift - self.reader.shift + self.stretch.ahead

    @property
    def is_whole(self) -> bool:
        """Whether nothing is ever hidden."""
        if self._slack == 0 and self.late:
            return not self.reader.meets(self.writer)
        return self._slack <= 0

    @property
    def stride(self) -> int:
        """Of evaluations that are so many steps apart, none looks at what is hidden from another."""
        far = max(self.stretch.back, self.writer.shift - self.reader.shift)
        return (self.stretch.ahead + far) // self.reader.interval + 1

    def visible(self, samples: Times, evaluations: Times) -> Mask:
        """Which samples (times of the writer) evaluations that are a stride apart may see."""
        recorded = samples + self.writer.shift
        index = np.searchsorted(evaluations, samples + self.reader.shift - self.stretch.ahead)
        first = np.append(evaluations, np.iinfo(np.int64).max)[index]
        visible: Mask = first > recorded if self.late else first >= recorded
        return visible
