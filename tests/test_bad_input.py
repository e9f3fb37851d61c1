"""Input that is broken, huge or hostile: a message with its place, never a traceback, and no output touched."""

from __future__ import annotations

import gzip
import html.parser
import json
import os
from pathlib import Path

import pytest
from tests.command import INCIDENTS, RULES, SPEC, inert, recording, run, write_files

DEEP = 100_000
NESTED = "(" * DEEP + "up" + ")" * DEEP


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path)


def refused(*call: str, cwd: Path, code: int, told: str) -> None:
    """Runs a call that must fail with a message and must leave the files of the output folder as they are."""
    out = cwd / "out" / "prometheus"
    out.mkdir(parents=True, exist_ok=True)
    (out / "shop.yaml").write_text("# Compiled by tocsin from an older shop.yaml\n")
    done = run(*call, cwd=cwd)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "shop.yaml": "# Compiled by tocsin from an older shop.yaml\n"
    }


PROMQL = "indicators:\n  free:\n    promql: {query: 'QUERY', unit: ratio}\n"


def query_spec(query: str) -> str:
    return SPEC.replace("indicators:\n", PROMQL.replace("QUERY", query))


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (SPEC + "  - {name: [\n", 1, "specs/shop.yaml:2"),
        (SPEC + "service: shop\n", 1, "specs/shop.yaml:21:1: error[yaml/duplicate-key]: key `service` stands twice"),
        (SPEC + "indicator: {}\n", 1, "specs/shop.yaml:21:1: error[spec/unknown-key]: the file has no key `indicator`"),
        (SPEC.replace("1%\n", "1\n"), 1, "specs/shop.yaml:14:12: error[spec/unit-missing]: `1` has no unit"),
        (SPEC.replace("1%\n", "1s\n"), 1, "specs/shop.yaml:14:12: error[spec/unit]"),
        (SPEC.replace("1%\n", "1e99%\n"), 1, "specs/shop.yaml:14:12: error["),
        (SPEC.replace("5m\n", "5 minutes\n"), 1, "specs/shop.yaml:16:10: error[spec/duration]: `5 minutes`"),
        (SPEC.replace('"5.."}', '"5.."'), 1, "specs/shop.yaml:8:"),
        (SPEC.replace('=~"5.."', '=~"5(."'), 1, "specs/shop.yaml:8:"),
        (query_spec("sum(rate(x[5m])"), 1, "specs/shop.yaml:7:25: error[promql/syntax]: unclosed left parenthesis"),
        (query_spec(NESTED), 1, "specs/shop.yaml:7:22: error[promql/too-"),
        (query_spec("(" * 9000 + "up" + ")" * 9000), 1, "specs/shop.yaml:7:22: error[promql/too-deep]"),
        (query_spec("up" + "+up" * 9000), 1, "specs/shop.yaml:7:22: error[promql/too-deep]"),
        ("[" * DEEP, 1, "specs/shop.yaml:1:102: error[yaml/too-deep]"),
        ("a: " + "{a: " * DEEP, 1, "error[yaml/too-deep]"),
        ("- " * DEEP, 1, "error[yaml/too-deep]"),
        ("a: &a [*a]", 1, "specs/shop.yaml:1:8: error[yaml/alias]"),
        ("", 2, "specs/shop.yaml:1:1: error[input/empty]"),
        ("# nothing\n", 2, "specs/shop.yaml:1:1: error[input/empty]"),
        ("service: a\0b", 2, "specs/shop.yaml:1:1: error[input/not-text]"),
        (SPEC + "#" * 20_000_000, 2, "specs/shop.yaml:1:1: error[input/too-large]: the file has 19.1 MiB"),
        (SPEC.replace("service: shop", "service: ../../etc/x"), 1, "specs/shop.yaml:1:10: error[spec/value]"),
        (SPEC.replace("service: shop", "service: /etc/x"), 1, "specs/shop.yaml:1:10: error[spec/value]"),
        (SPEC.replace("service: shop", "service: .."), 1, "specs/shop.yaml:1:10: error[spec/value]"),
    ],
    ids=lambda value: str(value)[-24:].strip() if isinstance(value, str) else None,
)
def test_a_broken_spec_is_refused_with_its_place(text: str, code: int, told: str, folder: Path) -> None:
    (folder / "specs" / "shop.yaml").write_text(text)
    refused("compile", "specs", cwd=folder, code=code, told=told)


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (RULES.replace("up == 0", "up == "), 1, "rules.yaml:5:"),
        (RULES.replace("up == 0", NESTED), 1, "rules.yaml:5:15: error[promql/too-long]"),
        (RULES.replace("for: 5m", "for: 5"), 1, "rules.yaml:6:14: error[rules/duration]"),
        (RULES.replace("for: 5m", "fro: 5m"), 1, "rules.yaml:6:9: error[rules/unknown-key]"),
        (RULES.replace("labels: {", "labels: [{"), 1, "rules.yaml:"),
        ("groups: " + "[" * DEEP, 1, "rules.yaml:1:"),
        ("colour: red\n", 2, "rules.yaml:1:1: error[input/unknown]: neither a spec"),
        ("just text", 2, "rules.yaml:1:1: error[input/unknown]"),
    ],
    ids=lambda value: str(value)[-24:].strip() if isinstance(value, str) else None,
)
def test_a_broken_rule_file_is_refused_with_its_place(text: str, code: int, told: str, folder: Path) -> None:
    (folder / "rules.yaml").write_text(text)
    refused("compile", "specs", "rules.yaml", cwd=folder, code=code, told=told)


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "x: [",
        "prometheus: {version: '2'}",
        "prometheus: {scrape_interval: 5}",
        "severities: {page: 3}",
        "owners: {a: {b: c}}",
        "colour: red",
        "default_receiver: nobody",
        "receivers: {a: {slack_configs: [{api_url: 'https://example.com'}]}}",
        "[" * DEEP,
    ],
    ids=lambda text: str(text)[:40],
)
def test_broken_settings_are_refused_with_their_place(text: str, folder: Path) -> None:
    (folder / "specs" / "tocsin.yaml").write_text(text)
    refused("compile", "specs", cwd=folder, code=1, told="specs/tocsin.yaml:1:")


