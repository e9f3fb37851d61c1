"""What a command tells those who called it: its problems with an exit code, a wrong call, what it waits for."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from tocsin.diagnostics import Problem, ProblemError, Problems, Source, printable
from tocsin.report import problems as reporting


@contextmanager
def reported(problems: Problems) -> Iterator[None]:
    """Shows the problems at the end of a command, and leaves with the exit code that they ask for."""
    try:
        yield
    except ProblemError as error:
        problems.add(error.problem)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        source = Source(str(error.filename or "output"), "")
        problems.add(Problem("input/write", f"cannot write: {error.strerror or error}", source.span()))
    except MemoryError:
        problems.add(Problem("input/too-large", "needs more memory than there is", Source("<memory>", "").span()))
    reporting.write(problems, sys.stderr)
    if problems.exit_code:
        raise typer.Exit(problems.exit_code)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cyclic garbage: all that a compiler makes lives until its end, and to look through the
    rules of a thousand objectives again and again takes a quarter of the time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def wrong_call(message: str) -> typer.BadParameter:
    """A mistake in the arguments, to be raised."""
    return typer.BadParameter(printable(message))


def shown(line: str) -> str:
    """A line of a file as a terminal may show it."""
    return printable(line.removesuffix("\n").expandtabs()) + "\n"


def announce_compiling() -> None:
    """On a terminal, say what the first evaluation on a machine waits for."""
    from tocsin.kernels.compile import before_compiling

    if sys.stderr.isatty():
        before_compiling(lambda: print("compiling the kernels, once on this machine ...", file=sys.stderr, flush=True))
