"""Liquidation: when the venue closes a position because its margin is used up, and at what price.

A position is liquidated when the mark price reaches its liquidation price (`kernels.margin`). Bybit closes it at the
bankruptcy price, where its margin is gone (Bybit, "Liquidation process"); Binance closes it at the market and takes a
fee on the value liquidated (Binance, "Binance Futures liquidation protocols"). In a bar that is the worse of
liquidation price and open, but no worse than the bankruptcy price: beyond it the loss is the venue's. The fee is cut to
what is left.
"""

from __future__ import annotations

from typing import Any

from real_trade.kernels.accounting import Ledger, Terms, book_fill, fee_of, value_of, worth_of
from real_trade.kernels.arithmetic import WIDE_LIMIT
from real_trade.kernels.jit import compiled, int_table
from real_trade.kernels.margin import (
    TIER_COLUMNS,
    bankruptcy_value,
    direction_of,
    inverse_ticks,
    linear_ticks,
    liquidation_value,
    maintenance_margin,
)
from real_trade.kernels.matching import MARKET, PESSIMISTIC, is_protective
from real_trade.kernels.tables import (
    FAR,
    FILL_COLUMNS,
    O_BAR,
    O_ENTRY,
    O_EXPIRE,
    O_FILLED,
    O_FINAL,
    O_FLAGS,
    O_ID,
    O_LOTS,
    O_PRICE,
    O_REASON,
    O_SIDE,
    O_STATUS,
    O_TIME,
    O_TRIGGER,
    O_TYPE,
    ORDER_COLUMNS,
    W_ARRIVE,
    W_LIVE,
    W_ROW,
    WORKING_COLUMNS,
    Counts,
    Market,
    end_order,
    is_open,
    note_fill,
)
from real_trade.model.order import OrderStatus, RejectReason

_FILLED = int(OrderStatus.FILLED)
_CANCELED = int(OrderStatus.CANCELED)
_LIQUIDATION = int(RejectReason.LIQUIDATION)


@compiled
def _ticks_of(value: int, lots: int, terms: Terms) -> int:
    """Return the price at which a position of so many signed lots has a value, rounded in its owner's favour."""
    if terms.inverse:
        if value > WIDE_LIMIT // terms.value_denominator:
            # A price so low that it is none.
            return 0
        return inverse_ticks(value, lots, terms.value_numerator, terms.value_denominator)
    return linear_ticks(value, lots, terms.value_numerator, terms.value_denominator)


@compiled
def _backed_by(ledger: Ledger, terms: Terms, backing: int) -> tuple[int, int]:
    """Return entry value and margin of a position, as `kernels.margin` understands them."""
    if terms.isolated:
        return abs(ledger.cost), ledger.margin
    # In a cross account the cash of the ledger stands for both: entry value 0, see `margin.liquidation_ticks`.
    return 0, ledger.cash + backing


@compiled
def liquidation_price(ledger: Ledger, terms: Terms, tiers: Any, backing: int) -> int:
    """Return the mark price in ticks at which a position is liquidated, 0 if there is none.

    Args:
        ledger: with a position.
        terms: the account's.
        tiers: handle of the instrument's table of margin tiers; a last row of negative cap ends it.
        backing: cross: equity of the account's other instruments less their maintenance margin.
    """
    tiers = table_of(tiers)
    entry_value, margin = _backed_by(ledger, terms, backing)
    direction = direction_of(1 if ledger.position > 0 else -1, terms.inverse)
    return _ticks_of(liquidation_value(direction, entry_value, margin, tiers), ledger.position, terms)


@compiled
def table_of(tiers: Any) -> Any:
    """Return the rows of a table of tiers behind a handle."""
    rows = int_table(tiers, TIER_COLUMNS)
    number = 0
    while rows[number, 0] >= 0:
        number += 1
    return rows[:number]


@compiled
def liquidation_band(ledger: Ledger, terms: Terms, tiers: Any) -> tuple[int, int]:
    """Return the mark prices, below and above, that liquidate the position of an account in one instrument.

    ``-1`` and a price beyond all stand for none.
    """
    if ledger.position == 0 or not terms.short_allowed:
        return -1, FAR
    price = liquidation_price(ledger, terms, tiers, 0)
    if price == 0:
        return -1, FAR
    return (price, FAR) if ledger.position > 0 else (-1, price)


@compiled
def maintenance_of(ledger: Ledger, price_ticks: int, terms: Terms, tiers: Any) -> int:
    """Return the maintenance margin of a position at a price, money units."""
    if ledger.position == 0 or not terms.short_allowed:
        return 0
    return maintenance_margin(value_of(ledger.position, price_ticks, terms), table_of(tiers))


