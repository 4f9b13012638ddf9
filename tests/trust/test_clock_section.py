"""Profit by the time of entry: every trade is counted once, in its minute and on its side of funding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_trade.metrics.clock import clock_section

UNITS = 100_000_000
MINUTE = 60_000
MIDNIGHT = 1_704_067_200_000
entries = st.lists(st.tuples(st.integers(0, 10**9), st.integers(-(10**12), 10**12)), max_size=40)


def at(*minutes: float) -> np.ndarray:
    return np.array([MIDNIGHT + int(minute * MINUTE) for minute in minutes], np.int64)


@given(entries, st.sampled_from([0, 60, 120, 240, 480]))
def test_nothing_is_lost_or_counted_twice(rows: list[tuple[int, int]], interval: int) -> None:
    stamps, net = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    section = clock_section(stamps, net, interval)
    total = int(net.sum()) / UNITS
    assert sum(section["by_minute_of_hour"]) == pytest.approx(total, abs=1e-6)
    around = section["around_funding"]
    assert list(around) == (["before_60m", "after_60m", "other"] if interval else [])
    if interval:
        assert sum(part["trades"] for part in around.values()) == len(rows)
        assert sum(part["net"] for part in around.values()) == pytest.approx(total, abs=1e-6)


def test_a_trade_counts_in_its_minute() -> None:
    net = np.array([1, 2, 4, 8], np.int64) * UNITS
    minutes = clock_section(at(0, 59.99, 61, 121.5), net, 0)["by_minute_of_hour"]
    assert len(minutes) == 60
    assert {k: v for k, v in enumerate(minutes) if v} == {0: 1.0, 59: 2.0, 1: 12.0}


@pytest.mark.parametrize(
    ("minute", "interval", "part"),
    [
        (480, 480, "after_60m"),  # the very time of a settlement
        (539.9, 480, "after_60m"),
        (540, 480, "other"),
        (700, 480, "other"),
        (899.9, 480, "other"),
        (900, 480, "before_60m"),
        (959.9, 480, "before_60m"),
        (0, 480, "after_60m"),  # midnight UTC is a settlement
        (29, 60, "after_60m"),  # hourly: the nearer one, half-way the last
        (30, 60, "after_60m"),
        (31, 60, "before_60m"),
        (700, 240, "before_60m"),
    ],
)
def test_the_sides_of_a_settlement(minute: float, interval: int, part: str) -> None:
    around = clock_section(at(minute), np.array([3 * UNITS], np.int64), interval)["around_funding"]
    assert {name for name, found in around.items() if found["trades"]} == {part}
    assert around[part] == {"trades": 1, "net": 3.0}


@pytest.mark.parametrize(
    ("minute", "part"),
    [
        (0, "other"),  # midnight is no settlement where others are known
        (29.9, "other"),
        (30, "before_60m"),
        (89.9, "before_60m"),
        (90, "after_60m"),
        (149.9, "after_60m"),
        (150, "other"),
        (480, "other"),
        (550, "before_60m"),
        (615, "after_60m"),  # half-way between two
        (616, "before_60m"),
        (999, "other"),
    ],
)
def test_known_settlements_count_in_place_of_the_grid(minute: float, part: str) -> None:
    known = at(90, 600, 630)
    around = clock_section(at(minute), np.array([3 * UNITS], np.int64), 480, known)["around_funding"]
    assert {name for name, found in around.items() if found["trades"]} == {part}


@given(entries, st.sampled_from([60, 240, 480]))
def test_known_settlements_on_the_grid_are_the_grid(rows: list[tuple[int, int]], interval: int) -> None:
    stamps, net = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    grid = np.arange(-1, 10**9 // (interval * MINUTE) + 2) * interval * MINUTE
    assert clock_section(stamps, net, interval, grid) == clock_section(stamps, net, interval)
    assert clock_section(stamps, net, 0, grid[:0])["around_funding"] == {}
