"""What an expression gave on a tile, to what its rule makes of it: labels set, failed evaluations left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from tocsin.alerts.timeline import Failure
from tocsin.engine.semantics import Result
from tocsin.labels import NAME, Labels, from_mapping
from tocsin.rules import AlertingRule, RecordingRule, Rule
from tocsin.series import Frame, Mask, Objects, Times, Values


@dataclass(frozen=True, slots=True)
class Evaluations:
    """The evaluations of a rule that succeeded: T times, S label sets, each once; `present` and `values` [S, T].

    `failed` has the times at which the others failed, and why. `histograms` object[S, T] are the native histograms
    among the samples, or None.
    """

    times: Times
    labels: tuple[Labels, ...]
    values: Values
    present: Mask
    failed: tuple[tuple[int, str], ...]
    histograms: Objects | None = None


def rule_labels(rule: Rule) -> Callable[[Labels], Labels]:
    """How a rule turns the labels of a result into its own: empty values delete, the rule's name comes last."""
    own, name = ("alertname", rule.name) if isinstance(rule, AlertingRule) else (NAME, rule.name)
    last = {} if isinstance(rule, RecordingRule) else {own: name}
    first = {own: name} if isinstance(rule, RecordingRule) else {NAME: ""}

    def apply(labels: Labels) -> Labels:
        return from_mapping({**dict(labels), **first, **rule.labels, **last})

    return apply


def evaluations(rule: Rule, result: Result, shift: int, limit: int = 0) -> Evaluations:
    """The evaluations of a rule at the times of a tile plus `shift` (its group's query offset).

    Two results with the same labels fail an evaluation (ErrDuplicateAlertLabelSet, rules/alerting.go), and so do
    more than `limit` results, where it is not 0.
    """
    frame = result.frame
    labels, values, present, twice, histograms = _grouped(frame, rule_labels(rule))
    faults = [(failure.at, failure.problem.message) for failure in result.failures]
    faults.append((twice, "several results have the same labels after the labels of the rule are set"))
    if limit:
        faults.append((present.sum(axis=0) > limit, f"more than the limit of {limit} results"))
    good = np.ones(len(frame.times), dtype=np.bool_)
    failed: list[tuple[int, str]] = []
    for at, message in faults:  # an evaluation ends at its first error
        failed += [(int(time), message) for time in frame.times[at & good]]
        good &= ~at
    return Evaluations(
        frame.times[good] + shift,
        labels,
        values[:, good],
        present[:, good],
        tuple((time + shift, message) for time, message in failed),
        None if histograms is None else histograms[:, good],
    )


def _grouped(
    frame: Frame, rename: Callable[[Labels], Labels]
) -> tuple[tuple[Labels, ...], Values, Mask, Mask, Objects | None]:
    """Rows of the same new labels as one, the steps at which two of them are present, and the histograms."""
    labels, values, present = frame.labels, frame.values, frame.present
    rows: dict[Labels, list[int]] = {}
    for row in np.flatnonzero(present.any(axis=1)).tolist():
        rows.setdefault(rename(labels[row]), []).append(row)
    twice = np.zeros(present.shape[1], dtype=np.bool_)
    chosen = [same[0] for same in rows.values()]
    one_values, one_present = values[chosen], present[chosen]
    histograms = None if frame.histograms is None else frame.histograms[chosen]
    for index, same in enumerate(rows.values()):
        for row in same[1:]:
            twice |= one_present[index] & present[row]
            one_values[index] = np.where(present[row], values[row], one_values[index])
            if histograms is not None and frame.histograms is not None:
                histograms[index, present[row]] = frame.histograms[row, present[row]]
            one_present[index] |= present[row]
    return tuple(rows), one_values, one_present, twice, histograms


def failures(failed: Iterable[tuple[int, str]]) -> tuple[Failure, ...]:
    """Failed evaluations, alike ones counted, in the order in which they first failed."""
    times: dict[str, int] = {}
    count: Counter[str] = Counter()
    for time, message in failed:
        times[message] = min(time, times.get(message, time))
        count[message] += 1
    found = (Failure(message, first, count[message]) for message, first in times.items())
    return tuple(sorted(found, key=lambda failure: (failure.first, failure.message)))
