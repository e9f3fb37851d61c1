"""The commands as processes: results and problems, to which stream they go, and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from tests.command import SPEC, START, run, write_files
from tests.prometheus import prometheus
from typer.testing import CliRunner

from tocsin.cli import app
from tocsin.labels import from_mapping

COMMANDS = ("check", "compile", "backtest", "record", "query", "explain", "schema")
DATA = ("--data", "recording.om")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path)


def lines(*arguments: str, cwd: Path, code: int = 0) -> list[Any]:
    """The JSON lines of a query."""
    done = run("query", *DATA, "--format", "json", *arguments, cwd=cwd)
    assert done.returncode == code, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


# Help


def test_help_names_every_command(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    assert done.stderr == ""


def test_the_version_is_that_of_the_installed_package(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"tocsin {metadata.version('tocsin')}\n", "")
    assert "\n  --version " in run("--help", cwd=tmp_path).stdout


def test_no_command_waits_for_the_version(tmp_path: Path) -> None:
    program = "import sys; from tocsin.cli import app; app(['schema'], standalone_mode=False)\n"
    program += "assert 'importlib.metadata' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_version_of_what_is_not_installed_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 2
    assert "is not installed" in " ".join(done.output.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, tmp_path: Path) -> None:
    done = run(name, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: tocsin {name} ")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ((), "Usage:"),
        (("chek", "."), "Did you mean 'check'"),
        (("check",), "Missing argument"),
        (("check", "specs", "--formt", "json"), "--format"),
        (("check", "specs", "--format", "xml"), "'xml'"),
        (("compile", "specs", "--target", "promtheus"), "did you mean `prometheus`?"),
        (("backtest", "specs"), "Missing option '--data'"),
        (("backtest", "specs", *DATA, "--compat", "4"), "'4'"),
        (("query", *DATA), "give an expression, or a --file of them"),
        (("query", *DATA, "up", "--start", "0"), "--start and --end want a --step"),
        (("query", *DATA, "up", "--time", "0", "--step", "1m"), "give either --time"),
        (("query", *DATA, "up", "--step", "0"), "a step of 0 never ends"),
        (("query", *DATA, "up", "--step", "5 minutes"), "`5 minutes` is not a duration"),
        (("query", *DATA, "up", "--time", "yesterday"), "`yesterday` is not a time"),
        (("query", *DATA, "up", "--start", "9", "--end", "8", "--step", "1m"), "the end is before the start"),
        (("query", *DATA, "up", "--start", "0", "--step", "1ms"), "are too many"),
        (("backtest", "specs", *DATA, "--end", "0"), "the end is before the start"),
        (("backtest", "specs", *DATA, "--start", "1e9x"), "`1e9x` is not a time"),
        (("explain", "noise/sngle-event"), "did you mean `noise/single-event`?"),
        (("explain", "ShopErrorRateHi"), "did you mean `ShopErrorRateHigh`?"),
        (("explain", "zebra"), " others"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_so_on_standard_error(call: tuple[str, ...], told: str, folder: Path) -> None:
    done = run(*call, cwd=folder)
    assert done.returncode == 2
    assert told in " ".join((done.stderr if call else done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr
    assert not call or done.stdout == ""


# check


def test_a_clean_check_says_nothing(folder: Path) -> None:
    done = run("check", "specs", "rules.yaml", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_findings_go_to_standard_error_with_exit_code_1(folder: Path) -> None:
    (folder / "specs" / "shop.yaml").write_text(SPEC.replace("for: 5m", "for: 30s"))
    done = run("check", "specs", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("specs/shop.yaml:16:10: error[noise/sub-minute-for]: ")
    assert done.stderr.endswith("1 error\n")


def test_check_as_json_is_a_list_on_standard_output(folder: Path) -> None:
    assert json.loads(run("check", "specs", "--format", "json", cwd=folder).stdout) == []
    (folder / "specs" / "shop.yaml").write_text(SPEC.replace("for: 5m", "for: 30s"))
    done = run("check", "specs", "--format", "json", cwd=folder)
    assert (done.returncode, done.stderr) == (1, "")
    (problem,) = json.loads(done.stdout)
    assert (problem["code"], problem["severity"]) == ("noise/sub-minute-for", "error")
    assert (problem["path"], problem["line"], problem["column"]) == ("specs/shop.yaml", 16, 10)
    assert (problem["end_line"], problem["end_column"]) == (16, 12)


def test_all_problems_of_all_files_are_told_in_one_run(folder: Path) -> None:
    (folder / "specs" / "other.yaml").write_text("service: [")
    (folder / "specs" / "shop.yaml").write_text(SPEC.replace("for: 5m", "for: 30s").replace("1%\n", "1\n"))
    done = run("check", "specs", "gone.yaml", cwd=folder)
    assert done.returncode == 2
    for place in ("gone.yaml:1:1: ", "specs/other.yaml:1:", "specs/shop.yaml:14:12: "):
        assert place in done.stderr


def test_settings_can_be_given(folder: Path) -> None:
    (folder / "other.yaml").write_text("severities: {urgent: {wakes: true}}\n")
    done = run("check", "specs", "--settings", "other.yaml", cwd=folder)
    assert done.returncode == 1
    assert "severity `page` is not defined" in done.stderr


# compile


def test_compile_writes_what_it_names_and_then_nothing(folder: Path) -> None:
    done = run("compile", "specs", "-o", "new", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "new/prometheus/shop.yaml\n", "")
    assert "ShopErrorRateHigh" in (folder / "new" / "prometheus" / "shop.yaml").read_text()
    assert run("compile", "specs", "-o", "new", cwd=folder).stdout == "new is up to date: 1 file\n"


def test_compile_check_shows_a_diff_and_writes_nothing(folder: Path) -> None:
    assert run("compile", "specs", "-o", "new", cwd=folder).returncode == 0
    assert run("compile", "specs", "-o", "new", "--check", cwd=folder).returncode == 0
    target = folder / "new" / "prometheus" / "shop.yaml"
    old = target.read_text()
    (folder / "specs" / "shop.yaml").write_text(SPEC.replace("for: 5m", "for: 10m"))
    done = run("compile", "specs", "-o", "new", "--check", cwd=folder)
    assert done.returncode == 1
    assert "\n-    for: 5m\n+    for: 10m\n" in done.stdout
    assert "compile/stale" in done.stderr
    assert target.read_text() == old


def test_compile_writes_one_target(folder: Path) -> None:
    (folder / "specs" / "tocsin.yaml").write_text(
        "receivers: {pager: {webhook_configs: [{url_file: /etc/alertmanager/pager}]}}\n"
        "owners: {payments: {page: pager}}\n"
    )
    done = run("compile", "specs", "-o", "new", "--target", "alertmanager", cwd=folder)
    assert done.stdout == "new/alertmanager/alertmanager.yml\n"
    done = run("compile", "specs", "-o", "new", cwd=folder)
    assert done.stdout == "new/prometheus/shop.yaml\n"


def test_where_a_problem_is_an_error_nothing_is_written(folder: Path) -> None:
    (folder / "specs" / "noisy.yaml").write_text(
        SPEC.replace("service: shop", "service: noisy").replace("ShopE", "NoisyE").replace("for: 5m", "for: 30s")
    )
    done = run("compile", "specs", "-o", "new", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert not (folder / "new").exists()


# backtest


def test_backtest_as_json(folder: Path) -> None:
    done = run("backtest", "specs", *DATA, "--incidents", "incidents.yaml", "--format", "json", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    verdict = json.loads(done.stdout)
    assert verdict["window"] == {"start": START, "end": START + 59 * 60, "step": 60}
    (rule,) = verdict["rules"]
    assert (rule["group"], rule["name"]) == ("shop", "ShopErrorRateHigh")
    (episode,) = rule["episodes"]
    assert START + 20 * 60 < episode["pending"] < episode["firing"] < episode["resolved"] < START + 50 * 60
    assert [incident["detected"] for incident in verdict["incidents"]] == [True]
    assert (rule["score"]["precision"], rule["score"]["recall"]) == (1.0, 1.0)


def test_backtest_as_text_and_as_a_page(folder: Path) -> None:
    done = run("backtest", "specs", "rules.yaml", *DATA, "--report", "report.html", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ShopErrorRateHigh" in done.stdout
    assert "ShopDown" in done.stdout
    assert "ShopErrorRateHigh" in (folder / "report.html").read_text()


def test_backtest_of_a_part_of_the_recording(folder: Path) -> None:
    times = ("--start", "2023-11-14T22:13:20Z", "--end", str(START + 600))
    done = run("backtest", "specs", *DATA, "--format", "json", *times, cwd=folder)
    verdict = json.loads(done.stdout)
    assert (verdict["window"]["start"], verdict["window"]["end"]) == (START, START + 600)
    assert verdict["rules"][0]["episodes"] == []


# query


def test_query_answers_as_prometheus_does(folder: Path) -> None:
    vector, scalar, string, matrix = lines("up", "1 + 1", '"text"', "up[90s]", cwd=folder)
    end = START + 59 * 60
    assert vector == {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [{"metric": {"__name__": "up", "job": "shop"}, "value": [end, "1"]}],
        },
    }
    assert scalar["data"] == {"resultType": "scalar", "result": [end, "2"]}
    assert string["data"] == {"resultType": "string", "result": [end, "text"]}
    assert matrix["data"] == {
        "resultType": "matrix",
        "result": [{"metric": {"__name__": "up", "job": "shop"}, "values": [[end - 60, "1"], [end, "1"]]}],
    }


def test_no_library_warns_on_standard_error(folder: Path) -> None:
    done = run("query", *DATA, "--", "-up ^ 2", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, '{job="shop"} -1\n', "")


def test_query_over_a_range(folder: Path) -> None:
    times = ("--start", str(START), "--end", "2023-11-14T22:15:20Z", "--step", "1m")
    (answer,) = lines("sum(requests_total)", *times, cwd=folder)
    values = [[START, "0"], [START + 60, "60"], [START + 120, "120"]]
    assert answer["data"] == {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}


def test_the_ends_of_a_range_are_what_at_start_and_end_mean(folder: Path) -> None:
    times = ("--start", str(START), "--end", str(START + 120), "--step", "1m")
    last, first = lines("sum(requests_total @ end())", "sum(requests_total @ start())", *times, cwd=folder)
    assert [value for _, value in last["data"]["result"][0]["values"]] == ["120"] * 3
    assert [value for _, value in first["data"]["result"][0]["values"]] == ["0"] * 3


@pytest.mark.parametrize(
    "at", [str(START + 90), f"{START + 90}.0", "2023-11-14T22:14:50Z", "2023-11-14T23:14:50+01:00"]
)
def test_a_time_is_rfc_3339_or_unix_seconds(at: str, folder: Path) -> None:
    (answer,) = lines("time()", "--time", at, cwd=folder)
    assert answer["data"]["result"] == [START + 90, str(START + 90)]


def test_an_expression_that_fails_is_a_line_and_exit_code_1_at_the_end(folder: Path) -> None:
    first, broken, failed, last = lines("1", "sum(", "up + on() requests_total", "2", cwd=folder, code=1)
    assert [first["status"], last["status"]] == ["success", "success"]
    assert (broken["status"], broken["errorType"]) == ("error", "bad_data")
    assert "unclosed left parenthesis" in broken["error"]
    assert (failed["status"], failed["errorType"]) == ("error", "execution")


def test_a_range_has_no_strings_and_no_range_vectors(folder: Path) -> None:
    times = ("--start", str(START), "--end", str(START), "--step", "1m")
    answers = lines('"text"', "up[5m]", *times, cwd=folder, code=1)
    assert [answer["errorType"] for answer in answers] == ["bad_data", "bad_data"]


def test_expressions_of_a_file(folder: Path) -> None:
    (folder / "asked.promql").write_text("# what is asked\nsum(up)\n\n  # and\n  count(requests_total) # two\n1 +\n")
    done = run("query", *DATA, "--file", "asked.promql", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "{} 1\n{} 2\n")
    assert done.stderr.startswith("asked.promql:6:3: error[promql/syntax]")


def test_compat_chooses_the_edge_of_a_window(folder: Path) -> None:
    at = ("--time", str(START + 600), "count_over_time(up[5m])")
    for version, count in (("3", "5"), ("2", "6")):
        (answer,) = lines(*at, "--compat", version, cwd=folder)
        assert answer["data"]["result"][0]["value"][1] == count


FLOATS = ("1e20", "1e21", "-1.5e21", "1e-6", "1e-7", "-1.25e-9", "5e-324", "0.1", "-0", "1/0", "-1/0", "0/0", "1e308")


@pytest.mark.live("prometheus", "promtool")
@pytest.mark.parametrize("ranged", [False, True])
def test_floats_are_printed_as_a_real_prometheus_prints_them(ranged: bool, folder: Path) -> None:
    import requests

    exprs = [form.format(value) for value in FLOATS for form in ("{}", "vector({})")]
    times = {"start": str(START), "end": str(START), "step": "1m"} if ranged else {"time": str(START)}
    options = [part for name, value in times.items() for part in (f"--{name}", value)]
    with prometheus({from_mapping({"__name__": "up"}): [(START * 1000, 1.0)]}) as server:
        path = f"{server.url}/api/v1/query" + ("_range" if ranged else "")
        theirs = [requests.get(path, params={**times, "query": expr}, timeout=60).json() for expr in exprs]
    for expr, own, their in zip(exprs, lines(*options, "--", *exprs, cwd=folder), theirs, strict=True):
        assert own == their, expr


# explain and schema


def test_explain_a_rule(tmp_path: Path) -> None:
    done = run("explain", "noise/single-event", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("noise/single-event (error)\n")


def test_explain_alerts_of_specs_and_of_rule_files(folder: Path) -> None:
    done = run("explain", "ShopErrorRateHigh", cwd=folder)
    assert done.returncode == 0
    assert "10% of events bad:" in done.stdout
    done = run("explain", "ShopDown", "rules.yaml", cwd=folder)
    assert done.returncode == 0
    assert "up == 0" in done.stdout


@pytest.mark.parametrize("options", [(), ("--settings",)])
def test_schema_is_json_schema(options: tuple[str, ...], tmp_path: Path) -> None:
    done = run("schema", *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
