"""An alert and a recording to what it would have done with another `for`, `keep_firing_for` or threshold.

What its expression returned, and with what value, is known from the backtest, or evaluated once more, as a recording
rule in its place. The rest is the state machine alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, floor, isfinite, log10

import numpy as np

from tocsin.alerts.clock import evaluation_times
from tocsin.alerts.dependencies import could_read
from tocsin.alerts.episodes import Episodes, episodes_of, lives
from tocsin.alerts.recorded import WRITTEN_BY_ALERTS
from tocsin.alerts.replay import Replay, replay
from tocsin.alerts.returned import Returned, points
from tocsin.backtest.model import Window
from tocsin.engine.semantics import Semantics
from tocsin.labels import NAME, drop
from tocsin.promql.ast import Binary, Expr, Matcher, VectorSelector, selectors, unwrap
from tocsin.promql.compare import Comparison, comparison
from tocsin.promql.match import matchers_of
from tocsin.promql.print import print_expr
from tocsin.rules import AlertingRule, RecordingRule, RuleGroup
from tocsin.series import STALE_BITS, Mask, Recording, Times, Values

QUANTILES = (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 0.999)
_RETURNED = "tocsin:returned"


def deciding(expr: Expr) -> Comparison | None:
    """The comparison of which the value is that of the alert, where making it stricter only leaves results out."""
    node = unwrap(expr)
    while isinstance(node, Binary) and node.op in ("and", "unless"):
        node = unwrap(node.lhs)
    found = comparison(node)
    return found if found and found.op in (">", ">=", "<", "<=") else None


@dataclass
class Rerun:
    """One alert among its groups, and what was `done` of them; see `tocsin.backtest.findings.api.WhatIf`."""

    groups: Sequence[RuleGroup]
    rule: AlertingRule
    recording: Recording
    window: Window
    semantics: Semantics
    done: Replay | None = None

    def episodes(self, *, for_: int, keep_firing_for: int, threshold: float | None = None) -> Episodes:
        """What the alert does with this `for` and `keep_firing_for` (milliseconds), and with a stricter threshold."""
        found = self._returned if threshold is None else self._returned.where(self._beyond(threshold))
        return episodes_of(found.labels, lives(found.runs, found.times, for_, keep_firing_for))

    def thresholds(self, excluded: Sequence[tuple[int, int]]) -> tuple[float, ...]:
        """Stricter thresholds, mildest first: quantiles of the values beyond it at times that are not `excluded`."""
        limit = deciding(self.rule.expr)
        values = self._returned.values[_outside(self._returned.at, excluded)]
        values = values[np.isfinite(values)]
        if limit is None or not len(values):
            return ()
        upwards = limit.op in (">", ">=")
        found = quantiles(values if upwards else -values)
        rounded = (_stricter(float(value if upwards else -value), upwards=upwards) for value in found)
        return tuple(dict.fromkeys(value for value in rounded if value != limit.threshold))

    def unread(self) -> tuple[str, ...]:
        """The selectors of the alert's expression that find no sample in the window."""
        made = self._recorded | set(WRITTEN_BY_ALERTS)
        own = [node for node in selectors(self.rule.expr) if not could_read(node, made)]
        return tuple(dict.fromkeys(print_expr(_bare(node)) for node in own if not self._has_samples(node)))

    @property
    def _recorded(self) -> set[str]:
        return {rule.name for group in self.groups for rule in group.rules if isinstance(rule, RecordingRule)}

    @cached_property
    def _returned(self) -> Returned:
        """When the expression returned each alert, and with what value."""
        tracks = self.done.tracks if self.done else ()
        keepers = (track.keeper for track in tracks if track.rule is self.rule)
        kept = next((keeper.returned() for keeper in keepers if keeper), None)
        return self._evaluated() if kept is None else kept

    def _evaluated(self) -> Returned:
        """What it returns as a recording rule in its place."""
        start, end = self.window.start, self.window.end
        done = replay(list(self._in_its_place()), self.recording, start, end, self.semantics)
        shift, interval = self._group.query_offset or 0, self._group.interval or self.semantics.evaluation_interval
        failed = [time for track in done.tracks if track.rule.name == _RETURNED for time, _ in track.failed]
        times = evaluation_times(start, end, interval)
        times = times[~np.isin(times, failed)]
        series = done.source.read([Matcher(NAME, "=", _RETURNED)], start - shift, end)
        fresh = series.values.view(np.uint64) != STALE_BITS
        alert = np.repeat(np.arange(len(series.labels)), np.diff(series.offsets))[fresh]
        step = np.searchsorted(times, series.times[fresh] + shift)
        return points([drop(one, (NAME,)) for one in series.labels], [times], [(alert, step, series.values[fresh])])

    @property
    def _group(self) -> RuleGroup:
        return next(group for group in self.groups if any(rule is self.rule for rule in group.rules))

    def _in_its_place(self) -> Iterator[RuleGroup]:
        """The groups, the alert recorded in its place, and without other alerts unless it reads what they write."""
        labels = {name: text for name, text in self.rule.labels.items() if "{{" not in text}
        recorder = RecordingRule(_RETURNED, self.rule.expr, {**labels, "alertname": self.rule.name})
        alerts = any(could_read(node, WRITTEN_BY_ALERTS) for node in selectors(self.rule.expr))
        for group in self.groups if alerts or self._recorded else (self._group,):
            rules = (recorder if rule is self.rule else rule for rule in group.rules)
            yield replace(group, rules=tuple(rule for rule in rules if alerts or isinstance(rule, RecordingRule)))

    def _beyond(self, threshold: float) -> Mask:
        limit = deciding(self.rule.expr)
        assert limit is not None
        passing: Mask = _OPERATIONS[limit.op](self._returned.values, threshold)
        return passing

    def _has_samples(self, selector: VectorSelector) -> bool:
        """Whether a selector finds any sample, looked for a day at a time."""
        matchers = matchers_of(selector)
        first = max(self.window.start - self.semantics.lookback, self.recording.extent[0])
        last = min(self.window.end, self.recording.extent[1])
        days = range(first, last + 1, _DAY)
        return any(len(self.recording.read(matchers, day, min(day + _DAY - 1, last)).labels) for day in days)


_DAY = 86_400_000
_OPERATIONS = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}


def _bare(selector: VectorSelector) -> VectorSelector:
    return replace(selector, offset=0, at=None)


def quantiles(values: Values) -> Values:
    """QUANTILES of values as `np.quantile` has them, which imports masked arrays for a hundredth of a second."""
    ordered = np.sort(values)
    place = np.array(QUANTILES) * (len(values) - 1)
    before = np.floor(place).astype(np.int64)
    low, high, share = ordered[before], ordered[np.minimum(before + 1, len(values) - 1)], place - before
    between: Values = np.where(share < 0.5, low + (high - low) * share, high - (high - low) * (1 - share))
    return between


def _outside(times: Times, spans: Sequence[tuple[int, int]]) -> Mask:
    """Which times are in none of the spans."""
    outside = np.ones(len(times), dtype=np.bool_)
    for start, end in spans:
        outside &= (times < start) | (times > end)
    return outside


def _stricter(value: float, *, upwards: bool) -> float:
    """The value with two digits, and no milder than it was.

    >>> _stricter(0.03121, upwards=True), _stricter(0.03121, upwards=False)
    (0.032, 0.031)
    """
    if value == 0 or not isfinite(value):
        return value
    size = 10.0 ** (floor(log10(abs(value))) - 1)
    digits = round(value / size, 9)
    return float(f"{(ceil(digits) if upwards else floor(digits)) * size:.3g}")
