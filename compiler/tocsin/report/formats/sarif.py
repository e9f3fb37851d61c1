"""Problems to SARIF 2.1.0, which GitHub's code scanning, GitLab and editors read.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0 Plus Errata 01".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tocsin.diagnostics import Fix, Problem, Severity, Span, printable
from tocsin.findings import NoiseRule
from tocsin.report.formats.api import Checked, problem_format
from tocsin.report.identity import numbered
from tocsin.report.paths import uri

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_ROOT = "%SRCROOT%"


@problem_format
def write(checked: Checked) -> str:
    """One run of one tool: every rule with its page, every problem with its region and a fingerprint."""
    rules = checked.rules
    codes = sorted({*rules, *(problem.code for problem in checked.problems)})
    indices = {code: index for index, code in enumerate(codes)}
    run = {
        "tool": {"driver": {"name": "tocsin", "rules": [_rule(code, rules.get(code)) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder that tocsin ran in."}}},
        "results": [_result(problem, indices, mark) for problem, mark in numbered(checked.problems)],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str, rule: NoiseRule[Any] | None) -> dict[str, Any]:
    if rule is None:  # a fault of what is written, which no page explains
        text = {"text": code.replace("/", ": ").replace("-", " ")}
        return {"id": code, "shortDescription": text, "defaultConfiguration": {"level": "error"}}
    head, _, rest = rule.page.partition("\n\n")
    short = " ".join(head.split())
    return {
        "id": code,
        "shortDescription": {"text": short},
        "fullDescription": {"text": " ".join(rest.partition("Source:")[0].split()) or short},
        "help": {"text": rule.page, "markdown": rule.page.replace("::\n", ":\n")},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(problem: Problem, indices: Mapping[str, int], mark: str) -> dict[str, Any]:
    said = (problem.message, problem.label, problem.help and f"help: {problem.help}")
    return {
        "ruleId": problem.code,
        "ruleIndex": indices[problem.code],
        "level": _LEVELS[problem.severity],
        "message": {"text": "\n".join(printable(text) for text in said if text)},
        "locations": [{"physicalLocation": {"artifactLocation": _file(problem.span), "region": _region(problem.span)}}],
        "partialFingerprints": {"tocsin/v1": mark},
        **({"fixes": [_fix(problem.fix)]} if problem.fix else {}),
        **({"properties": {"numbers": dict(problem.numbers)}} if problem.numbers else {}),
    }


def _file(span: Span) -> dict[str, str]:
    reference = uri(span.source.path)
    return {"uri": reference} if reference.startswith("file:") else {"uri": reference, "uriBaseId": _ROOT}


def _region(span: Span) -> dict[str, int]:
    """The lines and columns of a span; the last column is the one after its last character."""
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end) if span.end > span.start else (line, column)
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _fix(fix: Fix) -> dict[str, Any]:
    replacement = {"deletedRegion": _region(fix.span), "insertedContent": {"text": fix.replacement}}
    return {"artifactChanges": [{"artifactLocation": _file(fix.span), "replacements": [replacement]}]}
