"""Specs by the thousand, each as a team would write it, and none with a problem."""

from __future__ import annotations

from pathlib import Path

COMMON = """\
owners:
  payments: {page: payments, ticket: payments}
receivers:
  payments: {webhook_configs: [{url_file: /etc/alertmanager/payments}]}
"""

SPEC = """\
service: shop-{number}
owner: payments
runbook: https://runbooks.example.com/shop-{number}
labels: {{env: prod}}

indicators:
  errors:
    ratio:
      bad: http_requests_total{{job="shop-{number}", code=~"5.."}}
      total: http_requests_total{{job="shop-{number}"}}
  p99:
    latency: {{histogram: 'http_request_duration_seconds{{job="shop-{number}"}}', quantile: 99%}}
  disk:
    usage:
      free: node_filesystem_avail_bytes{{job="shop-{number}"}}
      capacity: node_filesystem_size_bytes{{job="shop-{number}"}}
    by: [instance, mountpoint]

alerts:
  - name: Shop{number}ErrorRateHigh
    indicator: errors
    above: 1%
    for: 5m
    severity: page
    summary: More than 1% of the requests to shop {number} fail
    action: Roll back the last deploy; if there was none in the past hour, fail over to the standby region.
  - name: Shop{number}Slow
    indicator: p99
    above: 2s
    for: 10m
    severity: page
    summary: One request in a hundred to shop {number} takes more than 2 s
    action: Scale the shop out by two replicas, then look at the slow query log of its database.
  - name: Shop{number}DiskFilling
    indicator: disk
    above: 80%
    for: 15m
    severity: ticket
    summary: A disk of shop {number} is 80% full
    action: Remove rotated logs older than a week, or grow the volume.
"""


def write_specs(folder: Path, count: int) -> None:
    """`count` specs and the settings that they share, written to a new folder."""
    folder.mkdir()
    (folder / "tocsin.yaml").write_text(COMMON)
    for number in range(count):
        (folder / f"shop-{number}.yaml").write_text(SPEC.format(number=number))
