"""`python -m tests.rule_groups --count 2000 --seed 1`: rule groups against promtool; exit code 1 if they differ."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.rule_groups.compare import Tally, compare

_BATCH = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.rule_groups", description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="how many random cases of one to three groups")
    parser.add_argument("--seed", type=int, default=1, help="the first case; each has the next number")
    arguments = parser.parse_args()
    began, tally, shown = time.monotonic(), Tally(), 0
    for first in range(arguments.seed, arguments.seed + arguments.count, _BATCH):
        seeds = range(first, min(first + _BATCH, arguments.seed + arguments.count))
        with tempfile.TemporaryDirectory() as folder:
            compare(seeds, Path(folder), tally)
        print("\n".join(tally.differences[shown:]), end="\n" * (len(tally.differences) > shown), flush=True)
        shown = len(tally.differences)
    print(
        f"seeds {arguments.seed} to {arguments.seed + arguments.count - 1}, {time.monotonic() - began:.0f} s\n{tally}"
    )
    return bool(tally.differences)


if __name__ == "__main__":
    sys.exit(main())
