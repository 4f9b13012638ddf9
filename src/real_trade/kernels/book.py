"""The compiled order book of one strategy in one instrument: every open order meets a bar, in order of submission.

The readable counterpart is `real_trade.sim.SimulatedVenue`; a parity test holds the two together.
"""

from __future__ import annotations

from typing import Any

from real_trade.kernels.accounting import Ledger, Terms, book_fill, fee_of, refuse_fill, value_of, worth_of
from real_trade.kernels.jit import compiled, int_table
from real_trade.kernels.liquidation import liquidate, liquidates_first, liquidation_band
from real_trade.kernels.matching import (
    CANCEL as GONE,
)
from real_trade.kernels.matching import (
    FILL,
    LIMIT,
    MARKET,
    REST,
    STOP_LIMIT,
    TAKE_PROFIT,
    TRAILING_STOP,
    Ask,
    Outcome,
    Part,
    high_comes_first,
    judge,
    judge_after_entry,
    judge_trade,
    split_bar,
    wins,
)
from real_trade.kernels.requests import amend
from real_trade.kernels.slippage import taken_price
from real_trade.kernels.tables import (
    ACCEPTED,
    AMEND,
    CASH_LIMIT,
    F_PRICE,
    F_SLIPPAGE,
    FAR,
    FILL_COLUMNS,
    O_ENTRY,
    O_EXPIRE,
    O_FILLED,
    O_FINAL,
    O_FLAGS,
    O_ID,
    O_LOTS,
    O_PRICE,
    O_SIDE,
    O_STATUS,
    O_TYPE,
    ORDER_COLUMNS,
    PARTIAL,
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
    Market,
    end_order,
    is_open,
    move_row,
    note_fill,
)
from real_trade.model.order import Flag, OrderStatus, RejectReason

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


@compiled
def match_bar(
    market: Market,
    mark_low: int,
    mark_high: int,
    orders: Any,
    working: Any,
    fills: Any,
    counts: Counts,
    ledger: Ledger,
    terms: Terms,
    tiers: Any,
    backing: int,
    below: int,
    above: int,
    alone: bool,
) -> tuple[Counts, Ledger, int, int, int]:
    """Match every open order against one bar; arguments as in `leg.meet_bar`.

    First comes what executes at the open, then what executes inside the bar, each in order of submission. A bar that
    reaches the liquidation price may be taken to do so before an order executes that would have reduced the position:
    see `liquidation.liquidates_first`.
    """
    orders_at, working_at, fills_at = orders, working, fills
    orders = int_table(orders, ORDER_COLUMNS)
    working = int_table(working, WORKING_COLUMNS)
    fills = int_table(fills, FILL_COLUMNS)
    count, fill, left = counts.working, counts.fills, market.lots
    # A single order has nobody to come before.
    for turn in range(0 if count > 1 else 1, 2):
        inside = turn == 1
        for index in range(count):
            if _is_reached(orders, working, index, market, inside):
                if working[index, W_PENDING_MS] > market.time_ms and _wakes(orders, working, index, market):
                    found = _judge_before(orders, working, index, market, terms)
                    ledger, filled = _carry_out(
                        found, False, orders, working, index, count, fills, fill, market, left, ledger, terms, backing
                    )
                    fill += 1 if filled > 0 else 0
                    left -= filled
                    if filled > 0 and alone:
                        below, above = liquidation_band(ledger, terms, tiers)
                _deliver(orders, working, index, market, terms)
            if not _wakes(orders, working, index, market):
                continue
            found, ambiguous = _outcome(orders, working, index, count, market, terms, inside)
            price = below if mark_low <= below else (above if mark_high >= above else 0)
            if _comes_too_late(found, price, orders, working, index, count, market, ledger, terms):
                counts = Counts(counts.orders, fill, counts.payments, count, FAR, -1, 0)
                counts, ledger = liquidate(market, price, orders_at, working_at, fills_at, counts, ledger, terms, 0)
                return counts, ledger, left, -1, FAR
            if found.event == REST and not inside:
                continue
            ledger, filled = _carry_out(
                found, ambiguous, orders, working, index, count, fills, fill, market, left, ledger, terms, backing
            )
            fill += 1 if filled > 0 else 0
            left -= filled
            if filled > 0 and alone:
                below, above = liquidation_band(ledger, terms, tiers)
    kept, lower, upper = _settle_down(orders, working, count, market)
    failure = 2 if abs(ledger.cash) > CASH_LIMIT else 0
    return Counts(counts.orders, fill, counts.payments, kept, lower, upper, failure), ledger, left, below, above


