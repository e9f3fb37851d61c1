"""Where one writes in a spec or in tocsin.yaml to what may stand there: the schema's keys and values, and the names
that the document and its settings define."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tocsin.editor.cursor import Cursor, Outline, Path
from tocsin.lint.api import RULES, rule_names
from tocsin.quantity import EXAMPLES, Unit, suffixes
from tocsin.spec.load import IGNORE
from tocsin.spec.settings import Settings
from tocsin.spec.validate import settings_schema, spec_schema

Schema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """What may stand at the cursor: its `name`, the `text` that takes the place of the word, and what it means."""

    name: str
    text: str
    meaning: str = ""
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is defined around the cursor: by the settings, by the document, and as far as it compiles, the units."""

    settings: Settings
    outline: Outline
    units: Mapping[str, Unit]


def complete(known: Known, *, in_settings: bool) -> list[Choice]:
    """The choices at the cursor of an outline; none where nothing is known of that place."""
    cursor = known.outline.cursor
    schema = settings_schema() if in_settings else spec_schema()
    if cursor is None or not _may_be_read(known.outline, in_settings):
        return []
    definitions = schema["$defs"]
    place: Schema | None = schema
    for step in cursor.path:
        place = _below(place, step, definitions) if place else None
    if place is None:
        return []
    names = _names(known, cursor.path, in_settings=in_settings)
    if cursor.is_value:
        return list(_values(place, names, known, cursor))
    if place.get("type") == "array":
        return _items(place, cursor, definitions)
    keys = list(_keys(place, cursor, definitions))
    if _is_mapping(place):
        return keys or [Choice(name, _key_text(name, cursor), is_key=True) for name in names]
    return list(_values(place, names, known, cursor)) if cursor.path[-1:] == (None,) else []


_ALLOWING = re.compile(r"#[ \t]*tocsin:[ \t]*allow[ \t]+(?P<word>\S*)$")


def allowable(line: str) -> tuple[str, list[Choice]]:
    """The rules that a comment may allow, and the part of a name that ends the `line` up to the cursor."""
    found = _ALLOWING.search(line)
    if not found:
        return "", []
    return found["word"], [Choice(name, name, RULES[name].page.partition("\n\n")[0]) for name in rule_names()]


def describe(outline: Outline, *, in_settings: bool) -> str:
    """What the schema says of the key at the cursor."""
    cursor = outline.cursor
    schema = settings_schema() if in_settings else spec_schema()
    if cursor is None or cursor.is_value or ":" not in cursor.rest or not _may_be_read(outline, in_settings):
        return ""
    place: Schema | None = schema
    for step in (*cursor.path, cursor.word + cursor.rest.partition(":")[0].rstrip()):
        place = _below(place, step, schema["$defs"]) if place else None
    return str(place.get("description", "")) if place else ""


def _may_be_read(outline: Outline, in_settings: bool) -> bool:
    """Whether a document is the settings or a spec, or may become one."""
    keys = set(outline.keys(()))
    own = {"service", "indicators", "alerts", "objectives"}
    return in_settings or bool(keys & own) or keys <= set(spec_schema()["properties"])


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref")
    if not reference:
        return schema
    return {**_resolved(definitions[reference.rpartition("/")[2]], definitions), **schema}


def _below(schema: Schema, step: str | None, definitions: Schema) -> Schema | None:
    more = schema.get("items") if step is None else schema.get("properties", {}).get(step)
    if more is None and step is not None:
        more = schema.get("additionalProperties")
    return _resolved(more, definitions) if isinstance(more, dict) else None


def _is_mapping(schema: Schema) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def _keys(schema: Schema, cursor: Cursor, definitions: Schema) -> Iterator[Choice]:
    """The keys that a mapping may have and has not, those that it needs first."""
    allowed = _resolved(schema.get("propertyNames", {}), definitions).get("enum", ())
    properties = {**dict.fromkeys(allowed, schema.get("additionalProperties", {})), **schema.get("properties", {})}
    needed = schema.get("required", ())
    excluded = _excluded(schema, cursor.siblings)
    for name in sorted(properties, key=lambda one: one not in needed):
        if name not in cursor.siblings and name not in excluded:
            inner = _resolved(properties[name], definitions)
            yield Choice(name, _key_text(name, cursor, inner, definitions), inner.get("description", ""), is_key=True)


