"""The episodes of an alerting rule to the series that Prometheus writes of them: `ALERTS` and `ALERTS_FOR_STATE`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from tocsin.alerts.recorded import WRITTEN_BY_ALERTS, Columns
from tocsin.alerts.timeline import Episode
from tocsin.labels import NAME, Labels, from_mapping
from tocsin.rules import AlertingRule
from tocsin.series import STALE, Times, Values

Piece: TypeAlias = tuple[int, int, float]
"""The evaluations from the first to before the second, by their place among those that wrote, and what they wrote."""

Written: TypeAlias = tuple[int, Times]


def state_labels(rule: AlertingRule, labels: Labels, state: str | None) -> Labels:
    """The labels of a series that tells of an alert: `ALERTS` in a state, or `ALERTS_FOR_STATE`.

    They begin with those of the rule as they are written, so that a template that expands to nothing shows
    (rules/alerting.go `sample`).
    """
    name = WRITTEN_BY_ALERTS[state is None]
    own = {"alertname": rule.name} | ({} if state is None else {"alertstate": state})
    return from_mapping({**rule.labels, **dict(labels), NAME: name, **own})


def states(rule: AlertingRule, episodes: Sequence[Episode], written: Sequence[Written], shift: int) -> Columns:
    """The series of a rule, their samples `shift` (the query offset) before the evaluations.

    `written` are, for each life of the server, its first evaluation and the times of those that wrote samples, as those
    do not that fail.
    """
    parts: defaultdict[Labels, list[tuple[Times, Values]]] = defaultdict(list)
    nexts = [*(first for first, _ in written[1:]), None]
    for (first, wrote), end in zip(written, nexts, strict=True):
        pieces: defaultdict[Labels, list[Piece]] = defaultdict(list)
        for episode in episodes:
            if _within(episode, first, end):
                for labels, piece in _pieces(rule, episode, wrote):
                    pieces[labels].append(piece)
        for labels, own in pieces.items():
            parts[labels].append(_samples(own, wrote))
    return {labels: (*_joined(own, shift), None) for labels, own in parts.items()}


def _within(episode: Episode, first: int, end: int | None) -> bool:
    """Whether an episode is of the life that begins at `first`; a restored one may say that it began before."""
    if episode.resolved is None:
        return end is None
    return first < episode.resolved and (end is None or episode.resolved <= end)


def _pieces(rule: AlertingRule, episode: Episode, wrote: Times) -> Iterator[tuple[Labels, Piece]]:
    """What an episode writes, by series."""
    start = int(np.searchsorted(wrote, episode.pending))
    end = len(wrote) if episode.resolved is None else int(np.searchsorted(wrote, episode.resolved))
    fires = end if episode.firing is None else max(start, int(np.searchsorted(wrote, episode.firing)))
    found = (
        ("pending", (start, fires, 1.0)),
        ("firing", (fires, end, 1.0)),
        (None, (start, end, float(episode.pending // 1000))),
    )
    for state, piece in found:
        if piece[0] < piece[1]:
            yield state_labels(rule, episode.labels, state), piece


def _samples(pieces: Sequence[Piece], wrote: Times) -> tuple[Times, Values]:
    """The samples of a series, a staleness marker where it is not written any more.

    Where it tells of two alerts, as it may where a template expands to nothing, Prometheus writes either; here the one
    that began first.
    """
    times: list[Times] = []
    values: list[Values] = []
    for (start, end, value), after in _apart(sorted(pieces)):
        marked = end < len(wrote) and end != after
        times.append(wrote[start : end + marked])
        values.append(np.append(np.full(end - start, value), [STALE] * marked))
    return np.concatenate(times), np.concatenate(values)


def _apart(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, int | None]]:
    """The pieces without what lies in earlier ones, each with the start of the next."""
    found: list[Piece] = []
    for start, end, value in pieces:
        free = max(start, found[-1][1]) if found else start
        if free < end:
            found.append((free, end, value))
    yield from zip(found, [*(piece[0] for piece in found[1:]), None], strict=True)


def _joined(parts: Sequence[tuple[Times, Values]], shift: int) -> tuple[Times, Values]:
    times, values = zip(*parts, strict=True)
    return np.concatenate(times) - shift, np.concatenate(values)
