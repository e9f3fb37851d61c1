"""What was written of an alert before a restart, to the time since which it counts as active after it.

Prometheus's `Group.RestoreForState` (rules/group.go) with its default flags.
"""

from __future__ import annotations

import numpy as np

from tocsin.alerts.recorded import Columns, clipped
from tocsin.alerts.states import state_labels
from tocsin.functions.values import Compat
from tocsin.labels import NAME, Labels, drop
from tocsin.rules import AlertingRule
from tocsin.series import STALE_BITS

_TOLERANCE = 3_600_000
"""`--rules.alert.for-outage-tolerance`."""

_GRACE = 600_000
"""`--rules.alert.for-grace-period`: rules with a shorter `for` are not restored."""


_LATER = 1
"""States are restored a moment after an evaluation, as long as that took; so what is counted from there is too late for
the evaluation after a whole number of intervals."""


def restored(rule: AlertingRule, labels: Labels, written: Columns, time: int, compat: Compat) -> int | None:
    """Since when an alert is active, in milliseconds, that is so again when states are restored after `time`.

    None where nothing is known of it, or it was not active when the server stopped. Since release 2.52 or so the
    series of a rule are found by its labels as they are written, so that templates in them prevent it.
    """
    if rule.for_ < _GRACE:
        return None
    series = state_labels(rule, labels, None)
    if compat > 2 and (drop(series, (NAME,)) != labels or not _as_written(rule, labels)):
        return None
    if series not in written:
        return None
    times, values, _ = clipped(written[series], time + _LATER - _TOLERANCE, time)
    if not len(times) or values.view(np.uint64)[-1] == STALE_BITS:
        return None
    down, active = int(times[-1]) // 1000 * 1000, int(values[-1]) * 1000
    remaining = rule.for_ - (down - active)
    if remaining <= 0:
        return active
    now = time + _LATER
    return now + _GRACE - rule.for_ if remaining < _GRACE else active + now - down


def _as_written(rule: AlertingRule, labels: Labels) -> bool:
    own = dict(labels)
    return all(own.get(name, "") == text for name, text in rule.labels.items() if name != "alertname")
