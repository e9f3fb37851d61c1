"""How a server is approached: credentials arrive where they should, and are never shown."""

from __future__ import annotations

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
