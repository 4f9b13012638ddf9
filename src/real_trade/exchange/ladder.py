"""Margin tiers of the local exchange: the shape of a major's ladder at the venue, not the figures of any day.

Twelve tiers of leverage 100, 90 ... 5. A tier asks an initial margin of one by its leverage, and half of that as
maintenance margin. BTCUSDT begins at two million, as it did at the venue; other coins begin lower, in the proportion
of their turnover here. Inverse contracts count in the base coin.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from real_trade.exchange.listing import UNDERLYINGS
from real_trade.model import Instrument, Market

# Cap in units of the first one -> largest leverage.
_STEPS: Final = {1: 100, 2: 90, 3: 80, 4: 70, 5: 60, 8: 50, 12: 40, 20: 30, 30: 25, 50: 20, 80: 10, 150: 5}
_FIRST_CAP: Final = 2_000_000
# Of coins that are not listed here, such as those of a recorded market: in quote, and in the coin itself.
_OTHER_CAP: Final = 200_000
_OTHER_COINS: Final = 1_000
_PLACES: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Rung:
    """One tier.

    Attributes:
        cap: largest value of a position in it, settlement currency.
        maintenance, initial: fractions of the value.
        leverage: the largest.
        deduction: by how much the maintenance margin is less than its fraction of the value.
    """

    cap: int
    maintenance: Decimal
    initial: Decimal
    leverage: int
    deduction: Decimal


def ladder(instrument: Instrument) -> list[Rung]:
    """Return the tiers of a perpetual, from the smallest positions to the largest."""
    unit = _first_cap(instrument)
    rungs: list[Rung] = []
    for multiple, leverage in _STEPS.items():
        initial = (1 / Decimal(leverage)).quantize(_PLACES, ROUND_HALF_EVEN)
        maintenance = (initial / 2).quantize(_PLACES, ROUND_HALF_EVEN)
        deduction = Decimal(0)
        if rungs:
            last = rungs[-1]
            # Where one tier ends and the next begins, both ask the same.
            deduction = last.cap * (maintenance - last.maintenance) + last.deduction
        rungs.append(Rung(unit * multiple, maintenance, initial, leverage, deduction))
    return rungs


def _first_cap(instrument: Instrument) -> int:
    coin = UNDERLYINGS.get(instrument.base)
    inverse = instrument.market is Market.INVERSE
    if coin is None:
        return _OTHER_COINS if inverse else _OTHER_CAP
    value = _FIRST_CAP * coin.turnover / UNDERLYINGS["BTC"].turnover
    return _round(value / coin.price) if inverse else int(value)


def _round(coins: float) -> int:
    """Return a whole number of coins with one leading digit."""
    digits = len(str(int(coins))) - 1
    return max(1, int(round(coins, -digits)))
