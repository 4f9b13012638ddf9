"""The port to whatever executes orders: a venue, or the simulated one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from real_trade.model.order import Order, OrderIntent


class Gateway(Protocol):
    """Takes orders and takes them back. Called from the one thread of the core; answers by events on the order."""

    def submit(self, intent: OrderIntent, time_ms: int) -> Order:
        """Send an order; the returned object carries its state from then on."""
        ...

    def amend(self, order_id: int, lots: int, price_ticks: int, trigger_ticks: int) -> None:
        """Ask for another quantity, limit or trigger; 0 leaves each as it is."""
        ...

    def cancel(self, order_id: int, time_ms: int) -> None:
        """Ask for cancellation; nothing happens if the order is not open."""
        ...

    def cancel_all(self, time_ms: int) -> None:
        """Ask for cancellation of every open order."""
        ...
