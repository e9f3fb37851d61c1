"""Run Prometheus's PromQL test scripts: `python -m tests.conformance PATH...`, files or folders of `.test`.

A line for each eval that fails, and `N passed, N failed` at the end; exit code 1 where one failed. An eval passes when
all the variants pass that Prometheus's own runner tries: with `@` written into every selector, at other times, and in
the middle of a range query. `--summary` counts failures by file and by reason; `--floats` leaves out the evals that
have to do with native histograms.

What is expected of annotations (`expect warn`, `no_warn`, `info`, `no_info`) is read and not compared: the engine
has none. The values beside them are.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.conformance.run import Outcome, run, scripts
from tests.conformance.script import ScriptError


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--summary", action="store_true", help="count the failures by file and by reason")
    parser.add_argument("--floats", action="store_true", help="only evals without native histograms")
    options = parser.parse_args(arguments)
    outcomes: list[Outcome] = []
    try:
        for path in scripts(options.paths):
            for outcome in run(path):
                if outcome.is_float or not options.floats:
                    outcomes.append(outcome)
                    if outcome.mismatch is not None:
                        print(outcome, flush=True)
    except (OSError, ScriptError) as error:
        print(f"{path}:{error}", file=sys.stderr)
        return 2
    if options.summary:
        _summarise(outcomes)
    return _close(outcomes)


def _summarise(outcomes: Sequence[Outcome]) -> None:
    print(f"\n{'':<28}{'floats':>16}{'histograms':>16}")
    for path in dict.fromkeys(outcome.path for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.path == path]
        floats, histograms = (_ratio([one for one in own if one.is_float is kind]) for kind in (True, False))
        print(f"{path.name:<28}{floats:>16}{histograms:>16}")
    reasons = Counter(outcome.mismatch.reason for outcome in outcomes if outcome.mismatch is not None)
    print()
    for reason, count in reasons.most_common():
        print(f"{count:6}  {reason}")


def _ratio(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(one.mismatch is None for one in outcomes)} of {len(outcomes)}"


def _close(outcomes: Sequence[Outcome]) -> int:
    for kind, name in ((True, "floats"), (False, "native histograms")):
        print(f"{name}: {_ratio([one for one in outcomes if one.is_float is kind])}")
    failed = sum(outcome.mismatch is not None for outcome in outcomes)
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
