"""How long the commands on specs take, as whole processes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from tests.bench.clock import process
from tests.bench.specs import write_specs

MANY = 1000
RUNS = 10


def row(what: str, taken: list[float]) -> None:
    print(f"{what:<44}{median(taken):8.3f} s   (of {len(taken)}: {min(taken):.3f} to {max(taken):.3f})", flush=True)


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, many, out = (str(Path(folder, name)) for name in ("one", "many", "out"))
        write_specs(Path(one), 1)
        write_specs(Path(many), MANY)
        row("check, one spec", [process("check", one) for _ in range(RUNS)])
        row("compile, one spec", [process("compile", one, "-o", out) for _ in range(RUNS)])
        row(f"check, {MANY} specs", [process("check", many)])
        row(f"compile, {MANY} specs", [process("compile", many, "-o", out)])
