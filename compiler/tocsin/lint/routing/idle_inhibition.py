"""An inhibition that mutes nothing: its two sides are the same alerts, or one of them matches none.

Alertmanager does not let an alert that is on both sides be muted by another that is on both, or everything would mute
itself. So with two sides that match the same alerts, none is ever muted.

Source: Alertmanager documentation, "Inhibition"; inhibit/inhibit.go.

Bad::

    route:
      receiver: pager
      group_by: [alertname, service]
    receivers:
      - name: pager
    inhibit_rules:
      - source_matchers: [severity=~"critical|warning"]
        target_matchers: [severity=~"warning|critical"]
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

from tocsin.lint.api import Finding, Routed, lint_rule
from tocsin.lint.matched import contradiction, implies
from tocsin.lint.routes import start


@lint_rule()
def check(subject: Routed) -> Iterator[Finding]:
    for rule in subject.routing.inhibit_rules:
        if "whole" not in rule.places:
            continue
        span = start(rule.places["whole"])
        empty = contradiction(rule.source) or contradiction(rule.target)
        if empty:
            side = "source" if contradiction(rule.source) else "target"
            message = f"this mutes nothing: no value of `{empty}` satisfies the matchers of its {side}"
            yield Finding(message, span, "matches nothing", "correct the matchers, or remove the rule")
        elif implies(rule.source, rule.target) and implies(rule.target, rule.source):
            message = "this mutes nothing: what is on both sides is not muted by what is on both sides"
            yield Finding(message, span, "the sides are the same", "say on each side what the other is not")
