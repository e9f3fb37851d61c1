"""Rows of text to a table of plain lines, as narrow as they allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def columns(titles: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> Iterator[str]:
    """The lines, indented by four; the first `words` columns are aligned to the left.

    >>> [line.strip() for line in columns(("tier", "above"), [("fast", "1.44%"), ("medium", "0.6%")])]
    ['tier    above', 'fast    1.44%', 'medium   0.6%']
    """
    lines = [tuple(titles), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            cell.ljust(width) if index < words else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield f"    {'  '.join(cells)}".rstrip()
