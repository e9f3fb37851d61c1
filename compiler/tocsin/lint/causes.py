"""What an alert's metrics measure, by their names: causes inside a machine, or something that users notice."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tocsin.lint.conditions import branches
from tocsin.lint.matchers import selectors
from tocsin.lint.memo import walked
from tocsin.promql.ast import Call, Expr
from tocsin.promql.compare import comparisons

PROCESSOR = "a busy processor"
GARBAGE = "the collection of garbage"

_CAUSES: Mapping[str, re.Pattern[str]] = {
    PROCESSOR: re.compile(r"(?:^|[_:])(?:cpus?|load(?:average)?(?:1|5|15)?|iowait|steal)(?=[_:]|$)"),
    "memory in use": re.compile(r"(?:^|[_:])(?:mem(?:ory)?|heap|rss|swap)(?=[_:]|$)"),
    GARBAGE: re.compile(r"(?:^|[_:])gc(?=[_:]|$)"),
    "threads": re.compile(r"(?:^|[_:])(?:threads?|goroutines)(?=[_:]|$)"),
    "a queue": re.compile(r"(?:^|[_:])queues?(?=[_:]|$)"),
    "connections": re.compile(r"(?:^|[_:])(?:connections?|conns?|clients)(?=[_:]|$)"),
    "replication lag": re.compile(r"repl(?:ica(?:tion)?)?_?(?:lag|delay)"),
    "restarts": re.compile(r"(?:^|[_:])restarts?(?=[_:]|$)"),
    "the phase of a pod": re.compile(r"kube_pod_(?:container_)?status_(?:phase|waiting|reason)"),
    "disk activity": re.compile(r"(?:^|[_:])(?:disk_io|io_time|iops|reads_completed|writes_completed)(?=[_:]|$)"),
}
"""What is inside a service, and how the names of its metrics say so, word by word.

A full disk is none of these: what is full stops working, for everybody.
"""

_NOTICED = re.compile(
    r"request|http|grpc|rpc|response|latency|duration|error|fail|unavailable|reject|drop|discard|refused|evict|oom|slo"
    r"|wait|page_load|load_(?:time|seconds)|queue\w*_(?:milli)?seconds|timestamp|dead|behind|probe|(?:^|[_:])up(?:$|[_:])|success|corrupt|lost|backup|quorum|leader",
    re.IGNORECASE,
)
"""What users notice, or what means that data is at risk."""

_BESIDE = re.compile(
    r"_info$|_labels$|(?:^|[_:])(?:limit|limits|max|capacity|total|size|available|free|cores)(?:$|[_:])"
)


def causes(expr: Expr) -> dict[str, str]:
    """The causes that an alert watches, each with a metric of it; none where it watches anything else too."""
    if any(isinstance(node, Call) and node.function in _FORESEEING for node in walked(expr)):
        return {}
    names = [node.name or "" for node in selectors(expr)]
    found: dict[str, str] = {}
    for name in names:
        cause = next((cause for cause, pattern in _CAUSES.items() if pattern.search(name)), None)
        if (_NOTICED.search(name) and cause != GARBAGE) or (cause is None and not _BESIDE.search(name)):
            return {}
        if cause is not None:
            found.setdefault(cause, name)
    return found


def nothing_left(expr: Expr) -> bool:
    """Whether an alert is for what has come to a stop: no consumer, no connection."""
    limits = [found for way in branches(expr) for found in comparisons(way)]
    return any((found.op, found.threshold) in (("==", 0), ("<", 1), ("<=", 0)) for found in limits)


_FORESEEING = frozenset({"predict_linear", "deriv", "absent", "absent_over_time"})
