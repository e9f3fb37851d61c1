"""Inputs to the rule groups that they mean: those of specs are compiled, those of rule files stand as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tocsin.pipeline.inputs import Inputs
from tocsin.rules import RuleGroup

if TYPE_CHECKING:
    from tocsin.plan.emit import Compiled


def compile_specs(inputs: Inputs) -> list[Compiled]:
    """Every spec as the rule group that it means."""
    if not inputs.specs:
        return []
    from tocsin.plan.emit import emit  # the compiler, which rule files need not wait for
    from tocsin.plan.lower import lower

    return [emit(lower(spec, inputs.settings), inputs.settings) for spec in inputs.specs]


def rule_groups(inputs: Inputs, compiled: Sequence[Compiled]) -> list[RuleGroup]:
    """All rule groups of the inputs, compiled and written by hand."""
    return [*(group for one in compiled for group in one.groups), *inputs.groups]
