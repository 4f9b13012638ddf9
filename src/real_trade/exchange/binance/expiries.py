"""Orders at Binance's USD-margined futures that are good until a date (GTD)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.exchange.binance.calls import Call, whole
from real_trade.exchange.binance.refusals import Refusal, missing

if TYPE_CHECKING:
    from real_trade.exchange.binance.records import Ticket
    from real_trade.model import Clock

# A date is so far away at least, and lies before the year 10000.
_LEAST_MS: Final = 600_000
_LAST_MS: Final = 253_402_300_799_000


class Expiries:
    """Those that are open.

    Args:
        clock: the venue's own.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tickets: list[Ticket] = []

    def date_of(self, call: Call) -> int:
        """Return until when a request's order is good, in whole seconds; 0 without a date.

        Raises:
            Refusal: no date, or one that is too near or too far.
        """
        if call.params.get("timeInForce") != "GTD":
            return 0
        date = whole(call.params, "goodTillDate")
        if date is None:
            raise missing("goodTillDate")
        if not self._clock.now_ms() + _LEAST_MS < date < _LAST_MS:
            raise Refusal(-5040, "Invalid good till date.")
        return date - date % 1_000

    def add(self, ticket: Ticket) -> None:
        """Keep an order's date in mind."""
        if ticket.good_till_ms:
            self._tickets.append(ticket)

    def take_due(self) -> list[Ticket]:
        """Return open orders whose date has come, and forget them and those that have ended."""
        now = self._clock.now_ms()
        open_ = [ticket for ticket in self._tickets if ticket.order.is_open]
        self._tickets = [ticket for ticket in open_ if ticket.good_till_ms > now]
        return [ticket for ticket in open_ if ticket.good_till_ms <= now]
