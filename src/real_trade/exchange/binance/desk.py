"""What the order desks of the three markets share: instruments, numbers on their grids, orders by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from real_trade.exchange.binance.calls import Call, given, whole
from real_trade.exchange.binance.records import PREVENTION, PREVENTIONS
from real_trade.exchange.binance.refusals import Refusal, illegal, refusal_of
from real_trade.exchange.core.orders import Force, Refused, Why
from real_trade.exchange.words import plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from real_trade.exchange.binance.directory import Directory
    from real_trade.exchange.binance.records import Records, Ticket
    from real_trade.exchange.core.orders import Order, Request
    from real_trade.exchange.world import Listing, World

_LINK: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")


class Desk:
    """What a desk of one or two markets needs.

    Args:
        directory: what is listed.
        world: the exchange.
        records: names and history.
    """

    def __init__(self, directory: Directory, world: World, records: Records) -> None:
        self.directory, self.world, self.records = directory, world, records
        self.exchange = world.exchange

    def trading(self, call: Call) -> Listing:
        """Return the instrument that an order is for.

        Raises:
            Refusal: there is none, or it is not traded any more.
        """
        listing = self.directory.listing(call)
        if not listing.is_trading:
            raise Refusal(-1013, "Market is closed.") if call.is_spot else Refusal(-4141, "Symbol is closed.")
        return listing

    def link(self, account: int, call: Call, name: str = "newClientOrderId") -> str:
        """Return the name of a new order, as asked for or made up.

        Raises:
            Refusal: not a name, or that of an open order.
        """
        text = call.params.get(name, "")
        if not text:
            return self.records.new_name()
        if not _LINK.fullmatch(text):
            raise illegal(name, r"^[\.A-Z\:/a-z0-9_-]{1,36}$")
        if self.records.is_taken(account, text):
            raise refusal_of(Why.DUPLICATE_LINK, call.market)
        return text

    def ticket(self, call: Call, name: str = "origClientOrderId", number_name: str = "orderId") -> Ticket | None:
        """Return the order that a request names, None if there is none.

        Raises:
            Refusal: it names none.
        """
        given_number, link = whole(call.params, number_name), call.params.get(name, "")
        if given_number is None and not link:
            raise Refusal(-1102, f"Param '{name}' or '{number_name}' must be sent, but both were empty/null!")
        contract = self.directory.contract(call)
        ticket = self.records.find(call.account, given_number, link)
        return ticket if ticket is not None and ticket.order.contract is contract else None

    def mine(self, call: Call) -> list[Ticket]:
        """Return the account's orders in a symbol, oldest first."""
        contract = self.directory.contract(call)
        return [t for t in self.records.by_account[call.account] if t.order.contract is contract and not t.waits]

    def open_tickets(self, call: Call) -> list[Ticket]:
        """Return open orders of a symbol, or of all, oldest first; conditional orders of the futures aside."""
        found = (self.records.tickets[order.number] for order in self.exchange.open_orders(call.account))
        open_ = [t for t in found if not t.waits]
        if not given(call, "symbol"):
            return open_
        contract = self.directory.contract(call)
        return [t for t in open_ if t.order.contract is contract]

    @staticmethod
    def prevention(call: Call) -> str:
        """Return what is to become of an order and another of the account that it meets.

        Raises:
            Refusal: nothing that could.
        """
        word = call.params.get("selfTradePreventionMode", "") or PREVENTION
        if call.is_spot and word in {"DECREMENT", "TRANSFER"}:
            raise Refusal(-1013, "This symbol does not allow the specified self-trade prevention mode.")
        if word not in PREVENTIONS:
            raise Refusal(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")
        return word

    def submit(self, account: int, request: Request, listing: Listing) -> Order:
        """Give the core an order.

        Raises:
            Refusal: with the venue's code.
        """
        self.check_maker(listing, request)
        return self.attempt(listing, lambda: self.exchange.place(account, request, self.world.now_ms))

    def check_maker(self, listing: Listing, request: Request) -> None:
        """Refuse an order that is to rest in any case, and would not.

        Raises:
            Refusal: it would trade at once.
        """
        side = self.exchange.books[listing.name].side(-request.sign)
        if request.force is Force.POST_ONLY and request.trigger is None and side.reaches(request.ticks):
            raise refusal_of(Why.WOULD_TAKE, listing.instrument.market)

    def attempt(self, listing: Listing, command: Callable[[], Order]) -> Order:
        """Carry out a command of the core, and say its refusal as the venue does."""
        try:
            return command()
        except Refused as refused:
            least = plain(listing.instrument.min_notional)
            raise refusal_of(refused.why, listing.instrument.market, least) from None

    def cancel(self, ticket: Ticket, by: str) -> None:
        """Take an order back; whoever asked for it gave that a name."""
        ticket.cancelled_by = by
        self.exchange.cancel(ticket.order.account, ticket.order.number, self.world.now_ms)


def whole_steps(value: Decimal, step: Decimal) -> int | None:
    """Return how many steps a number is; None if it is none of the grid.

    >>> from decimal import Decimal
    >>> whole_steps(Decimal("1.5"), Decimal("0.5")), whole_steps(Decimal("1.6"), Decimal("0.5"))
    (3, None)
    """
    steps, rest = divmod(value, step)
    return None if rest else int(steps)


def decimals(call: Call, name: str) -> int:
    """Return how many decimals a number was sent with, zeros at the end aside."""
    return len(call.params[name].partition(".")[2].rstrip("0"))
