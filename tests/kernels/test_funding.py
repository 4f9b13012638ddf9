"""Funding: who pays how much, and on which bar."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from real_trade.kernels.arithmetic import RATE_SCALE, WIDE_LIMIT, share_of
from real_trade.kernels.funding import (
    FUNDING_DIVISOR_LIMIT,
    STAMP_TOLERANCE_MS,
    constant_funding,
    inverse_funding,
    linear_funding,
    rate_units,
    settlement_times,
    settlements,
)

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3_600_000
UNITS = 10**8
RATES = st.integers(-40_000_000, 40_000_000)


@settings(deadline=None)
@given(
    st.integers(-(10**9), 10**9), st.integers(1, 10**7), RATES, st.sampled_from([(1, 1), (10, 1), (1, 7), (3, 1000)])
)
def test_linear_payment_is_rounded_once(lots: int, mark: int, rate: int, unit: tuple[int, int]) -> None:
    n, d = unit
    exact = Fraction(lots * mark * n * rate, d * RATE_SCALE)
    assert linear_funding(lots, mark, rate, n, d) == round(exact)
    assert linear_funding(-lots, mark, rate, n, d) == -round(exact)


@settings(deadline=None)
@given(st.integers(-(10**8), 10**8), st.integers(1, 10**7), RATES, st.sampled_from([(UNITS, 1), (10**9, 1), (7, 3)]))
def test_inverse_payment_is_rounded_once(lots: int, mark: int, rate: int, unit: tuple[int, int]) -> None:
    n, d = unit
    exact = Fraction(lots * n * rate, mark * d * RATE_SCALE)
    assert inverse_funding(lots, mark, rate, n, d) == round(exact)


def test_longs_pay_where_the_rate_is_positive_on_both_kinds() -> None:
    for payment in (linear_funding, inverse_funding):
        assert payment(1_000, 500, 100_000, UNITS, 1) > 0
        assert payment(-1_000, 500, 100_000, UNITS, 1) < 0
        assert payment(1_000, 500, -100_000, UNITS, 1) < 0
        assert payment(0, 500, 100_000, UNITS, 1) == 0


@settings(deadline=None)
@given(st.integers(-WIDE_LIMIT, WIDE_LIMIT), st.integers(-RATE_SCALE, RATE_SCALE))
def test_a_share_is_rounded_once(value: int, rate: int) -> None:
    assert share_of(value, rate) == round(Fraction(value * rate, RATE_SCALE))


def test_a_share_that_is_a_tie_goes_to_the_even_unit() -> None:
    assert [share_of(half * RATE_SCALE // 2, 1) for half in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]


def test_the_bounds_hold_at_the_bound() -> None:
    rate = RATE_SCALE
    assert linear_funding(WIDE_LIMIT, 1, rate, 1, 1) == WIDE_LIMIT
    exact = Fraction(WIDE_LIMIT, FUNDING_DIVISOR_LIMIT)
    assert linear_funding(WIDE_LIMIT // 4, 2, rate, 2, FUNDING_DIVISOR_LIMIT) == round(exact)
    assert inverse_funding(-WIDE_LIMIT, FUNDING_DIVISOR_LIMIT, rate, 1, 1) == -round(exact)
    assert FUNDING_DIVISOR_LIMIT * RATE_SCALE <= WIDE_LIMIT < (FUNDING_DIVISOR_LIMIT + 1) * RATE_SCALE


def test_bybit_books_a_funding_settlement() -> None:
    # "Get transaction log", https://bybit-exchange.github.io/docs/v5/account/transaction-log, response example:
    # long 100 XRP at 0.3676 and 0.0001 changes cash by -0.003676 USDT. Ticks of 0.0001, lots of 1.
    assert linear_funding(100, 3_676, rate_units(np.array([0.0001]))[0], 10_000, 1) == 367_600
    # ... and its fees: 88 and 12 XRP at 0.3615 and 0.0006 cost 0.0190872 and 0.0026028 USDT.
    assert [share_of(lots * 3_615 * 10_000, 600_000) for lots in (88, 12)] == [1_908_720, 260_280]


def test_stamps_that_are_late_by_milliseconds_are_due_on_the_minute() -> None:
    due = 16 * HOUR
    stamps = np.array([due - 3, due, due + 47, due + STAMP_TOLERANCE_MS, due + STAMP_TOLERANCE_MS + 1])
    assert settlement_times(stamps).tolist() == [due, due, due, due, due + STAMP_TOLERANCE_MS + 1]


def test_a_settlement_falls_on_the_first_bar_that_opens_at_or_after_it() -> None:
    open_ms = np.array([7, 8, 10, 11]) * HOUR
    ticks = np.array([70, 80, 100, 110])
    stamps = np.array([6 * HOUR, 7 * HOUR, 8 * HOUR + 5, 9 * HOUR, 11 * HOUR, 12 * HOUR])
    found = settlements(open_ms, ticks, stamps, np.array([1, 2, 3, 4, 5, 6]))
    assert found.bar.tolist() == [0, 1, 2, 3]
    assert found.rate.tolist() == [2, 3, 4, 5]
    assert found.price_ticks.tolist() == [70, 80, 100, 110]
    assert not found.on_mark.any()


def test_the_mark_price_is_taken_where_it_is_stored() -> None:
    open_ms = np.arange(24) * HOUR
    marks = settlements(
        open_ms,
        np.full(24, 100),
        np.array([0, 8, 16]) * HOUR + 2,
        np.full(3, 7),
        np.array([8, 9]) * HOUR,
        np.array([101, 102]),
    )
    assert marks.price_ticks.tolist() == [100, 101, 100]
    assert marks.on_mark.tolist() == [False, True, False]


def test_several_settlements_may_fall_on_one_bar_and_no_bars_have_none() -> None:
    days = settlements(np.array([0, 24]) * HOUR, np.array([5, 6]), np.array([8, 16, 24]) * HOUR, np.array([1, 2, 3]))
    assert days.bar.tolist() == [1, 1, 1]
    empty = np.array([], np.int64)
    assert len(settlements(empty, empty, np.array([0]), np.array([1])).bar) == 0


def test_a_stated_rate_settles_at_multiples_of_utc() -> None:
    times, rates = constant_funding(HOUR, 25 * HOUR, 8 * HOUR, 100_000)
    assert (times // HOUR).tolist() == [8, 16, 24]
    assert rates.tolist() == [100_000] * 3
    assert constant_funding(0, 8 * HOUR, 8 * HOUR, 1)[0].tolist() == [0]


@pytest.mark.shared
def test_every_stored_settlement_falls_on_the_minute_it_was_due(real_data: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(real_data / "funding" / "binance_usdm_BTCUSDT_funding_2020_2023.parquet")
    stamps = table["timestamp"].to_numpy()
    open_ms = np.arange(stamps[0] // 60_000, stamps[-1] // 60_000 + 2) * 60_000
    found = settlements(open_ms, np.ones(len(open_ms), np.int64), stamps, rate_units(table["funding_rate"].to_numpy()))
    assert len(found.bar) == len(stamps)
    assert (open_ms[found.bar] % (8 * HOUR) == 0).all()
    assert (stamps % (8 * HOUR) > 0).any()
    assert np.allclose(found.rate / 1e9, table["funding_rate"].to_numpy(), atol=1e-12)
