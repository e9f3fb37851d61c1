"""A YAML document against a JSON Schema: every fault as a problem at its place, in the user's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

from tocsin.diagnostics import Problem, Problems, Span
from tocsin.document import ListNode, MapNode, Node, Scalar, locate, plain
from tocsin.indicators.api import KINDS
from tocsin.registry import discover, suggest
from tocsin.spelling import renamed

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

# The library's stubs allow every part of an error to be unset; those that `iter_errors` gives are whole.
Fault: TypeAlias = Any

Path: TypeAlias = tuple[str | int, ...]


@cache
def spec_schema() -> dict[str, Any]:
    """The JSON Schema of a spec: the base, with every kind of indicator in its place."""
    schema = _read("schema.json")
    indicator = schema["$defs"]["indicator"]
    discover("tocsin.indicators")
    kinds = {name: KINDS[name] for name in KINDS}
    indicator["properties"] |= {name: {"description": kind.description, **kind.schema} for name, kind in kinds.items()}
    indicator["oneOf"] = [{"required": [name]} for name in kinds]
    indicator["x-expected"] = "exactly one kind: " + ", ".join(f"`{name}`" for name in kinds)
    return schema


@cache
def settings_schema() -> dict[str, Any]:
    """The JSON Schema of tocsin.yaml."""
    return _read("settings.json")


def _read(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(files("tocsin.spec").joinpath(name).read_text())
    return schema


@cache
def _validator(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # a tenth of a second, which rule files need not wait for

    schema = spec_schema() if name == "spec" else settings_schema()
    return Draft202012Validator(_inline(schema, schema["$defs"]))


def _inline(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema without references, which the library would resolve anew at every value."""
    if isinstance(schema, list):
        return [_inline(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inlined = {key: _inline(value, definitions) for key, value in schema.items() if key not in ("$ref", "$defs")}
    if "$ref" in schema:
        inlined = _inline(definitions[schema["$ref"].rpartition("/")[2]], definitions) | inlined
    return inlined


def validate(node: Node, name: str, problems: Problems) -> tuple[bool, Node]:
    """Whether a document has the shape of a `spec` or of `settings`, and what of it can be read all the same.

    The faults go to `problems`. Values of a wrong shape, and indicators that are not whole, are left out, so that one
    run reports what is wrong with the rest.
    """
    # What is no mapping at all is told by its type, and has no keys to choose among.
    errors = [
        error
        for error in _validator(name).iter_errors(plain(node))
        if error.validator != "oneOf" or isinstance(error.instance, dict)
    ]
    misspelt = {tuple(error.absolute_path) for error in errors if error.validator == "additionalProperties"}
    for error in errors:
        path = tuple(error.absolute_path)
        # A misspelt kind or condition is one fault, not also a missing one.
        if not (error.validator == "oneOf" and path in misspelt and not _found(error)):
            problems.extend(_problems(node, error))
    return not errors, _without(node, {path for error in errors if (path := _unreadable(error))})


def _unreadable(error: Fault) -> Path:
    """The value that cannot be read because of a fault; empty where readers can live with it."""
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties" or "propertyNames" in error.absolute_schema_path:
        return ()
    if len(path) == 2 and path[0] == "alerts":
        return ()
    if path[:1] in (("objectives",), ("maintenance",)):
        # Their readers take mappings without some of their keys, and lists without some of their items.
        if error.validator in ("required", "oneOf", "minItems", "uniqueItems"):
            return ()
        if isinstance(path[-1], int):
            return path
    if len(path) > 1 and path[0] == "indicators":
        return path[:2]
    return path[: 1 + max((index for index, step in enumerate(path) if isinstance(step, str)), default=-1)]


def _without(node: Node, paths: set[Path]) -> Node:
    """The document without the values at some paths."""
    below = {step: {path[1:] for path in paths if path[0] == step and path[1:]} for step in {path[0] for path in paths}}
    if isinstance(node, MapNode):
        kept = [(key, value) for key, value in node.entries if (key.text.value,) not in paths]
        return replace(node, entries=tuple((key, _without(v, below.get(key.text.value, set()))) for key, v in kept))
    if isinstance(node, ListNode):
        whole = ((index, item) for index, item in enumerate(node.items) if (index,) not in paths)
        return replace(node, items=tuple(_without(item, below.get(index, set())) for index, item in whole))
    return node


def _problems(root: Node, error: Fault) -> Iterator[Problem]:
    node = locate(root, list(error.absolute_path))
    match error.validator:
        case "additionalProperties" if isinstance(node, MapNode):
            yield from _unknown_keys(node, error)
        case "required" if isinstance(error.instance, dict):
            for name in error.validator_value:
                if name not in error.instance:
                    yield Problem("spec/missing-key", f"{_thing(error)} needs `{name}`", _head(node))
                    break
        case "oneOf":
            found = _found(error)
            given = f"found {' and '.join(f'`{name}`' for name in found)}" if found else "found none"
            yield Problem("spec/choose-one", f"expected {error.schema['x-expected']}; {given}", _head(node))
        case _:
            key = _key(root, error) if "propertyNames" in error.absolute_schema_path else None
            yield _mismatch(key or node, error)


def _mismatch(node: Node, error: Fault) -> Problem:
    expected = error.schema.get("x-expected") or _type(error.schema) or error.message
    shown = node.text.value if isinstance(node, Scalar) else None
    found = f"`{shown}`" if shown else "nothing" if isinstance(node, Scalar) else _noun(error.instance)
    found = {"minItems": "fewer", "minProperties": "none", "uniqueItems": "one of them twice"}.get(
        error.validator, found
    )
    choices = error.schema.get("enum")
    help = suggest(str(shown), choices) if choices and shown else ""
    return Problem("spec/value", f"expected {expected}, found {found}", _head(node), help=help)


def _unknown_keys(node: MapNode, error: Fault) -> Iterator[Problem]:
    known = error.schema.get("properties", {})
    for key, _ in node.entries:
        if key.text.value not in known:
            message = f"{_thing(error)} has no key `{key.text.value}`"
            help, fix = suggest(key.text.value, known), renamed(key, node, known)
            yield Problem("spec/unknown-key", message, key.span, help=help, fix=fix)


def _key(root: Node, error: Fault) -> Scalar | None:
    """The key that a fault in `propertyNames` is about: its name is the instance, its mapping is at the path."""
    node = locate(root, list(error.absolute_path))
    return node.key(str(error.instance)) if isinstance(node, MapNode) else None


def _found(error: Fault) -> list[str]:
    """Which of the keys that exclude each other are there."""
    choices = [name for choice in error.validator_value for name in choice.get("required", ())]
    return [name for name in choices if name in error.instance]


def _thing(error: Fault) -> str:
    """What the faulty mapping is, by its place: a spec, an alert, an indicator."""
    path = [step for step in error.absolute_path if isinstance(step, str)]
    named = {"alerts": "an alert", "indicators": "an indicator"}
    if not path:
        return "the file"
    return named.get(path[-1]) or (named.get(path[-2]) if len(path) > 1 else None) or f"`{path[-1]}`"


def _head(node: Node) -> Span:
    """The part of a node to point at: a mapping's first key rather than all of its lines."""
    return node.entries[0][0].span if isinstance(node, MapNode) and node.entries else node.span


def _type(schema: dict[str, Any]) -> str:
    names = {"object": "keys with values", "array": "a list", "string": "a text", "integer": "a whole number"}
    kind = schema.get("type")
    return names.get(kind, "") if isinstance(kind, str) else ""


def _noun(value: object) -> str:
    return "a list" if isinstance(value, list) else "keys with values" if isinstance(value, dict) else f"`{value}`"
