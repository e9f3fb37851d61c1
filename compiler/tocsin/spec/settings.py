"""tocsin.yaml: what is common to all specs of a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias, get_args

from tocsin.budget import Budget, Budgets, Limit
from tocsin.diagnostics import Problem, Problems, Source, Span
from tocsin.diagnostics import Severity as ProblemSeverity
from tocsin.document import ListNode, MapNode, Node, Scalar, plain
from tocsin.duration import parse_duration
from tocsin.findings import Level
from tocsin.quantity import parse_quantity
from tocsin.registry import suggest
from tocsin.spec.burn_rates import DEFAULT, BurnTable, built_in, read_tables
from tocsin.spec.policy import Policy, read_policy
from tocsin.spec.selection import Selection, read_selection
from tocsin.spec.validate import validate

MINUTE = 60_000

MetricType: TypeAlias = Literal["counter", "gauge", "histogram", "summary"]
_METRIC_TYPES: tuple[MetricType, ...] = get_args(MetricType)


@dataclass(frozen=True, slots=True)
class Severity:
    """How urgent an alert is; `wakes` a person or not. Waits in milliseconds, None for Alertmanager's defaults."""

    name: str
    wakes: bool = False
    receiver: str = ""
    group_wait: int | None = None
    group_interval: int | None = None
    repeat_interval: int | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Who is called `every` so many ms while the monitoring works, and pages when the calls stop."""

    receiver: str
    every: int


_EVERY = 5 * MINUTE
_SEVERITIES = (Severity("page", wakes=True), Severity("ticket"))


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a folder of specs; intervals in milliseconds, severities with the most urgent first.

    `levels` says how the team takes what a lint rule finds, by the rule's name, where it is not as the rule says, and
    `selection` which rules it asks.
    `metrics` are the types of metrics whose names do not tell.
    """

    scrape_interval: int = MINUTE
    evaluation_interval: int = MINUTE
    jobs: Mapping[str, int] = field(default_factory=dict)
    version: tuple[int, int] = (2, 42)
    severities: tuple[Severity, ...] = _SEVERITIES
    owners: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    receivers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    default_receiver: str = ""
    budgets: Budgets = field(default_factory=Budgets)
    levels: Mapping[str, Level] = field(default_factory=dict)
    selection: Selection = field(default_factory=Selection)
    policy: Policy = field(default_factory=Policy)
    metrics: Mapping[str, MetricType] = field(default_factory=dict)
    retention: int | None = None
    burn_rates: Mapping[str, BurnTable] = field(default_factory=built_in)
    default_burn_rates: str = DEFAULT
    heartbeat: Heartbeat | None = None

    def severity(self, name: str) -> Severity | None:
        return next((severity for severity in self.severities if severity.name == name), None)

    def wakes(self, name: str) -> bool:
        """Whether alerts of a severity wake a person; where rule files have one that is not defined, by its name."""
        severity = self.severity(name)
        return severity.wakes if severity else name in ("page", "critical")


def read_settings(node: Node, problems: Problems) -> Settings:
    """The settings in a document; what is faulty is reported and takes its default."""
    _, rest = validate(node, "settings", problems)
    problems.extend(_inline_secrets(node))
    if not isinstance(rest, MapNode):
        return Settings()
    settings = _Reader(problems).settings(rest)
    _check_names(rest, settings, problems)
    return settings


OFF = "off"

