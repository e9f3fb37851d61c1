"""Artifacts: who is told by the routing as Alertmanager reads it, and files that are old or new and never torn."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
import requests
from tests.conftest import GOLDEN

from tocsin.diagnostics import Problems
from tocsin.document import parse_documents, plain
from tocsin.pipeline.compile import compile_specs
from tocsin.pipeline.inputs import read_inputs
from tocsin.promql.ast import Matcher
from tocsin.routing import InhibitRule, Routing
from tocsin.targets import files
from tocsin.targets.alertmanager import routing
from tocsin.targets.api import MARK, Artifact
from tocsin.textfile import read_source

ROOT = Path(__file__).parent.parent
COMPILED = GOLDEN / "compile" / "routing.alertmanager.yaml"


def routed(spec: str) -> Routing:
    problems = Problems()
    inputs = read_inputs([GOLDEN / "compile" / spec], None, problems)
    assert not len(problems)
    return routing(compile_specs(inputs), inputs.settings)


@pytest.mark.live("amtool")
@pytest.mark.parametrize(
    ("owner", "severity", "receiver"),
    [
        ("storefront", "page", "storefront-pager"),
        ("payments", "page", "payments-pager"),
        ("storefront", "ticket", "tickets"),
        ("payments", "ticket", "tickets"),
        ("nobody", "ticket", "tickets"),
        ("nobody", "page", "fallback"),
        ("unknown", "page", "fallback"),
        ("unknown", "ticket", "tickets"),
        ("storefront", "note", "fallback"),
        ("", "", "fallback"),
    ],
)
def test_an_alert_goes_to_its_owner_by_its_severity(owner: str, severity: str, receiver: str) -> None:
    """As amtool walks the compiled tree."""
    labels = [f"{name}={value}" for name, value in (("owner", owner), ("severity", severity)) if value]
    command = ["amtool", "config", "routes", "test", f"--config.file={COMPILED}", *labels]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split()) == (0, [receiver]), done.stderr


def test_the_waits_of_a_severity_stand_in_each_of_its_routes() -> None:
    found = [
        (below.receiver, below.group_wait, below.repeat_interval) for below in routed("routing.in.yaml").root.routes
    ]
    assert found[-1] == ("tickets", 300_000, 86_400_000)
    owner = routed("routing.in.yaml").root.routes[0]
    assert [(route.receiver, route.group_wait, route.group_interval) for route in owner.routes] == [
        ("storefront-pager", 30_000, 120_000),
        ("tickets", 300_000, None),
    ]


def test_a_page_mutes_the_ticket_on_the_same_indicator_and_group_only() -> None:
    """`queue` keeps the labels of its series, of which the spec says nothing, so nothing mutes there."""

    def matchers(indicator: str, severity: str) -> tuple[Matcher, ...]:
        pairs = (("service", "search"), ("indicator", indicator), ("severity", severity))
        return tuple(Matcher(label, "=", value) for label, value in pairs)

    assert routed("routing.in.yaml").inhibit_rules == (
        InhibitRule(matchers("errors", "page"), matchers("errors", "ticket"), ("zone",)),
        InhibitRule(matchers("lag", "page"), matchers("lag", "ticket"), ("topic", "partition")),
    )


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Alertmanager that runs the compiled routing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = ["prometheus-alertmanager", f"--config.file={COMPILED}", f"--web.listen-address={address}"]
    storage = f"--storage.path={tmp_path_factory.mktemp('alertmanager')}"
    server = subprocess.Popen([*command, storage, "--cluster.listen-address="], stderr=subprocess.DEVNULL)
    try:
        _await(f"http://{address}/-/ready", server)
        yield f"http://{address}/api/v2/alerts"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _await(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise AssertionError("the Alertmanager did not become ready")


ALERTS = {
    "page-errors-a": {"indicator": "errors", "severity": "page", "zone": "a"},
    "ticket-errors-a": {"indicator": "errors", "severity": "ticket", "zone": "a"},
    "ticket-errors-b": {"indicator": "errors", "severity": "ticket", "zone": "b"},
    "ticket-lag": {"indicator": "lag", "severity": "ticket", "topic": "t", "partition": "1"},
    "page-lag": {"indicator": "lag", "severity": "page", "topic": "t", "partition": "2"},
    "page-queue": {"indicator": "queue", "severity": "page", "instance": "a"},
    "ticket-queue": {"indicator": "queue", "severity": "ticket", "instance": "b"},
    "ticket-elsewhere": {"indicator": "errors", "severity": "ticket", "zone": "a", "service": "other"},
    "ticket-bare": {"severity": "ticket", "zone": "a"},
}


@pytest.mark.live("prometheus-alertmanager")
def test_a_real_alertmanager_mutes_the_one_ticket_that_a_page_has_told_of(alertmanager: str) -> None:
    bodies = [{"labels": {"alertname": name, "service": "search", **more}} for name, more in ALERTS.items()]
    requests.post(alertmanager, json=bodies, timeout=10).raise_for_status()
    muted: set[str] = set()
    deadline = time.monotonic() + 30
    found: list[dict[str, dict[str, object]]] = []
    while time.monotonic() < deadline and (len(found) < len(ALERTS) or not muted):
        # The inhibitor takes up what was posted a moment later than the list does, so one more look is a late one.
        time.sleep(0.3)
        found = requests.get(alertmanager, timeout=10).json()
        muted = {str(alert["labels"]["alertname"]) for alert in found if alert["status"]["inhibitedBy"]}
    assert len(found) == len(ALERTS)
    assert muted == {"ticket-errors-a"}


def test_receivers_name_files_and_hold_no_secret() -> None:
    (node,) = parse_documents(read_source(ROOT / "out/alertmanager/alertmanager.yml"), Problems())
    receivers = plain(node)["receivers"]
    text = json.dumps(receivers)
    assert text.count("_file") == 3
    assert not any(f'"{key}":' in text for key in ("api_url", "routing_key", "service_key", "password"))


OLD, NEW = "old\n" * 50_000, "new\n" * 50_000


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


class TestFiles:
    def test_only_what_differs_is_written(self, tmp_path: Path) -> None:
        artifacts = [Artifact("prometheus/a.yaml", "a\n"), Artifact("prometheus/b.yaml", "b\n")]
        assert list(files.write(artifacts, tmp_path, [])) == [tmp_path / one.path for one in artifacts]
        assert list(files.write(artifacts, tmp_path, [])) == []
        changed = [artifacts[0], Artifact("prometheus/b.yaml", "c\n")]
        assert list(files.write(changed, tmp_path, [])) == [tmp_path / "prometheus/b.yaml"]
        assert (tmp_path / "prometheus/b.yaml").read_text() == "c\n"

    @pytest.mark.parametrize("step", ["replace", "fsync", "chmod"])
    def test_a_failed_write_leaves_the_old_file_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        files.replace(tmp_path / "a.yaml", OLD)

        def fail(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, step, fail)
        with pytest.raises(OSError, match="No space left"):
            files.replace(tmp_path / "a.yaml", NEW)
        assert names(tmp_path) == ["a.yaml"]
        assert (tmp_path / "a.yaml").read_text() == OLD

    def test_a_killed_process_leaves_a_file_old_or_new(self, tmp_path: Path) -> None:
        """And nothing that `*.yaml` in Prometheus's configuration matches, which takes hidden files too."""
        program = (
            "import sys; from pathlib import Path; from tocsin.targets import files\n"
            f"old, new = {OLD[:4]!r} * 50_000, {NEW[:4]!r} * 50_000\n"
            "print('ready', flush=True)\n"
            "while True:\n"
            "    for text in (old, new): files.replace(Path(sys.argv[1]), text)\n"
        )
        path = tmp_path / "a.yaml"
        for attempt in range(8):
            command = [sys.executable, "-c", program, str(path)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
                assert writer.stdout is not None
                assert writer.stdout.readline() == b"ready\n"
                time.sleep(0.01 + 0.0037 * attempt)
                writer.send_signal(signal.SIGKILL)
            assert not path.exists() or path.read_text() in (OLD, NEW)
            assert {name for name in names(tmp_path) if fnmatch(name, "*.y*ml")} <= {"a.yaml"}
        assert path.exists()

    def test_written_files_can_be_read_by_the_server(self, tmp_path: Path) -> None:
        files.replace(tmp_path / "a.yaml", NEW)
        assert (tmp_path / "a.yaml").stat().st_mode & 0o777 == 0o644

    def test_only_files_of_ours_are_ever_unwanted(self, tmp_path: Path) -> None:
        texts = {
            "prometheus/kept.yaml": f"{MARK} from a\n",
            "prometheus/stale.yaml": f"{MARK} from b\n",
            "prometheus/stale.yml": f"{MARK} from c\n",
            "prometheus/by_hand.yaml": "groups: []\n",
            "prometheus/notes.txt": f"{MARK} from d\n",
            "other/stale.yaml": f"{MARK} from e\n",
            "stale.yaml": f"{MARK} from f\n",
        }
        for path, text in texts.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text)
        wanted = [Artifact("prometheus/kept.yaml", texts["prometheus/kept.yaml"])]
        stale = files.unwanted(wanted, tmp_path, ["alertmanager", "prometheus"])
        assert [path.name for path in stale] == ["stale.yaml", "stale.yml"]
        assert list(files.write(wanted, tmp_path, stale)) == stale
        assert {path for path in texts if not (tmp_path / path).exists()} == {
            "prometheus/stale.yaml",
            "prometheus/stale.yml",
        }


