"""Gaps: where they are, how they are asked for again, and how they are filled when that is asked for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from series_for_checks import MINUTE, MINUTE_MS, START, sound_series, without

from real_trade.data.repair import fill_gaps, missing_spans, refetch_plan
from real_trade.model import InputError, Interval, Klines


def at(row: int) -> int:
    return START + row * MINUTE_MS


def test_spans_inside_and_at_both_ends() -> None:
    klines = without(without(sound_series(200), 150, 160), 20, 21).take(slice(5, None))
    spans = [(s.from_ms, s.to_ms, s.count) for s in missing_spans(klines, MINUTE, START, at(210))]
    assert spans == [
        (at(0), at(5), 5),
        (at(20), at(21), 1),
        (at(150), at(160), 10),
        (at(200), at(210), 10),
    ]
    assert len(missing_spans(klines, MINUTE)) == 2


def test_an_empty_series_is_one_span() -> None:
    (span,) = missing_spans(Klines.empty(), MINUTE, at(0), at(100))
    assert (span.from_ms, span.to_ms, span.count) == (at(0), at(100), 100)


def test_bars_outside_the_span_do_not_count() -> None:
    assert missing_spans(without(sound_series(200), 10, 20), MINUTE, at(50), at(150)) == []


def test_near_gaps_are_asked_for_in_one_page() -> None:
    klines = without(without(sound_series(3000), 2500, 2501), 900, 905)
    spans = missing_spans(without(klines, 100, 101), MINUTE)
    assert refetch_plan(spans, MINUTE, page_bars=1000) == [(at(100), at(905)), (at(2500), at(2501))]
    assert len(refetch_plan(spans, MINUTE, page_bars=200)) == 3


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(1, 198), max_size=60), st.sampled_from(["1m", "1d", "1M"]))
def test_filled_bars_are_flat_empty_and_marked(holes: set[int], name: str) -> None:
    interval = Interval(name)
    stamps = [interval.ceil(START)]
    for _ in range(199):
        stamps.append(interval.next_open(stamps[-1]))
    base = sound_series(200)
    whole = Klines.of(stamps, base.open, base.high, base.low, base.close, base.volume)
    klines = whole.take(np.array([row not in holes for row in range(200)]))
    filled = fill_gaps(klines, interval)
    assert filled.timestamp.tolist() == stamps
    assert missing_spans(filled, interval) == []
    assert set(np.flatnonzero(filled.synthetic).tolist()) == holes
    for before, row in pairwise(range(200)):
        if row in holes:
            close = filled.close[before]
            bar = [filled.open[row], filled.high[row], filled.low[row], filled.close[row], filled.volume[row]]
            assert bar == [close, close, close, close, 0.0]
        else:
            assert filled.close[row] == whole.close[row]


def test_filling_stays_inside_the_span() -> None:
    klines = without(without(sound_series(200), 150, 160), 20, 30)
    filled = fill_gaps(klines, MINUTE, at(100), at(205))
    assert int(filled.synthetic.sum()) == 15
    assert filled.timestamp[-1] == at(204)
    assert [s.count for s in missing_spans(filled, MINUTE)] == [10]


def test_nothing_to_fill_from_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        fill_gaps(Klines.empty(), MINUTE)
    assert caught.value.code == "no_data"