_LIMITS = tuple(limit.name for limit in fields(Budget))


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def settings(self, node: MapNode) -> Settings:
        server = _mapping(node.get("prometheus"))
        default = Settings()
        version = _text(server, "version")
        severities = tuple(
            self._severity(key.text.value, _mapping(value)) for key, value in _entries(node, "severities")
        )
        receivers = {key.text.value: plain(value) for key, value in _entries(node, "receivers")}
        return Settings(
            self._duration(server, "scrape_interval") or default.scrape_interval,
            self._duration(server, "evaluation_interval") or default.evaluation_interval,
            {key.text.value: self._parse(value) or default.scrape_interval for key, value in _entries(server, "jobs")},
            _version(version) if version else default.version,
            severities or default.severities,
            {key.text.value: plain(value) or {} for key, value in _entries(node, "owners")},
            receivers,
            _text(node, "default_receiver") or next(iter(receivers), ""),
            self._budgets(_mapping(node.get("budget"))),
            dict(_levels(_mapping(node.get("lint")))),
            read_selection(node.get("lint")),
            read_policy(node.get("policy"), self._problems),
            dict(_metrics(node)),
            self._duration(server, "retention"),
            {**built_in(), **read_tables(node.get("burn_rates"), self._problems)},
            _text(node, "default_burn_rates") or DEFAULT,
            self._heartbeat(_mapping(node.get("heartbeat"))),
        )

    def _heartbeat(self, node: MapNode | None) -> Heartbeat | None:
        if node is None:
            return None
        return Heartbeat(_text(node, "receiver"), self._duration(node, "every") or _EVERY)

    def _budgets(self, node: MapNode | None) -> Budgets:
        common = self._budget(node, Budget())
        owners = {key.text.value: self._budget(_mapping(body), common) for key, body in _entries(node, "owners")}
        return Budgets(common, owners)

    def _budget(self, node: MapNode | None, inherited: Budget) -> Budget:
        """The limits that are written, on top of others."""
        limits = {name: node.get(name) for name in _LIMITS} if node else {}
        written = {name: value for name, value in limits.items() if isinstance(value, Scalar)}
        return replace(inherited, **{name: Limit(self._limit(value), value.span) for name, value in written.items()})

    def _limit(self, node: Scalar) -> float:
        value = parse_quantity(node.text.value).value if isinstance(node.value, str) else float(node.value or 0)
        if isinstance(node.value, str) and value > 1:
            self._problems.add(Problem("spec/value", f"`{node.text.value}` is more than all of them", node.span))
        return value

    def _severity(self, name: str, body: MapNode | None) -> Severity:
        wakes = body.get("wakes") if body else None
        return Severity(
            name,
            wakes.value is True if isinstance(wakes, Scalar) else name == "page",
            _text(body, "receiver"),
            *(self._duration(body, key) for key in ("group_wait", "group_interval", "repeat_interval")),
        )

    def _duration(self, body: MapNode | None, key: str) -> int | None:
        node = body.get(key) if body else None
        return None if node is None else self._parse(node)

    def _parse(self, node: Node) -> int | None:
        assert isinstance(node, Scalar)
        try:
            return parse_duration(node.text.value)
        except ValueError as error:
            message = f"`{node.text.value}` is not a duration: {error}"
            self._problems.add(Problem("spec/duration", message, node.span))
            return None


def _levels(node: MapNode | None) -> Iterator[tuple[str, Level]]:
    for key, value in _entries(node, "rules"):
        # YAML reads a bare `off` as false.
        text = value.text.value if isinstance(value, Scalar) and value.value is not False else OFF
        yield key.text.value, Level(None if text == OFF else ProblemSeverity(text), key.span)


def _mapping(node: Node | None) -> MapNode | None:
    return node if isinstance(node, MapNode) else None


def _entries(node: MapNode | None, key: str) -> tuple[tuple[Scalar, Node], ...]:
    below = _mapping(node.get(key)) if node else None
    return below.entries if below else ()


def _text(body: MapNode | None, key: str) -> str:
    node = body.get(key) if body else None
    return node.text.value if isinstance(node, Scalar) else ""


def _metrics(node: MapNode) -> Iterator[tuple[str, MetricType]]:
    """The declared types of metrics, by name."""
    for key, value in _entries(node, "metrics"):
        written = value.text.value if isinstance(value, Scalar) else ""
        yield from ((key.text.value, kind) for kind in _METRIC_TYPES if kind == written)


def _version(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)


def _check_names(node: MapNode, settings: Settings, problems: Problems) -> None:
    """Every receiver and severity that is named must be defined."""
    for name, known, noun in _named(node, settings):
        if name.text.value not in known:
            message = f"{noun} `{name.text.value}` is not defined"
            problems.add(Problem("spec/unknown-name", message, name.span, help=suggest(name.text.value, known)))


