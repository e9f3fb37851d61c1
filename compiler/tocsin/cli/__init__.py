"""The command line: arguments and exit codes, nothing else.

Exit codes: 0 clean, 1 findings (or a stale `out`), 2 a wrong call or an input that cannot be read. Problems go to
standard error, results to standard output. Each half is imported by the commands that need it: the one that evaluates
loads numpy and kernels, and the one that compiles takes a tenth of a second too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

COMMANDS = ("check", "compile", "backtest", "record", "query", "explain", "schema", "lsp")
"""In the order in which help lists them. Each is the function of its name in the module of its name."""


class _Modules(Mapping[str, Any]):
    """Commands by name: a module is imported, and its options are read, when its command is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        alone.command(name)(getattr(import_module(f"tocsin.cli.{name}"), name))
        return get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "commands": _Modules()})


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Declarative alert specs to Prometheus and Alertmanager files: noisy ones are refused, the rest is proved on "
    "recorded series. Every alert should require human action.",
)


def _version(asked: bool) -> None:
    """Prints the version of the installed package, and ends."""
    if not asked:
        return
    from importlib.metadata import PackageNotFoundError, version  # 30 ms, which no command waits for

    try:
        print(f"tocsin {version('tocsin')}")
    except PackageNotFoundError:
        raise typer.BadParameter("tocsin runs from its source, and is not installed: only a package has one") from None
    raise typer.Exit


@app.callback()
def tocsin(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What stands before a command."""


def main() -> None:
    """The command line as a process: a reader that goes away ends it quietly."""
    try:
        try:
            app(prog_name="tocsin")
        finally:
            sys.stdout.flush()
    except OSError as error:
        # What is left can go nowhere; nothing is to be said of it, not even by the interpreter when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(1) from None
        with suppress(OSError):
            sys.stderr.write(f"tocsin: cannot write: {error.strerror or error}\n")
        raise SystemExit(2) from None
