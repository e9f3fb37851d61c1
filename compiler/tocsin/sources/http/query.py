"""Prometheus's HTTP API to raw samples: instant queries of range vectors, whose windows are exact to the millisecond.

A window is open on the left in Prometheus 3 and closed in 2; one that begins a millisecond early, with what lies before
left out, holds the same samples in both.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import requests

from tocsin.diagnostics import Problem
from tocsin.labels import NAME
from tocsin.promql.ast import Matcher, MatrixSelector, VectorSelector
from tocsin.promql.match import accepts
from tocsin.promql.print import print_expr
from tocsin.series import STALE, Series
from tocsin.sources.api import warning
from tocsin.sources.export_line import rounded
from tocsin.sources.http.pieces import Matchers
from tocsin.sources.http.server import ForeignError, GarbledError, Server, TooMuchError
from tocsin.sources.runs import NORMAL_NAN, Runs, Tally, clipped, labels_of, settled
from tocsin.sources.time import LATEST

_QUERY = "/api/v1/query"
_NAMED = Matcher(NAME, "!=", "")
_WHOLE = {"partial_response": "false", "deny_partial_response": "1"}
"""Thanos and VictoriaMetrics leave out what is down unless told not to; the others ignore this."""


class QueryClient:
    """Asks by PromQL."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._victoria = False

    @property
    def notes(self) -> tuple[Problem, ...]:
        if self._victoria:
            return (rounded(self.server.name),)
        message = "the HTTP API has no staleness markers: a series that ended is seen until the look-back has passed"
        help = "use the server's data folder, or `remote-read+http://`, where that matters"
        return (warning("no-staleness", self.server.name, message, help),)

    def check(self) -> None:
        self._ask(_QUERY, {"query": "1", "time": "0"})

    def fetch(self, matchers: Matchers, start: int, end: int) -> tuple[Series, Tally]:
        text = print_expr(MatrixSelector(VectorSelector(None, sent(matchers)), end - start + 1))
        data = self._ask(_QUERY, {"query": text, "time": f"{end / 1000:.3f}", **_WHOLE})
        try:
            if data["data"]["resultType"] != "matrix":
                raise self.server.refuse("answers a range vector with something else", _QUERY)
            runs, histograms = _runs(data["data"]["result"], STALE if self._victoria else NORMAL_NAN)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise self.server.refuse(f"the answer is not a matrix of samples: {error!r}", _QUERY) from None
        series, tally = settled(runs)
        warnings = frozenset(str(one) for one in data.get("warnings") or ())
        return clipped(series, start, end), tally + Tally(histograms=histograms, warnings=warnings)

    def indexed(self, start: int, end: int) -> bool:
        form = {"start": f"{start / 1000:.3f}", "end": f"{end / 1000:.3f}", **_WHOLE}
        return bool(self._ask("/api/v1/labels", form)["data"])

    def sampled(self, start: int, end: int) -> bool:
        window = MatrixSelector(VectorSelector(None, (_NAMED,)), end - start + 1)
        query = f"count(last_over_time({print_expr(window)}))"
        try:
            data = self._ask(_QUERY, {"query": query, "time": f"{end / 1000:.3f}", **_WHOLE})["data"]
        except TooMuchError:
            return True
        return bool(data["result"])

    def _ask(self, path: str, form: dict[str, str]) -> Any:
        return self.server.ask(path, self._parsed, data=form, judge=judge)

    def _parsed(self, response: requests.Response) -> Any:
        # VictoriaMetrics alone sends this; it gives staleness markers as NaN, and has no other NaN.
        self._victoria = "X-Server-Hostname" in response.headers
        return _parsed(response)


def _parsed(response: requests.Response) -> Any:
    status, body = f"status {response.status_code}", response.content
    if "html" in response.headers.get("Content-Type", "") or body.lstrip()[:1] == b"<":
        raise ForeignError(f"{status} with a page of HTML, such as a login, not Prometheus's API")
    try:
        answer = _loaded(body)
    except ValueError as error:
        raise GarbledError(f"{status} with what is not JSON: {error}") from None
    if not isinstance(answer, dict) or answer.get("status") != "success" or "data" not in answer:
        raise ForeignError(f"{status} with JSON that is not Prometheus's API")
    if answer.get("isPartial"):
        raise GarbledError("the server says that its answer is not the whole")
    return answer


def _loaded(body: bytes) -> Any:
    """JSON without the collector of cyclic garbage, of which it has none: every sample is a list, and looking through
    all of them again and again takes three times as long as reading them.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return json.loads(body)
    finally:
        if collecting:
            gc.enable()


def sent(matchers: Sequence[Matcher]) -> Matchers:
    """Matchers that Prometheus takes: one of them must not accept a label that is not there."""
    every = tuple(matchers)
    return (*every, _NAMED) if all(accepts(matcher, "") for matcher in every) else every


def judge(response: requests.Response) -> None:
    """Raise TooMuchError where the server could not work it off: 422, or the time it gives itself ran out."""
    try:
        answer = response.json()
        kind, message = answer["errorType"], answer["error"]
    except (ValueError, KeyError, TypeError):
        if response.status_code == 422:
            raise TooMuchError("status 422") from None
        return
    if response.status_code == 422 or kind in ("timeout", "canceled"):
        raise TooMuchError(f"status {response.status_code}: {message}")


def _runs(result: Sequence[Any], nan: float) -> tuple[Runs, int]:
    """The samples of a matrix, with the NaN that "NaN" stands for, and how many native histograms are beside them."""
    runs, histograms = Runs.none(), 0
    for one in result:
        histograms += len(one.get("histograms") or ())
        pairs = one.get("values")
        if not pairs:
            continue
        seconds, texts = zip(*pairs, strict=True)
        # Three decimals of seconds up to the year 5138 are the nearest double, which is off by far less than 0.5 ms.
        times = np.rint(np.array(seconds, dtype=np.float64) * 1000)
        if not (np.abs(times) < LATEST * 1000).all():
            raise ValueError("a time after the year 5000")
        values = np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))
        values[np.isnan(values)] = nan
        runs.add(labels_of(one["metric"]), times.astype(np.int64), values)
    return runs, histograms
