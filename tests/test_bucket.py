"""Object stores of blocks, by the two that fsspec has on any machine: what a read needs is copied, once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from tests.command import run
from tests.http_samples import rows_of
from tests.s3_server import s3

from tocsin.diagnostics import ProblemError
from tocsin.labels import from_mapping
from tocsin.promql.ast import Matcher
from tocsin.series import Series
from tocsin.sources.open import open_recording
from tocsin.sources.tsdb.write import SPAN, write_blocks

LABELS = tuple(from_mapping({"__name__": "m", "i": str(i)}) for i in range(3))
COUNT = 400
MATCHERS = (Matcher("__name__", "=", "m"),)


def samples() -> Series:
    """Samples of five blocks."""
    times = np.linspace(0, 5 * SPAN - 1, COUNT).astype(np.int64)
    values = np.random.default_rng(5).normal(size=3 * COUNT)
    return Series(LABELS, np.arange(4) * COUNT, np.tile(times, 3), values)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_blocks(samples(), str(tmp_path / "blocks"))
    return tmp_path / "blocks"


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"file://{folder}"
        return
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/bucket/tenant", recursive=True)
    yield "memory://bucket/tenant"
    memory.rm("/bucket", recursive=True)


def copied(cache: Path, name: str) -> int:
    return len([path for path in cache.rglob(name) if path.is_file()])


def test_the_samples_are_those_of_the_folder(url: str) -> None:
    recording = open_recording(url)
    assert recording.extent == (0, 5 * SPAN - 1)
    assert rows_of(recording.read(MATCHERS, 0, 5 * SPAN)) == rows_of(samples())
    assert recording.problems == ()


def test_only_the_blocks_that_are_read_are_copied_and_only_once(url: str, cache: Path) -> None:
    recording = open_recording(url)
    assert (copied(cache, "meta.json"), copied(cache, "index")) == (5, 2)  # the first and the last tell the extent
    recording.read(MATCHERS, SPAN, 2 * SPAN - 1)
    assert (copied(cache, "index"), copied(cache, "*.part")) == (3, 0)
    stamps = {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}
    open_recording(url).read(MATCHERS, SPAN, 2 * SPAN - 1)
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()} == stamps


def test_what_has_gone_from_the_store_is_not_read(folder: Path, cache: Path) -> None:
    url = f"file://{folder}"
    open_recording(url).read(MATCHERS, 0, 5 * SPAN)
    first = min(folder.iterdir())
    first.rename(folder.parent / first.name)
    assert open_recording(url).extent[0] >= SPAN
    assert copied(cache, "index") == 4


def test_a_copy_that_was_interrupted_is_made_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system, _ = fsspec.core.url_to_fs(url)
    get_file, calls = type(system).get_file, []

    def cut(self: object, source: str, target: str, **more: object) -> None:
        calls.append(source)
        if len(calls) == 2:
            Path(target).write_bytes(b"half")
            raise OSError("the line is dead")
        get_file(self, source, target, **more)

    monkeypatch.setattr(type(system), "get_file", cut)
    with pytest.raises(ProblemError, match="cannot be read: the line is dead") as caught:
        open_recording(url)
    assert caught.value.problem.span.source.path.startswith(url)
    assert rows_of(open_recording(url).read(MATCHERS, 0, 5 * SPAN)) == rows_of(samples())


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("memory://nothing/here", "cannot be read"),
        ("file:///nothing/here", "cannot be read"),
        ("file:///etc", "has no blocks"),
    ],
)
def test_what_is_no_store_of_blocks_is_refused(url: str, told: str) -> None:
    with pytest.raises(ProblemError, match=told) as caught:
        open_recording(url)
    assert caught.value.problem.code.startswith("input/")


def test_a_query_reads_a_store(folder: Path, cache: Path) -> None:
    asked = ("query", "count(m)", "--data", f"file://{folder}", "--time", "0")
    done = run(*asked, cwd=folder, env={"TOCSIN_CACHE": str(cache)})
    assert (done.stdout, done.stderr, done.returncode) == ("{} 3\n", "", 0)


def test_a_library_that_is_absent_is_named(folder: Path) -> None:
    done = run("query", "m", "--data", "gs://bucket/x", cwd=folder)
    assert done.returncode == 2
    assert "needs a Python package" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["s3://blocks", "s3://tenants/blocks/"])
def test_s3_is_read_by_its_own_protocol(url: str, folder: Path, cache: Path, tmp_path: Path) -> None:
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    shutil.copytree(folder, tmp_path / "tenants" / "blocks")
    asked = ("query", "count_over_time(m[500h])", "--format", "json", "--time", str(5 * SPAN // 1000))
    with s3(tmp_path) as environment:
        done = run(*asked, "--data", url, cwd=folder, env={**environment, "TOCSIN_CACHE": str(cache)})
        absent = run(*asked, "--data", "s3://nothing", cwd=folder, env={**environment, "TOCSIN_CACHE": str(cache)})
    assert done.stdout == run(*asked, "--data", str(folder), cwd=folder).stdout
    assert (done.stderr, done.returncode) == ("", 0)
    assert (absent.stdout, absent.returncode) == ("", 2)
    assert "s3://nothing" in absent.stderr
    assert "Traceback" not in absent.stderr
