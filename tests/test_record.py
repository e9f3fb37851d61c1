"""What rules read, recorded: which selectors from when to when, kept through interruptions, the same in every form."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.command import START, run, write_files
from tests.http_samples import rows_of

from tocsin.diagnostics import Text
from tocsin.engine.semantics import Semantics
from tocsin.labels import from_mapping
from tocsin.promql.ast import Matcher
from tocsin.promql.parse import parse
from tocsin.record.partial import Asked as Order
from tocsin.record.partial import Partial
from tocsin.record.run import _stretches, assemble
from tocsin.record.target import STEP, ArrowFile, BlockFolder, ParquetFile, target_of
from tocsin.record.wanted import Wanted, wanted
from tocsin.report.record import progress
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup
from tocsin.series import Series
from tocsin.sources.arrow.write import write_parquet
from tocsin.sources.open import open_recording
from tocsin.sources.runs import EMPTY, Piece, Tally

MINUTE, HOUR = 60_000, 3_600_000
END = 10 * HOUR


def alert(expr: str, name: str = "A", **annotations: str) -> AlertingRule:
    return AlertingRule(name, parse(Text.of(expr)), annotations=annotations)


def recorded_as(name: str, expr: str) -> RecordingRule:
    return RecordingRule(name, parse(Text.of(expr)))


def read(*rules: Rule, start: int = 0, shift: int = 0) -> list[tuple[str, int, int]]:
    group = RuleGroup("g", rules, query_offset=shift)
    found, problems = wanted([group], start, END, Semantics())
    assert problems == []
    return [(one.selector, one.start, one.end) for one in found]


# What is wanted


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("up == 0", [("up", -5 * MINUTE, END)]),
        ("rate(x[1h]) > 1", [("x", -HOUR, END)]),
        ('rate(x{a="1"}[10m] offset 1h) > 1', [('x{a="1"}', -70 * MINUTE, END - HOUR)]),
        ("max_over_time(rate(x[5m])[1h:1m]) > 1", [("x", -65 * MINUTE, END)]),
        ('{__name__=~"a|b"} > 1', [('{__name__=~"a|b"}', -5 * MINUTE, END)]),
        ("x @ 7200 > 1", [("x", 2 * HOUR - 5 * MINUTE, 2 * HOUR)]),
        ("x offset -1h > 1", [("x", HOUR - 5 * MINUTE, END + HOUR)]),
        ("x and y", [("x", -5 * MINUTE, END), ("y", -5 * MINUTE, END)]),
        ("vector(1)", []),
    ],
)
def test_a_rule_reads_its_selectors_as_far_back_as_they_look(expr: str, expected: list[tuple[str, int, int]]) -> None:
    assert read(alert(expr)) == expected


def test_a_query_offset_moves_what_is_read() -> None:
    assert read(alert("up"), shift=MINUTE) == [("up", -6 * MINUTE, END - MINUTE)]


def test_a_selector_within_another_is_wanted_only_where_that_ends() -> None:
    found = read(alert('sum(rate(x{code=~"5.."}[1h])) / sum(rate(x[5m]))'))
    assert found == [("x", -5 * MINUTE, END), ('x{code=~"5.."}', -HOUR, -5 * MINUTE - 1)]
    assert read(alert('x{a="1",b="2"} + x{b="2",a="1"}')) == [('x{a="1",b="2"}', -5 * MINUTE, END)]


def test_what_rules_record_is_not_wanted_but_what_it_is_made_of_is() -> None:
    rules = (recorded_as("job:x", "sum(rate(x[5m]))"), alert("avg_over_time(job:x[1h]) > 1"), alert("job:x > 2"))
    assert read(*rules) == [("x", -65 * MINUTE, END)]


def test_what_is_recorded_from_itself_has_no_beginning_and_is_read_from_the_start_on() -> None:
    assert read(recorded_as("best", "max(x) > best offset 1m or max(x)")) == [("x", -5 * MINUTE, END)]


def test_of_the_alerts_that_rules_read_only_those_of_others_are_wanted() -> None:
    own = alert('ALERTS{alertname="A"} and up', name="B")
    other = alert('ALERTS{alertname="C"}', name="B")
    assert read(alert("x"), own) == [("up", -5 * MINUTE, END), ("x", -10 * MINUTE, END)]
    assert read(alert("x"), other) == [('ALERTS{alertname="C"}', -5 * MINUTE, END), ("x", -5 * MINUTE, END)]


def test_what_templates_query_is_wanted_and_what_they_put_together_is_told_of() -> None:
    texts = ('{{ query "sum(y)" | first | value }}', "{{ with `z` | query }}{{ end }}")
    assert [one for one, *_ in read(alert("x", a=texts[0], b=texts[1]))] == ["x", "y", "z"]
    rule = alert("x", a='{{ printf "y{i=%q}" $labels.i | query }}')
    found, problems = wanted([RuleGroup("g", (rule,))], 0, END, Semantics())
    assert [one.selector for one in found] == ["x"]
    assert [problem.code for problem in problems] == ["record/template"]


def test_nothing_that_an_evaluation_reads_is_missing(folder: Path) -> None:
    """The series that a backtest asks a recording for are all wanted, at all of their times."""
    source = open_recording(str(folder / "recording.om"))
    group = RuleGroup("g", (recorded_as("r", "rate(requests_total[3m])"), alert("sum(r) > 1 and up == 1")))
    wants, _ = wanted([group], *source.extent, Semantics())
    asked: list[tuple[tuple[Matcher, ...], int, int]] = []

    class Spy:
        extent = source.extent

        def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
            if matchers:
                asked.append((tuple(matchers), start, end))
            return source.read(matchers, start, end)

    from tocsin.alerts.replay import replay

    replay([group], Spy(), *source.extent, Semantics())
    assert asked
    for matchers, start, end in asked:
        assert any(set(want.matchers) <= set(matchers) and want.start <= start and want.end >= end for want in wants), (
            matchers,
            start,
            end,
        )


# What is kept


LABELS = (from_mapping({"__name__": "x"}), from_mapping({"__name__": "x", "a": "1", "value": "odd"}))


def series(times: Sequence[int], labels: int = 2) -> Series:
    every = np.array(times, dtype=np.int64)
    return Series(
        LABELS[:labels],
        np.arange(labels + 1) * len(every),
        np.tile(every, labels),
        np.concatenate([every * (i + 0.1) for i in range(labels)]),
    )


def order(*wants: Wanted) -> Order:
    return Order("s", "1h", "", 0, 1000, tuple((one.selector, one.start, one.end) for one in wants))


X = Wanted((Matcher("__name__", "=", "x"),), 0, 1000)
X1 = Wanted((Matcher("__name__", "=", "x"), Matcher("a", "=", "1")), 0, 1000)


def test_pieces_outlive_the_process_and_a_line_without_an_end_is_none(tmp_path: Path) -> None:
    folder = tmp_path / ".x.partial"
    assert Partial.resume(folder) is None
    partial = Partial.begin(folder, order(X))
    partial.run()
    odd = Tally(backward=2, warnings=frozenset({"slow"}))
    partial.add(0, Piece(0, 9, series([1, 5]), odd))
    partial.add(0, Piece(10, 19, EMPTY, Tally()))
    with (folder / "manifest.jsonl").open("ab") as file:
        file.write(b'{"number": 0, "sta')
    again = Partial.resume(folder)
    assert again is not None
    assert again == partial
    assert (again.next(0, 0), again.next(1, 7), again.tally, again.samples) == (20, 7, odd, 4)
    again.run()
    again.add(0, Piece(20, 29, series([21]), Tally()))
    third = Partial.resume(folder)
    assert third is not None
    assert (third.runs, third.next(0, 0), third.names) == (2, 30, ["__name__", "a", "value"])


@pytest.mark.parametrize("cuts", [[1000], [100, 1000], [1, 2, 500, 501, 1000]])
def test_how_it_was_cut_into_pieces_is_not_in_the_file(cuts: list[int], tmp_path: Path) -> None:
    times = [0, 1, 2, 400, 500, 501, 999, 1000]
    partial = Partial.begin(tmp_path / ".p.partial", order(X, X1))
    for number in (0, 1):
        for low, high in pairwise([-1, *cuts]):
            within = [at for at in times if low < at <= high]
            partial.add(number, Piece(low + 1, high, series(within) if within else EMPTY, Tally()))
    recorded = assemble([X, X1], partial, ParquetFile(tmp_path / "p.parquet"))
    write_parquet(series(times), str(tmp_path / "whole.parquet"))
    assert (tmp_path / "p.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert (recorded.samples, recorded.start, recorded.end, recorded.tally) == (16, 0, 1000, Tally())
    assert rows_of(open_recording(str(tmp_path / "p.parquet")).read((), 0, 1000)) == rows_of(series(times))


def test_selectors_that_contradict_each_other_are_counted(tmp_path: Path) -> None:
    partial = Partial.begin(tmp_path / ".p.partial", order(X, X1))
    partial.add(0, Piece(0, 1000, series([1, 2]), Tally()))
    other = series([1, 2])
    other.values[3] = 7
    partial.add(1, Piece(0, 1000, other, Tally()))
    assert assemble([X, X1], partial, ParquetFile(tmp_path / "p.parquet")).tally == Tally(contradicting=1)


def test_blocks_are_added_to_a_folder_and_written_twice_are_there_once(tmp_path: Path) -> None:
    times = [0, 1000, 5 * STEP, 5 * STEP + 1]
    want = Wanted(X.matchers, 0, 10 * STEP)
    for _ in range(2):
        partial = Partial.begin(tmp_path / ".d.partial", order(want))
        partial.add(0, Piece(0, 10 * STEP, series(times), Tally()))
        assemble([want], partial, BlockFolder(tmp_path / "d"))
    assert len(list((tmp_path / "d").iterdir())) == 2
    assert rows_of(open_recording(str(tmp_path / "d")).read((), 0, 10 * STEP)) == rows_of(series(times))


@pytest.mark.parametrize("samples", [0, 1, 16_000_000, 16_000_001, 500_000_000])
def test_a_long_recording_is_put_together_in_stretches_that_blocks_do_not_cross(samples: int) -> None:
    want = Wanted((), 12_345, 40 * STEP + 17)
    found = list(_stretches([want], samples))
    assert (found[0][0], found[-1][1]) == (want.start, want.end)
    assert all(high + 1 == low and low % STEP == 0 for (_, high), (low, _) in pairwise(found))
    assert len(found) == 1 if samples <= 16_000_000 else len(found) >= min(samples // 16_000_000, 20)


def test_where_it_goes_is_told_by_its_name(tmp_path: Path) -> None:
    assert target_of("a/b.parquet") == ParquetFile(Path("a/b.parquet"))
    assert target_of("a/b.arrow") == ArrowFile(Path("a/b.arrow"))
    assert target_of("a/b/") == BlockFolder(Path("a/b"))
    assert target_of(str(tmp_path)) == BlockFolder(tmp_path)
    assert target_of("a/b") is None


# The command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path)


WINDOW = ("--since", str(START), "--until", str(START + 3600))
FROM_FILE = ("--from", "recording.om", *WINDOW)


def test_what_rules_read_is_recorded_and_gives_the_same_backtest(folder: Path) -> None:
    backtest = ("backtest", "specs", "rules.yaml", "--start", WINDOW[1], "--end", WINDOW[3], "--format", "json")
    expected = run(*backtest, "--data", "recording.om", cwd=folder)
    assert expected.returncode == 0, expected.stderr
    for out in ("made/recording.parquet", "blocks/"):
        done = run("record", "specs", "rules.yaml", *FROM_FILE, "-o", out, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        shown = out.rstrip("/")
        assert done.stdout == f"{shown}: 3 series, 180 samples, 2023-11-14 22:13:20 to 23:12:20 UTC\n"
        found = run(*backtest, "--data", out, cwd=folder)
        assert (found.returncode, found.stdout) == (0, expected.stdout)
    assert sorted(path.name for path in folder.rglob(".*")) == []


def test_only_what_the_rules_read_is_recorded(folder: Path) -> None:
    done = run("record", "rules.yaml", *FROM_FILE, "-o", "up.parquet", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert open_recording(str(folder / "up.parquet")).read((), 0, 1 << 50).labels == (
        from_mapping({"__name__": "up", "job": "shop"}),
    )


def test_a_selector_that_selects_nothing_is_told_of(folder: Path) -> None:
    text = (folder / "rules.yaml").read_text()
    (folder / "rules.yaml").write_text(text.replace("up == 0", 'up == 0 or up{job="shp"} == 0 or ups == 0'))
    done = run("record", "rules.yaml", *FROM_FILE, "-o", "up.parquet", cwd=folder)
    assert done.returncode == 0
    assert "note" in done.stderr
    assert "has no series that the rules read as `ups`" in done.stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"--since": "yesterday"}, "`yesterday` is neither a duration"),
        ({"--until": "3 hours"}, "`3 hours` is neither a duration"),
        ({"--since": "1700000000", "--until": "1600000000"}, "the end is before the start"),
        ({"--since": "1600000000", "--until": "1600003600"}, "has no samples of what these rules read in that time"),
        ({"-o": "recording"}, "write FILE.parquet, FILE.arrow, or DIR/ for blocks"),
        ({"--from": "recording.txt"}, "recording.txt"),
        ({"--from": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
        ({"--from": "gopher://x"}, "is a URL of a scheme that is not known"),
        ({"-o": "rules.yaml/x.parquet"}, "rules.yaml"),
    ],
)
def test_a_wrong_call_ends_with_2_and_leaves_nothing(change: dict[str, str], told: str, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    options = {"--from": "recording.om", "--since": WINDOW[1], "--until": WINDOW[3], "-o": "x.parquet", **change}
    done = run("record", "rules.yaml", *(word for pair in options.items() for word in pair), cwd=folder)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not [path for path in folder.rglob("*") if path not in before and path.name[0] != "."]


def test_rules_that_read_nothing_are_refused(folder: Path) -> None:
    (folder / "rules.yaml").write_text((folder / "rules.yaml").read_text().replace("up == 0", "vector(1) == 0"))
    done = run("record", "rules.yaml", *FROM_FILE, "-o", "x.parquet", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "these rules read no series" in done.stderr


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_shown_on_a_terminal_only() -> None:
    for file, shown in ((Terminal(), True), (StringIO(), False)):
        with progress(file) as tell:
            tell(50, 200, 1234)
        assert ("1,234 samples" in file.getvalue(), "25%" in file.getvalue()) == (shown, shown)
