"""Notifications in a backtest: what the options mean, what every report says, and what counts as a page."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.command import RULES, SPEC, START
from typer.testing import CliRunner, Result

from tocsin.alerts.timeline import Episode, Timeline
from tocsin.backtest.model import Backtest, Load, RuleVerdict, Score, Window
from tocsin.backtest.noise import noise
from tocsin.backtest.pages import pages
from tocsin.backtest.score import WEEK
from tocsin.cli import app
from tocsin.labels import Labels, from_mapping
from tocsin.notify.alertmanager import Alertmanager
from tocsin.notify.notification import Notification, Reason
from tocsin.notify.semantics import Semantics
from tocsin.promql.parse import parse
from tocsin.report import html
from tocsin.report.text import write
from tocsin.routing import Route, Routing
from tocsin.rules import AlertingRule

ROOT = Path(__file__).parent.parent
PETSHOP = ROOT / "golden" / "petshop"
HOUR = 3_600_000

CONFIG = """\
route:
  receiver: pager
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 10m
receivers:
  - name: pager
    webhook_configs: [{url: "http://127.0.0.1:1/"}]
"""

BELOW = """\
route:
  receiver: pager
  group_by: [alertname]
  routes:
    - matchers: ['severity="page"']
      group_by: []
receivers:
  - name: pager
    webhook_configs: [{url: "http://127.0.0.1:1/"}]
