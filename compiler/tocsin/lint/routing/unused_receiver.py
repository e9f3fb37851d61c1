"""A receiver that no route names: nobody is told through it, and whoever wrote it believes otherwise.

Source: Alertmanager documentation, "Configuration", `<receiver>`; `amtool check-config` does not ask.

Bad::

    route:
      receiver: tickets
      group_by: [alertname, service]
      routes:
        - matchers: [severity="page"]
          receiver: pager
    receivers:
      - name: tickets
      - name: pager
      - name: database

Good::

    route:
      receiver: tickets
      group_by: [alertname, service]
      routes:
        - matchers: [severity="page", team="database"]
          receiver: database
        - matchers: [severity="page"]
          receiver: pager
    receivers:
      - name: tickets
      - name: pager
      - name: database
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Routed, lint_rule


@lint_rule(Severity.WARNING)
def check(subject: Routed) -> Iterator[Finding]:
    routing = subject.routing
    used = {route.receiver for route in routing.root.walk()}
    for name in routing.receivers:
        span = routing.places.get(f"receivers.{name}")
        if name not in used and span:
            help = "name it in a route, or remove it"
            yield Finding(f"no route tells receiver `{name}`", span, "never told", help)
