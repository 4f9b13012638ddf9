"""Fills become money exactly, and nothing overflows."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from engine_markets import instrument_of, random_klines
from hypothesis import given
from hypothesis import strategies as st

from real_trade.backtest import AccountSettings, backtest
from real_trade.kernels.accounting import Ledger, Terms, book_fill, fee_of, refuse_fill, value_of
from real_trade.kernels.arithmetic import divide_half_even
from real_trade.model import InputError, RejectReason
from real_trade.model.bars import bars_from_klines
from real_trade.strategies.sma_cross import SmaCross

TERMS = Terms(10, 1, 1_000_000, 1_000_000, 1, False, 1, 10**12, 10**9, 0)
LINEAR = TERMS._replace(short_allowed=True, leverage=3)


@given(st.integers(-(2**62), 2**62), st.integers(1, 2**31))
def test_division_rounds_half_even(numerator: int, denominator: int) -> None:
    exact = Decimal(Fraction(numerator, denominator).limit_denominator(1).numerator)
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))
    assert exact == exact.to_integral_value()


@given(st.integers(0, 2**60), st.integers(0, 10**9 - 1))
def test_a_fee_is_rounded_once(value: int, rate: int) -> None:
    expected = (Decimal(value) * rate / 10**9).to_integral_value(ROUND_HALF_EVEN)
    exact = Fraction(value * rate, 10**9)
    assert fee_of(value, rate) == round(exact)
    assert abs(fee_of(value, rate) - expected) <= 1


def test_a_tie_goes_to_the_even_fee() -> None:
    assert [fee_of(value, 1) for value in (500_000_000, 1_500_000_000, 2_500_000_000)] == [0, 2, 2]


def test_a_spot_account_pays_in_full_and_sells_what_it_has() -> None:
    ledger = Ledger(1_000, 0, 0.0)
    assert refuse_fill(ledger, 1, 1, 99, 10, TERMS) == RejectReason.NONE
    assert refuse_fill(ledger, 1, 1, 99, 11, TERMS) == RejectReason.INSUFFICIENT_FUNDS
    assert refuse_fill(ledger, -1, 1, 99, 0, TERMS) == RejectReason.INSUFFICIENT_POSITION
    assert refuse_fill(Ledger(0, 5, 0.0), -1, 5, 99, 0, TERMS) == RejectReason.NONE


def test_a_linear_account_needs_equity_to_enlarge_but_not_to_reduce() -> None:
    # Equity 1,000 carries a value of 3,000 at leverage 3.
    assert refuse_fill(Ledger(1_000, 0, 0.0), -1, 3, 100, 0, LINEAR) == RejectReason.NONE
    assert refuse_fill(Ledger(1_000, 0, 0.0), -1, 3, 100, 1, LINEAR) == RejectReason.INSUFFICIENT_FUNDS
    broke = Ledger(-5_000, 3, 100.0)
    assert refuse_fill(broke, -1, 3, 100, 50, LINEAR) == RejectReason.NONE
    assert refuse_fill(broke, -1, 4, 100, 50, LINEAR) == RejectReason.INSUFFICIENT_FUNDS


def test_entry_price_follows_the_position() -> None:
    ledger = book_fill(Ledger(0, 0, 0.0), 1, 2, 100, 0, LINEAR)
    assert ledger.entry_ticks == 100.0
    ledger = book_fill(ledger, 1, 2, 200, 0, LINEAR)
    assert ledger.entry_ticks == 150.0
    ledger = book_fill(ledger, -1, 1, 500, 0, LINEAR)
    assert ledger.entry_ticks == 150.0
    ledger = book_fill(ledger, -1, 5, 90, 0, LINEAR)
    assert (ledger.position, ledger.entry_ticks) == (-2, 90.0)
    ledger = book_fill(ledger, 1, 2, 80, 0, LINEAR)
    assert (ledger.position, ledger.entry_ticks) == (0, 0.0)
    assert ledger.cash == -10 * (200 + 400 - 500 - 450 + 160)


def test_amounts_that_could_overflow_are_refused_at_set_up() -> None:
    bars = bars_from_klines(random_klines(1, 10), instrument_of())
    huge = instrument_of(step="1000000", min_notional=Decimal(0))
    with pytest.raises(InputError) as caught:
        AccountSettings().terms(huge, bars)
    assert caught.value.code == "would_overflow"
    terms = AccountSettings().terms(instrument_of(), bars)
    highest = int(bars.high.max())
    assert terms.max_lots * terms.max_price_ticks * terms.value_numerator <= 2**60
    assert value_of(terms.max_lots, highest, terms) < 2**60


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (AccountSettings(cash=Decimal(0)), "cash"),
        (AccountSettings(cash=Decimal("NaN")), "cash"),
        (AccountSettings(fee_taker=Decimal("-0.001")), "fee_taker"),
        (AccountSettings(fee_maker=Decimal("0.0000000001")), "fee_maker"),
        (AccountSettings(fee_taker=Decimal(1)), "fee_taker"),
        (AccountSettings(leverage=0), "leverage"),
    ],
)
def test_impossible_settings_are_refused(settings: AccountSettings, field: str) -> None:
    with pytest.raises(InputError) as caught:
        backtest(SmaCross, random_klines(1, 200), instrument_of(), settings=settings)
    assert caught.value.field == field


def test_orders_without_funds_are_rejected_and_the_run_goes_on() -> None:
    result = backtest(SmaCross, random_klines(2, 3000), instrument_of(), settings=AccountSettings(Decimal(100)))
    assert len(result.order_rows) > 5
    assert set(result.order_rows["reason"].tolist()) == {int(RejectReason.INSUFFICIENT_FUNDS)}
    assert len(result.fill_rows) == 0
    assert int(result.equity_units[-1]) == result.initial_units


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"min_notional": Decimal(10_000)}, RejectReason.NOTIONAL_TOO_SMALL),
        ({}, RejectReason.NONE),
    ],
)
def test_orders_below_the_venue_s_minimum_are_rejected(facts: dict[str, Decimal], reason: RejectReason) -> None:
    result = backtest(SmaCross, random_klines(2, 3000), instrument_of(**facts))
    assert set(result.order_rows["reason"].tolist()) == {int(reason)}
