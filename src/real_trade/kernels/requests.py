"""What a strategy asks for on one bar, written into the order table.

The readable counterpart of the book is `real_trade.sim.SimulatedVenue`; a parity test holds the two together.
"""

from __future__ import annotations

from typing import Any

from real_trade.kernels.accounting import Terms, refuse_order
from real_trade.kernels.jit import compiled, int_table
from real_trade.kernels.matching import TRAILING_STOP
from real_trade.kernels.tables import (
    ACCEPTED,
    AMEND,
    CANCEL,
    CANCEL_ALL,
    F_ORDER,
    F_PRICE,
    FAR,
    FILL_COLUMNS,
    MAX_REQUESTS,
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
    R_ACTION,
    R_EXPIRE,
    R_FLAGS,
    R_LOTS,
    R_ORDER,
    R_PRICE,
    R_SIDE,
    R_TRIGGER,
    REQUEST_COLUMNS,
    W_ARRIVE,
    W_ENTRY_AT_OPEN,
    W_ENTRY_PRICE,
    W_ENTRY_STEP,
    W_LIVE,
    W_NEW,
    W_PENDING,
    W_PENDING_LOTS,
    W_PENDING_MS,
    W_PENDING_PRICE,
    W_PENDING_TRIGGER,
    W_ROW,
    W_TRAIL,
    WAITING,
    WORKING_COLUMNS,
    Counts,
    end_order,
    is_open,
    move_row,
)
from real_trade.model.order import Flag, OrderStatus, RejectReason

_CANCELED = int(OrderStatus.CANCELED)
_REJECTED = int(OrderStatus.REJECTED)
_BY_STRATEGY = int(RejectReason.BY_STRATEGY)
_ENTRY_GONE = int(RejectReason.ENTRY_GONE)
_REDUCE_ONLY = int(Flag.REDUCE_ONLY)


@compiled
def take_requests(
    bar: int,
    time_ms: int,
    now_ms: int,
    close: int,
    requests: Any,
    orders: Any,
    working: Any,
    fills: Any,
    counts: Counts,
    position: int,
    terms: Terms,
) -> Counts:
    """Carry out a strategy's requests of one bar, in their order, and empty the list.

    Tables come as handles (see `kernels.jit.handle_of`). ``working`` holds open orders in order of submission; it and
    the order table have room.

    Args:
        bar, time_ms, close: the bar on which it was decided: index, opening time, closing price.
        now_ms: when it was decided.
        requests, orders, working, fills, counts, position, terms: the account in this instrument.
    """
    requests = int_table(requests, REQUEST_COLUMNS)
    orders = int_table(orders, ORDER_COLUMNS)
    working = int_table(working, WORKING_COLUMNS)
    fills = int_table(fills, FILL_COLUMNS)
    number = requests[MAX_REQUESTS, 0]
    requests[MAX_REQUESTS, 0] = 0
    requests[MAX_REQUESTS, 1] = 0
    if number > MAX_REQUESTS:
        return Counts(counts.orders, counts.fills, counts.payments, counts.working, FAR, -1, 1)
    row = counts.orders
    open_orders = counts.working
    arrive = now_ms + terms.latency_ms if terms.latency_ms > 0 else 0
    for index in range(number):
        action = requests[index, R_ACTION]
        if action < CANCEL:
            if _enter(bar, time_ms, close, requests, index, orders, row, position, terms):
                _put_to_work(arrive, close, orders, row, working, open_orders, fills, counts.fills)
                open_orders += 1
            row += 1
        elif arrive > 0:
            _send(action, arrive, requests, index, orders, working, open_orders)
        elif action == AMEND:
            _amend_at_once(requests, index, orders, working, open_orders, terms)
        else:
            open_orders = _cancel(bar, action, requests[index, R_ORDER], orders, working, open_orders)
    # The next bar must be looked at: something is new.
    lower, upper = (FAR, -1) if open_orders > 0 else (-1, FAR)
    return Counts(row, counts.fills, counts.payments, open_orders, lower, upper, 0)


