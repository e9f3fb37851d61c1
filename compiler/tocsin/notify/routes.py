"""The routing tree to its nodes with all that they inherit, and an alert to the nodes that take it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tocsin.labels import Labels
from tocsin.notify.matching import predicate
from tocsin.routing import ALL_LABELS, Route
from tocsin.routingfile.release import Release

Key = tuple[tuple[tuple[str, str, str], ...], ...]
"""The matchers on the way from the root to a node, as Alertmanager's notification log names a route."""


@dataclass(frozen=True, slots=True)
class Node:
    """A route with nothing left to inherit; durations in milliseconds. `group_by` None keeps all labels apart."""

    receiver: str = ""
    group_by: frozenset[str] | None = frozenset()
    group_wait: int = 30_000
    group_interval: int = 300_000
    repeat_interval: int = 14_400_000
    mute: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    key: Key = ()
    index: int = 0

    def group(self, labels: Labels) -> Labels:
        """The labels of the group that an alert belongs to; a label that the alert has not is not among them."""
        return labels if self.group_by is None else tuple(pair for pair in labels if pair[0] in self.group_by)


@dataclass(frozen=True, slots=True)
class Tree:
    node: Node
    accepts: Callable[[Labels], bool]
    continue_: bool
    below: tuple[Tree, ...]

    def match(self, labels: Labels) -> tuple[Node, ...]:
        """The nodes that take an alert, depth first (dispatch/route.go `Match`)."""
        if not self.accepts(labels):
            return ()
        found: list[Node] = []
        for tree in self.below:
            nodes = tree.match(labels)
            found += nodes
            if nodes and not tree.continue_:
                break
        return tuple(found) or (self.node,)


def grow(root: Route, release: Release) -> Tree:
    """The tree of a routing."""
    return _grow(root, Node(), release, iter(range(1 << 30)))


def _grow(route: Route, parent: Node, release: Release, numbers: Iterator[int]) -> Tree:
    waits = ("group_wait", "group_interval", "repeat_interval")
    own = {name: value for name in waits if (value := getattr(route, name)) is not None}
    matchers = tuple(sorted((matcher.label, matcher.op, matcher.value) for matcher in route.matchers))
    node = replace(
        parent,
        receiver=route.receiver or parent.receiver,
        group_by=_group_by(route, parent, release),
        mute=route.mute_time_intervals,
        active=route.active_time_intervals,
        key=(*parent.key, matchers),
        index=next(numbers),
        **own,
    )
    below = tuple(_grow(child, node, release, numbers) for child in route.routes)
    return Tree(node, predicate(route.matchers), route.continue_, below)


def _group_by(route: Route, parent: Node, release: Release) -> frozenset[str] | None:
    if route.group_by is None or (not route.group_by and release is Release.OLD):
        return parent.group_by
    return None if route.group_by == ALL_LABELS else frozenset(route.group_by)
