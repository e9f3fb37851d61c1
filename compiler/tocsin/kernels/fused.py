"""Multiply and add, rounded once: one instruction in machine code."""

from __future__ import annotations

import math
from fractions import Fraction


def fused(a: float, b: float, c: float) -> float:
    """`a * b + c`, rounded once."""
    if not all(map(math.isfinite, (a, b, c))) or 0.0 in (a, b):
        return a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    return float(exact) if exact else a * b + c
