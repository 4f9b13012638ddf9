"""Margin: requirements, liquidation, bankruptcy; each at its definition, at the bounds, and as venues print it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from real_trade.kernels.arithmetic import RATE_SCALE, share_of
from real_trade.kernels.inverse import inverse_value, worth_of
from real_trade.kernels.margin import (
    MAINTENANCE_RATE_LIMIT,
    MARGIN_VALUE_LIMIT,
    T_CAP,
    T_DEDUCTION,
    T_RATE,
    TIER_COLUMNS,
    bankruptcy_value,
    breach_value,
    classic_liquidation_value,
    cross_margin,
    direction_of,
    initial_margin,
    inverse_ticks,
    linear_ticks,
    liquidation_fee,
    liquidation_ticks,
    liquidation_value,
    maintenance_margin,
    must_liquidate,
    tier_of,
)
from real_trade.model.tiers import MarginTiers

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNITS = 10**8


def tiers(*rows: tuple[str, str]) -> NDArray[np.int64]:
    parsed = [(Decimal(cap), Decimal(rate), Decimal(1)) for cap, rate in rows]
    return MarginTiers.of(parsed, as_of="", source="").table()


FLAT = tiers(("1000000000", "0.005"))
STEEP = tiers(("1000", "0.004"), ("5000", "0.02"), ("20000", "0.1"), ("100000", "0.5"))


def money(text: str) -> int:
    return int(Decimal(text) * UNITS)


def test_the_table_of_tiers_has_the_columns_that_kernels_read() -> None:
    assert STEEP.shape[1] == TIER_COLUMNS
    assert STEEP[1, T_CAP] == 5_000 * UNITS
    assert STEEP[1, T_RATE] == 20_000_000
    assert STEEP[1, T_DEDUCTION] == 16 * UNITS


@settings(deadline=None)
@given(st.integers(0, 200_000 * UNITS))
def test_maintenance_is_the_largest_of_the_tiers_lines(value: int) -> None:
    lines = [round(Fraction(value * int(r[T_RATE]), RATE_SCALE)) - int(r[T_DEDUCTION]) for r in STEEP]
    assert maintenance_margin(value, STEEP) == max(0, *lines)
    assert maintenance_margin(-value, STEEP) == maintenance_margin(value, STEEP)


def test_a_tier_ends_with_its_cap() -> None:
    cap = 1_000 * UNITS
    assert [tier_of(v, STEEP) for v in (0, cap, cap + 1, 20_000 * UNITS, 10**15)] == [0, 0, 1, 2, 3]


VALUES = st.integers(UNITS, 150_000 * UNITS)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([1, -1]), VALUES, st.integers(1, 100), st.integers(0, 1_000 * UNITS))
def test_liquidation_is_where_the_balance_meets_the_requirement(
    direction: int, entry: int, leverage: int, extra: int
) -> None:
    margin = initial_margin(entry, leverage) + extra
    value = liquidation_value(direction, entry, margin, STEEP)
    if value == 0:
        # Nothing is owed at a value of 0: the margin covers the whole of it.
        assert direction > 0 and margin >= entry - 1
        return

    def surplus(at: int) -> int:
        return margin + direction * (at - entry) - maintenance_margin(at, STEEP)

    assert abs(surplus(value)) <= 2
    # Two units of money further the balance is short, two units before it is not.
    assert must_liquidate(surplus(value - direction * 4), 0)
    assert not must_liquidate(surplus(value + direction * 4), 0)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([1, -1]), st.booleans(), st.integers(100, 5_000), st.integers(1_000, 60_000), st.integers(2, 50))
def test_a_ledger_is_liquidated_at_its_price(side: int, inverse: bool, lots: int, entry: int, leverage: int) -> None:
    n, d = (UNITS * 1_000, 1) if inverse else (10**6, 1)
    position = side * lots
    worth = worth_of(position, entry, n, d, inverse)
    cash = initial_margin(worth, leverage) - worth
    price = liquidation_ticks(position, cash, n, d, inverse, STEEP)

    def short_of(at: int) -> bool:
        value = worth_of(position, at, n, d, inverse)
        return must_liquidate(cash + value, maintenance_margin(value, STEEP))

    # The requirement may be above the initial margin in the steep tiers: then it is liquidated from the start.
    if price == 0:
        assert not short_of(1) if side > 0 else not short_of(10 * entry)
        return
    assert short_of(price - side)
    assert not short_of(price + 2 * side)


def test_more_margin_moves_the_price_away() -> None:
    for direction in (1, -1):
        prices = [liquidation_value(direction, 10**12, m * 10**10, STEEP) for m in range(5, 60, 5)]
        assert prices == sorted(prices, reverse=direction > 0)


def test_prices_are_rounded_to_the_side_of_the_earlier_liquidation() -> None:
    assert [linear_ticks(10, lots, 3, 1) for lots in (1, -1)] == [4, 3]
    assert [inverse_ticks(3, lots, 10, 1) for lots in (1, -1)] == [4, 3]
    assert [linear_ticks(9, lots, 3, 1) for lots in (1, -1)] == [3, 3]
    assert linear_ticks(0, 1, 3, 1) == inverse_ticks(-5, 1, 3, 1) == 0


@pytest.mark.parametrize(
    ("side", "inverse", "expected"), [(1, False, 1), (-1, False, -1), (1, True, -1), (-1, True, 1)]
)
def test_direction(side: int, inverse: bool, expected: int) -> None:
    assert direction_of(side, inverse) == expected


@settings(deadline=None)
@given(
    st.sampled_from([1, -1]),
    st.integers(0, MARGIN_VALUE_LIMIT),
    st.integers(-MARGIN_VALUE_LIMIT, MARGIN_VALUE_LIMIT),
    st.integers(0, MAINTENANCE_RATE_LIMIT),
    st.integers(0, MARGIN_VALUE_LIMIT),
)
def test_a_breach_is_rounded_once_up_to_the_bounds(
    direction: int, entry: int, margin: int, rate: int, deduction: int
) -> None:
    bare = entry - direction * (margin + deduction)
    exact = Fraction(bare * RATE_SCALE, RATE_SCALE - direction * rate)
    assert breach_value(direction, entry, margin, rate, deduction) == round(exact)


def test_a_breach_at_the_bound() -> None:
    top, rate = MARGIN_VALUE_LIMIT, MAINTENANCE_RATE_LIMIT
    assert breach_value(1, top, -top, rate, 0) == 4 * top
    assert breach_value(1, top, top, rate, top) == -2 * top
    assert breach_value(-1, top, top, rate, top) == round(Fraction(3 * top * 2, 3))


# ---- What venues print -----------------------------------------------------------------------------------------------


# Source: Bybit, "Liquidation Price (USDT Contract)",
# https://testnet.bybit.com/en-US/help-center/s/article/Liquidation-Price-USDT-Contract
def test_bybit_liquidation_of_a_linear_long() -> None:
    # 1 BTC at 20,000 USDT, 50x, rate 0.5 %: initial 400, maintenance 100, liquidated at 19,700.
    value = money("20000")
    initial, maintenance = initial_margin(value, 50), maintenance_margin(value, FLAT)
    assert (initial, maintenance) == (money("400"), money("100"))
    found = classic_liquidation_value(1, value, initial, maintenance)
    # Ticks of 0.1, lots of 0.001.
    assert linear_ticks(found, 1_000, 10_000, 1) == 197_000


# Source: Bybit, "Liquidation Price Calculation under Isolated Mode (Unified Trading Account)",
# https://testnet.bybit.com/ar-SA/help-center/article/
#     Liquidation-Price-Calculation-under-Isolated-Mode-Unified-Trading-Account
def test_bybit_inverse_position_value_and_initial_margin() -> None:
    # 60,000 USD of BTCUSD at 50,000 USD, 10x: 1.2 BTC, initial margin 0.12 BTC.
    value = inverse_value(60_000, 100_000, 2 * UNITS, 1)
    assert (value, initial_margin(value, 10)) == (money("1.2"), money("0.12"))


def test_bybit_present_and_classic_inverse_formulas() -> None:
    # The formulas of that page in its two editions, for the position of its example; the result is cut off in the
    # stored page, so exact fractions stand in for it.
    rate, value = Fraction(5, 1000), Fraction(60_000, 50_000)
    units = inverse_value(60_000, 100_000, 2 * UNITS, 1)
    margin = initial_margin(units, 10)
    for side in (1, -1):
        direction = direction_of(side, True)
        present = 60_000 * (1 + side * rate) / (value + side * value / 10)
        found = liquidation_value(direction, units, margin, FLAT)
        assert inverse_ticks(found, side * 60_000, 2 * UNITS, 1) == (
            -(-2 * present // 1) if side > 0 else 2 * present // 1
        )
        classic = 60_000 / (value + side * (value / 10 - value * rate))
        found = classic_liquidation_value(direction, units, margin, maintenance_margin(units, FLAT))
        assert inverse_ticks(found, side * 60_000, 2 * UNITS, 1) == (
            -(-2 * classic // 1) if side > 0 else 2 * classic // 1
        )


# Source: Bybit, "How to calculate Liquidation Price (Inverse Contract)",
# https://help.bybit.com/hc/en-us/articles/360039261334-How-to-calculate-Liquidation-Price-Inverse-Contract-
def test_bybit_inverse_cross_bankruptcy_and_liquidation() -> None:
    # 0.5 BTC of balance, long 10,000 contracts at 8,000 USD, fee 0.075 %: bankrupt at 5718.57, liquidated at 5739.50.
    value = inverse_value(10_000, 800_000, 10**10, 1)
    balance = money("0.5")
    broke = breach_value(-1, value, balance, 750_000, 0)
    assert f"{10_000 * UNITS / broke:.2f}" == "5718.57"
    closing_fee = share_of(broke, 750_000)
    maintenance = maintenance_margin(value, tiers(("150", "0.005")))
    found = classic_liquidation_value(-1, value, balance, maintenance + closing_fee)
    # Ticks of 0.5 USD: up for a long, as the page says of bankruptcy prices.
    assert inverse_ticks(found, 10_000, 2 * UNITS, 1) == 2 * 5739.50


def test_bybit_bankruptcy_of_a_linear_long() -> None:
    # "Bankruptcy Price (USDT Contract)", as the help centre's search prints it,
    # https://www.bybitx.global/fil-PH/help-center/search-result?page=46&pageSize=10&query=trade:
    # 1 BTC at 10,000 USDT, 50x: 9,800 USDT.
    value = money("10000")
    assert bankruptcy_value(1, value, initial_margin(value, 50)) == money("9800")


def test_bybit_initial_margin_of_an_inverse_position() -> None:
    # "Initial Margin (Inverse Contract)", same page of search results: 12,000 contracts at 8,000 USD, 50x: 0.03 BTC.
    assert initial_margin(inverse_value(12_000, 16_000, 2 * UNITS, 1), 50) == money("0.03")


def test_bybit_value_and_margin_across_tiers() -> None:
    # "Maintenance Margin (USDT Contract)", as the help centre's search prints it,
    # https://www.bybit-global.com/kk-KZ/help-center/search-result?page=29&pageSize=10&query=Bybit: 100 XYZ at 35 USDT
    # are 3,500 USDT. Each tier's excess takes that tier's rate: 20 + 25 + 30 + 17.5 (the page's sum is cut off).
    table = tiers(("1000", "0.02"), ("2000", "0.025"), ("3000", "0.03"), ("4000", "0.035"), ("5000", "0.04"))
    value = worth_of(100, 35, UNITS, 1, False)
    assert value == money("3500")
    assert maintenance_margin(value, table) == money("92.5")


def binance(cap: str, rate: str, deduction: str) -> Any:
    return np.array([[money(cap), int(Decimal(rate) * RATE_SCALE), money(deduction)]], np.int64)


# Binance, "How to Calculate Liquidation Price of USD-M Futures Contracts", faq b3c689c1f50a44cabb3a84e663b81d93. The
# page's example is a picture; its numbers stand in the tests of freqtrade/freqtrade,
# tests/leverage/test_liquidation_price.py. Two positions in one wallet of 1,535,443.01 USDT.
WALLET = "1535443.01"
ETH = ("3683979", "1456.84", "0.1", "135365", "71200.81144", "-56354.57")
BTC = ("109488", "32481.98", "0.025", "16300", "356512.508", "-448192.89")


@pytest.mark.parametrize(
    ("position", "cross", "printed"),
    [(ETH, True, "1153.26"), (BTC, True, "26316.89"), (ETH, False, "1114.78"), (BTC, False, "18778.73")],
)
def test_binance_liquidation(position: tuple[str, ...], cross: bool, printed: str) -> None:
    lots, entry, rate, deduction, other_maintenance, other_profit = position
    # Lots of 0.001, ticks of 0.01: a thousand money units each.
    value = worth_of(int(lots), int(Decimal(entry) * 100), 1_000, 1, False)
    margin = money(WALLET)
    if cross:
        margin = cross_margin(margin, money(other_profit), money(other_maintenance))
    found = liquidation_value(1, value, margin, binance("100000000", rate, deduction))
    assert f"{found / (int(lots) * 100_000):.2f}" == printed
    # The ledger gives the same price, rounded up to a tick.
    ticks = liquidation_ticks(int(lots), margin - value, 1_000, 1, False, binance("100000000", rate, deduction))
    assert 0 <= ticks - 100 * Fraction(found, int(lots) * 100_000) < 1


def test_binance_position_information() -> None:
    # "Position Information V3", https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/
    # Position-Information-V3, response example: 30 ADA from 0.385, marked 0.41047590, tier rate 0.65 %, 20x.
    notional = worth_of(30, 41_047_590, 1, 1, False)
    assert notional == money("12.31427700")
    assert notional - worth_of(30, 38_500_000, 1, 1, False) == money("0.76427700")
    assert initial_margin(notional, 20) == money("0.61571385")
    assert maintenance_margin(notional, tiers(("10000", "0.0065"))) == money("0.08004280")


def test_binance_coin_margined_maintenance() -> None:
    # "How to calculate liquidation price of COIN-M futures contracts",
    # https://www.binance.com/es-MX/support/faq/ceccfcfb4e3a45e3b48b0b1bb1a8ae46: 100 contracts of 100 USD at 25,000,
    # rate 0.4 %: 0.0016 BTC. Ticks of 0.1.
    value = inverse_value(100, 250_000, 10**11, 1)
    assert maintenance_margin(value, tiers(("5", "0.004"))) == money("0.0016")


def test_binance_coin_margined_deductions() -> None:
    # Same article, edition of 2021, https://www.binance.com/es/support/faq/ceccfcfb4e3a45e3b48b0b1bb1a8ae46: from
    # 0.56 BTC, the level from 50 BTC (2.5 % to 5 %) deducts 1.81 BTC, and 300 BTC at 12.5 % deducts 11.81 BTC.
    # (The levels below 50 BTC are not printed; one that leads to 0.56 BTC stands in for them.)
    rows = [("28", "0.005"), ("50", "0.025"), ("100", "0.05"), ("200", "0.1"), ("400", "0.125")]
    table = tiers(*rows)
    assert [int(row[T_DEDUCTION]) for row in table[1:3]] == [money("0.56"), money("1.81")]
    deep = tier_of(money("300"), table)
    assert (int(table[deep, T_RATE]), int(table[deep, T_DEDUCTION])) == (125_000_000, money("11.81"))


def test_binance_liquidation_fee() -> None:
    # "Liquidation", https://binance.zendesk.com/hc/en-us/articles/360033525271-Liquidation: 0.3 % of the amount
    # liquidated on BTC/USDT, 0.5 % elsewhere. No amount is printed.
    assert liquidation_fee(money("10000"), 3_000_000) == liquidation_fee(-money("10000"), 3_000_000) == money("30")
