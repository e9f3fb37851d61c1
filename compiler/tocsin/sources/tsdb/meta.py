"""A block's meta.json to what it covers, and where it comes from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.diagnostics import ProblemError
from tocsin.labels import Labels, from_mapping
from tocsin.sources.api import refuse
from tocsin.sources.tsdb.file import readable

META = "meta.json"
_LATEST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Meta:
    """What a block says of itself: samples from `start` to before `end`, in Unix milliseconds.

    `external` are the labels that Thanos gives to all of its series, `resolution` the milliseconds between the
    aggregates of a downsampled block, 0 for raw samples. After a block that came `in_order` out of a log, what that log
    has of its times is left out.
    """

    ulid: str
    start: int
    end: int
    parents: tuple[str, ...]
    external: Labels
    resolution: int
    in_order: bool


def read_meta(folder: str) -> Meta:
    """The meta.json of a block; raises ProblemError."""
    path = os.path.join(folder, META)
    with readable(path), open(path, "rb") as file:
        content = file.read()
    try:
        return _meta(path, json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise refuse("damaged", path, "is not the description of a block", "copy or download the block again") from None


def _meta(path: str, body: Mapping[str, Any]) -> Meta:
    if body["version"] != 1:
        raise _refuse_version(path, body["version"])
    start, end = int(body["minTime"]), int(body["maxTime"])
    if not -_LATEST <= start <= end <= _LATEST:
        raise ValueError
    compaction, thanos = body.get("compaction") or {}, body.get("thanos") or {}
    # Labels such as Mimir's `__compactor_shard_id__` are its own: no query sees them.
    external = {str(name): str(value) for name, value in (thanos.get("labels") or {}).items() if name[:2] != "__"}
    return Meta(
        str(body["ulid"]),
        start,
        end,
        tuple(str(parent["ulid"]) for parent in compaction.get("parents") or ()),
        from_mapping(external),
        int((thanos.get("downsample") or {}).get("resolution") or 0),
        not any(str(hint).startswith("from-") for hint in compaction.get("hints") or ()),
    )


def _refuse_version(path: str, version: object) -> ProblemError:
    return refuse("unsupported", path, f"a block of version {version!r}; known is 1")
