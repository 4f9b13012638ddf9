"""Inverse contracts: quoted in quote, settled in base. All amounts are integers: ticks, lots, money units of 1e-8 base.

What a contract is worth (Bybit, "Profit & Loss calculations (Inverse Contracts)"; Binance, "A beginner's guide to
futures trading", COIN-M):

    value = contracts * contract value / price                      in base
    profit of a long = contracts * contract value * (1 / entry - 1 / exit)

With ``lots`` and ``price_ticks``, the value is ``lots * numerator / (price_ticks * denominator)`` money units, where
``numerator / denominator = quantity_step * contract_value / tick_size * 1e8`` in lowest terms. (On spot and linear the
price multiplies: ``lots * price_ticks * numerator / denominator``, with ``quantity_step * tick_size``.)

**The cash-flow ledger, settled in base.** A long inverse position gains when its value in base *falls*: it is a debt of
that value. So its *worth* is minus its value (`worth_of`), and the ledger of spot and linear holds unchanged:

    a fill:    cash = cash - worth of the lots acquired - fee       (buying *credits* the value, selling debits it)
    equity  =  cash + worth of the position at the price of now

Each fill's value is rounded once, half-even, and everything from there on is exact. A round trip's profit is the
difference of two booked values; it may differ by one money unit from `inverse_profit`, which rounds the difference.

**Realised and unrealised** are views of the same flows. `Basis` carries what the open position has cost; a fill that
reduces it releases its share of that cost, rounded once, so that always and exactly

    cash + worth = initial + realised + (worth - cost) - fees - funding
"""

from __future__ import annotations

from typing import Final, NamedTuple

from real_trade.kernels.arithmetic import divide_half_even, multiply_divide
from real_trade.kernels.jit import compiled

# Two prices whose product may be a divisor: the limit for `inverse_profit` where the denominator is 1.
PROFIT_TICKS_LIMIT: Final = 2**31


@compiled
def inverse_value(lots: int, price_ticks: int, numerator: int, denominator: int) -> int:
    """Return the value in base of so many contracts at a price, money units, signed like the lots, rounded once.

    ``abs(lots) * numerator`` and ``price_ticks * denominator`` are at most 2**62.
    """
    return divide_half_even(lots * numerator, price_ticks * denominator)


@compiled
def inverse_profit(lots: int, entry_ticks: int, exit_ticks: int, numerator: int, denominator: int) -> int:
    """Return ``lots * (1 / entry - 1 / exit)`` in money units of base, the difference rounded once.

    Short positions have negative lots. ``abs(lots) * numerator`` and ``entry_ticks * exit_ticks * denominator`` are at
    most 2**62.
    """
    return multiply_divide(lots * numerator, exit_ticks - entry_ticks, entry_ticks * exit_ticks * denominator)


@compiled
def worth_of(lots: int, price_ticks: int, numerator: int, denominator: int, inverse: bool) -> int:
    """Return what signed lots add to equity at a price, money units: their value, or minus it on inverse contracts.

    Fraction and bounds as in `inverse_value`, on linear ``abs(lots) * price_ticks * numerator`` at most 2**62.
    """
    if inverse:
        return -inverse_value(lots, price_ticks, numerator, denominator)
    return divide_half_even(lots * price_ticks * numerator, denominator)


@compiled
def harmonic_entry(entry_ticks: float, held: int, price_ticks: int, lots: int) -> float:
    """Return the mean entry price after adding to an inverse position: contracts over their value in base.

    A statistic, as is the mean entry of a linear position: nothing is booked from it. Source: Bybit, "Profit & Loss
    calculations (Inverse Contracts)", average entry price.

    Args:
        entry_ticks: mean entry so far, any number where nothing is held.
        held, lots: quantity held and added, both positive or zero held.
        price_ticks: price of the addition.
    """
    if held == 0:
        return float(price_ticks)
    return (held + lots) / (held / entry_ticks + lots / price_ticks)


class Basis(NamedTuple):
    """What a position has cost and what has been realised, money units; exact, for spot, linear and inverse.

    Attributes:
        position: signed lots.
        cost: sum of the worth acquired that is still open; 0 when flat.
        realised: profit of what was closed, before fees and funding.
    """

    position: int
    cost: int
    realised: int


@compiled
def take_fill(basis: Basis, lots: int, worth: int) -> Basis:
    """Return the basis after a fill.

    Args:
        basis: before it.
        lots: signed, not 0.
        worth: of these lots at the price of the fill (`worth_of`), as booked to cash.
    """
    before = basis.position
    after = before + lots
    if before == 0 or (before > 0) == (lots > 0):
        return Basis(after, basis.cost + worth, basis.realised)
    if abs(lots) <= abs(before):
        released = multiply_divide(basis.cost, abs(lots), abs(before))
        return Basis(after, basis.cost - released, basis.realised - worth - released)
    # The position turns: what closes it is its share of the fill, the rest opens the new one.
    closing = multiply_divide(worth, abs(before), abs(lots))
    return Basis(after, worth - closing, basis.realised - closing - basis.cost)
