"""Orders: their kinds, their life as one table, and the fills they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
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
    STOP_LIMIT = 3
    TAKE_PROFIT = 4
    TRAILING_STOP = 5


class Flag(IntFlag):
    """Conditions of an order; they add up.

    Without `IOC` or `FOK` an order stays until it is filled, canceled, or its time is up.
    """

    NONE = 0
    IOC = 1  # what does not fill on arrival is canceled
    FOK = 2  # fills whole on arrival, or not at all
    POST_ONLY = 4  # canceled rather than take on arrival
    REDUCE_ONLY = 8  # only ever makes the position smaller
    CLOSE = 16  # as reduce-only, for the whole position whatever the quantity says


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
    POST_ONLY_WOULD_TAKE = 8
    NOT_FILLED_AT_ONCE = 9
    REDUCE_ONLY = 10
    TRIGGER_WRONG_SIDE = 11
    TIME_UP = 12
    SIBLING_FILLED = 13
    ENTRY_GONE = 14
    CONTRADICTION = 15
    RISK_LIMIT = 16
    LIQUIDATION = 17


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
        price_ticks: limit price in ticks; 0 where there is none.
        trigger_ticks: trigger price in ticks, or the distance of a trailing stop; 0 where there is none.
        flags: conditions.
        expire_ms: the order ends at this time; 0 never.
        entry_id: the order whose fill brings this one to life; 0 for an order of its own. Orders of one entry cancel
            each other when one fills.
    """

    side: Side
    type: OrderType
    lots: int
    price_ticks: int = 0
    trigger_ticks: int = 0
    flags: Flag = Flag.NONE
    expire_ms: int = 0
    entry_id: int = 0


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
        ambiguous: the bar could have hit another exit too, and the policy decided.
        slippage: money units lost against the price before slippage.
    """

    order_id: int
    time_ms: int
    side: Side
    price_ticks: int
    lots: int
    fee: int
    maker: bool
    ambiguous: bool = False
    slippage: int = 0


@dataclass(slots=True)
class Order:
    """An order and where it is in its life; its state changes only through `apply`, its intent by an amendment.

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
        # A rejected order may have asked for a quantity below zero.
        if lots > 0 and self.filled_lots + lots > self.intent.lots:
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
