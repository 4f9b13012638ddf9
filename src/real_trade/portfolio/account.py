"""An account in one instrument; changes only by fills and by funding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.kernels.accounting import (
    Terms,
    book_fill,
    fee_of,
    opening,
    pay_funding,
    refuse_fill,
    value_of,
    worth_of,
)
from real_trade.kernels.funding import funding_of
from real_trade.model.order import RejectReason

if TYPE_CHECKING:
    from real_trade.model.order import Fill


class Account:
    """Cash, position and what became of them, under given terms.

    Args:
        cash_units: starting cash in money units.
        terms: fees, leverage and bounds.
    """

    def __init__(self, cash_units: int, terms: Terms) -> None:
        self.terms = terms
        self.ledger = opening(cash_units)

    def fee(self, lots: int, price_ticks: int, *, maker: bool) -> int:
        """Return the fee of a fill, money units."""
        rate = self.terms.maker_rate if maker else self.terms.taker_rate
        return fee_of(value_of(lots, price_ticks, self.terms), rate)

    def worth(self, lots: int, price_ticks: int) -> int:
        """Return what signed lots add to equity at a price, money units."""
        return worth_of(lots, price_ticks, self.terms)

    def refuse(self, side: int, lots: int, price_ticks: int, fee: int, backing: int = 0) -> RejectReason:
        """Return why the account cannot carry a fill, `RejectReason.NONE` if it can."""
        return RejectReason(refuse_fill(self.ledger, side, lots, price_ticks, fee, self.terms, backing))

    def apply(self, fill: Fill) -> None:
        """Book a fill."""
        self.ledger = book_fill(self.ledger, int(fill.side), fill.lots, fill.price_ticks, fill.fee, self.terms)

    def settle(self, price_ticks: int, rate: int) -> int:
        """Pay or receive funding on the open position and return the amount paid, money units."""
        terms = self.terms
        amount = funding_of(
            self.ledger.position, price_ticks, rate, terms.value_numerator, terms.value_denominator, terms.inverse
        )
        self.ledger = pay_funding(self.ledger, amount)
        return amount

    def equity(self, price_ticks: int) -> int:
        """Return cash plus the position's worth at a price, money units."""
        return self.ledger.cash + worth_of(self.ledger.position, price_ticks, self.terms)
