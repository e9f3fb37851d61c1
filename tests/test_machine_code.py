"""Kernels as machine code: kept, found again, made anew when it must be, and called without numba."""

from __future__ import annotations

import math
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernels.compile import Kernel, before_compiling, kernel
from tocsin.kernels.fused import fused
from tocsin.kernels.machine_code import store
from tocsin.kernels.machine_code.signature import signature_of


@kernel
def each_sum(a: Any, b: Any, out: Any) -> None:
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i, j] = a[i, j] + b[j]


@kernel
def numbers(a: Any, b: Any, c: Any, d: Any) -> Any:
    return (a * 2, b / 2.0, not c, d[0])


@kernel
def reversed_sum(n: int) -> float:
    """Allocates an array, and a list that grows."""
    column, row = np.empty(n), [0.0]
    for i in range(n):
        column[i] = i
        row.append(column[i])
    total = 0.0
    while row:
        total += row.pop()
    return total


@kernel
def room(n: int) -> float:
    column = np.empty(n)
    column[0] = 1.0
    return float(column[0])


@kernel
def each_fused(a: Any, b: Any, c: Any, out: Any) -> None:
    for i in range(len(a)):
        out[i] = fused(a[i], b[i], c[i])


@kernel
def gamma(x: float) -> float:
    return math.gamma(x)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for machine code, and kernels as in a process that has called none."""
    monkeypatch.setenv(store.FOLDER, str(tmp_path / "code"))
    store.folders.cache_clear()
    yield tmp_path / "code"
    store.folders.cache_clear()


def fresh(of: Callable[..., Any]) -> Kernel[Any]:
    """The kernel as a process has it that did not call it yet; loaded under another name, for a name is loaded once."""
    assert isinstance(of, Kernel)
    return Kernel(of.function)


Array = npt.NDArray[Any]

LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "contiguous": lambda a: a,
    "by columns": np.asfortranarray,
    "reversed": lambda a: a[::-1, ::-1],
    "every other": lambda a: np.repeat(np.repeat(a, 2, axis=0), 2, axis=1)[::2, ::2],
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "unaligned": lambda a: _unaligned(a),
    "read-only": lambda a: _read_only(a),
    "empty": lambda a: a[:0],
}


def _unaligned(a: Array) -> Array:
    raw = np.zeros(a.nbytes + 1, dtype=np.uint8)
    moved: Array = raw[1:].view(a.dtype).reshape(a.shape)
    moved[:] = a
    assert moved.flags.aligned == (a.itemsize == 1)
    return moved


def _read_only(a: Array) -> Array:
    copy = a.copy()
    copy.flags.writeable = False
    return copy


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.uint64, np.uint8])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_array_of_any_layout(layout: str, dtype: type) -> None:
    a = LAYOUTS[layout](np.arange(12, dtype=dtype).reshape(3, 4))
    b: Array = 3 * np.arange(4, dtype=dtype)
    out: Array = np.zeros(a.shape, dtype=dtype)
    each_sum(a, b, out)
    assert out.tolist() == (a + b).tolist()


def test_an_array_without_dimensions_and_of_no_length() -> None:
    each_sum(np.zeros((0, 0)), np.zeros(0), np.zeros((0, 0)))


@given(st.integers(-(2**62), 2**62 - 1), st.floats(allow_nan=False), st.booleans(), st.integers(0, 255))
def test_numbers_of_every_kind_and_a_tuple(a: int, b: float, c: bool, d: int) -> None:
    expected = (a * 2, b / 2.0, not c, d)
    found = numbers(a, b, c, np.array([d], dtype=np.uint8))
    assert found == expected
    assert [type(one) for one in found] == [int, float, bool, int]
    assert numbers(np.int64(a), np.float64(b), np.bool_(c), np.array([d], dtype=np.uint8)) == expected


def test_what_a_kernel_cannot_take_is_refused() -> None:
    with pytest.raises(KeyError, match="str"):
        numbers("1", 2.0, True, np.zeros(1))
    with pytest.raises(TypeError, match="keyword"):
        room(n=1)


def test_memory_that_a_kernel_takes_is_given_back() -> None:
    assert reversed_sum(1000) == 499500.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2000):
        assert reversed_sum(20_000) == 199990000.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB; all of it would be 600,000


def test_memory_that_there_is_not() -> None:
    with pytest.raises(MemoryError):
        room(1 << 55)
    assert room(1) == 1.0


@given(st.lists(st.tuples(*3 * [st.floats()]), min_size=1))
def test_fused_is_rounded_once(rows: list[tuple[float, float, float]]) -> None:
    a, b, c = (np.array(column) for column in zip(*rows, strict=True))
    out = np.empty(len(rows))
    each_fused(a, b, c, out)
    for row, found in zip(rows, out.tolist(), strict=True):
        try:
            expected = fused(*row)
        except OverflowError:  # of the exact sum: rounded, an infinity
            assert math.isinf(found)
            continue
        assert math.isnan(expected) == math.isnan(found)
        assert math.isnan(found) or expected == found


def test_what_only_numba_can_do_is_refused_when_it_is_compiled(empty: Path) -> None:
    with pytest.raises(LookupError, match="which only numba's own runtime has"):
        gamma(3.0)
    assert not empty.exists()


def test_told_once_before_compiling(empty: Path) -> None:
    told: list[str] = []
    before_compiling(lambda: told.append("compiling"))
    one = fresh(room)
    assert one(1) == one(2) == 1.0
    assert told == ["compiling"]
    assert [path.name for path in empty.iterdir()] == [store.name_of(room, signature_of([1]))]


def changed(path: Path, how: str) -> None:
    whole = path.read_bytes()
    head, _, code = whole.partition(b"\n")
    match how:
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "empty":
            path.write_bytes(b"")
        case "flipped":
            path.write_bytes(head + b"\n" + code[:100] + bytes([code[100] ^ 1]) + code[101:])
        case "other sources":
            path.write_bytes(whole.replace(b'{"origin": "', b'{"origin": "0'))
        case "not JSON":
            path.write_bytes(b"\xff\n" + code)
        case "a list":
            path.write_bytes(b"[]\n" + code)
        case "too deep":
            path.write_bytes(b"[" * 100_000 + b"\n" + code)
        case "unreadable":
            path.unlink()
            path.mkdir()


@pytest.mark.parametrize(
    "how", ["cut", "empty", "flipped", "other sources", "not JSON", "a list", "too deep", "unreadable"]
)
def test_damaged_code_is_not_called(how: str, empty: Path) -> None:
    assert fresh(room)(1) == 1.0
    (path,) = empty.iterdir()
    origin = store.origin_of(__file__)
    assert store.read(path.name, origin) is not None
    changed(path, how)
    assert store.read(path.name, origin) is None
    told: list[str] = []
    before_compiling(lambda: told.append("compiling"))
    assert fresh(room)(1) == 1.0
    assert told == ["compiling"]
    assert sorted(one.name for one in empty.iterdir()) == [path.name]
    assert how == "unreadable" or store.read(path.name, origin) is not None


def test_where_nothing_can_be_written_kernels_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv(store.FOLDER, str(tmp_path / "file"))
    store.folders.cache_clear()
    try:
        assert fresh(room)(1) == 1.0
    finally:
        store.folders.cache_clear()


def test_where_the_user_has_no_home_kernels_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run as a number that no user has."""

    for name in (store.FOLDER, "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as it is where there is none
    store.folders.cache_clear()
    try:
        assert store.folders() == (store.KERNELS / "__pycache__",)
    finally:
        store.folders.cache_clear()


def test_code_of_another_text_is_not_called(empty: Path, tmp_path: Path) -> None:
    source = tmp_path / "own.py"
    for factor in (2, 3):
        source.write_text(f"def times(n):\n    return n * {factor}\n")
        found: dict[str, Any] = {"__name__": "own"}
        store.origin_of.cache_clear()
        exec(compile(source.read_text(), source, "exec"), found)
        assert Kernel(found["times"])(5) == 5 * factor
    assert len(list(empty.iterdir())) == 1


CALL = """
import sys
import numpy as np
from tocsin.kernels.windows import windows
times, start = np.arange(0, 100, 10), np.array([5, 55])
lo, hi = np.zeros((1, 2), dtype=np.int64), np.zeros((1, 2), dtype=np.int64)
windows(times, np.array([0, 10]), start, start + 20, False, lo, hi)
print(lo.tolist(), hi.tolist(), "numba" in sys.modules)
"""


def test_processes_at_the_same_time_and_one_after_them(empty: Path) -> None:
    environment = {**os.environ, store.FOLDER: str(empty)}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", CALL], stdout=subprocess.PIPE, text=True, env=environment)

    assert [one.communicate()[0] for one in [start() for _ in range(4)]] == ["[[1, 6]] [[3, 8]] True\n"] * 4
    assert [path.name.startswith("windows.windows.") for path in empty.iterdir()] == [True]
    assert start().communicate()[0] == "[[1, 6]] [[3, 8]] False\n"
