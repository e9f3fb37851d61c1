"""How long alerts take to fire: against replayed outages, and as the page of a backtest shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.command import write_files
from tests.specs import compiled, recording
from tests.test_objective_arithmetic import MANY
from typer.testing import CliRunner

from tocsin.alerts.replay import replay
from tocsin.cli import app
from tocsin.diagnostics import Problems
from tocsin.engine.semantics import Semantics
from tocsin.pipeline.explain import delays, explain_alerts
from tocsin.pipeline.groups import compile_specs
from tocsin.pipeline.inputs import Inputs, read_inputs
from tocsin.report.delays import SHARES, AllDelays, most
from tocsin.spec.settings import Settings

SCRAPE, STEP, HOUR = 15_000, 60_000, 3_600_000

SPEC = """\
service: shop
owner: store
indicators:
  errors: {ratio: {bad: errors_total, total: requests_total}}
  disk: {usage: {free: free_bytes, capacity: size_bytes}}
alerts:
  - {name: Errors, indicator: errors, above: 5%, over: 10m, for: 150s, severity: page, no_data: ignore}
  - {name: Guarded, indicator: errors, above: 5%, min_events: 200, while: {indicator: disk, above: 10%}, severity: page}
  - {name: Disk, indicator: disk, above: 80%, for: 15m, severity: ticket, no_data: ignore}
