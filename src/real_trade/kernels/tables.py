"""The tables of a compiled run: orders, fills and payments as rows of int64, and how far they are used."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from real_trade.kernels.jit import compiled
from real_trade.model.order import OrderStatus

# Requests of a strategy on one bar: a row each, and in the last row their number and the number of submissions.
MAX_REQUESTS: Final = 64
REQUEST_ROWS: Final = MAX_REQUESTS + 1
R_ACTION, R_SIDE, R_LOTS, R_PRICE, R_TRIGGER, R_FLAGS, R_EXPIRE, R_ORDER = range(8)
REQUEST_COLUMNS: Final = 8
# Actions below these submit an order of that type.
CANCEL: Final = 16
CANCEL_ALL: Final = 17
AMEND: Final = 18

# Columns of the order table, as in backtest.result.ORDER_DTYPE.
O_ID, O_BAR, O_TIME, O_SIDE, O_TYPE, O_LOTS, O_PRICE, O_STATUS, O_REASON, O_FILLED, O_FINAL = range(11)
O_TRIGGER, O_FLAGS, O_EXPIRE, O_ENTRY = range(11, 15)
ORDER_COLUMNS: Final = 15

# Columns of the table of working orders: what matters only while an order is open. Its row in the order table, live
# trigger, trail, whether it has yet to meet its first bar, when it reaches the venue; what is on its way to it, and
# when that arrives; step, price and manner of its entry's last fill.
W_ROW, W_LIVE, W_TRAIL, W_NEW, W_ARRIVE = range(5)
W_PENDING, W_PENDING_MS, W_PENDING_LOTS, W_PENDING_PRICE, W_PENDING_TRIGGER = range(5, 10)
W_ENTRY_STEP, W_ENTRY_PRICE, W_ENTRY_AT_OPEN = range(10, 13)
WORKING_COLUMNS: Final = 13

# Columns of the fill table, as in backtest.result.FILL_DTYPE.
F_ORDER, F_BAR, F_TIME, F_SIDE, F_PRICE, F_LOTS, F_FEE, F_MAKER, F_AMBIGUOUS, F_SLIPPAGE = range(10)
FILL_COLUMNS: Final = 10

# Columns of the table of funding payments, as in backtest.result.PAYMENT_DTYPE.
P_BAR, P_TIME, P_LOTS, P_PRICE, P_RATE, P_AMOUNT = range(6)
PAYMENT_COLUMNS: Final = 6

# Beyond this, cash plus the largest position could leave 64 bits.
CASH_LIMIT: Final = 2**61
# Above every price.
FAR: Final = 2**62

WAITING: Final = int(OrderStatus.INITIALIZED)
ACCEPTED: Final = int(OrderStatus.ACCEPTED)
PARTIAL: Final = int(OrderStatus.PARTIALLY_FILLED)


class Counts(NamedTuple):
    """How far the tables of one instrument are used, and when it must be looked at again.

    Attributes:
        orders, fills, payments: rows written.
        working: open orders.
        lower, upper: while the low of a bar is above ``lower`` and its high below ``upper``, no open order can do
            anything; ``lower`` is beyond every price where the next bar must be looked at whatever it is.
        failure: 0, or why the run cannot go on: 1 too many requests on one bar, 2 money beyond 64 bits.
    """

    orders: int
    fills: int
    payments: int
    working: int
    lower: int
    upper: int
    failure: int


class Market(NamedTuple):
    """One bar as the book sees it.

    Attributes:
        bar: index of the bar of the run that it is, or lies in.
        step: a number that no other bar that is matched has.
        time_ms, end_ms: its opening time, and the time by which it is over.
        open, high, low, close: ticks.
        lots: how many lots may be filled in it.
        volume_lots: its volume in lots.
        range_ticks: true range of the bar before.
        is_trade: it is a single trade.
    """

    bar: int
    step: int
    time_ms: int
    end_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    volume_lots: int
    range_ticks: int
    is_trade: bool


@compiled
def no_counts() -> Counts:
    """Return the counts of empty tables."""
    return Counts(0, 0, 0, 0, -1, FAR, 0)


@compiled
def with_room(table: Any, needed: int) -> Any:
    """Return the table, or a larger copy if it has fewer than ``needed`` rows."""
    rows = table.shape[0]
    if needed <= rows:
        return table
    while rows < needed:
        rows *= 4
    # Not cleared: every row is written whole before it is read, and untouched memory costs nothing.
    larger = np.empty((rows, table.shape[1]), np.int64)
    # By element: the assignment of a slice takes the compiler three seconds, for the message of its error.
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):
            larger[row, column] = table[row, column]
    return larger


@compiled
def is_open(status: int) -> bool:
    """Tell whether an order of this status may still fill by itself."""
    return status in (WAITING, ACCEPTED, PARTIAL)


@compiled
def end_order(orders: Any, row: int, bar: int, status: int, reason: int) -> None:
    """Write the end of an order."""
    orders[row, O_STATUS] = status
    orders[row, O_REASON] = reason
    orders[row, O_FINAL] = bar


@compiled
def note_fill(
    fills: Any,
    fill: int,
    orders: Any,
    row: int,
    bar: int,
    time_ms: int,
    lots: int,
    price: int,
    fee: int,
    maker: bool,
    ambiguous: bool,
) -> None:
    """Write a fill without slippage into the fill table."""
    fills[fill, F_ORDER] = orders[row, O_ID]
    fills[fill, F_BAR] = bar
    fills[fill, F_TIME] = time_ms
    fills[fill, F_SIDE] = orders[row, O_SIDE]
    fills[fill, F_PRICE] = price
    fills[fill, F_LOTS] = lots
    fills[fill, F_FEE] = fee
    fills[fill, F_MAKER] = 1 if maker else 0
    fills[fill, F_AMBIGUOUS] = 1 if ambiguous else 0
    fills[fill, F_SLIPPAGE] = 0


@compiled
def move_row(working: Any, source: int, target: int) -> None:
    """Copy a row of the table of working orders to an earlier place."""
    if source != target:
        for column in range(WORKING_COLUMNS):
            working[target, column] = working[source, column]
