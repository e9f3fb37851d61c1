"""`limit_ratio`: the share of the series whose hash falls below a ratio, always the same ones."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import xxhash

from tocsin.engine.aggregate import OPERATORS, first_of_groups
from tocsin.engine.tile import Tile
from tocsin.functions.values import Vector
from tocsin.labels import Labels
from tocsin.promql.ast import Aggregation


def _sized(text: str) -> bytes:
    """A text behind its length, as Prometheus keeps labels (model/labels/labels_stringlabels.go)."""
    encoded = text.encode()
    size = len(encoded)
    return (bytes([size]) if size < 255 else b"\xff" + size.to_bytes(3, "little")) + encoded


@lru_cache(maxsize=65536)
def offset_of(labels: Labels) -> float:
    """Where the hash of a label set lies between 0 and 1 (Prometheus `HashRatioSampler`)."""
    encoded = b"".join(_sized(name) + _sized(value) for name, value in labels)
    return float(xxhash.xxh64_intdigest(encoded)) / 2.0**64


def limit_ratio(node: Aggregation, vector: Vector, tile: Tile) -> Vector:
    """The series below a ratio above 0, or with one below 0 those that its complement leaves; group by group."""
    assert node.param is not None
    ratio = tile.scalar(node.param).values
    tile.fail(node, np.isnan(ratio), "Ratio value is NaN")
    ratio = np.clip(ratio, -1.0, 1.0)
    offsets = np.array([offset_of(labels) for labels in vector.labels], dtype=np.float64)[:, None]
    chosen = np.where(ratio < 0, offsets >= 1.0 + ratio, offsets < ratio)
    every = np.full(len(tile.times), len(vector.labels))
    return first_of_groups(node, vector, vector.present & chosen, every)


OPERATORS.add("limit_ratio", limit_ratio)
