"""Orders: their kinds, their life as one table, and the fills they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Side(IntEnum):
    """Direction of an order or position; its value is the sign of the quantity."""

    BUY = 1
    SELL = -1


class OrderType(IntEnum):
    """How an order finds its price."""

    MARKET = 0
    LIMIT = 1
    STOP = 2


class OrderStatus(IntEnum):
    """Where an order is in its life."""

    INITIALIZED = 0
    ACCEPTED = 1
    TRIGGERED = 2
    PARTIALLY_FILLED = 3
    FILLED = 4
    CANCELED = 5
    REJECTED = 6
    EXPIRED = 7


class OrderEvent(IntEnum):
    """What can happen to an order."""

    ACCEPT = 0
    TRIGGER = 1
    PARTIAL_FILL = 2
    FILL = 3
    CANCEL = 4
    REJECT = 5
    EXPIRE = 6


class RejectReason(IntEnum):
    """Why an order was not taken, or was taken back; 0 where it was not."""

    NONE = 0
    INSUFFICIENT_FUNDS = 1
    INSUFFICIENT_POSITION = 2
    QUANTITY_TOO_SMALL = 3
    QUANTITY_TOO_LARGE = 4
    PRICE_INVALID = 5
    NOTIONAL_TOO_SMALL = 6
    BY_STRATEGY = 7


S, E = OrderStatus, OrderEvent

# The one order table: (state, event) -> state. What is not here cannot happen.
ORDER_TABLE: Final[dict[tuple[OrderStatus, OrderEvent], OrderStatus]] = {
    (S.INITIALIZED, E.ACCEPT): S.ACCEPTED,
    (S.INITIALIZED, E.REJECT): S.REJECTED,
    # A venue may fill a marketable order before its acknowledgement reaches us.
    (S.INITIALIZED, E.PARTIAL_FILL): S.PARTIALLY_FILLED,
    (S.INITIALIZED, E.FILL): S.FILLED,
    # ... and may cancel or expire one at once (immediate-or-cancel without a counterparty).
    (S.INITIALIZED, E.CANCEL): S.CANCELED,
    (S.INITIALIZED, E.EXPIRE): S.EXPIRED,
    (S.ACCEPTED, E.TRIGGER): S.TRIGGERED,
    (S.ACCEPTED, E.PARTIAL_FILL): S.PARTIALLY_FILLED,
    (S.ACCEPTED, E.FILL): S.FILLED,
    (S.ACCEPTED, E.CANCEL): S.CANCELED,
    (S.ACCEPTED, E.EXPIRE): S.EXPIRED,
    # An accepted order is rejected later when the funds it needs at execution are gone.
    (S.ACCEPTED, E.REJECT): S.REJECTED,
    (S.TRIGGERED, E.PARTIAL_FILL): S.PARTIALLY_FILLED,
    (S.TRIGGERED, E.FILL): S.FILLED,
    (S.TRIGGERED, E.CANCEL): S.CANCELED,
    (S.TRIGGERED, E.EXPIRE): S.EXPIRED,
    # A stop turns into a market order when triggered; that order may find no funds.
    (S.TRIGGERED, E.REJECT): S.REJECTED,
    (S.PARTIALLY_FILLED, E.PARTIAL_FILL): S.PARTIALLY_FILLED,
    (S.PARTIALLY_FILLED, E.FILL): S.FILLED,
    (S.PARTIALLY_FILLED, E.CANCEL): S.CANCELED,
    (S.PARTIALLY_FILLED, E.EXPIRE): S.EXPIRED,
    # The one way out of a terminal state: the venue had matched before it saw our cancel, and the fill comes late.
    (S.CANCELED, E.PARTIAL_FILL): S.CANCELED,
    (S.CANCELED, E.FILL): S.FILLED,
    (S.EXPIRED, E.PARTIAL_FILL): S.EXPIRED,
    (S.EXPIRED, E.FILL): S.FILLED,
}
TERMINAL: Final = frozenset({S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED})


class OrderStateError(Exception):
    """An event reached an order that its state does not allow."""


def next_status(status: OrderStatus, event: OrderEvent) -> OrderStatus:
    """Return the state that an event leads to.

    Raises:
        OrderStateError: the table has no such row.
    """
    try:
        return ORDER_TABLE[status, event]
    except KeyError:
        raise OrderStateError(f"order in state {status.name} cannot take {event.name}") from None


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """What a strategy asks for.

    Attributes:
        side: buy or sell.
        type: market, limit or stop.
        lots: quantity in lots, positive.
        price_ticks: limit or trigger price in ticks; 0 for a market order.
    """

    side: Side
    type: OrderType
    lots: int
    price_ticks: int = 0


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution.

    Attributes:
        order_id: the order it belongs to.
        time_ms: opening time of the bar it happened in (backtest), or the venue's time.
        side: buy or sell.
        price_ticks, lots: integers of the instrument's grid.
        fee: in money units, positive when paid.
        maker: the order rested and was taken by another.
    """

    order_id: int
    time_ms: int
    side: Side
    price_ticks: int
    lots: int
    fee: int
    maker: bool


@dataclass(slots=True)
class Order:
    """An order and where it is in its life; changes only through `apply`.

    Attributes:
        order_id: 1, 2, ... in order of submission.
        intent: what was asked for.
        submitted_ms: time of the decision.
        status: state by the order table.
        filled_lots: executed so far.
        reason: why it was rejected or canceled.
        updated_ms: time of the last event.
    """

    order_id: int
    intent: OrderIntent
    submitted_ms: int
    status: OrderStatus = OrderStatus.INITIALIZED
    filled_lots: int = 0
    reason: RejectReason = RejectReason.NONE
    updated_ms: int = 0

    def apply(
        self, event: OrderEvent, time_ms: int, *, lots: int = 0, reason: RejectReason = RejectReason.NONE
    ) -> None:
        """Take an event.

        Raises:
            OrderStateError: the state does not allow it, or more would be filled than was ordered.
        """
        if self.filled_lots + lots > self.intent.lots:
            excess = self.filled_lots + lots - self.intent.lots
            raise OrderStateError(f"order {self.order_id}: fill exceeds the order by {excess} lots")
        self.status = next_status(self.status, event)
        self.filled_lots += lots
        self.reason = reason
        self.updated_ms = time_ms

    @property
    def is_open(self) -> bool:
        """Tell whether the order may still fill by itself."""
        return self.status not in TERMINAL