@compiled
def _is_reached(orders: Any, working: Any, place: int, market: Market, inside: bool) -> bool:
    """Tell whether what was asked of an order reaches the venue now: by the open, or inside the bar."""
    if working[place, W_PENDING] == 0 or working[place, W_PENDING_MS] >= market.end_ms:
        return False
    is_there = is_open(orders[working[place, W_ROW], O_STATUS])
    return is_there and (inside or working[place, W_PENDING_MS] <= market.time_ms)


@compiled
def _comes_too_late(
    found: Outcome,
    price: int,
    orders: Any,
    working: Any,
    index: int,
    count: int,
    market: Market,
    ledger: Ledger,
    terms: Terms,
) -> bool:
    """Tell whether the position is liquidated, at a price (0: none), before an order executes that would reduce it."""
    if price == 0 or found.event != FILL or found.at_open:
        return False
    if orders[working[index, W_ROW], O_SIDE] * ledger.position >= 0:
        return False
    return liquidates_first(market, price, orders, working, count, ledger.position, terms)


@compiled
def _carry_out(
    found: Outcome,
    ambiguous: bool,
    orders: Any,
    working: Any,
    index: int,
    count: int,
    fills: Any,
    fill: int,
    market: Market,
    left: int,
    ledger: Ledger,
    terms: Terms,
    backing: int,
) -> tuple[Ledger, int]:
    """Do to an order what was found; return the account and the lots that were filled."""
    row = working[index, W_ROW]
    working[index, W_LIVE] = found.trigger
    if found.event == GONE:
        end_order(orders, row, market.bar, _CANCELED, found.reason)
    elif found.event == FILL:
        lots = _fillable(orders, row, market, ledger.position, left)
        if lots > 0:
            ledger, booked = _execute(orders, row, found, ambiguous, lots, fills, fill, market, ledger, terms, backing)
            if booked:
                _tell_exits(orders, row, working, count, market, fills[fill, F_PRICE], found.at_open)
                _end_siblings(orders, working, index, count, market.bar)
                return ledger, lots
    return ledger, 0


@compiled
def _tell_exits(orders: Any, row: int, working: Any, count: int, market: Market, price: int, at_open: bool) -> None:
    """Let the exits of an order know of its fill."""
    for place in range(count):
        if orders[working[place, W_ROW], O_ENTRY] == orders[row, O_ID]:
            working[place, W_ENTRY_STEP] = market.step
            working[place, W_ENTRY_PRICE] = price
            working[place, W_ENTRY_AT_OPEN] = 1 if at_open else 0


@compiled
def _deliver(orders: Any, working: Any, place: int, market: Market, terms: Terms) -> None:
    """Let a cancellation or amendment take effect that has reached the venue."""
    pending, row = working[place, W_PENDING], working[place, W_ROW]
    working[place, W_PENDING] = 0
    if not is_open(orders[row, O_STATUS]):
        return
    if pending == AMEND:
        lots, price = working[place, W_PENDING_LOTS], working[place, W_PENDING_PRICE]
        amend(lots, price, working[place, W_PENDING_TRIGGER], orders, working, place, terms)
        # From here on it meets the rest of the bar.
        working[place, W_ARRIVE] = working[place, W_PENDING_MS]
    else:
        end_order(orders, row, market.bar, _CANCELED, _BY_STRATEGY)


@compiled
def _ask(orders: Any, working: Any, place: int, arriving: bool) -> Ask:
    row = working[place, W_ROW]
    return Ask(
        orders[row, O_TYPE],
        orders[row, O_SIDE],
        orders[row, O_PRICE],
        working[place, W_LIVE],
        working[place, W_TRAIL],
        orders[row, O_FLAGS],
        arriving,
    )


