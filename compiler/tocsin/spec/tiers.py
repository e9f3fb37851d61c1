"""A table of burn rates and an objective's changes to it, to the tiers that alert on the objective."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import product

from tocsin.diagnostics import Problems, Span
from tocsin.document import MapNode, Node, Scalar
from tocsin.duration import format_duration
from tocsin.spec.burn_rates import BurnTable, BurnTier
from tocsin.spec.model import Period, Tier, TimeSlices
from tocsin.spec.settings import Settings
from tocsin.spec.shares import percent
from tocsin.spec.values import Values, entries, nested, text, texts


class TierReader(Values):
    """Reads the tiers of one objective after the other."""

    def __init__(self, settings: Settings, problems: Problems) -> None:
        super().__init__(problems)
        self._settings = settings

    def tiers(self, node: MapNode, period: Period, slices: TimeSlices | None) -> tuple[Tier, ...]:
        """The tiers of an objective: its table for its period, with the changes that it makes."""
        table = self._table(node)
        changes = {key.text.value: body for key, body in entries(node.get("tiers"))}
        if table is None:
            return ()
        for key, _ in entries(node.get("tiers")):
            self.known("tier", key, [tier.name for tier in table.tiers])
        step = slices.every if slices else self._settings.evaluation_interval
        scaled = table.scaled(period.length, step)
        read = (self._tier(tier, table, changes.get(tier.name), node, period, step) for tier in scaled.tiers)
        return tuple(tier for tier in read if tier)

    def _table(self, node: MapNode) -> BurnTable | None:
        name = node.get("burn_rates")
        if isinstance(name, Scalar) and not self.known("table of burn rates", name, self._settings.burn_rates):
            return None
        return self._settings.burn_rates.get(text(node, "burn_rates") or self._settings.default_burn_rates)

    def _tier(
        self, tier: BurnTier, table: BurnTable, change: Node | None, node: MapNode, period: Period, step: int
    ) -> Tier | None:
        if isinstance(change, Scalar):
            if change.value is not False and change.text.value != "off":
                self.fault("value", f"expected changes, or `off`; found `{change.text.value}`", change.span)
            return None
        place = (node.get("period") or node.get("time_slices") or node.get("name") or node).span
        holds = self._holds(tier, table, place, period, step)
        body = change if isinstance(change, MapNode) else MapNode((), node.span)
        severity = body.get("severity")
        if isinstance(severity, Scalar):
            self.known("severity", severity, [one.name for one in self._settings.severities])
        owner = body.get("owner")
        if isinstance(owner, Scalar) and self._settings.owners:
            self.known("owner", owner, self._settings.owners)
        keep = self.duration(body, "keep_firing_for")
        if not holds:
            return None
        return Tier(
            tier.name,
            tier.budget,
            tier.burn_rate(period.length),
            tier.long,
            tier.short,
            text(body, "severity") or self._severity(tier.severity),
            tier.keep_firing_for if keep is None else keep,
            text(body, "name"),
            text(body, "owner"),
            text(body, "action"),
            texts(body.get("labels")),
            {key.text.value: value.span for key, value in body.entries} | nested("labels", body),
        )

    def _severity(self, name: str) -> str:
        """The severity of a table that knows only `page` and `ticket`, in the words of the settings."""
        severities = self._settings.severities
        if self._settings.severity(name):
            return name
        urgent = next((one.name for one in severities if one.wakes), severities[0].name)
        return urgent if name == "page" else severities[-1].name

    def _holds(self, tier: BurnTier, table: BurnTable, place: Span, period: Period, step: int) -> bool:
        """Whether the windows of a tier can be measured."""
        off = f"drop the tier with `tiers: {{{tier.name}: off}}`"
        short, long = format_duration(tier.short), format_duration(tier.long)
        if tier.short < step and table.period == period.length:
            message = f"the short window of {short} of the tier `{tier.name}` holds no step of {format_duration(step)}"
            self.fault("period", message, place, f"count in shorter steps, or {off}")
        elif tier.short < step or tier.long <= tier.short:
            message = f"the period of {format_duration(period.length)} is too short for the tier `{tier.name}`"
            self.fault(
                "period", f"{message}: its short window rounds to {short}", place, f"write a longer one, or {off}"
            )
        elif tier.long > period.length:
            self.fault(
                "period", f"the window of {long} of the tier `{tier.name}` is longer than the period", place, off
            )
        elif self._settings.retention is not None and tier.long > self._settings.retention:
            kept = format_duration(self._settings.retention)
            message = f"the window of {long} of the tier `{tier.name}` is longer than the retention of {kept}"
            self.fault("period", message, place, off)
        else:
            return True
        return False

    def check_thresholds(self, targets: Iterable[Decimal], tiers: Iterable[Tier], place: Span) -> None:
        """A tier whose threshold is a share of 1 or more waits for more bad events than there are."""
        for target, tier in product(dict.fromkeys(targets), tiers):
            threshold = tier.burn_rate * (1 - target)
            if threshold >= 1:
                message = (
                    f"the tier `{tier.name}` can never fire: {tier.burn_rate:f} times the budget of"
                    f" {percent(1 - target)} is {percent(threshold)} of all events"
                )
                help = f"drop it with `tiers: {{{tier.name}: off}}`, or choose a table with lower burn rates"
                self.fault("burn-rate", message, place, help)
