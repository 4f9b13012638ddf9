"""What Bybit knows of orders, fills and positions beside the core: names, protection, history."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from real_trade.exchange.core.contract import divide

if TYPE_CHECKING:
    from real_trade.exchange.core.events import Executed
    from real_trade.exchange.core.orders import Order

# Finished orders and fills that are remembered of each account.
KEPT: Final = 20_000


@dataclass(slots=True)
class Protection:
    """Take profit and stop loss that an order brings along, or that a position has; prices in ticks, 0 for none."""

    take_profit: int = 0
    stop_loss: int = 0
    tp_by: str = "LastPrice"
    sl_by: str = "LastPrice"
    mode: str = "Full"
    tp_limit: int = 0
    sl_limit: int = 0

    @property
    def is_empty(self) -> bool:
        """Tell whether there is none."""
        return self.take_profit == 0 and self.stop_loss == 0


@dataclass(slots=True)
class Ticket:
    """An order as Bybit tells of it.

    Attributes:
        order: the core's.
        order_id, category, symbol: its names.
        order_type, force: as asked for.
        stop_type, created_by: empty and ``CreateByUser`` for what a user asked for.
        closes: close on trigger.
        last_on_created: the price when it was placed, ticks.
        protection: what it brings along.
        quote_units: of a spot market order in quote, how much was asked for; 0 for others.
        market_unit: the unit of its quantity.
        closed_profit: what its fills have realised, units.
        guards: numbers of the orders that its protection became, by their kind.
        partner: on spot the other one of take profit and stop loss; 0 for none.
        met: id of the order of its own account for which it was cancelled.
        heard: lots of which executions were told.
    """

    order: Order
    order_id: str
    category: str
    symbol: str
    order_type: str
    force: str
    stop_type: str = ""
    created_by: str = "CreateByUser"
    closes: bool = False
    last_on_created: int = 0
    protection: Protection = field(default_factory=Protection)
    quote_units: int = 0
    market_unit: str = ""
    closed_profit: int = 0
    guards: dict[str, int] = field(default_factory=dict)
    partner: int = 0
    met: str = ""
    heard: int = 0


@dataclass(slots=True)
class Story:
    """What has become of a position.

    Attributes:
        lots: signed.
        since_ms: when it was opened.
        current, ever: realised since it was opened, and in all; after fees and funding, units.
    """

    lots: int = 0
    since_ms: int = 0
    current: int = 0
    ever: int = 0

    def tell(self, event: Executed) -> int:
        """Go on with an execution; return how many lots it closed."""
        gain = event.profit - event.fee
        self.ever += gain
        if event.kind == "funding":
            self.current += gain
            return 0
        before, signed = self.lots, event.sign * event.lots
        self.lots += signed
        if before * signed > 0 or (before and before * self.lots >= 0):
            self.current += gain
        else:
            # It is new, or has turned: what opens it has paid its share of the fee.
            self.since_ms = event.time_ms
            self.current = -divide(event.fee * abs(self.lots), event.lots)
        return min(abs(before), event.lots) if before * signed < 0 else 0


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution, with its order (None for funding and what the venue closes) and what only the moment knew.

    Attributes:
        number: 1, 2, ... over the whole venue.
        order_id: of its order, or of the venue's own.
        closed: lots of a position that it closed.
        held: signed lots of the position after it.
        mark: ticks; 0 where there is none.
        left: lots of the order that were left.
    """

    number: int
    order_id: str
    event: Executed
    ticket: Ticket | None
    closed: int
    held: int
    mark: int
    left: int


class Records:
    """Tickets by every name, and the history of each account.

    Args:
        seed: decides ids, so that two runs have the same.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.tickets: dict[int, Ticket] = {}
        self._by_id: dict[str, Ticket] = {}
        self._by_link: dict[tuple[int, str], Ticket] = {}
        self.closed: dict[int, deque[Ticket]] = defaultdict(lambda: deque(maxlen=KEPT))
        self.fills: dict[int, deque[Fill]] = defaultdict(lambda: deque(maxlen=KEPT))
        self.fill_count = 0

    def new_id(self, number: int, *, spot: bool) -> str:
        """Return the id of an order: a long number on spot, a UUID elsewhere."""
        if spot:
            return str(1_700_000_000_000_000_000 + (self._seed % 1_000) * 10**12 + number)
        return self.uuid("order", number)

    def uuid(self, kind: str, number: int) -> str:
        """Return a UUID that the seed decides."""
        return str(UUID(bytes=hashlib.md5(f"{self._seed}/{kind}/{number}".encode(), usedforsecurity=False).digest()))

    def add(self, ticket: Ticket) -> None:
        """Take a new order."""
        order = ticket.order
        self.tickets[order.number] = ticket
        self._by_id[ticket.order_id] = ticket
        if order.request.link:
            self._by_link[order.account, order.request.link] = ticket

    def close(self, ticket: Ticket) -> None:
        """Put an order that has ended into the history, which forgets its oldest."""
        kept = self.closed[ticket.order.account]
        if len(kept) == kept.maxlen:
            self._forget(kept[0])
        kept.append(ticket)

    def _forget(self, ticket: Ticket) -> None:
        self.tickets.pop(ticket.order.number, None)
        self._by_id.pop(ticket.order_id, None)
        named = (ticket.order.account, ticket.order.request.link)
        if self._by_link.get(named) is ticket:
            del self._by_link[named]

    def find(self, account: int, order_id: str, link: str) -> Ticket | None:
        """Return an account's order by its id, else by the account's own name for it."""
        ticket = self._by_id.get(order_id) if order_id else self._by_link.get((account, link))
        return ticket if ticket is not None and ticket.order.account == account else None
