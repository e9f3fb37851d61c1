"""Severities, owners and receivers to an Alertmanager configuration: who is told, how often, and what keeps quiet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from tocsin.plan.emit import Compiled
from tocsin.plan.heartbeat import route
from tocsin.plan.names import BURN, INDICATOR, OBJECTIVE, OWNER, SERVICE, SEVERITY
from tocsin.promql.ast import Matcher
from tocsin.routing import InhibitRule, Route, Routing
from tocsin.routingfile.print import print_routing
from tocsin.rules import AlertingRule
from tocsin.spec.settings import Settings, Severity
from tocsin.targets.api import MARK, Artifact, target

_GROUP_BY = ("alertname", SERVICE)


@target("alertmanager")
def write(compiled: Sequence[Compiled], settings: Settings) -> Iterator[Artifact]:
    """One configuration for all specs; none where the settings name no receiver, for then there is nobody to tell."""
    if settings.receivers:
        text = f"{MARK} from tocsin.yaml and the specs: edit those, not this one.\n"
        yield Artifact("alertmanager/alertmanager.yml", text + print_routing(routing(compiled, settings)))


def routing(compiled: Sequence[Compiled], settings: Settings) -> Routing:
    """Routes by owner and severity, then by severity alone; what matches neither goes to the default receiver."""
    by_owner = (_owner(owner, receivers, settings) for owner, receivers in settings.owners.items())
    beat = (route(settings.heartbeat),) if settings.heartbeat else ()
    routes = (*beat, *(one for one in by_owner if one), *_by_severity(settings, {}))
    inhibitions = (*_inhibitions(compiled, settings), *(rule for one in compiled for rule in _tiers(one, settings)))
    root = Route(settings.default_receiver, group_by=_GROUP_BY, routes=routes)
    return Routing(root, settings.receivers, inhibitions)


def _owner(owner: str, receivers: Mapping[str, str], settings: Settings) -> Route | None:
    routes = tuple(_by_severity(settings, receivers))
    if not routes:
        return None
    return Route(settings.default_receiver, (Matcher(OWNER, "=", owner),), routes=routes)


def _by_severity(settings: Settings, receivers: Mapping[str, str]) -> Iterator[Route]:
    for severity in settings.severities:
        receiver = receivers.get(severity.name) or severity.receiver
        if receiver:
            yield _route(receiver, severity)


def _route(receiver: str, severity: Severity) -> Route:
    matchers = (Matcher(SEVERITY, "=", severity.name),)
    waits = (severity.group_wait, severity.group_interval, severity.repeat_interval)
    return Route(receiver, matchers, None, *waits)


def _inhibitions(compiled: Sequence[Compiled], settings: Settings) -> Iterator[InhibitRule]:
    """The more urgent alert on an indicator silences the less urgent ones on the same indicator and group.

    A rule is written for each pair that exists, with the indicator in its matchers: `equal` alone would also match
    two alerts that both lack the label. An indicator that is not grouped has none, for nothing says which of its
    series are about the same thing.
    """
    for one in compiled:
        for name, indicator in one.spec.indicators.items():
            if not indicator.grouped:
                continue
            used = {rule.labels.get(SEVERITY) for rule in _rules(one, name)}
            ordered = [severity.name for severity in settings.severities if severity.name in used]
            for urgent, lesser in combinations(ordered, 2):
                about = (Matcher(SERVICE, "=", one.spec.service), Matcher(INDICATOR, "=", name))
                source, below = ((*about, Matcher(SEVERITY, "=", severity)) for severity in (urgent, lesser))
                yield InhibitRule(source, below, indicator.by)


def _tiers(one: Compiled, settings: Settings) -> Iterator[InhibitRule]:
    """The faster burn of an objective's budget silences the slower ones, of the same group."""
    urgency = [severity.name for severity in settings.severities]
    for objective in one.plan.objectives:
        own = objective.account
        tiers = sorted((burn.tier for burn in objective.burns), key=lambda tier: urgency.index(tier.severity))
        about = (Matcher(SERVICE, "=", one.spec.service), Matcher(OBJECTIVE, "=", own.objective.name))
        for place, tier in enumerate(tiers[:-1], 1):
            slower = "|".join(other.name for other in tiers[place:])
            lesser = Matcher(BURN, "=~" if "|" in slower else "=", slower)
            yield InhibitRule((*about, Matcher(BURN, "=", tier.name)), (*about, lesser), own.by)


def _rules(one: Compiled, indicator: str) -> Iterator[AlertingRule]:
    return (rule for rule, _ in one.alerts if rule.labels.get(INDICATOR) == indicator)
