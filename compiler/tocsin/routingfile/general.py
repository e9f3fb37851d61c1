"""The `global` part of a configuration file: checked, for nothing in it changes who is told when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from tocsin.document import MapNode, Node
from tocsin.routingfile.fields import Faults, Fields
from tocsin.routingfile.release import Release

_URLS = {
    Release.OLD: (
        "slack_api_url pagerduty_url opsgenie_api_url wechat_api_url victorops_api_url telegram_api_url webex_api_url"
    ),
    Release.CURRENT: "jira_api_url rocketchat_api_url slack_app_url mattermost_webhook_url",
}
_TEXTS = {
    Release.OLD: (
        "smtp_from smtp_hello smtp_auth_username smtp_auth_password smtp_auth_password_file smtp_auth_secret "
        "smtp_auth_identity slack_api_url_file opsgenie_api_key opsgenie_api_key_file wechat_api_secret "
        "wechat_api_corp_id victorops_api_key victorops_api_key_file"
    ),
    Release.CURRENT: (
        "smtp_auth_secret_file slack_app_token slack_app_token_file wechat_api_secret_file telegram_bot_token "
        "telegram_bot_token_file rocketchat_token rocketchat_token_file rocketchat_token_id rocketchat_token_id_file "
        "mattermost_webhook_url_file"
    ),
}
_ONE_OF = (
    "slack_api_url",
    "opsgenie_api_key",
    "victorops_api_key",
    "smtp_auth_password",
    "smtp_auth_secret",
    "slack_app_token",
    "rocketchat_token",
    "rocketchat_token_id",
    "telegram_bot_token",
    "mattermost_webhook_url",
)
_HTTP = (
    *("basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "tls_config"),
    *("follow_redirects", "enable_http2", "proxy_url"),
)
_HTTP_CURRENT = ("no_proxy", "proxy_from_environment", "proxy_connect_header", "http_headers")
_FLAGS = ("follow_redirects", "enable_http2", "proxy_from_environment", "insecure_skip_verify")
_MAPPINGS = ("basic_auth", "authorization", "oauth2", "tls_config", "proxy_connect_header", "http_headers")
_TLS = (
    *("ca", "cert", "key", "ca_file", "cert_file", "key_file", "ca_ref", "cert_ref", "key_ref"),
    *("server_name", "insecure_skip_verify", "min_version", "max_version"),
)


def _since(keys: Mapping[Release, str], release: Release) -> tuple[str, ...]:
    return tuple(key for since, text in keys.items() if since <= release for key in text.split())


def read_global(node: Node, release: Release, faults: Faults) -> Fields | None:
    """The fields of `global`, all of them checked."""
    current = release is Release.CURRENT
    urls, texts = _since(_URLS, release), _since(_TEXTS, release)
    flags = ("smtp_require_tls", *(("smtp_force_implicit_tls",) if current else ()))
    other = ("resolve_timeout", "http_config", "smtp_smarthost", *(("smtp_tls_config",) if current else ()))
    fields = faults.mapping(node, (*other, *flags, *urls, *texts), "`global`")
    if fields is None:
        return None
    fields.duration("resolve_timeout")
    for key in flags:
        fields.flag(key)
    for key in texts:
        fields.text(key)
    for key in urls:
        _check_url(fields, key)
    _check_address(fields)
    _check_inner(fields, "http_config", (*_HTTP, *(_HTTP_CURRENT if current else ())))
    _check_inner(fields, "smtp_tls_config", _TLS)
    for key in _ONE_OF:
        if fields.get(key) is not None and fields.text(f"{key}_file"):
            faults.add("both", f"`{key}` and `{key}_file` are both given", fields.where(key), "keep one of them")
    return fields


def _check_inner(fields: Fields, key: str, known: tuple[str, ...]) -> None:
    """A mapping of `global`, one level deep: what is below is the HTTP client's business."""
    node = fields.get(key)
    inner = fields.faults.mapping(node, known, f"`{key}`") if node is not None else None
    for name in known if inner else ():
        assert inner is not None
        if name in _FLAGS:
            inner.flag(name)
        elif name not in _MAPPINGS:
            inner.text(name)
        elif (below := inner.get(name)) is not None and not isinstance(below, MapNode):
            inner.faults.add("shape", f"expected a mapping for `{name}`", below.span)


def _check_url(fields: Fields, key: str) -> None:
    """As Alertmanager's own type of URL; the value is not shown, for it may hold a secret."""
    node = fields.get(key)
    if node is None or isinstance(node, MapNode):
        if node is not None:
            fields.text(key)
        return
    text = fields.text(key)
    if text == "<secret>" and key in ("slack_api_url", "mattermost_webhook_url"):
        return
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.netloc) and parts.port != -1
    except ValueError:
        good = False
    if not good or re.search(r"[\x00-\x20\x7f]|%(?![0-9a-fA-F]{2})", text):
        fields.faults.add("url", f"`{key}` is no URL", fields.where(key), "write `https://host/path`")


def _check_address(fields: Fields) -> None:
    text = fields.text("smtp_smarthost")
    if text and not re.fullmatch(r"(?:[^:\[\]]*|\[[^\[\]]*\]):[^:\[\]]+", text):
        help = "write `host:port`; an IPv6 address in brackets"
        fields.faults.add("address", "`smtp_smarthost` is no address with a port", fields.where("smtp_smarthost"), help)
