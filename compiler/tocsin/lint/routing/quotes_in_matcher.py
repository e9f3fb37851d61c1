"""A matcher with single quotes or backticks around its value: they are part of the value, and nothing has them.

Only double quotes are quotes to Alertmanager. `severity='page'` asks for a severity whose first character is `'`.

Source: Alertmanager documentation, "Configuration", `<matcher>`; pkg/labels/parse.go.

Bad::

    route:
      receiver: tickets
      group_by: [alertname, service]
      routes:
        - matchers: [severity='page']
          receiver: pager
    receivers:
      - name: tickets
      - name: pager

Good::

    route:
      receiver: tickets
      group_by: [alertname, service]
      routes:
        - matchers: ['severity="page"']
          receiver: pager
    receivers:
      - name: tickets
      - name: pager
"""

from collections.abc import Iterator, Mapping, Sequence

from tocsin.diagnostics import Span
from tocsin.lint.api import Finding, Routed, lint_rule
from tocsin.lint.matchers import written
from tocsin.lint.routes import matcher_place
from tocsin.promql.ast import Matcher

FIELDS = ("matchers", "match", "match_re")


@lint_rule()
def check(subject: Routed) -> Iterator[Finding]:
    for route in subject.routing.root.walk():
        yield from _found(route.matchers, route.places, FIELDS)
    for rule in subject.routing.inhibit_rules:
        yield from _found(rule.source, rule.places, tuple(f"source_{field}" for field in FIELDS))
        yield from _found(rule.target, rule.places, tuple(f"target_{field}" for field in FIELDS))


def _found(matchers: Sequence[Matcher], places: Mapping[str, Span], fields: Sequence[str]) -> Iterator[Finding]:
    for matcher in matchers if places else ():
        value = matcher.value
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'`":
            better = written(Matcher(matcher.label, matcher.op, value[1:-1]))
            span = matcher_place(matcher, places, fields)
            message = f"the quotes are part of the value: this asks for `{value}`"
            yield Finding(
                message, span, "only double quotes are quotes", f"write `{better}`, in single quotes for YAML"
            )
