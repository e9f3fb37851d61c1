"""`python -m tocsin`, and the console script: Ctrl-C ends it quietly, also while it is still being imported."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130

SELDOM = 200_000
"""New objects before the interpreter looks for garbage among them, in place of 700.

What a command imports and reads lives until it ends: to look through it again and again took 90 ms of a query.
"""


class _Interrupt:
    """Raises KeyboardInterrupt as Python does, and remembers: a library that is being imported may swallow it."""

    def __init__(self) -> None:
        self.came = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        self.came = True
        sys.unraisablehook = lambda _: None  # what a library cannot pass on, Python would print
        raise KeyboardInterrupt


def _leave(code: int) -> NoReturn:
    """End at once: what the process holds the system takes back faster than the interpreter takes it apart.

    And a KeyboardInterrupt that passed through `exec` of a text (a dataclass that is being made) marks the process as
    killed: the interpreter's own way out would then end it by the signal in place of the exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # whoever read it has gone
            stream.flush()
    os._exit(code)


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(SELDOM)
    # The threads of numpy's linear algebra, which nothing here calls: they would spin for a tenth of a second a core.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    interrupt = _Interrupt()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    code = 0
    try:
        from tocsin.cli import main as run

        run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as end:
        code = int(end.code or 0)
    _leave(INTERRUPTED if interrupt.came else code)


if __name__ == "__main__":
    main()