"""


def read(folder: Path, text: str) -> Inputs:
    (folder / "spec.yaml").write_text(text)
    return read_inputs([folder / "spec.yaml"], None, Problems())


def delays_of(folder: Path, text: str) -> AllDelays:
    inputs = read(folder, text)
    return delays(inputs, compile_specs(inputs))


@pytest.mark.parametrize("late", [0, 1, 14, 29, 59])
@pytest.mark.parametrize("share", [1.0, 0.1])
def test_a_threshold_fires_as_soon_as_told(share: float, late: int, tmp_path: Path) -> None:
    """An outage that begins some seconds after an evaluation, in a server that scrapes every 15 s."""
    begin = HOUR + late * 1000
    times = range(0, 2 * HOUR, SCRAPE)
    bad = [share * 100 * max(time - begin, 0) / 1000 for time in times]
    data = recording(tmp_path, {"errors_total": bad, "requests_total": [time / 10 for time in times]}, SCRAPE)
    inputs = Inputs(Settings(scrape_interval=SCRAPE))
    whole = compiled(SPEC, inputs.settings)
    outages = delays(inputs, [whole])["shop", "Errors"].outages
    assert outages is not None
    told = dict(zip(map(float, SHARES), outages.times[0][1], strict=True))
    assert told[0.01] is None
    (timeline,) = [
        one for one in replay(whole.groups, data, 0, 2 * HOUR, Semantics()).timelines if one.rule.name == "Errors"
    ]
    (episode,) = timeline.episodes
    assert episode.firing is not None
    longest = told[share]
    assert longest is not None
    # A rate sees a step of its window less, and so the bad share in it up to that much earlier.
    assert longest - STEP - 2 * SCRAPE <= episode.firing - begin <= longest


@pytest.mark.parametrize(
    ("alert", "terms"),
    [
        ("Errors", "at steady traffic without bad events before"),
        (
            "Guarded",
            "at steady traffic without bad events before, with at least 200 events in 5m, while `disk` is above 10%",
        ),
        ("Disk", None),
    ],
)
def test_what_a_threshold_waits_for(alert: str, terms: str | None, tmp_path: Path) -> None:
    found = delays_of(tmp_path, SPEC)["shop", alert]
    assert (found.outages.terms if found.outages else None) == terms
    # The condition is seen an evaluation later, and holds for whole evaluations.
    assert delays_of(tmp_path, SPEC)["shop", "Disk"].delay == STEP + 15 * STEP
    assert delays_of(tmp_path, SPEC)["shop", "Errors"].delay == STEP + 3 * STEP


def test_the_tiers_take_as_long_as_their_own_pages_say(tmp_path: Path) -> None:
    inputs = read(tmp_path, MANY)
    compiled_specs = compile_specs(inputs)
    pages = explain_alerts(inputs, compiled_specs)
    found = {name: one.outages for (_, name), one in delays(inputs, compiled_specs).items() if one.outages}
    assert len(found) == 4 * 4 + 1
    for name, outages in found.items():
        said = re.findall(r"^Fires at most.*?^    tier +(.*?)\n    \S+ +(.*?)$", pages[name], re.MULTILINE | re.DOTALL)
        assert len(said) == len(outages.times), name
        for (titles, cells), (_, times) in zip(said, outages.times, strict=True):
            shown = dict(zip(re.split(r"  +", titles), cells.split(), strict=True))
            own = dict(zip(outages.sizes[:-1], times[:-1], strict=True))
            assert {size: "–" if time is None else most(time) for size, time in own.items()}.items() <= shown.items()
            (over,) = [cell for size, cell in shown.items() if size not in own]
            assert over == ("–" if times[-1] is None else most(times[-1]))


def test_terms_of_objectives(tmp_path: Path) -> None:
    found = delays_of(tmp_path, MANY)

    def terms(objective: str, tier: str) -> str:
        outages = found[f"shop-{objective}", f"Shop{objective.title()}{tier}Burn"].outages
        assert outages is not None
        return outages.terms

    steady = "at steady traffic without bad events before"
    assert terms("availability", "Fast") == f"{steady}, with at least 100 events in 1h"
    assert terms("availability", "Events") == f"{steady}, once 10 events in 1d were bad"
    assert terms("promptness", "Slow") == "at the average traffic of its period without bad events before"
    assert terms("slices", "Slow") == "at steady traffic without bad slices before"
    whole = found["shop-whole", "ShopWholeFastBurn"].outages
    assert whole is not None
    assert whole.sizes == ("100% bad", "60% bad", "40% bad", "10% bad", "1% bad", "just over\nbudget")


# --- the page of a backtest --------------------------------------------------------------------------------------


def page_of(folder: Path, *paths: str) -> dict[str, str]:
    """The text of each section of the report, by its heading."""
    data, report = folder / "recording.om", folder / "report.html"
    call = ["backtest", *(str(folder / path) for path in paths), "--data", str(data), "--report", str(report)]
    done = CliRunner().invoke(app, call)
    assert done.exit_code in (0, 1), done.output
    html = report.read_text()
    body = html[html.index("<main>") : html.index("</main>")]
    texts = [" ".join(re.sub(r"<[^>]*>", " ", one).split()) for one in body.split("<section")]
    return {text.partition(">")[2].split()[0]: text for text in texts if ">" in text}


def test_the_page_shows_them_for_specs_and_not_for_rule_files(tmp_path: Path) -> None:
    write_files(tmp_path)
    shown = page_of(tmp_path, "specs", "rules.yaml")
    assert (
        "time to detect at most, after an outage began, at steady traffic without bad events before, "
        "with at least 100 events in 5m: 100% bad 10% bad 1% bad 7m3s 7m30s never" in shown["ShopErrorRateHigh"]
    )
    assert "median time to detect" in shown["Alerts"]
    assert "time to detect" not in shown["ShopDown"]


def test_a_rule_by_hand_with_the_names_of_a_compiled_one_has_none(tmp_path: Path) -> None:
    write_files(tmp_path)
    by_hand = (tmp_path / "rules.yaml").read_text().replace("ShopDown", "ShopErrorRateHigh")
    (tmp_path / "rules.yaml").write_text(by_hand)
    assert "time to detect" not in page_of(tmp_path, "rules.yaml")["ShopErrorRateHigh"]
    assert "time to detect" not in page_of(tmp_path, "specs", "rules.yaml")["ShopErrorRateHigh"]  # the last of two


def test_the_page_tells_the_first_alert_of_each_objective(tmp_path: Path) -> None:
    write_files(tmp_path)
    (tmp_path / "specs" / "shop.yaml").write_text(MANY)
    shown = page_of(tmp_path, "specs")["Objectives"]
    told = shown[shown.index("Time to detect") :]
    for row in (
        "shop/availability 2m52s page 10m38s page 3h38m page 2d23h ticket",
        "shop/availability {tenant=&#34;gold&#34;} 2m5s page 2m52s page 10m38s page 2d23h ticket",
        "shop/slices 10m38s page 3h38m page never 2d23h ticket",
        "shop/whole 6m19s page 45m12s page 1d12h ticket 2d23h ticket",
    ):
        assert row in told, told
