"""A call option on a perpetual's coin, quoted and not traded by accounts.

It is worth what Black and Scholes say at one volatility.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cached_property
from math import erf, exp, log, pi, sqrt
from typing import TYPE_CHECKING, Final

from real_trade.exchange.core.orders import Price
from real_trade.exchange.words import plain
from real_trade.model import Instrument, SeriesKind

if TYPE_CHECKING:
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import Listing, World

VOLATILITY: Final = 0.5
TICK: Final = Decimal(5)
STEP: Final = Decimal("0.01")
_YEAR_MS: Final = 365 * 86_400_000
_HOUR_MS: Final = 3_600_000
# Levels of its book, and trades of it that are remembered.
_LEVELS: Final = 10
_TRADES: Final = 50


@dataclass(frozen=True, slots=True)
class OptionTrade:
    """One public trade of the option."""

    time_ms: int
    price: str
    size: str
    sign: int


@dataclass(frozen=True, slots=True)
class Greeks:
    """How the option's worth follows the price, how fast that changes, and what volatility and a day are worth."""

    delta: float
    gamma: float
    vega: float
    theta: float


class CallOption:
    """The option.

    Args:
        perpetual: whose coin it is on.
        history: the perpetual's bars.
        world: the market as it goes on.
        listed_ms: when it was listed; its strike is near the price of then.
        delivery_ms: when it ends.
    """

    def __init__(self, perpetual: Instrument, history: History, world: World, listed_ms: int, delivery_ms: int) -> None:
        self._perpetual, self._history, self._world = perpetual, history, world
        self._listed_ms, self.delivery_ms = listed_ms, delivery_ms

    @cached_property
    def strike(self) -> int:
        """Return the price at the beginning, to two digits."""
        bars = self._history.table(self._perpetual, SeriesKind.KLINE)
        row = min(len(bars) - 1, max(0, int(bars.time.searchsorted(self._listed_ms)) - 1))
        price = int(bars.open[row]) / 10**bars.grid.price
        unit = 10 ** max(0, len(str(int(price))) - 2)
        return int(max(unit, round(price / unit) * unit))

    @property
    def index(self) -> float:
        """Return the price of the coin now."""
        listing = self._listing
        return float(self._world.exchange.prices[listing.name, Price.INDEX] * listing.contract.tick)

    @property
    def mark(self) -> float:
        """Return what it is worth now."""
        return self.worth(self.index, self._world.now_ms)

    def worth(self, price: float, at_ms: int) -> float:
        """Return what it is worth at a price of the coin."""
        spread = VOLATILITY * sqrt(self._years_left(at_ms))
        reach = self._reach(price, spread)
        return price * _normal(reach) - self.strike * _normal(reach - spread)

    def greeks(self) -> Greeks:
        """Return what moves its worth now."""
        index, left = self.index, self._years_left(self._world.now_ms)
        spread = VOLATILITY * sqrt(left)
        reach = self._reach(index, spread)
        density = exp(-reach * reach / 2) / sqrt(2 * pi)
        return Greeks(
            delta=_normal(reach),
            gamma=density / (index * spread),
            vega=index * density * sqrt(left) / 100,
            theta=-index * density * VOLATILITY / (2 * sqrt(left)) / 365,
        )

    def levels(self) -> tuple[list[list[str]], list[list[str]]]:
        """Return its bids and asks, best first."""
        middle = on_tick(self.mark)
        sides = []
        for sign in (-1, 1):
            prices = [middle + sign * step * TICK for step in range(1, _LEVELS + 1)]
            sizes = (STEP * (100 + 17 * step % 90) for step in range(_LEVELS))
            pairs = zip(prices, sizes, strict=True)
            sides.append([[plain(price), plain(size)] for price, size in pairs if price > 0])
        return sides[0], sides[1]

    def trades(self) -> list[OptionTrade]:
        """Return its last trades, oldest first: one at the opening of each hour."""
        last = self._world.now_ms // _HOUR_MS
        found = (self._trade(hour) for hour in range(last - _TRADES + 1, last + 1))
        return [trade for trade in found if trade is not None]

    def _trade(self, hour: int) -> OptionTrade | None:
        """Return the trade of an hour since 1970; None where the coin had no price yet."""
        table = self._listing.table
        row = int(table.time.searchsorted(hour * _HOUR_MS, side="right")) - 1
        if row < 0:
            return None
        worth = self.worth(int(table.open[row]) / 10**table.grid.price, hour * _HOUR_MS)
        size = STEP * (1 + hour * 7 % 40)
        return OptionTrade(hour * _HOUR_MS, plain(on_tick(worth)), plain(size), 1 if hour % 2 else -1)

    @property
    def _listing(self) -> Listing:
        return self._world.listings[self._perpetual.market, self._perpetual.symbol]

    def _years_left(self, at_ms: int) -> float:
        return max(1, self.delivery_ms - at_ms) / _YEAR_MS

    def _reach(self, price: float, spread: float) -> float:
        return (log(price / self.strike) + spread * spread / 2) / spread


def on_tick(value: float) -> Decimal:
    """Return a price on the option's grid, one tick at least.

    >>> on_tick(0.1), on_tick(13)
    (Decimal('5'), Decimal('15'))
    """
    ticks = (Decimal(value) / TICK).quantize(Decimal(1), ROUND_HALF_EVEN)
    return max(Decimal(1), ticks) * TICK


def _normal(value: float) -> float:
    return (1 + erf(value / sqrt(2))) / 2