@compiled
def _enter(
    bar: int, time_ms: int, close: int, requests: Any, index: int, orders: Any, row: int, position: int, terms: Terms
) -> bool:
    """Write a new order to its row and tell whether it is open."""
    kind, side, lots = requests[index, R_ACTION], requests[index, R_SIDE], requests[index, R_LOTS]
    price, trigger, flags = requests[index, R_PRICE], requests[index, R_TRIGGER], requests[index, R_FLAGS]
    entry = requests[index, R_ORDER]
    reason = 0
    if entry != 0:
        # An exit takes its side and quantity from its entry, and is judged when that fills.
        known = 0 < entry <= row
        side = -orders[entry - 1, O_SIDE] if known else 1
        lots = orders[entry - 1, O_LOTS] if known else 0
        flags |= _REDUCE_ONLY
        if not known or orders[entry - 1, O_STATUS] == _REJECTED or (price <= 0 and trigger <= 0):
            reason = _ENTRY_GONE
    else:
        reason = refuse_order(kind, side, lots, price, trigger, flags, close, position, terms)
    orders[row, O_ID] = row + 1
    orders[row, O_BAR] = bar
    orders[row, O_TIME] = time_ms
    orders[row, O_SIDE] = side
    orders[row, O_TYPE] = kind
    orders[row, O_LOTS] = lots
    orders[row, O_PRICE] = price
    orders[row, O_STATUS] = _REJECTED if reason != 0 else (WAITING if entry != 0 else ACCEPTED)
    orders[row, O_REASON] = reason
    orders[row, O_FILLED] = 0
    orders[row, O_FINAL] = bar
    orders[row, O_TRIGGER] = trigger
    orders[row, O_FLAGS] = flags
    orders[row, O_EXPIRE] = requests[index, R_EXPIRE]
    orders[row, O_ENTRY] = entry
    return reason == 0


@compiled
def _put_to_work(
    arrive: int, close: int, orders: Any, row: int, working: Any, place: int, fills: Any, filled: int
) -> None:
    """Write an order that was taken into the table of working orders."""
    trigger, trails, entry = orders[row, O_TRIGGER], orders[row, O_TYPE] == TRAILING_STOP, orders[row, O_ENTRY]
    working[place, W_ROW] = row
    working[place, W_LIVE] = close + orders[row, O_SIDE] * trigger if trails else trigger
    working[place, W_TRAIL] = trigger if trails else 0
    working[place, W_NEW] = 1
    working[place, W_ARRIVE] = arrive
    working[place, W_PENDING] = 0
    working[place, W_ENTRY_STEP] = -1
    working[place, W_ENTRY_PRICE] = 0
    working[place, W_ENTRY_AT_OPEN] = 0
    if entry > 0 and orders[entry - 1, O_FILLED] > 0:
        # Attached to what has filled already: the price of its last fill is among the fills.
        fill = filled - 1
        while fills[fill, F_ORDER] != entry:
            fill -= 1
        working[place, W_ENTRY_PRICE] = fills[fill, F_PRICE]


@compiled
def _cancel(bar: int, action: int, order_id: int, orders: Any, working: Any, open_orders: int) -> int:
    kept = 0
    for place in range(open_orders):
        row = working[place, W_ROW]
        if action == CANCEL_ALL or orders[row, O_ID] == order_id:
            end_order(orders, row, bar, _CANCELED, _BY_STRATEGY)
        else:
            move_row(working, place, kept)
            kept += 1
    return kept


@compiled
def _amend_at_once(requests: Any, index: int, orders: Any, working: Any, open_orders: int, terms: Terms) -> None:
    lots, price, trigger = requests[index, R_LOTS], requests[index, R_PRICE], requests[index, R_TRIGGER]
    for place in range(open_orders):
        if working[place, W_ROW] == requests[index, R_ORDER] - 1:
            amend(lots, price, trigger, orders, working, place, terms)


@compiled
def amend(lots: int, price: int, trigger: int, orders: Any, working: Any, place: int, terms: Terms) -> None:
    """Give an open order another quantity or price; what would be refused as a new order changes nothing."""
    row = working[place, W_ROW]
    if not is_open(orders[row, O_STATUS]):
        return
    if lots > 0 and terms.min_lots <= lots <= terms.max_lots and lots > orders[row, O_FILLED]:
        orders[row, O_LOTS] = lots
    if 0 < price <= terms.max_price_ticks and orders[row, O_PRICE] > 0:
        orders[row, O_PRICE] = price
        working[place, W_NEW] = 1
    if 0 < trigger <= terms.max_price_ticks and working[place, W_LIVE] > 0 and orders[row, O_TYPE] != TRAILING_STOP:
        orders[row, O_TRIGGER] = trigger
        working[place, W_LIVE] = trigger
        working[place, W_NEW] = 1


@compiled
def _send(action: int, arrive: int, requests: Any, index: int, orders: Any, working: Any, open_orders: int) -> None:
    """Put a cancellation or an amendment on its way.

    An order has one request on its way: until that has arrived, a further amendment is dropped, and a cancellation
    takes the place of an amendment.
    """
    for place in range(open_orders):
        named = action == CANCEL_ALL or orders[working[place, W_ROW], O_ID] == requests[index, R_ORDER]
        pending = working[place, W_PENDING]
        if named and (pending == 0 or (action != AMEND and pending == AMEND)):
            working[place, W_PENDING] = AMEND if action == AMEND else CANCEL
            working[place, W_PENDING_MS] = arrive
            working[place, W_PENDING_LOTS] = requests[index, R_LOTS]
            working[place, W_PENDING_PRICE] = requests[index, R_PRICE]
            working[place, W_PENDING_TRIGGER] = requests[index, R_TRIGGER]
