"""An expression to how the engine and Prometheus differ on it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tests.fuzz.answers import Answer, Case, agree, asked, depends_on_ends, engine, step, told
from tests.fuzz.exceptions import EXCEPTIONS, order_is_open
from tests.prometheus import Prometheus, Rows

from tocsin.engine.semantics import Result
from tocsin.series import Recording


@dataclass(frozen=True)
class Difference:
    case: Case
    query: str
    expected: Answer
    got: Answer

    def __str__(self) -> str:
        case = self.case
        lines = [f"{self.query}: {case.text}", f"  start={case.start} end={case.end} step={case.step}"]
        if isinstance(self.expected, str) or isinstance(self.got, str):
            told = (
                answer if isinstance(answer, str) else f"{len(answer)} samples" for answer in (self.expected, self.got)
            )
            return "\n".join([*lines, "  expected {}\n  got {}".format(*told)])
        if self.expected == self.got:
            shown = [[dict(labels) for labels, _time in answer] for answer in (self.expected, self.got)]
            return "\n".join([*lines, "  expected {}\n  got {}".format(*shown)])
        keys = sorted(key for key in self.expected | self.got if self.expected.get(key) != self.got.get(key))
        for key in keys[:4]:
            expected, got = self.expected.get(key), self.got.get(key)
            lines.append(f"  {dict(key[0])} at {key[1]}: expected {_number(expected)}, got {_number(got)}")
        return "\n".join([*lines, f"  {len(keys)} of {len(self.expected | self.got)} samples differ"])


@dataclass
class Verdict:
    """What comparing a case found: differences, the names of the exceptions, whether there were samples or errors."""

    differences: list[Difference] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    samples: int = 0
    failed: int = 0
    queries: int = 0


def compare(case: Case, server: Prometheus, recording: Recording) -> Verdict:
    """Ask for the range and the instants; raises Refused."""
    verdict = Verdict()
    whole = engine(case, recording, ends=(case.start, case.end))
    _judge(verdict, case, "range", partial(server.range, case.text, case.start, case.end, case.step), whole, server)
    steps = engine(case, recording, ends=None) if depends_on_ends(case.text) else whole
    for at in case.instants:
        ask = partial(server.instant, case.text, at)
        expected = _judge(verdict, case, f"instant {at}", ask, step(steps, at), server)
        if expected is not None:
            own = told(engine(Case(case.text, at, at, 1, ()), recording, ends=None))
            _judge_order(verdict, case, at, expected, own, server)
    return verdict


def _judge_order(verdict: Verdict, case: Case, at: int, expected: Answer, got: Answer, server: Prometheus) -> None:
    """The series of an instant query stand in the order in which Prometheus has them."""
    if not agree(expected, got):
        verdict.differences.append(Difference(case, f"instant {at}, alone", expected, got))
    elif isinstance(expected, dict) and list(expected) != list(got):
        exception = order_is_open(case, at, got, server)
        if exception:
            verdict.exceptions.append(exception)
        else:
            verdict.differences.append(Difference(case, f"order at {at}", expected, got))


def _judge(
    verdict: Verdict, case: Case, query: str, ask: Callable[[], Rows], result: Result | str, server: Prometheus
) -> Answer | None:
    """Prometheus's answer, if it is the engine's too."""
    expected, got = asked(ask), told(result)
    verdict.queries += 1
    verdict.failed += isinstance(expected, str)
    verdict.samples += 0 if isinstance(expected, str) else len(expected)
    if agree(expected, got):
        return expected
    for name, holds in EXCEPTIONS.items():
        if holds(case, query, ask, expected, got, server):
            verdict.exceptions.append(name)
            return None
    verdict.differences.append(Difference(case, query, expected, got))
    return None


def _number(bits: bytes | None) -> str:
    return "nothing" if bits is None else "NaN" if bits == b"NaN" else repr(struct.unpack(">d", bits)[0])