def compile_check(folder: Path, seed: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", "compile", "specs", "-o", "out", "--check"]
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_committed_is_what_the_specs_compile_to(seed: int) -> None:
    """Whatever the order of Python's sets."""
    done = compile_check(ROOT, seed)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for folder in ("specs", "out"):
        for path in (ROOT / folder).rglob("*.y*ml"):
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return tmp_path


def test_an_edited_spec_makes_what_is_committed_stale(copied: Path) -> None:
    spec, out = copied / "specs/petsite.yaml", copied / "out/prometheus/petsite.yaml"
    before = out.read_text()
    spec.write_text(spec.read_text().replace("below: 97%", "below: 96%"))
    done = compile_check(copied)
    assert done.returncode == 1
    assert "< 0.97\n" in done.stdout
    assert done.stdout.startswith("--- out/prometheus/petsite.yaml\n")
    assert "compile/stale" in done.stderr
    assert out.read_text() == before


def test_a_spec_that_is_gone_makes_its_rules_stale(copied: Path) -> None:
    (copied / "specs/petsite.yaml").unlink()
    done = compile_check(copied)
    assert done.returncode == 1
    assert "--- out/prometheus/petsite.yaml\n+++ /dev/null\n" in done.stdout
    assert (copied / "out/prometheus/petsite.yaml").exists()


def test_a_faulty_spec_writes_nothing(copied: Path) -> None:
    spec, out = copied / "specs/petsite.yaml", copied / "out/prometheus/petsearch.yaml"
    out.unlink()
    spec.write_text(spec.read_text().replace("below: 97%", "below: 3s"))
    command = [sys.executable, "-m", "tocsin", "compile", "specs", "-o", "out"]
    done = subprocess.run(command, cwd=copied, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[spec/unit]" in done.stderr
    assert not out.exists()


def test_what_a_killed_compiler_left_is_swept_away(copied: Path) -> None:
    folder = copied / "out/prometheus"
    left, waiting, editor = (folder / name for name in (".a.yaml.1.tocsin", ".b.yaml.2.tocsin", ".a.yaml.swp"))
    for path in (left, waiting, editor):
        path.write_text("groups:")
    for path in (left, editor):
        os.utime(path, (0, 0))
    command = [sys.executable, "-m", "tocsin", "compile", "specs", "-o", "out"]
    done = subprocess.run(command, cwd=copied, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0
    assert [path.exists() for path in (left, waiting, editor)] == [False, True, True]


@pytest.mark.live("promtool")
@pytest.mark.parametrize("name", ["a\ngroups: 1.yaml", "a\x1b[31m.yaml", "a\x9b\x7f.yaml"])
def test_a_file_name_writes_nothing_into_the_rules(name: str, copied: Path) -> None:
    (copied / "specs/petsite.yaml").rename(copied / "specs" / name)
    command = [sys.executable, "-m", "tocsin", "compile", "specs", "-o", "out"]
    done = subprocess.run(command, cwd=copied, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    written = copied / "out/prometheus/petsite.yaml"
    assert written.read_text().splitlines()[1] == "groups:"
    checked = subprocess.run(["promtool", "check", "rules", written], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_what_was_compiled_is_without_a_finding() -> None:
    """The specs were judged where they were written; what is left to say of the files is a note on a route."""
    command = [sys.executable, "-m", "tocsin", "check", "out", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0
    assert {problem["severity"] for problem in json.loads(done.stdout)} <= {"info"}
