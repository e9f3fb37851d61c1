"""Trees of elements to XML that any parser reads, whatever the texts in them hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tocsin.diagnostics import printable

_FORBIDDEN = re.compile("[^\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for, and no escape (section 2.2, "Characters")."""


def element(parent: Element | None, tag: str, attributes: Mapping[str, object], text: str = "") -> Element:
    """An element, below a parent if one is given."""
    written = {name: _clean(str(value)) for name, value in attributes.items()}
    made = Element(tag, written) if parent is None else SubElement(parent, tag, written)
    made.text = _clean(text) or None
    return made


def _clean(text: str) -> str:
    lines = "\n".join(printable(line) for line in text.split("\n"))
    return _FORBIDDEN.sub(lambda found: ascii(found[0])[1:-1], lines)


def document(root: Element) -> str:
    """The whole of a document, in ASCII, and a line break at its end."""
    indent(root)
    written: bytes = tostring(root, encoding="us-ascii")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written.decode()}\n'
