"""How long the commands take: whole processes, as `make bench` on this machine; nothing is asserted."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.bench.specs import write_specs

MANY = 1000
RUNS = 10


def seconds(*arguments: str) -> float:
    """The wall-clock time of one `tocsin` process, which must succeed."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "tocsin", *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"tocsin {' '.join(arguments)} ended with {done.returncode}\n{done.stderr}")
    return time.perf_counter() - start


def row(what: str, taken: list[float]) -> None:
    print(f"{what:<44}{median(taken):8.3f} s   (of {len(taken)}: {min(taken):.3f} to {max(taken):.3f})", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, many, out = (str(Path(folder, name)) for name in ("one", "many", "out"))
        write_specs(Path(one), 1)
        write_specs(Path(many), MANY)
        row("check, one spec", [seconds("check", one) for _ in range(RUNS)])
        row("compile, one spec", [seconds("compile", one, "-o", out) for _ in range(RUNS)])
        row(f"check, {MANY} specs", [seconds("check", many)])
        row(f"compile, {MANY} specs", [seconds("compile", many, "-o", out)])


if __name__ == "__main__":
    main()
