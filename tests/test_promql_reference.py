"""PromQL against the rules, the scripts and the tools of others."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.trees import assert_places, bare

from tocsin.diagnostics import ProblemError, Severity
from tocsin.promql.check import check
from tocsin.promql.parse import parse
from tocsin.promql.print import pretty, print_expr

GOLDEN = Path(__file__).parent.parent / "golden" / "promql" / "syntax.txt"
"""Expressions that Prometheus 2.42 and 3 alike accept or refuse, one a line."""

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpus"
SCRIPTS = Path(__file__).parent.parent.parent / "shared" / "promqltest"


def _expressions(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        expr = node.get("expr")
        if isinstance(expr, str) and ("alert" in node or "record" in node):
            yield expr
        for value in node.values():
            yield from _expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from _expressions(value)


def _corpus() -> list[str]:
    found: dict[str, None] = {}
    for folder in ("kube-prometheus", "awesome-prometheus-alerts"):
        for path in sorted((CORPUS / folder).rglob("*.y*ml")):
            for document in yaml.load_all(path.read_text(), yaml.CSafeLoader):
                found.update(dict.fromkeys(_expressions(document)))
    return list(found)


needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="no folder shared/corpus beside the project")


@needs_corpus
def test_real_rules_are_read_with_their_places_and_printed() -> None:
    corpus = _corpus()
    assert len(corpus) > 700
    for text in corpus:
        expr = parse(text)
        assert_places(expr)
        assert parse(print_expr(expr)) == expr
        assert bare(parse(pretty(expr))) == bare(expr)
        assert not [problem for problem in check(expr) if problem.severity is Severity.ERROR]


@pytest.mark.skipif(not SCRIPTS.is_dir(), reason="no folder shared/promqltest beside the project")
def test_prometheus_scripts_are_read() -> None:
    pattern = re.compile(r"^eval(?:_\w+)? (?:instant at \S+|range from \S+ to \S+ step \S+)\s+(.*)", re.MULTILINE)
    refused: dict[str, set[str]] = {}
    read = 0
    for path in sorted(SCRIPTS.glob("*.test")):
        for match in pattern.finditer(path.read_text()):
            try:
                expr = parse(match[1])
            except ProblemError as error:
                expected = error.problem.message if error.problem.code == "promql/type" else match[1]
                refused.setdefault(error.problem.code, set()).add(expected)
                continue
            read += 1
            assert repr(parse(print_expr(expr))) == repr(expr)
    assert read > 1500
    assert refused.pop("promql/syntax") == {r'label_replace(testmetric, "\xff", "", "src", "(.*)")'}
    assert all("can only be used with" in message for message in refused.pop("promql/type"))
    assert not refused


def _refused_by_promtool(texts: list[str], folder: Path) -> set[int]:
    """The indices of the expressions that promtool refuses."""
    groups = [{"name": f"g{i}", "rules": [{"record": "r", "expr": text}]} for i, text in enumerate(texts)]
    path = folder / "rules.yml"
    path.write_text(json.dumps({"groups": groups}))
    done = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False)
    return {int(index) for index in re.findall(r'group "g(\d+)", rule 1', done.stderr + done.stdout)}


def _accepts(text: str) -> bool:
    try:
        parse(text)
    except ProblemError:
        return False
    return True


needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


@pytest.mark.live
@needs_promtool
def test_promtool_agrees_on_what_is_promql(tmp_path: Path) -> None:
    texts = GOLDEN.read_text().splitlines()
    refused = _refused_by_promtool(texts, tmp_path)
    for index, text in enumerate(texts):
        assert _accepts(text) == (index not in refused), text


PIECES = (
    "a|b|sum|rate|(|(|)|)|[5m]|[5m:]|{a='b'}|+|-|*|^|and|or|==|bool|on (x)|by (x)|1|2|'s'|,|offset 5m|@ 1"
    "|abs(|topk(1,|max|time()|vector(1)|unless|group_left|%|<|without (y)|ignoring ()|inf|-1|start|atan2"
).split("|")


@pytest.mark.live
@needs_promtool
def test_promtool_agrees_on_random_pieces(tmp_path: Path) -> None:
    chance = random.Random(5)
    texts = [" ".join(chance.choices(PIECES, k=chance.randint(1, 7))) for _ in range(4000)]
    refused = _refused_by_promtool(texts, tmp_path)
    assert len(texts) - len(refused) > 200
    for index, text in enumerate(texts):
        assert _accepts(text) == (index not in refused), text


@pytest.mark.live
@needs_promtool
@needs_corpus
def test_promtool_accepts_what_is_printed(tmp_path: Path) -> None:
    corpus = [parse(text) for text in _corpus()]
    assert not _refused_by_promtool([print_expr(expr) for expr in corpus], tmp_path)
    assert not _refused_by_promtool([pretty(expr) for expr in corpus], tmp_path)
