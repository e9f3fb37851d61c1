"""Templates against promtool 2.42: every function, every verb, every fault, and random compositions of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import promtool

from tocsin.templates.actions import reads, syntax_fault
from tocsin.templates.expand import expand
from tocsin.templates.format import LIMIT
from tocsin.templates.functions import Environment
from tocsin.templates.parse import DEPTH
from tocsin.templates.values import CallError, Data, Histogram, Sample, UnsupportedTemplateError

SERIES = {
    'x{job="api",instance="a.example.com:9090"}': 3.5,
    'y{k="b",n="1"}': 1.0,
    'y{k="a",n="2"}': 1e6,
}
LABELS = {"__name__": "x", "job": "api", "instance": "a.example.com:9090"}
RESULTS = {
    "y": [Sample({"__name__": "y", "k": "b", "n": "1"}, 1.0), Sample({"__name__": "y", "k": "a", "n": "2"}, 1e6)],
    "y{k='a'}": [Sample({"__name__": "y", "k": "a", "n": "2"}, 1e6)],
    "nope": [],
}
REFUSED = {
    "y +": "1:4: parse error: unexpected end of input",
    "nonsense(": "1:10: parse error: unclosed left parenthesis",
}


def query(text: str) -> list[Sample]:
    if text in REFUSED:
        raise CallError(REFUSED[text])
    if text not in RESULTS:
        raise UnsupportedTemplateError("it queries what the tests do not know")
    return RESULTS[text]


def expanded(text: str, name: str = "A", compat: int = 2, value: float | Histogram = 3.5) -> str:
    """The text of a template, or of a faulty one what is wrong with it, as promtool tells."""
    data = Data(LABELS, value, {"dc": "eu"}, "http://h:1/p")
    found = expand(text, name, data, Environment(query, 60_000, "http://h:1/p", compat))
    parsing = f"error parsing template __alert_{name}: "
    return found.error.removeprefix(parsing) if found.error.startswith(parsing) else found.text


def differences(folder: Path, templates: list[str]) -> list[tuple[str, str, str]]:
    """Where promtool has another text."""
    wanted = promtool.expansions(folder, templates, SERIES, "x")
    ours = [expanded(template, f"A{index}") for index, template in enumerate(templates)]
    return [found for found in zip(templates, wanted, ours, strict=True) if found[1] != found[2]]


FILE = Path(__file__).parent / "templates.txt"

LINES = [
    "a\n{{- /* c\nd */ -}}\n b {{ .Foo }}",
    "{{ if\n  true\n}}x{{ end }}\n{{ $x",
    '{{ "a\nb" }}',
    "\n\n{{ foo }}",
    "{{ /*\n*/ }}",
    "a\n{{ 1\n",
    "\n{{ `a\nb` | toUpper }}\n{{ 'a",
    "x\n\n{{ printf `%d\n` 1\n | len }}\n{{ .Value.a }}",
    "{{ range $labels }}\n{{- . }}\n{{ end -}}\n\n!",
    "{{ define `t` }}\n{{ .a }}{{ end }}\n{{ template `t` 1 }}",
    "{{ 1 -}}\n\n {{- 2 }}\t{{ 3 -}} \r\n 4",
    "{{\n1\n)\n}}",
    "{{ if true }}\n\n{{ else\n}}\n{{ $labels.job.x }}{{ end }}{{ $labels\n.job.x }}",
]
"""Templates of several lines, which say where in them something is wrong."""

VALUES = [0.0, 1.0, -1.0, 0.1, 999.9999, 1000.0, 1023.999, 1024.0, 12345.678, 1e6, 123456789.0, 1e15, 1e21, 1e22, 1e27]
VALUES += [1e300, 0.001, 0.00099999, 1e-6, 1.5e-9, 1e-24, 5e-324, 59.9995, 60.0, 3599.0, 3600.0, 86399.5, 90061.0, 1e10]
NUMBERED = "humanize humanize1024 humanizeDuration humanizePercentage humanizeTimestamp toTime print".split()


@pytest.mark.live("promtool")
def test_promtool_says_the_same_of_every_template(tmp_path: Path) -> None:
    lines = [line for line in FILE.read_text().split("\n") if line and not line.startswith("#")]
    assert len(lines) > 300
    assert differences(tmp_path, [*lines, *LINES]) == []


@pytest.mark.live("promtool")
def test_promtool_says_the_same_of_every_number(tmp_path: Path) -> None:
    numbers = [f"{sign * value!r}" for value in VALUES for sign in (1, -1)]
    assert differences(tmp_path, [f"{{{{ {name} {number} }}}}" for name in NUMBERED for number in numbers]) == []


OPERANDS = [
    *"$value $labels $labels.job $labels.nope .Labels.instance . $ $externalLabels nil true false".split(),
    *'0 1 2 -3 7 1.5 1e6 0.0001 \'a\' 0x1F "" "a" "b:9" "1.25" "é" `x.y:1` `x<y`'.split(),
    *("(toTime 1.5)", '(query "nope")', '(args 1 "b")', '(query "y" | sortByLabel "k")'),
    *("(query \"y{k='a'}\")", "(query \"y{k='a'}\" | first)"),
]
CALLED = (
    "and or not index slice len html js urlquery print println eq ne lt le gt ge first label value strvalue args "
    "match toUpper toLower title humanize humanize1024 humanizeDuration humanizePercentage humanizeTimestamp toTime "
    "graphLink stripPort stripDomain sortByLabel parseDuration safeHtml query call reReplaceAll printf"
).split()


class Writer:
    """Random templates, most of which parse and many of which fail when they are expanded."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def directive(self) -> str:
        chance = self.chance
        flags = "".join(chance.sample("+-# 0", chance.choice([0, 0, 1, 2])))
        width, precision = chance.choice(["", "", "5", "12"]), chance.choice(["", "", ".2", ".", ".0"])
        return f"%{flags}{width}{precision}{chance.choice('vvsdqfgetxXcUTobEG%z')}"

    def operand(self, depth: int) -> str:
        return (
            f"({self.pipeline(depth - 1)})" if depth and self.chance.random() < 0.25 else self.chance.choice(OPERANDS)
        )

    def command(self, depth: int) -> str:
        chance = self.chance
        if chance.random() < 0.3:
            return self.operand(depth)
        name = chance.choice(CALLED)
        args = [self.operand(depth) for _ in range(chance.choice([0, 1, 1, 2, 2, 3]))]
        if name == "printf":
            text = " ".join(self.directive() for _ in range(chance.choice([1, 2])))
            args.insert(0, f"`{text}`")
        if name in ("match", "reReplaceAll"):
            args.insert(0, chance.choice(["`[a-z]+`", "`(.)\\W`", "`^$`", "`(`", "``"]))
        return " ".join([name, *args])

    def pipeline(self, depth: int) -> str:
        commands = [self.command(depth)]
        while self.chance.random() < 0.3:
            commands.append(self.chance.choice(CALLED))
        return " | ".join(commands)

    def text(self, depth: int = 2) -> str:
        kind, body = self.chance.random(), self.chance.choice(["x", " ", "\n "])
        pipeline = self.pipeline(depth)
        if kind < 0.6 or not depth:
            return f"{body}{{{{ {pipeline} }}}}"
        inner, other = self.text(depth - 1), self.text(depth - 1)
        if kind < 0.7:
            return f"{{{{ if {pipeline} }}}}{inner}{{{{ else }}}}{other}{{{{ end -}}}}{body}"
        if kind < 0.8:
            return f"{{{{- with {pipeline} }}}}{inner}{{{{ . }}}}{{{{ else }}}}{other}{{{{ end }}}}"
        if kind < 0.9:
            return (
                f"{{{{ range $i, $e := {pipeline} }}}}{{{{ $i }}}}{inner}{{{{ $e }}}}{{{{ else }}}}{other}{{{{ end }}}}"
            )
        return f"{{{{ $v := {pipeline} }}}}{inner}{{{{ $v }}}}{{{{ $v = {self.pipeline(0)} }}}}{{{{ $v }}}}"


