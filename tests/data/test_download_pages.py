"""The grid of pages and the arithmetic of spans."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from real_trade.data.pages import merged_spans, missing_bars, missing_spans, page_length, page_start, pages_of
from real_trade.model import Interval
from real_trade.model.interval import DAY_MS

INTERVALS = st.sampled_from(["1s", "1m", "5m", "1h", "8h", "1d", "3d", "1w", "1M"]).map(Interval)
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted).map(tuple), max_size=8)


@given(SPANS, st.integers(0, 60), st.integers(0, 60))
def test_missing_is_what_no_span_covers(covered: Any, begin: str, end: str) -> None:
    missing = missing_spans(begin, end, covered)
    points = {at for a, b in missing for at in range(a, b)}
    assert points == {at for at in range(begin, end) if not any(a <= at < b for a, b in covered)}


@given(SPANS)
def test_merged_spans_hold_the_same_points_without_touching(spans: Any) -> None:
    merged = merged_spans(span for span in spans if span[0] < span[1])
    assert {at for a, b in merged for at in range(a, b)} == {at for a, b in spans for at in range(a, b)}
    assert all(first[1] < second[0] for first, second in pairwise(merged))


@given(INTERVALS, st.integers(0, 30_000), st.integers(1, 400), st.integers(1, 7))
def test_pages_tile_a_span_and_lie_on_one_grid(interval: Interval | str, day: Any, bars: int, page_bars: Any) -> None:
    begin = interval.ceil(day * DAY_MS)
    end = interval.next_open(begin, bars)
    pages = list(pages_of(interval, (begin, end), page_bars))
    assert pages[0][0] == begin
    assert pages[-1][1] == end
    assert all(a[1] == b[0] for a, b in pairwise(pages))
    for a, b in pages:
        assert 1 <= interval.count(a, b) <= page_bars
        assert page_start(interval, a, page_bars) == page_start(interval, b - 1, page_bars)
    assert all(page_start(interval, a, page_bars) == a for a, _ in pages[1:])


@given(INTERVALS, st.integers(0, 30_000), st.integers(1, 60), st.sets(st.integers(0, 59)))
def test_missing_bars_are_the_bars_not_there(interval: Interval | str, day: Any, bars: int, absent: Any) -> None:
    begin = interval.ceil(day * DAY_MS)
    opens = [interval.next_open(begin, number) for number in range(bars)]
    end = interval.next_open(begin, bars)
    there = [stamp for number, stamp in enumerate(opens) if number not in absent]
    holes = missing_bars(interval, there, (begin, end))
    assert {stamp for a, b in holes for stamp in opens if a <= stamp < b} == set(opens) - set(there)


def test_a_limited_span_shortens_the_page() -> None:
    assert page_length(Interval("1m"), 1000, None) == 1000
    assert page_length(Interval("1m"), 499, 200 * DAY_MS) == 499
    assert page_length(Interval("1d"), 499, 200 * DAY_MS) == 200
    assert page_length(Interval("1w"), 499, 200 * DAY_MS) == 28
    assert page_length(Interval("1M"), 499, 200 * DAY_MS) == 6
