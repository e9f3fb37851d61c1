"""How a server is approached: credentials arrive where they should, and are never shown."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faulty_server import FaultyServer, Reply, faulty
from tests.http_samples import (
    M,
    matrix,
    opened,
    refusal,
)

from tocsin.sources.http.access import read_access
from tocsin.sources.open import open_recording


class TestAccess:
    """Credentials arrive where they should, and nowhere else."""

    @pytest.fixture(autouse=True)
    def _no_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / ".netrc").write_text("default login netrc password netrc\n")
        (tmp_path / ".netrc").chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))

    def headers(self, server: FaultyServer) -> dict[str, str]:
        opened(server.url)
        return server.asked[-1].headers

    def test_none_are_sent_that_were_not_given(self) -> None:
        with faulty(lambda _: matrix()) as server:
            assert "Authorization" not in self.headers(server)

    def test_a_user_in_the_url(self) -> None:
        with faulty(lambda _: matrix()) as server:
            opened(server.url.replace("//", "//me:p%40ss@"))
            assert server.asked[-1].headers["Authorization"] == "Basic bWU6cEBzcw=="

    def test_from_the_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "word").write_text("p@ss\n")
        monkeypatch.setenv("TOCSIN_HTTP_USERNAME", "me")
        monkeypatch.setenv("TOCSIN_HTTP_PASSWORD_FILE", str(tmp_path / "word"))
        monkeypatch.setenv("TOCSIN_HTTP_HEADERS", "X-Scope-OrgID: tenant\nX-Other: a: b")
        with faulty(lambda _: matrix()) as server:
            sent = self.headers(server)
            assert sent["Authorization"] == "Basic bWU6cEBzcw=="
            assert (sent["X-Scope-OrgID"], sent["X-Other"]) == ("tenant", "a: b")

    def test_a_token_is_read_again_since_it_is_renewed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("one")
        monkeypatch.setenv("TOCSIN_HTTP_BEARER_TOKEN_FILE", str(tmp_path / "token"))
        with faulty(lambda _: matrix()) as server:
            recording = opened(server.url)
            (tmp_path / "token").write_text("two")
            recording.read(M, 0, 1)
            assert [one.headers["Authorization"] for one in server.asked] == ["Bearer one", "Bearer two"]

    def test_from_a_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        text = "authorization: {type: Token, credentials: abc}\nhttp_headers: {X-A: {values: [b], secrets: [c]}}\n"
        text += "tls_config: {ca_file: a, cert_file: b, key_file: c, server_name: d, insecure_skip_verify: true}\n"
        (tmp_path / "http.yaml").write_text(text)
        monkeypatch.setenv("TOCSIN_HTTP_CONFIG", str(tmp_path / "http.yaml"))
        access = read_access("http://a")
        assert (access.scheme, access.credentials and access.credentials.read()) == ("Token", "abc")
        assert (access.ca_file, access.cert_file, access.key_file) == ("a", "b", "c")
        assert (access.server_name, access.insecure) == ("d", True)
        assert [(name, secret.read()) for name, secret in access.headers] == [("X-A", "b"), ("X-A", "c")]

    @pytest.mark.parametrize(
        "text",
        [
            "basic_auth: {username: me, pasword: hidden}",
            "basic_auth: [hidden]",
            "basic_auth: hidden",
            "hidden",
            "- hidden",
            "basic_auth: {password: 'hidden}",
            "basic_auth: {password: {hidden: 1}}",
            "hidden: {a: b}",
            "http_headers: {A: {values: hidden}}",
            "authorization: {credentials: hidden, credentials: hidden}",
            "oauth2: {client_secret: hidden}",
        ],
    )
    def test_a_file_that_is_wrong_is_refused_without_its_text(
        self, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "http.yaml").write_text(f"# a comment\n{text}\n")
        monkeypatch.setenv("TOCSIN_HTTP_CONFIG", str(tmp_path / "http.yaml"))
        shown = refusal(lambda: open_recording("http://127.0.0.1:9"))
        assert f"{tmp_path / 'http.yaml'}:2:" in shown
        assert "hidden" not in shown

    def test_a_secret_that_the_server_sends_back_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOCSIN_HTTP_BEARER_TOKEN", "hidden")
        with faulty(lambda asked: Reply(403, asked.headers["Authorization"].encode())) as server:
            shown = refusal(lambda: opened(server.url))
            assert "Bearer ***" in shown
            assert "hidden" not in shown

    def test_certificates_that_are_not_there_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOCSIN_HTTP_CERT_FILE", "/gone.pem")
        with faulty(lambda _: matrix()) as server:
            assert "/gone.pem" in refusal(lambda: opened(server.url.replace("http:", "https:")))

    @pytest.mark.parametrize("token", ["hidden\nhidden", "hidden€"])
    def test_a_token_that_no_header_can_hold_is_not_shown(self, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOCSIN_HTTP_BEARER_TOKEN", token)
        with faulty(lambda _: matrix()) as server:
            shown = refusal(lambda: opened(server.url))
            assert "characters that HTTP does not allow" in shown
            assert "hidden" not in shown

    @pytest.mark.parametrize("name", ["PASSWORD_FILE", "BEARER_TOKEN_FILE"])
    def test_a_file_that_is_not_there_is_named(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOCSIN_HTTP_USERNAME", "me")
        monkeypatch.setenv(f"TOCSIN_HTTP_{name}", "/gone")
        with faulty(lambda _: matrix()) as server:
            assert refusal(lambda: opened(server.url)).startswith("/gone:1:1: error[input/unreadable]")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a server's certificate for the name `metrics.example.com`, and a client's."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl("req", "-x509", *new, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    for who, name in (("server", "metrics.example.com"), ("client", "client")):
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName=DNS:{name}")
        openssl("req", "-x509", *new, "-subj", f"/CN={name}", *signed, "-keyout", f"{who}.key", "-out", f"{who}.pem")
    return folder


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl not installed")
class TestTls:
    @pytest.fixture
    def server(self, certificates: Path) -> Iterator[str]:
        """One that wants a client's certificate."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        tls.load_verify_locations(certificates / "ca.pem")
        tls.verify_mode = ssl.CERT_REQUIRED
        with faulty(lambda _: matrix(), tls) as server:
            yield server.url

    @pytest.fixture
    def configured(self, certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        def configure(more: str) -> None:
            text = "\n".join(f"  {name}_file: {certificates / file}" for name, file in FILES)
            (tmp_path / "http.yaml").write_text(f"tls_config:\n{text}\n{more}")
            monkeypatch.setenv("TOCSIN_HTTP_CONFIG", str(tmp_path / "http.yaml"))

        return configure

    def test_both_sides_prove_who_they_are(self, server: str, configured: Callable[[str], None]) -> None:
        configured("  server_name: metrics.example.com\n")
        assert opened(server).problems

    def test_a_certificate_for_another_name_is_refused(self, server: str, configured: Callable[[str], None]) -> None:
        configured("")
        assert "its certificate is not accepted: IP address mismatch" in refusal(lambda: opened(server))

    def test_unless_that_is_asked_for(self, server: str, configured: Callable[[str], None]) -> None:
        configured("  insecure_skip_verify: true\n")
        assert opened(server).problems

    def test_an_unknown_authority_is_refused(self, server: str) -> None:
        assert "its certificate is not accepted" in refusal(lambda: opened(server))

    def test_who_shows_no_certificate_is_told(
        self, server: str, certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known = f"ca_file: {certificates / 'ca.pem'}, server_name: metrics.example.com"
        (tmp_path / "http.yaml").write_text(f"tls_config: {{{known}}}")
        monkeypatch.setenv("TOCSIN_HTTP_CONFIG", str(tmp_path / "http.yaml"))
        shown = refusal(lambda: opened(server))
        assert f"{server}/api/v1/query:1:1: error[input/server]: cannot be reached: " in shown


FILES = (("ca", "ca.pem"), ("cert", "client.pem"), ("key", "client.key"))
