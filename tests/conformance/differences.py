"""The evals of Prometheus's own scripts that the engine is known not to pass, each with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.conformance.run import Outcome


@dataclass(frozen=True, slots=True)
class Difference:
    """`count` evals of a script, of floats or of native histograms, whose expression `pattern` finds."""

    script: str
    floats: bool
    pattern: str
    count: int
    reason: str

    def explains(self, outcome: Outcome) -> bool:
        return (
            outcome.path.name == self.script
            and outcome.is_float == self.floats
            and re.search(self.pattern, outcome.command.expr) is not None
        )


NO_STARTS = "recordings have no start timestamps (Prometheus's feature flag `use-start-timestamps`)"

DIFFERENCES = (
    Difference("start_timestamps.test", True, r"\b(rate|irate|increase|resets)\((cumulative|delta)\[", 8, NO_STARTS),
    Difference("start_timestamps.test", False, r"\((cumulative|delta|series)\b", 10, NO_STARTS),
)
