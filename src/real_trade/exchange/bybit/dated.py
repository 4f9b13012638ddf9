"""What is listed beside spot and perpetuals: one dated future and one option, quoted but not traded by accounts.

The future goes where its perpetual goes; the option is quoted around what it is worth.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Final

from real_trade.exchange.call_option import STEP, TICK, VOLATILITY, CallOption
from real_trade.exchange.words import plain
from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.exchange.call_option import OptionTrade
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import World
    from real_trade.model import Instrument

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# A contract is not listed in the last days before its delivery.
_LEAST_DAYS: Final = 30


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
    def call(self) -> CallOption:
        """Return the option."""
        assert self.perpetual is not None
        return CallOption(self.perpetual, self._history, self._world, self._start_ms, self.delivery_ms)

    @property
    def option(self) -> str:
        """Return the option's symbol, empty where there is none."""
        if self.perpetual is None:
            return ""
        return f"{self.perpetual.base}-{self._day}-{self.call.strike}-C-{self.perpetual.settle}"

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
            "priceFilter": {"minPrice": plain(TICK), "maxPrice": "1110000", "tickSize": plain(TICK)},
            "lotSizeFilter": {"maxOrderQty": "500", "minOrderQty": plain(STEP), "qtyStep": plain(STEP)},
            "displayName": f"{self.perpetual.base}{coins}-{self._day}-{self.call.strike}-C",
        }

    def option_ticker(self) -> dict[str, str]:
        """Spell the option's ticker."""
        index, greeks = self.call.index, self.call.greeks()
        bids, asks = self.option_levels()
        traded = self.option_trades()
        volume = sum(Decimal(trade.size) for trade in traded)
        turnover = sum(Decimal(trade.size) * int(index) for trade in traded)
        prices = [Decimal(trade.price) for trade in traded]
        return {
            "symbol": self.option,
            "bid1Price": bids[0][0],
            "bid1Size": bids[0][1],
            "bid1Iv": str(VOLATILITY),
            "ask1Price": asks[0][0],
            "ask1Size": asks[0][1],
            "ask1Iv": str(VOLATILITY),
            "lastPrice": plain(prices[-1]),
            "highPrice24h": plain(max(prices)),
            "lowPrice24h": plain(min(prices)),
            "markPrice": f"{self.call.mark:.8f}",
            "indexPrice": f"{index:.2f}",
            "markIv": str(VOLATILITY),
            "underlyingPrice": f"{index:.2f}",
            "openInterest": plain(volume),
            "turnover24h": plain(turnover),
            "volume24h": plain(volume),
            "totalVolume": plain(volume),
            "totalTurnover": plain(turnover),
            "delta": f"{greeks.delta:.8f}",
            "gamma": f"{greeks.gamma:.8f}",
            "vega": f"{greeks.vega:.8f}",
            "theta": f"{greeks.theta:.8f}",
            "predictedDeliveryPrice": "0",
            "change24h": plain(prices[-1] - prices[0]),
        }

    def option_levels(self) -> tuple[list[list[str]], list[list[str]]]:
        """Return bids and asks of the option."""
        return self.call.levels()

    def option_trades(self) -> list[OptionTrade]:
        """Return the last trades of the option, oldest first."""
        return self.call.trades()


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
