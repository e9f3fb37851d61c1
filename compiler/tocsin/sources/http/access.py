"""The environment, a file in Prometheus's `http_config` form and the URL itself to how a server is approached.

| variable | as in `http_config` |
|---|---|
| `TOCSIN_HTTP_CONFIG` | a YAML file with the keys below |
| `TOCSIN_HTTP_USERNAME`, `_PASSWORD`, `_PASSWORD_FILE` | `basic_auth: {username, password, password_file}` |
| `TOCSIN_HTTP_BEARER_TOKEN`, `_BEARER_TOKEN_FILE` | `authorization: {type, credentials, credentials_file}` |
| `TOCSIN_HTTP_CA_FILE`, `_CERT_FILE`, `_KEY_FILE` | `tls_config: {ca_file, cert_file, key_file}` |
| `TOCSIN_HTTP_HEADERS`, one `Name: value` a line | `http_headers: {NAME: {values, secrets, files}}` |

The file may also have `server_name` and `insecure_skip_verify` in `tls_config`. A variable goes before the file, and
both before a user and password in the URL. No value of them is ever in a message: problems name the file and line, or
the variable, without its text.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, unquote, urlsplit

from tocsin.diagnostics import Problem, ProblemError, Problems, Source
from tocsin.document import ListNode, MapNode, Node, Scalar, parse_documents
from tocsin.registry import suggest
from tocsin.textfile import read_source

_PREFIX = "TOCSIN_HTTP_"


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that is not shown: given, or in a file that is read whenever it is needed, since tokens are renewed."""

    text: str = field(default="", repr=False)
    file: str = ""

    def read(self) -> str:
        """Raises ProblemError where the file cannot be read."""
        return read_source(self.file).text.strip() if self.file else self.text


@dataclass(frozen=True, slots=True)
class Access:
    """What a request carries besides its question, and how the server proves who it is."""

    username: str = ""
    password: Secret | None = None
    scheme: str = "Bearer"
    credentials: Secret | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    insecure: bool = False


def read_access(url: str) -> Access:
    """How to approach the server of a URL; raises ProblemError."""
    parts = urlsplit(url)
    access = Access(username=unquote(parts.username or ""), password=_given(unquote(parts.password or "")))
    if file := os.environ.get(f"{_PREFIX}CONFIG"):
        access = _from_file(access, file)
    return _from_environment(access)


def masked(url: str) -> str:
    """A URL as it may be shown: without user and password, and without what may be a token in its query.

    >>> masked("https://me:secret@example.com/prometheus?token=x")
    'https://***@example.com/prometheus?***'
    """
    parts = urlsplit(url)
    shown = parts._replace(query="***" if parts.query else "", fragment="")
    return (shown._replace(netloc=f"***@{_host(parts)}") if "@" in parts.netloc else shown).geturl()


def without_user(url: str) -> str:
    """A URL without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=_host(parts)).geturl()


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _given(text: str | None, file: str | None = None) -> Secret | None:
    return Secret(file=file) if file else Secret(text) if text else None


def _from_environment(access: Access) -> Access:
    def value(name: str) -> str:
        return os.environ.get(_PREFIX + name, "")

    if value("USERNAME"):
        password = _given(value("PASSWORD"), value("PASSWORD_FILE"))
        access = replace(access, username=value("USERNAME"), password=password, credentials=None)
    if token := _given(value("BEARER_TOKEN"), value("BEARER_TOKEN_FILE")):
        access = replace(access, scheme="Bearer", credentials=token)
    headers = tuple(_header(line) for line in value("HEADERS").splitlines() if line.strip())
    return replace(
        access,
        headers=(*access.headers, *headers),
        ca_file=value("CA_FILE") or access.ca_file,
        cert_file=value("CERT_FILE") or access.cert_file,
        key_file=value("KEY_FILE") or access.key_file,
    )


def _header(line: str) -> tuple[str, Secret]:
    name, colon, text = line.partition(":")
    if not colon:
        span = Source(f"<{_PREFIX}HEADERS>", "").span(0, 0)
        raise ProblemError(Problem("input/access", "expected one `Name: value` a line", span))
    return name.strip(), Secret(text.strip())


def _from_file(access: Access, path: str) -> Access:
    """What a file says on top of `access`; only its keys are named in problems."""
    source, problems = read_source(path), Problems()
    try:
        documents = parse_documents(source, problems)
    except ProblemError as error:
        raise _refuse(path, error.problem.span.line, error.problem.message) from None
    for problem in problems:
        raise _refuse(path, problem.span.line, problem.message)
    for document in documents:
        for key, value in _entries(path, document, ("basic_auth", "authorization", "tls_config", "http_headers")):
            access = _SECTIONS[key](access, path, value)
    return access


def _basic_auth(access: Access, path: str, node: Node) -> Access:
    given = _texts(path, node, ("username", "username_file", "password", "password_file"))
    user = _given(given.get("username"), given.get("username_file"))
    password = _given(given.get("password"), given.get("password_file"))
    return replace(access, username=user.read() if user else "", password=password)


def _authorization(access: Access, path: str, node: Node) -> Access:
    given = _texts(path, node, ("type", "credentials", "credentials_file"))
    credentials = _given(given.get("credentials"), given.get("credentials_file"))
    return replace(access, scheme=given.get("type", "Bearer"), credentials=credentials)


def _tls_config(access: Access, path: str, node: Node) -> Access:
    given = _texts(path, node, ("ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify"))
    insecure = given.pop("insecure_skip_verify", "false").lower() == "true"
    return replace(access, insecure=insecure, **given)  # type: ignore[arg-type]  # all of these are texts


def _http_headers(access: Access, path: str, node: Node) -> Access:
    headers = list(access.headers)
    for name, value in _entries(path, node):
        for kind, items in _entries(path, value, ("values", "secrets", "files")):
            if not isinstance(items, ListNode):
                raise _refuse(path, items.span.line, f"expected a list in `{kind}`")
            texts = [_text(path, item) for item in items.items]
            headers += [(name, Secret(file=text) if kind == "files" else Secret(text)) for text in texts]
    return replace(access, headers=tuple(headers))


_SECTIONS = {
    "basic_auth": _basic_auth,
    "authorization": _authorization,
    "tls_config": _tls_config,
    "http_headers": _http_headers,
}


def _texts(path: str, node: Node, known: tuple[str, ...]) -> dict[str, str]:
    return {key: _text(path, value) for key, value in _entries(path, node, known)}


def _text(path: str, node: Node) -> str:
    if not isinstance(node, Scalar):
        raise _refuse(path, node.span.line, "expected a text")
    return node.text.value


def _entries(path: str, node: Node, known: tuple[str, ...] = ()) -> list[tuple[str, Node]]:
    if not isinstance(node, MapNode):
        raise _refuse(path, node.span.line, f"expected keys such as `{known[0]}`" if known else "expected keys")
    for key, _ in node.entries:
        if known and key.text.value not in known:
            # What stands where a key should may be a secret that was pasted there.
            near = suggest(key.text.value, known)
            raise _refuse(path, key.span.line, "a key that is not known here", near)
    return [(key.text.value, value) for key, value in node.entries]


def _refuse(path: str, line: int, message: str, help: str = "") -> ProblemError:
    return ProblemError(Problem("input/access", message, Source(path, "", line).span(0, 0), help=help))
