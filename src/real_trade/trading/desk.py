"""What a strategy sees on a bar and what it can do there. The same in compiled and in plain code."""

from __future__ import annotations

from typing import Any, NamedTuple

from real_trade.kernels.book import CANCEL, CANCEL_ALL, MAX_REQUESTS, REQUEST_COLUMNS
from real_trade.kernels.jit import compiled_methods, int_table
from real_trade.kernels.matching import LIMIT, MARKET, STOP


class Desk(NamedTuple):
    """The account as it stands at the bar's close, and the orders a strategy may give.

    Quantities are whole lots and prices whole ticks. Orders act from the next bar on, in the order they were given.
    Each submitting method returns the order's id.

    Attributes:
        position: signed lots held.
        open_orders: number of orders still working.
        entry_price: mean price of the open position in ticks, 0.0 when flat.
        cash: settlement currency; equity is ``desk.equity(bar.close)``.
        point_value: settlement currency per tick and lot.
        next_order_id: id that the next order will get.
        requests: handle of the table where orders are written; use the methods.
    """

    position: int
    open_orders: int
    entry_price: float
    cash: float
    point_value: float
    next_order_id: int
    requests: Any

    def submit(self, action: int, side: int, lots: int, price: int) -> int:
        """Write a request; the named methods below are easier to read."""
        rows = int_table(self.requests, REQUEST_COLUMNS)
        number = rows[MAX_REQUESTS, 0]
        if number < MAX_REQUESTS:
            rows[number, 0] = action
            rows[number, 1] = side
            rows[number, 2] = lots
            rows[number, 3] = price
        rows[MAX_REQUESTS, 0] = number + 1
        submitted = rows[MAX_REQUESTS, 1]
        if action < CANCEL:
            rows[MAX_REQUESTS, 1] = submitted + 1
        return self.next_order_id + submitted  # type: ignore[no-any-return]

    def buy(self, lots: int) -> int:
        """Buy at the next open."""
        return self.submit(MARKET, 1, lots, 0)

    def sell(self, lots: int) -> int:
        """Sell at the next open."""
        return self.submit(MARKET, -1, lots, 0)

    def buy_limit(self, lots: int, price: int) -> int:
        """Buy at ``price`` ticks or better."""
        return self.submit(LIMIT, 1, lots, price)

    def sell_limit(self, lots: int, price: int) -> int:
        """Sell at ``price`` ticks or better."""
        return self.submit(LIMIT, -1, lots, price)

    def buy_stop(self, lots: int, price: int) -> int:
        """Buy at market once the price rises to ``price`` ticks."""
        return self.submit(STOP, 1, lots, price)

    def sell_stop(self, lots: int, price: int) -> int:
        """Sell at market once the price falls to ``price`` ticks."""
        return self.submit(STOP, -1, lots, price)

    def target(self, lots: int) -> None:
        """Bring the position to ``lots`` (negative: short) with one order at the next open; nothing if it is there."""
        difference = lots - self.position
        if difference > 0:
            self.submit(MARKET, 1, difference, 0)
        elif difference < 0:
            self.submit(MARKET, -1, -difference, 0)

    def cancel(self, order_id: int) -> None:
        """Take back one order; nothing happens if it is no longer open."""
        self.submit(CANCEL, 0, order_id, 0)

    def cancel_all(self) -> None:
        """Take back every open order."""
        self.submit(CANCEL_ALL, 0, 0, 0)

    def equity(self, price: int) -> float:
        """Return cash plus the position's value at ``price`` ticks."""
        return self.cash + self.position * price * self.point_value


compiled_methods(
    Desk,
    "submit",
    "buy",
    "sell",
    "buy_limit",
    "sell_limit",
    "buy_stop",
    "sell_stop",
    "target",
    "cancel",
    "cancel_all",
    "equity",
)
