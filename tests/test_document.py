"""YAML with places: every scalar's characters are found again in the file, and no text is more than a problem."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.diagnostics import Problem, ProblemError, Problems, Source
from tocsin.document import ListNode, MapNode, Node, Scalar, dump, dump_text, locate, parse_documents, plain
from tocsin.promql.parse import parse
from tocsin.textfile import read_source


def read(text: str) -> tuple[tuple[Node, ...], list[Problem]]:
    problems = Problems()
    return parse_documents(Source("spec.yaml", text), problems), list(problems)


def one(text: str) -> Node:
    nodes, problems = read(text)
    assert problems == []
    (node,) = nodes
    return node


def refused(text: str) -> Problem:
    with pytest.raises(ProblemError) as raised:
        read(text)
    return raised.value.problem


def scalars(node: Node) -> Iterator[Scalar]:
    match node:
        case Scalar():
            yield node
        case ListNode(items=items):
            for item in items:
                yield from scalars(item)
        case MapNode(entries=entries):
            for key, value in entries:
                yield from scalars(key)
                yield from scalars(value)


def value(text: str) -> Scalar:
    """The scalar under the only key of a mapping."""
    node = locate(one(text), ["a"])
    assert isinstance(node, Scalar)
    return node


# --- scalars ----------------------------------------------------------------------------------------------------------

STYLES = [
    # file, value, its characters in the file
    ("a: up == 0\n", "up == 0", "up == 0"),
    ("a: up\n  ==\n\n  0\n", "up ==\n0", "up\n==\n0"),
    ("a: 'it''s'\n", "it's", "it's"),
    ("a: '''x'''\n", "'x'", "'x'"),
    ("a: 'up\n  == 0'\n", "up == 0", "up\n== 0"),
    ("a: |\n  up\n    == 0\n", "up\n  == 0\n", "up\n  == 0\n"),
    ("a: |-\n  up\n  == 0\n", "up\n== 0", "up\n== 0"),
    ("a: |+\n  up\n\n\n", "up\n\n\n", "up\n\n\n"),
    ("a: |2\n    up\n  == 0\n", "  up\n== 0\n", "  up\n== 0\n"),
    ("a: | # why\n  up\n", "up\n", "up\n"),
    ("a: >\n  up\n  == 0\n", "up == 0\n", "up\n== 0\n"),
    ("a: >-\n  up\n\n  == 0\n", "up\n== 0", "up\n== 0"),
    ("a: >-\n  up\n    == 0\n  x\n", "up\n  == 0\nx", "up\n  == 0\nx"),
    ('a: "up == 0"\n', "up == 0", "up == 0"),
    ('a: "up\n  == 0"\n', "up == 0", "up\n== 0"),
    ('a: "up\\\n  == 0"\n', "up== 0", "up== 0"),
    ('a: "x\\ty"\n', "x\ty", "x\\y"),
    ('a: "\\x41\\u00e9\\U0001F600z"\n', "Aé😀z", "\\\\\\z"),
    ('a: "{job=\\"x\\"}"\n', '{job="x"}', "{job=\\x\\}"),
    ("a: 😀 up\n  == 0\n", "😀 up == 0", "😀 up\n== 0"),
    ("a: &x up == 0\n", "up == 0", "up == 0"),
    ("a: &x\n  up == 0\n", "up == 0", "up == 0"),
    ("a: !!str &x 'up ==\n  0'\n", "up == 0", "up ==\n0"),
    ("a: &x >\n  up\n  == 0\n", "up == 0\n", "up\n== 0\n"),
    ("a: &x # why\n  up\n", "up", "up"),
    ("a: ''\n", "", ""),
]


@pytest.mark.parametrize(("text", "expected", "characters"), STYLES)
def test_every_character_of_a_scalar_is_found_in_the_file(text: str, expected: str, characters: str) -> None:
    scalar = value(text)
    assert scalar.text.value == expected
    assert "".join(text[offset] for offset in scalar.text.offsets) == characters


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a: up == 0  # why\n", "up == 0"),
        ("a: 'up'\n", "'up'"),
        ('a: "up"\n', '"up"'),
        ("a: &x up\n", "up"),
        ("a: !!str up\n", "up"),
        ("a:   up\n     == 0\n", "up\n     == 0"),
    ],
)
def test_a_span_is_what_was_written(text: str, written: str) -> None:
    assert value(text).span.text == written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 5", 5),
        ("a: -017", -15),
        ("a: 0x1f", 31),
        ("a: 0b101", 5),
        ("a: 1_000", 1000),
        ("a: 1.5e+3", 1500.0),
        ("a: -.inf", float("-inf")),
        ("a: yes", True),
        ("a: Off", False),
        ("a: ~", None),
        ("a:", None),
        ("a: 2026-01-31", "2026-01-31"),
        ("a: 1:30", "1:30"),
        ("a: 0x_", "0x_"),
        ("a: 089", "089"),
        ("a: '5'", "5"),
        ('a: "yes"', "yes"),
        ("a: |\n  5", "5"),
        ("a: !!str 5", "5"),
        ("a: !!int 5", 5),
        ("a: =", "="),
    ],
)
def test_a_plain_scalar_has_the_value_of_yaml_1_1(text: str, expected: object) -> None:
    assert value(text).value == expected
    assert type(value(text).value) is type(expected)


@pytest.mark.parametrize("tag", ["!!int five", "!!float x", "!!int 5.5"])
def test_a_tag_that_does_not_fit_is_refused(tag: str) -> None:
    problem = refused(f"a: {tag}")
    assert (problem.code, problem.span.text) == ("yaml/value", tag.split()[1])


def test_a_number_of_many_digits_stays_text() -> None:
    assert value(f"a: {'9' * 5000}").value == "9" * 5000


# --- a fault of PromQL lands on its line ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: sum(up) > nope(x)\n", 1, 14),
        ("a: sum(up) >\n  nope(x)\n", 2, 3),
        ("a: >\n  sum(up)\n  > 0 and\n  nope(x)\n", 4, 3),
        ("a: >-\n    sum(up)\n\n    > nope(x)\n", 4, 7),
        ("a: |\n  sum(up)\n    > nope(x)\n", 3, 7),
        ("a: 'up{a=''b''} > nope(x)'\n", 1, 19),
        ('a: "up{a=\\"b\\"} > nope(x)"\n', 1, 19),
        ('a: "sum(up) \\\n   > nope(x)"\n', 2, 6),
        ("a: &x sum(up) > nope(x)\n", 1, 17),
        ("b: &x\n  sum(up) > nope(x)\na: *x\n", 2, 13),
        ("b: &x {a: sum(up) > nope(x)}\n<<: *x\n", 1, 21),
        ("😀: 1\na: sum(up) > nope(x)\n", 2, 14),
    ],
)
def test_a_fault_in_an_expression_lands_on_its_line_and_column(text: str, line: int, column: int) -> None:
    node = locate(one(text), ["a"])
    assert isinstance(node, Scalar)
    with pytest.raises(ProblemError) as raised:
        parse(node.text)
    span = raised.value.problem.span
    assert (span.line, span.column) == (line, column)
    assert span.text.startswith("nope")


# --- collections ------------------------------------------------------------------------------------------------------


def test_collections_span_their_own_characters() -> None:
    text = "a:\n  - x: 1\n    y: [2, 3]\n  - {z: 4}\n\n# the end\nb: 5\n"
    node = one(text)
    assert plain(node) == {"a": [{"x": 1, "y": [2, 3]}, {"z": 4}], "b": 5}
    assert locate(node, ["a"]).span.text == "- x: 1\n    y: [2, 3]\n  - {z: 4}"
    assert locate(node, ["a", 0]).span.text == "x: 1\n    y: [2, 3]"
    assert locate(node, ["a", 0, "y"]).span.text == "[2, 3]"
    assert locate(node, ["a", 1]).span.text == "{z: 4}"


def test_the_deepest_node_on_the_way_is_found() -> None:
    node = one("a: {b: [1]}\n")
    assert locate(node, ["a", "b", 5, "c"]).span.text == "[1]"
    assert locate(node, ["x"]) is node


def test_a_file_has_many_documents() -> None:
    nodes, problems = read("a: &x 1\n---\nb: 2\n...\n---\n- 3\n")
    assert ([plain(node) for node in nodes], problems) == ([{"a": 1}, {"b": 2}, [3]], [])
    assert refused("a: &x 1\n---\nb: *x\n").code == "yaml/alias"


def test_merge_keys_give_way_to_what_is_written() -> None:
    node = one("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 5\n")
    assert isinstance(node, MapNode)
    assert plain(locate(node, ["z"])) == {"a": 5, "b": 2, "c": 4}
    assert locate(node, ["z", "c"]).span.line == 2
    assert locate(node, ["z"]).span.text == "<<: [*x, *y]\n  a: 5"
    assert plain(one("a: {'<<': 1}")) == {"a": {"<<": 1}}


def test_a_key_that_stands_twice_is_told_and_the_first_counts() -> None:
    (node,), (problem,) = read("a: 1\nb: 2\na: 3\n")
    assert plain(node) == {"a": 1, "b": 2}
    assert (problem.code, problem.span.line, problem.span.text) == ("yaml/duplicate-key", 3, "a")
    assert "line 1" in problem.message


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: &x [*x]\n", "yaml/alias", 1, 8),
        ("a: &x {b: {c: *x}}\n", "yaml/alias", 1, 15),
        ("a:\n  b: *nobody\n", "yaml/alias", 2, 6),
        ("a: {<<: 5}\n", "yaml/merge", 1, 9),
        ("a: {<<: [5]}\n", "yaml/merge", 1, 10),
        ("? [a]\n: b\n", "yaml/key", 1, 3),
        ("a: [1, 2\n", "yaml/syntax", 1, 9),
        ("a: 'x\n", "yaml/syntax", 1, 6),
        ("a: 1\n b: 2\n", "yaml/syntax", 2, 3),
        ("a: \x07\n", "yaml/syntax", 1, 4),
        ("ä: 😀 \x1b[31m\n", "yaml/syntax", 1, 6),
        ("a: 1\nb: \ufffe\n", "yaml/syntax", 2, 4),
        ("\ufeffa: 1\n", "yaml/syntax", 1, 1),
    ],
)
def test_what_is_no_yaml_has_its_place(text: str, code: str, line: int, column: int) -> None:
    problem = refused(text)
    assert (problem.code, problem.span.line, problem.span.column) == (code, line, column)


# --- what would take a program down -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_deep_nesting_is_refused(text: str) -> None:
    assert refused(text).code == "yaml/too-deep"


def test_nesting_by_aliases_is_refused() -> None:
    lines = ["a0: &a0 x"] + [f"a{i}: &a{i} {'[' * 60}*a{i - 1}{']' * 60}" for i in range(1, 40)]
    assert refused("\n".join(lines)).code == "yaml/too-deep"


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 x"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert refused("\n".join(lines)).code == "yaml/too-large"


def test_a_bomb_of_merge_keys_is_no_more_than_its_keys() -> None:
    lines = ["a0: &a0 {k: v}"] + [f"a{i}: &a{i} {{<<: *a{i - 1}, k{i}: v}}" for i in range(1, 200)]
    assert isinstance(one("\n".join(lines)), MapNode)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# nothing\n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_document(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(data)
    assert parse_documents(read_source(file), Problems()) == ()


@pytest.mark.parametrize(
    "data", [b"a: |\n  x\n  y\nb: z\n", b"a: |\r\n  x\r\n  y\r\nb: z\r\n", b"\xef\xbb\xbfa: |\r  x\r  y\rb: z\r"]
)
def test_byte_order_marks_and_line_ends_make_no_difference(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(data)
    (node,) = parse_documents(read_source(file), Problems())
    assert plain(node) == {"a": "x\ny\n", "b": "z"}
    found = locate(node, ["b"])
    assert isinstance(found, Scalar)
    assert (found.span.line, found.span.column, found.span.text) == (4, 4, "z")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"a: \xff\n", "input/not-text"),
        (b"a: \0\n", "input/not-text"),
        (b"\x1f\x8b\x08\x00", "input/not-text"),
        (b"a" * (10 * 2**20 + 1), "input/too-large"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(data)
    with pytest.raises(ProblemError) as raised:
        read_source(file)
    assert raised.value.problem.code == code


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.yaml", "a\0b"):
        with pytest.raises(ProblemError) as raised:
            read_source(path)
        assert raised.value.problem.code == "input/unreadable"


# --- any text ---------------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *"a b : - ' \" | > # & * ! ? [ ] { } , % @ ` ~ < = \\ . 0 é 😀".split(),
        *(" ", "\n", "\n  ", "a: ", "- ", "&x ", "*x", "<<: ", "|\n  ", ">\n  ", "''", "\\n", "\\x41", "\\\n", "\t"),
        *("!!int ", "!!float ", "!!bool ", "!!binary ", "!<x> ", "0x", "1_", "---\n", "...\n", "%YAML 1.1\n"),
        *("\u2028", "\x85", "\ufeff", "\ufffe", "\r\n", "\r", "\x00", "\x1b"),
    ]
)
TEXTS = st.one_of(
    st.text(),
    st.lists(PIECES, max_size=20).map("".join),
    st.lists(PIECES, max_size=16).map(lambda p: "a: " + "".join(p)),
)


def nodes_or_problem(source: Source) -> tuple[Node, ...] | Problem:
    try:
        return parse_documents(source, Problems())
    except ProblemError as error:
        return error.problem


@given(TEXTS)
def test_any_text_is_nodes_or_a_problem(text: str) -> None:
    found = nodes_or_problem(Source("x", text))
    if isinstance(found, Problem):
        assert 0 <= found.span.start <= len(text)
        return
    for node in found:
        for scalar in scalars(node):
            offsets = scalar.text.offsets
            assert len(offsets) == len(scalar.text.value)
            assert list(offsets) == sorted(offsets)
            pairs = zip(scalar.text.value, offsets, strict=True)
            assert all(text[at] in (char, "\\") or (char + text[at]).isspace() for char, at in pairs)


WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1)


@given(st.lists(WORDS, min_size=1, max_size=8), st.sampled_from(["folded", "double", "single", "literal"]), st.data())
def test_every_word_stands_where_its_offset_says(words: list[str], style: str, data: st.DataObject) -> None:
    """Words that a scalar of any style breaks over lines are found again, each where it was written."""
    gaps = [data.draw(st.sampled_from([" ", "\n  ", "\n\n  "])) for _ in words]
    written = "".join(f"{word}{gap}" for word, gap in zip(words, gaps, strict=True)).rstrip()
    double = written.replace("\\", "\\\\").replace('"', '\\"')
    text = {
        "folded": f"a: >\n  {written}\n",
        "literal": f"a: |\n  {written}\n",
        "single": "a: '{}'\n".format(written.replace("'", "''")),
        "double": f'a: "{double}"\n',
    }[style]
    scalar = value(text)
    found = "".join(char for char in scalar.text.value if not char.isspace())
    assert found == "".join("".join(words).split())
    for char, offset in zip(scalar.text.value, scalar.text.offsets, strict=True):
        assert char.isspace() or text[offset] == char or text[offset] == "\\"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")), st.lists))
def test_what_is_dumped_is_read_again(data: object) -> None:
    (node,) = parse_documents(Source("x", dump({"a": data})), Problems())
    assert plain(node) == {"a": data}


LINES = st.text(st.characters(codec="utf-8")) | st.text("ab:#-{}()[]'\" \n\t|>&*!%@`,?~=<0123.y", max_size=30)


@given(LINES, st.integers(0, 3))
def test_a_text_is_written_as_dump_writes_it(text: str, depth: int) -> None:
    """Below `depth` keys, each two columns further in."""
    data: object = text
    for _ in range(depth + 1):
        data = {"key": data}
    head = "".join(f"{'  ' * level}key:\n" for level in range(depth))
    assert dump(data) == f"{head}{'  ' * depth}key: {dump_text(text, 2 * depth)}\n"
