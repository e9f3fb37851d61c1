"""Times of maintenance and adjustments of a budget: what does not count, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite

from tocsin.diagnostics import Problems
from tocsin.document import MapNode, Node, Scalar
from tocsin.spec.model import Adjustment, Maintenance
from tocsin.spec.values import Values, items, text

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


def read_maintenance(node: Node | None, problems: Problems) -> tuple[Maintenance, ...]:
    """The maintenance of a list whose shape is valid; what is faulty is reported and left out."""
    return tuple(_Reader(problems).maintenance(node))


def read_adjustments(node: Node | None, problems: Problems) -> tuple[Adjustment, ...]:
    """The adjustments of a list whose shape is valid; what is faulty is reported and left out."""
    return tuple(_Reader(problems).adjustments(node))


class _Reader(Values):
    def maintenance(self, node: Node | None) -> Iterator[Maintenance]:
        for item in items(node):
            if not isinstance(item, MapNode):
                continue
            read = self._weekly(item) if item.get("weekdays") else self._once(item)
            if read is not None and read.end <= read.start:
                place = item.get("until") or item
                help = "let it end at `24:00`, and add another for the day after" if read.weekdays else "swap the two"
                self.fault("maintenance", "the maintenance ends before it begins", place.span, help)
            elif read is not None:
                yield read

    def adjustments(self, node: Node | None) -> Iterator[Adjustment]:
        for item in items(node):
            if not isinstance(item, MapNode):
                continue
            time, count = self._time(item.get("at")), item.get("bad_events")
            bad = count.value if isinstance(count, Scalar) else None
            if count is not None and (not isinstance(bad, int | float) or not isfinite(bad) or bad == 0):
                help = "write how many to add, or with a minus to take off, such as `-1200`"
                self.fault("adjustment", "this adjustment changes nothing", count.span, help)
            elif isinstance(bad, int | float) and time is not None:
                yield Adjustment(time, float(bad), text(item, "reason"))

    def _once(self, item: MapNode) -> Maintenance | None:
        start, end = self._time(item.get("from")), self._time(item.get("until"))
        if zone := item.get("time_zone"):
            self.fault("maintenance", "dates carry their own zone", zone.span, "leave `time_zone` out")
        return None if start is None or end is None else Maintenance(start, end, text(item, "reason"))

    def _weekly(self, item: MapNode) -> Maintenance | None:
        start, end = self._clock(item.get("from")), self._clock(item.get("until"))
        days = tuple(
            sorted(_DAYS.index(day.text.value) for day in items(item.get("weekdays")) if isinstance(day, Scalar))
        )
        zone = item.get("time_zone")
        where = self.time_zone(zone) if zone else "UTC"
        if start is None or end is None or where is None:
            return None
        return Maintenance(start, end, text(item, "reason"), days, where)

    def _time(self, node: Node | None) -> int | None:
        """Unix seconds of a time with its zone."""
        if not isinstance(node, Scalar):
            return None
        written = node.text.value
        try:
            read = datetime.fromisoformat(written.strip().upper().replace("Z", "+00:00"))
        except ValueError:
            clock = "write a date with it, or add `weekdays: [sunday]`" if _CLOCK.fullmatch(written) else ""
            self.fault("time", f"`{written}` is not a time", node.span, clock or "write `2026-03-04T01:00:00Z`")
            return None
        if read.tzinfo is None:
            self.fault("time", f"`{written}` has no zone", node.span, f"write `{written.strip().replace(' ', 'T')}Z`")
            return None
        return int(read.astimezone(UTC).timestamp())

    def _clock(self, node: Node | None) -> int | None:
        """Seconds since midnight of a time of day."""
        if not isinstance(node, Scalar):
            return None
        written = node.text.value
        if not _CLOCK.fullmatch(written):
            self.fault("time", f"`{written}` is not a time of day", node.span, "write it in quotes, such as `'02:00'`")
            return None
        hours, minutes = written.split(":")
        return int(hours) * 3600 + int(minutes) * 60