def test_an_alert_name_that_two_files_use(folder: Path) -> None:
    (folder / "specs" / "store.yaml").write_text(SPEC.replace("service: shop", "service: store"))
    told = "specs/store.yaml:12:11: error[spec/duplicate-name]: alert `ShopErrorRateHigh` is also defined in specs/shop"
    refused("compile", "specs", cwd=folder, code=1, told=told)


def test_a_folder_without_specs(folder: Path) -> None:
    (folder / "specs" / "shop.yaml").unlink()
    refused("compile", "specs", cwd=folder, code=2, told="specs:1:1: error[input/nothing]")


def test_what_is_missing_or_of_the_wrong_kind(folder: Path) -> None:
    query = ("query", "up", "--data")
    for call, told in (
        (("check", "gone.yaml"), "gone.yaml:1:1: error[input/unreadable]"),
        (("check", "specs", "--settings", "gone.yaml"), "gone.yaml:1:1: error[input/unreadable]"),
        (("check", "specs", "--settings", "specs"), "specs:1:1: error[input/unreadable]"),
        ((*query, "gone.om"), "gone.om:1:1: error[input/unreadable]"),
        ((*query, "specs"), "specs:1:1: error[input/not-a-recording]: is a folder, and no recording"),
        ((*query, "/dev/zero"), "/dev/zero:1:1: error[input/unreadable]"),
        (("query", "--data", "recording.om", "--file", "gone"), "gone:1:1: error[input/unreadable]"),
        (
            ("backtest", "specs", "--data", "recording.om", "--incidents", "gone.yaml"),
            "gone.yaml:1:1: error[input/unreadable]",
        ),
    ):
        refused(*call, cwd=folder, code=2, told=told)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
