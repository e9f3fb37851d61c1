"""`python -m tocsin`, and the console script: Ctrl-C ends it quietly, also while it is still being imported."""

from __future__ import annotations

import signal
from types import FrameType

INTERRUPTED = 130


class _Interrupt:
    """Raises KeyboardInterrupt as Python does, and remembers: a library that is being imported may swallow it."""

    def __init__(self) -> None:
        self.came = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        self.came = True
        raise KeyboardInterrupt


def main() -> None:
    """Run the command line and leave with its exit code."""
    interrupt = _Interrupt()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    try:
        from tocsin.cli import main as run

        run()
    except (KeyboardInterrupt, SystemExit) as end:
        if interrupt.came or isinstance(end, KeyboardInterrupt):
            raise SystemExit(INTERRUPTED) from None
        raise


if __name__ == "__main__":
    main()
