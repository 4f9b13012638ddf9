"""The fill model: whether and where an order executes inside one bar. Used by every runner.

An order decided on a bar's close is active from the next bar on; that first bar is its arrival.

* Market: at the open.
* Limit: at the open if the open is at or beyond the limit (gapped through, or marketable on arrival), else at the
  limit if the bar reaches it. It pays the maker fee unless it was marketable on arrival. Post-only: canceled instead of
  taking on arrival. Immediate-or-cancel and fill-or-kill: at the open of the arrival or not at all.
* Stop: once the bar touches the trigger, at the worse of trigger and open, as a taker.
* Take-profit: once the bar touches the trigger on the favourable side, at the better of trigger and open, as a taker.
* Stop-limit: once triggered it is a limit order; at the trigger's price if that is already good enough (taker), else
  it rests from the next bar on.
* Trailing stop: a stop whose trigger follows the best price at a distance. A bar first meets the trigger as it stood;
  then the bar's best price moves it. If the close lies beyond the moved trigger, the price has crossed it for certain;
  if only the bar's worst price does, it may have: the pessimistic policy says that it has, the optimistic one that it
  has not, and the path whether it comes after the best price.

Reaching a limit means touching it, or, for `QUEUE_THROUGH`, trading at least one tick beyond: the pessimistic
assumption for an order at the end of the queue.

**Latency.** What arrives at the venue inside a bar meets the part of the bar that is left, and what is taken back
inside a bar still meets the part before (`split_bar`). Prices are assumed to go in straight lines from the open to one
extreme, to the other, to the close, at an even pace. Which extreme comes first is a matter of the policy
(`high_comes_first`).
"""

from __future__ import annotations

from typing import NamedTuple

from real_trade.kernels.jit import compiled
from real_trade.model.order import Flag, OrderType, RejectReason

MARKET = int(OrderType.MARKET)
LIMIT = int(OrderType.LIMIT)
STOP = int(OrderType.STOP)
STOP_LIMIT = int(OrderType.STOP_LIMIT)
TAKE_PROFIT = int(OrderType.TAKE_PROFIT)
TRAILING_STOP = int(OrderType.TRAILING_STOP)

POST_ONLY = int(Flag.POST_ONLY)
AT_ONCE = int(Flag.IOC) | int(Flag.FOK)

QUEUE_TOUCH = 0
QUEUE_THROUGH = 1

_WOULD_TAKE = int(RejectReason.POST_ONLY_WOULD_TAKE)
_NOT_AT_ONCE = int(RejectReason.NOT_FILLED_AT_ONCE)

# Who wins where one bar could hit both the stop and the target of a position.
PESSIMISTIC, OPTIMISTIC, PATH = 0, 1, 2

# What happens to an order in a bar.
REST, FILL, CANCEL = 0, 1, 2


class Ask(NamedTuple):
    """The state of an order that decides its fate in a bar.

    Attributes:
        kind: number of its `OrderType`.
        side: +1 buy, -1 sell.
        price: limit in ticks; 0 where it has none.
        trigger: trigger in ticks; 0 where it has none, and once it was triggered.
        trail: distance of a trailing stop in ticks.
        flags: sum of `Flag` numbers.
        arriving: this is the first bar in which it is active.
    """

    kind: int
    side: int
    price: int
    trigger: int
    trail: int
    flags: int
    arriving: bool


class Outcome(NamedTuple):
    """Fate of an order in a bar.

    Attributes:
        event: `REST`, `FILL` or `CANCEL`.
        price: where it executes.
        maker: whether it rested.
        at_open: it executes at the open, before anything else in the bar.
        trigger: its trigger from the next bar on.
        reason: why it was canceled.
    """

    event: int
    price: int
    maker: bool
    at_open: bool
    trigger: int
    reason: int


@compiled
def judge(ask: Ask, open_: int, high: int, low: int, close: int, queue: int, policy: int) -> Outcome:
    """Return what becomes of an order in a bar (ticks)."""
    if ask.kind == MARKET or (ask.trigger == 0 and ask.kind in (STOP, TAKE_PROFIT, TRAILING_STOP)):
        # What a trigger has let loose goes on as a market order.
        return Outcome(FILL, open_, False, True, 0, 0)
    if ask.kind == LIMIT or (ask.kind == STOP_LIMIT and ask.trigger == 0):
        return _judge_limit(ask, open_, high, low, queue)
    if ask.kind == TAKE_PROFIT:
        if (ask.side > 0 and open_ <= ask.trigger) or (ask.side < 0 and open_ >= ask.trigger):
            return Outcome(FILL, open_, False, True, 0, 0)
        if (ask.side > 0 and low <= ask.trigger) or (ask.side < 0 and high >= ask.trigger):
            return Outcome(FILL, ask.trigger, False, False, 0, 0)
        return Outcome(REST, 0, False, False, ask.trigger, 0)
    return _judge_stop(ask, open_, high, low, close, policy)


