"""What Binance knows of orders and fills beside the core: names, types, history."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from real_trade.exchange.core.orders import SelfTrade

if TYPE_CHECKING:
    from real_trade.exchange.core.events import Executed, OrderChanged
    from real_trade.exchange.core.orders import Order
    from real_trade.model import Market

# Finished orders and fills that are remembered of each account.
KEPT: Final = 20_000
_FIRST_ORDER: Final = 1_000_000_000
_FIRST_ALGO: Final = 2_000_000_000
_FIRST_PENDING: Final = 3_000_000_000


# What is done about orders of one account that meet, and what is done unless asked for otherwise.
PREVENTIONS: Final = {
    "NONE": SelfTrade.NONE,
    "EXPIRE_TAKER": SelfTrade.CANCEL_TAKER,
    "EXPIRE_MAKER": SelfTrade.CANCEL_MAKER,
    "EXPIRE_BOTH": SelfTrade.CANCEL_BOTH,
}
PREVENTION: Final = "EXPIRE_MAKER"


@dataclass(slots=True, eq=False)
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
        good_till_ms: when it expires; 0 for never.
        triggered_ms: when it was set off; 0 while it was not.
        working_ms: since when it is in the book.
        changes: how often it was modified.
        named_before: what it was called before it was last modified.
        is_told: the user stream has told that it is in the book.
        filled: lots that were filled, as far as that was heard of.
        cancelled_by: the name that whoever took it back gave that.
        list_id: number of the order list that it is part of; -1 for none.
        pending: 1, 2, ... of an order that a list places later, which has a number before the core has it; else 0.
        pends: it is not placed yet.
        prevention: what becomes of it and of an order of its own account that it meets.
        prevented: the match for which it expired.
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
    good_till_ms: int = 0
    triggered_ms: int = 0
    working_ms: int = 0
    changes: int = 0
    named_before: str = ""
    is_told: bool = False
    filled: int = 0
    cancelled_by: str = ""
    list_id: int = -1
    pending: int = 0
    pends: bool = False
    prevention: str = PREVENTION
    prevented: Prevented | None = None

    @property
    def order_id(self) -> int:
        """Return its number."""
        return _FIRST_PENDING + self.pending if self.pending else _FIRST_ORDER + self.order.number

    @property
    def algo_id(self) -> int:
        """Return its number as a conditional order."""
        return _FIRST_ALGO + self.order.number

    @property
    def waits(self) -> bool:
        """Tell whether it is a conditional order of the futures that was not set off (yet)."""
        return self.is_algo and not self.triggered_ms


@dataclass(slots=True, eq=False)
class Prevented:
    """A match of two orders of one account that did not take place.

    Attributes:
        number: 0, 1, ... in its symbol.
        taker, maker: the orders.
        time_ms: when they met.
        lots: how much would have been traded.
        taker_lots, maker_lots: what was left of the one that expired, or of both; 0 of one that went on.
    """

    number: int
    taker: Ticket
    maker: Ticket
    time_ms: int
    lots: int
    taker_lots: int = 0
    maker_lots: int = 0


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of an order.

    Attributes:
        number: 1, 2, ... over the whole venue.
        ticket: the order.
        time_ms: when.
        before, after: its price in ticks and its quantity in lots.
        names: the account's own for it, before and after.
        count: how often the order was modified, this time included.
    """

    number: int
    ticket: Ticket
    time_ms: int
    before: tuple[int, int]
    after: tuple[int, int]
    names: tuple[str, str]
    count: int


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
        self.report_count = 0
        self.amendments: dict[int, deque[Amendment]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._amended = 0
        self.prevented: dict[int, deque[Prevented]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._matches: dict[str, int] = defaultdict(int)
        # Those that lists were to place later, by number, and which of them still wait for it.
        self._parked = 0
        self._pending: dict[int, Ticket] = {}
        self._waiting: dict[int, Ticket] = {}

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
        self._enter(ticket)

    def _enter(self, ticket: Ticket) -> None:
        """Put an order into its account's history, which forgets its oldest where that has ended."""
        kept = self.by_account[ticket.order.account]
        if len(kept) == kept.maxlen and not (kept[0].pends or kept[0].order.is_open):
            self._forget(kept[0])
        kept.append(ticket)
        self._by_link[ticket.order.account, ticket.link] = ticket

    def _forget(self, ticket: Ticket) -> None:
        self.tickets.pop(ticket.order.number, None)
        self._pending.pop(ticket.pending, None)
        named = (ticket.order.account, ticket.link)
        if self._by_link.get(named) is ticket:
            del self._by_link[named]

    def add_pending(self, ticket: Ticket) -> None:
        """Take an order that is to be placed later."""
        self._parked += 1
        ticket.pending, ticket.pends = self._parked, True
        self._pending[ticket.pending] = self._waiting[ticket.pending] = ticket
        self._enter(ticket)

    def settle(self, ticket: Ticket) -> None:
        """Let an order wait no more for being placed: the core has it now, or never will."""
        ticket.pends = False
        del self._waiting[ticket.pending]
        if ticket.order.number:
            self.tickets[ticket.order.number] = ticket

    def pending(self, account: int) -> list[Ticket]:
        """Return the orders of an account that wait for being placed."""
        return [ticket for ticket in self._waiting.values() if ticket.order.account == account]

    def amend(self, ticket: Ticket, before: tuple[int, int], now_ms: int, link: str) -> Amendment:
        """Remember that an order was modified, its name from then on, and what it was like before: ticks and lots."""
        self._amended += 1
        ticket.changes += 1
        account, request = ticket.order.account, ticket.order.request
        after, names = (request.ticks or 0, request.lots), (ticket.link, link)
        change = Amendment(self._amended, ticket, now_ms, before, after, names, ticket.changes)
        self.amendments[account].append(change)
        if self._by_link.get((account, ticket.link)) is ticket:
            del self._by_link[account, ticket.link]
        ticket.named_before, ticket.link = names
        self._by_link[account, link] = ticket
        return change

    def prevent(self, ticket: Ticket, event: OrderChanged) -> None:
        """Remember for which match an order has expired."""
        account, other = event.account, self.tickets[ticket.order.met]
        # Who came later is the taker.
        taker, maker = sorted((ticket, other), key=lambda t: (t.working_ms, t.order.number), reverse=True)
        last = self.prevented[account][-1] if self.prevented[account] else None
        if last is None or last.taker is not taker or last.maker is not maker:
            lots = min(t.order.request.lots - t.filled for t in (taker, maker))
            last = Prevented(self._matches[ticket.symbol], taker, maker, event.time_ms, lots)
            self._matches[ticket.symbol] += 1
            self.prevented[account].append(last)
        left = ticket.order.request.lots - event.filled
        if ticket is taker:
            last.taker_lots = left
        else:
            last.maker_lots = left
        ticket.prevented = last

    def prevented_by(self, taker: Ticket) -> list[Prevented]:
        """Return the matches of an order that was placed just now which did not take place, oldest first."""
        last = reversed(self.prevented[taker.order.account])
        return list(takewhile(lambda match: match.taker is taker, last))[::-1]

    def is_taken(self, account: int, link: str) -> bool:
        """Tell whether an open order has a name already."""
        ticket = self._by_link.get((account, link))
        return ticket is not None and (ticket.pends or ticket.order.is_open)

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
        if number is not None and number > _FIRST_PENDING:
            ticket = self._pending.get(number - _FIRST_PENDING)
        else:
            ticket = self._by_link.get((account, link)) if number is None else self.tickets.get(number - _FIRST_ORDER)
        return ticket if ticket is not None and ticket.order.account == account and not ticket.waits else None

    def find_algo(self, account: int, number: int | None, link: str) -> Ticket | None:
        """Return an account's conditional order."""
        ticket = self._by_link.get((account, link)) if number is None else self.tickets.get(number - _FIRST_ALGO)
        return ticket if ticket is not None and ticket.order.account == account and ticket.is_algo else None