def _named(node: MapNode, settings: Settings) -> Iterator[tuple[Scalar, list[str], str]]:
    receivers, severities = list(settings.receivers), [severity.name for severity in settings.severities]
    default, table = node.get("default_receiver"), node.get("default_burn_rates")
    if isinstance(default, Scalar):
        yield default, receivers, "receiver"
    called = node.get("heartbeat")
    receiver = called.get("receiver") if isinstance(called, MapNode) else None
    if isinstance(receiver, Scalar):
        yield receiver, receivers, "receiver"
    if isinstance(table, Scalar):
        yield table, list(settings.burn_rates), "table of burn rates"
    for _, body in _entries(node, "burn_rates"):
        for _, tier in _entries(_mapping(body), "tiers"):
            severity = tier.get("severity") if isinstance(tier, MapNode) else None
            if isinstance(severity, Scalar):
                yield severity, severities, "severity"
    for _, body in _entries(node, "severities"):
        receiver = body.get("receiver") if isinstance(body, MapNode) else None
        if isinstance(receiver, Scalar):
            yield receiver, receivers, "receiver"
    if settings.owners:
        yield from (
            (key, list(settings.owners), "owner") for key, _ in _entries(_mapping(node.get("budget")), "owners")
        )
    for _, body in _entries(node, "owners"):
        for key, value in body.entries if isinstance(body, MapNode) else ():
            yield key, severities, "severity"
            if isinstance(value, Scalar):
                yield value, receivers, "receiver"


_SECRETS = (
    "api_key api_secret api_url app_token auth_password auth_secret bearer_token bot_token client_secret credentials "
    "key password routing_key secret secret_key secrets service_key token user_key webhook_url"
).split()
_ADDRESSES = ("url", "proxy_url", "token_url")


def _inline_secrets(node: Node) -> Iterator[Problem]:
    """Secrets that stand in the settings, where everybody who can read the repository can read them."""
    for item in node.items if isinstance(node, ListNode) else ():
        yield from _inline_secrets(item)
    for key, value in node.entries if isinstance(node, MapNode) else ():
        name = key.text.value
        if isinstance(value, MapNode):
            yield from _inline_secrets(value)
        elif name in _SECRETS or (name in _ADDRESSES and _carries_secret(value)):
            message = f"`{name}` is a secret, and secrets do not belong in this file"
            help = f"put it in a file on the Alertmanager's host and write `{name}_file: /etc/alertmanager/...`"
            yield Problem("spec/inline-secret", message, key.span, help=help)
        else:
            yield from _inline_secrets(value)


def _carries_secret(node: Node) -> bool:
    """Whether an address has a password, or a query that may be a token."""
    return isinstance(node, Scalar) and ("@" in node.text.value or "?" in node.text.value)


_NAMES = "|".join((*_SECRETS, *_ADDRESSES))
_WRITTEN = re.compile(
    rf"""(?P<key>.*?(?<![\w.-])["']?(?:(?:{_NAMES})["']?\s*:\s*(?=\S)|\w+_configs["']?\s*:\s*(?=[^\s\[{{])))(?P<value>.*)"""
)


_SHORTEST = 6
"""Characters of a word that may be a secret: a shorter one would blot out the words of messages."""


def without_secrets(problem: Problem) -> Problem:
    """The problem with stars for every secret that the lines of its file, or its own words, would show.

    It goes by the text alone, for it must also hold where a fault keeps the file from being read as YAML.
    """
    span = problem.span
    source = Source(span.source.path, _starred(span.source.text), span.source.first_line)
    pairs = zip(span.source.text.split(), source.text.split(), strict=True)
    hidden = {shown.strip("\"',[]{}") for shown, stars in pairs if shown != stars and not shown.endswith(":")}
    message = problem.message
    for secret in sorted(hidden, key=len, reverse=True):
        message = message.replace(secret, "***") if len(secret) >= _SHORTEST else message
    return replace(problem, message=message, span=Span(source, span.start, span.end), fix=None)


def _starred(text: str) -> str:
    """The text with stars in place of each secret, to the end of its line and on lines that are indented deeper."""
    lines, depth = [], None
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip(" -"))
        if depth is not None and line.strip() and indent <= depth:
            depth = None
        found = _WRITTEN.match(line)
        if depth is not None:
            line = re.sub(r"\S", "*", line)
        elif found:
            depth = indent
            line = found["key"] + re.sub(r"\S", "*", found["value"])
        lines.append(line)
    return "\n".join(lines)
