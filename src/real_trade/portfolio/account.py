"""An account in one instrument; changes only by fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.kernels.accounting import Ledger, Terms, book_fill, fee_of, refuse_fill, value_of
from real_trade.model.order import RejectReason

if TYPE_CHECKING:
    from real_trade.model.order import Fill


class Account:
    """Cash, position and mean entry price under given terms.

    Args:
        cash_units: starting cash in money units.
        terms: fees, leverage and bounds.
    """

    def __init__(self, cash_units: int, terms: Terms) -> None:
        self.terms = terms
        self.ledger = Ledger(cash_units, 0, 0.0)

    def fee(self, lots: int, price_ticks: int, *, maker: bool) -> int:
        """Return the fee of a fill, money units."""
        rate = self.terms.maker_rate if maker else self.terms.taker_rate
        return fee_of(value_of(lots, price_ticks, self.terms), rate)

    def value(self, lots: int, price_ticks: int) -> int:
        """Return the value of so many lots at a price, money units."""
        return value_of(lots, price_ticks, self.terms)

    def refuse(self, side: int, lots: int, price_ticks: int, fee: int) -> RejectReason:
        """Return why the account cannot carry a fill, `RejectReason.NONE` if it can."""
        return RejectReason(refuse_fill(self.ledger, side, lots, price_ticks, fee, self.terms))

    def apply(self, fill: Fill) -> None:
        """Book a fill."""
        self.ledger = book_fill(self.ledger, int(fill.side), fill.lots, fill.price_ticks, fill.fee, self.terms)

    def equity(self, price_ticks: int) -> int:
        """Return cash plus the position's value at a price, money units."""
        return self.ledger.cash + value_of(self.ledger.position, price_ticks, self.terms)
