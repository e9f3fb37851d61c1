"""A route that no alert can take: one before it takes them all, or its matchers contradict those above it.

Alertmanager asks the routes of a level in their order, and stops at the first that matches, unless that one has
`continue: true`. What stands below a route has been matched by it already.

Source: Alertmanager documentation, "Configuration", `<route>`.

Bad::

    route:
      receiver: tickets
      group_by: [alertname, service]
      routes:
        - matchers: [severity=~"page|critical"]
          receiver: pager
        - matchers: [severity="page", team="payments"]
          receiver: payments
    receivers:
      - name: tickets
      - name: pager
      - name: payments

Good::

    route:
      receiver: tickets
      group_by: [alertname, service]
      routes:
        - matchers: [severity="page", team="payments"]
          receiver: payments
        - matchers: [severity=~"page|critical"]
          receiver: pager
    receivers:
      - name: tickets
      - name: pager
      - name: payments
"""

from collections.abc import Iterator

from tocsin.lint.api import Finding, Routed, lint_rule
from tocsin.lint.matched import contradiction, implies
from tocsin.lint.routes import start
from tocsin.promql.ast import Matcher
from tocsin.routing import Route


@lint_rule()
def check(subject: Routed) -> Iterator[Finding]:
    yield from _below(subject.routing.root, subject.routing.root.matchers)


def _below(parent: Route, above: tuple[Matcher, ...]) -> Iterator[Finding]:
    """The unreachable routes below one that is not."""
    for index, route in enumerate(parent.routes):
        matchers = above + route.matchers
        earlier = [one for one in parent.routes[:index] if not one.continue_ and implies(matchers, one.matchers)]
        label = contradiction(matchers)
        if "whole" not in route.places:
            continue
        span = start(route.places["whole"])
        if label:
            message = f"no alert takes this route: no value of `{label}` satisfies its matchers and those above it"
            yield Finding(message, span, "matches nothing", "correct the matchers, or remove the route")
        elif earlier:
            line = earlier[0].places["whole"].line
            message = (
                f"no alert takes this route: the one in line {line} matches all that it does, and does not continue"
            )
            help = "put it before that one, or write `continue: true` there"
            yield Finding(message, span, f"already taken in line {line}", help, numbers={"line": line})
        else:
            yield from _below(route, matchers)
