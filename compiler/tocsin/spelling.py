"""A key that nobody knows to the one that it is meant as, where that is beyond doubt."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from tocsin.diagnostics import Fix
from tocsin.document import MapNode, Scalar


def renamed(key: Scalar, node: MapNode, known: Iterable[str]) -> Fix | None:
    """The answer to an unknown key of a mapping: the only known one that is near, if that is not there yet."""
    near = get_close_matches(key.text.value, sorted(known), n=2, cutoff=0.8)
    plain = key.span.text == key.text.value
    return Fix(key.span, near[0]) if len(near) == 1 and plain and node.get(near[0]) is None else None
