"""Inverse contracts: exact arithmetic, a ledger settled in base, conservation, the examples that venues print."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from real_trade.kernels.accounting import fee_of
from real_trade.kernels.arithmetic import WIDE_LIMIT, divide_half_even, divide_product, multiply_divide
from real_trade.kernels.funding import inverse_funding, linear_funding
from real_trade.kernels.inverse import (
    PROFIT_TICKS_LIMIT,
    Basis,
    harmonic_entry,
    inverse_profit,
    inverse_value,
    take_fill,
    worth_of,
)

UNITS = 10**8
# Bybit BTCUSD: contracts of 1 USD, ticks of 0.5 USD; lots of one contract.
HALF_DOLLAR = 2 * UNITS


@settings(deadline=None)
@given(st.integers(0, WIDE_LIMIT), st.integers(0, WIDE_LIMIT), st.integers(1, WIDE_LIMIT))
@example(WIDE_LIMIT, WIDE_LIMIT, WIDE_LIMIT)
@example(WIDE_LIMIT - 1, WIDE_LIMIT, WIDE_LIMIT)
@example(WIDE_LIMIT - 1, WIDE_LIMIT - 1, WIDE_LIMIT)
def test_a_product_of_124_bits_is_divided_exactly(first: int, second: int, divisor: int) -> None:
    if first * second // divisor >= 2**63:
        divisor = WIDE_LIMIT
    assert divide_product(first, second, divisor) == divmod(first * second, divisor)


@settings(deadline=None)
@given(st.integers(-(2**60), 2**60), st.integers(-(2**40), 2**40), st.integers(2**39, 2**60))
def test_the_quotient_of_a_product_is_rounded_once_half_even(first: int, second: int, divisor: int) -> None:
    assert multiply_divide(first, second, divisor) == round(Fraction(first * second, divisor))


@pytest.mark.parametrize(("first", "expected"), [(1, 0), (3, 2), (5, 2), (-1, 0), (-3, -2), (-5, -2), (7, 4)])
def test_ties_go_to_the_even_neighbour(first: int, expected: int) -> None:
    assert multiply_divide(first, 1, 2) == expected
    # ... also where whole and part are split: 1.5 * 10**9 times an odd rate.
    assert multiply_divide(1_500_000_000, 1, 1_000_000_000) == 2
    assert multiply_divide(500_000_000, 1, 1_000_000_000) == 0


FRACTIONS = st.sampled_from([(UNITS, 1), (2 * UNITS, 1), (10**9, 1), (100 * 10**9, 1), (1, 3), (7, 1000), (1, 10**6)])


@settings(deadline=None)
@given(st.integers(-(10**7), 10**7), st.integers(1, PROFIT_TICKS_LIMIT), FRACTIONS)
def test_value_is_contracts_over_price(lots: int, price: int, unit: tuple[int, int]) -> None:
    assert inverse_value(lots, price, *unit) == round(Fraction(lots * unit[0], price * unit[1]))
    assert worth_of(lots, price, *unit, True) == -inverse_value(lots, price, *unit)


@settings(deadline=None)
@given(st.integers(-(10**7), 10**7), st.integers(1, 2**21), st.integers(1, 2**21), FRACTIONS)
def test_profit_is_rounded_once(lots: int, entry: int, exit_: int, unit: tuple[int, int]) -> None:
    n, d = unit
    exact = Fraction(lots * n, d) * (Fraction(1, entry) - Fraction(1, exit_))
    assert inverse_profit(lots, entry, exit_, n, d) == round(exact)
    # The ledger books both values: it is at most one unit away.
    booked = worth_of(lots, exit_, n, d, True) - worth_of(lots, entry, n, d, True)
    assert abs(booked - round(exact)) <= 1


def test_the_bounds_hold_at_the_bound() -> None:
    lots = WIDE_LIMIT // HALF_DOLLAR
    assert inverse_value(lots, 1, HALF_DOLLAR, 1) == lots * HALF_DOLLAR
    assert inverse_value(-lots, WIDE_LIMIT, HALF_DOLLAR, 1) == -1
    top = PROFIT_TICKS_LIMIT
    exact = Fraction(lots * HALF_DOLLAR) * (Fraction(1, top - 1) - Fraction(1, top))
    assert inverse_profit(lots, top - 1, top, HALF_DOLLAR, 1) == round(exact)
    assert inverse_profit(-lots, 1, top, HALF_DOLLAR, 1) == -round(Fraction(lots * HALF_DOLLAR * (top - 1), top))


# side, lots, price, and whether funding is settled afterwards, at which mark and rate
FILLS = st.lists(
    st.tuples(
        st.sampled_from([1, -1]),
        st.integers(1, 5_000),
        st.integers(1_000, 200_000),
        st.integers(-3_000_000, 3_000_000),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(FILLS, st.integers(1_000, 200_000), st.booleans(), st.sampled_from([(3, 1), (UNITS, 1), (1, 3), (7, 64)]))
def test_nothing_is_lost(
    fills: list[tuple[int, int, int, int]], mark: int, inverse: bool, unit: tuple[int, int]
) -> None:
    n, d = unit
    initial = cash = 10**12
    fees = paid = flows = 0
    basis = Basis(0, 0, 0)
    for side, lots, price, rate in fills:
        worth = worth_of(side * lots, price, n, d, inverse)
        fee = fee_of(abs(worth), 550_000)
        cash -= worth + fee
        fees += fee
        flows -= worth
        basis = take_fill(basis, side * lots, worth)
        funding = (inverse_funding if inverse else linear_funding)(basis.position, mark, rate, n, d)
        cash -= funding
        paid += funding
        assert (basis.position == 0) <= (basis.cost == 0)
        value = worth_of(basis.position, mark, n, d, inverse)
        assert cash + value == initial + basis.realised + (value - basis.cost) - fees - paid
    if basis.position == 0:
        assert basis.realised == flows


def test_a_position_that_turns_is_closed_first() -> None:
    basis = take_fill(Basis(0, 0, 0), 10, 1_000)
    basis = take_fill(basis, -4, -600)
    assert basis == Basis(6, 600, 200)
    basis = take_fill(basis, -9, -900)
    assert basis == Basis(-3, -300, 200)
    assert take_fill(basis, 3, 240) == Basis(0, 0, 260)


# Examples that venues print. Bybit, "Profit & Loss calculations (Inverse Contracts)":
# https://help.bybit.com/hc/en-us/articles/900000404726-P-L-calculations-Inverse-Contracts-
def test_bybit_average_entry_price_of_an_inverse_position() -> None:
    # 1,000 at 5,000 and 2,000 at 6,000 USD: printed 5,625.00 USD.
    entry = harmonic_entry(harmonic_entry(0.0, 0, 10_000, 1_000), 1_000, 12_000, 2_000)
    assert f"{entry / 2:,.2f}" == "5,625.00"
    basis = take_fill(Basis(0, 0, 0), 1_000, worth_of(1_000, 10_000, HALF_DOLLAR, 1, True))
    basis = take_fill(basis, 2_000, worth_of(2_000, 12_000, HALF_DOLLAR, 1, True))
    assert f"{3_000 * UNITS / -basis.cost:,.2f}" == "5,625.00"


def test_bybit_profit_of_an_inverse_long_as_printed_and_exactly() -> None:
    # 1,000 contracts from 5,000 to 5,500 USD. The page rounds 1/5,000 - 1/5,500 up to eight decimals, 0.00001819,
    # before it multiplies by the contracts, and so prints 0.01819; exact is 0.0181818...
    per_contract = -(-UNITS * (11_000 - 10_000) * 2 // (10_000 * 11_000))
    assert f"{1_000 * per_contract / UNITS:.5f}" == "0.01819"
    assert inverse_profit(1_000, 10_000, 11_000, HALF_DOLLAR, 1) == 1_818_182


def test_bitmex_long_inverse_perpetual() -> None:
    # "Perpetual contracts guide examples", https://bitmex.com/app/perpetualContractsGuideExamples: 15,000 contracts at
    # 750 USD are 20 XBT; funding of 0.25 % takes 0.05 XBT; closed at 800 USD they earn 1.25 XBT, 1.2 XBT in total.
    assert inverse_value(15_000, 1_500, HALF_DOLLAR, 1) == 20 * UNITS
    profit = inverse_profit(15_000, 1_500, 1_600, HALF_DOLLAR, 1)
    funding = inverse_funding(15_000, 1_500, 2_500_000, HALF_DOLLAR, 1)
    assert (profit, funding, profit - funding) == (125_000_000, 5_000_000, 120_000_000)


def test_binance_coin_margined_notional() -> None:
    # "How to calculate liquidation price of COIN-M futures contracts",
    # https://www.binance.com/es-MX/support/faq/ceccfcfb4e3a45e3b48b0b1bb1a8ae46: 100 contracts of 100 USD at 25,000 are
    # 0.4 BTC. Ticks of 0.1.
    assert inverse_value(100, 250_000, 100 * 10 * UNITS, 1) == 40_000_000


def test_a_value_on_linear_agrees_with_the_ledger_of_linear() -> None:
    assert worth_of(-3, 1_001, 1, 2, False) == divide_half_even(-3_003, 2)