@compiled
def judge_trade(ask: Ask, price: int, queue: int) -> Outcome:
    """Return what becomes of an order when a single trade happens at a price (ticks).

    A trade at or beyond a resting limit has met that order first: it fills at its own price, not at the trade's.
    """
    rests = ask.kind == LIMIT or (ask.kind == STOP_LIMIT and ask.trigger == 0)
    if rests and not ask.arriving:
        if (ask.side > 0 and price + queue <= ask.price) or (ask.side < 0 and price - queue >= ask.price):
            return Outcome(FILL, ask.price, True, True, 0, 0)
        return Outcome(REST, 0, False, False, 0, 0)
    return judge(ask, price, price, price, price, queue, PESSIMISTIC)


@compiled
def _judge_limit(ask: Ask, open_: int, high: int, low: int, queue: int) -> Outcome:
    marketable = (ask.side > 0 and open_ <= ask.price) or (ask.side < 0 and open_ >= ask.price)
    if marketable:
        if ask.arriving and ask.flags & POST_ONLY != 0:
            return Outcome(CANCEL, 0, False, True, 0, _WOULD_TAKE)
        return Outcome(FILL, open_, not ask.arriving, True, 0, 0)
    if ask.flags & AT_ONCE != 0:
        return Outcome(CANCEL, 0, False, True, 0, _NOT_AT_ONCE)
    # With the queue assumption "through", the touch of the limit alone fills those ahead of us.
    if (ask.side > 0 and low + queue <= ask.price) or (ask.side < 0 and high - queue >= ask.price):
        return Outcome(FILL, ask.price, True, False, 0, 0)
    return Outcome(REST, 0, False, False, 0, 0)


@compiled
def _came_back(side: int, trigger: int, open_: int, high: int, low: int, close: int, policy: int) -> bool:
    """Tell whether the price is taken to have come back to a trailing trigger after the bar's best price moved it."""
    best, worst = (low, high) if side > 0 else (high, low)
    if side * (close - trigger) >= 0:
        return True
    if side * (worst - trigger) < 0 or policy == OPTIMISTIC:
        return False
    if policy == PESSIMISTIC:
        return True
    return path_time(trigger, path_time(best, 0, open_, high, low, close), open_, high, low, close) >= 0


@compiled
def _judge_stop(ask: Ask, open_: int, high: int, low: int, close: int, policy: int) -> Outcome:
    trigger = ask.trigger
    gapped = (ask.side > 0 and open_ >= trigger) or (ask.side < 0 and open_ <= trigger)
    touched = gapped or (ask.side > 0 and high >= trigger) or (ask.side < 0 and low <= trigger)
    if ask.kind == TRAILING_STOP and not touched:
        trigger = min(trigger, low + ask.trail) if ask.side > 0 else max(trigger, high - ask.trail)
        touched = _came_back(ask.side, trigger, open_, high, low, close, policy)
        if not touched:
            return Outcome(REST, 0, False, False, trigger, 0)
    if not touched:
        return Outcome(REST, 0, False, False, trigger, 0)
    at = open_ if gapped else trigger
    if ask.kind != STOP_LIMIT:
        return Outcome(FILL, at, False, gapped, 0, 0)
    if (ask.side > 0 and at <= ask.price) or (ask.side < 0 and at >= ask.price):
        return Outcome(FILL, at, False, gapped, 0, 0)
    return Outcome(REST, 0, False, False, 0, 0)


class Part(NamedTuple):
    """Prices of a part of a bar, ticks."""

    open: int
    high: int
    low: int
    close: int


@compiled
def high_comes_first(ask: Ask, open_: int, high: int, low: int, policy: int) -> bool:
    """Tell in which order the extremes of a bar are taken to have come for an order that arrives, or goes, inside it.

    Path: the nearer one first (ties: the high). Pessimistic: first the one towards the order's own price, so that what
    arrives has missed it and what goes has met it; for a market order the one that makes it dearer. Optimistic: the
    reverse.
    """
    if policy == PATH:
        return high - open_ <= open_ - low
    resting = ask.kind in (LIMIT, TAKE_PROFIT) or (ask.kind == STOP_LIMIT and ask.trigger == 0)
    high_first = (ask.side < 0) == resting
    return high_first == (policy == PESSIMISTIC)


