"""The functions behind the metrics: properties that hold for every input, against plain loops."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_trade.backtest.result import FILL_DTYPE
from real_trade.metrics import (
    cagr,
    daily_values,
    day_ends,
    drawdown_fractions,
    max_drawdown,
    monthly_returns,
    ratios,
    simple_returns,
    worst_drawdowns,
)
from real_trade.metrics.drawdown import longest_under_water, under_water_share
from real_trade.metrics.trades import exposure, longest_run, money_sum

if TYPE_CHECKING:
    import random

DAY = 86_400_000
equities = st.lists(st.integers(1, 1000), min_size=1, max_size=60).map(lambda values: np.array(values, dtype=float))
returns = st.lists(st.floats(-0.5, 0.5, width=32), min_size=3, max_size=40).map(np.array)


def slow_drawdowns(equity: np.ndarray, initial: float) -> list[float]:
    peak, out = initial, []
    for value in equity:
        peak = max(peak, value)
        out.append((peak - value) / peak)
    return out


@given(equities, st.integers(1, 1000))
def test_drawdown_equals_the_plain_loop_and_lies_between_nothing_and_all(equity: np.ndarray, initial: float) -> None:
    fractions = drawdown_fractions(equity, float(initial))
    assert fractions.tolist() == slow_drawdowns(equity, float(initial))
    assert fractions.min() >= 0
    assert fractions.max() < 1


@given(equities, st.sampled_from([2.0, 0.5, 1024.0]))
def test_drawdown_knows_no_currency(equity: np.ndarray, factor: float) -> None:
    assert drawdown_fractions(equity * factor, 100 * factor).tolist() == drawdown_fractions(equity, 100.0).tolist()


@given(equities)
def test_the_deepest_drawdown_lies_between_its_peak_and_its_recovery(equity: np.ndarray) -> None:
    fractions = drawdown_fractions(equity, 100.0)
    worst = max_drawdown(fractions)
    if worst is None:
        assert not fractions.any()
        return
    assert worst.fraction == fractions.max()
    assert 0 <= worst.start <= worst.end
    assert all(fractions[worst.start + 1 : worst.end + 1] > 0)
    if worst.recovery is None:
        assert all(fractions[worst.end :] > 0)
    else:
        assert fractions[worst.recovery] == 0
        assert all(fractions[worst.end : worst.recovery] > 0)


@given(equities)
def test_the_worst_drawdowns_are_separate_and_sorted(equity: np.ndarray) -> None:
    fractions = drawdown_fractions(equity, 100.0)
    found = worst_drawdowns(fractions, count=3)
    assert found[:1] == [item for item in [max_drawdown(fractions)] if item]
    depths = [item.fraction for item in found]
    assert depths == sorted(depths, reverse=True)
    spans = sorted((item.start, item.recovery or len(equity)) for item in found)
    assert all(one[1] <= other[0] or one[0] == 0 for one, other in pairwise(spans))


@given(equities)
def test_time_under_water_and_its_longest_stay(equity: np.ndarray) -> None:
    fractions = drawdown_fractions(equity, 100.0)
    assert under_water_share(fractions) == sum(value > 0 for value in fractions) / len(equity)
    start, stop = longest_under_water(fractions)
    longest = longest_run(fractions > 0)
    if longest == 0:
        assert (start, stop) == (0, 0)
    else:
        assert stop - start >= longest - 1
        assert all(fractions[start + 1 : stop] > 0)


@given(returns, st.sampled_from([2.0, 0.25]))
def test_ratios_do_not_depend_on_the_size_of_the_bet(daily: np.ndarray, factor: float) -> None:
    for ratio in (ratios.sharpe, ratios.sortino, ratios.omega):
        plain, scaled = ratio(daily), ratio(daily * factor)
        assert (plain is None) == (scaled is None)
        if plain is not None:
            assert scaled == pytest.approx(plain, rel=1e-9, abs=1e-12)


@given(returns)
def test_ratios_agree_on_who_won(daily: np.ndarray) -> None:
    sharpe, sortino, omega = ratios.sharpe(daily), ratios.sortino(daily), ratios.omega(daily)
    total = float(daily.sum())
    if abs(total) < 1e-9:
        return
    for value, neutral in ((sharpe, 0.0), (sortino, 0.0), (omega, 1.0)):
        assert value is None or (value > neutral) == (total > 0)


@given(returns)
def test_returns_undo_growth(daily: np.ndarray) -> None:
    values = 100.0 * np.cumprod(1 + daily)
    assert simple_returns(values, 100.0) == pytest.approx(daily, abs=1e-9)


def test_nothing_grows_out_of_a_debt() -> None:
    found = simple_returns(np.array([50.0, -10.0, 20.0]), 100.0)
    assert found[:2].tolist() == [-0.5, -1.2]
    assert np.isnan(found[2])
    assert ratios.sharpe(found) is None


@given(st.lists(st.integers(0, 20 * 24), min_size=1, max_size=60, unique=True).map(sorted))
def test_a_day_ends_with_the_last_bar_that_opened_in_it(hours: list[int]) -> None:
    time_ms = np.array(hours, dtype=np.int64) * 3_600_000
    days, last = day_ends(time_ms)
    assert days.tolist() == list(range(hours[0] // 24, hours[-1] // 24 + 1))
    for day, index in zip(days, last, strict=True):
        assert index == max(i for i, hour in enumerate(hours) if hour < (day + 1) * 24)
    assert daily_values(time_ms, time_ms.astype(float)).tolist() == time_ms[last].tolist()


def test_a_month_is_measured_from_the_end_of_the_month_before() -> None:
    # 30 January to 2 February 2024, then nothing until 1 April.
    days = np.array([19752, 19753, 19754, 19755, 19814])
    found = monthly_returns(days, np.array([100.0, 110.0, 121.0, 99.0, 198.0]), 100.0)
    assert [(year, month) for year, month, _ in found] == [(2024, 1), (2024, 2), (2024, 4)]
    assert [value for _, _, value in found] == pytest.approx([0.1, -0.1, 1.0])


@pytest.mark.parametrize(
    ("final", "days", "expected"),
    [(200.0, 365.0, 1.0), (50.0, 730.0, 0.5**0.5 - 1), (0.0, 365.0, -1.0), (200.0, 0.5, None), (1e9, 1.0, None)],
)
def test_annual_growth(final: float, days: float, expected: Any) -> None:
    assert cagr(100.0, final, days) == (None if expected is None else pytest.approx(expected))


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([1, -1]), st.integers(1, 3)), max_size=20))
def test_exposure_counts_the_bars_that_close_with_a_position(moves: list[tuple[int, int, int]]) -> None:
    moves.sort(key=lambda move: move[0])
    fills = np.zeros(len(moves), FILL_DTYPE)
    for row, (bar, side, lots) in zip(fills, moves, strict=True):
        row["bar"], row["side"], row["lots"] = bar, side, lots
    held = sum(sum(side * lots for at, side, lots in moves if at <= bar) != 0 for bar in range(31))
    assert exposure(fills, 31) == held / 31


@given(st.lists(st.booleans(), max_size=40))
def test_the_longest_run(flags: list[bool]) -> None:
    expected = max((len(run) for run in "".join("x" if flag else " " for flag in flags).split()), default=0)
    assert longest_run(np.array(flags, dtype=bool)) == expected


@given(st.lists(st.integers(-(10**12), 10**12), max_size=50), st.randoms())
def test_money_adds_up_in_any_order(units: list[int], random: random.Random) -> None:
    shuffled = units[:]
    random.shuffle(shuffled)
    assert money_sum(np.array(shuffled, dtype=np.int64)) == money_sum(np.array(units, dtype=np.int64))
    assert money_sum(np.array(units, dtype=np.int64)) == sum(units) / 10**8