@pytest.mark.parametrize("name", ["specs/shop.yaml", "recording.om"])
def test_a_file_without_permission(name: str, folder: Path) -> None:
    (folder / name).chmod(0)
    call = ("backtest", "specs", "--data", "recording.om")
    refused(*call, cwd=folder, code=2, told=f"{name}:1:1: error[input/unreadable]")


def test_an_output_that_cannot_be_written(folder: Path) -> None:
    (folder / "file").write_text("in the way")
    refused("compile", "specs", "-o", "file", cwd=folder, code=2, told="error[input/write]: cannot write")
    assert (folder / "file").read_text() == "in the way"
    report = ("backtest", "specs", "--data", "recording.om", "--report", "file/report.html")
    refused(*report, cwd=folder, code=2, told="error[input/write]: cannot write")


def bomb() -> bytes:
    """A gzip file that unpacks to 400 MiB of samples."""
    piece = gzip.compress(b"up 1 1700000000\n" * (1 << 20), mtime=0)
    return piece * 25


GOOD = recording()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (GOOD[: len(GOOD) // 2], "data:81:1: error[input/truncated]: the file was cut in the middle of this line"),
        (GOOD[:-6], "data:180:1: error[input/truncated]: the file does not end in `# EOF`"),
        (gzip.compress(GOOD.encode())[:-30], "data:1:1: error[input/truncated]: the gzip stream ends in the middle"),
        (gzip.compress(GOOD.encode()[: len(GOOD) // 2]), "error[input/truncated]"),
        (GOOD.replace("1700000600", "1600000600"), "data:11:1: error[input/out-of-order]"),
        (GOOD.replace(" 60 1700000060", " sixty 1700000060"), "data:2:28: error[input/bad-sample]: bad value `sixty`"),
        (GOOD.replace("1700000060", "yesterday"), "data:2:31: error[input/bad-sample]: bad timestamp"),
        (GOOD.replace('code="200"}', 'code="200}'), "data:1:"),
        (GOOD.replace("17000", "17000000"), "error[input/bad-sample]: the timestamp is after the year 5000"),
        (GOOD.replace("# EOF", "# EOF\nup 1 1700000000"), "data:182:1: error[input/bad-sample]"),
        ("", "data:1:1: error[input/not-a-recording]: is empty"),
        ("# EOF\n", "data:1:1: error[input/not-a-recording]"),
        (bytes(range(256)) * 9, "data:1:1: error[input/not-a-recording]"),
        ("<html></html>", "data:1:1: error[input/not-a-recording]"),
        ("__name__,timestamp,value\nup,1,2\nup,1\n", "data:3:1: error[input/bad-sample]: 2 fields"),
        ("timestamp,value\n1,2\n", "data:1:1: error[input/bad-sample]: no column `__name__`"),
        (bomb(), "data:1:1: error[input/too-large]: unpacks to more than 256 MiB"),
    ],
    ids=range(17),
)
def test_a_broken_recording_is_refused_with_its_place(data: str | bytes, told: str, folder: Path) -> None:
    (folder / "data").write_bytes(data.encode() if isinstance(data, str) else data)
    refused("query", "up", "--data", "data", cwd=folder, code=2, told=told)


@pytest.mark.parametrize("text", [NESTED, "up[1:1ms" * 400, "-" * DEEP + "1", "up" + " or up" * 3000, "{" * DEEP])
def test_hostile_queries(text: str, folder: Path) -> None:
    (folder / "asked").write_text(text)
    done = run("query", "--data", "recording.om", "--file", "asked", "--format", "json", cwd=folder)
    assert done.returncode == 1
    assert json.loads(done.stdout)["status"] == "error"
    assert done.stderr.startswith("asked:1:")
    assert "Traceback" not in done.stderr


def test_a_subquery_that_would_fill_the_memory(folder: Path) -> None:
    asked = "max_over_time(up[100y:1ms])"
    refused("query", asked, "--data", "recording.om", cwd=folder, code=1, told=":1:15: error[promql/too-large]")
    (folder / "rules.yaml").write_text(RULES.replace("up == 0", f"{asked} == 0"))
    call = ("backtest", "rules.yaml", "--data", "recording.om")
    refused(*call, cwd=folder, code=1, told="rules.yaml:5:29: error[promql/too-large]")


# Texts that would drive a terminal or a browser

ESCAPES = "\x1b[31m\x9b2J\u202e\u2066\x07\u2028"
SCRIPT = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
QUOTED = json.dumps(ESCAPES + SCRIPT)
"""As YAML and PromQL write it: all of it escaped."""


def poison(folder: Path) -> Path:
    """Specs, rules, incidents and samples whose every free text is hostile, and a file with a hostile name."""
    spec = SPEC.replace("More than 1% of the requests to the shop fail", QUOTED).replace("5..", f"5..{SCRIPT}|5..")
    (folder / "specs" / "shop.yaml").write_text(spec)
    rules = (
        RULES.replace("ShopDown", QUOTED).replace("The shop is down", QUOTED).replace("name: shop", f"name: {QUOTED}")
    )
    (folder / "rules.yaml").write_text(rules.replace("up == 0", "requests_total > 1"))
    (folder / "incidents.yaml").write_text(INCIDENTS.replace("an outage", QUOTED))
    label = ESCAPES.replace("\x07", "") + SCRIPT
    data = recording().replace('code="200"', f'code="200",a="{label}"').replace('code="500"', f'code="500",a="{label}"')
    (folder / "recording.om").write_text(data)
    (folder / f"{ESCAPES}<b>.yaml").write_text(SPEC.replace("5m\n", QUOTED + "\n"))
    return folder


@pytest.fixture
def hostile(folder: Path) -> Path:
    return poison(folder)


@pytest.mark.parametrize(
    "call",
    [
        ("check", ".", "--format", "text"),
        ("check", ".", "--format", "json"),
        ("check", f"{ESCAPES}<b>.yaml"),
        ("check", f"gone{ESCAPES}"),
        ("compile", "specs", "-o", f"out{ESCAPES}"),
        ("compile", "specs", "-o", f"out{ESCAPES}", "--check"),
        ("backtest", "specs", "rules.yaml", "--data", "recording.om", "--incidents", "incidents.yaml"),
        ("backtest", "specs", "rules.yaml", "--data", "recording.om", "--format", "json"),
        ("query", "requests_total", "--data", "recording.om"),
        ("query", "requests_total", QUOTED, "--data", "recording.om", "--format", "json"),
        ("query", "requests_total", QUOTED, "--data", "recording.om"),
        ("query", ESCAPES, "--data", "recording.om", "--format", "json"),
        ("explain", "ShopErrorRateHigh"),
        ("explain", "ShopErrorRate", "rules.yaml"),
        ("explain", ESCAPES),
        ("compile", "specs", "--target", ESCAPES),
        (ESCAPES,),
    ],
    ids=range(17),
)
def test_nothing_in_the_input_drives_the_terminal(call: tuple[str, ...], hostile: Path) -> None:
    done = run(*call, cwd=hostile)
    assert done.returncode in (0, 1, 2)
    assert done.stdout + done.stderr
    assert inert(done.stdout), ascii(done.stdout)
    assert inert(done.stderr), ascii(done.stderr)
    assert "Traceback" not in done.stderr


class Page(html.parser.HTMLParser):
    """The elements and attributes of a page, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def elements(folder: Path) -> tuple[int, int, list[str], str]:
    call = ("backtest", "specs", "rules.yaml", "--data", "recording.om", "--incidents", "incidents.yaml")
    done = run(*call, "--report", "report.html", cwd=folder)
    assert done.returncode == 0, done.stderr
    text = (folder / "report.html").read_text()
    page = Page()
    page.feed(text)
    return page.tags.count("script"), page.tags.count("img"), page.handlers, text


def test_nothing_in_the_input_drives_the_page(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    *expected, plain = elements(folder)
    other = poison(write_files(tmp_path_factory.mktemp("hostile")))
    *seen, text = elements(other)
    assert seen == expected
    assert "alert(1)" in text
    driving = [char for char in ESCAPES if not char.isprintable()]
    assert [text.count(char) for char in driving] == [plain.count(char) for char in driving]
