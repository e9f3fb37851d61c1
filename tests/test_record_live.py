"""Recording from servers that fail, and by processes that are killed: complete, and equal to an undisturbed one."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

import pytest
import requests
from tests.command import command, environment, run
from tests.faulty_server import Asked, Fault, FaultyServer, Reply, faulty, passed_on
from tests.http_samples import DATA, START, expected, rows_of
from tests.prometheus import openmetrics
from tests.tsdb_server import free_port, started

from tocsin.labels import NAME, get
from tocsin.sources.open import open_recording

pytestmark = pytest.mark.live("prometheus", "promtool")

RULES = """\
groups:
  - name: g
    rules:
      - {alert: A, expr: 'rate(m[30m]) > 1', labels: {severity: page}}
      - {alert: B, expr: 'm{i=~"0.*"} > other offset 1h', labels: {severity: page}}
"""
FIRST, LAST = START // 1000 - 3600, START // 1000 + 4 * 86_400
WINDOW = ("--since", str(FIRST), "--until", str(LAST))


@dataclass
class Server:
    """A Prometheus that can be killed, and comes up again on its port and its data."""

    root: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = started(self.root, self.port)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("server")
    (root / "samples").write_text(openmetrics(DATA))
    make = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(root / "samples"), str(root / "data")]
    subprocess.run(make, check=True, capture_output=True)
    found = Server(root)
    found.start()
    yield found
    found.kill()


@pytest.fixture(params=["", "remote-read+"], ids=["api", "remote read"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def proxy(server: Server) -> Iterator[FaultyServer]:
    with faulty(passed_on(server.url)) as told:
        yield told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def arguments(url: str, out: str) -> tuple[str, ...]:
    return ("record", "rules.yaml", "--from", url, *WINDOW, "-o", out)


def record(folder: Path, url: str, out: str) -> bytes:
    done = run(*arguments(url, out), cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not (folder / f".{out}.partial").exists()
    return (folder / out).read_bytes()


def pieces(folder: Path, out: str) -> list[tuple[int, int, int]]:
    """The pieces that are whole so far."""
    path = folder / f".{out}.partial" / "manifest.jsonl"
    lines = path.read_bytes().split(b"\n")[1:-1] if path.exists() else []
    found = [json.loads(line) for line in lines]
    return [(one["number"], one["start"], one["end"]) for one in found if "number" in one]


def test_all_samples_are_recorded_to_the_bit(server: Server, scheme: str, folder: Path) -> None:
    record(folder, scheme + server.url, "x.parquet")
    found = rows_of(open_recording(str(folder / "x.parquet")).read((), 0, 1 << 50))
    assert found == expected(DATA)
    assert {get(labels, NAME) for labels in found} == {"m", "other"}


def test_a_server_that_fails_and_is_killed_changes_nothing(
    server: Server, proxy: FaultyServer, scheme: str, folder: Path
) -> None:
    undisturbed = record(folder, scheme + server.url, "undisturbed.parquet")

    def later() -> None:
        time.sleep(1.5)
        server.start()

    def outage(_: Reply) -> Reply:
        server.kill()
        Thread(target=later).start()
        return Reply(502)

    def fine(reply: Reply) -> Reply:
        return reply

    def cut(reply: Reply) -> Reply:
        return Reply(200, reply.body[: len(reply.body) // 2], reply.headers, cut=True)

    faults: list[Fault] = [Reply(429, headers={"Retry-After": "1"}), Reply(503), cut, cut, outage, Reply(504), cut]
    proxy.faults.extend([fine, fine])
    for fault in faults:
        proxy.faults.extend([fault, fine])
    assert record(folder, scheme + proxy.url, "disturbed.parquet") == undisturbed
    assert not proxy.faults


def test_a_process_that_is_killed_goes_on_without_a_gap_or_a_duplicate(
    server: Server, scheme: str, folder: Path
) -> None:
    undisturbed = record(folder, scheme + server.url, "undisturbed.parquet")
    answer = passed_on(server.url)

    def slow(request: Asked) -> Reply:
        time.sleep(0.1)
        return answer(request)

    done: list[tuple[int, int, int]] = []
    with faulty(slow) as told:
        for more in (2, 5, 1):
            process = subprocess.Popen(
                command(*arguments(scheme + told.url, "x.parquet")), cwd=folder, env=environment()
            )
            while len(pieces(folder, "x.parquet")) < len(done) + more:
                assert process.poll() is None, "it ended before it was killed"
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert pieces(folder, "x.parquet")[: len(done)] == done
            done = pieces(folder, "x.parquet")
            assert not (folder / "x.parquet").exists()
        time.sleep(1)  # until what the killed process asked last is there too
        told.asked.clear()
        assert record(folder, scheme + told.url, "x.parquet") == undisturbed
        if not scheme:
            last = {number: end for number, _, end in done}
            for form in (parse_qs(one.body.decode()) for one in told.asked[1:]):
                number = ['{__name__="m"}', '{__name__="other"}'].index(form["query"][0].partition("[")[0])
                assert float(form["time"][0]) * 1000 > last.get(number, 0), "what was there was fetched again"


def test_a_server_that_stays_away_leaves_what_there_is(server: Server, folder: Path) -> None:
    undisturbed = record(folder, server.url, "undisturbed.parquet")
    answer, count = passed_on(server.url), 0

    def failing(request: Asked) -> Reply:
        nonlocal count
        count += 1
        return answer(request) if count < 9 else Reply(403, b"no more")

    with faulty(failing) as told:
        done = run(*arguments(told.url, "x.parquet"), cwd=folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert "status 403" in done.stderr
        assert "the same command goes on where this one ended" in done.stderr
        kept = pieces(folder, "x.parquet")
        assert kept
        other = run(*arguments(told.url, "x.parquet"), "--settings", "/dev/null", cwd=folder)
        assert other.returncode == 2
        refused = run("record", "rules.yaml", "--from", told.url, "--since", "1d", "-o", "x.parquet", cwd=folder)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert f"was begun with another --since: it was {FIRST}" in refused.stderr
        assert pieces(folder, "x.parquet")[: len(kept)] == kept
        count = -1000
        assert record(folder, told.url, "x.parquet") == undisturbed


def test_a_recording_can_begin_anew(server: Server, folder: Path) -> None:
    with faulty(passed_on(server.url)) as told:
        told.faults.extend([lambda reply: reply] * 8 + [Reply(403)])
        assert run(*arguments(told.url, "x.parquet"), cwd=folder).returncode == 2
    assert pieces(folder, "x.parquet")
    call = ("record", "rules.yaml", "--from", server.url, "--since", WINDOW[1], "--until", WINDOW[3], "-o", "x.parquet")
    refused = run(*call, cwd=folder)
    assert (refused.returncode, "with another --from: it was http://" in refused.stderr) == (2, True)
    done = run(*call, "--restart", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "2 runs" not in done.stdout
    assert rows_of(open_recording(str(folder / "x.parquet")).read((), 0, 1 << 50)) == expected(DATA)


def test_a_relative_window_is_what_it_meant_at_first(server: Server, folder: Path) -> None:
    def call(url: str) -> tuple[str, ...]:
        return ("record", "rules.yaml", "--from", url, "--since", "10y", "--until", "1d", "-o", "x.parquet")

    with faulty(passed_on(server.url)) as told:
        told.faults.extend([lambda reply: reply] * 20 + [Reply(403)])
        assert run(*call(told.url), cwd=folder).returncode == 2
        time.sleep(1.1)
        done = run(*call(told.url), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(", 2 runs\n")


def test_no_password_is_kept(server: Server, folder: Path) -> None:
    with faulty(passed_on(server.url)) as told:
        told.faults.extend([lambda reply: reply] * 8 + [Reply(403)])
        url = told.url.replace("http://", "http://me:hush-hush@")
        done = run(*arguments(url, "x.parquet"), cwd=folder)
    assert done.returncode == 2
    kept = b"".join(path.read_bytes() for path in (folder / ".x.parquet.partial").iterdir())
    assert b"hush" not in kept + (done.stdout + done.stderr).encode()
    assert b"***@127.0.0.1" in kept


def test_prometheus_answers_from_recorded_blocks(server: Server, folder: Path) -> None:
    done = run(*arguments(f"remote-read+{server.url}", "copy/data/"), cwd=folder)
    assert done.returncode == 0, done.stderr
    copy = Server(folder / "copy")
    copy.start()
    try:
        form = {"query": "rate(m[30m])", "start": str(FIRST), "end": str(LAST), "step": "120"}
        answers = [
            requests.post(f"{one.url}/api/v1/query_range", data=form, timeout=60).json() for one in (server, copy)
        ]
        assert answers[0]["data"]["result"]
        assert answers[0] == answers[1]
    finally:
        copy.kill()
