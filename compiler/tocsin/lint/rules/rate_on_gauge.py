"""A function of counters on a gauge, or of gauges on a counter: the result is a number, and means nothing.

`rate` and `increase` take each fall for a restart and add what was there before, so a gauge that goes down and up seems
to grow without end. `delta`, `deriv` and `predict_linear` take a restart of a counter for a real fall. Types are told
by the suffix of the name, or declared: `metrics: {NAME: counter}` in tocsin.yaml.

Source: cloudflare/pint, `promql/rate`; Prometheus documentation, "Query functions" (`rate`, `delta`).

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopMemoryGrows
            expr: rate(process_resident_memory_bytes{job="shop"}[1h]) > 100000
            for: 1h
            labels: {severity: warning}
            annotations:
              summary: A shop server takes 100 kB more memory each second
              description: '{{ $labels.instance }}: {{ $value | humanize1024 }}B/s.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopMemoryGrows
            expr: deriv(process_resident_memory_bytes{job="shop"}[1h]) > 100000
            for: 1h
            labels: {severity: warning}
            annotations:
              summary: A shop server takes 100 kB more memory each second
              description: '{{ $labels.instance }}: {{ $value | humanize1024 }}B/s.'
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import AnyRule, Finding, lint_rule
from tocsin.lint.memo import walked
from tocsin.lint.metrics import is_sure, type_of
from tocsin.promql.ast import Call, MatrixSelector

_OF_COUNTERS = {"rate": "deriv", "irate": "deriv", "increase": "delta"}
_OF_GAUGES = {"delta": "increase", "idelta": "irate", "deriv": "rate", "predict_linear": "rate"}


@lint_rule(Severity.WARNING)
def check(subject: AnyRule) -> Iterator[Finding]:
    declared = subject.settings.metrics
    for node in walked(subject.rule.expr):
        if not isinstance(node, Call) or not isinstance(node.args[0] if node.args else None, MatrixSelector):
            continue
        (read, *_) = node.args
        assert isinstance(read, MatrixSelector)
        name = read.selector.name
        kind = type_of(name, declared)
        if node.function in _OF_COUNTERS and kind == "gauge":
            message = f"`{node.function}` is for counters, and `{name}` is a gauge: each fall counts as a restart"
            help = f"use `{_OF_COUNTERS[node.function]}`, or declare `{name}` under `metrics` in tocsin.yaml"
            yield Finding(message, subject.span(node), "of a gauge", help)
        elif node.function in _OF_GAUGES and kind == "counter" and is_sure(name, declared):
            message = f"`{node.function}` is for gauges, and `{name}` is a counter: a restart counts as a fall"
            help = f"use `{_OF_GAUGES[node.function]}`, or declare `{name}` under `metrics` in tocsin.yaml"
            yield Finding(message, subject.span(node), "of a counter", help)
