"""The language server, as an editor sees it: a process, and messages on its standard input and output."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.command import RULES, SPEC, run
from tests.editor import Editor, Json, editor

SETTINGS = """\
severities: {page: {wakes: true}, ticket: {}}
owners: {payments: {page: pager}}
receivers: {pager: {webhook_configs: [{url: 'http://localhost:9099/x'}]}}
"""
RESOURCE = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n" + "".join(
    f"  {line}\n" for line in RULES.replace("for: 5m", "for: 5s").splitlines()
)
ROUTING = (
    "route: {receiver: a, routes: [{receiver: a, match: {x: y}, group_bye: [z]}]}\nreceivers: [{name: a}, {name: b}]\n"
)
OBJECTIVE = (
    SPEC.partition("alerts:")[0]
    + """\
objectives:
  - name: availability
    indicator: errors
    target: 99.9%
    summary: Requests to the shop fail
    action: Roll back the last deploy.
"""
)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Editor]:
    with editor(tmp_path) as started:
        started.initialize()
        yield started


def at(text: str, part: str, plus: int = 0) -> tuple[int, int]:
    """The line and column of a part of a text, both from 0."""
    head = text[: text.index(part) + plus]
    return head.count("\n"), len(head) - (head.rfind("\n") + 1)


def codes(diagnostics: Sequence[Json]) -> list[str]:
    return [one["code"] for one in diagnostics]


def applied(text: str, edits: Sequence[Json]) -> str:
    """A text of ASCII after the edits of one action."""
    lines = text.splitlines(keepends=True)
    for edit in edits:
        start, end = (sum(map(len, lines[: p["line"]])) + p["character"] for p in edit["range"].values())
        text = text[:start] + edit["newText"] + text[end:]
    return text


def test_a_session_from_hello_to_goodbye(client: Editor, tmp_path: Path) -> None:
    uri = client.open(tmp_path / "shop.yaml", SPEC)
    assert client.diagnostics(uri) == []
    client.change(uri, SPEC.replace("for: 5m", "for: 30s"), 2)
    (found,) = client.diagnostics(uri, 2)
    assert (found["code"], found["source"], found["severity"]) == ("noise/sub-minute-for", "tocsin", 1)
    assert found["range"] == {"start": {"line": 15, "character": 9}, "end": {"line": 15, "character": 12}}
    assert "\nhelp: write `for: 5m`" in found["message"]
    client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert client.diagnostics(uri) == []
    assert client.leave() == 0


@pytest.mark.parametrize(("encoding", "column"), [(None, 35), ("utf-16", 35), ("utf-8", 44), ("utf-32", 31)])
def test_columns_behind_wide_characters_are_in_the_units_agreed_on(
    tmp_path: Path, encoding: str | None, column: int
) -> None:
    text = RULES.replace("up == 0", 'up{a="🔥🔥🔥🔥ä"} == bogus(x)')
    with editor(tmp_path) as client:
        capabilities = client.initialize([encoding] if encoding else None)["capabilities"]
        assert capabilities["positionEncoding"] == (encoding or "utf-16")
        uri = client.open(tmp_path / "rules.yaml", text)
        (found,) = client.diagnostics(uri)
        assert "bogus" in found["message"]
        assert found["range"]["start"] == {"line": 4, "character": column}
        assert found["range"]["end"] == {"line": 4, "character": column + len("bogus")}
        client.change(uri, "alerts:\n  - {name: '🔥🔥🔥🔥ä', above: 1, sev", 2)
        (key,) = [one for one in client.ask("completion", uri, 1, column + 2) if one["label"] == "severity"]
        assert key["textEdit"]["range"]["start"] == {"line": 1, "character": column - 1}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("spec.yaml", SPEC.replace("for: 5m", "for: 5s").replace("owner: payments", "owner: paiments")),
        ("rules.yaml", RULES.replace("up == 0", "rate(up[5m])")),
        ("broken.yaml", RULES.replace("expr: up", "expr: up{")),
        ("resource.yaml", RESOURCE),
        ("stream.yaml", f"{RESOURCE}---\n{RESOURCE}---\nkind: Service\napiVersion: v1\n"),
        ("alertmanager.yml", ROUTING),
        ("tocsin.yaml", SETTINGS.replace("ticket: {}", "ticket: {receiver: nobody}, page: {}")),
        ("else.yaml", "a: b\n"),
        ("rules.json", json.dumps({"groups": [{"name": "a", "rules": [{"alert": "A B", "expr": "up"}]}]}, indent=1)),
    ],
)
def test_the_problems_are_those_of_a_check_of_the_saved_file(
    client: Editor, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "tocsin.yaml").write_text(SETTINGS)
    path = tmp_path / name
    path.write_text(text)
    done = run("check", name, "--format", "json", cwd=tmp_path)
    expected = [one for one in json.loads(done.stdout) if one["path"] == name]
    path.write_text("nothing: yet\n")
    uri = client.open(path, text)
    found = client.diagnostics(uri)
    assert expected
    assert codes(found) == [one["code"] for one in expected]
    starts = [one["range"]["start"] for one in found]
    assert [(s["line"] + 1, s["character"] + 1) for s in starts] == [(one["line"], one["column"]) for one in expected]


def test_a_file_that_is_not_about_alerts_gets_a_hint_at_most(client: Editor, tmp_path: Path) -> None:
    for name, text in (
        ("a.yaml", "services: {web: {image: x}}\n"),
        ("b.yaml", ""),
        ("c.yaml", "apiVersion: v1\nkind: Pod\n"),
    ):
        (found,) = client.diagnostics(client.open(tmp_path / name, text))
        assert found["severity"] == 4


def test_a_burst_of_keystrokes_is_checked_once(client: Editor, tmp_path: Path) -> None:
    uri = client.open(tmp_path / "shop.yaml", SPEC)
    client.diagnostics(uri)
    for version in range(2, 42):
        client.change(uri, SPEC.replace("for: 5m", f"for: {version}s"), version)
    (found,) = client.diagnostics(uri)
    assert "`for: 41s`" in found["message"]
    client.change(uri, SPEC, 42)
    assert client.diagnostics(uri) == [], "a check in between would have been told first"


def test_settings_that_are_not_saved_hold_for_the_specs_beside_them(client: Editor, tmp_path: Path) -> None:
    path = tmp_path / "tocsin.yaml"
    path.write_text(SETTINGS)
    uri = client.open(tmp_path / "shop.yaml", SPEC)
    assert client.diagnostics(uri) == []
    settings = client.open(path, SETTINGS)
    assert client.diagnostics(settings) == []
    client.change(settings, SETTINGS.replace("payments", "search"), 2)
    assert [one["message"].partition("\n")[0] for one in client.diagnostics(uri)] == ["owner `payments` is not defined"]
    path.write_text("severities: {urgent: }\n")
    client.notify("textDocument/didClose", {"textDocument": {"uri": settings}})
    client.notify("workspace/didChangeWatchedFiles", {"changes": []})
    assert "severity `page` is not defined" in client.diagnostics(uri)[0]["message"]


def test_what_an_alert_an_indicator_and_an_objective_compile_to(client: Editor, tmp_path: Path) -> None:
    uri = client.open(tmp_path / "shop.yaml", SPEC)
    alert = client.ask("hover", uri, *at(SPEC, "ShopErrorRateHigh", 4))["contents"]
    assert alert["kind"] == "markdown"
    assert "```promql\n" in alert["value"]
    assert 'sum(rate(requests_total{code=~"5.."}[5m]))' in alert["value"]
    assert "Evaluated every 1m" in alert["value"]
    for place in (at(SPEC, "errors:"), at(SPEC, "indicator: errors", 12)):
        indicator = client.ask("hover", uri, *place)["contents"]["value"]
        assert indicator.startswith("**errors** (ratio)\n\n```promql\n")
    client.change(uri, OBJECTIVE, 2)
    objective = client.ask("hover", uri, *at(OBJECTIVE, "name: availability", 8))["contents"]["value"]
    assert "availability" in objective
    assert objective.count("```promql") >= 4
    described = client.ask("hover", uri, *at(OBJECTIVE, "target"))["contents"]["value"]
    assert "The share of events that must be good" in described
    assert client.ask("hover", uri, 0, 10) is None


def test_the_page_of_a_problem_is_shown_over_it(client: Editor, tmp_path: Path) -> None:
    text = RULES.replace("for: 5m", "for: 5s")
    uri = client.open(tmp_path / "rules.yaml", text)
    page = client.ask("hover", uri, *at(text, "5s"))["contents"]["value"]
    assert page.startswith("**noise/sub-minute-for (error)**")
    assert "```yaml\nservice: web\n" in page
    assert "up == 0" in client.ask("hover", uri, *at(text, "ShopDown"))["contents"]["value"]


def test_a_text_that_does_not_parse_is_completed(client: Editor, tmp_path: Path) -> None:
    (tmp_path / "tocsin.yaml").write_text(SETTINGS)
    text = SPEC.replace("indicator: errors", "indicator: err").replace("severity: page", "severity: ") + "oops\n  - na"
    uri = client.open(tmp_path / "shop.yaml", text)
    assert "yaml/syntax" in codes(client.diagnostics(uri))

    def labels(part: str, plus: int) -> list[str]:
        return [item["label"] for item in client.ask("completion", uri, *at(text, part, plus))]

    assert labels("indicator: err", 14) == ["errors"]
    assert labels("severity: ", 10) == ["page", "ticket"]
    keys = client.ask("completion", uri, *at(text, "oops\n  - na", 11))
    assert [item["label"] for item in keys][:2] == ["name", "indicator"]
    assert applied(text, [keys[0]["textEdit"]]).endswith("  - name: ")
    assert keys[0]["documentation"]["value"] == "The alert's name: unique over all specs."
    assert labels("payments", 0) == ["payments"]


def test_quick_fixes_change_what_they_say_and_nothing_else(client: Editor, tmp_path: Path) -> None:
    text = RULES.replace("up == 0", 'up{job=~"shop"} == 0').replace("for: 5m", "for: 5m\n        keep_firing_fro: 9m")
    uri = client.open(tmp_path / "rules.yaml", text)
    assert codes(client.diagnostics(uri)) == ["noise/needless-regex", "rules/unknown-key"]
    everywhere = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
    asked = {"textDocument": {"uri": uri}, "range": everywhere, "context": {"diagnostics": []}}
    found = {one["title"]: one for one in client.request("textDocument/codeAction", asked)}
    assert list(found) == [
        'Replace `job=~"shop"` by `job="shop"`',
        "Allow noise/needless-regex here, with a reason",
        "Replace `keep_firing_fro` by `keep_firing_for`",
    ]
    assert all(one["kind"] == "quickfix" and one["diagnostics"] for one in found.values())
    edits = {title: one["edit"]["changes"][uri] for title, one in found.items()}
    client.change(uri, applied(text, edits["Replace `keep_firing_fro` by `keep_firing_for`"]), 2)
    assert codes(client.diagnostics(uri)) == ["noise/needless-regex"]
    allowed = applied(text, edits["Allow noise/needless-regex here, with a reason"])
    assert "      # tocsin: allow noise/needless-regex -- TODO: the reason\n      - alert: ShopDown\n" in allowed
    client.change(uri, allowed, 3)
    unwritten = ["lint/bad-allowance", "noise/needless-regex", "rules/unknown-key"]
    assert codes(client.diagnostics(uri)) == unwritten, "the reason is still to be written"
    client.change(uri, allowed.replace("TODO: the reason", "one job today, and two next week"), 4)
    assert codes(client.diagnostics(uri)) == ["rules/unknown-key"]
    nowhere = {**asked, "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}}
    assert client.request("textDocument/codeAction", nowhere) == []


NONSENSE = [
    "",
    "\n\n\n",
    "{[}]: - ? : !! & * |\n\t\t>",
    "\0\1\2\3 binary",
    "\ud800 a lone surrogate: \udfff",
    "a\u2028b: \x0c\x85\n  - x\r\n\rservice: shop\r\n",
    "- " * 5000,
    "[" * 5000,
    "a: &a [*a, *b]",
    SPEC.replace("\n", "\r\n"),
    "x" * 11_000_000,
]


@pytest.mark.parametrize("text", NONSENSE, ids=lambda text: repr(text[:20]))
def test_nonsense_is_answered_and_the_server_lives(client: Editor, tmp_path: Path, text: str) -> None:
    uri = client.open(tmp_path / "a.yaml", text)
    assert client.diagnostics(uri) or "service" in text
    for line, character in ((0, 0), (0, 5), (3, 2), (10**6, 10**6)):
        for method in ("hover", "completion"):
            client.ask(method, uri, line, character)
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 10**6, "character": 0}}
    asked = {"textDocument": {"uri": uri}, "range": whole, "context": {"diagnostics": []}}
    assert isinstance(client.request("textDocument/codeAction", asked), list)
    client.change(uri, SPEC, 2)
    assert client.diagnostics(uri, 2) == []
    assert client.leave() == 0


def test_documents_that_are_nowhere(client: Editor, tmp_path: Path) -> None:
    strange = [
        "untitled:Untitled-1",
        "file:///",
        tmp_path.as_uri(),
        "file:///%00",
        "",
        "git:/a?b#c",
    ]
    strange += ["file:///" + "x" * 5000, "file:///nowhere/at/all/spec.yaml", "vscode-notebook-cell:/a#%F0%9F%94%A5"]
    for uri in strange:
        client.open(uri, SPEC.replace("for: 5m", "for: 5s"))
        assert codes(client.diagnostics(uri)) == ["noise/sub-minute-for"], uri
    assert client.leave() == 0


def test_messages_that_are_none_are_refused_and_the_server_lives(client: Editor, tmp_path: Path) -> None:
    for body in (b"{", b"[]", b"null", b'{"jsonrpc": "2.0"}', b"\xff\xfe", b'{"jsonrpc":"2.0","id":1,"method":5}'):
        client.send_raw(body)
    client.notify("textDocument/didChange", {"textDocument": {}})
    client.notify("textDocument/didOpen", None)
    client.change("file:///never/opened.yaml", "x: y", 3)
    client.open("file://[no/address.yaml", SPEC)
    client.notify("no/such/notification", {"a": 1})
    with pytest.raises(RuntimeError):
        client.request("no/such/request")
    assert client.ask("hover", "file:///never/opened.yaml", 0, 0) is None
    assert client.ask("completion", "file:///never/opened.yaml", 0, 0) == []
    uri = client.open(tmp_path / "shop.yaml", SPEC)
    assert client.diagnostics(uri) == []
    assert client.leave() == 0


def test_no_message_holds_a_secret(client: Editor, tmp_path: Path) -> None:
    secret = "s3cr3t-🔥-t0k3n"
    text = f"receivers:\n  pager:\n    slack_configs: [{{api_url: https://x/{secret}, chanel: [}}]\n  {secret}\n"
    uri = client.open(tmp_path / "tocsin.yaml", text)
    found = client.diagnostics(uri)
    assert found
    valid = f"receivers:\n  pager:\n    slack_configs: [{{api_url: 'https://x/{secret}'}}]\ndefault_receiver: nobody\n"
    client.change(uri, valid, 2)
    found += client.diagnostics(uri, 2)
    routing = client.open(
        tmp_path / "am.yml", f"receivers: [{{name: a, slack_configs: [{{api_url: {secret}}}]}}]\nroute: [\n"
    )
    found += client.diagnostics(routing)
    assert {"spec/inline-secret", "yaml/syntax"} <= set(codes(found))
    for line, character in ((2, 25), (2, 40)):
        assert "s3cr3t" not in json.dumps(client.ask("hover", uri, line, character))
    assert "s3cr3t" not in json.dumps(found)


def test_the_exit_code_says_whether_it_was_asked_to_leave(tmp_path: Path) -> None:
    with editor(tmp_path) as client:
        client.initialize()
        client.notify("exit")
        assert client.process.wait(30) == 1
    with editor(tmp_path) as client:
        client.initialize()
        assert client.process.stdin
        client.process.stdin.close()
        assert client.process.wait(30) == 1


@pytest.mark.parametrize("missing", ["pygls", "lsprotocol"])
def test_without_its_library_the_command_names_the_extra(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from tocsin.cli import main; main()"
    call: list[Any] = [sys.executable, "-c", program, "lsp"]
    done = subprocess.run(call, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "pip install 'tocsin[lsp]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