@compiled
def _wakes(orders: Any, working: Any, place: int, market: Market) -> bool:
    """Tell whether an order is active in this bar; end it if its time or entry is gone, wake it if its entry filled."""
    row = working[place, W_ROW]
    status = orders[row, O_STATUS]
    if not is_open(status) or working[place, W_ARRIVE] >= market.end_ms:
        return False
    if 0 < orders[row, O_EXPIRE] <= market.time_ms:
        end_order(orders, row, market.bar, _EXPIRED, _TIME_UP)
        return False
    if status != WAITING:
        return True
    entry = orders[row, O_ENTRY] - 1
    if is_open(orders[entry, O_STATUS]):
        return False
    if orders[entry, O_FILLED] == 0:
        end_order(orders, row, market.bar, _CANCELED, _ENTRY_GONE)
        return False
    orders[row, O_STATUS] = ACCEPTED
    orders[row, O_LOTS] = orders[entry, O_FILLED]
    if orders[row, O_TYPE] == TRAILING_STOP:
        working[place, W_LIVE] = working[place, W_ENTRY_PRICE] + orders[row, O_SIDE] * working[place, W_TRAIL]
    return True


@compiled
def _part(ask: Ask, market: Market, time_ms: int, after: bool, terms: Terms) -> Part:
    """Return the part of a bar that an order meets which arrives, or goes, at a time inside it."""
    high_first = high_comes_first(ask, market.open, market.high, market.low, terms.policy)
    elapsed, span = time_ms - market.time_ms, market.end_ms - market.time_ms
    return split_bar(market.open, market.high, market.low, market.close, high_first, elapsed, span, after)


@compiled
def _judge(orders: Any, working: Any, place: int, market: Market, terms: Terms) -> Outcome:
    ask = _ask(orders, working, place, working[place, W_NEW] != 0)
    if market.is_trade:
        return judge_trade(ask, market.close, terms.queue)
    if working[place, W_ENTRY_STEP] == market.step and working[place, W_ENTRY_AT_OPEN] == 0:
        return judge_after_entry(
            ask,
            working[place, W_ENTRY_PRICE],
            market.open,
            market.high,
            market.low,
            market.close,
            terms.queue,
            terms.policy,
        )
    if working[place, W_ARRIVE] > market.time_ms:
        part = _part(ask, market, working[place, W_ARRIVE], True, terms)
        return judge(ask, part.open, part.high, part.low, part.close, terms.queue, terms.policy)
    return judge(ask, market.open, market.high, market.low, market.close, terms.queue, terms.policy)


@compiled
def _judge_before(orders: Any, working: Any, place: int, market: Market, terms: Terms) -> Outcome:
    """Return what becomes of an order in the part of the bar before what was asked of it arrives."""
    ask = _ask(orders, working, place, working[place, W_NEW] != 0)
    part = _part(ask, market, working[place, W_PENDING_MS], False, terms)
    return judge(ask, part.open, part.high, part.low, part.close, terms.queue, terms.policy)


@compiled
def _outcome(
    orders: Any, working: Any, index: int, count: int, market: Market, terms: Terms, inside: bool
) -> tuple[Outcome, bool]:
    """Return what becomes of an active order in this bar, and whether the policy had to decide it.

    What does not happen at the open is left for later, unless it is asked for what happens inside the bar.
    """
    row = working[index, W_ROW]
    found = _judge(orders, working, index, market, terms)
    rests = Outcome(REST, 0, False, False, working[index, W_LIVE], 0)
    if not inside and not found.at_open:
        return rests, False
    if found.event != FILL or found.at_open or orders[row, O_ENTRY] == 0:
        return found, False
    rival = _rival(orders, working, index, count, market, terms)
    return rests if rival < 0 else found, rival in (_MINE, _NOT_MINE)


