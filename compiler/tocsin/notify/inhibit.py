"""Inhibition rules to when each alert is inhibited (inhibit/inhibit.go).

An alert that matches both sides of a rule is not inhibited by one that does, too. Releases differ where several
sources agree in the labels of `equal`: 0.25 asks all of them; 0.34 keeps an index of one, which another source takes
over when it is sent and is valid for at least as long. So when the one in the index resolves, the others inhibit
again only from when they are next sent.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from tocsin.labels import Labels
from tocsin.notify.deliver import Alert, firing
from tocsin.notify.matching import predicate
from tocsin.notify.semantics import Semantics
from tocsin.notify.spans import Spans, together, union
from tocsin.routing import InhibitRule
from tocsin.routingfile.release import Release

Values = tuple[str, ...]
Share = tuple[int, int, int]
"""From when to when which of several sources is looked at."""


class Inhibitor:
    """When an alert is inhibited by others."""

    def __init__(self, rules: Sequence[InhibitRule], alerts: Sequence[Alert], end: int, semantics: Semantics) -> None:
        self._rules = [_Rule(rule, alerts, end, semantics) for rule in rules]

    def muted(self, labels: Labels) -> Spans:
        return together(rule.muted(labels) for rule in self._rules)


class _Rule:
    def __init__(self, rule: InhibitRule, alerts: Sequence[Alert], end: int, semantics: Semantics) -> None:
        self._source, self._target = predicate(rule.source), predicate(rule.target)
        self._values = _values(tuple(sorted(set(rule.equal))))
        self._end, self._semantics = end, semantics
        self._sources: defaultdict[Values, list[Alert]] = defaultdict(list)
        for alert in alerts:
            if self._source(alert.labels):
                self._sources[self._values(alert.labels)].append(alert)
        self._known: dict[tuple[Values, bool], Spans] = {}

    def muted(self, labels: Labels) -> Spans:
        if not self._target(labels):
            return Spans()
        key = (self._values(labels), self._source(labels))
        if key not in self._known:
            self._known[key] = self._inhibited(*key)
        return self._known[key]

    def _inhibited(self, values: Values, two_sided: bool) -> Spans:
        """When one of the sources with these values inhibits; `two_sided` leaves out those that are targets, too."""
        sources = self._sources.get(values, [])
        left_out = {index for index, one in enumerate(sources) if two_sided and self._target(one.labels)}
        if len(sources) < 2 or self._semantics.release is Release.OLD:
            return union(pair for i, one in enumerate(sources) if i not in left_out for pair in firing(one))
        senders = [_Sender(one, self._end, self._semantics) for one in sources]
        shares = _shares(senders, self._end, every=0 < len(left_out) < len(sources))
        return union((start, end) for start, end, index in shares if index not in left_out)


def _values(names: Values) -> Callable[[Labels], Values]:
    def values(labels: Labels) -> Values:
        given = dict(labels)
        return tuple(given.get(name, "") for name in names)

    return values


class _Sender:
    """When a source fires, when it is sent while it does, and until when each of these is valid."""

    def __init__(self, alert: Alert, end: int, semantics: Semantics) -> None:
        self.lives = union((start, min(stop, end + 1)) for start, stop in firing(alert))
        self._alert = alert
        self.period = max(source.period(semantics) for source in alert.sources)
        self._valid = alert.sources[0].valid(semantics)
        self._at = [arrival.at for arrival in alert.arrivals]

    def sent(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Times from `start` to before `end`, with how long they are valid."""
        if len(self._alert.sources) > 1:
            for arrival in self._alert.arrivals[bisect_left(self._at, start) : bisect_left(self._at, end)]:
                if arrival.ends > arrival.at:
                    yield arrival.at, arrival.ends
            return
        for first, last in zip(self.lives.starts, self.lives.ends, strict=True):
            skipped = max(0, -(-(start - first) // self.period))
            for at in range(first + skipped * self.period, min(last, end), self.period):
                yield at, at + self._valid


def _shares(senders: Sequence[_Sender], end: int, every: bool) -> Iterator[Share]:
    """Which source the index has, while that one fires.

    Between two times at which a source begins or ends to fire, it is enough to follow what is sent in the first
    period, and in the last: after a period all have been sent, and the index has the one that is valid longest. But
    where it matters which one it is, `every` send is followed.
    """
    longest = end if every else max(sender.period for sender in senders)
    times = sorted({time for one in senders for time in (*one.lives.starts, *one.lives.ends)})
    held, valid = -1, 0
    for start, stop in pairwise(times):
        since = start
        for at, until, index in _sent(senders, start, stop, longest):
            if index == held:
                valid = until
            elif held < 0 or start not in senders[held].lives or valid <= until:
                if held >= 0 and start in senders[held].lives:
                    yield since, at, held
                held, valid, since = index, until, at
        if held >= 0 and start in senders[held].lives:
            yield since, stop, held


def _sent(senders: Sequence[_Sender], start: int, stop: int, longest: int) -> list[tuple[int, int, int]]:
    early = min(stop, start + longest)
    return sorted(
        (at, until, index)
        for index, sender in enumerate(senders)
        for first, last in ((start, early), (max(early, stop - longest), stop))
        for at, until in sender.sent(first, last)
    )
