"""What all tests share: golden files, tests that need a reference program, and a last line on what did not run."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent.parent / "golden"
SHARED = Path(__file__).parent.parent.parent / "shared"
CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

# The first call of a kernel compiles it, so no example has a deadline; in CI the same examples every time.
settings.register_profile("tocsin", deadline=None, derandomize=CI)
settings.load_profile("tocsin")

Golden: TypeAlias = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="rewrite the golden files instead of comparing with them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden("lint/short-for.txt", text)` compares a text with the file below golden/, or with --golden writes it."""

    def compare(path: str, text: str) -> None:
        file = GOLDEN / path
        if request.config.getoption("--golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
            return
        assert file.is_file(), f"golden/{path} is not there: `make golden` writes it"
        assert text == file.read_bytes().decode(), f"golden/{path} differs: `make golden` rewrites it, if it should"

    return compare


def _absent(item: pytest.Item) -> list[str]:
    """The programs that a test's `live` markers name and that are not installed."""
    named = [str(program) for marker in item.iter_markers("live") for program in marker.args]
    return sorted({program for program in named if shutil.which(program) is None})


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if absent := _absent(item):
        pytest.skip(f"{' and '.join(absent)} not installed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a live test that did not run is a failure, whoever skipped it, unless it misses recordings only."""
    report = yield
    reason = _reason(report)
    if (
        CI
        and report.skipped
        and not hasattr(report, "wasxfail")
        and item.get_closest_marker("live")
        and reason != FOLDER
    ):
        report.outcome = "failed"
        report.longrepr = f"CI must run the live tests, and this one was skipped: {reason}"
    return report


FOLDER = "need the folder shared, which is not there beside the project"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why something was skipped, in words that are the same for the same cause."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    return FOLDER if "shared" in reason and not SHARED.is_dir() else reason


def pytest_unconfigure(config: pytest.Config) -> None:
    """After pytest's own closing line: how many tests did not run, and why."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and not hasattr(config, "workerinput"):
        reasons = Counter(_reason(report) for report in skipped)
        told = "; ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        print(f"{len(skipped)} tests did not run: {told}", file=sys.stdout, flush=True)
