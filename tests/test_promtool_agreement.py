"""What `promtool check rules` and `amtool check-config` refuse, `tocsin check` refuses, and no sound file besides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from tests.alertmanager_configs import TEXTS as CONFIGURATIONS
from tests.alertmanager_configs import amtool
from tests.alertmanager_configs import changed as changed_configuration
from tests.promtool_rules import GOOD, NEWER, STRICTER, TEXTS, changed, edited, promtool

from tocsin.diagnostics import Problem, Problems, Severity, render
from tocsin.pipeline.inputs import read_inputs
from tocsin.routingfile.release import Release

ROOT = Path(__file__).parent.parent
RULE_FILES = [*ROOT.glob("golden/compile/*.prometheus.yaml"), *ROOT.glob("out/prometheus/*.yaml")]

ALSO_REFUSED = {
    "promql/type": "a range vector or a string is no result that a rule can have",
    "input/empty": "a file without a document is a mistake",
    "input/unknown": "so is one with `{}`",
    "yaml/syntax": "Prometheus does not read what comes after the first document",
    "rules/limit": "Prometheus cuts `limit: 2.5` to 2",
    "rules/shape": "a null in a list of groups or rules is skipped by Prometheus",
    "rules/missing": "`expr: null` is the metric `null` for Prometheus",
    "rules/kind": "`alert: null` is an alert with the name `null`",
}
"""What tocsin has against files that promtool lets pass, and why it is right."""


def errors(folder: Path, count: int, release: Release = Release.CURRENT) -> list[list[Problem]]:
    """What `tocsin check` refuses of each file of a folder."""
    found = []
    for index in range(count):
        problems = Problems()
        read_inputs([folder / f"{index}.yml"], None, problems, release)
        found.append([problem for problem in problems if problem.severity is Severity.ERROR])
    return found


def differences(texts: Sequence[str], folder: Path) -> list[str]:
    """Files that only promtool refuses, and those that only tocsin does, for no good reason."""
    found = []
    pairs = zip(texts, promtool(texts, folder), errors(folder, len(texts)), strict=True)
    for text, accepted, faults in pairs:
        if not accepted and not faults and not NEWER.search(text):
            found.append(f"promtool refuses: {text}")
        elif accepted and not {fault.code for fault in faults} <= set(ALSO_REFUSED):
            found.append(f"promtool accepts: {text}\n" + "\n".join(map(render, faults)))
    return found


@pytest.mark.live("promtool")
def test_the_verdict_on_every_case_is_promtools(tmp_path: Path) -> None:
    texts = [text for text in TEXTS if text not in STRICTER]
    assert differences(texts, tmp_path) == []


@pytest.mark.live("promtool")
def test_what_promtool_lets_pass_is_found(tmp_path: Path) -> None:
    assert all(promtool(list(STRICTER), tmp_path))
    found = []
    for index in range(len(STRICTER)):
        problems = Problems()
        read_inputs([tmp_path / f"{index}.yml"], None, problems)
        found.append({problem.code for problem in problems})
    assert found == [{code} for code in STRICTER.values()]


@pytest.mark.live("promtool")
def test_the_verdict_on_changed_rule_files_is_promtools(tmp_path: Path) -> None:
    assert differences([changed(seed) for seed in range(400)], tmp_path) == []


@pytest.mark.live("promtool")
def test_the_verdict_on_edited_texts_is_promtools(tmp_path: Path) -> None:
    good = [json.dumps(GOOD, indent=1), yaml.safe_dump(GOOD, sort_keys=False, width=50)]
    texts = [*good, *(file.read_text() for file in RULE_FILES)]
    assert differences([edited(texts[seed % len(texts)], seed) for seed in range(400)], tmp_path) == []


@pytest.mark.live("amtool")
def test_the_verdict_on_configurations_is_amtools(tmp_path: Path) -> None:
    texts = [*CONFIGURATIONS, *map(changed_configuration, range(1000, 1200))]
    found = []
    for text, accepted, faults in zip(
        texts, amtool(texts, tmp_path), errors(tmp_path, len(texts), Release.OLD), strict=True
    ):
        # amtool does not read what comes after the first document.
        if accepted is bool(faults) and "\n---\n" not in text:
            found.append(f"amtool {'accepts' if accepted else 'refuses'}: {text}\n" + "\n".join(map(render, faults)))
    assert found == []
