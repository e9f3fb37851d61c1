"""Functions of one and two numbers with the bits that Go computes: random and special numbers, asked of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from tests.oracle_numbers import bits_of
from tests.prometheus import Prometheus, prometheus

from tocsin.engine.arithmetic import ARITHMETIC
from tocsin.functions.elementwise import COMPILED
from tocsin.labels import from_mapping, get
from tocsin.series import Values

TIME = 1_700_000_000_000

EDGES = [
    *(0.0, 5e-324, 1e-310, 2.0**-1022, 2.0**-54, 2.0**-29, 2.0**-28, 0.5, 0.625, 0.66, 0.7, 1.0 - 2.0**-53, 1.0),
    *(1.0 + 2.0**-52, 2.0, 2.414213562373095, 2.0**0.5 - 1.0, 1.0 - 0.5**0.5, 21.0, 44.0148, 44.015, 708.5),
    *(709.78, 709.79, 745.0, 746.0, 2.0**29 - 1.0, 2.0**29, 2.0**30, 2.0**53, 2.0**54, 1e22, 1e300, 2.0**1023),
    *(np.pi * eighths / 8.0 for eighths in range(1, 17)),
    *(2.0**exponent for exponent in range(31, 1023, 37)),
    *(float("inf"), float("nan")),
]
"""Where a method begins or ends, and what it treats apart."""


def numbers(seed: int) -> Values:
    rng = np.random.default_rng(seed)
    sign = rng.choice([-1.0, 1.0], 400)
    return np.concatenate(
        [
            np.array(EDGES),
            -np.array(EDGES),
            rng.normal(size=400),
            rng.uniform(-1, 1, 400),
            rng.uniform(-30, 30, 400),
            rng.uniform(-750, 715, 200),
            1.0 + np.exp(rng.uniform(-36, 1, 200)),
            sign * np.exp(rng.uniform(-700, 700, 400)),
            sign * rng.uniform(1, 2, 400) * 2.0 ** rng.integers(28, 1023, 400),
        ]
    )


X = numbers(1)
Y = np.random.default_rng(2).permutation(numbers(3))


@pytest.fixture(scope="module")
def live() -> Iterator[Prometheus]:
    """Serves `x` and `y`, a series for each number."""
    data = {
        from_mapping({"__name__": name, "i": str(i)}): [(TIME, float(value))]
        for name, values in (("x", X), ("y", Y))
        for i, value in enumerate(values)
    }
    with prometheus(data) as server:
        yield server


def check(live: Prometheus, text: str, got: Values) -> None:
    answer = live.query(text, TIME)
    assert isinstance(answer, dict)
    assert len(answer) == len(X)
    expected = {int(get(labels, "i")): value for labels, value in answer.items()}
    wrong = [(X[i], Y[i], got[i], expected[i]) for i in range(len(X)) if bits_of(got[i]) != bits_of(expected[i])]
    assert not wrong, f"{len(wrong)} of {text} differ, such as {wrong[:3]}"


@pytest.mark.live("prometheus", "promtool")
@pytest.mark.parametrize("name", COMPILED)
def test_functions_have_the_bits_of_go(live: Prometheus, name: str) -> None:
    got = np.empty(len(X))
    COMPILED[name](X, got)
    check(live, f"{name}(x)", got)


@pytest.mark.live("prometheus", "promtool")
@pytest.mark.parametrize("op", ["^", "%", "atan2"])
def test_operators_have_the_bits_of_go(live: Prometheus, op: str) -> None:
    with np.errstate(all="ignore"):
        check(live, f"x {op} y", ARITHMETIC[op](X, Y))
