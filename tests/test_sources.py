"""Recordings: what the formats mean, what is wrong with a file and where, and that no garbage gets through."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.diagnostics import Problem, ProblemError, render
from tocsin.labels import Labels
from tocsin.promql.ast import Matcher
from tocsin.series import Series
from tocsin.sources.api import OpenedRecording
from tocsin.sources.blocks import blocks
from tocsin.sources.numbers import parse_times
from tocsin.sources.open import open_recording
from tocsin.sources.time import parse_time

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"
EVERYTHING = (Matcher("__name__", "=~", ".*"),)

Write = Callable[[str | bytes], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> str:
        path = tmp_path / "file"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


def everything(recording: OpenedRecording) -> Series:
    return recording.read(EVERYTHING, *recording.extent)


def samples(series: Series) -> dict[Labels, list[tuple[int, float]]]:
    return {
        labels: list(zip(series.times[low:high].tolist(), series.values[low:high].tolist(), strict=True))
        for labels, low, high in zip(series.labels, series.offsets[:-1], series.offsets[1:], strict=True)
    }


def problem_of(path: str) -> Problem:
    with pytest.raises(ProblemError) as caught:
        open_recording(path)
    render(caught.value.problem)
    return caught.value.problem


OPENMETRICS = """\
# HELP up Whether the scrape succeeded.
# TYPE up gauge
up{job="b",instance="x y"} 1 1.5
up{job="b",instance="x y"} 0 2
up{ instance="x y" , job="b", } NaN 3.001
# TYPE requests counter
requests_total{path="a\\\\b\\"c\\nd{},= 1 2"} 1e3 1 # {trace="t"} 0.5 1
bare  +Inf   1
{"dotted.name", "other.label"="é", empty=""} -Inf -1.0019
# EOF
"""


def test_openmetrics_as_written(write: Write) -> None:
    series = everything(open_recording(write(OPENMETRICS)))
    found = samples(series)
    up = found.pop((("__name__", "up"), ("instance", "x y"), ("job", "b")))
    assert up[:2] == [(1500, 1.0), (2000, 0.0)]
    assert up[2][0] == 3001
    assert np.isnan(up[2][1])
    assert found == {
        (("__name__", "requests_total"), ("path", 'a\\b"c\nd{},= 1 2')): [(1000, 1000.0)],
        (("__name__", "bare"),): [(1000, np.inf)],
        (("__name__", "dotted.name"), ("other.label", "é")): [(-1001, -np.inf)],
    }
    assert list(series.labels) == sorted(series.labels)


def test_the_older_format_is_told_by_its_milliseconds(write: Write) -> None:
    recording = open_recording(write("# TYPE up gauge\nup 1 1700000000123\nup 0 1700000015123\n"))
    assert samples(everything(recording)) == {(("__name__", "up"),): [(1700000000123, 1.0), (1700000015123, 0.0)]}


CSV = '''\
__name__,job,timestamp,value
up,"a,""b""",1.25,1
up,,1970-01-01T01:00:02.5+01:00,NaN
up,"a,""b""",3,-Inf
'''


def test_csv_as_written(write: Write) -> None:
    found = samples(everything(open_recording(write(CSV))))
    assert found[("__name__", "up"), ("job", 'a,"b"')] == [(1250, 1.0), (3000, -np.inf)]
    ((time, value),) = found[(("__name__", "up"),)]
    assert time == 2500
    assert np.isnan(value)


@pytest.mark.parametrize("text", [OPENMETRICS, CSV])
def test_compressed_and_with_windows_line_breaks_it_is_the_same(write: Write, text: str) -> None:
    plain = everything(open_recording(write(text)))
    for content in (gzip.compress(text.encode()), text.replace("\n", "\r\n").encode()):
        other = everything(open_recording(write(content)))
        assert (other.labels, other.times.tolist()) == (plain.labels, plain.times.tolist())
        assert other.values.tobytes() == plain.values.tobytes()


def test_read_takes_both_ends_and_what_all_matchers_accept(write: Write) -> None:
    recording = open_recording(write('a{x="1"} 1 1\na{x="1"} 2 2\na{x="1"} 3 3\na{x="2"} 4 2\nb 5 2\n# EOF\n'))
    assert recording.extent == (1000, 3000)
    found = samples(recording.read((Matcher("__name__", "=", "a"), Matcher("x", "!=", "2")), 2000, 3000))
    assert found == {(("__name__", "a"), ("x", "1")): [(2000, 2.0), (3000, 3.0)]}
    found = samples(recording.read((Matcher("x", "=~", "2|"),), 1500, 2500))
    assert sorted(found) == [(("__name__", "a"), ("x", "2")), (("__name__", "b"),)]
    empty = recording.read((Matcher("__name__", "=", "none"),), 0, 5000)
    assert (empty.labels, empty.offsets.tolist(), len(empty.times), len(empty.values)) == ((), [0], 0, 0)


REFUSED = [
    ("", "not-a-recording", 1, "is empty"),
    ("# EOF\n", "not-a-recording", 1, "no samples"),
    ("hello there\n", "not-a-recording", 1, "known kind"),
    (b"\x7fELF\x00\x01\x02", "not-a-recording", 1, "known kind"),
    ("up 1 1\nup 2\n# EOF\n", "bad-sample", 2, "timestamp"),
    ("up 1 1\nup  2\n# EOF\n", "bad-sample", 2, "missing"),
    ("up 1 1\nup 1_0 2\n# EOF\n", "bad-sample", 2, "bad value `1_0`"),
    ("up 1 1\nup 1e999 2\n# EOF\n", "bad-sample", 2, "bad value `1e999`"),
    ("up 1 1\nup -NaN 2\n# EOF\n", "bad-sample", 2, "bad value `-NaN`"),
    ("up 1 1\nup 1 2..5\n# EOF\n", "bad-sample", 2, "bad timestamp `2..5`"),
    ("up 1 1\nup 1 2 3\n# EOF\n", "bad-sample", 2, "after the timestamp"),
    ("up 1 1\n# EOF\nup 1 2\n", "bad-sample", 3, "after `# EOF`"),
    ('up 1 1\nup{a="1",a="2"} 1 2\n# EOF\n', "bad-sample", 2, "twice"),
    ('up 1 1\nup{a="1} 1 2\n# EOF\n', "bad-sample", 2, "not closed"),
    ("up 1 1\nup{a=1} 1 2\n# EOF\n", "bad-sample", 2, "double quotes"),
    ('up 1 1\nup{a="1" b="2"} 1 2\n# EOF\n', "bad-sample", 2, "`,` or `}`"),
    ('up 1 1\n{a="1"} 1 2\n# EOF\n', "bad-sample", 2, "metric name"),
    (b'up 1 1\nup{a="\xff"} 1 2\n# EOF\n', "bad-sample", 2, "UTF-8"),
    ("up 1 1\nup 1 2\n", "truncated", 2, "cut"),
    ("up 1 1\nup 1 1700", "truncated", 2, "cut"),
    ("up 1 1700000000000\nup 1 170000001", "truncated", 2, "cut"),
    ("up 1 1700000000000\nup 1 1700000000001\n# EOF\n", "bad-sample", 1, "milliseconds"),
    ("up 1 3\nup 1 2\nup 1 4\nup 1 1\n# EOF\n", "out-of-order", 2, "2 samples are older"),
    (b"up 1 1\n\0\n# EOF\n", "not-a-recording", 1, "zero bytes"),
    ("timestamp,value\n1,2\n", "bad-sample", 1, "`__name__`"),
    ("__name__,timestamp,timestamp,value\nup,1,2,3\n", "bad-sample", 1, "twice"),
    ("__name__,timestamp,value\nup,1,2\nup,2\n", "bad-sample", 3, "2 fields"),
    ("__name__,timestamp,value\nup,1,2\nup,2", "truncated", 3, "cut"),
    ("__name__,timestamp,value\nup,1,2\nup,2,x\n", "bad-sample", 3, "bad value `x`"),
    ("__name__,timestamp,value\nup,1,2\nup,2001-02-30T00:00:00Z,1\n", "bad-sample", 3, "no such time"),
    ("__name__,timestamp,value\nup,1,2\n,2,1\n", "bad-sample", 3, "metric name"),
    ('__name__,timestamp,value\nup,1,2\nup,"2,1\n', "bad-sample", 3, "end of data"),
]


@pytest.mark.parametrize(("content", "code", "line", "says"), REFUSED)
def test_what_is_wrong_is_said_with_its_place(
    write: Write, content: str | bytes, code: str, line: int, says: str
) -> None:
    problem = problem_of(write(content))
    assert problem.code == f"input/{code}"
    assert says in problem.message
    assert problem.span.line == line


def test_the_caret_stands_under_the_mistake(write: Write) -> None:
    problem = problem_of(write('up{job="é"} 1 1\nup{job="é"} 1x 2\n# EOF\n'))
    assert problem.span.text == "1x"
    assert (problem.span.line, problem.span.column) == (2, 13)


def test_files_that_are_none(tmp_path: Path) -> None:
    assert "No such file" in problem_of(str(tmp_path / "absent")).message
    assert "folder" in problem_of(str(tmp_path)).message
    assert "regular file" in problem_of("/dev/null").message
    assert problem_of("a\0b").code == "input/unreadable"


def test_a_gzip_file_that_was_cut_or_damaged(write: Write) -> None:
    text = "".join(f"up {random.Random(i).random()} {i}\n" for i in range(2000)) + "# EOF\n"
    packed = gzip.compress(text.encode())
    assert problem_of(write(packed[: len(packed) // 2])).code == "input/truncated"
    damaged = bytearray(packed)
    damaged[-6] ^= 1
    assert problem_of(write(bytes(damaged))).code == "input/unreadable"


def test_a_bomb_is_refused_before_it_goes_off(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.sources.blocks._UNSUSPECTED", 1 << 20)
    lines = b"up 1 1\n" * 1_000_000
    assert problem_of(write(gzip.compress(lines))).code == "input/too-large"
    assert "longer than 1 MiB" in problem_of(write(b"up 1 1\n" + b"x" * 5_000_000)).message


def test_of_two_samples_at_one_time_the_first_is_kept_and_told(write: Write) -> None:
    recording = open_recording(write("up 1 1\nup 2 1\nup 3 2\nup 3 2\nup NaN 3\nup NaN 3\n# EOF\n"))
    assert [time for time, _ in samples(everything(recording))[(("__name__", "up"),)]] == [1000, 2000, 3000]
    assert everything(recording).values[:2].tolist() == [1.0, 3.0]
    assert [(p.code, p.severity, p.span.line, p.message.split()[0]) for p in recording.problems] == [
        ("input/out-of-order", "warning", 2, "1"),
        ("input/out-of-order", "warning", 4, "2"),
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 10**11 - 1), st.text("0123456789", max_size=6)).map(
            lambda t: f"{t[0]}.{t[1]}" if t[1] else str(t[0])
        ),
        min_size=1,
    )
)
def test_timestamps_are_exact_decimals(texts: list[str]) -> None:
    assert parse_times([text.encode() for text in texts]).tolist() == [int(Decimal(text) * 1000) for text in texts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2023-04-12T21:13:50Z", 1681334030000), ("1681334030.0009", 1681334030000), ("1969-12-31T23:59:59.9Z", -100)],
)
def test_times(text: str, expected: int) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["yesterday", "2023-04-12", "2023-04-12T21:13:50", "2023-13-12T21:13:50Z", "1e99", ""])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)


def mutate(data: bytes, seed: int) -> bytes:
    """A file with a few bytes changed, cut out, or doubled."""
    chance, content = random.Random(seed), bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        match chance.randrange(4):
            case 0:
                content[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del content[at : at + chance.randint(1, 20)]
            case 2:
                content[at:at] = content[at - 10 : at]
            case _:
                content[at:at] = chance.choice([b"\n", b'"', b" ", b"{", b"}", b",", b"#", b"\\", b"9" * 20, b"\xff"])
    return bytes(content)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("text", [OPENMETRICS, CSV])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_damage_makes_a_traceback(write: Write, text: str, packed: bool, seed: int) -> None:
    data = gzip.compress(text.encode(), mtime=0) if packed else text.encode()
    path = write(mutate(data, seed))
    try:
        series = everything(open_recording(path))
    except ProblemError:
        assert problem_of(path).code.startswith("input/")
        return
    assert list(series.labels) == sorted(set(series.labels))
    for low, high in zip(series.offsets[:-1], series.offsets[1:], strict=True):
        assert (np.diff(series.times[low:high]) > 0).all()


def test_lines_come_whole_from_any_block_size(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(OPENMETRICS)
    for size in (1, 7, 64):
        monkeypatch.setattr("tocsin.sources.blocks._BLOCK", size)
        found = list(blocks(path))
        assert b"".join(block.text for block in found).decode() == OPENMETRICS
        assert all(OPENMETRICS.encode().split(b"\n")[block.number - 1] == block.text.split(b"\n")[0] for block in found)


@pytest.mark.skipif(not SHARED.exists(), reason="needs the folder shared, which is not there beside the project")
@pytest.mark.parametrize(
    ("name", "series", "count", "warnings"),
    [
        ("petshop/recording.om.gz", 396, 236_907, 0),
        ("shop/recording.om.gz", 159, 177_564, 0),
        ("nab/recording.csv.gz", 9, 50_982, 2),
    ],
)
def test_the_real_recordings(name: str, series: int, count: int, warnings: int) -> None:
    recording = open_recording(str(SHARED / name))
    found = everything(recording)
    assert (len(found.labels), len(found.times), len(recording.problems)) == (series, count, warnings)
