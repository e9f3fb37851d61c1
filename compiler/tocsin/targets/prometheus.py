"""Rule groups to Prometheus rule files, one a service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from tocsin.diagnostics import printable
from tocsin.plan.emit import Compiled
from tocsin.plan.heartbeat import group
from tocsin.rulefile import print_groups
from tocsin.spec.settings import Settings
from tocsin.targets.api import MARK, Artifact, target


@target("prometheus")
def write(compiled: Sequence[Compiled], settings: Settings) -> Iterator[Artifact]:
    """The groups of each service, and the heartbeat's."""
    for one in compiled:
        origin = printable(PurePath(one.spec.source.path).name)
        text = f"{MARK} from {origin}: edit that file, not this one.\n{print_groups(one.groups)}"
        yield Artifact(f"prometheus/{one.spec.service}.yaml", text)
    if settings.heartbeat:
        text = f"{MARK} from tocsin.yaml: edit that file, not this one.\n"
        yield Artifact("prometheus/heartbeat.yaml", text + print_groups([group(settings.heartbeat, settings)]))
