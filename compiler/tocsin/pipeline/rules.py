"""The noise rules by name, on what is written and on data; to name them takes no import of what they look with."""

from __future__ import annotations

from typing import Any

from tocsin.findings import NoiseRule, name_of
from tocsin.registry import discover, modules, packages

_ON_DATA = "tocsin.backtest.findings"


def lint_rule_names() -> list[str]:
    """The names of all rules on what is written: those of the modules in the rooms of the linter."""
    return sorted(name_of(module) for room in packages("tocsin.lint") for module in modules(room))


def data_rule_names() -> list[str]:
    """The names of all rules on what a backtest finds: those of their modules."""
    return sorted(name_of(module) for module in modules(_ON_DATA) if not module.endswith(".api"))


def all_rules() -> dict[str, NoiseRule[Any]]:
    """All rules by name."""
    from tocsin.backtest.findings.api import FINDINGS
    from tocsin.lint.api import RULES, rule_names

    discover(_ON_DATA)
    return {name: RULES[name] for name in rule_names()} | {name: FINDINGS[name] for name in FINDINGS}


def explain_rule(name: str) -> str:
    """The page of a rule."""
    rule = all_rules()[name]
    off = ", off by default" if rule.optional else ""
    return f"{name} ({rule.severity}{off})\n\n{rule.page}\n"
