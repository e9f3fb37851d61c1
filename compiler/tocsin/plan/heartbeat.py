"""A heartbeat to the alert that always fires: while it arrives, rules are evaluated and notifications sent."""

from __future__ import annotations

from tocsin.duration import format_duration
from tocsin.plan import names
from tocsin.promql import build
from tocsin.promql.ast import Matcher
from tocsin.routing import Route
from tocsin.rules import AlertingRule, RuleGroup
from tocsin.spec.settings import Heartbeat, Settings

ALERT = "Heartbeat"


def group(beat: Heartbeat, settings: Settings) -> RuleGroup:
    """The one rule; its severity is nobody's, so that no other route takes it."""
    annotations = {
        names.SUMMARY: "The monitoring works",
        names.DESCRIPTION: f"Always fires, and is sent every {format_duration(beat.every)}: its absence is the alarm.",
    }
    rule = AlertingRule(ALERT, build.call("vector", build.number(1)), 0, 0, {names.SEVERITY: "none"}, annotations)
    return RuleGroup("heartbeat", (rule,), settings.evaluation_interval)


def route(beat: Heartbeat) -> Route:
    """Sent again as often as the service outside expects it."""
    matchers = (Matcher("alertname", "=", ALERT), Matcher(names.SEVERITY, "=", "none"))
    # Alertmanager looks at a group every `group_interval`, and repeats what is older than `repeat_interval` then.
    return Route(beat.receiver, matchers, None, None, beat.every, beat.every)
