"""A replacement and a match to text: `$1` and `${name}` as Go's package regexp expands them."""

from __future__ import annotations

import re

import re2

_REFERENCE = re2.compile(r"\$(?:\$|\{(?P<braced>[\pL\p{Nd}_]+)\}|(?P<bare>[\pL\p{Nd}_]+))")
_NUMBER = re.compile(r"0|[1-9][0-9]*")
"""Any other run of digits is a name, and no group can have it."""


def expand(template: str, match: re2._Match[str]) -> str:
    """Go's `Regexp.Expand`: `$1`, `${1}`, `$name`, `$$`; what is not captured is empty.

    >>> expand("$1-x $01", re2.match("(a)b", "ab"))
    'a-x '
    """

    def replacement(reference: re2._Match[str]) -> str:
        name = reference["braced"] or reference["bare"]
        if name is None:
            return "$"
        groups: dict[str, int] = match.re.groupindex
        number = int(name) if _NUMBER.fullmatch(name) else groups.get(name, -1)
        return (match.group(number) or "") if 0 <= number <= match.re.groups else ""

    return str(_REFERENCE.sub(replacement, template))
