"""VictoriaMetrics's `/api/v1/export` to samples with their staleness markers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import requests

from tocsin.diagnostics import Problem
from tocsin.labels import NAME
from tocsin.promql.ast import Matcher, VectorSelector
from tocsin.promql.print import print_expr
from tocsin.series import Series
from tocsin.sources.export_line import NotExportedError, parse_line, rounded
from tocsin.sources.http.pieces import Matchers
from tocsin.sources.http.query import QueryClient, judge, sent
from tocsin.sources.http.server import Answer, ForeignError, GarbledError, Server
from tocsin.sources.runs import Runs, Tally, clipped, settled

_PATH = "/api/v1/export"


class ExportClient:
    """Asks for an export."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.notes: tuple[Problem, ...] = (rounded(server.name),)

    def check(self) -> None:
        self.fetch((Matcher(NAME, "=", "up"),), 0, 0)

    def fetch(self, matchers: Matchers, start: int, end: int) -> tuple[Series, Tally]:
        series, tally = settled(self._ask(matchers, start, end, _runs))
        return clipped(series, start, end), tally

    def indexed(self, start: int, end: int) -> bool:
        return QueryClient(self.server).indexed(start, end)

    def sampled(self, start: int, end: int) -> bool:
        return self._ask((), start, end, lambda response: any(map(bytes.strip, _content(response))))

    def _ask(self, matchers: Matchers, start: int, end: int, take: Callable[[requests.Response], Answer]) -> Answer:
        form = {
            "match[]": print_expr(VectorSelector(None, sent(matchers))),
            "start": f"{start / 1000:.3f}",
            "end": f"{end / 1000:.3f}",
            "deny_partial_response": "1",
        }
        return self.server.ask(_PATH, take, data=form, judge=judge)


def _content(response: requests.Response) -> Iterator[bytes]:
    if "html" in response.headers.get("Content-Type", ""):
        raise ForeignError(f"status {response.status_code} with a page of HTML, not an export")
    return response.iter_content(1 << 20)


def _runs(response: requests.Response) -> Runs:
    runs, body = Runs.none(), b"".join(_content(response))
    if body and not body.endswith(b"\n"):
        raise GarbledError("the answer ends in the middle of a line")
    for number, line in enumerate(body.split(b"\n"), 1):
        if line.strip():
            try:
                runs.add(*parse_line(line))
            except NotExportedError as error:
                raise GarbledError(f"status {response.status_code} with no export, line {number}: {error}") from None
    return runs
