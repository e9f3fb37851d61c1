"""`tocsin lsp`: the language server, which an editor starts."""

from __future__ import annotations

import typer

from tocsin.cli.console import wrong_call


def lsp() -> None:
    """Serve an editor over standard input and output: problems as one types, hover, completion, quick fixes."""
    try:
        from tocsin.editor.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise wrong_call("the language server needs pygls: pip install 'tocsin[lsp]'") from None
    raise typer.Exit(serve())
