"""An alert that fires on less than a minute of trouble: by the time anyone looks, it is over.

A `for` under a minute, or none at all on a value that is taken at an instant, lets a single sample wake a person.
Rates and ratios over a window of minutes are smooth already, and may go without `for`. `irate` is not: it is of the
last two samples. Nor is the greatest value of a window: one sample is that for as long as the window lasts.

Source: Prometheus documentation, "Alerting rules" (`for`); R. Ewaschuk, "My Philosophy on Alerting".

Bad::

    service: web
    owner: platform
    runbook: https://runbooks.example.com/web
    indicators:
      cpu: {gauge: {value: 'instance:cpu_usage:ratio{job="web"}', unit: ratio}}
    alerts:
      - name: WebSaturated
        indicator: cpu
        above: 90%
        for: 30s
        severity: ticket
        summary: Web servers have no processor time left
        action: Add two instances to the pool.

Good::

    service: web
    owner: platform
    runbook: https://runbooks.example.com/web
    indicators:
      cpu: {gauge: {value: 'instance:cpu_usage:ratio{job="web"}', unit: ratio}}
    alerts:
      - name: WebSaturated
        indicator: cpu
        above: 90%
        for: 15m
        severity: ticket
        summary: Web servers have no processor time left
        action: Add two instances to the pool.
"""

from collections.abc import Iterator

from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import looks

MINUTE = 60_000


@lint_rule()
def check(subject: Subject) -> Iterator[Finding]:
    rule = subject.rule
    label = f"shorter than one minute; the group is evaluated every {format_duration(subject.interval)}"
    if 0 < rule.for_ < MINUTE:
        message = f"`for: {format_duration(rule.for_)}` tells people of a spike that is over before anyone can act"
        numbers = {"for": rule.for_ / 1000, "interval": subject.interval / 1000}
        yield Finding(message, subject.place("for"), label, "write `for: 5m`, or use an objective", numbers=numbers)
    elif subject.planned:
        yield from _one_sample(subject)


def _one_sample(subject: Subject) -> Iterator[Finding]:
    for_, windows = subject.rule.for_, list(looks(subject.rule.expr))
    if any(window >= MINUTE for window, one in windows if not one):
        return
    lasts = max((window for window, one in windows if one), default=0)
    if for_ == 0:
        message = "without `for`, a single sample of this value fires the alert"
        yield Finding(message, subject.place("expr"), "taken at an instant", "add `for: 5m`")
    elif for_ < lasts:
        message = f"a single sample fires this alert: it is the extreme of its window for {format_duration(lasts)}"
        label, help = "shorter than that", f"write `for: {format_duration(lasts + 5 * MINUTE)}`, or take the average"
        yield Finding(message, subject.place("for"), label, help, numbers={"for": for_ / 1000, "window": lasts / 1000})
