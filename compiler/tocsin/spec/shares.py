"""Shares in percent, as targets and weights are written, with what a slip was probably meant to be."""

from __future__ import annotations

from decimal import Decimal

from tocsin.document import Node, Scalar
from tocsin.quantity import Unit
from tocsin.spec.values import Values

LEAST_TARGET = Decimal("0.5")
"""Below it a target lets more events fail than it asks for: a slip such as 0.999%."""

_EXAMPLE = "write the share of events that must be good, such as `99.9%`"


class Shares(Values):
    """Reads shares of 1."""

    def share(self, node: Node | None) -> Decimal | None:
        """A share that is written in percent."""
        quantity = self.quantity(node, None) if isinstance(node, Scalar) else None
        if quantity is None or quantity.unit is Unit.RATIO:
            return quantity.exact if quantity else None
        assert isinstance(node, Scalar)
        help = f"write `{_meant(quantity.exact)}`" if quantity.unit is Unit.COUNT else ""
        self.fault("share", f"expected a share in percent, found `{node.text.value}`", node.span, help)
        return None

    def target(self, node: Node | None) -> Decimal | None:
        """A target: less than all, and no less than half."""
        quantity = self.quantity(node, None) if isinstance(node, Scalar) else None
        if quantity is None or not isinstance(node, Scalar):
            return None
        share = quantity.exact
        if quantity.unit is not Unit.RATIO:
            plain = quantity.unit is Unit.COUNT and (LEAST_TARGET <= share < 1 or 100 * LEAST_TARGET <= share < 100)
            help = f"write `{_meant(share)}`" if plain else _EXAMPLE
            self.fault("target", f"expected a share in percent, found `{node.text.value}`", node.span, help)
        elif share >= 1:
            message = "a target of 100% or more leaves no error budget: the first bad event spends it for ever"
            self.fault("target", message, node.span, "write `99.9%`, or a threshold alert")
        elif share <= 0:
            self.fault("target", f"a target of {percent(share)} promises nothing", node.span, _EXAMPLE)
        elif share < LEAST_TARGET:
            slip = Decimal("0.005") < share < Decimal("0.01")
            meant = f"`{percent(share * 100)}`" if slip else f"`{percent(1 - share)}`, if {percent(share)} may fail"
            self.fault(
                "target", f"this target lets {percent(1 - share)} of all events fail", node.span, f"write {meant}"
            )
        else:
            return share
        return None


def percent(share: Decimal) -> str:
    """A share as it is written.

    >>> percent(Decimal("0.999"))
    '99.9%'
    """
    return f"{(share * 100).normalize():f}%"


def _meant(number: Decimal) -> str:
    """A number without its unit in percent: a share of 1, or of 100."""
    return percent(number) if 0 < number < 1 else f"{number:f}%"
