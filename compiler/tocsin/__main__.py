"""`python -m tocsin`, and the console script: Ctrl-C ends it quietly, also while it is still being imported."""

from __future__ import annotations

import _thread
import contextlib
import gc
import io
import os
import signal
import sys
from threading import Timer
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130

SELDOM = 200_000
"""New objects before the interpreter looks for garbage among them, in place of 700.

What a command imports and reads lives until it ends: to look through it again and again took 90 ms of a query.
"""


class _Interrupt:
    """Raises KeyboardInterrupt as Python does, and remembers: a library that is being imported may swallow it.

    Where the process is leaving nobody would catch it, and what it waits for is a reader that may never read.
    """

    def __init__(self) -> None:
        self.came = self.leaving = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        if self.leaving:
            os._exit(INTERRUPTED)
        self.came = True
        sys.unraisablehook = _again  # Python would print what a library cannot pass on, and go on
        raise KeyboardInterrupt


def _again(lost: sys.UnraisableHookArgs) -> None:
    """Interrupt once more in a moment: LLVM, which takes seconds for the first kernels, passes nothing on."""
    if lost.exc_type is KeyboardInterrupt:
        Timer(0.01, _thread.interrupt_main).start()


def _open_streams() -> None:
    """A stream that the caller has closed takes what is written nowhere, and no file that is opened gets its number.

    Any text can be written: UTF-8 to a file or a pipe, whatever the locale, and as escapes what a terminal lacks.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _leave(code: int) -> NoReturn:
    """End at once: what the process holds the system takes back faster than the interpreter takes it apart.

    And a KeyboardInterrupt that passed through `exec` of a text (a dataclass that is being made) marks the process as
    killed: the interpreter's own way out would then end it by the signal in place of the exit code.
    """
    if code != INTERRUPTED:  # else what is left is what nobody would read
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):  # whoever read it has gone
                stream.flush()
    os._exit(code)


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(SELDOM)
    _open_streams()
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
    interrupt.leaving = True
    _leave(INTERRUPTED if interrupt.came else code)


if __name__ == "__main__":
    main()
