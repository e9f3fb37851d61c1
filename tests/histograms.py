"""Native histograms for tests: from their notation, and any of them."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.histogram_notation import parse_histogram

from tocsin.histograms.model import Histogram


def h(text: str) -> Histogram:
    return parse_histogram("{{" + text + "}}")


@st.composite
def histograms(draw: st.DrawFn, schemas: st.SearchStrategy[int] | None = None, least: int = 0) -> Histogram:
    """Counters as they are scraped: the count is the sum of the buckets."""
    schema = draw(schemas if schemas is not None else st.integers(-4, 8))
    counts = st.dictionaries(st.integers(1, 12), st.integers(least, 1000).map(float), min_size=least, max_size=6)
    # Buckets begin where the zero bucket ends.
    positive, negative = (dict(sorted(draw(counts).items())) for _ in range(2))
    width = draw(st.sampled_from([0.0, 0.001, 0.5, 1.0]))
    zero = float(draw(st.integers(0, 50)))
    count = sum(positive.values()) + sum(negative.values()) + zero
    total = draw(st.integers(-(10**6), 10**6)) / 8
    return Histogram(schema, count, total, width, zero, positive, negative)
