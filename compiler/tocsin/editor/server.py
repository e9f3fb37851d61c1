"""The language server: what an editor asks for over standard input and output, to what the other modules know."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import BinaryIO

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from tocsin.diagnostics import Span
from tocsin.editor.actions import Action, actions
from tocsin.editor.check import TOOL, Checked, diagnostics
from tocsin.editor.complete import Choice, Known, allowable, complete, describe
from tocsin.editor.cursor import outline
from tocsin.editor.desk import Desk, Document
from tocsin.editor.hover import hover
from tocsin.editor.positions import Positions
from tocsin.pipeline.inputs import SETTINGS


class Server(LanguageServer):
    """The server of one editor. It says nothing of itself: a message may hold the text of a file, and a secret."""

    def __init__(self) -> None:
        # The whole text comes with each change: there is then no other idea of where a line ends than the editor's.
        super().__init__(TOOL, "", text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.desk = Desk(self.tell)
        self.was_shut_down = False

    def report_server_error(self, error: Exception, source: object) -> None:
        """A message that cannot be answered has an error for its answer, and that is all."""

    def positions(self, document: Document) -> Positions:
        """The places of a document as this editor counts them."""
        encoding = types.PositionEncodingKind(self.workspace.position_encoding or types.PositionEncodingKind.Utf16)
        return Positions(document.source, encoding)

    def tell(self, document: Document) -> None:
        """Sends what was found in a document."""
        if document.checked and self.desk.get(document.uri) is document:
            found = diagnostics(document.checked, self.positions(document))
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(document.uri, found, document.version)
            )


def serve() -> int:
    """Answers an editor until it says `exit` or goes away; the exit code: 0 where it has said `shutdown` before."""
    logging.disable()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the library waits for its input even when interrupted
    server = _with_features(Server())
    server.start_io(stdout=_own_output())
    server.desk.end()
    return 0 if server.was_shut_down else 1


def _own_output() -> BinaryIO:
    """Standard output for the protocol alone: whatever else is printed goes to standard error."""
    sys.stdout.flush()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return out


def _with_features(server: Server) -> Server:
    server.feature(types.TEXT_DOCUMENT_DID_OPEN)(_opened)
    server.feature(types.TEXT_DOCUMENT_DID_CHANGE)(_changed)
    server.feature(types.TEXT_DOCUMENT_DID_SAVE)(_saved)
    server.feature(types.TEXT_DOCUMENT_DID_CLOSE)(_closed)
    server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)(_files_changed)
    server.feature(types.TEXT_DOCUMENT_HOVER)(_hover)
    server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions([" ", "{", "[", ","]))(_completion)
    kinds = types.CodeActionOptions([types.CodeActionKind.QuickFix])
    server.feature(types.TEXT_DOCUMENT_CODE_ACTION, kinds)(_code_actions)
    server.feature(types.SHUTDOWN)(_shut_down)
    return server


def _opened(server: Server, params: types.DidOpenTextDocumentParams) -> None:
    document = params.text_document
    server.desk.open(document.uri, document.text, document.version)


def _changed(server: Server, params: types.DidChangeTextDocumentParams) -> None:
    if params.content_changes:
        text = params.content_changes[-1].text
        server.desk.change(params.text_document.uri, text, params.text_document.version)


def _saved(server: Server, params: types.DidSaveTextDocumentParams) -> None:
    if params.text_document.uri.endswith(f"/{SETTINGS}"):
        server.desk.check_all()


def _closed(server: Server, params: types.DidCloseTextDocumentParams) -> None:
    uri = params.text_document.uri
    if server.desk.get(uri):
        server.desk.close(uri)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


def _files_changed(server: Server, params: types.DidChangeWatchedFilesParams) -> None:  # noqa: ARG001 - the protocol
    server.desk.check_all()


def _shut_down(server: Server, params: None) -> None:  # noqa: ARG001 - the protocol's signature
    server.was_shut_down = True


async def _hover(server: Server, params: types.HoverParams) -> types.Hover | None:
    document = server.desk.get(params.text_document.uri)
    if document is None:
        return None
    checked = await server.desk.checked(document)
    offset = server.positions(document).offset(params.position)
    seen = outline(document.source.text, offset)
    described = describe(seen, in_settings=document.is_settings)
    parts = [text for text in (hover(checked, offset), described) if text]
    if not parts:
        return None
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "\n\n---\n\n".join(parts)))


async def _completion(server: Server, params: types.CompletionParams) -> list[types.CompletionItem]:
    document = server.desk.get(params.text_document.uri)
    if document is None:
        return []
    positions = server.positions(document)
    text, offset = positions.source.text, positions.offset(params.position)
    word, choices = allowable(text[text.rfind("\n", 0, offset) + 1 : offset])
    if not choices:
        seen = outline(text, offset)
        settings = document.settings or (await server.desk.checked(document)).inputs.settings
        choices = complete(Known(settings, seen, document.units), in_settings=document.is_settings)
        word = seen.cursor.word if seen.cursor else ""
    place = positions.range(offset - len(word), offset)
    return [_item(choice, place, order) for order, choice in enumerate(choices)]


def _item(choice: Choice, place: types.Range, order: int) -> types.CompletionItem:
    kind = types.CompletionItemKind.Property if choice.is_key else types.CompletionItemKind.Value
    documentation = types.MarkupContent(types.MarkupKind.Markdown, choice.meaning) if choice.meaning else None
    return types.CompletionItem(
        choice.name,
        kind=kind,
        documentation=documentation,
        sort_text=f"{order:04}",
        filter_text=choice.name,
        text_edit=types.TextEdit(place, choice.text),
    )


async def _code_actions(server: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    document = server.desk.get(params.text_document.uri)
    if document is None:
        return []
    checked = await server.desk.checked(document)
    positions = server.positions(document)
    start, end = positions.offset(params.range.start), positions.offset(params.range.end)
    return [_code_action(one, checked, positions, document) for one in actions(checked, start, end)]


def _code_action(action: Action, checked: Checked, positions: Positions, document: Document) -> types.CodeAction:
    edit = types.TextEdit(_range(positions, action.edit.span), action.edit.replacement)
    index = checked.problems.index(action.problem)
    return types.CodeAction(
        action.title,
        types.CodeActionKind.QuickFix,
        [diagnostics(checked, positions)[index]],
        is_preferred=action.preferred,
        edit=types.WorkspaceEdit({document.uri: [edit]}),
    )


def _range(positions: Positions, span: Span) -> types.Range:
    return positions.range(span.start, span.end)
