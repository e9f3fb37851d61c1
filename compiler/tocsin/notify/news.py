"""Notifications to what each of them tells that its reader has not been told yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.labels import Labels
from tocsin.notify.notification import Notification, Reason


def news(notifications: Iterable[Notification]) -> Iterator[tuple[Notification, tuple[Labels, ...]]]:
    """Each notification, in the order of time, with the firing alerts that call for somebody.

    Those are the ones that the last notification about the group did not tell as firing, and all of them in a repeat;
    none where it only tells that some are resolved.
    """
    told: dict[tuple[str, str, Labels], tuple[Labels, ...]] = {}
    for one in notifications:
        key = (one.receiver, one.integration, one.group)
        known = set(told.get(key, ())) if one.reason is Reason.NEW else set()
        told[key] = one.firing
        resolved = one.reason in (Reason.SOME_RESOLVED, Reason.ALL_RESOLVED)
        yield one, () if resolved else tuple(alert for alert in one.firing if alert not in known)