@compiled
def _rival(orders: Any, working: Any, index: int, count: int, market: Market, terms: Terms) -> int:
    """Return whether another exit of the same entry could execute in this bar too, and which of them does."""
    row = working[index, W_ROW]
    for place in range(count):
        other = working[place, W_ROW]
        if place == index or orders[other, O_ENTRY] != orders[row, O_ENTRY]:
            continue
        if not _wakes(orders, working, place, market):
            continue
        found = _judge(orders, working, place, market, terms)
        if found.event == FILL:
            if found.at_open:
                return _CERTAINLY_NOT
            mine, others = _ask(orders, working, index, False), _ask(orders, working, place, False)
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
            end_order(orders, row, market.bar, _CANCELED, _REDUCE_ONLY)
            return 0
        if flags & _CLOSE != 0 or remaining > held:
            remaining = held
            orders[row, O_LOTS] = orders[row, O_FILLED] + held
    if flags & (_FOK | _IOC) != 0 and (left <= 0 or (flags & _FOK != 0 and remaining > left)):
        end_order(orders, row, market.bar, _CANCELED, _NOT_AT_ONCE)
        return 0
    lots: int = min(remaining, left)
    return lots


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
    backing: int,
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
    reason = refuse_fill(ledger, side, lots, price, fee, terms, backing)
    if reason != 0:
        end_order(orders, row, market.bar, _REJECTED if orders[row, O_FILLED] == 0 else _CANCELED, reason)
        return ledger, False
    _book(orders, row, market, lots)
    note_fill(fills, fill, orders, row, market.bar, market.time_ms, lots, price, fee, found.maker, ambiguous)
    fills[fill, F_SLIPPAGE] = side * (worth_of(lots, price, terms) - worth_of(lots, found.price, terms))
    return book_fill(ledger, side, lots, price, fee, terms), True


@compiled
def _book(orders: Any, row: int, market: Market, lots: int) -> None:
    """Write a fill into its order."""
    orders[row, O_FILLED] += lots
    orders[row, O_FINAL] = market.bar
    whole = orders[row, O_FILLED] == orders[row, O_LOTS]
    orders[row, O_STATUS] = _FILLED if whole else PARTIAL
    if not whole and orders[row, O_FLAGS] & _IOC != 0:
        end_order(orders, row, market.bar, _CANCELED, _NOT_AT_ONCE)


@compiled
def _end_siblings(orders: Any, working: Any, index: int, count: int, bar: int) -> None:
    """Cancel the other exits of an entry when one of them has filled whole."""
    row = working[index, W_ROW]
    if orders[row, O_ENTRY] == 0 or orders[row, O_STATUS] != _FILLED:
        return
    for place in range(count):
        other = working[place, W_ROW]
        if place != index and orders[other, O_ENTRY] == orders[row, O_ENTRY] and is_open(orders[other, O_STATUS]):
            end_order(orders, other, bar, _CANCELED, _SIBLING)


@compiled
def _settle_down(orders: Any, working: Any, count: int, market: Market) -> tuple[int, int, int]:
    """Forget orders that have ended; return how many are left, and `Counts.lower, upper`.

    What has met its first bar is no longer arriving.
    """
    kept = 0
    lower, upper = -1, FAR
    for index in range(count):
        row = working[index, W_ROW]
        status = orders[row, O_STATUS]
        if not is_open(status):
            continue
        move_row(working, index, kept)
        low, high = FAR, -1
        if working[kept, W_ARRIVE] < market.end_ms:
            if status != WAITING:
                working[kept, W_NEW] = 0
                low, high = _levels(orders, working, kept)
            elif is_open(orders[orders[row, O_ENTRY] - 1, O_STATUS]) and not _is_timed(orders, working, kept):
                # It is its entry that must be watched.
                low, high = -1, FAR
        lower, upper = max(lower, low), min(upper, high)
        kept += 1
    return kept, lower, upper


@compiled
def _is_timed(orders: Any, working: Any, place: int) -> bool:
    return orders[working[place, W_ROW], O_EXPIRE] > 0 or working[place, W_PENDING] != 0  # type: ignore[no-any-return]


@compiled
def _levels(orders: Any, working: Any, place: int) -> tuple[int, int]:
    """Return the prices that a bar must reach, below or above, for an open order to do anything."""
    row = working[place, W_ROW]
    kind, side, live = orders[row, O_TYPE], orders[row, O_SIDE], working[place, W_LIVE]
    if _is_timed(orders, working, place) or kind in (MARKET, TRAILING_STOP):
        return FAR, -1
    rests = kind == LIMIT or (kind == STOP_LIMIT and live == 0)
    level = orders[row, O_PRICE] if rests else live
    if level == 0:
        return FAR, -1
    # Reached by a falling price: bids, and what buys below or sells below the market once triggered.
    falls = (side > 0) == (rests or kind == TAKE_PROFIT)
    return (level, FAR) if falls else (-1, level)
