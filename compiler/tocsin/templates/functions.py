"""The functions that Prometheus adds to its templates (prometheus/template/template.go, prometheus/common)."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias
from urllib.parse import urlsplit

from tocsin.duration import parse_duration
from tocsin.templates.builtins import ANY, BUILTINS, Function, Type, query_escape
from tocsin.templates.format import limited
from tocsin.templates.numbers import float_text
from tocsin.templates.quote import floating, quoted
from tocsin.templates.regex import matches, replaced
from tocsin.templates.times import time_text
from tocsin.templates.values import (
    AnyMap,
    Byte,
    CallError,
    Duration,
    Html,
    Sample,
    Samples,
    Time,
    UnsupportedTemplateError,
    Value,
    go_bytes,
    type_name,
    unboxed,
)

Query: TypeAlias = Callable[[str], Sequence[Sample]]
"""What PromQL returns at the time of the evaluation. Raises CallError with Prometheus's message."""

_NIL = "runtime error: invalid memory address or nil pointer dereference"


@dataclass(frozen=True, slots=True)
class Environment:
    """What functions know beside their arguments; `time` is that of the evaluation in Unix milliseconds."""

    query: Query
    time: int
    external_url: str = ""
    compat: int = 3


def number(value: Value) -> float:
    """`convertToFloat`. Raises CallError with Go's message."""
    value = unboxed(value)
    if isinstance(value, str) and type_name(value) == "string":
        return _parsed(value)
    if isinstance(value, float | int) and not isinstance(value, bool | Byte | Duration):
        return float(value)
    raise CallError(f"can't convert {'<nil>' if value is None else type_name(value)} to float")


_SPECIAL = {"inf": math.inf, "infinity": math.inf, "nan": math.nan}


def _parsed(text: str) -> float:
    """`strconv.ParseFloat`."""
    word = text.lower().removeprefix("+")
    special = _SPECIAL.get(word.removeprefix("-"))
    if special is not None and not (math.isnan(special) and text[0] in "+-"):
        return -special if word.startswith("-") else special
    value = floating(text)
    if value is None:
        fault = "value out of range" if _is_infinite(text) else "invalid syntax"
        raise CallError(f"strconv.ParseFloat: parsing {quoted(text)}: {fault}")
    return value


def _is_infinite(text: str) -> bool:
    """Whether a text is a number that is too large."""
    return re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text) is not None


def _four(value: float) -> str:
    return float_text(value, "g", 4)


def _scaled(value: float, factor: float, names: Sequence[str]) -> str:
    """The value divided by a factor until it is less than that, with the name of the power."""
    name = ""
    for following in names:
        if abs(value) < factor:
            break
        name, value = following, value / factor
    return f"{_four(value)}{name}"


def _small(value: float) -> str:
    name = ""
    for following in "munpfazy":
        if abs(value) >= 1:
            break
        name, value = following, value * 1000
    return f"{_four(value)}{name}"


def _humanize(given: Value) -> str:
    value = number(given)
    if value == 0 or not math.isfinite(value):
        return _four(value)
    return _scaled(value, 1000, "kMGTPEZY") if abs(value) >= 1 else _small(value)


