"""A backtest as its reports take it: of two alerts, with whatever text as names and words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tocsin.alerts.timeline import Episode, Failure, Timeline
from tocsin.backtest.model import Backtest, Detection, Incident, IncidentVerdict, RuleVerdict, Score, Window
from tocsin.backtest.trace import Trace, thresholds
from tocsin.diagnostics import Problem, Source
from tocsin.labels import Labels, from_mapping
from tocsin.promql.parse import parse
from tocsin.rules import AlertingRule
from tocsin.series import Frame

MINUTE = 60_000
DAY = 1440 * MINUTE
START = 1_700_000_000_000 // DAY * DAY
HOSTILE = (
    "</script><img src=x onerror=\"document.title='owned'\"><b>b</b><a href=\"javascript:document.title='owned'\">a</a>"
)
TERMINAL = "\x1b]0;owned\x07\u202e%{x}$1$"


def at(minutes: float) -> int:
    return START + int(minutes * MINUTE)


def episode(pending: float, firing: float | None, resolved: float | None, **labels: str) -> Episode:
    first, last = (None if time is None else at(time) for time in (firing, resolved))
    return Episode(from_mapping(labels), at(pending), first, last)


def rule_of(name: str, text: str = "") -> AlertingRule:
    return AlertingRule(
        name,
        parse('latency{job="shop"} > 2'),
        for_=5 * MINUTE,
        labels={"severity": "page", "team": text or "shop"},
        annotations={"summary": text or "Slow", "runbook_url": f"javascript:alert(1)//{text}", "zz": text or "z"},
    )


def sample(name: str = "ShopSlow", text: str = "") -> Backtest:
    """Two alerts over a day: one catches one of two incidents, pages once for a non-incident and once for nothing."""
    found, blip = episode(57, 62, 80, instance=text or "a"), episode(300, 305, 310)
    episodes = (found, episode(200, None, 203), blip, episode(1430, 1435, None))
    slow = Timeline("shop", rule_of(name, text), MINUTE, episodes, (Failure(text or "many-to-many", at(5), 2),))
    quiet = Timeline("shop", replace(rule_of("Quiet"), labels={}, annotations={}), MINUTE)
    score = Score(3, 1, 21.0, 1, 2, 1, 1, 1 / 3, 0.5, 2 * MINUTE, 90_500.0)
    problem = Problem(
        "backtest/failed", f"it failed {text}", Source(f"rules{text}.yaml", "a: 1\nb: 2").span(5, 6), "", text
    )
    return Backtest(
        Window(START, START + DAY, MINUTE),
        DAY // 2,
        (RuleVerdict(slow, score), RuleVerdict(quiet, Score(0, 0, 0.0, 0, 0, 0, 2, None, 0.0))),
        score,
        (
            IncidentVerdict(
                Incident(f"outage{text}", at(60), at(75), (("instance", "a"),), (("cause", text or "disk"),)),
                (Detection("shop", name, found),),
            ),
            IncidentVerdict(Incident("missed one", at(600), at(660))),
        ),
        (IncidentVerdict(Incident(f"blip{text}", at(300), at(301)), (Detection("shop", name, blip),)),),
        (problem,),
    )


def trace_of(backtest: Backtest, *labels: Labels) -> Trace:
    rule = backtest.rules[0].rule
    times = START + np.arange(0, 1441, dtype=np.int64) * MINUTE
    values = np.stack([np.sin(times / 9e6 + row) + 1.5 for row in range(len(labels))])
    comparison = thresholds(rule.expr)
    assert comparison is not None
    return Trace("shop", rule, comparison, Frame(labels, times, values, values > 0.7), 3)
