"""Rule groups to Prometheus rule files, one a service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from tocsin.plan.emit import Compiled
from tocsin.rulefile import print_groups
from tocsin.spec.settings import Settings
from tocsin.targets.api import MARK, Artifact, target


@target("prometheus")
def write(compiled: Sequence[Compiled], settings: Settings) -> Iterator[Artifact]:  # noqa: ARG001 - a target's signature
    for one in compiled:
        origin = PurePath(one.spec.source.path).name
        text = f"{MARK} from {origin}: edit that file, not this one.\n{print_groups(one.groups)}"
        yield Artifact(f"prometheus/{one.spec.service}.yaml", text)