@compiled
def split_bar(
    open_: int, high: int, low: int, close: int, high_first: bool, elapsed_ms: int, span_ms: int, after: bool
) -> Part:
    """Return the part of a bar before, or after, a time inside it, on the assumed path.

    Args:
        open_, high, low, close: ticks.
        high_first: which extreme comes first.
        elapsed_ms: from the bar's opening, 0 to ``span_ms``.
        span_ms: length of the bar.
        after: the part that follows; else the part that went before.
    """
    first, second = (high, low) if high_first else (low, high)
    to_first, across = abs(first - open_), high - low
    gone = (to_first + across + abs(close - second)) * elapsed_ms // span_ms
    up = 1 if high_first else -1
    if gone <= to_first:
        price = open_ + up * gone
        if after:
            return Part(price, high, low, close)
        return Part(open_, max(open_, price), min(open_, price), price)
    if gone <= to_first + across:
        price = first - up * (gone - to_first)
        if after:
            # The first extreme has been; the second is still to come.
            edge = max(price, close) if high_first else min(price, close)
            return Part(price, edge, low, close) if high_first else Part(price, high, edge, close)
        edge = min(price, open_) if high_first else max(price, open_)
        return Part(open_, high, edge, price) if high_first else Part(open_, edge, low, price)
    price = second + up * (gone - to_first - across)
    if after:
        return Part(price, max(price, close), min(price, close), close)
    return Part(open_, high, low, price)


# Later on the path than any price of the same leg can be.
_LEG = 2**40


@compiled
def is_protective(kind: int) -> bool:
    """Tell whether an order limits a loss (a stop) rather than takes a profit."""
    return kind in (STOP, STOP_LIMIT, TRAILING_STOP)


@compiled
def path_time(level: int, after: int, open_: int, high: int, low: int, close: int) -> int:
    """Return when a price level is first reached on the assumed path of a bar, at or after a time; -1 if never.

    The path goes in straight lines from the open to the nearer extreme, to the other one, to the close (ties: the high
    first). A time is the number of the leg times 2**40 plus the distance gone on it, in ticks.
    """
    near, far = (high, low) if high - open_ <= open_ - low else (low, high)
    for leg in range(3):
        begin = open_ if leg == 0 else (near if leg == 1 else far)
        end = near if leg == 0 else (far if leg == 1 else close)
        if min(begin, end) <= level <= max(begin, end):
            time = leg * _LEG + abs(level - begin)
            if time >= after:
                return time
    return -1


@compiled
def judge_after_entry(
    ask: Ask, entry: int, open_: int, high: int, low: int, close: int, queue: int, policy: int
) -> Outcome:
    """Return what becomes, in the rest of the bar, of an exit whose entry filled inside the bar at ``entry`` ticks.

    What came after the entry is not known but for the close. Pessimistic: a stop executes if the bar reaches it at all,
    a target only if the close proves it. Optimistic: the reverse. Path: as on the assumed path after the entry.
    """
    level = ask.trigger if ask.trigger > 0 else ask.price
    side, stop = ask.side, is_protective(ask.kind)
    rises = (side > 0) == stop  # reached by a rising price: a buy stop, a sell limit
    passed = entry >= level if rises else entry <= level
    proved = passed or (close >= level if rises else close <= level)
    margin = queue if ask.trigger == 0 else 0
    possible = passed or (high - margin >= level if rises else low + margin <= level)
    if policy == PATH:
        reached = (
            possible and path_time(level, path_time(entry, 0, open_, high, low, close), open_, high, low, close) >= 0
        )
    else:
        reached = possible if stop == (policy == PESSIMISTIC) else proved and possible
    if not reached:
        trigger = ask.trigger
        if ask.kind == TRAILING_STOP:
            trigger = max(trigger, close - ask.trail) if side < 0 else min(trigger, close + ask.trail)
        return Outcome(REST, 0, False, False, trigger, 0)
    at = entry if passed else level
    if ask.kind == STOP_LIMIT and ((side > 0 and at > ask.price) or (side < 0 and at < ask.price)):
        return Outcome(REST, 0, False, False, 0, 0)
    return Outcome(FILL, at, ask.trigger == 0 and not passed, False, 0, 0)


@compiled
def wins(mine: Ask, other: Ask, policy: int, open_: int, high: int, low: int, close: int) -> bool:
    """Tell whether, of two exits that one bar could both execute inside, mine is the one that does."""
    stop, other_stop = is_protective(mine.kind), is_protective(other.kind)
    if stop != other_stop and policy != PATH:
        return stop == (policy == PESSIMISTIC)
    first = path_time(mine.trigger if mine.trigger > 0 else mine.price, 0, open_, high, low, close)
    second = path_time(other.trigger if other.trigger > 0 else other.price, 0, open_, high, low, close)
    return first <= second
