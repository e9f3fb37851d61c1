"""Which Alertmanager is simulated, behind which Prometheus.

| what | 0.25 | 0.34 |
| --- | --- | --- |
| `group_by: []` below a route with labels | the parent's labels | one group for all alerts |
| a group without alerts | stays up to 30 s, and an alert that arrives waits for its next tick | is gone at once |
| an alert older than `group_wait` arrives before the first flush | flush at once | only if it made the group |
| several sources of an inhibition with equal labels | any that fires inhibits | one of them is looked at: when it \
resolves, the others inhibit only after they are sent again |
| alerts with a label name beyond `[a-zA-Z_][a-zA-Z0-9_]*` | refused | taken |
| names in matchers, `group_by`, `equal` | classic | UTF-8 |

Sources: dispatch/dispatch.go, dispatch/route.go, inhibit/inhibit.go of the two releases; 0.25 was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.labels import EMPTY, Labels
from tocsin.routingfile.release import Release


@dataclass(frozen=True, slots=True)
class Semantics:
    """Durations in milliseconds.

    `resend_delay` is Prometheus's `--rules.alert.resend-delay`; it sends resolved alerts again for `retention`
    (a constant of its rules/alerting.go). `external_labels` are set where an alert has no such label.
    `clean_up` and `log_clean_up` are how often Alertmanager removes empty groups (0.25) and expired entries of its
    notification log, counted from the start; `log_retention` is its `--data.retention`.
    """

    release: Release = Release.CURRENT
    resend_delay: int = 60_000
    retention: int = 900_000
    external_labels: Labels = EMPTY
    clean_up: int = 30_000
    log_clean_up: int = 900_000
    log_retention: int = 432_000_000