def _excluded(schema: Schema, siblings: Collection[str]) -> set[str]:
    """Keys of which there may be only one, where one is there."""
    choices = {name for choice in schema.get("oneOf", ()) for name in choice.get("required", ())}
    return choices if choices & set(siblings) else set()


def _key_text(name: str, cursor: Cursor, inner: Schema | None = None, definitions: Schema | None = None) -> str:
    if cursor.rest.lstrip().startswith(":"):
        return name
    items = _resolved(inner.get("items", {}), definitions or {}) if inner else {}
    below = inner is not None and not cursor.in_flow and (_is_mapping(inner) or _is_mapping(items))
    return f"{name}:" if below else f"{name}: "


def _items(schema: Schema, cursor: Cursor, definitions: Schema) -> list[Choice]:
    """The first key of a new item, with its dash, where the list stands in lines of their own."""
    item = _below(schema, None, definitions) or {}
    fresh = Cursor((*cursor.path, None), cursor.word, cursor.rest)
    return [Choice(one.name, f"- {one.text}", one.meaning, is_key=True) for one in _keys(item, fresh, definitions)]


def _values(schema: Schema, names: Iterable[str], known: Known, cursor: Cursor) -> Iterator[Choice]:
    fixed = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    fixed = [*fixed, *((True, False) if schema.get("type") == "boolean" else ())]
    texts = [str(one).lower() if isinstance(one, bool) else one for one in fixed]
    if texts:
        yield from (Choice(text, text) for text in texts)
    elif schema.get("$ref") == "#/$defs/quantity":
        yield from _quantities(known, cursor)
    else:
        yield from (Choice(name, name) for name in names)


_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")


def _quantities(known: Known, cursor: Cursor) -> Iterator[Choice]:
    """The number that stands there in each unit: in those of the alert's indicator, where that is known."""
    number = _NUMBER.match(cursor.word)
    judged = cursor.siblings.get("indicator", "")
    units = [known.units[judged]] if judged in known.units else list(Unit)
    for unit in units:
        if number is None:
            examples = EXAMPLES[unit].replace("`", "").split(" or ")
            yield from (Choice(text, text, f"an example in {unit}") for text in examples)
        else:
            texts = (f"{number[0]}{suffix}" for suffix in suffixes(unit))
            yield from (Choice(text, text, str(unit)) for text in texts)


def _names(known: Known, path: Path, *, in_settings: bool) -> list[str]:
    """The names that may stand at a path, as a value or as a key."""
    settings, outline = known.settings, known.outline
    severities = [one.name for one in settings.severities]
    if in_settings:
        return _names_of_settings(known, path, severities)
    match path:
        case (*_, "labels", _):
            return []
        case (*_, "indicator"):
            return outline.keys(("indicators",))
        case (*_, "severity"):
            return severities
        case (*_, ("no_data" | "exhausted")):
            return [*severities, IGNORE]
        case (*_, "owner"):
            return list(settings.owners)
        case (*_, "burn_rates"):
            return list(settings.burn_rates)
        case (*_, "objective"):
            return outline.values(("objectives", None, "name"))
        case (*_, "tiers"):
            table = settings.burn_rates.get(settings.default_burn_rates)
            return [tier.name for tier in table.tiers] if table else []
        case (*_, "period"):
            return ["30d", "week", "month", "quarter"]
    return []


def _names_of_settings(known: Known, path: Path, severities: list[str]) -> list[str]:
    receivers = known.outline.keys(("receivers",))
    match path:
        case ("default_receiver",) | (*_, "receiver") | ("owners", _, _):
            return receivers
        case (*_, "severity") | ("owners", _):
            return severities
        case ("default_burn_rates",):
            return list(known.settings.burn_rates)
        case ("budget", "owners"):
            return list(known.settings.owners)
        case ("lint", "rules"):
            return rule_names()
        case ("lint", "rules", _):
            return ["error", "warning", "info", "off"]
        case ("lint", *_, ("select" | "ignore"), None):
            return ["noise/", *rule_names()]
    return []
