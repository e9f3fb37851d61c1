"""The releases of Alertmanager that configurations are read for and that are simulated."""

from __future__ import annotations

from enum import StrEnum


class Release(StrEnum):
    """0.25 is what Debian 12 ships, and the live reference of the tests; 0.34 is the current one."""

    OLD = "0.25"
    CURRENT = "0.34"
