"""The same recording from a file, a data folder, a dump and servers: the same backtest, byte for byte."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from tests.command import run
from tests.tsdb_server import server
from tests.victoria import victoria

ROOT = Path(__file__).parent.parent
PETSHOP = ROOT / "golden" / "petshop"
SERVERS = ("prometheus", "remote read", "victoriametrics")
KINDS = ("folder", "dump", "export", *SERVERS, *(f"{server}, recorded" for server in SERVERS), "blocks, recorded")


def verdict(source: str) -> str:
    done = run(
        *("backtest", "specs", "--data", source, "--incidents", str(PETSHOP / "incidents.yaml"), "--format", "json"),
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Copies:
    """A recording in OpenMetrics and where else it is."""

    original: str
    sources: dict[str, str]


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    root = tmp_path_factory.mktemp("copies")
    text = gzip.decompress((PETSHOP / "recording.om.gz").read_bytes())
    (root / "samples.om").write_bytes(text)
    make = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(root / "samples.om"), str(root / "data")]
    subprocess.run(make, check=True, capture_output=True)
    (root / "data" / "wal").mkdir()  # promtool 2.42 prints nothing without
    with (root / "dump").open("wb") as file:
        subprocess.run(["promtool", "tsdb", "dump", str(root / "data")], check=True, stdout=file)
    (root / "data" / "wal").rmdir()
    with server(root) as prometheus, victoria(root / "victoria") as rounding:
        reply = requests.post(f"{rounding}/api/v1/import/prometheus", data=in_milliseconds(text), timeout=60)
        assert reply.status_code == 204
        requests.get(f"{rounding}/internal/force_flush", timeout=60)
        everything = {"match[]": '{__name__!=""}', "start": "0"}
        (root / "export").write_bytes(requests.post(f"{rounding}/api/v1/export", data=everything, timeout=60).content)
        urls = (prometheus, f"remote-read+{prometheus}", f"victoriametrics+{rounding}")
        recorded = [record(url, f"{root}/{kind}.parquet") for kind, url in zip(SERVERS, urls, strict=True)]
        files = (str(root / name) for name in ("data", "dump", "export"))
        places = (*files, *urls, *recorded, record(urls[1], f"{root}/recorded/"))
        yield Copies(str(root / "samples.om"), dict(zip(KINDS, places, strict=True)))


def record(url: str, out: str) -> str:
    """What the specs read of a server, recorded."""
    days = ("--since", "2023-04-12T00:00:00Z", "--until", "2023-09-08T00:00:00Z")
    done = run("record", "specs", "--from", url, *days, "-o", out, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    return out


def in_milliseconds(text: bytes) -> bytes:
    """The older text format, which VictoriaMetrics reads."""
    return b"".join(line + b"000\n" for line in text.splitlines() if not line.startswith(b"#"))


@pytest.fixture(scope="module")
def original(copies: Copies) -> str:
    return verdict(copies.original)


@pytest.mark.live("prometheus", "promtool", "victoria-metrics")
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_samples_give_the_same_verdict(kind: str, copies: Copies, original: str) -> None:
    assert verdict(copies.sources[kind]) == original
