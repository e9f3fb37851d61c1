"""A source of chance to expressions that Prometheus 2.42 accepts, and most of which find something.

A vector is asked for by the labels that its series have, so that operators have something to match: `full` has job and
instance, `zoned` a zone as well, `job` the job alone, `none` no labels, `le` is a histogram.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz.world import MINUTES, START

SHAPES = ("full", "full", "full", "job", "job", "none", "none", "zoned", "le")
METRICS = {
    "full": ["c_total", "n_total", "g", "g", "k", "s", "m"],
    "zoned": ["i", "i", "up_info", 'i{zone!="x"}'],
    "job": ["t", 'g{instance="1"}', 'n_total{instance="0"}'],
    "none": ['g{job="a",instance="1"}', 'i{job="b",instance="2"}', "absent_metric"],
    "le": ["h_bucket", "b_bucket", 'b_bucket{instance="1"}', 'h_bucket{le!="+Inf"}'],
}
MATCHERS = {
    "full": [
        '{job="a"}',
        '{job=~"a|b"}',
        '{instance!="2"}',
        '{instance!~"1|2"}',
        '{zone=""}',
        '{job=~".*",nope!~".+"}',
    ],
    "job": ['{job="a"}', '{job!="b"}'],
}
EVERY = ['{__name__=~"c_total|n_total"}', '{__name__="g",job!=""}', '{__name__=~"g|k",instance="1"}', '{job="a"}']

WINDOWS = ["1m", "2m", "5m", "5m", "17m30s", "30s", "5m1ms", "1h", "15s", "1m30s", "4m59s999ms", "90s"]
SHORT = ["1m", "2m", "3m", "5m", "4m30s", "47s"]
STEPS = ["", "", "30s", "47s", "1m", "15s", "2m30s"]
OFFSETS = ["3m", "-2m", "1ms", "-1ms", "15s", "1h", "5m", "-17m"]
"""Without `0s`, which 2.42 refuses and 3 accepts."""

NUMBERS = ["0", "1", "2", "-1", "0.5", "1.5", "100", "3", "10", "-0.25", "1e3", "0.9", "+1"]
ODD_NUMBERS = ["0x1F", "0XfF", "Inf", "+Inf", "-Inf", "inf", "NaN", "nan", ".5", "5.", "1e-7", "010", "08", "1e308"]
ODD_NUMBERS += ["5e-324", "-0", "9223372036854775808", "0.1", "1E2", "-.1e+2"]
SHARES = ["0", "0.5", "0.9", "0.99", "1", "0.25", "-0.1", "1.1", "NaN", "0.3333333333333333"]

OVER_TIME = [f"{name}_over_time" for name in "sum avg min max count last present stddev stdvar absent".split()]
OVER_TIME += ["rate", "rate", "increase", "delta", "irate", "idelta", "resets", "changes", "deriv"]
EACH = "abs ceil floor sqrt sgn exp ln log2 log10 deg rad".split()
TRIG = "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh".split()
DATES = "minute hour day_of_week day_of_month day_of_year days_in_month month year".split()
SIMPLE = ["sum", "sum", "avg", "avg", "min", "max", "count", "group", "stddev", "stdvar"]

PATTERNS = ["(.*)", "(.+)", "([a-z])(.*)", "", ".*", "a|b", "(?i)A", "(?P<x>.).*", "(a)|(b)", r"\\d", "^(.)$", "a", "."]
BROKEN_PATTERNS = ["(", "[", "a{1001}", "(?=a)", r"\\1"]
TEMPLATES = ["$1", "${1}x", "$x", "$$", "$1x", "", "fix", "$0", "${2}-$1", "$", "${", "é$1", "$3"]
TARGETS = ["new", "job", "instance", "zone", "__name__", "new", "new"]
GROUPINGS = {
    "job": ["by (job)", "by (job)", "without (instance, zone, le)"],
    "none": ["", "", "by ()", "by (absent)"],
    "full": ["by (job, instance)", "without (zone)", "without (zone, le)", "by (instance, job, absent)"],
    "zoned": ["without ()", "by (zone, job, instance)", "without (absent)"],
    "le": ["by (le, job)", "without (instance)", "by (job, le)"],
}
ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2", "+", "-", "*", "/"]
COMPARISONS = ["==", "!=", ">", "<", ">=", "<=", ">", "<"]
SETS = ["and", "or", "unless"]


@dataclass(frozen=True)
class Grammar:
    """Draws expressions; `chaos` is the share of parts that fit nothing around them."""

    rng: random.Random
    chaos: float = 0.06

    def pick(self, options: list[str]) -> str:
        return self.rng.choice(options)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def expression(self) -> str:
        depth = self.rng.choice([1, 2, 2, 3, 3, 4])
        return self.scalar(depth) if self.chance(0.05) else self.vector(self.rng.choice(SHAPES), depth)

    # --- leaves ------------------------------------------------------------------------------------------------------

    def number(self) -> str:
        return self.pick(ODD_NUMBERS if self.chance(0.2) else NUMBERS)

    def moment(self) -> str:
        """A time for `@`: mostly in the samples, in every way to write it."""
        at = START + self.rng.randrange(MINUTES * 60_000)
        texts = [f"{at / 1000:.3f}", f"{at // 60_000 * 60}", f"{at / 1000:.3f}", "start()", "end()", "0", "-100.5"]
        return self.rng.choices(texts, [5, 5, 2, 5, 5, 1, 1])[0]

    def modifiers(self) -> str:
        """Offset and `@`, both, in either order, or mostly none."""
        parts = [f" offset {self.pick(OFFSETS)}"] if self.chance(0.2) else []
        parts += [f" @ {self.moment()}"] if self.chance(0.12) else []
        self.rng.shuffle(parts)
        return "".join(parts)

    def selector(self, shape: str) -> str:
        if self.chance(0.03):
            return self.pick(EVERY)
        metric = self.pick(METRICS[shape])
        return metric + (
            self.pick(MATCHERS[shape]) if shape in MATCHERS and "{" not in metric and self.chance(0.25) else ""
        )

    def leaf(self, shape: str) -> str:
        if shape == "none" and self.chance(0.6):
            return self.pick(["vector(1)", f"vector({self.number()})", "vector(time())", "time() * vector(2)"])
        return self.selector(shape) + self.modifiers()

    def scalar(self, depth: int) -> str:
        if depth <= 0 or self.chance(0.4):
            return self.pick([self.number(), self.number(), "time()", "pi()", f"scalar({self.leaf('none')})"])
        inner = depth - 1
        op = self.pick([*ARITHMETIC, *(f"{one} bool" for one in COMPARISONS)])
        choices: list[Callable[[], str]] = [
            lambda: f"{self.scalar(inner)} {op} {self.scalar(inner)}",
            lambda: f"({self.scalar(inner)}) {op} {self.scalar(inner)}",
            lambda: f"-{self.scalar(inner)}",
            lambda: f"scalar({self.vector('none', inner)})",
            lambda: f"time() % {self.scalar(inner)}",
        ]
        return self.rng.choice(choices)()

    # --- vectors -----------------------------------------------------------------------------------------------------

    def vector(self, shape: str, depth: int) -> str:
        if self.chance(self.chaos):
            shape = self.rng.choice(SHAPES)
        if depth <= 0 or self.chance(0.08):
            return self.leaf(shape)
        kinds: list[tuple[int, Callable[[str, int], str]]] = [
            (7, self.over_range),
            (4, self.each),
            (5, self.aggregation),
            (4, self.ranked),
            (5, self.binary),
            (3, self.with_scalar),
            (2, self.set_operation),
            (2, self.relabelled),
            (3, self.histogram),
            (1, lambda shape, depth: f"({self.vector(shape, depth)})"),
            (1, lambda shape, depth: f"-{self.operand(shape, depth)}"),
            (1, lambda shape, depth: f"{self.pick(['sort', 'sort_desc'])}({self.vector(shape, depth)})"),
            (1, lambda shape, depth: f"timestamp({self.vector(shape, self.rng.randrange(depth + 1))})"),
            (1, self.absent),
        ]
        kind = self.rng.choices([make for _, make in kinds], [weight for weight, _ in kinds])[0]
        return kind(shape, depth - 1)

    def operand(self, shape: str, depth: int) -> str:
        """A side of an operator, often without the parentheses that would keep it together."""
        text = self.vector(shape, depth)
        return text if self.chance(0.5) else f"({text})"

    def window(self, shape: str, depth: int) -> str:
        if depth <= 0 or self.chance(0.45):
            return f"{self.selector(shape)}[{self.pick(WINDOWS)}]{self.modifiers()}"
        inner = self.vector(shape, min(depth, 2))
        simple = inner.isidentifier() or (inner.endswith(")") and " " not in inner and self.chance(0.5))
        text = inner if simple else f"({inner})"
        return f"{text}[{self.pick(SHORT)}:{self.pick(STEPS)}]{self.modifiers()}"

    def over_range(self, shape: str, depth: int) -> str:
        window = self.window(shape, depth)
        special = {
            "quantile_over_time": lambda: f"{self.share()}, {window}",
            "predict_linear": lambda: f"{window}, {self.scalar(min(depth, 1))}",
            "holt_winters": lambda: f"{window}, {self.factor()}, {self.factor()}",
        }
        if self.chance(0.2):
            name = self.pick(list(special))
            return f"{name}({special[name]()})"
        return f"{self.pick(OVER_TIME)}({window})"

    def factor(self) -> str:
        return self.pick(["0.3", "0.6", "0.1", "0.999", "0.5"] if self.chance(0.97) else ["0", "1", "NaN", "-1"])

    def share(self) -> str:
        return self.pick([*SHARES, *SHARES, "time() % 7 / 6", "scalar(g{job='a',instance='0'})"])

    def each(self, shape: str, depth: int) -> str:
        inner = self.vector(shape, depth)
        choices: list[Callable[[], str]] = [
            lambda: f"{self.pick(EACH)}({inner})",
            lambda: f"{self.pick(EACH)}({inner})",
            lambda: f"{self.pick(TRIG)}({inner})",
            lambda: f"{self.pick(DATES)}({inner})",
            lambda: f"{self.pick(DATES)}({'' if shape == 'none' else inner})",
            lambda: f"round({inner})",
            lambda: f"round({inner}, {self.scalar(min(depth, 1))})",
            lambda: f"clamp({inner}, {self.scalar(0)}, {self.scalar(min(depth, 1))})",
            lambda: f"clamp_min({inner}, {self.scalar(min(depth, 1))})",
            lambda: f"clamp_max({inner}, {self.scalar(min(depth, 1))})",
        ]
        return self.rng.choice(choices)()

    def aggregation(self, shape: str, depth: int) -> str:
        grouping = self.pick(GROUPINGS[shape])
        wider = {
            "full": ["full", "zoned"],
            "job": ["full", "job", "zoned"],
            "none": ["full", "zoned", "job", "none", "le"],
        }
        inner = self.vector(self.pick(wider.get(shape, [shape])), depth)
        if self.chance(0.2):
            return self._grouped("quantile", grouping, f"{self.share()}, {inner}")
        return self._grouped(self.pick(SIMPLE), grouping, inner)

    def ranked(self, shape: str, depth: int) -> str:
        inner = self.vector(shape, depth)
        grouping = self.pick(["", "", "by (job)", "without (instance)", "by (instance)"])
        if self.chance(0.2):
            label = self.pick(['"v"', '"v"', '"job"', "'instance'"])
            return self._grouped("count_values", grouping, f"{label}, {self.pick(['round', 'sgn', ''])}({inner})")
        limit = self.pick(
            ["1", "2", "3", "2", "0", "-1", "2.9", "100", "time() % 4", "scalar(count(g)) - 3", self.scalar(0)]
        )
        return self._grouped(self.pick(["topk", "bottomk"]), grouping, f"{limit}, {inner}")

    def _grouped(self, op: str, grouping: str, arguments: str) -> str:
        return f"{op} {grouping} ({arguments})" if self.chance(0.6) else f"{op}({arguments}) {grouping}".rstrip()

    def binary(self, shape: str, depth: int) -> str:
        op = self.pick(ARITHMETIC) if self.chance(0.65) else self.pick(COMPARISONS) + self.pick(["", "", " bool"])
        left, right, matching = shape, shape, self.pick(["", "", "", "ignoring (absent)", "ignoring ()"])
        if shape in ("full", "zoned", "le") and self.chance(0.45):
            right = "job"
            matching = "on (job) group_left " + self.pick(["", "", "()", "(team)", "(team, absent)", "(instance)"])
            if self.chance(0.4):
                left, right, matching = right, left, matching.replace("left", "right")
        elif shape == "full" and self.chance(0.5):
            left, right = self.pick(["full", "zoned"]), self.pick(["full", "full", "zoned"])
            matching = self.pick(["on (job, instance)", "ignoring (zone)", "ignoring (zone, version)"])
        elif shape == "job" and self.chance(0.5):
            matching = self.pick(["on (job)", "ignoring (team, instance)"])
        elif self.chance(0.05):
            matching = self.pick(
                ["on ()", "on (job)", "ignoring (job)", "on (job, instance) group_left", "group_left ()"]
            )
        return f"{self.operand(left, depth)} {op} {matching} {self.operand(right, depth)}".replace("  ", " ")

    def with_scalar(self, shape: str, depth: int) -> str:
        op = self.pick(ARITHMETIC) if self.chance(0.6) else self.pick(COMPARISONS) + self.pick(["", "", " bool"])
        sides = [self.operand(shape, depth), self.scalar(min(depth, 1))]
        if self.chance(0.4):
            sides.reverse()
        return f"{sides[0]} {op} {sides[1]}"

    def set_operation(self, shape: str, depth: int) -> str:
        other = shape if self.chance(0.6) else self.rng.choice(SHAPES)
        options = ["", "on (job)", "on (job, instance)", "ignoring (zone, instance)", "on ()", "ignoring (team)"]
        matching = self.pick(options)
        return f"{self.operand(shape, depth)} {self.pick(SETS)} {matching} {self.operand(other, depth)}".replace(
            "  ", " "
        )

    def relabelled(self, shape: str, depth: int) -> str:
        inner, target = self.vector(shape, depth), "1bad" if self.chance(0.01) else self.pick(TARGETS)
        source = self.pick(["job", "instance", "zone", "nope", "__name__", "le"])
        if self.chance(0.3):
            sources = "".join(
                f', "{self.pick(["job", "instance", "zone", "nope"])}"' for _ in range(self.rng.randrange(4))
            )
            return f'label_join({inner}, "{target}", "{self.pick(["-", "", ", ", "é"])}"{sources})'
        pattern = self.pick(BROKEN_PATTERNS if self.chance(0.02) else PATTERNS)
        return f'label_replace({inner}, "{target}", "{self.pick(TEMPLATES)}", "{source}", "{pattern}")'

    def histogram(self, shape: str, depth: int) -> str:
        le = self.vector("le", depth)
        if shape == "le":
            return le
        if self.chance(0.1):
            kind = self.pick(["histogram_count({})", "histogram_sum({})", "histogram_fraction(0, 0.5, {})"])
            return kind.format(le if self.chance(0.5) else self.vector(shape, depth))
        if shape in ("job", "none") and self.chance(0.6):
            by = "by (le, job)" if shape == "job" else "by (le)"
            le = f"sum {by} ({self.pick(['h_bucket', 'rate(h_bucket[5m])', 'increase(b_bucket[2m])', le])})"
        return f"histogram_quantile({self.share()}, {le})"

    def absent(self, shape: str, depth: int) -> str:
        return f"absent({self.vector(shape, depth) if self.chance(0.5) else self.pick(ABSENT)})"


ABSENT = ['nope{job="a"}', 'nope{job="a",instance=~"1"}', 'g{job="a",job="b"}', 'nope{job="a",job!="a",x="1"}', "nope"]