"""


def backtest(folder: Path, *options: str, rules: str = RULES, settings: object = None) -> Result:
    """Two instances are down from minute 10 and 13 to 70; evaluations are 40 s after each minute of the recording."""
    down = {"a": 10, "b": 13}
    lines = ["# TYPE up gauge"]
    for instance, since in down.items():
        for minute in range(100):
            lines.append(f'up{{instance="{instance}"}} {int(not since <= minute < 70)} {START + 60 * minute}')
    (folder / "up.om").write_text("\n".join([*lines, "# EOF", ""]))
    (folder / "rules.yaml").write_text(rules)
    (folder / "tocsin.yaml").write_text(json.dumps(settings or {}))
    call = ["backtest", str(folder / "rules.yaml"), "--data", str(folder / "up.om"), *options]
    return CliRunner().invoke(app, call)


def document(done: Result, code: int = 0) -> dict[str, Any]:
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str], str]:
    def write_file(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write_file


File = Callable[[str, str], str]

# --- what is told, when -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["0.25", "0.34"])
def test_what_was_worked_out_by_hand(release: str, tmp_path: Path, file: File) -> None:
    """Firing at 940 s and 1120 s; flushes from 970 s every 5 minutes; a repeat is told later than 10 minutes after."""
    config = ("--alertmanager", file("am.yml", CONFIG), "--alertmanager-version", release)
    told = document(backtest(tmp_path, *config, "--format", "json"))["notifications"]
    assert [(one["at"] - START, one["reason"], len(one["firing"]), len(one["resolved"])) for one in told] == [
        (970, "first", 1, 0),
        (1270, "new alerts", 2, 0),
        (2170, "repeat", 2, 0),
        (3070, "repeat", 2, 0),
        (3970, "repeat", 2, 0),
        (4270, "all resolved", 0, 2),
    ]
    labels = {"alertname": "ShopDown", "instance": "a", "owner": "payments", "severity": "page"}
    assert told[0] == {
        "at": START + 970,
        "receiver": "pager",
        "integration": "webhook[0]",
        "group": {"alertname": "ShopDown"},
        "reason": "first",
        "firing": [labels],
        "resolved": [],
    }


@pytest.mark.parametrize(("zone", "by_night"), [("UTC", 5), ("America/New_York", 0)])
def test_how_much_they_are(zone: str, by_night: int, tmp_path: Path, file: File) -> None:
    """The pages are between 22:29 and 23:20 UTC; an instance is pending for 5 minutes before one fires for 55."""
    options = ("--alertmanager", file("am.yml", CONFIG), "--time-zone", zone, "--format", "json")
    found = document(backtest(tmp_path, *options))
    weeks = found["observed"] * 1000 / WEEK
    load = {"notifications": 6, "pages": 5, "pages_per_week": 5 / weeks, "pages_by_night": by_night}
    alert = {"group": "shop", "name": "ShopDown", "notifications": 6, "share": 1.0, "pages": 5}
    alert["pages_per_week"] = load["pages_per_week"]
    assert found["noise"] == {
        "time_zone": zone,
        "receivers": [{"name": "pager", **load}],
        "owners": [{"name": "payments", **load}],
        "severities": [{"name": "page", **load}],
        "alerts": [{**alert, "inactive": 2340, "pending": 300, "firing": 3300}],
    }


def test_the_table_of_alerts_says_how_often_each_wakes_somebody(tmp_path: Path, file: File) -> None:
    """The ticket fires as the page does, stands beside it in every notification, and wakes nobody."""
    ticket = RULES[RULES.index("      - alert:") :].replace("ShopDown", "ShopLimps").replace("page", "ticket")
    config = file("am.yml", CONFIG.replace("[alertname]", "[owner]"))
    settings = {"severities": {"page": {"wakes": True}, "ticket": {}}}
    done = backtest(tmp_path, "--alertmanager", config, rules=RULES + ticket, settings=settings)
    assert done.exit_code == 0, done.output
    table = [re.split(r"\s{2,}", line.strip()) for line in done.stdout.partition("\n\n")[0].splitlines()[3:]]
    weekly = f"{5 / (99 * 60_000 / WEEK):.1f}"
    assert [(*row[:2], row[-1]) for row in table if len(row) > 2] == [
        ("alert", "severity", "pages/week"),
        ("ShopDown", "page", weekly),
        ("ShopLimps", "ticket", "0"),
        ("all of", "page", weekly),
        ("all of", "ticket", "0"),
        ("all alerts", "4", weekly),
    ]
    assert "pages/week" not in backtest(tmp_path).stdout


def test_silences_keep_quiet(tmp_path: Path, file: File) -> None:
    silence = {
        "startsAt": "2023-11-14T00:00:00Z",
        "endsAt": "2023-11-15T00:00:00Z",
        "matchers": [{"name": "instance", "value": "a", "isRegex": False, "isEqual": True}],
    }
    options = ("--alertmanager", file("am.yml", CONFIG), "--silences", file("silences.json", json.dumps([silence])))
    told = document(backtest(tmp_path, *options, "--format", "json"))["notifications"]
    assert told[0]["at"] == START + 1270
    assert {alert["instance"] for one in told for alert in (*one["firing"], *one["resolved"])} == {"b"}


def test_releases_differ_as_the_readme_says(tmp_path: Path, file: File) -> None:
    options = ("--alertmanager", file("am.yml", BELOW), "--format", "json", "--alertmanager-version")
    groups = [document(backtest(tmp_path, *options, one))["notifications"][0]["group"] for one in ("0.25", "0.34")]
    assert groups == [{"alertname": "ShopDown"}, {}]
    names = file("names.yml", BELOW.replace('severity="page"', '"service.name"="shop"'))
    assert backtest(tmp_path, "--alertmanager", names).exit_code == 0
    refused = backtest(tmp_path, "--alertmanager", names, "--alertmanager-version", "0.25")
    assert refused.exit_code == 1
    assert "names.yml:5:" in refused.stderr


# --- which Alertmanager -----------------------------------------------------------------------------------------------


def test_rule_files_alone_tell_nobody(tmp_path: Path) -> None:
    found = document(backtest(tmp_path, "--format", "json"))
    assert (found["notifications"], found["noise"]) == ([], None)
    assert "notification" not in backtest(tmp_path).stdout


def test_specs_are_told_by_the_configuration_that_they_compile_to() -> None:
    """The same as by the file that `compile` writes."""
    call = ["backtest", str(ROOT / "specs"), "--data", str(PETSHOP / "recording.om.gz"), "--format", "json"]
    call += ["--incidents", str(PETSHOP / "incidents.yaml")]
    own = document(CliRunner().invoke(app, call))
    filed = document(
        CliRunner().invoke(app, [*call, "--alertmanager", str(ROOT / "out/alertmanager/alertmanager.yml")])
    )
    assert own["notifications"] == filed["notifications"]
    assert own["noise"] == filed["noise"]
    assert {one["receiver"] for one in own["notifications"]} == {"storefront-pager", "tickets"}


def test_specs_without_receivers_tell_nobody(tmp_path: Path) -> None:
    found = document(backtest(tmp_path, "--format", "json", rules=SPEC))
    assert (found["notifications"], found["noise"]) == ([], None)
    settings = {"receivers": {"pager": {"webhook_configs": [{"url_file": "/etc/pager"}]}}}
    found = document(backtest(tmp_path, "--format", "json", rules=SPEC, settings=settings))
    assert found["noise"]["time_zone"] == "UTC"


@pytest.mark.parametrize(
    ("config", "code", "told"),
    [
        (CONFIG.replace("receiver: pager", "receiver: pagre"), 1, "am.yml:2:13: error[alertmanager/undefined]"),
        (CONFIG.replace("group_wait: 30s", "group_wait: soon"), 1, "am.yml:4:15"),
        ("route: [", 1, "am.yml:1:8: error[yaml/syntax]"),
        (None, 2, "cannot read the file"),
    ],
)
def test_a_configuration_that_is_refused(config: str | None, code: int, told: str, tmp_path: Path, file: File) -> None:
    path = str(tmp_path / "am.yml") if config is None else file("am.yml", config)
    done = backtest(tmp_path, "--alertmanager", path)
    assert (done.exit_code, done.stdout) == (code, "")
    assert told in done.stderr


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--time-zone", "Mars/Olympus"), 2, "`Mars/Olympus` is not a time zone"),
        (("--time-zone", "../../etc/passwd"), 2, "is not a time zone"),
        (("--silences", "silences.yaml"), 2, "no Alertmanager that could be silent"),
        (("--alertmanager", "am.yml", "--silences", "ends.yaml"), 1, "the silence ends before it starts"),
        (("--alertmanager-version", "0.26"), 2, "0.26"),
    ],
)
def test_a_wrong_call(
    options: Sequence[str], code: int, told: str, tmp_path: Path, file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file("am.yml", CONFIG)
    file("silences.yaml", "[]")
    matchers = "matchers: ['instance=a']"
    file("ends.yaml", f"- {{startsAt: 2023-11-14T02:00:00Z, endsAt: 2023-11-14T01:00:00Z, {matchers}}}\n")
    done = backtest(tmp_path, *options)
    assert (done.exit_code, done.stdout) == (code, "")
    assert told in " ".join(done.stderr.split())


def test_an_outage_is_not_what_alertmanager_is_told_of(tmp_path: Path, file: File) -> None:
    outage = ("--outage", f"{START + 1200}/{START + 1800}")
    done = backtest(tmp_path, *outage, "--alertmanager", file("am.yml", CONFIG))
    assert done.exit_code == 0
    assert "warning[backtest/outage]" in done.stderr
    assert "backtest/outage" not in backtest(tmp_path, *outage).stderr


# --- pages ------------------------------------------------------------------------------------------------------------


def rule(name: str, owner: str, severity: str) -> tuple[RuleVerdict, Labels]:
    labels = {"owner": owner, "severity": severity}
    alert = from_mapping({"alertname": name, **labels})
    timeline = Timeline("g", AlertingRule(name, parse("up"), labels=labels), 60_000, (Episode(alert, 0, 0, 1000),))
    return RuleVerdict(timeline, Score(1, 0, None)), alert


SHOP, SHOP_ALERT = rule("Shop", "shop", "page")
BANK, BANK_ALERT = rule("Bank", "bank", "page")
DISK, DISK_ALERT = rule("Disk", "shop", "ticket")


def told_of(*notifications: Notification) -> Backtest:
    known = Alertmanager(Routing(Route("r"), {"r": {}}), (), Semantics())
    verdicts = (SHOP, BANK, DISK)
    return Backtest(
        Window(0, WEEK, 60_000), WEEK, verdicts, Score(3, 0, 3.0), alertmanager=known, notifications=notifications
    )


def note(
    at: int, reason: Reason, *firing: Labels, receiver: str = "r", integration: str = "webhook[0]"
) -> Notification:
    return Notification(at, receiver, integration, (), reason, firing)


def woken(*notifications: Notification) -> list[tuple[int, str, list[str], tuple[str, ...]]]:
    found = pages(told_of(*notifications), lambda severity: severity == "page")
    return [(page.at, page.owner, [one.rule.name for one in page.verdicts], page.receivers) for page in found]


def test_a_group_pages_each_owner_once_however_it_is_told() -> None:
    both = (SHOP_ALERT, BANK_ALERT)
    ways = [("r", "webhook[0]"), ("r", "webhook[1]"), ("s", "email[0]")]
    told = [note(5, Reason.FIRST, *both, receiver=receiver, integration=one) for receiver, one in ways]
    assert woken(*told) == [(5, "bank", ["Bank"], ("r", "s")), (5, "shop", ["Shop"], ("r", "s"))]
    found = noise(told_of(*told), lambda severity: severity == "page", UTC)
    assert found.receivers == (Load("r", 2, 1, 1.0, 1), Load("s", 1, 1, 1.0, 1))
    assert found.owners == (Load("bank", 3, 1, 1.0, 1), Load("shop", 3, 1, 1.0, 1))


def test_only_what_is_new_or_told_again_pages() -> None:
    first = note(1, Reason.FIRST, SHOP_ALERT)
    ticket = note(2, Reason.NEW, SHOP_ALERT, DISK_ALERT)
    news = note(3, Reason.NEW, SHOP_ALERT, DISK_ALERT, BANK_ALERT)
    less = note(4, Reason.SOME_RESOLVED, SHOP_ALERT, BANK_ALERT)
    again = note(5, Reason.REPEAT, SHOP_ALERT, BANK_ALERT)
    over = Notification(6, "r", "webhook[0]", (), Reason.ALL_RESOLVED, (), (SHOP_ALERT, BANK_ALERT))
    found = [(at, owner) for at, owner, _, _ in woken(first, ticket, news, less, again, over)]
    assert found == [(1, "shop"), (3, "bank"), (5, "bank"), (5, "shop")]


def test_after_all_is_resolved_the_same_alert_pages_again() -> None:
    over = Notification(2, "r", "webhook[0]", (), Reason.ALL_RESOLVED, (), (SHOP_ALERT,))
    told = woken(note(1, Reason.FIRST, SHOP_ALERT), over, note(3, Reason.FIRST, SHOP_ALERT))
    assert [at for at, *_ in told] == [1, 3]


@pytest.mark.parametrize(
    ("hour", "zone", "night"), [(22, "UTC", 1), (21, "UTC", 0), (7, "UTC", 1), (8, "UTC", 0), (21, "Europe/Paris", 1)]
)
def test_when_it_is_night(hour: int, zone: str, night: int) -> None:
    told = told_of(note(hour * HOUR, Reason.FIRST, SHOP_ALERT))
    assert noise(told, lambda severity: severity == "page", ZoneInfo(zone)).receivers[0].by_night == night


def test_the_budget_counts_notifications(tmp_path: Path, file: File) -> None:
    """Two episodes fire, but there are five pages; what is proposed keeps within the limit when it is done."""
    config = ("--alertmanager", file("am.yml", CONFIG), "--format", "json")
    episodes = document(backtest(tmp_path, "--format", "json", settings={"budget": {"pages_per_week": 2}}))
    assert [one["code"] for one in episodes["problems"]] == []
    assert document(backtest(tmp_path, *config, settings={"budget": {"pages_per_week": 5}}))["problems"] == []
    limits = {"budget": {"pages_per_week": 4}}
    over = document(backtest(tmp_path, *config, settings=limits), code=1)["problems"]
    assert [one["code"] for one in over] == ["noise/over-budget"]
    assert "woken 5 times" in over[0]["message"]
    proposed = re.search(r"write `(for: \w+)`", over[0]["help"])
    assert proposed, over[0]["help"]
    mended = RULES.replace("for: 5m", proposed[1])
    done = document(backtest(tmp_path, *config, rules=mended, settings=limits))
    assert 0 < done["noise"]["owners"][0]["pages"] <= 4


# --- reports ----------------------------------------------------------------------------------------------------------


def test_the_text_says_whom_how_often_and_by_what(tmp_path: Path, file: File) -> None:
    text = backtest(tmp_path, "--alertmanager", file("am.yml", CONFIG), "--alertmanager-version", "0.25").stdout
    lines = [line.split() for line in text.splitlines()]
    assert "6 notifications of Alertmanager 0.25" in text
    assert "pages by night (22:00-08:00 UTC)" in text
    assert ["pager", "6", "5", "509.1", "5", "(100%)"] in lines
    assert ["payments", "6", "5", "509.1", "5", "(100%)"] in lines
    assert ["ShopDown", "6", "100%", "5m", "55m"] in lines


def test_nothing_that_was_sent_is_said_to_be_nothing(tmp_path: Path, file: File) -> None:
    quiet = CONFIG.replace('    webhook_configs: [{url: "http://127.0.0.1:1/"}]\n', "")
    text = backtest(tmp_path, "--alertmanager", file("am.yml", quiet)).stdout
    assert text.rstrip().endswith("no notifications of Alertmanager 0.34")


def test_the_page_has_the_tables_and_a_row_of_marks(tmp_path: Path, file: File) -> None:
    report = tmp_path / "report.html"
    backtest(tmp_path, "--alertmanager", file("am.yml", CONFIG), "--report", str(report))
    page = report.read_text()
    assert "<p>6 notifications of Alertmanager 0.34.</p>" in page
    assert page.count("<td>repeat</td>") == 3
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', page)[1])  # type: ignore[index]
    axis = figures["timeline"]["layout"]["yaxis"]
    assert axis["ticktext"] == ["ShopDown", "told: pager"]
    marks = [trace for trace in figures["timeline"]["data"] if trace["marker"]["color"] == "--told"]
    assert [at for trace in marks for at in trace["base"]] == [
        1000 * (START + after) for after in (970, 1270, 2170, 3070, 3970, 4270)
    ]
    assert "first: 1 firing, 0 resolved" in marks[0]["customdata"][0]


def test_hostile_names_of_receivers_do_nothing() -> None:
    name = "<img src=x onerror=alert(1)>\x1b]0;owned\x07"
    told = told_of(note(1, Reason.FIRST, SHOP_ALERT, receiver=name))
    shown = Backtest(
        told.window,
        told.observed,
        told.rules,
        told.score,
        alertmanager=told.alertmanager,
        notifications=told.notifications,
        noise=noise(told, lambda _: True, UTC),
    )
    text = io.StringIO()
    write(shown, text)
    assert "\x1b" not in text.getvalue()
    page = html.render(shown)
    assert "<img" not in page.partition("<body>")[2].partition("<script>")[0]
    assert "\x1b" not in page.partition("<body>")[2].partition("<script>")[0]
