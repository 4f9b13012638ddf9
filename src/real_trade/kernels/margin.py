"""Margin: what a leveraged position needs, and the price at which it is liquidated. Integers throughout.

Everything is said in *values* of the position, in money units of the settlement currency, because then linear and
inverse contracts obey the same equations. ``direction`` is +1 where the position gains when its value rises (a linear
long, an inverse short), -1 where it gains when its value falls (a linear short, an inverse long): `direction_of`.

    initial margin = value / leverage
    maintenance    = value * rate - deduction          rate and deduction of the tier that the value lies in

The deduction makes the requirement continuous from tier to tier (Bybit, "Margin parameters"; Binance, "How to calculate
liquidation price of USD-M futures contracts"). A position is liquidated when

    margin + direction * (value - entry value) <= maintenance

*Present statement* (Binance on both markets; Bybit isolated since 2026-05): maintenance is taken at the mark price, so

    value = (entry value - direction * (margin + deduction)) / (1 - direction * rate)

*Classic statement* (Bybit, "Liquidation price (USDT contract)"): maintenance is taken at the entry price.

    value = entry value - direction * (margin - maintenance)

*Bankruptcy* is where the margin is gone: the same with rate, deduction and maintenance zero.

``margin`` is what backs the position. Isolated: initial margin plus what was added. Cross, one-way: `cross_margin`.
For a cash-flow ledger take 0 as entry value and cash as margin: `liquidation_ticks`.

Tiers come as a table of int64, see `real_trade.model.tiers`: (largest value, rate in 1e-9, deduction). Rates rise from
row to row, so the requirement is the largest of the tiers' lines, and the liquidation price the earliest of theirs.
"""

from __future__ import annotations

from typing import Any, Final

from real_trade.kernels.arithmetic import RATE_SCALE, divide_half_even, divide_product, multiply_divide, share_of
from real_trade.kernels.jit import compiled

# Columns of a table of tiers.
T_CAP, T_RATE, T_DEDUCTION = range(3)
TIER_COLUMNS: Final = 3

# Bounds: values, margins and deductions up to this, rates up to one half; then all results stay below 2**62.
MARGIN_VALUE_LIMIT: Final = 2**59
MAINTENANCE_RATE_LIMIT: Final = RATE_SCALE // 2


@compiled
def direction_of(side: int, inverse: bool) -> int:
    """Return +1 if a position of this side gains when its value in the settlement currency rises, else -1."""
    return -side if inverse else side


@compiled
def initial_margin(value: int, leverage: int) -> int:
    """Return the margin that opens a position of this value, rounded once, half-even."""
    return divide_half_even(abs(value), leverage)


@compiled
def tier_of(value: int, tiers: Any) -> int:
    """Return the row of the tier that a value lies in; the last one where it exceeds all."""
    last = int(tiers.shape[0]) - 1
    for row in range(last):
        if abs(value) <= int(tiers[row, T_CAP]):
            return row
    return last


@compiled
def maintenance_margin(value: int, tiers: Any) -> int:
    """Return the margin below which a position of this value is liquidated, rounded once, half-even."""
    row = tier_of(value, tiers)
    return max(0, share_of(abs(value), int(tiers[row, T_RATE])) - int(tiers[row, T_DEDUCTION]))


@compiled
def must_liquidate(balance: int, maintenance: int) -> bool:
    """Tell whether a balance (margin and unrealised profit) is used up: its ratio to maintenance reaches 100 %."""
    return balance <= maintenance


@compiled
def cross_margin(wallet: int, other_profit: int, other_maintenance: int) -> int:
    """Return what backs one position in a cross account.

    Args:
        wallet: balance without unrealised profit.
        other_profit, other_maintenance: unrealised profit and maintenance of the other positions, at their marks.
    """
    return wallet + other_profit - other_maintenance


@compiled
def bankruptcy_value(direction: int, entry_value: int, margin: int) -> int:
    """Return the value at which the margin is gone, 0 or less where that cannot happen."""
    return entry_value - direction * margin


@compiled
def classic_liquidation_value(direction: int, entry_value: int, margin: int, maintenance: int) -> int:
    """Return the value at which a position is liquidated, with its maintenance taken at the entry price."""
    return entry_value - direction * (margin - maintenance)


@compiled
def breach_value(direction: int, entry_value: int, margin: int, rate: int, deduction: int) -> int:
    """Return the value at which a position is liquidated under one tier, rounded once, half-even.

    With the taker fee as rate and no deduction this is the bankruptcy that leaves enough for the closing fee.
    """
    bare = entry_value - direction * (margin + deduction)
    return multiply_divide(bare, RATE_SCALE, RATE_SCALE - direction * rate)


@compiled
def liquidation_value(direction: int, entry_value: int, margin: int, tiers: Any) -> int:
    """Return the value at which a position is liquidated, maintenance taken at the mark price; 0 if there is none."""
    if entry_value - direction * margin <= 0:
        return 0
    found = 0
    for row in range(tiers.shape[0]):
        found = breach_value(direction, entry_value, margin, int(tiers[row, T_RATE]), int(tiers[row, T_DEDUCTION]))
        # Equity less requirement rises (falls) steadily with the value, so it is zero in one tier only.
        if found <= int(tiers[row, T_CAP]):
            break
    return max(found, 0)


@compiled
def linear_ticks(value: int, lots: int, numerator: int, denominator: int) -> int:
    """Return the price at which a linear position has a value, 0 for a value of 0 or less.

    Rounded to the earlier side, as venues do: up for a long, down for a short (negative lots).
    """
    if value <= 0:
        return 0
    ticks, rest = divide_product(value, denominator, abs(lots) * numerator)
    return ticks + 1 if lots > 0 and rest > 0 else ticks


@compiled
def inverse_ticks(value: int, lots: int, numerator: int, denominator: int) -> int:
    """Return the price at which an inverse position has a value in base, 0 for a value of 0 or less.

    Rounded as in `linear_ticks`. ``value * denominator`` is at most 2**62.
    """
    if value <= 0:
        return 0
    divisor = value * denominator
    ticks = abs(lots) * numerator // divisor
    return ticks + 1 if lots > 0 and ticks * divisor < abs(lots) * numerator else ticks


@compiled
def liquidation_ticks(position: int, cash: int, numerator: int, denominator: int, inverse: bool, tiers: Any) -> int:
    """Return the mark price at which a position is liquidated, 0 if there is none: the question a kernel asks.

    The value is rounded to a money unit before it becomes a price; where the exact price lies that close to a tick,
    the tick beside it may be given.

    Args:
        position: signed lots, not 0.
        cash: of the cash-flow ledger that backs it, in a cross account with `cross_margin` of the others.
        numerator, denominator: fraction of `kernels.inverse.worth_of`.
        inverse: settled in base.
        tiers: table of the instrument.
    """
    direction = direction_of(1 if position > 0 else -1, inverse)
    value = liquidation_value(direction, 0, cash, tiers)
    if inverse:
        return inverse_ticks(value, position, numerator, denominator)
    return linear_ticks(value, position, numerator, denominator)


@compiled
def liquidation_fee(value: int, rate: int) -> int:
    """Return the fee on the value liquidated, rounded once, half-even.

    Binance takes it on the amount liquidated ("Binance Futures liquidation protocols"); Bybit closes at the bankruptcy
    price and takes the taker fee there.
    """
    return share_of(abs(value), rate)
