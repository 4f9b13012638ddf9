"""What is traded: its grid, and how lots at a price become an amount of the settlement coin."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

# Amounts of a coin are whole numbers of this part of it.
UNIT = Decimal("0.00000001")
# Rates (fees, funding, margin) are whole numbers of 1e-9.
RATE_SCALE = 1_000_000_000


class Kind(StrEnum):
    """How a fill is settled."""

    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"


class Tier(NamedTuple):
    """One step of the risk ladder.

    Attributes:
        cap: largest value of a position in it, units of the settlement coin.
        rate: maintenance margin, 1e-9 of the value.
        deduction: what the requirement is less than that.
        leverage: the largest.
    """

    cap: int
    rate: int
    deduction: int
    leverage: int


@dataclass(frozen=True)
class Contract:
    """One instrument.

    Attributes:
        symbol: its name.
        kind: spot, linear or inverse.
        base, quote, settle: coins.
        tick, step: price and quantity grid, as the venue prints them.
        face: base per unit of quantity on linear, quote per contract on inverse.
        min_lots, max_lots: of an order.
        min_value: smallest value of an order, in quote.
        tiers: risk ladder, none on spot.
        maker_rate, taker_rate: fees of the first tier, 1e-9.
        funding_minutes: between settlements; 0 on spot.
    """

    symbol: str
    kind: Kind
    base: str
    quote: str
    settle: str
    tick: Decimal
    step: Decimal
    face: Decimal = Decimal(1)
    min_lots: int = 1
    max_lots: int = 10**12
    min_value: Decimal = Decimal(0)
    tiers: tuple[Tier, ...] = ()
    maker_rate: int = 200_000
    taker_rate: int = 550_000
    funding_minutes: int = 480

    def __post_init__(self) -> None:
        """Work out the fraction that turns ticks and lots into units."""
        step = Fraction(self.step * self.face / UNIT)
        fraction = step / Fraction(self.tick) if self.kind is Kind.INVERSE else step * Fraction(self.tick)
        object.__setattr__(self, "_fraction", (fraction.numerator, fraction.denominator))

    def value(self, lots: int, ticks: int) -> int:
        """Return the value of lots at a price, units of the settlement coin, rounded half-even; never negative."""
        numerator, denominator = self._fraction  # type: ignore[attr-defined]
        if self.kind is Kind.INVERSE:
            return divide(abs(lots) * numerator, ticks * denominator)
        return divide(abs(lots) * ticks * numerator, denominator)

    def worth(self, lots: int, ticks: int) -> int:
        """Return what a signed position adds to equity: its value, on inverse contracts minus it."""
        value = self.value(lots, ticks)
        gains_with_value = (lots > 0) != (self.kind is Kind.INVERSE)
        return value if gains_with_value else -value

    def base_units(self, lots: int) -> int:
        """Return lots of a spot instrument in units of its base coin."""
        return int(lots * self.step / UNIT)

    def tier(self, value: int) -> Tier:
        """Return the step of the ladder that a position's value lies in."""
        return next((tier for tier in self.tiers if value <= tier.cap), self.tiers[-1])

    def maintenance(self, value: int) -> int:
        """Return the margin below which a position of this value is liquidated."""
        tier = self.tier(value)
        return max(0, share(value, tier.rate) - tier.deduction)


def divide(numerator: int, denominator: int) -> int:
    """Return a quotient rounded half-even; the denominator is positive.

    >>> divide(5, 2), divide(7, 2), divide(-5, 2)
    (2, 4, -2)
    """
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


def share(value: int, rate: int) -> int:
    """Return a value times a rate of 1e-9, rounded half-even."""
    return divide(value * rate, RATE_SCALE)
