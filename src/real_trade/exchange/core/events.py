"""What happened, in order: the exchange's only output."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from real_trade.exchange.core.orders import Status, Why


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order is new, or has changed.

    Attributes:
        status, why: where it is, and why it ended.
        filled, value, fee: so far; lots, and units of the settlement coin.
    """

    time_ms: int
    account: int
    order: int
    symbol: str
    status: Status
    filled: int
    value: int
    fee: int
    why: Why | None


@dataclass(frozen=True, slots=True)
class Executed:
    """An account's side of a trade, of funding, or of a liquidation.

    Attributes:
        kind: trade, funding, liquidation, adl, delivery.
        sign, lots, ticks: what was done; of funding the position and the mark price.
        fee: units paid, of ``coin``.
        profit: units realised.
        maker: the order rested.
        trade: number of the trade; both sides share it.
        balance: of ``coin``, after it.
    """

    time_ms: int
    account: int
    order: int
    symbol: str
    kind: str
    sign: int
    lots: int
    ticks: int
    fee: int
    coin: str
    profit: int
    maker: bool
    trade: int
    balance: int


@dataclass(frozen=True, slots=True)
class Traded:
    """A trade as the public sees it; ``sign`` is the taker's."""

    time_ms: int
    symbol: str
    trade: int
    sign: int
    lots: int
    ticks: int


Event = OrderChanged | Executed | Traded


class EventLog:
    """Every event in order; two runs with the same seed and commands have the same hash."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._digest = hashlib.sha256()

    def add(self, event: Event) -> None:
        """Take an event."""
        self.events.append(event)

    def drain(self) -> list[Event]:
        """Return the events since the last call, and forget them: memory stays flat."""
        found, self.events = self.events, []
        for event in found:
            self._digest.update(repr(event).encode() + b"\n")
        return found

    @property
    def hash(self) -> str:
        """Return sha256 over all events that were drained."""
        return self._digest.hexdigest()
