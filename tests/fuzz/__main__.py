"""`python -m tests.fuzz --count 20000 --seed 1`: the engine against a live Prometheus; exit code 1 if they differ."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.run import fuzz


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="how many expressions")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same expressions and samples")
    arguments = parser.parse_args()
    began = time.monotonic()
    tally = fuzz(arguments.count, arguments.seed, lambda difference: print(difference, flush=True))
    print(f"seed {arguments.seed}, {time.monotonic() - began:.0f} s\n{tally}")
    return bool(tally.differences or tally.refused)


if __name__ == "__main__":
    sys.exit(main())
