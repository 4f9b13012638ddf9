"""The compiled order book of one strategy in one instrument: orders taken, orders matched, tables that grow.

The readable counterpart is `real_trade.sim.SimulatedVenue`; a parity test holds the two together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from real_trade.kernels.accounting import Ledger, Terms, book_fill, fee_of, refuse_fill, refuse_order, value_of
from real_trade.kernels.jit import compiled, int_table
from real_trade.kernels.matching import (
    CANCEL as GONE,
)
from real_trade.kernels.matching import (
    FILL,
    REST,
    TRAILING_STOP,
    Ask,
    Outcome,
    judge,
    judge_after_entry,
    wins,
)
from real_trade.kernels.slippage import taken_price
from real_trade.model.order import Flag, OrderStatus, RejectReason

# Requests of a strategy on one bar: a row each, and in the last row their number and the number of submissions.
MAX_REQUESTS = 64
REQUEST_ROWS = MAX_REQUESTS + 1
R_ACTION, R_SIDE, R_LOTS, R_PRICE, R_TRIGGER, R_FLAGS, R_EXPIRE, R_ORDER = range(8)
REQUEST_COLUMNS = 8
# Actions below these submit an order of that type.
CANCEL = 16
CANCEL_ALL = 17
AMEND = 18

# Columns of the order table; the first ones as in backtest.result.ORDER_DTYPE.
O_ID, O_BAR, O_TIME, O_SIDE, O_TYPE, O_LOTS, O_PRICE, O_STATUS, O_REASON, O_FILLED, O_FINAL = range(11)
O_TRIGGER, O_FLAGS, O_EXPIRE, O_ENTRY = range(11, 15)
# Only the book uses these: live trigger, trail, bar since which it waits; price, bar and manner of its last fill.
O_LIVE, O_TRAIL, O_SINCE, O_LAST, O_LAST_BAR, O_AT_OPEN = range(15, 21)
ORDER_COLUMNS = 21
# How many of them a result shows.
SHOWN_ORDER_COLUMNS = 15
# Columns of the fill table, as in backtest.result.FILL_DTYPE.
F_ORDER, F_BAR, F_TIME, F_SIDE, F_PRICE, F_LOTS, F_FEE, F_MAKER, F_AMBIGUOUS, F_SLIPPAGE = range(10)
FILL_COLUMNS = 10

_WAITING = int(OrderStatus.INITIALIZED)
_ACCEPTED = int(OrderStatus.ACCEPTED)
_PARTIAL = int(OrderStatus.PARTIALLY_FILLED)
_FILLED = int(OrderStatus.FILLED)
_CANCELED = int(OrderStatus.CANCELED)
_REJECTED = int(OrderStatus.REJECTED)
_EXPIRED = int(OrderStatus.EXPIRED)
_BY_STRATEGY = int(RejectReason.BY_STRATEGY)
_TIME_UP = int(RejectReason.TIME_UP)
_SIBLING = int(RejectReason.SIBLING_FILLED)
_ENTRY_GONE = int(RejectReason.ENTRY_GONE)
_REDUCE_ONLY = int(RejectReason.REDUCE_ONLY)
_NOT_AT_ONCE = int(RejectReason.NOT_FILLED_AT_ONCE)
# Answers of `_rival`.
_ALONE, _MINE, _NOT_MINE, _CERTAINLY_NOT = 0, 1, -1, -2
_IOC, _FOK, _CLOSE = int(Flag.IOC), int(Flag.FOK), int(Flag.CLOSE)
_REDUCES = int(Flag.REDUCE_ONLY) | _CLOSE
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
        rows *= 4
    # Not cleared: every row is written whole before it is read, and untouched memory costs nothing.
    larger = np.empty((rows, table.shape[1]), np.int64)
    larger[: table.shape[0]] = table
    return larger


@compiled
def take_requests(
    bar: int,
    time_ms: int,
    close: int,
    requests: Any,
    orders: Any,
    working: Any,
    counts: Counts,
    position: int,
    terms: Terms,
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
        action = requests[index, R_ACTION]
        if action == AMEND:
            _amend(bar, requests, index, orders, row, terms)
        elif action >= CANCEL:
            open_orders = _cancel(bar, action, requests[index, R_ORDER], orders, working, open_orders)
        else:
            if _enter(bar, time_ms, close, requests, index, orders, row, position, terms):
                working[open_orders, 0] = row
                open_orders += 1
            row += 1
    return Counts(row, counts.fills, open_orders, 0)


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
        flags |= _REDUCES & ~_CLOSE
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
    orders[row, O_STATUS] = _REJECTED if reason != 0 else (_WAITING if entry != 0 else _ACCEPTED)
    orders[row, O_REASON] = reason
    orders[row, O_FILLED] = 0
    orders[row, O_FINAL] = bar
    orders[row, O_TRIGGER] = trigger
    orders[row, O_FLAGS] = flags
    orders[row, O_EXPIRE] = requests[index, R_EXPIRE]
    orders[row, O_ENTRY] = entry
    orders[row, O_TRAIL] = trigger if kind == TRAILING_STOP else 0
    orders[row, O_LIVE] = close + side * trigger if kind == TRAILING_STOP else trigger
    orders[row, O_SINCE] = bar
    orders[row, O_LAST] = 0
    orders[row, O_LAST_BAR] = -1
    orders[row, O_AT_OPEN] = 0
    return reason == 0


@compiled
def _cancel(bar: int, action: int, order_id: int, orders: Any, working: Any, open_orders: int) -> int:
    kept = 0
    for index in range(open_orders):
        row = working[index, 0]
        if action == CANCEL_ALL or orders[row, O_ID] == order_id:
            _end(orders, row, bar, _CANCELED, _BY_STRATEGY)
        else:
            working[kept, 0] = row
            kept += 1
    return kept


@compiled
def _amend(bar: int, requests: Any, index: int, orders: Any, count: int, terms: Terms) -> None:
    """Give an open order another quantity or price; what would be refused as a new order changes nothing."""
    row = requests[index, R_ORDER] - 1
    if not 0 <= row < count or orders[row, O_STATUS] not in (_WAITING, _ACCEPTED, _PARTIAL):
        return
    lots, price, trigger = requests[index, R_LOTS], requests[index, R_PRICE], requests[index, R_TRIGGER]
    if lots > 0 and terms.min_lots <= lots <= terms.max_lots and lots > orders[row, O_FILLED]:
        orders[row, O_LOTS] = lots
    if 0 < price <= terms.max_price_ticks and orders[row, O_PRICE] > 0:
        orders[row, O_PRICE] = price
        orders[row, O_SINCE] = bar
    if 0 < trigger <= terms.max_price_ticks and orders[row, O_LIVE] > 0 and orders[row, O_TYPE] != TRAILING_STOP:
        orders[row, O_TRIGGER] = trigger
        orders[row, O_LIVE] = trigger
        orders[row, O_SINCE] = bar


@compiled
def _end(orders: Any, row: int, bar: int, status: int, reason: int) -> None:
    orders[row, O_STATUS] = status
    orders[row, O_REASON] = reason
    orders[row, O_FINAL] = bar


@compiled
def _ask(orders: Any, row: int, arriving: bool) -> Ask:
    return Ask(
        orders[row, O_TYPE],
        orders[row, O_SIDE],
        orders[row, O_PRICE],
        orders[row, O_LIVE],
        orders[row, O_TRAIL],
        orders[row, O_FLAGS],
        arriving,
    )


class Market(NamedTuple):
    """One bar as the book sees it.

    Attributes:
        bar: its index.
        time_ms: its opening time.
        open, high, low, close: ticks.
        lots: how many lots may be filled in it.
        volume_lots: its volume in lots.
        range_ticks: true range of the bar before.
    """

    bar: int
    time_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    volume_lots: int
    range_ticks: int


@compiled
def _wakes(orders: Any, row: int, market: Market) -> bool:
    """Tell whether an order is active in this bar; end it if its time or entry is gone, wake it if its entry filled."""
    status = orders[row, O_STATUS]
    if status not in (_WAITING, _ACCEPTED, _PARTIAL):
        return False
    if 0 < orders[row, O_EXPIRE] <= market.time_ms:
        _end(orders, row, market.bar, _EXPIRED, _TIME_UP)
        return False
    if status != _WAITING:
        return True
    entry = orders[row, O_ENTRY] - 1
    if orders[entry, O_STATUS] in (_WAITING, _ACCEPTED, _PARTIAL):
        return False
    if orders[entry, O_FILLED] == 0:
        _end(orders, row, market.bar, _CANCELED, _ENTRY_GONE)
        return False
    orders[row, O_STATUS] = _ACCEPTED
    orders[row, O_LOTS] = orders[entry, O_FILLED]
    orders[row, O_SINCE] = market.bar - 1
    if orders[row, O_TYPE] == TRAILING_STOP:
        orders[row, O_LIVE] = orders[entry, O_LAST] + orders[row, O_SIDE] * orders[row, O_TRAIL]
    return True


@compiled
def _judge(orders: Any, row: int, market: Market, terms: Terms) -> Outcome:
    ask = _ask(orders, row, orders[row, O_SINCE] == market.bar - 1)
    entry = orders[row, O_ENTRY] - 1
    if entry >= 0 and orders[entry, O_LAST_BAR] == market.bar and orders[entry, O_AT_OPEN] == 0:
        return judge_after_entry(
            ask, orders[entry, O_LAST], market.open, market.high, market.low, market.close, terms.queue, terms.policy
        )
    return judge(ask, market.open, market.high, market.low, market.close, terms.queue)


@compiled
def _rival(orders: Any, working: Any, index: int, kept: int, count: int, market: Market, terms: Terms) -> int:
    """Return whether another exit of the same entry could execute in this bar too, and which of them does."""
    row = working[index, 0]
    for place in range(count):
        if kept <= place <= index:
            continue
        other = working[place, 0]
        if orders[other, O_ENTRY] != orders[row, O_ENTRY] or not _wakes(orders, other, market):
            continue
        found = _judge(orders, other, market, terms)
        if found.event == FILL:
            if found.at_open:
                return _CERTAINLY_NOT
            mine, others = _ask(orders, row, False), _ask(orders, other, False)
            won = wins(mine, others, terms.policy, market.open, market.high, market.low, market.close)
            return _MINE if won else _NOT_MINE
    return _ALONE


@compiled
def _fillable(orders: Any, row: int, market: Market, position: int, left: int) -> int:
    """Return how many lots of an order execute now; ends one that may not or need not execute any more."""
    flags = orders[row, O_FLAGS]
    remaining = orders[row, O_LOTS] - orders[row, O_FILLED]
    if flags & _REDUCES != 0:
        held = -orders[row, O_SIDE] * position
        if held <= 0:
            _end(orders, row, market.bar, _CANCELED, _REDUCE_ONLY)
            return 0
        if flags & _CLOSE != 0 or remaining > held:
            remaining = held
            orders[row, O_LOTS] = orders[row, O_FILLED] + held
    if flags & (_FOK | _IOC) != 0 and (left <= 0 or (flags & _FOK != 0 and remaining > left)):
        _end(orders, row, market.bar, _CANCELED, _NOT_AT_ONCE)
        return 0
    lots: int = min(remaining, left)
    return lots


@compiled
def _book(orders: Any, row: int, market: Market, lots: int, price: int, at_open: bool) -> None:
    """Write a fill into its order."""
    orders[row, O_FILLED] += lots
    orders[row, O_FINAL] = market.bar
    orders[row, O_LAST] = price
    orders[row, O_LAST_BAR] = market.bar
    orders[row, O_AT_OPEN] = 1 if at_open else 0
    whole = orders[row, O_FILLED] == orders[row, O_LOTS]
    orders[row, O_STATUS] = _FILLED if whole else _PARTIAL
    if not whole and orders[row, O_FLAGS] & _IOC != 0:
        _end(orders, row, market.bar, _CANCELED, _NOT_AT_ONCE)


@compiled
def _note(
    fills: Any,
    fill: int,
    orders: Any,
    row: int,
    market: Market,
    lots: int,
    price: int,
    fee: int,
    maker: bool,
    ambiguous: bool,
) -> None:
    """Write a fill into the fill table."""
    fills[fill, F_ORDER] = orders[row, O_ID]
    fills[fill, F_BAR] = market.bar
    fills[fill, F_TIME] = market.time_ms
    fills[fill, F_SIDE] = orders[row, O_SIDE]
    fills[fill, F_PRICE] = price
    fills[fill, F_LOTS] = lots
    fills[fill, F_FEE] = fee
    fills[fill, F_MAKER] = 1 if maker else 0
    fills[fill, F_AMBIGUOUS] = 1 if ambiguous else 0


@compiled
def _end_siblings(orders: Any, working: Any, kept: int, index: int, count: int, bar: int) -> None:
    """Cancel the other exits of an entry when one of them has filled whole."""
    row = working[index, 0]
    if orders[row, O_ENTRY] == 0 or orders[row, O_STATUS] != _FILLED:
        return
    for place in range(count):
        if kept <= place <= index:
            continue
        other = working[place, 0]
        if orders[other, O_ENTRY] == orders[row, O_ENTRY] and orders[other, O_STATUS] in (
            _WAITING,
            _ACCEPTED,
            _PARTIAL,
        ):
            _end(orders, other, bar, _CANCELED, _SIBLING)


@compiled
def _drop_ended(orders: Any, working: Any, count: int) -> int:
    """Forget orders that a sibling ended after they had been kept."""
    kept = 0
    for index in range(count):
        row = working[index, 0]
        if orders[row, O_STATUS] in (_WAITING, _ACCEPTED, _PARTIAL):
            working[kept, 0] = row
            kept += 1
    return kept


@compiled
def _outcome(
    orders: Any, working: Any, index: int, kept: int, count: int, market: Market, terms: Terms
) -> tuple[Outcome, bool]:
    """Return what becomes of an active order in this bar, and whether the policy had to decide it."""
    row = working[index, 0]
    found = _judge(orders, row, market, terms)
    if found.event != FILL or found.at_open or orders[row, O_ENTRY] == 0:
        return found, False
    rival = _rival(orders, working, index, kept, count, market, terms)
    if rival < 0:
        found = Outcome(REST, 0, False, False, orders[row, O_LIVE], 0)
    return found, rival in (_MINE, _NOT_MINE)


@compiled
def _execute(
    orders: Any,
    row: int,
    found: Outcome,
    ambiguous: bool,
    lots: int,
    fills: Any,
    fill: int,
    market: Market,
    ledger: Ledger,
    terms: Terms,
) -> tuple[Ledger, bool]:
    """Book an execution if the account can carry it; return the account and whether it was booked."""
    side = orders[row, O_SIDE]
    price = found.price
    if not found.maker:
        price = taken_price(
            side,
            price,
            orders[row, O_PRICE],
            lots,
            market.high,
            market.low,
            market.volume_lots,
            market.range_ticks,
            terms.slippage_model,
            terms.slippage_parameter,
        )
    fee = fee_of(value_of(lots, price, terms), terms.maker_rate if found.maker else terms.taker_rate)
    reason = refuse_fill(ledger, side, lots, price, fee, terms)
    if reason != 0:
        _end(orders, row, market.bar, _REJECTED if orders[row, O_FILLED] == 0 else _CANCELED, reason)
        return ledger, False
    _book(orders, row, market, lots, price, found.at_open)
    _note(fills, fill, orders, row, market, lots, price, fee, found.maker, ambiguous)
    fills[fill, F_SLIPPAGE] = side * (value_of(lots, price, terms) - value_of(lots, found.price, terms))
    return book_fill(ledger, side, lots, price, fee, terms), True


@compiled
def match_bar(
    market: Market, orders: Any, working: Any, fills: Any, counts: Counts, ledger: Ledger, terms: Terms
) -> tuple[Counts, Ledger]:
    """Match every open order against one bar, in order of submission.

    Tables come as handles (see `kernels.jit.handle_of`); the fill table has room for one fill each.
    """
    orders = int_table(orders, ORDER_COLUMNS)
    working = int_table(working, 1)
    fills = int_table(fills, FILL_COLUMNS)
    kept = 0
    fill = counts.fills
    left = market.lots
    for index in range(counts.working):
        row = working[index, 0]
        if _wakes(orders, row, market):
            found, ambiguous = _outcome(orders, working, index, kept, counts.working, market, terms)
            orders[row, O_LIVE] = found.trigger
            if found.event == GONE:
                _end(orders, row, market.bar, _CANCELED, found.reason)
            elif found.event == FILL:
                lots = _fillable(orders, row, market, ledger.position, left)
                booked = False
                if lots > 0:
                    ledger, booked = _execute(orders, row, found, ambiguous, lots, fills, fill, market, ledger, terms)
                if booked:
                    left -= lots
                    fill += 1
                    _end_siblings(orders, working, kept, index, counts.working, market.bar)
        if orders[row, O_STATUS] in (_WAITING, _ACCEPTED, _PARTIAL):
            working[kept, 0] = row
            kept += 1
    kept = _drop_ended(orders, working, kept)
    failure = 2 if abs(ledger.cash) > CASH_LIMIT else 0
    return Counts(counts.orders, fill, kept, failure), ledger
