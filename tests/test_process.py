"""The process among others: terminals, pipes, signals, and what it imports."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from tests.command import command, environment, run, write_files

DATA = ("--data", "recording.om")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path)


def on_a_terminal(*arguments: str, cwd: Path, env: dict[str, str]) -> str:
    """What a process writes to a terminal that is both its streams."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(*arguments), cwd=cwd, env=environment({"TERM": "xterm"} | env), stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # Linux reports the end of a terminal so
        pass
    process.wait()
    os.close(ours)
    return shown.decode()


COLOUR = "\x1b[1;31m"


def test_colour_only_on_a_terminal_that_wants_it(folder: Path) -> None:
    assert COLOUR in on_a_terminal("check", "gone.yaml", cwd=folder, env={})
    assert COLOUR not in on_a_terminal("check", "gone.yaml", cwd=folder, env={"NO_COLOR": "1"})
    assert "\x1b" not in run("check", "gone.yaml", cwd=folder, env={"TERM": "xterm"}).stderr


def test_a_terminal_is_told_of_kernels_that_are_compiled_once(folder: Path, tmp_path: Path) -> None:
    cache = {"TOCSIN_CACHE_DIR": str(tmp_path / "kernels")}
    first, second = (on_a_terminal("query", *DATA, "up", cwd=folder, env=cache) for _ in range(2))
    assert first.startswith("compiling the kernels, once on this machine ...\r\n")
    assert first.count("compiling") == 1
    assert "compiling" not in second
    assert second == first.split("\n", 1)[1]


IMPORTED = """
import atexit, sys
atexit.register(lambda: print(*(name for name in sys.modules if "." not in name), file=sys.stderr))
from tocsin.cli import main
main()
"""


def imported(*arguments: str, cwd: Path) -> set[str]:
    done = subprocess.run([sys.executable, "-c", IMPORTED, *arguments], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("call", [("check", "specs"), ("compile", "specs", "-o", "new"), ("schema",), ("--help",)])
def test_light_commands_import_nothing_heavy(call: tuple[str, ...], folder: Path) -> None:
    loaded = imported(*call, cwd=folder)
    assert "tocsin" in loaded
    assert not loaded & {"numpy", "numba", "jinja2", "plotly", "requests"}


def test_a_backtest_without_a_page_does_not_import_the_charts(folder: Path) -> None:
    loaded = imported("query", *DATA, "up", cwd=folder)
    assert "numpy" in loaded
    assert not loaded & {"plotly", "jinja2", "requests", "google"}


@pytest.mark.parametrize("call", [("query", *DATA, *["up"] * 500), ("schema",), ("check", *map(str, range(900)))])
def test_a_reader_that_goes_away_is_no_traceback(call: tuple[str, ...], folder: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    errors = call[0] == "check"
    process = subprocess.Popen(
        command(*call),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE if errors else write,
        stderr=write if errors else subprocess.PIPE,
        text=True,
    )
    os.close(write)
    out, err = process.communicate(timeout=60)
    assert process.returncode in ((1, 2) if errors else (1,))
    assert not out
    assert not err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("call", [("query", *DATA, "up"), ("schema",), ("--help",), ("explain", "noise/flapping")])
def test_a_full_disk_is_no_traceback(call: tuple[str, ...], folder: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command(*call), cwd=folder, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
        silent = subprocess.run(command(*call), cwd=folder, env=environment(), stdout=full, stderr=full, check=False)
    assert (done.returncode, silent.returncode) == (2, 2)
    assert "cannot write: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("call", [("query", *DATA, "up"), ("schema",), ("--help",), ("check", "specs"), ("lsp",)])
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_traceback(call: tuple[str, ...], closed: str, folder: Path) -> None:
    """`sh` closes it before the process begins: Python then has None in its place."""
    call = ("sh", "-c", f'exec "$@" {closed}', "sh", *command(*call))
    done = subprocess.run(
        call, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == (1 if "lsp" in call else 0)  # an editor says goodbye before it goes
    assert "Traceback" not in done.stderr


def test_what_is_written_is_utf_8_in_any_locale(folder: Path) -> None:
    (folder / "far.csv").write_text("__name__,city,timestamp,value\nup,\u5927\u962a \u2013,1,1\n", encoding="utf-8")
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = run("query", "--data", "far.csv", "up", cwd=folder, env=plain)
    assert (done.returncode, done.stdout, done.stderr) == (0, 'up{city="\u5927\u962a \u2013"} 1\n', "")
    (folder / "wrong").write_text("up{city=~'\u5927\u962a'", encoding="utf-8")
    done = run("query", "--data", "far.csv", "--file", "wrong", cwd=folder, env=plain)
    assert done.returncode == 1
    assert "\u5927\u962a" in done.stderr


def test_a_reader_that_does_not_read_is_no_reason_to_stay(folder: Path) -> None:
    """What has not been written to standard error waits for it: an interrupt ends that too."""
    read, write = os.pipe()
    process = subprocess.Popen(
        command("check", *map(str, range(3000))),
        cwd=folder,
        env=environment({"PYTHONUNBUFFERED": ""}),
        stderr=write,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(write)
    written = before = 0
    while not written or written != before:  # until the pipe is full
        before, written = written, int.from_bytes(fcntl.ioctl(read, termios.FIONREAD, bytes(4)), sys.byteorder)
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(timeout=20) == 130
    finally:
        process.kill()
        os.close(read)


SWALLOWING = """
import ctypes, signal, time
import tocsin.cli
from tocsin.__main__ import main
def run():
    ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))()
    for _ in range(1000):
        time.sleep(0.01)
tocsin.cli.main = run
main()
"""


def test_an_interrupt_that_a_library_swallows_comes_again() -> None:
    """As LLVM does, while it compiles the first kernels and calls back."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", SWALLOWING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
    assert time.monotonic() - began < 8


def wait_for(library: str, process: subprocess.Popen[str]) -> None:
    """Until a process has loaded a library."""
    while library not in Path(f"/proc/{process.pid}/maps").read_text():
        assert process.poll() is None, f"it ended without {library}"
        time.sleep(0.005)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc to see how far a process is")
@pytest.mark.parametrize("library", ["_yaml", "_multiarray_umath", "llvmlite"])
def test_interrupted_it_is_quiet_and_writes_nothing_torn(library: str, folder: Path) -> None:
    call = ("backtest", "specs", *DATA, "--start", "0", "--report", "pages/report.html")
    process = subprocess.Popen(
        command(*call),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )
    wait_for(library, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == ""
    pages = list((folder / "pages").glob("*")) if (folder / "pages").exists() else []
    assert [page.name for page in pages] in ([], ["report.html"])
    assert all(page.read_text().endswith("</html>") for page in pages)
