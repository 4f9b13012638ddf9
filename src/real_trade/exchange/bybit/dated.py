"""What is listed beside spot and perpetuals: one dated future and one option, quoted but not traded by accounts.

The future goes where its perpetual goes; the option is worth what Black and Scholes say at one volatility.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cached_property
from math import erf, exp, log, pi, sqrt
from typing import TYPE_CHECKING, Final

from real_trade.exchange.core.orders import Price
from real_trade.exchange.words import plain
from real_trade.model import Market, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.exchange.pages import History
    from real_trade.exchange.world import Listing, World
    from real_trade.model import Instrument

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_YEAR_MS: Final = 365 * 86_400_000
_HOUR_MS: Final = 3_600_000
# A contract is not listed in the last days before its delivery.
_LEAST_DAYS: Final = 30
_VOLATILITY: Final = 0.5
OPTION_TICK: Final = Decimal(5)
OPTION_STEP: Final = Decimal("0.01")
# Levels of the option's book, and trades of it that are remembered.
_LEVELS: Final = 10
_TRADES: Final = 50


@dataclass(frozen=True, slots=True)
class OptionTrade:
    """One public trade of the option."""

    time_ms: int
    price: str
    size: str
    sign: int


class Dated:
    """The future and the option of a market, where it has a linear perpetual they can follow.

    Args:
        instruments: what the market lists.
        history: its bars; the option's strike is near the price at the beginning.
        world: the market as it goes on.
    """

    def __init__(self, instruments: Sequence[Instrument], history: History, world: World) -> None:
        perpetuals = [i for i in instruments if i.market is Market.LINEAR]
        self._history, self._world, self._start_ms = history, world, world.now_ms
        self.perpetual = next((i for i in perpetuals if i.base == "BTC"), perpetuals[0] if perpetuals else None)
        self.delivery_ms = _last_friday_of_quarter(world.now_ms + _LEAST_DAYS * 86_400_000)
        self._day = _spelled_day(self.delivery_ms)
        self.future: Instrument | None = None
        if self.perpetual is not None:
            self.future = replace(self.perpetual, symbol=f"{self.perpetual.symbol}-{self._day}")

    def is_future(self, symbol: str) -> bool:
        """Tell whether a linear symbol is the future's."""
        return self.future is not None and symbol == self.future.symbol

    def lists(self, category: str, symbol: str) -> bool:
        """Tell whether a symbol is the future's or the option's."""
        return (category == "linear" and self.is_future(symbol)) or (
            category == "option" and symbol == self.option != ""
        )

    def parent(self, category: str, symbol: str) -> str:
        """Return the symbol whose prices a symbol has: the perpetual's for the future, its own for others."""
        is_future = category == "linear" and self.is_future(symbol)
        return self.perpetual.symbol if is_future and self.perpetual is not None else symbol

    @cached_property
    def strike(self) -> int:
        """Return the option's strike: the price at the beginning, to two digits."""
        assert self.perpetual is not None
        bars = self._history.table(self.perpetual, SeriesKind.KLINE)
        row = min(len(bars) - 1, max(0, int(bars.time.searchsorted(self._start_ms)) - 1))
        price = int(bars.open[row]) / 10**bars.grid.price
        unit = 10 ** max(0, len(str(int(price))) - 2)
        return int(max(unit, round(price / unit) * unit))

    @property
    def option(self) -> str:
        """Return the option's symbol, empty where there is none."""
        if self.perpetual is None:
            return ""
        return f"{self.perpetual.base}-{self._day}-{self.strike}-C-{self.perpetual.settle}"

    def option_facts(self, launch_ms: int) -> dict[str, object]:
        """Spell the option the way instruments-info does."""
        assert self.perpetual is not None
        coins = self.perpetual.settle
        return {
            "symbol": self.option,
            "status": "Trading",
            "baseCoin": self.perpetual.base,
            "quoteCoin": coins,
            "settleCoin": coins,
            "optionsType": "Call",
            "launchTime": str(launch_ms),
            "deliveryTime": str(self.delivery_ms),
            "deliveryFeeRate": "0.00015",
            "priceFilter": {"minPrice": plain(OPTION_TICK), "maxPrice": "1110000", "tickSize": plain(OPTION_TICK)},
            "lotSizeFilter": {"maxOrderQty": "500", "minOrderQty": plain(OPTION_STEP), "qtyStep": plain(OPTION_STEP)},
            "displayName": f"{self.perpetual.base}{coins}-{self._day}-{self.strike}-C",
        }

    def option_ticker(self) -> dict[str, str]:
        """Spell the option's ticker."""
        listing = self._listing()
        index = float(self._world.exchange.prices[listing.name, Price.INDEX] * listing.contract.tick)
        left = self._years_left(self._world.now_ms)
        spread = _VOLATILITY * sqrt(left)
        reach = (log(index / self.strike) + spread * spread / 2) / spread
        density = exp(-reach * reach / 2) / sqrt(2 * pi)
        bids, asks = self.option_levels()
        traded = self.option_trades()
        volume = sum(Decimal(trade.size) for trade in traded)
        turnover = sum(Decimal(trade.size) * int(index) for trade in traded)
        prices = [Decimal(trade.price) for trade in traded]
        return {
            "symbol": self.option,
            "bid1Price": bids[0][0],
            "bid1Size": bids[0][1],
            "bid1Iv": str(_VOLATILITY),
            "ask1Price": asks[0][0],
            "ask1Size": asks[0][1],
            "ask1Iv": str(_VOLATILITY),
            "lastPrice": plain(prices[-1]),
            "highPrice24h": plain(max(prices)),
            "lowPrice24h": plain(min(prices)),
            "markPrice": f"{self._worth(index, self._world.now_ms):.8f}",
            "indexPrice": f"{index:.2f}",
            "markIv": str(_VOLATILITY),
            "underlyingPrice": f"{index:.2f}",
            "openInterest": plain(volume),
            "turnover24h": plain(turnover),
            "volume24h": plain(volume),
            "totalVolume": plain(volume),
            "totalTurnover": plain(turnover),
            "delta": f"{_normal(reach):.8f}",
            "gamma": f"{density / (index * spread):.8f}",
            "vega": f"{index * density * sqrt(left) / 100:.8f}",
            "theta": f"{-index * density * _VOLATILITY / (2 * sqrt(left)) / 365:.8f}",
            "predictedDeliveryPrice": "0",
            "change24h": plain(prices[-1] - prices[0]),
        }

    def option_levels(self) -> tuple[list[list[str]], list[list[str]]]:
        """Return bids and asks of the option."""
        listing = self._listing()
        index = float(self._world.exchange.prices[listing.name, Price.INDEX] * listing.contract.tick)
        middle = _on_tick(self._worth(index, self._world.now_ms))
        sides = []
        for sign in (-1, 1):
            prices = [middle + sign * step * OPTION_TICK for step in range(1, _LEVELS + 1)]
            sizes = (OPTION_STEP * (100 + 17 * step % 90) for step in range(_LEVELS))
            pairs = zip(prices, sizes, strict=True)
            sides.append([[plain(price), plain(size)] for price, size in pairs if price > 0])
        return sides[0], sides[1]

    def option_trades(self) -> list[OptionTrade]:
        """Return the last trades of the option, oldest first: one at the opening of each hour."""
        listing = self._listing()
        table, tick = listing.table, 10**listing.table.grid.price
        found = []
        last = self._world.now_ms // _HOUR_MS
        for hour in range(last - _TRADES + 1, last + 1):
            row = int(table.time.searchsorted(hour * _HOUR_MS, side="right")) - 1
            if row < 0:
                continue
            worth = self._worth(int(table.open[row]) / tick, hour * _HOUR_MS)
            size = OPTION_STEP * (1 + hour * 7 % 40)
            found.append(OptionTrade(hour * _HOUR_MS, plain(_on_tick(worth)), plain(size), 1 if hour % 2 else -1))
        return found

    def _listing(self) -> Listing:
        assert self.perpetual is not None
        return self._world.listings[self.perpetual.market, self.perpetual.symbol]

    def _years_left(self, now_ms: int) -> float:
        return max(1, self.delivery_ms - now_ms) / _YEAR_MS

    def _worth(self, price: float, now_ms: int) -> float:
        """Return what a call is worth at a price of the coin."""
        spread = _VOLATILITY * sqrt(self._years_left(now_ms))
        reach = (log(price / self.strike) + spread * spread / 2) / spread
        return price * _normal(reach) - self.strike * _normal(reach - spread)


def _normal(value: float) -> float:
    return (1 + erf(value / sqrt(2))) / 2


def _on_tick(value: float) -> Decimal:
    """Return a price on the option's grid, one tick at least."""
    ticks = (Decimal(value) / OPTION_TICK).quantize(Decimal(1), ROUND_HALF_EVEN)
    return max(Decimal(1), ticks) * OPTION_TICK


def _last_friday_of_quarter(after_ms: int) -> int:
    """Return when the first quarterly contract that outlives a time is delivered: a last Friday, 08:00 UTC."""
    at = datetime.fromtimestamp(after_ms / 1000, tz=UTC)
    year, month = at.year, -(-at.month // 3) * 3
    while True:
        first_of_next = datetime(year + month // 12, month % 12 + 1, 1, 8, tzinfo=UTC)
        friday = first_of_next - timedelta(days=1 + (first_of_next - timedelta(days=1)).weekday() - 4)
        if friday >= first_of_next:
            friday -= timedelta(days=7)
        if friday > at:
            return int(friday.timestamp()) * 1000
        year, month = (year, month + 3) if month < 12 else (year + 1, 3)


def _spelled_day(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, tz=UTC)
    return f"{at.day}{_MONTHS[at.month - 1]}{at.year % 100:02d}"
