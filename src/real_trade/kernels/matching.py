"""The fill model: whether and where an order executes inside one bar. Used by every runner.

An order decided on a bar's close is active from the next bar on.

* Market: at the open.
* Limit: at the open if the open is at or beyond the limit (gapped through, or marketable on arrival), else at the
  limit if the bar touches it. It pays the maker fee unless it was marketable on arrival.
* Stop: once the bar touches the trigger, at the worse of trigger and open, as a taker.
"""

from __future__ import annotations

from typing import NamedTuple

from real_trade.kernels.jit import compiled
from real_trade.model.order import OrderType

MARKET = int(OrderType.MARKET)
LIMIT = int(OrderType.LIMIT)
STOP = int(OrderType.STOP)


class Execution(NamedTuple):
    """Outcome of one order in one bar.

    Attributes:
        price_ticks: where it executes; 0 if it does not.
        maker: whether it rested.
    """

    price_ticks: int
    maker: bool


@compiled
def execute(kind: int, side: int, price: int, arriving: bool, open_: int, high: int, low: int) -> Execution:
    """Return where an active order executes in a bar.

    Args:
        kind: 0 market, 1 limit, 2 stop.
        side: +1 buy, -1 sell.
        price: limit or trigger price in ticks.
        arriving: this is the first bar in which the order is active.
        open_, high, low: the bar, in ticks.
    """
    if kind == MARKET:
        return Execution(open_, False)
    if kind == LIMIT:
        if (side > 0 and open_ <= price) or (side < 0 and open_ >= price):
            return Execution(open_, not arriving)
        if (side > 0 and low <= price) or (side < 0 and high >= price):
            return Execution(price, True)
        return Execution(0, False)
    if side > 0 and high >= price:
        return Execution(max(price, open_), False)
    if side < 0 and low <= price:
        return Execution(min(price, open_), False)
    return Execution(0, False)