def _humanize_1024(given: Value) -> str:
    value = number(given)
    if abs(value) <= 1 or not math.isfinite(value):
        return _four(value)
    return _scaled(value, 1024, ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"))


def _humanize_duration(given: Value) -> str:
    value = number(given)
    if not math.isfinite(value):
        return _four(value)
    if abs(value) < 1:
        return f"{_small(value) if value else _four(value)}s"
    sign, value = "-" if value < 0 else "", abs(value)
    # Go's conversion of what int64 cannot hold gives its least number on amd64.
    whole = int(value) if value < 2**63 else -(2**63)
    days, hours, minutes, seconds = (_quotient(whole, 86400), *(_part(whole, size) for size in (3600, 60, 1)))
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    return f"{sign}{minutes}m {seconds}s" if minutes else f"{sign}{_four(value)}s"


def _quotient(value: int, size: int) -> int:
    return abs(value) // size * (1 if value >= 0 else -1)


def _part(value: int, size: int) -> int:
    """Whole hours, minutes or seconds that the next larger unit leaves over, with the sign of the value."""
    rest = abs(_quotient(value, size)) % (24 if size == 3600 else 60)
    return rest if value >= 0 else -rest


def _humanize_percentage(given: Value) -> str:
    return f"{_four(number(given) * 100)}%"


def _time(value: float) -> Time:
    """`floatToTime`: to milliseconds, towards 1970."""
    if not math.isfinite(value):
        raise CallError("value is NaN or Inf")
    nanoseconds = value * 1e9
    if nanoseconds > 2**63 or nanoseconds < -(2**63):
        shown = float_text(value, "g", None)
        raise CallError(f"{shown} cannot be represented as a nanoseconds timestamp since it overflows int64")
    if nanoseconds == 2**63:
        nanoseconds = -(2.0**63)
    return Time(_quotient(int(nanoseconds), 1_000_000) * 1_000_000)


def _humanize_timestamp(given: Value) -> str:
    value = number(given)
    return time_text(_time(value)) if math.isfinite(value) else _four(value)


def _to_duration(given: Value) -> Duration:
    value = number(given) * 1e9
    if not -(2.0**63) <= value < 2.0**63:
        raise UnsupportedTemplateError("it makes a duration of more than 292 years")
    return Duration(int(value))


def _parse_duration(text: str, negative: bool) -> float:
    if not text:
        raise CallError("empty duration string")
    sign = -1 if negative and text.startswith("-") else 1
    try:
        milliseconds = parse_duration(text[1:] if sign < 0 else text)
    except ValueError as error:
        large = "292 years" in str(error)
        fault = "duration out of range" if large else f"not a valid duration string: {quoted(text)}"
        raise CallError(fault) from None
    return sign * float(milliseconds * 1_000_000) / 1e9


def _title_2(text: str) -> str:
    """`strings.Title`: the first letter of every word, where ASCII punctuation and space end words."""
    return "".join(
        _single(char, char.title()) if index == 0 or _separates(text[index - 1]) else char
        for index, char in enumerate(text)
    )


def _separates(char: str) -> bool:
    if char.isascii():
        return not (char.isalnum() or char == "_")
    return char.isspace()


_MID = frozenset("'.:·‧’‘․﹒＇．︓﹕：͵")


def _title_3(text: str) -> str:
    """`cases.Title` of x/text without lower case: an apostrophe, a dot or a colon within a word does not end it."""
    parts, inside, previous = [], False, ""
    for char in text:
        if previous in _MID and char in _MID and previous:
            inside = False
        cased = char.lower() != char or char.upper() != char or char.title() != char
        parts.append(char.title() if cased and not inside else char)
        if cased:
            inside = True
        elif not (char.isalnum() or char == "_" or char in _MID or (not char.isascii() and char.isidentifier())):
            inside = False
        previous = char
    return "".join(parts)


def _single(char: str, changed: str) -> str:
    """Go changes the case of one character to one character, or not at all."""
    return changed if len(changed) == 1 else char


def _upper(text: str) -> str:
    return "".join(_single(char, char.upper()) for char in text)


def _lower(text: str) -> str:
    return "".join(char.lower()[0] for char in text)


def _split_host(address: str) -> tuple[str, str] | None:
    """`net.SplitHostPort`; None where it returns an error."""
    host, colon, port = address.rpartition(":")
    if not colon:
        return None
    if address.startswith("["):
        host, bracket, after = address[1:].partition("]")
        if not bracket or after != f":{port}":
            return None
        rest = host + port
    else:
        rest = address
        if ":" in host:
            return None
    return None if "[" in rest or "]" in rest else (host, port)


def _strip_port(address: str) -> str:
    parts = _split_host(address)
    return address if parts is None else parts[0]


def _strip_domain(address: str) -> str:
    host, port = _split_host(address) or (address, "")
    if _is_ip(host):
        return address
    host = host.split(".")[0]
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_ip(host: str) -> bool:
    try:
        return "%" not in host and bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def _first(samples: Samples | None) -> Sample:
    if not samples:
        raise CallError("first() called on vector with no elements")
    return samples[0]


def _sample(sample: Sample | None) -> Sample:
    if sample is None:
        raise CallError(_NIL)
    return sample


def _sorted_by(label: str, samples: Samples | None) -> Samples:
    return Samples(sorted(samples or (), key=lambda sample: go_bytes(sample.labels.get(label, ""))))


def _link(expr: str, tab: int) -> str:
    return f"/graph?g0.expr={query_escape(expr)}&g0.tab={tab}"


_SAMPLE: Type = "*template.sample"
_SAMPLES: Type = "template.queryResult"

_FUNCTIONS: Mapping[str, Function] = {
    "args": Function(lambda *values: AnyMap((f"arg{i}", unboxed(v)) for i, v in enumerate(values)), (), ANY),
    "first": Function(_first, (_SAMPLES,)),
    "graphLink": Function(lambda expr: _link(expr, 0), ("string",)),
    "humanize": Function(_humanize, (ANY,)),
    "humanize1024": Function(_humanize_1024, (ANY,)),
    "humanizeDuration": Function(_humanize_duration, (ANY,)),
    "humanizePercentage": Function(_humanize_percentage, (ANY,)),
    "humanizeTimestamp": Function(_humanize_timestamp, (ANY,)),
    "label": Function(lambda name, sample: _sample(sample).labels.get(name, ""), ("string", _SAMPLE)),
    "match": Function(matches, ("string", "string")),
    "reReplaceAll": Function(lambda *texts: limited(replaced(*texts)), ("string", "string", "string")),
    "safeHtml": Function(Html, ("string",)),
    "sortByLabel": Function(_sorted_by, ("string", _SAMPLES)),
    "stripDomain": Function(_strip_domain, ("string",)),
    "stripPort": Function(_strip_port, ("string",)),
    "strvalue": Function(lambda sample: _sample(sample).labels.get("__value__", ""), (_SAMPLE,)),
    "tableLink": Function(lambda expr: _link(expr, 1), ("string",)),
    "toLower": Function(_lower, ("string",)),
    "toTime": Function(lambda given: _time(number(given)), (ANY,)),
    "toUpper": Function(_upper, ("string",)),
    "value": Function(lambda sample: _sample(sample).value, (_SAMPLE,)),
}

_BOUND = frozenset({"externalURL", "parseDuration", "pathPrefix", "query", "title"})
_SINCE_3 = frozenset({"now", "toDuration", "urlQueryEscape"})


def function_names(compat: int = 3) -> frozenset[str]:
    """The functions that a template may call; `compat` 2 is Prometheus 2.42."""
    return frozenset(BUILTINS) | frozenset(_FUNCTIONS) | _BOUND | (_SINCE_3 if compat > 2 else frozenset())


def functions(environment: Environment) -> Mapping[str, Function]:
    """All functions, with those that depend on the evaluation."""
    recent = environment.compat > 2
    bound = {
        "externalURL": Function(lambda: environment.external_url),
        "parseDuration": Function(lambda text: _parse_duration(text, recent), ("string",)),
        "pathPrefix": Function(lambda: urlsplit(environment.external_url).path),
        "query": Function(lambda text: Samples(replace(sample) for sample in environment.query(text)), ("string",)),
        "title": Function(_title_3 if recent else _title_2, ("string",)),
    }
    if recent:
        bound["now"] = Function(lambda: environment.time / 1000)
        bound["toDuration"] = Function(_to_duration, (ANY,))
        bound["urlQueryEscape"] = Function(query_escape, ("string",))
    return {**BUILTINS, **_FUNCTIONS, **bound}