def is_known(template: str) -> bool:
    """Whether tocsin says what a template gives."""
    try:
        return bool(expanded(template)) or True
    except UnsupportedTemplateError:
        return False


@pytest.mark.live("promtool")
@pytest.mark.parametrize("seed", range(4))
def test_promtool_says_the_same_of_random_templates(seed: int, tmp_path: Path) -> None:
    writer = Writer(seed)
    written = [writer.text() for _ in range(400)]
    known = [template for template in written if is_known(template)]
    assert len(known) > 350
    assert differences(tmp_path, known) == []


def test_a_fault_of_syntax_has_its_place() -> None:
    fault = syntax_fault("it is {{ $value | humanise }} now")
    assert fault is not None
    assert (fault.message, fault.start, fault.end) == ('function "humanise" not defined', 18, 26)
    assert syntax_fault("100% {{ $labels.job }} }}") is None
    assert syntax_fault("no template } {") is None


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("{{ title `it's o'neil, a-b www.x y_z` }}", "It'S O'Neil, A-B Www.X Y_z", "It's O'neil, A-B Www.x Y_z"),
        ("{{ with 0 }}a{{ else with 5 }}{{ . }}{{ end }}", "unexpected <with> in else", "5"),
        ("{{ range $i := 3 }}{{ $i }}{{ end }}", "range can't iterate over 3", "012"),
        ("{{ now }}", 'function "now" not defined', "60"),
        ("{{ urlQueryEscape `a b` }}", 'function "urlQueryEscape" not defined', "a+b"),
        ("{{ toDuration 90.5 }}", 'function "toDuration" not defined', "1m30.5s"),
        ("{{ (toDuration 90.5).Seconds }}", 'function "toDuration" not defined', "90.5"),
        ("{{ parseDuration `-1h` }}", "not a valid duration string", "-3600"),
        ("{{ .Value.x }}", "in type float64", "in type interface {}"),
    ],
)
def test_what_changed_since_2_42(text: str, old: str, new: str) -> None:
    assert old in expanded(text, compat=2)
    assert new in expanded(text, compat=3)


