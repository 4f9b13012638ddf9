"""A venue made of the kernels: takes orders, matches them against bars, books fills into the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.kernels.accounting import refuse_order
from real_trade.kernels.matching import execute
from real_trade.model.order import Fill, Order, OrderEvent, OrderIntent, RejectReason

if TYPE_CHECKING:
    from real_trade.model.bars import Bar
    from real_trade.portfolio.account import Account


class SimulatedVenue:
    """A `Gateway` that executes against closed bars.

    Orders submitted after one bar are matched from the next `on_bar` on, in order of submission.

    Args:
        account: where fills are booked and funds are checked.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self._open: list[Order] = []
        self._arrived: set[int] = set()
        self._last_close = 0

    @property
    def open_orders(self) -> int:
        """Return the number of orders still working."""
        return len(self._open)

    @property
    def next_order_id(self) -> int:
        """Return the id that the next order will get."""
        return len(self.orders) + 1

    def submit(self, intent: OrderIntent, time_ms: int) -> Order:
        """Accept or reject an order."""
        order = Order(self.next_order_id, intent, time_ms)
        self.orders.append(order)
        terms = self.account.terms
        reason = RejectReason(refuse_order(int(intent.type), intent.lots, intent.price_ticks, self._last_close, terms))
        if reason:
            order.apply(OrderEvent.REJECT, time_ms, reason=reason)
        else:
            order.apply(OrderEvent.ACCEPT, time_ms)
            self._open.append(order)
        return order

    def cancel(self, order_id: int, time_ms: int) -> None:
        """Take back one order if it is open."""
        for order in self._open:
            if order.order_id == order_id:
                order.apply(OrderEvent.CANCEL, time_ms, reason=RejectReason.BY_STRATEGY)
        self._open = [order for order in self._open if order.is_open]

    def cancel_all(self, time_ms: int) -> None:
        """Take back every open order."""
        for order in self._open:
            order.apply(OrderEvent.CANCEL, time_ms, reason=RejectReason.BY_STRATEGY)
        self._open = []

    def on_bar(self, bar: Bar) -> list[Fill]:
        """Match every open order against a closed bar and return the fills."""
        new: list[Fill] = []
        for order in self._open:
            fill = self._match(order, bar)
            if fill is not None:
                new.append(fill)
        self._open = [order for order in self._open if order.is_open]
        self.fills += new
        self._last_close = bar.close
        return new

    def _match(self, order: Order, bar: Bar) -> Fill | None:
        intent = order.intent
        arriving = order.order_id not in self._arrived
        self._arrived.add(order.order_id)
        found = execute(int(intent.type), int(intent.side), intent.price_ticks, arriving, bar.open, bar.high, bar.low)
        if found.price_ticks == 0:
            return None
        fee = self.account.fee(intent.lots, found.price_ticks, maker=found.maker)
        reason = self.account.refuse(int(intent.side), intent.lots, found.price_ticks, fee)
        if reason:
            order.apply(OrderEvent.REJECT, bar.time_ms, reason=reason)
            return None
        fill = Fill(order.order_id, bar.time_ms, intent.side, found.price_ticks, intent.lots, fee, found.maker)
        self.account.apply(fill)
        order.apply(OrderEvent.FILL, bar.time_ms, lots=intent.lots)
        return fill
