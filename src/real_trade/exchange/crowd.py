"""What venues publish of their traders and no market tells: who is long and short, and what insures them.

The crowd sells what has risen and buys what has fallen, since there is no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.exchange.core.contract import UNIT, Kind

if TYPE_CHECKING:
    from decimal import Decimal

    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.world import World

_MOST_LONG: Final = 0.8
# How many more are short, for every part that a price has risen by.
_LEAN: Final = 5
# The insurance began with so much of a coin that is worth a dollar, and of another.
_POOL: Final = (10_000_000, 1_000)


def long_share(bars: BarTable, row: int) -> float:
    """Return which part of all traders is long at the end of a bar, to four decimals."""
    rise = (int(bars.close[row]) - int(bars.open[row])) / int(bars.open[row])
    return round(min(_MOST_LONG, max(1 - _MOST_LONG, 0.5 - _LEAN * rise)), 4)


def insurance(world: World) -> dict[str, Decimal]:
    """Return the insurance of each coin that contracts are settled in: what it began with, and liquidations since."""
    inverse: dict[str, bool] = {}
    for listing in world.listings.values():
        contract = listing.contract
        if contract.kind is not Kind.SPOT:
            inverse[contract.settle] = inverse.get(contract.settle, False) or contract.kind is Kind.INVERSE
    paid = world.exchange.settlement.insurance
    return {coin: _POOL[is_inverse] + paid.get(coin, 0) * UNIT for coin, is_inverse in inverse.items()}
