"""How long things take on this machine, beside Prometheus and VictoriaMetrics; fails where results disagree.

python -m tests.bench                                       all of it (`make bench`)
python -m tests.bench rules --series 100 --days 7 --only rate
python -m tests.bench processes --folder /var/tmp/bench     keep the load there for the next time
python -m tests.bench commands
python -m tests.bench objectives                            beside Sloth's and Pyrra's rules
"""

from __future__ import annotations

import argparse
import sys

from tests.bench import commands, decode, evaluate, memory, objectives, processes

PARTS = ("commands", "decode", "rules", "processes", "objectives", "memory")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=PARTS, help="default: all")
    parser.add_argument("--series", type=int, help="series of each metric (decode, rules: 100, processes: 1000)")
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--only", default="", help="only the sets of rules with this in their name")
    parser.add_argument("--folder", help="where the load is, or is kept for the next time; one for each size")
    chosen = parser.parse_args()
    agreed = True
    if chosen.part in (None, "commands"):
        commands.run()
    if chosen.part in (None, "decode"):
        agreed &= decode.run(chosen.series or 100, chosen.days)
    if chosen.part in (None, "rules"):
        agreed &= evaluate.run(chosen.series or 100, chosen.days, chosen.only, chosen.folder)
    if chosen.part in (None, "processes"):
        agreed &= processes.run(chosen.series or 1000, chosen.days, chosen.only, chosen.folder)
    cheap = chosen.part not in (None, "objectives") or objectives.run(chosen.series or 100)
    if not agreed:
        sys.exit("a result differs from Prometheus's, or what is read from what was written")
    if not cheap:
        sys.exit("an objective's rules read more than a tenth of the samples that Sloth's read")
    if chosen.part in (None, "memory"):
        memory.main()  # leaves with 1 where it took too much


if __name__ == "__main__":
    main()
