"""tocsin as a process, and the smallest folder of files that it has nothing to say against."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SPEC = """\
service: shop
owner: payments
runbook: https://runbooks.example.com/shop

indicators:
  errors:
    ratio:
      bad: requests_total{code=~"5.."}
      total: requests_total

alerts:
  - name: ShopErrorRateHigh
    indicator: errors
    above: 1%
    min_events: 100
    for: 5m
    severity: page
    summary: More than 1% of the requests to the shop fail
    action: Roll back the last deploy; if there was none today, fail over to the standby region.
    no_data: ignore
"""

RULES = """\
groups:
  - name: shop
    rules:
      - alert: ShopDown
        expr: up == 0
        for: 5m
        labels: {severity: page, owner: payments}
        annotations:
          summary: The shop is down
          action: Restart it, then read the last lines of its log.
          runbook_url: https://runbooks.example.com/shop
"""

INCIDENTS = """\
incidents:
  - {name: an outage, start: 2023-11-14T22:30:00Z, end: 2023-11-14T22:55:00Z}
"""

START = 1_700_000_000
MINUTES = 60


def recording() -> str:
    """An hour of a shop whose requests all fail from minute 20 to 40, in OpenMetrics text, sampled every minute."""
    good = [60 * min(minute, 20) + 60 * max(minute - 40, 0) for minute in range(MINUTES)]
    bad = [60 * minute - fine for minute, fine in enumerate(good)]
    series = {
        'requests_total{code="200"}': good,
        'requests_total{code="500"}': bad,
        'up{job="shop"}': [1] * MINUTES,
    }
    lines = [
        f"{name} {value} {START + 60 * minute}"
        for name, values in series.items()
        for minute, value in enumerate(values)
    ]
    return "\n".join([*lines, "# EOF", ""])


def write_files(folder: Path) -> Path:
    """A folder with `specs/shop.yaml`, `rules.yaml`, `recording.om` and `incidents.yaml`."""
    (folder / "specs").mkdir()
    (folder / "specs" / "shop.yaml").write_text(SPEC)
    (folder / "rules.yaml").write_text(RULES)
    (folder / "recording.om").write_text(recording())
    (folder / "incidents.yaml").write_text(INCIDENTS)
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tocsin", *arguments]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's, without what decides on colours."""
    colours = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "COLUMNS")
    return {name: value for name, value in os.environ.items() if name not in colours} | dict(extra or {})


def run(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """One `tocsin` process to its end, with nobody at the terminal."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


def inert(text: str) -> bool:
    """Whether a text does nothing to a terminal but fill its lines."""
    return all(char == "\n" or char.isprintable() for char in text)
