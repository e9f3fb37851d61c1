"""Wall-clock times: of a call, of a `tocsin` process, of Python's start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

ENOUGH = 3.0
"""Seconds after which nothing is run again for a better time."""


def least(call: Callable[[], object], runs: int = 3) -> float:
    """The least time of a few runs of `call`; a slow one is run once. Whoever is timed gets the same rule."""
    times: list[float] = []
    while len(times) < runs and sum(times) < ENOUGH:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def process(*arguments: str, env: Mapping[str, str] | None = None) -> float:
    """The time of one `tocsin` process, which must not fail."""
    start = time.perf_counter()
    answer(*arguments, env=env)
    return time.perf_counter() - start


def answer(*arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What a `tocsin` process prints, which must not fail; its modules are compiled once, as they are anywhere."""
    inherited = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", *arguments],
        capture_output=True,
        text=True,
        env={**inherited, **(env or {})},
        check=False,
    )
    if done.returncode:
        sys.exit(f"tocsin {' '.join(arguments)} ended with {done.returncode}\n{done.stderr}")
    return done.stdout


def interpreter() -> float:
    """The time that Python takes to start and to do nothing."""
    return least(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), 5)
