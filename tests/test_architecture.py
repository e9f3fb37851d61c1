"""The rules of the house, read from the imports: layers, halves, and rooms that keep their secrets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "compiler" / "tocsin"

SHARED = (
    "registry",
    "diagnostics",
    "findings",
    "budget",
    "scalars",
    "textfile",
    "document",
    "spelling",
    "escapes",
    "duration",
    "quantity",
    "labels",
    "promql",
    "templates",
    "rules",
    "accounts",
    "rulefile",
    "routing",
    "routingfile",
)
INTENT = ("indicators", "spec", "plan", "lint", "targets")
VERDICT = (
    "series",
    "kernels",
    "histograms",
    "sources",
    "functions",
    "engine",
    "alerts",
    "notify",
    "backtest",
    "record",
)
ENDS = ("report", "pipeline", "editor", "cli")
LAYERS = (*SHARED, *INTENT, *VERDICT, *ENDS)
"""A module imports only from its own layer or those before it."""

MODULES = sorted(ROOT.rglob("*.py"))


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""
            if node.module == "tocsin" or (node.module or "").startswith("tocsin."):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def names(path: Path) -> Iterator[str]:
    """What a file imports from each module: `module.name`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("tocsin.")}


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_from_the_layers_before_it(path: Path) -> None:
    name = layer(path)
    if name in ("__init__", "__main__"):
        assert own(path) <= {"cli"}
        return
    assert name in LAYERS, f"{name} has no place in LAYERS"
    late = {other for other in own(path) if LAYERS.index(other) > LAYERS.index(name)}
    assert not late, f"imports from later layers: {late}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_two_halves_never_import_each_other(path: Path) -> None:
    if layer(path) in INTENT:
        assert not own(path) & set(VERDICT)
    if layer(path) in VERDICT:
        assert not own(path) & set(INTENT)


def test_no_circles_between_modules() -> None:
    names = {
        ".".join(("tocsin", *p.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): p for p in MODULES
    }
    graph = {
        name: {other for other in imports(path) if other in names and other not in (name, "tocsin")}
        for name, path in names.items()
    }
    from graphlib import TopologicalSorter

    TopologicalSorter(graph).prepare()


def test_nobody_imports_the_package_root() -> None:
    assert [path for path in MODULES if "tocsin" in set(imports(path))] == []


@pytest.mark.parametrize(
    ("library", "room"),
    [
        ("promql_parser", "promql/parse.py"),
        ("numba", "kernels/machine_code/"),
        ("llvmlite", "kernels/machine_code/"),
        ("pyarrow", "sources/arrow/"),
        ("requests", "sources/http/"),
        ("fsspec", "sources/tsdb/bucket.py"),
        ("google", "sources/http/prompb.py"),
        ("yaml", "document.py"),
        ("jsonschema", "spec/"),
        ("plotly", "report/"),
        ("jinja2", "report/"),
        ("typer", "cli/"),
        ("pygls", "editor/"),
        ("lsprotocol", "editor/"),
    ],
)
def test_a_library_is_imported_in_one_room(library: str, room: str) -> None:
    users = {str(path.relative_to(ROOT)) for path in MODULES if library in tops(path)}
    assert users, f"nobody imports {library}"
    assert all(user.startswith(room) for user in users), users


def test_light_rooms_never_load_numpy() -> None:
    for path in MODULES:
        if layer(path) in (*SHARED, *INTENT):
            assert "numpy" not in tops(path), path


DOORS = ("__init__", "api")
"""Modules of a room of kinds that are no kind."""


def test_the_kind_of_an_indicator_stays_in_its_room() -> None:
    kinds = "|".join(p.stem.capitalize() for p in (ROOT / "indicators").glob("*.py") if p.stem not in DOORS)
    leak = re.compile(rf"isinstance\([^)]*\b({kinds})\b|tocsin\.indicators\.({kinds.lower()})\b")
    for path in MODULES:
        if layer(path) not in ("indicators",):
            assert not leak.search(path.read_text()), path


def test_files_and_functions_stay_small() -> None:
    for path in MODULES:
        text = path.read_text()
        assert text.count("\n") <= 400, f"{path} has more than 400 lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno <= 60, f"{path}:{node.lineno} {node.name}"


def test_every_module_says_what_it_is_for() -> None:
    for path in MODULES:
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"
