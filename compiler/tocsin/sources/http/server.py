"""A URL and questions to answers: asked again where that may help, refused with URL and status where it does not."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from tocsin.diagnostics import ProblemError
from tocsin.sources.api import refuse
from tocsin.sources.http.access import Access, masked, without_user

Answer = TypeVar("Answer")

THREADS = 4
"""Requests at a time: Prometheus by default answers 20 queries at once, and 10 remote reads."""

_BUSY = (408, 425, 429, 502, 503, 504)
_LONGEST_PAUSE = 300.0
_SHOWN = 300
_NEAR = ("localhost", "127.0.0.1", "::1")


class TooMuchError(Exception):
    """The server would not give so much at once; the message is its own."""


class GarbledError(Exception):
    """An answer that did not arrive as it was sent; the message tells how one sees that."""


class ForeignError(Exception):
    """An answer that nobody expects there, which asking again would not change; the message tells what it is."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How a server is asked again, in seconds.

    `tries` times in all, the second after about `pause`, then after twice as long each time, up to `longest`; with
    these values for two minutes, in which a server can restart. `connect` and `answer` are how long one request waits
    for a connection, and for more of its answer.
    """

    tries: int = 10
    pause: float = 0.5
    longest: float = 30.0
    connect: float = 10.0
    answer: float = 180.0


class Server:
    """One server; may be asked by several threads. `name` is its URL as it may be shown."""

    def __init__(self, url: str, access: Access, patience: Patience | None = None) -> None:
        self.name = masked(url)
        self._url, _, self._query = without_user(url).partition("?")
        self._access = access
        self._patience = patience or Patience()
        self._session = _session(access)
        if urlsplit(self._url).hostname in _NEAR:
            # Packing 670,000 samples takes a second, sending 14 MB over loopback 0.1 s.
            self._session.headers["Accept-Encoding"] = "identity"
        self._answered = False

    def ask(
        self,
        path: str,
        take: Callable[[requests.Response], Answer],
        *,
        data: Mapping[str, Any] | bytes,
        headers: Mapping[str, str] | None = None,
        judge: Callable[[requests.Response], None] = lambda _: None,
    ) -> Answer:
        """What `take` makes of the answer to a POST request.

        It may raise GarbledError, to have it sent again, or ForeignError. `judge` sees answers that are errors before
        anybody else, and may raise TooMuchError. Raises ProblemError.
        """
        for attempt in range(1, self._patience.tries + 1):
            given = 0.0
            try:
                with self._send(path, data, headers or {}) as response:
                    self._answered = True
                    if response.ok and not response.is_redirect:
                        return take(response)
                    judge(response)
                    why = self._status(path, response)
                    given = _retry_after(response)
            except (requests.RequestException, GarbledError) as error:
                why = _reason(error)
                self._check_reached(path, error, attempt)
            except ForeignError as error:
                raise self.refuse(str(error), path, _HELP[404]) from None
            except OSError as error:  # files of certificates
                raise self.refuse(f"cannot be asked: {_reason(error)}", path) from None
            if attempt < self._patience.tries:
                time.sleep(self._pause(attempt, given))
        raise self.refuse(f"asked {self._patience.tries} times: {why}", path)

    def refuse(self, message: str, path: str = "", help: str = "") -> ProblemError:
        """A problem with the server; no secret is in it, even where the server sent one back."""
        for secret in self._secrets():
            message = message.replace(secret, "***")
        url, mark, query = self.name.partition("?")
        return refuse("server", f"{url.rstrip('/') if path else url}{path}{mark}{query}", message, help)

    def _send(self, path: str, data: Mapping[str, Any] | bytes, headers: Mapping[str, str]) -> requests.Response:
        access = self._access
        try:
            return self._session.post(
                self._url.rstrip("/") + path,
                params=self._query,
                data=data,
                headers={**{name: secret.read() for name, secret in access.headers}, **headers},
                auth=self._authorize,
                timeout=(self._patience.connect, self._patience.answer),
                verify=False if access.insecure else access.ca_file or True,
                cert=(access.cert_file, access.key_file or access.cert_file) if access.cert_file else None,
                allow_redirects=False,  # a POST would become a GET, and credentials could go elsewhere
                stream=True,
            )
        except ValueError as error:
            if isinstance(error, requests.RequestException) and not isinstance(
                error, requests.exceptions.InvalidHeader
            ):
                raise
            # The error itself would show the secret.
            raise self.refuse("a header or a password has characters that HTTP does not allow", path) from None

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Also where there is nothing to add: without this `requests` looks for passwords in ~/.netrc."""
        access = self._access
        if access.credentials is not None:
            request.headers["Authorization"] = f"{access.scheme} {access.credentials.read()}"
        elif access.username:
            password = access.password.read() if access.password else ""
            pair = access.username.encode(), password.encode()
            request = requests.auth.HTTPBasicAuth(*pair)(request)
        return request

    def _status(self, path: str, response: requests.Response) -> str:
        """What a status that may pass says; raises ProblemError for one that will not."""
        status = f"status {response.status_code} {response.reason or ''}".rstrip()
        if response.status_code in _BUSY:
            return status
        if response.is_redirect:
            target = masked(response.headers.get("Location", ""))
            raise self.refuse(f"{status}: the server sends us on to {target}", path, "give the URL that answers")
        said = " ".join(_text(response).split())[:_SHOWN]
        raise self.refuse(f"{status}: {said}" if said else status, path, _HELP.get(response.status_code, ""))

    def _check_reached(self, path: str, error: Exception, attempt: int) -> None:
        """Raise where a first contact fails in a way that waiting is unlikely to mend."""
        if isinstance(error, requests.exceptions.InvalidURL):
            raise self.refuse(_reason(error), path) from None
        hopeless = attempt > 1 or isinstance(error, requests.exceptions.SSLError)
        if not self._answered and hopeless and isinstance(error, requests.ConnectionError):
            raise self.refuse(f"cannot be reached: {_reason(error)}", path) from None

    def _pause(self, attempt: int, given: float) -> float:
        doubled = min(self._patience.pause * 2.0 ** (attempt - 1), self._patience.longest)
        return max(doubled * random.uniform(0.5, 1.5), min(given, _LONGEST_PAUSE))

    def _secrets(self) -> list[str]:
        access = self._access
        known = [access.password, access.credentials, *(secret for _, secret in access.headers)]
        return [text for secret in known if secret is not None and len(text := secret.read()) > 2]