def test_urls_are_those_of_the_server() -> None:
    assert expanded("{{ externalURL }} {{ pathPrefix }} {{ $externalURL }}") == "http://h:1/p /p http://h:1/p"


def test_a_histogram_is_its_text() -> None:
    histogram = Histogram("{count:3, sum:2.5}")
    text = expanded("{{ $value }} {{ printf `%s` .Value }}", compat=3, value=histogram)
    assert text == "{count:3, sum:2.5} {count:3, sum:2.5}"
    assert "can't convert *histogram.FloatHistogram" in expanded("{{ humanize $value }}", compat=3, value=histogram)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ define `t` }}{{ template `t` }}{{ end }}{{ template `t` }}", "call each other deeper"),
        (
            "{{ define `t` }}{{ range args 1 2 3 4 5 6 7 8 9 }}{{ template `t` }}{{ end }}{{ end }}{{ template `t` }}",
            "dee",
        ),
        ("{{ $x := `a` }}" + "{{ $x = print $x $x }}" * 40, "more than 1,048,576 characters"),
        ("{{ $x := `a` }}" + "{{ $x = print $x $x }}" * 15 + "{{ $x }}" * 100, "more than 1,048,576 characters"),
        ("{{ printf `%2000000d` 1 }}", "more than 1,048,576 characters"),
        ("{{ printf `%*d` 1000000 1 }}" * 2, "more than 1,048,576 characters"),
        ("{{ range args 1 2 3 4 5 6 7 8 9 10 }}" * 6 + "{{ end }}" * 6, "more than 100,000 steps"),
        ("{{ range 100000000 }}{{ end }}", "more than 100,000 steps"),
        ("{{ printf `%v` (query `y`) }}", "address in memory"),
        ("{{ (toTime 1).Format `2006` }}", "it takes `Format` of a *time.Time"),
        ("{{ printf `%x` 1.5 }}", "it prints a float64 with `%x`"),
        ("{{ toDuration 1e20 }}", "292 years"),
    ],
)
def test_what_is_not_known_or_has_no_end_is_refused(text: str, why: str) -> None:
    with pytest.raises(UnsupportedTemplateError, match=why.replace("*", ".").replace("(", ".")):
        expanded(text, compat=3)


@pytest.mark.parametrize(
    ("open_", "close"), [("{{ if 1 }}", "{{ end }}"), ("{{ 1 }}{{ if 0 }}x{{ else if 1 }}", "{{ end }}")]
)
def test_deep_blocks_are_a_fault_and_not_a_crash(open_: str, close: str) -> None:
    assert syntax_fault(open_ * (DEPTH // 3) + close * (DEPTH // 3)) is None
    fault = syntax_fault(open_ * 10_000 + close * 10_000)
    assert fault is not None
    assert "nested deeper" in fault.message


def test_deep_parentheses_are_a_fault_and_not_a_crash() -> None:
    assert expanded("{{ " + "(" * DEPTH + "1" + ")" * DEPTH + " }}") == "1"
    fault = syntax_fault("{{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}")
    assert fault is not None
    assert "nested deeper" in fault.message
    chain = "{{ if 0 }}" + "{{ else if 0 }}" * 10_000 + "{{ end }}"
    assert syntax_fault(chain) is not None


def test_templates_say_what_they_depend_on() -> None:
    assert reads("{{ $value }}", "value")
    assert reads("{{ (.).Value }}", "value")
    assert not reads("$value {{ $labels.value }} {{ .Labels.job }}", "value", "query", "now")
    assert reads("{{ range query `up` }}{{ end }}", "query")


FRAGMENTS = [
    *"{{ }} {{- -}} ( ) | := = , . $ $x .a $x.a $labels $value if else end range with define template block".split(),
    *"break continue nil true 1 1.5 0x -1 'a' '\\n' ` \" \\ \"a\" `a` printf print len index slice args query".split(),
    *"first eq and humanize reReplaceAll match %d %s %*d %[1]d %! é /* */ {{/* */}} .. 1i 08 \ud7ff".split(),
    *(" ", "\n", "\t", "\u2028"),
]


@settings(max_examples=400)
@given(st.one_of(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map(" ".join), st.text(max_size=40)))
def test_any_text_is_expanded_refused_or_a_fault(text: str) -> None:
    for compat in (2, 3):
        fault = syntax_fault(f"{{{{ {text}", compat)
        assert fault is None or 0 <= fault.start < fault.end
        try:
            found = expanded(f"{{{{ {text}", compat=compat)
        except UnsupportedTemplateError:
            continue
        assert len(found) <= LIMIT + 10_000


@settings(max_examples=200)
@given(st.integers(0, 2**32))
def test_any_template_is_expanded_or_refused(seed: int) -> None:
    is_known(Writer(seed).text(3))
