"""An inhibition whose side has no matchers: any alert mutes, or every alert is muted.

A side without matchers matches all alerts. Then one alert, wherever it fires, keeps everything quiet that agrees with
it in `equal`; or anything at all keeps the target quiet, which is a way to mute an alert for ever, if that is meant.
A target that includes the source is said, too: such a rule mutes only what is not on both sides.

Source: Alertmanager documentation, "Configuration", `<inhibit_rule>`.

Bad::

    route:
      receiver: pager
      group_by: [alertname, service]
    receivers:
      - name: pager
    inhibit_rules:
      - source_matchers: [severity="critical"]
        equal: [service]

Good::

    route:
      receiver: pager
      group_by: [alertname, service]
    receivers:
      - name: pager
    inhibit_rules:
      - source_matchers: [severity="critical"]
        target_matchers: [severity="warning"]
        equal: [service]
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Routed, lint_rule
from tocsin.lint.matched import contradiction, implies
from tocsin.lint.routes import start
from tocsin.routing import InhibitRule


@lint_rule(Severity.WARNING)
def check(subject: Routed) -> Iterator[Finding]:
    for rule in subject.routing.inhibit_rules:
        said = _said(rule)
        if said and "whole" in rule.places:
            message, label, help, severity = said
            yield Finding(message, start(rule.places["whole"]), label, help, severity)


def _said(rule: InhibitRule) -> tuple[str, str, str, Severity] | None:
    if contradiction(rule.source) or not (rule.source or rule.target):
        return None  # it mutes nothing, and that is said
    where = f" that agrees in {', '.join(f'`{name}`' for name in rule.equal)}" if rule.equal else ""
    if not rule.target:
        help = "write `target_matchers` that say which alerts are only a consequence"
        return f"while the source fires, every alert{where} is muted", "no target", help, Severity.WARNING
    if not rule.source:
        help = "write `source_matchers` that say which alert is the cause"
        return f"whatever alert fires{where and ' and agrees'} mutes the target", "no source", help, Severity.INFO
    if implies(rule.source, rule.target) and not implies(rule.target, rule.source):
        message = "the target includes the source, whose alerts do not mute each other"
        return message, "on both sides", "leave the alerts of the source out of the target", Severity.INFO
    return None
