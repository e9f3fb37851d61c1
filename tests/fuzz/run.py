"""A seed and a count to a tally of what was compared and of what differed."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.evaluations import recording
from tests.fuzz.answers import Case, Refused
from tests.fuzz.compare import Difference, compare
from tests.fuzz.exceptions import has_moving_window
from tests.fuzz.grammar import Grammar
from tests.fuzz.shrink import shrink
from tests.fuzz.world import MINUTES, START, world
from tests.prometheus import Prometheus, written

from tocsin.promql.ast import Subquery
from tocsin.sources.memory import MemoryRecording

ENOUGH = 25
"""Differences after which a run ends: so many have one cause, and it takes long to shrink them."""

PER_WORLD = 1000
"""Expressions that are asked of one set of samples; a new one needs a new server."""

NAMES = re.compile(
    r"\b([a-z_0-9]+)(?= *\(| by | without )|\b(and|or|unless|group_left|group_right|bool|offset|atan2)\b|@|\[[^\]]*:"
)
STEPS = (60_000, 60_000, 15_000, 47_000, 300_000, 1_000, 223_000)


@dataclass
class Tally:
    count: int = 0
    queries: int = 0
    samples: int = 0
    filled: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    exceptions: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.count:
            return "nothing compared"
        asked = f"{self.count} expressions, {self.queries} queries, {self.samples} samples"
        lines = [
            f"{len(self.differences)} differences in {asked}",
            f"{self.filled / self.count:.1%} of the expressions found samples, {self.failed / self.count:.1%} failed",
        ]
        for title, counter in (("refused", self.refused), ("exception", self.exceptions)):
            lines += [f"{title}: {name}: {number}" for name, number in counter.most_common()]
        return "\n".join([*lines, "used: " + ", ".join(f"{name} {number}" for name, number in self.used.most_common())])


def fuzz(count: int, seed: int, tell: Callable[[Difference], None]) -> Tally:
    """Compare `count` expressions, or fewer if they differ; every difference is told at once, and shrunk."""
    tally = Tally()
    for first in range(0, count, PER_WORLD):
        own = seed * 1_000_003 + first
        with served(own) as (server, recording):
            for case in cases(own, min(PER_WORLD, count - first)):
                if len(tally.differences) >= ENOUGH:
                    return tally
                _try(case, server, recording, tally, tell)
    return tally


@contextmanager
def served(seed: int) -> Iterator[tuple[Prometheus, MemoryRecording]]:
    data = world(seed)
    with written(data) as server:
        yield server, recording(data)


def cases(seed: int, count: int) -> Iterator[Case]:
    """The same expressions and grids for the same seed."""
    rng = random.Random(seed)
    grammar = Grammar(rng)
    for _ in range(count):
        text = grammar.expression()
        while has_moving_window(text, within=Subquery):  # it moves in an instant query too, and nothing tells where to
            text = grammar.expression()
        step = rng.choice(STEPS)
        length = rng.randrange(4, 25)
        start = (0 if rng.random() < 0.02 else START) + rng.choice([0, 60_000, 1, rng.randrange(60_000)])
        start += rng.randrange(-3, MINUTES + 3) * 60_000
        at = sorted(rng.sample(range(length), min(length, 3)))
        yield Case(text, start, start + (length - 1) * step, step, tuple(start + k * step for k in at))


def _try(
    case: Case, server: Prometheus, recording: MemoryRecording, tally: Tally, tell: Callable[[Difference], None]
) -> None:
    tally.count += 1
    tally.used.update(
        found[0] if len(found[0]) > 1 and "[" not in found[0] else found[0][0] for found in NAMES.finditer(case.text)
    )
    try:
        verdict = compare(case, server, recording)
    except Refused as refused:
        tally.refused[str(refused)] += 1
        return
    tally.queries += verdict.queries
    tally.samples += verdict.samples
    tally.filled += verdict.samples > 0
    tally.failed += verdict.failed > 0
    tally.exceptions.update(set(verdict.exceptions))
    if verdict.differences:
        difference = smallest(verdict.differences[0], server, recording)
        tally.differences.append(difference)
        tell(difference)


def smallest(difference: Difference, server: Prometheus, recording: MemoryRecording) -> Difference:
    """The difference of the smallest part of its expression that has one."""
    found = [difference]

    def differs(text: str) -> bool:
        case = difference.case
        try:
            differences = compare(
                Case(text, case.start, case.end, case.step, case.instants), server, recording
            ).differences
        except Refused:
            return False
        found.extend(differences[:1])
        return bool(differences)

    shrink(difference.case.text, differs)
    return found[-1]