@compiled
def adverse(position: int, high: int, low: int) -> int:
    """Return the price of a bar that is worst for a position."""
    return low if position > 0 else high


@compiled
def liquidates_first(
    market: Market,
    price: int,
    orders: Any,
    working: Any,
    count: int,
    position: int,
    terms: Terms,
) -> bool:
    """Tell whether a bar is taken to reach the liquidation price before an order executes inside it.

    The pessimistic policy says so, unless there is a stop whose trigger lies before the liquidation price.

    Args:
        market: the bar; it reaches the price.
        price: the liquidation price.
        orders, working, count: the tables, and how many orders were working when the bar began.
        position: signed lots.
        terms: the account's.
    """
    if terms.policy != PESSIMISTIC:
        return False
    for place in range(count):
        row = working[place, W_ROW]
        if not is_open(orders[row, O_STATUS]) or working[place, W_ARRIVE] >= market.end_ms:
            continue
        side, live = orders[row, O_SIDE], working[place, W_LIVE]
        if side * position < 0 and is_protective(orders[row, O_TYPE]) and live != 0 and side * (live - price) < 0:
            return False
    return True


@compiled
def liquidate(
    market: Market,
    price: int,
    orders: Any,
    working: Any,
    fills: Any,
    counts: Counts,
    ledger: Ledger,
    terms: Terms,
    backing: int,
) -> tuple[Counts, Ledger]:
    """Cancel every order and close the position; the order table and the fill table have room for one more row.

    Args:
        market: the bar.
        price: the liquidation price.
        orders, working, fills, counts, ledger, terms: the account in this instrument.
        backing: cross: equity of the account's other instruments.
    """
    orders = int_table(orders, ORDER_COLUMNS)
    working = int_table(working, WORKING_COLUMNS)
    fills = int_table(fills, FILL_COLUMNS)
    for index in range(counts.working):
        if is_open(orders[working[index, W_ROW], O_STATUS]):
            end_order(orders, working[index, W_ROW], market.bar, _CANCELED, _LIQUIDATION)
    side, lots = (-1, ledger.position) if ledger.position > 0 else (1, -ledger.position)
    at = closing_price(market.open, market.high, market.low, price, ledger, terms, backing)
    fee = liquidation_fee_of(at, ledger, terms, backing)
    row = counts.orders
    orders[row, O_ID] = row + 1
    orders[row, O_BAR] = market.bar
    orders[row, O_TIME] = market.time_ms
    orders[row, O_SIDE] = side
    orders[row, O_TYPE] = MARKET
    orders[row, O_LOTS] = lots
    orders[row, O_STATUS] = _FILLED
    orders[row, O_REASON] = _LIQUIDATION
    orders[row, O_FILLED] = lots
    orders[row, O_FINAL] = market.bar
    for column in (O_PRICE, O_TRIGGER, O_FLAGS, O_EXPIRE, O_ENTRY):
        orders[row, column] = 0
    note_fill(fills, counts.fills, orders, row, market.bar, market.time_ms, lots, at, fee, False, False)
    after = Counts(row + 1, counts.fills + 1, counts.payments, 0, -1, FAR, counts.failure)
    return after, book_fill(ledger, side, lots, at, fee, terms)


@compiled
def closing_price(open_: int, high: int, low: int, price: int, ledger: Ledger, terms: Terms, backing: int) -> int:
    """Return the price at which a position is liquidated in a bar that reaches its liquidation price, ticks."""
    is_long = ledger.position > 0
    entry_value, margin = _backed_by(ledger, terms, backing)
    direction = direction_of(1 if is_long else -1, terms.inverse)
    bankrupt = _ticks_of(max(bankruptcy_value(direction, entry_value, margin), 0), ledger.position, terms)
    at = min(price, open_) if is_long else max(price, open_)
    if bankrupt > 0:
        beyond = at < bankrupt if is_long else at > bankrupt
        at = bankrupt if terms.at_bankruptcy or beyond else at
    # In a cross account other positions may have brought it about: then this one is closed within the bar.
    return at if backing == 0 else max(min(at, high), low)


@compiled
def liquidation_fee_of(price_ticks: int, ledger: Ledger, terms: Terms, backing: int) -> int:
    """Return the fee of a liquidation at a price, cut to what is left of the margin."""
    worth = worth_of(ledger.position, price_ticks, terms)
    left = ledger.margin + worth - ledger.cost if terms.isolated else ledger.cash + backing + worth
    return max(0, min(fee_of(abs(worth), terms.liquidation_rate), left))
