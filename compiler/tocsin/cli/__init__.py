"""The command line: arguments and exit codes, nothing else.

Exit codes: 0 clean, 1 findings (or a stale `out`), 2 a wrong call or an input that cannot be read. Problems go to
standard error, results to standard output. Each half is imported by the commands that need it: the one that evaluates
loads numpy and numba, and the one that compiles takes a tenth of a second too.
"""

from __future__ import annotations

import os
import sys

import typer

from tocsin.cli import backtest, check, compile, explain, lsp, query, record, schema

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Declarative alert specs to Prometheus and Alertmanager files: noisy ones are refused, the rest is proved on "
    "recorded series. Every alert should require human action.",
)
app.command("check")(check.check)
app.command("compile")(compile.compile_)
app.command("backtest")(backtest.backtest)
app.command("record")(record.record)
app.command("query")(query.query)
app.command("explain")(explain.explain)
app.command("schema")(schema.schema)
app.command("lsp")(lsp.lsp)


def main() -> None:
    """The command line as a process: a reader that goes away ends it quietly."""
    try:
        app(prog_name="tocsin")
    except BrokenPipeError:
        # The reader has gone; nothing more is to be said, not even by the interpreter when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
