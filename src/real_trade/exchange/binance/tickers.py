"""Binance's tickers: the last price, and what the last 24 hours were like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.directory import Quotes, listed, pair_of, price_decimals
from real_trade.exchange.binance.spelling import price, quantity
from real_trade.exchange.core.contract import UNIT
from real_trade.exchange.core.orders import Price
from real_trade.exchange.pages import DayStats, History
from real_trade.exchange.words import plain
from real_trade.model import Instrument, Market, SeriesKind

if TYPE_CHECKING:
    from decimal import Decimal

    from real_trade.exchange.answers import Answer
    from real_trade.exchange.binance.calls import Call
    from real_trade.exchange.binance.tape import Tape
    from real_trade.exchange.world import Listing, World
    from real_trade.model import Clock

_DAY_MS: Final = 86_400_000
_NOT_MINI: Final = frozenset(
    (
        *("priceChange", "priceChangePercent", "weightedAvgPrice", "prevClosePrice", "lastQty"),
        *("bidPrice", "bidQty", "askPrice", "askQty"),
    )
)


class Tickers:
    """Tickers of history, and of the market that goes on once it does.

    Args:
        directory: what is listed.
        history: bars.
        world: the market as it goes on.
        tape: public trades.
        clock: market time.
    """

    def __init__(self, directory: Quotes, history: History, world: World, tape: Tape, clock: Clock) -> None:
        self._directory, self._history, self._world, self._tape = directory, history, world, tape
        self._clock = clock

    def prices(self, call: Call) -> Answer:
        """Return last prices."""
        now = self._clock.now_ms()
        rows = []
        for instrument in self._directory.chosen(call):
            day = self._day(instrument)
            row: dict[str, object] = {
                "symbol": instrument.symbol,
                "price": plain(day.last, price_decimals(instrument)) if day else "",
            }
            if instrument.market is Market.INVERSE:
                row["ps"] = pair_of(instrument)
            rows.append(row if instrument.market is Market.SPOT else row | {"time": now})
        return listed(call, rows)

    def days(self, call: Call) -> Answer:
        """Return what the last day was like."""
        rows = [self.day(instrument) for instrument in self._directory.chosen(call)]
        if call.is_spot and call.params.get("type") == "MINI":
            rows = [{name: value for name, value in row.items() if name not in _NOT_MINI} for row in rows]
        return listed(call, rows)

    def day(self, instrument: Instrument) -> dict[str, Any]:
        """Return what the last day of an instrument was like."""
        now = self._clock.now_ms()
        day = self._day(instrument)
        if day is None:
            return {"symbol": instrument.symbol, "count": 0}
        places, volume_places = price_decimals(instrument), 8 if instrument.market is Market.SPOT else None
        mean = day.turnover / day.volume if day.volume else day.last
        if instrument.market is Market.INVERSE and day.turnover:
            mean = day.volume * instrument.contract_value / day.turnover
        listing = self._directory.going(instrument)
        last_id = day.trades if listing is None else self._tape.last_id(listing.name)
        row: dict[str, Any] = {
            "symbol": instrument.symbol,
            "priceChange": plain(day.last - day.first, places),
            "priceChangePercent": plain((day.last / day.first - 1) * 100, 3),
            "weightedAvgPrice": plain(mean, places),
            "lastPrice": plain(day.last, places),
            "lastQty": "0",
            "openPrice": plain(day.first, places),
            "highPrice": plain(day.high, places),
            "lowPrice": plain(day.low, places),
            "volume": plain(day.volume, volume_places),
            "openTime": now - _DAY_MS,
            "closeTime": now,
            "firstId": last_id - day.trades + 1,
            "lastId": last_id,
            "count": day.trades,
        }
        if listing is not None and listing.recent:
            row["lastQty"] = quantity(listing.contract, listing.recent[-1].lots)
        if instrument.market is Market.INVERSE:
            return row | {"pair": pair_of(instrument), "baseVolume": plain(day.turnover, 8)}
        row["quoteVolume"] = plain(day.turnover, volume_places)
        if instrument.market is Market.SPOT:
            row["prevClosePrice"] = plain(day.first, places)
            row |= self._touch(instrument, listing, day)
        return row

    @staticmethod
    def _touch_of_history(instrument: Instrument, day: DayStats) -> dict[str, Any]:
        least = plain(instrument.min_quantity, 8)
        return {
            "bidPrice": plain(day.last - instrument.tick_size, 8),
            "bidQty": least,
            "askPrice": plain(day.last, 8),
            "askQty": least,
        }

    def _touch(self, instrument: Instrument, listing: Listing | None, day: DayStats) -> dict[str, Any]:
        if listing is None:
            return self._touch_of_history(instrument, day)
        bid, bids, ask, asks = touch(self._world, listing)
        return {"bidPrice": bid, "bidQty": bids, "askPrice": ask, "askQty": asks}

    def _day(self, instrument: Instrument) -> DayStats | None:
        """Return the last 24 hours up to the last trade."""
        now = self._clock.now_ms()
        listing, instrument = self._directory.going(instrument), self._directory.parent(instrument)
        if listing is None:
            return self._history.last_day(instrument, SeriesKind.KLINE, now)
        candle, contract = listing.candle, listing.contract
        span = max(1, _DAY_MS - (now - candle.time_ms))
        past = self._history.last_day(instrument, SeriesKind.KLINE, candle.time_ms - 1, span)
        last = self._world.exchange.prices[listing.name, Price.LAST] * contract.tick
        high, low = candle.high * contract.tick, candle.low * contract.tick
        volume, turnover = candle.lots * contract.step, candle.turnover * UNIT
        if past is None:
            opened = candle.open * contract.tick
            return DayStats(opened, last, high, low, volume, turnover, candle.trades, candle.time_ms)
        return DayStats(
            past.first,
            last,
            max(past.high, high, last),
            min(past.low, low, last),
            past.volume + volume,
            past.turnover + turnover,
            past.trades + candle.trades,
            past.open_ms,
        )


def touch(world: World, listing: Listing) -> tuple[str, str, str, str]:
    """Return best bid and its quantity, best ask and its quantity."""
    found = []
    for side in world.exchange.books[listing.name].depth(1):
        ticks, lots = side[0] if side else (0, 0)
        found += [price(listing.contract, ticks), quantity(listing.contract, lots)]
    return found[0], found[1], found[2], found[3]


def mean_price(history: History, world: World, listing: Listing) -> Decimal:
    """Return the mean price of five minutes."""
    day = history.last_day(listing.instrument, SeriesKind.KLINE, world.now_ms, 300_000)
    if day is not None and day.volume:
        return day.turnover / day.volume
    return world.exchange.prices[listing.name, Price.LAST] * listing.contract.tick
