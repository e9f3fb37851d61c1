"""A short run of the fuzz test: random expressions, answered by the engine and by a live Prometheus 2.42.

`python -m tests.fuzz` is the long one. TOCSIN_FUZZ_SEED chooses the second seed.
"""

from __future__ import annotations

import os

import pytest
from tests.fuzz.run import fuzz

SEEDS = (7, int(os.environ.get("TOCSIN_FUZZ_SEED", "8")))


@pytest.mark.live("prometheus")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_engine_agrees_with_prometheus_on_random_expressions(seed: int) -> None:
    tally = fuzz(200, seed, print)
    assert not tally.differences, f"seed {seed}:\n" + "\n".join(map(str, tally.differences))
    assert not tally.refused, f"seed {seed}: {tally.refused}"
    assert tally.filled > 0.5 * tally.count, f"seed {seed}: too little was found to compare\n{tally}"
