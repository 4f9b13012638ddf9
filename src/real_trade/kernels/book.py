"""The compiled order book of one strategy in one instrument: orders taken, orders matched, tables that grow.

The readable counterpart is `real_trade.sim.SimulatedVenue`; a parity test holds the two together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from real_trade.kernels.accounting import Ledger, Terms, book_fill, fee_of, refuse_fill, refuse_order, value_of
from real_trade.kernels.jit import compiled, int_table
from real_trade.kernels.matching import execute
from real_trade.model.order import OrderStatus, RejectReason

# Requests of a strategy on one bar: rows (action, side, lots, price), and in the last row, first cell, their number.
MAX_REQUESTS = 64
REQUEST_ROWS = MAX_REQUESTS + 1
REQUEST_COLUMNS = 4
# Actions 0, 1, 2 submit an order of that type.
CANCEL = 3
CANCEL_ALL = 4

# Columns of the order table, as in backtest.result.ORDER_DTYPE.
O_ID, O_BAR, O_TIME, O_SIDE, O_TYPE, O_LOTS, O_PRICE, O_STATUS, O_REASON, O_FILLED, O_FINAL = range(11)
ORDER_COLUMNS = 11
# Columns of the fill table, as in backtest.result.FILL_DTYPE.
F_ORDER, F_BAR, F_TIME, F_SIDE, F_PRICE, F_LOTS, F_FEE, F_MAKER = range(8)
FILL_COLUMNS = 8

_ACCEPTED = int(OrderStatus.ACCEPTED)
_FILLED = int(OrderStatus.FILLED)
_CANCELED = int(OrderStatus.CANCELED)
_REJECTED = int(OrderStatus.REJECTED)
_BY_STRATEGY = int(RejectReason.BY_STRATEGY)
# Beyond this, cash plus the largest position could leave 64 bits.
CASH_LIMIT = 2**61


class Counts(NamedTuple):
    """How far the tables are used.

    Attributes:
        orders, fills: rows written.
        working: open orders.
        failure: 0, or why the run cannot go on: 1 too many requests on one bar, 2 money beyond 64 bits.
    """

    orders: int
    fills: int
    working: int
    failure: int


@compiled
def with_room(table: Any, needed: int) -> Any:
    """Return the table, or a larger copy if it has fewer than ``needed`` rows."""
    rows = table.shape[0]
    if needed <= rows:
        return table
    while rows < needed:
        rows *= 2
    larger = np.zeros((rows, table.shape[1]), np.int64)
    larger[: table.shape[0]] = table
    return larger


@compiled
def take_requests(
    bar: int, time_ms: int, close: int, requests: Any, orders: Any, working: Any, counts: Counts, terms: Terms
) -> Counts:
    """Carry out a strategy's requests of one bar, in their order, and empty the list.

    Tables come as handles (see `kernels.jit.handle_of`). ``working`` holds the row numbers of open orders in order of
    submission; both tables have room.
    """
    requests = int_table(requests, REQUEST_COLUMNS)
    orders = int_table(orders, ORDER_COLUMNS)
    working = int_table(working, 1)
    number = requests[MAX_REQUESTS, 0]
    requests[MAX_REQUESTS, 0] = 0
    requests[MAX_REQUESTS, 1] = 0
    if number > MAX_REQUESTS:
        return Counts(counts.orders, counts.fills, counts.working, 1)
    row = counts.orders
    open_orders = counts.working
    for index in range(number):
        action = requests[index, 0]
        if action >= CANCEL:
            open_orders = _cancel(bar, action, requests[index, 2], orders, working, open_orders)
            continue
        side, lots, price = requests[index, 1], requests[index, 2], requests[index, 3]
        reason = refuse_order(action, lots, price, close, terms)
        orders[row, O_ID] = row + 1
        orders[row, O_BAR] = bar
        orders[row, O_TIME] = time_ms
        orders[row, O_SIDE] = side
        orders[row, O_TYPE] = action
        orders[row, O_LOTS] = lots
        orders[row, O_PRICE] = price
        orders[row, O_STATUS] = _ACCEPTED if reason == 0 else _REJECTED
        orders[row, O_REASON] = reason
        orders[row, O_FILLED] = 0
        orders[row, O_FINAL] = bar
        if reason == 0:
            working[open_orders, 0] = row
            open_orders += 1
        row += 1
    return Counts(row, counts.fills, open_orders, 0)


@compiled
def _cancel(bar: int, action: int, order_id: int, orders: Any, working: Any, open_orders: int) -> int:
    kept = 0
    for index in range(open_orders):
        row = working[index, 0]
        if action == CANCEL_ALL or orders[row, O_ID] == order_id:
            orders[row, O_STATUS] = _CANCELED
            orders[row, O_REASON] = _BY_STRATEGY
            orders[row, O_FINAL] = bar
        else:
            working[kept, 0] = row
            kept += 1
    return kept


@compiled
def match_bar(
    bar: int,
    time_ms: int,
    open_: int,
    high: int,
    low: int,
    orders: Any,
    working: Any,
    fills: Any,
    counts: Counts,
    ledger: Ledger,
    terms: Terms,
) -> tuple[Counts, Ledger]:
    """Match every open order against one bar, in order of submission.

    Tables come as handles (see `kernels.jit.handle_of`); the fill table has room for one fill each.
    """
    orders = int_table(orders, ORDER_COLUMNS)
    working = int_table(working, 1)
    fills = int_table(fills, FILL_COLUMNS)
    kept = 0
    fill = counts.fills
    for index in range(counts.working):
        row = working[index, 0]
        side = orders[row, O_SIDE]
        lots = orders[row, O_LOTS]
        found = execute(
            orders[row, O_TYPE], side, orders[row, O_PRICE], orders[row, O_BAR] == bar - 1, open_, high, low
        )
        price = found.price_ticks
        if price == 0:
            working[kept, 0] = row
            kept += 1
            continue
        rate = terms.maker_rate if found.maker else terms.taker_rate
        fee = fee_of(value_of(lots, price, terms), rate)
        reason = refuse_fill(ledger, side, lots, price, fee, terms)
        orders[row, O_FINAL] = bar
        if reason != 0:
            orders[row, O_STATUS] = _REJECTED
            orders[row, O_REASON] = reason
            continue
        ledger = book_fill(ledger, side, lots, price, fee, terms)
        orders[row, O_STATUS] = _FILLED
        orders[row, O_FILLED] = lots
        fills[fill, F_ORDER] = orders[row, O_ID]
        fills[fill, F_BAR] = bar
        fills[fill, F_TIME] = time_ms
        fills[fill, F_SIDE] = side
        fills[fill, F_PRICE] = price
        fills[fill, F_LOTS] = lots
        fills[fill, F_FEE] = fee
        fills[fill, F_MAKER] = 1 if found.maker else 0
        fill += 1
    failure = 2 if abs(ledger.cash) > CASH_LIMIT else 0
    return Counts(counts.orders, fill, kept, failure), ledger
