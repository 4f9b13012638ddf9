"""What a strategy sees on a bar and what it can do there. The same in compiled and in plain code."""

from __future__ import annotations

from typing import Any, NamedTuple

from real_trade.kernels.jit import compiled, compiled_methods, int_table
from real_trade.kernels.matching import LIMIT, MARKET, STOP, STOP_LIMIT, TAKE_PROFIT, TRAILING_STOP
from real_trade.kernels.tables import (
    AMEND,
    CANCEL,
    CANCEL_ALL,
    MAX_REQUESTS,
    R_ACTION,
    R_EXPIRE,
    R_FLAGS,
    R_LOTS,
    R_ORDER,
    R_PRICE,
    R_SIDE,
    R_TRIGGER,
    REQUEST_COLUMNS,
)

_BEYOND = 2**62


@compiled
def whole(number: float) -> int:
    """Return a whole number, cut; 0, which no order may have, for what is not a number or beyond all bounds."""
    return int(number) if abs(number) < _BEYOND else 0


class Desk(NamedTuple):
    """The account as it stands at the bar's close, and the orders a strategy may give.

    Quantities are whole lots and prices whole ticks. Orders act from the next bar on, in the order they were given.
    Each submitting method returns the order's id.

    Attributes:
        position: signed lots held.
        open_orders: number of orders still working.
        entry_price: mean price of the open position in ticks, 0.0 when flat.
        cash: settlement currency, of the whole strategy; with one instrument, equity is ``desk.equity(bar.close)``.
        point_value: settlement currency per tick and lot; inverse: base times ticks per lot.
        inverse: the instrument is settled in base.
        next_order_id: id that the next order will get.
        requests: handle of the table where orders are written; use the methods.
    """

    position: int
    open_orders: int
    entry_price: float
    cash: float
    point_value: float
    inverse: bool
    next_order_id: int
    requests: Any

    def submit(
        self, action: int, side: int, lots: int, price: int, trigger: int, flags: int, expire_ms: int, order_id: int
    ) -> int:
        """Write a request; the named methods below are easier to read."""
        rows = int_table(self.requests, REQUEST_COLUMNS)
        number = rows[MAX_REQUESTS, 0]
        if number < MAX_REQUESTS:
            rows[number, R_ACTION] = action
            rows[number, R_SIDE] = side
            rows[number, R_LOTS] = whole(lots)
            rows[number, R_PRICE] = whole(price)
            rows[number, R_TRIGGER] = whole(trigger)
            rows[number, R_FLAGS] = flags
            rows[number, R_EXPIRE] = whole(expire_ms)
            rows[number, R_ORDER] = order_id
        rows[MAX_REQUESTS, 0] = number + 1
        submitted = rows[MAX_REQUESTS, 1]
        if action < CANCEL:
            rows[MAX_REQUESTS, 1] = submitted + 1
        return self.next_order_id + submitted  # type: ignore[no-any-return]

    def buy(self, lots: int, flags: int = 0) -> int:
        """Buy at the next open."""
        return self.submit(MARKET, 1, lots, 0, 0, flags, 0, 0)

    def sell(self, lots: int, flags: int = 0) -> int:
        """Sell at the next open."""
        return self.submit(MARKET, -1, lots, 0, 0, flags, 0, 0)

    def buy_limit(self, lots: int, price: int, flags: int = 0, expire_ms: int = 0) -> int:
        """Buy at ``price`` ticks or better; ``expire_ms`` ends the order at that time."""
        return self.submit(LIMIT, 1, lots, price, 0, flags, expire_ms, 0)

    def sell_limit(self, lots: int, price: int, flags: int = 0, expire_ms: int = 0) -> int:
        """Sell at ``price`` ticks or better; ``expire_ms`` ends the order at that time."""
        return self.submit(LIMIT, -1, lots, price, 0, flags, expire_ms, 0)

    def buy_stop(self, lots: int, trigger: int, flags: int = 0, expire_ms: int = 0) -> int:
        """Buy at market once the price rises to ``trigger`` ticks."""
        return self.submit(STOP, 1, lots, 0, trigger, flags, expire_ms, 0)

    def sell_stop(self, lots: int, trigger: int, flags: int = 0, expire_ms: int = 0) -> int:
        """Sell at market once the price falls to ``trigger`` ticks."""
        return self.submit(STOP, -1, lots, 0, trigger, flags, expire_ms, 0)

    def buy_stop_limit(self, lots: int, trigger: int, price: int, flags: int = 0, expire_ms: int = 0) -> int:
        """Once the price rises to ``trigger``, buy at ``price`` or better."""
        return self.submit(STOP_LIMIT, 1, lots, price, trigger, flags, expire_ms, 0)

    def sell_stop_limit(self, lots: int, trigger: int, price: int, flags: int = 0, expire_ms: int = 0) -> int:
        """Once the price falls to ``trigger``, sell at ``price`` or better."""
        return self.submit(STOP_LIMIT, -1, lots, price, trigger, flags, expire_ms, 0)

    def buy_take_profit(self, lots: int, trigger: int, flags: int = 0, expire_ms: int = 0) -> int:
        """Buy at market once the price falls to ``trigger``: takes the profit of a short position."""
        return self.submit(TAKE_PROFIT, 1, lots, 0, trigger, flags, expire_ms, 0)

    def sell_take_profit(self, lots: int, trigger: int, flags: int = 0, expire_ms: int = 0) -> int:
        """Sell at market once the price rises to ``trigger``: takes the profit of a long position."""
        return self.submit(TAKE_PROFIT, -1, lots, 0, trigger, flags, expire_ms, 0)

    def buy_trailing(self, lots: int, distance: int, flags: int = 0, expire_ms: int = 0) -> int:
        """Buy at market once the price has risen ``distance`` ticks from its lowest since now."""
        return self.submit(TRAILING_STOP, 1, lots, 0, distance, flags, expire_ms, 0)

    def sell_trailing(self, lots: int, distance: int, flags: int = 0, expire_ms: int = 0) -> int:
        """Sell at market once the price has fallen ``distance`` ticks from its highest since now."""
        return self.submit(TRAILING_STOP, -1, lots, 0, distance, flags, expire_ms, 0)

    def attach_stop(self, entry_id: int, trigger: int) -> int:
        """Protect an order with a stop that comes to life when it fills; side and quantity follow from the order.

        The exits attached to one order cancel each other: the first that fills ends the others.
        """
        return self.submit(STOP, 0, 0, 0, trigger, 0, 0, entry_id)

    def attach_target(self, entry_id: int, price: int) -> int:
        """Attach a limit order that takes the profit of an order once that has filled; see `attach_stop`."""
        return self.submit(LIMIT, 0, 0, price, 0, 0, 0, entry_id)

    def attach_trailing(self, entry_id: int, distance: int) -> int:
        """Attach a trailing stop at a distance from the entry's price; see `attach_stop`."""
        return self.submit(TRAILING_STOP, 0, 0, 0, distance, 0, 0, entry_id)

    def target(self, lots: int) -> None:
        """Bring the position to ``lots`` (negative: short) with one order at the next open; nothing if it is there."""
        difference = lots - self.position
        if difference > 0:
            self.submit(MARKET, 1, difference, 0, 0, 0, 0, 0)
        elif difference < 0:
            self.submit(MARKET, -1, -difference, 0, 0, 0, 0, 0)
        elif difference != 0:
            # Not a number: an order that is rejected says so.
            self.submit(MARKET, 1, 0, 0, 0, 0, 0, 0)

    def amend(self, order_id: int, lots: int = 0, price: int = 0, trigger: int = 0) -> None:
        """Give an open order another quantity, limit or trigger; 0 leaves it as it is."""
        self.submit(AMEND, 0, lots, price, trigger, 0, 0, order_id)

    def cancel(self, order_id: int) -> None:
        """Take back one order; nothing happens if it is no longer open."""
        self.submit(CANCEL, 0, 0, 0, 0, 0, 0, order_id)

    def cancel_all(self) -> None:
        """Take back every open order."""
        self.submit(CANCEL_ALL, 0, 0, 0, 0, 0, 0, 0)

    def worth(self, price: int) -> float:
        """Return what the position adds to equity at ``price`` ticks, in settlement currency."""
        if self.inverse:
            return -self.position * self.point_value / price
        return self.position * price * self.point_value

    def equity(self, price: int) -> float:
        """Return cash plus the worth of the position at ``price`` ticks."""
        return self.cash + self.worth(price)


compiled_methods(
    Desk,
    *("submit", "buy", "sell", "buy_limit", "sell_limit", "buy_stop", "sell_stop", "buy_stop_limit", "sell_stop_limit"),
    *("buy_take_profit", "sell_take_profit", "buy_trailing", "sell_trailing"),
    *("attach_stop", "attach_target", "attach_trailing", "target", "amend", "cancel", "cancel_all", "worth", "equity"),
)
