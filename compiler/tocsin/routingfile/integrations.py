"""The ways to tell somebody that Alertmanager has: their names, what they send, and what `global` gives to them.

config/notifiers.go and config/config.go of the releases; an integration's own fields are its business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tocsin.document import MapNode, Node
from tocsin.routing import Receiver
from tocsin.routingfile.fields import Faults, Fields, is_null
from tocsin.routingfile.release import Release


@dataclass(frozen=True, slots=True)
class Kind:
    """`needs` are alternatives of which one must be given, here or (the second tuple) in `global`."""

    send_resolved: bool = True
    since: Release = Release.OLD
    needs: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()


_KEY = (("api_key", "api_key_file"),)
_KINDS = {
    "discord": Kind(),
    "email": Kind(False, needs=((("smarthost",), ("smtp_smarthost",)), (("from",), ("smtp_from",)))),
    "incidentio": Kind(since=Release.CURRENT),
    "jira": Kind(since=Release.CURRENT),
    "mattermost": Kind(since=Release.CURRENT),
    "msteams": Kind(since=Release.CURRENT),
    "msteamsv2": Kind(since=Release.CURRENT),
    "opsgenie": Kind(needs=((*_KEY, ("opsgenie_api_key", "opsgenie_api_key_file")),)),
    "pagerduty": Kind(),
    "pushover": Kind(),
    "rocketchat": Kind(False, Release.CURRENT),
    "slack": Kind(
        False,
        needs=(
            (
                ("api_url", "api_url_file", "app_token", "app_token_file"),
                ("slack_api_url", "slack_api_url_file", "slack_app_token", "slack_app_token_file"),
            ),
        ),
    ),
    "sns": Kind(),
    "telegram": Kind(),
    "victorops": Kind(needs=((*_KEY, ("victorops_api_key", "victorops_api_key_file")),)),
    "webex": Kind(),
    "webhook": Kind(),
    "wechat": Kind(
        False,
        needs=(
            (("api_secret", "api_secret_file"), ("wechat_api_secret", "wechat_api_secret_file")),
            (("corp_id",), ("wechat_api_corp_id",)),
        ),
    ),
}
SEND_RESOLVED = {f"{name}_configs": kind.send_resolved for name, kind in _KINDS.items()}
"""Whether an integration tells of resolved alerts where the configuration does not say."""


def read_receiver(node: Node, given: Fields | None, release: Release, faults: Faults) -> tuple[str, Receiver] | None:
    """A receiver's name and integrations, of which only `send_resolved` is kept; `given` is `global`."""
    known = {f"{name}_configs": kind for name, kind in _KINDS.items() if kind.since <= release}
    fields = faults.mapping(node, ("name", *known), "a receiver")
    if fields is None:
        return None
    name = fields.text("name")
    if not name:
        faults.add("missing", "a receiver needs a `name`", fields.where("name"))
        return None
    kept = {key: list(_integrations(fields, key, kind, given)) for key, kind in known.items()}
    return name, {key: integrations for key, integrations in kept.items() if integrations}


def _integrations(fields: Fields, key: str, kind: Kind, given: Fields | None) -> Iterator[dict[str, Any]]:
    for item in fields.items(key):
        if not isinstance(item, MapNode):
            what = "is empty" if is_null(item) else "is no mapping"
            fields.faults.add("shape", f"an item of `{key}` {what}", item.span)
            continue
        own = Fields(item, fields.faults)
        for names, general in kind.needs:
            if not own.has_any(names) and not (given and given.has_any(general)):
                help = f"write `{names[0]}` here, or `{general[0]}` under `global`"
                fields.faults.add("missing", f"an item of `{key}` needs `{names[0]}`", item.span, help)
        sends = own.flag("send_resolved")
        yield {} if sends is None else {"send_resolved": sends}
