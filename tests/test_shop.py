"""The objectives of the shop on its recording: every fault is caught, and nobody is woken for what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.command import run

SHOP = Path(__file__).parent.parent / "golden" / "shop"
DATA = ("--data", str(SHOP / "recording.om.gz"), "--incidents", str(SHOP / "incidents.yaml"), "--format", "json")
SHOP_ENDS = "2026-11-23T04:29:30Z"
"""From then on only the second machine was recorded."""


@pytest.fixture(scope="module")
def shop() -> dict[str, Any]:
    done = run("backtest", str(SHOP / "specs" / "shop.yaml"), *DATA, "--end", SHOP_ENDS, cwd=SHOP)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def caught(verdict: dict[str, Any], *tiers: str) -> set[str]:
    """The incidents for which an alert of these tiers fired."""
    return {
        incident["name"]
        for incident in verdict["incidents"]
        for detection in incident.get("detections", ())
        if detection["rule"].endswith(tiers)
    }


def test_its_specs_are_without_a_finding() -> None:
    done = run("check", str(SHOP / "specs"), cwd=SHOP)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_fault_of_the_shop_wakes_somebody(shop: dict[str, Any]) -> None:
    faults = {"error-burn-1", "latency-1", "shop-down", "error-burn-2", "error-slow-burn"}
    assert caught(shop, "FastBurn") == faults


def test_a_disk_that_fills_wakes_somebody_and_a_large_file_does_not() -> None:
    done = run("backtest", str(SHOP / "specs" / "node.yaml"), *DATA, cwd=SHOP)
    verdict = json.loads(done.stdout)
    assert caught(verdict, "DiskFilling") == {"disk-fill"}
    assert not [one for one in verdict["not_incidents"] if one["detections"]]


def test_nothing_else_does(shop: dict[str, Any]) -> None:
    for rule in shop["rules"]:
        if rule["labels"]["severity"] == "page":
            assert rule["score"]["precision"] in (1, None), rule["name"]
    assert not [one for one in shop["not_incidents"] if one["detections"]]
