"""The numbers that tell noise, of columns of episodes, against what anyone can read of single episodes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tocsin.alerts.episodes import Episodes
from tocsin.alerts.timeline import Episode
from tocsin.backtest.measure import HOUR, MINUTE, SHORT, Crowd, Flaps, at_once, fired, flaps, lasted, longest, short
from tocsin.labels import EMPTY, Labels, from_mapping

END = 600 * MINUTE


@st.composite
def histories(draw: st.DrawFn) -> list[Episode]:
    """The episodes of some alerts, in the order of `pending`, then of their labels; the last may not be over."""
    found: list[Episode] = []
    for number in range(draw(st.integers(0, 4))):
        labels = from_mapping({"alertname": "A", "job": "ab"[number % 2], "instance": str(number)})
        at = draw(st.integers(0, 30))
        lengths = draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 12), st.integers(1, 70)), max_size=9))
        for waits, lasts, rests in lengths:
            firing = (at + waits) * MINUTE if waits < lasts else None
            found.append(Episode(labels, at * MINUTE, firing, (at + lasts) * MINUTE))
            at += lasts + rests
        if draw(st.booleans()):
            found.append(Episode(labels, at * MINUTE, draw(st.sampled_from([None, at * MINUTE]))))
    return sorted(found, key=lambda one: (one.pending, one.labels))


def by_alert(episodes: Iterable[Episode]) -> list[tuple[Labels, list[Episode]]]:
    """The episodes that fired of each alert, in the order of firing."""
    alerts: defaultdict[Labels, list[Episode]] = defaultdict(list)
    for one in sorted((one for one in episodes if one.firing is not None), key=lambda one: one.firing or 0):
        alerts[one.labels].append(one)
    return sorted(alerts.items())


def slow_flaps(episodes: Sequence[Episode], news: Collection[Episode]) -> Flaps:
    worst = Flaps()
    for labels, own in by_alert(episodes):
        again = [
            later.firing or 0
            for earlier, later in pairwise(own)
            if earlier.resolved is not None and (later.firing or 0) - earlier.resolved < HOUR and later not in news
        ]
        for start in again:
            count = sum(start <= time <= start + HOUR for time in again)
            if count > worst.count:
                worst = Flaps(count, start, labels)
    return worst


def slow_crowd(episodes: Sequence[Episode], without: Collection[str]) -> Crowd:
    some = [(one, tuple(p for p in one.labels if p[0] not in without)) for one in episodes if one.firing is not None]
    most = Crowd()
    for at in sorted({one.firing or 0 for one, _ in some}):
        alerts = {name for one, name in some if (one.firing or 0) <= at < (one.resolved or at + 1)}
        if len(alerts) > len(most.alerts):
            most = Crowd(frozenset(alerts), at)
    return most


def slow_longest(episodes: Sequence[Episode]) -> tuple[int, Labels]:
    total: Counter[Labels] = Counter()
    for labels, own in by_alert(episodes):
        total[labels] = sum((END if one.resolved is None else one.resolved) - (one.firing or 0) for one in own)
    return max(((time, labels) for labels, time in total.items()), default=(0, EMPTY))


@given(histories(), st.data())
def test_measures_of_columns_are_those_of_episodes(episodes: list[Episode], data: st.DataObject) -> None:
    columns = Episodes.of(episodes)
    news = data.draw(st.sets(st.sampled_from(episodes)) if episodes else st.just(set[Episode]()))
    durations = sorted(one.resolved - one.firing for one in episodes if one.firing is not None and one.resolved)
    assert list(columns) == episodes
    assert list(fired(columns)) == [one for one in episodes if one.firing is not None]
    assert lasted(columns) == durations
    assert short(columns) == (sum(one < SHORT for one in durations), len(durations))
    assert flaps(columns, news) == slow_flaps(episodes, news)
    assert longest(columns, END) == slow_longest(episodes)
    for without in ((), ("instance",), ("instance", "job")):
        assert at_once(columns, without) == slow_crowd(episodes, without)


@given(histories(), st.data())
def test_what_begins_within_an_episode_of_the_same_alert(episodes: list[Episode], data: st.DataObject) -> None:
    columns = Episodes.of(episodes)
    some, others = (
        columns.where(data.draw(st.lists(st.booleans(), min_size=len(columns), max_size=len(columns)))) for _ in "ab"
    )
    shift = data.draw(st.integers(-3, 12)) * MINUTE
    others = Episodes(others.labels, others.alert, others.pending + shift, others.firing, others.resolved)

    def holds(around: Episode) -> bool:
        own = (one.pending for one in others if one.labels == around.labels)
        return any(around.pending <= time and (around.resolved is None or time < around.resolved) for time in own)

    assert some.holding(others).tolist() == [holds(one) for one in some]


def test_episodes_are_a_sequence() -> None:
    episodes = [Episode((("i", str(i % 2)),), i, i if i % 3 else None, i + 1) for i in range(5)]
    columns = Episodes.of(episodes)
    assert (columns[1], columns[-1], list(columns[1:3]), len(columns)) == (episodes[1], episodes[-1], episodes[1:3], 5)
    assert Episodes.of(columns) is columns
    assert episodes[2] in columns


def episode(minute: int, lasts: int = 5, **labels: str) -> Episode:
    return Episode(from_mapping(labels), minute * MINUTE, minute * MINUTE, (minute + lasts) * MINUTE)


def test_an_alert_that_fires_again_for_another_incident_is_no_flap() -> None:
    again = [episode(minute) for minute in (0, 20, 40, 60, 80)]
    assert flaps(again).count == 4
    assert flaps(again, {again[1], again[2]}).count == 2
    assert flaps([episode(minute) for minute in (0, 65, 130)]).count == 0, "an hour of rest between them"
    assert flaps([episode(20 * number, instance=str(number)) for number in range(9)]).count == 0


def test_what_fires_at_once() -> None:
    some = [episode(0, 10, i="a", j="1"), episode(5, 10, i="b", j="1"), episode(10, 10, i="c", j="2")]
    assert (len(at_once(some).alerts), at_once(some).at) == (2, 5 * MINUTE), "one ends as the next begins"
    assert len(at_once(some, ["i"]).alerts) == 2
    assert len(at_once(some, ["i", "j"]).alerts) == 1
    assert at_once([]).alerts == frozenset()
