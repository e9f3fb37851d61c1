"""Names that nobody knows: what is told to whoever wrote one."""

from __future__ import annotations

import pytest

from tocsin.registry import LISTED, suggest

RULES = [f"noise/{word}" for word in ("flapping", "flooding", "shadowed", "single-event", "static-cpu", "long-for")]
ALERTS = [f"Shop{what}{how}Burn" for what in ("Carts", "Orders", "Users") for how in ("Fast", "Medium", "Slow")]
MANY = [*RULES, *ALERTS]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("noise/sngle-event", "did you mean `noise/single-event`?"),
        ("flap", "did you mean `noise/flapping`?"),  # one alone contains it
        ("ORDERS", "similar are `ShopOrdersFastBurn`, `ShopOrdersMediumBurn`, `ShopOrdersSlowBurn`"),
        ("burn", "similar are " + ", ".join(f"`{one}`" for one in ALERTS)),
        ("noise/x", "similar are " + ", ".join(f"`{one}`" for one in sorted(RULES))),  # they begin alike
        ("s", "known are " + ", ".join(f"`{one}`" for one in sorted(MANY)[:LISTED]) + " and 3 others"),
        ("zebra", "known are " + ", ".join(f"`{one}`" for one in sorted(MANY)[:LISTED]) + " and 3 others"),
        ("", "known are " + ", ".join(f"`{one}`" for one in sorted(MANY)[:LISTED]) + " and 3 others"),
    ],
)
def test_of_many_names_those_are_told_that_may_be_meant(name: str, told: str) -> None:
    assert suggest(name, MANY) == told


def test_similar_names_are_no_more_than_a_person_reads() -> None:
    told = suggest("rule", [f"{number:04}-long-name-of-a-rule" for number in range(1300)])
    assert told.startswith("similar are `0000-long-name-of-a-rule`, `0001")
    assert told.endswith("`0011-long-name-of-a-rule` and 1,288 others")


def test_few_names_are_all_told() -> None:
    few = [f"n{letter}" for letter in "abcdefghijkl"]
    assert suggest("burn", few) == "known are " + ", ".join(f"`{one}`" for one in few)
    assert suggest("burn", [*few, "nm"]).endswith("`nl` and 1 other")
    assert suggest("burn", []) == ""
