"""Longer bars are made of minutes, and the open bar of those that have passed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from real_trade.exchange.bars import COLUMNS, BarTable, Grid, aggregate, ends, floors, partial
from real_trade.exchange.market import SeededMarket
from real_trade.exchange.pages import History
from real_trade.model import Instrument, Interval, SeriesKind, parse_time

MINUTE = 60_000
START = 1_704_067_200_000
ALL = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "3d", "1w", "1M"]


def table_of(seed: int, minutes: int, holes: float) -> BarTable:
    random = np.random.default_rng(seed)
    time = START + MINUTE * np.flatnonzero(random.random(minutes) >= holes).astype(np.int64)
    table = BarTable.zeros(Interval("1m"), Grid(2, 3, 4), len(time))
    table.time[:] = time
    prices = np.sort(random.integers(1, 10_000, (4, len(time))), axis=0)
    table.low[:], table.open[:], table.close[:], table.high[:] = prices
    table.volume[:] = random.integers(0, 10**6, len(time))
    table.turnover[:] = random.integers(0, 10**9, len(time))
    table.trades[:] = random.integers(0, 50, len(time))
    return table


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6_000), st.sampled_from([0.0, 0.1, 0.9]), st.sampled_from(ALL))
def test_a_longer_bar_is_what_its_minutes_say(seed: int, minutes: int, holes: float, name: str) -> None:
    base, interval = table_of(seed, minutes, holes), Interval(name)
    bars = aggregate(base, interval)
    groups: dict[int, list[int]] = {}
    for row, time in enumerate(base.time.tolist()):
        groups.setdefault(interval.floor(time), []).append(row)
    assert bars.time.tolist() == list(groups)
    for row, members in enumerate(groups.values()):
        assert bars.open[row] == base.open[members[0]]
        assert bars.close[row] == base.close[members[-1]]
        assert bars.high[row] == base.high[members].max()
        assert bars.low[row] == base.low[members].min()
        for column in ("volume", "turnover", "trades"):
            assert getattr(bars, column)[row] == getattr(base, column)[members].sum()
    assert ends(bars).tolist() == [interval.next_open(time) for time in bars.time.tolist()]


@given(st.lists(st.integers(0, 4_000_000_000_000), min_size=1, max_size=20), st.sampled_from(ALL))
def test_times_fall_to_the_calendar_of_the_model(times: list[int], name: str) -> None:
    interval = Interval(name)
    assert floors(np.array(times, dtype=np.int64), interval).tolist() == [interval.floor(t) for t in times]


@given(st.integers(0, 2**32), st.integers(0, MINUTE), st.integers(0, MINUTE))
def test_the_open_minute_only_grows_towards_the_finished_one(seed: int, early: int, late: int) -> None:
    early, late = sorted((early, late))
    bar = table_of(seed, 1, 0.0)
    before, after = partial(bar, early), partial(bar, late)
    assert bar.low[0] <= after.low[0] <= before.low[0] <= before.open[0]
    assert before.open[0] <= before.high[0] <= after.high[0] <= bar.high[0]
    assert before.volume[0] <= after.volume[0] <= bar.volume[0]
    assert after.low[0] <= after.close[0] <= after.high[0]
    whole = partial(bar, MINUTE)
    assert all(getattr(whole, name)[0] == getattr(bar, name)[0] for name in ("high", "low", "close", "volume"))


def test_a_sum_that_does_not_fit_loses_decimals_not_its_value() -> None:
    base = table_of(1, 1_440, 0.0)
    base.turnover[:] = 2**62 // 100
    day = aggregate(base, Interval("1d"))
    assert day.grid.turnover < base.grid.turnover
    exact = 1_440 * (2**62 // 100) / 10**base.grid.turnover
    assert abs(int(day.turnover[0]) / 10**day.grid.turnover / exact - 1) < 1e-9


class NarrowMarket(SeededMarket):
    """A market whose prices are kept in 32 bits, as a stored one's are where they fit."""

    def bars(self, instrument: Instrument, kind: SeriesKind) -> BarTable:
        table = super().bars(instrument, kind)
        prices = {name: getattr(table, name).astype(np.int32) for name in ("open", "high", "low", "close")}
        return table.with_columns({name: getattr(table, name) for name in COLUMNS} | prices)


@pytest.mark.parametrize("is_new", [False, True])
def test_a_price_that_needs_more_bits_than_the_others_is_kept_as_it_was(is_new: bool) -> None:
    market = NarrowMarket(5, "bybit", ("BTCUSDT",), parse_time("2024-01-01"), parse_time("2024-01-02"))
    instrument, history = market.instruments()[0], History(market, newest_first=True)
    table = history.table(instrument, SeriesKind.KLINE)
    row = {name: int(getattr(table, name)[5]) for name in COLUMNS} | {"high": 2**31 + 5}
    if is_new:
        row["time"] = int(table.time[-1]) + MINUTE
    history.amend(instrument, row)
    changed = history.table(instrument, SeriesKind.KLINE)
    assert int(changed.high[len(table) if is_new else 5]) == 2**31 + 5
    assert changed.low[:5].tolist() == table.low[:5].tolist()