_HELP = {
    401: "give credentials by TOCSIN_HTTP_USERNAME and TOCSIN_HTTP_PASSWORD_FILE, TOCSIN_HTTP_BEARER_TOKEN_FILE, "
    "or a file in TOCSIN_HTTP_CONFIG",
    404: "give the URL below which the server's interface is, such as `https://example.com/prometheus`",
}


class _NamedAdapter(HTTPAdapter):
    """Expects a certificate for another name than the URL's."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__(pool_maxsize=2 * THREADS)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, server_hostname=self._name, assert_hostname=self._name, **kwargs)


def _session(access: Access) -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = "tocsin"
    adapter = _NamedAdapter(access.server_name) if access.server_name else HTTPAdapter(pool_maxsize=2 * THREADS)
    session.mount("https://", adapter)
    session.mount("http://", HTTPAdapter(pool_maxsize=2 * THREADS))
    if access.insecure:
        requests.packages.urllib3.disable_warnings()  # type: ignore[attr-defined]  # it was asked for
    return session


def _retry_after(response: requests.Response) -> float:
    """Seconds that the server asks to wait (RFC 9110, section 10.2.3)."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a zone
        return 0.0


def _text(response: requests.Response) -> str:
    """The start of what an error says, as far as it arrives."""
    try:
        return next(response.iter_content(1 << 16), b"").decode("utf-8", "replace")
    except requests.RequestException:
        return ""


def _reason(error: BaseException) -> str:
    """The innermost cause: the outer ones only repeat it, with addresses of objects."""
    if isinstance(error, GarbledError):
        return str(error)
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return "the connection was cut in the middle of the answer"
    while (inner := error.__cause__ or error.__context__ or _wrapped(error)) is not None:
        error = inner
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.strerror or error}"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _wrapped(error: BaseException) -> BaseException | None:
    reason = getattr(error, "reason", None) or next(iter(error.args), None)
    return reason if isinstance(reason, BaseException) else None
