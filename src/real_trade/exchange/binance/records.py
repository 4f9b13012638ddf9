"""What Binance knows of orders and fills beside the core: names, types, history."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from real_trade.exchange.core.events import Executed
    from real_trade.exchange.core.orders import Order
    from real_trade.model import Market

# Finished orders and fills that are remembered of each account.
KEPT: Final = 20_000
_FIRST_ORDER: Final = 1_000_000_000
_FIRST_ALGO: Final = 2_000_000_000


@dataclass(slots=True)
class Ticket:
    """An order as Binance tells of it.

    Attributes:
        order: the core's.
        market, symbol: what it is for.
        link: the account's own name for it.
        kind, force: its type and how long it stays, as asked for.
        is_algo: a conditional order of the futures, which has a number of its own until it is set off.
        working_type, protects, closes: of a conditional order: which price, price protection, closes the position.
        quote_units: of a spot market order in quote, how much was asked for.
        rate: of a trailing one how far it follows, as asked for.
        activates: price from which it follows, ticks; 0 at once.
        only_reduces: as asked for.
        triggered_ms: when it was set off; 0 while it was not.
        working_ms: since when it is in the book.
        changes: how often it was modified.
        is_told: the user stream has told that it is in the book.
        cancelled_by: the name that whoever took it back gave that.
    """

    order: Order
    market: Market
    symbol: str
    link: str
    kind: str
    force: str
    is_algo: bool = False
    working_type: str = "CONTRACT_PRICE"
    protects: bool = False
    closes: bool = False
    quote_units: int = 0
    rate: str = ""
    activates: int = 0
    only_reduces: bool = False
    triggered_ms: int = 0
    working_ms: int = 0
    changes: int = 0
    is_told: bool = False
    cancelled_by: str = ""

    @property
    def order_id(self) -> int:
        """Return its number."""
        return _FIRST_ORDER + self.order.number

    @property
    def algo_id(self) -> int:
        """Return its number as a conditional order."""
        return _FIRST_ALGO + self.order.number

    @property
    def waits(self) -> bool:
        """Tell whether it is a conditional order of the futures that was not set off (yet)."""
        return self.is_algo and not self.triggered_ms


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution, with its order (None for funding and liquidation).

    Attributes:
        number: 1, 2, ... over the whole venue.
        trade: number of the trade in its symbol.
    """

    number: int
    event: Executed
    ticket: Ticket | None
    trade: int


class Records:
    """Tickets by every name, and the history of each account.

    Args:
        seed: decides names, so that two runs have the same.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._named = 0
        self.tickets: dict[int, Ticket] = {}
        self.by_account: dict[int, deque[Ticket]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._by_link: dict[tuple[int, str], Ticket] = {}
        self.fills: dict[int, deque[Fill]] = defaultdict(lambda: deque(maxlen=KEPT))
        self.fill_count = 0

    def new_name(self) -> str:
        """Return a name for an order that came without one."""
        self._named += 1
        return self.word("name", self._named)[:22]

    def word(self, kind: str, number: int) -> str:
        """Return 64 characters that the seed decides."""
        return hashlib.sha256(f"{self._seed}/{kind}/{number}".encode()).hexdigest()

    def add(self, ticket: Ticket) -> None:
        """Take a new order."""
        self.tickets[ticket.order.number] = ticket
        self.by_account[ticket.order.account].append(ticket)
        self._by_link[ticket.order.account, ticket.link] = ticket

    def is_taken(self, account: int, link: str) -> bool:
        """Tell whether an open order has a name already."""
        ticket = self._by_link.get((account, link))
        return ticket is not None and ticket.order.is_open

    def fills_of(self, ticket: Ticket) -> list[Fill]:
        """Return the fills of an order that was placed just now, oldest first."""
        found: list[Fill] = []
        left = ticket.order.filled
        for fill in reversed(self.fills[ticket.order.account]):
            if left == 0:
                break
            if fill.ticket is ticket:
                found.append(fill)
                left -= fill.event.lots
        return found[::-1]

    def find(self, account: int, number: int | None, link: str) -> Ticket | None:
        """Return an account's order by its number, else by the account's own name for it."""
        ticket = self._by_link.get((account, link)) if number is None else self.tickets.get(number - _FIRST_ORDER)
        return ticket if ticket is not None and ticket.order.account == account and not ticket.waits else None

    def find_algo(self, account: int, number: int | None, link: str) -> Ticket | None:
        """Return an account's conditional order."""
        ticket = self._by_link.get((account, link)) if number is None else self.tickets.get(number - _FIRST_ALGO)
        return ticket if ticket is not None and ticket.order.account == account and ticket.is_algo else None
