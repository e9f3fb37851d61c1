"""Where a fault of PromQL stands in a file: the line and column of what was written, in every style that YAML has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.diagnostics import ProblemError, Problems
from tocsin.document import Node, Scalar, locate, parse_documents
from tocsin.promql.parse import parse
from tocsin.textfile import read_source

FAULTS = [("nope(up)", "nope"), ("§", "§"), ('up{a=~"("}', '"("'), ("sum(up, up)", "sum"), ("up[5x]", "5x")]
"""What is no PromQL, and the part of it that a problem points at."""

OPERANDS = [
    "up",
    'up{a="b  c"}',
    '{"größe", "ü"="é😀"}',
    "rate(x_total[5m])",
    "( up )",
    "{a=\"'x'\"}",
    '{"日本語"}',
    "x:y",
]
OPERATORS = ["+", "/ on (a) group_left ( )", ">", "and", 'unless ignoring("é")']
GAPS = [" ", "  ", "\t", " \t ", ""]


@dataclass(frozen=True)
class Written:
    """An expression in lines, and where its fault stands: line (from 0) and column (from 0) of those."""

    lines: tuple[str, ...]
    line: int
    column: int
    fault: str


@st.composite
def expressions(draw: st.DrawFn) -> Written:
    """Operands and operators over several lines, of which some are empty or indented; one operand is faulty."""
    count = draw(st.integers(1, 5))
    faulty = draw(st.integers(0, count - 1))
    text, pointed = draw(st.sampled_from(FAULTS))
    lines, at = [""], (0, 0)
    for index in range(count):
        if index:
            lines[-1] += " " + draw(st.sampled_from(OPERATORS)) + " "
        if index and draw(st.booleans()):
            lines += [""] * draw(st.integers(0, 2))
            lines.append(draw(st.sampled_from(["", "", "  ", "\t", "    "])))
        lines[-1] += draw(st.sampled_from(GAPS)) if lines[-1] else ""
        operand = text if index == faulty else draw(st.sampled_from(OPERANDS))
        if index == faulty:
            at = (len(lines) - 1, len(lines[-1]) + text.index(pointed))
        lines[-1] += operand + draw(st.sampled_from(GAPS))
    return Written(tuple(lines), *at, pointed)


@dataclass(frozen=True)
class Placed:
    """The text of a file, and the line and column (from 1) where the fault stands in it."""

    text: str
    line: int
    column: int


@st.composite
def files(draw: st.DrawFn) -> Placed:
    """An expression under `expr:` in a file, in one of the styles of a scalar."""
    written = draw(expressions())
    depth = draw(st.integers(0, 3))
    before = "".join(f"{' ' * level * 2}l{level}:\n" for level in range(depth))
    before = draw(st.sampled_from(["", "# 😀\n", "\n\n"])) + before
    name, gap = draw(st.sampled_from(["expr", "表現😀", "'expr'"])), draw(st.sampled_from([" ", "   "]))
    key = f"{' ' * depth * 2}{name}:{gap}"
    key += draw(st.sampled_from(["", "", "&anchor ", "!!str ", "!!str &a-b "]))
    body = draw(st.sampled_from([block, block, plain, single, double]))(draw, written, depth * 2)
    before += key
    row, column, text = body
    above = before.count("\n") + 1
    left = len(before) - before.rfind("\n") - 1 if row == 0 else 0
    return Placed(
        before + text + "\n" + draw(st.sampled_from(["", "z: 1\n", "# end\n"])), above + row, left + column + 1
    )


def block(draw: st.DrawFn, written: Written, depth: int) -> tuple[int, int, str]:
    """`|` and `>`, with a sign for the end, an indentation that is told, and a comment."""
    indent = draw(st.integers(1, 4))
    first = next(line for line in written.lines if line.strip())
    told = str(indent) if first[:1].isspace() or draw(st.booleans()) else ""
    mark = draw(st.sampled_from("|>")) + "".join(draw(st.permutations([told, draw(st.sampled_from(["", "-", "+"]))])))
    mark += draw(st.sampled_from(["", " # why", "  "]))
    pad = " " * (depth + indent)
    lines = [pad + line if line.strip() or (told and draw(st.booleans())) else "" for line in written.lines]
    return written.line + 1, len(pad) + written.column, "\n".join([mark, *lines])


def plain(draw: st.DrawFn, written: Written, depth: int) -> tuple[int, int, str]:
    """No quotes, where YAML allows that; else single ones."""
    text = "\n".join(written.lines)
    if text.lstrip()[0] in "\"'{[§&" or ": " in text or " #" in text:
        return single(draw, written, depth)
    return _flowing(draw, written, depth, "")


def single(draw: st.DrawFn, written: Written, depth: int) -> tuple[int, int, str]:
    return _flowing(draw, written, depth, "'")


def _flowing(draw: st.DrawFn, written: Written, depth: int, quote: str) -> tuple[int, int, str]:
    pad = " " * (depth + draw(st.integers(1, 4)))
    lines = [line.replace("'", "''") if quote else line for line in written.lines]
    before = written.lines[written.line][: written.column]
    column = len(before.replace("'", "''") if quote else before)
    lead = len(quote) if written.line == 0 else len(pad)
    text = "\n".join([lines[0], *(pad + line if line.strip() else line.strip() for line in lines[1:])])
    return written.line, lead + column, quote + text + quote


ESCAPED = {"\t": ["\t", "\\t", "\\x09"], " ": [" ", "\\ ", "\\x20"], '"': ['\\"', "\\x22"]}


def double(draw: st.DrawFn, written: Written, depth: int) -> tuple[int, int, str]:
    """Any character may be an escape, and a line may end in one."""
    rows = ['"']
    at = (0, 0)
    for number, line in enumerate(written.lines):
        if number:
            rows[-1] += draw(st.sampled_from(["", " \\", "\\n\\", "\\n", "\\t"]))
            rows.append(" " * (depth + 1 + draw(st.integers(0, 3))))
        for column, char in enumerate(line):
            if (number, column) == (written.line, written.column):
                at = (len(rows) - 1, len(rows[-1]))
            options = ESCAPED.get(
                char, [char, char, char, f"\\u{ord(char):04x}" if ord(char) < 2**16 else f"\\U{ord(char):08x}"]
            )
            rows[-1] += draw(st.sampled_from(options))
    return *at, "\n".join(rows) + '"'


def expression(node: Node) -> Scalar:
    """The scalar that `expr` stands for, however deep."""
    while not isinstance(node, Scalar):
        node = locate(node, [next(key.text.value for key, _ in node.entries)])  # type: ignore[union-attr]
    return node


@given(files(), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_fault_is_where_it_was_written(placed: Placed, line_end: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "x.yaml"
        file.write_bytes(placed.text.replace("\n", line_end).encode())
        (node,) = parse_documents(read_source(file), Problems())
    with pytest.raises(ProblemError) as raised:
        parse(expression(node).text)
    span = raised.value.problem.span
    assert (span.line, span.column) == (placed.line, placed.column), (span.text, raised.value.problem.message)
