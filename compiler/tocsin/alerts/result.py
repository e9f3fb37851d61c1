"""What an expression gave on a tile, to what its rule makes of it: labels set, failed evaluations left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tocsin.alerts.texts import Found, Texts
from tocsin.alerts.timeline import Failure
from tocsin.engine.semantics import Result
from tocsin.labels import NAME, Labels, from_mapping
from tocsin.rules import AlertingRule, RecordingRule, Rule
from tocsin.series import Frame, Mask, Objects, Times, Values

Origins: TypeAlias = Sequence[tuple[int, Mask]]
"""Rows of a frame that have the same labels after those of the rule are set, and at which steps."""

Naming: TypeAlias = Callable[[int], Iterable[tuple[Labels, Mask]]]
"""The labels that a rule gives to a row of a frame, and the steps at which it gives them."""


@dataclass(frozen=True, slots=True)
class Evaluations:
    """The evaluations of a rule that succeeded: T times, S label sets, each once; `present` and `values` [S, T].

    `failed` has the times at which the others failed, and why. `histograms` object[S, T] are the native histograms
    among the samples, or None. `origins` are, for each label set, the results that it was made of.
    """

    times: Times
    labels: tuple[Labels, ...]
    values: Values
    present: Mask
    failed: tuple[tuple[int, str], ...]
    histograms: Objects | None = None
    origins: tuple[Origins, ...] = ()


def rule_labels(rule: Rule) -> Callable[[Labels], Labels]:
    """How a rule turns the labels of a result into its own: empty values delete, the rule's name comes last."""
    own, name = ("alertname", rule.name) if isinstance(rule, AlertingRule) else (NAME, rule.name)
    last = {} if isinstance(rule, RecordingRule) else {own: name}
    first = {own: name} if isinstance(rule, RecordingRule) else {NAME: ""}

    def apply(labels: Labels) -> Labels:
        return from_mapping({**dict(labels), **first, **rule.labels, **last})

    return apply


def _named(rule: Rule, frame: Frame, shift: int, texts: Texts | None) -> Naming:
    """How a rule names the results in a frame; templates may give a series other labels at every step."""
    rename = rule_labels(rule)

    def once(row: int) -> Iterator[tuple[Labels, Mask]]:
        present = frame.present[row]
        if texts is None:
            yield rename(frame.labels[row]), present
        else:
            labels = frame.labels[row]
            if labels not in texts.named:
                texts.named[labels] = texts.labels(found_at(frame, row, int(np.argmax(present)), shift))
            yield texts.named[labels], present

    def each_step(row: int) -> Iterator[tuple[Labels, Mask]]:
        assert texts is not None
        steps: dict[Labels, Mask] = {}
        for step in np.flatnonzero(frame.present[row]).tolist():
            labels = texts.labels(found_at(frame, row, step, shift))
            steps.setdefault(labels, np.zeros(len(frame.times), dtype=np.bool_))[step] = True
        yield from steps.items()

    return each_step if texts is not None and texts.changing else once


def found_at(frame: Frame, row: int, step: int, shift: int) -> Found:
    """What an evaluation returned for a series."""
    held = None if frame.histograms is None else frame.histograms[row, step]
    value = float(frame.values[row, step]) if held is None else held
    return Found(frame.labels[row], value, int(frame.times[step]) + shift)


def evaluations(rule: Rule, result: Result, shift: int, limit: int = 0, texts: Texts | None = None) -> Evaluations:
    """The evaluations of a rule at the times of a tile plus `shift` (its group's query offset).

    `texts` expands the labels of an alert. Two results with the same labels fail an evaluation
    (ErrDuplicateAlertLabelSet, rules/alerting.go), and so do more than `limit` results, where it is not 0.
    """
    frame = result.frame
    labels, values, present, twice, histograms, origins = _grouped(frame, _named(rule, frame, shift, texts))
    faults = [(failure.at, failure.problem.message) for failure in result.failures]
    faults.append((twice, "several results have the same labels after the labels of the rule are set"))
    if limit:
        faults.append((present.sum(axis=0) > limit, f"more than the limit of {limit} results"))
    good = np.ones(len(frame.times), dtype=np.bool_)
    failed: list[tuple[int, str]] = []
    for at, message in faults:  # an evaluation ends at its first error
        failed += [(int(time), message) for time in frame.times[at & good]]
        good &= ~at
    if not good.all():
        values, present = values[:, good], present[:, good]
        histograms = None if histograms is None else histograms[:, good]
    told = tuple((time + shift, message) for time, message in failed)
    return Evaluations(frame.times[good] + shift, labels, values, present, told, histograms, origins)


def _grouped(
    frame: Frame, naming: Naming
) -> tuple[tuple[Labels, ...], Values, Mask, Mask, Objects | None, tuple[Origins, ...]]:
    """Rows of the same new labels as one, the steps at which two of them are present, and the histograms."""
    values = frame.values
    rows: dict[Labels, list[tuple[int, Mask]]] = {}
    for row in np.flatnonzero(frame.present.any(axis=1)).tolist():
        for labels, present in naming(row):
            rows.setdefault(labels, []).append((row, present))
    twice = np.zeros(len(frame.times), dtype=np.bool_)
    chosen = [same[0][0] for same in rows.values()]
    one_values = values[chosen]
    one_present = np.array([same[0][1] for same in rows.values()], dtype=np.bool_).reshape(len(rows), len(twice))
    histograms = None if frame.histograms is None else frame.histograms[chosen]
    for index, same in enumerate(rows.values()):
        for row, present in same[1:]:
            twice |= one_present[index] & present
            one_values[index] = np.where(present, values[row], one_values[index])
            if histograms is not None and frame.histograms is not None:
                histograms[index, present] = frame.histograms[row, present]
            one_present[index] |= present
    return tuple(rows), one_values, one_present, twice, histograms, tuple(rows.values())


def last_results(found: Evaluations, frame: Frame, shift: int) -> Iterator[tuple[Labels, Found]]:
    """For every alert, and every run of evaluations that returned it, what the last of them returned."""
    columns = np.searchsorted(frame.times, found.times - shift)
    for labels, present, origins in zip(found.labels, found.present, found.origins, strict=True):
        ends = present & ~np.append(present[1:], False)
        for column in columns[ends].tolist():
            row = next(row for row, at in origins if at[column])
            yield labels, found_at(frame, row, column, shift)


def failures(failed: Iterable[tuple[int, str]]) -> tuple[Failure, ...]:
    """Failed evaluations, alike ones counted, in the order in which they first failed."""
    times: dict[str, int] = {}
    count: Counter[str] = Counter()
    for time, message in failed:
        times[message] = min(time, times.get(message, time))
        count[message] += 1
    found = (Failure(message, first, count[message]) for message, first in times.items())
    return tuple(sorted(found, key=lambda failure: (failure.first, failure.message)))
