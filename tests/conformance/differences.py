"""The float evals of Prometheus's own scripts that the engine is known not to pass, each with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.script import Eval


@dataclass(frozen=True, slots=True)
class Difference:
    """`count` evals of a script whose expression `pattern` finds."""

    script: str
    pattern: str
    count: int
    reason: str

    def explains(self, path: Path, command: Eval) -> bool:
        return path.name == self.script and re.search(self.pattern, command.expr) is not None


NO_STARTS = "recordings have no start timestamps (Prometheus's feature flag `use-start-timestamps`)"

DIFFERENCES = (
    Difference("start_timestamps.test", r"\b(rate|irate|increase|resets)\((cumulative|delta)\[", 8, NO_STARTS),
)
