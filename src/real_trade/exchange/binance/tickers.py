"""Binance's tickers: the last price, and what the last 24 hours were like."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.calls import Call, choice, given
from real_trade.exchange.binance.directory import Quotes, listed, pair_of, price_decimals
from real_trade.exchange.binance.refusals import Refusal
from real_trade.exchange.binance.spelling import price, quantity
from real_trade.exchange.core.orders import Price
from real_trade.exchange.pages import DayStats, History
from real_trade.exchange.words import plain
from real_trade.model import Instrument, Market, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.answers import Answer
    from real_trade.exchange.binance.tape import Tape
    from real_trade.exchange.world import Listing, World
    from real_trade.model import Clock

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
# Spans that are told of: those of the streams, and those that may be asked for.
SPANS_MS: Final = {"1h": 3_600_000, "4h": 14_400_000, "1d": _DAY_MS}
_WINDOW: Final = re.compile(r"([1-9][0-9]?)([mhd])")
_UNITS_MS: Final = {"m": _MINUTE_MS, "h": 3_600_000, "d": _DAY_MS}
_LONGEST: Final = {"m": 59, "h": 23, "d": 7}
_NOT_IN_WINDOWS: Final = frozenset(("prevClosePrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty"))
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

    def windows(self, call: Call) -> Answer:
        """Return what a span up to now was like."""
        size = call.params.get("windowSize") or "1d"
        found = _WINDOW.fullmatch(size)
        if found is None or int(found[1]) > _LONGEST[found[2]]:
            raise Refusal(-1130, "Data sent for parameter 'windowSize' is not valid.")
        span = int(found[1]) * _UNITS_MS[found[2]]
        return self._spans(call, lambda now: (now - span) // _MINUTE_MS * _MINUTE_MS)

    def trading_days(self, call: Call) -> Answer:
        """Return what the day since midnight was like."""
        return self._spans(call, lambda now: now // _DAY_MS * _DAY_MS)

    def _spans(self, call: Call, begin: Callable[[int], int]) -> Answer:
        """Return what has happened since a time that follows from now."""
        if not given(call, "symbol") and not given(call, "symbols"):
            raise Refusal(-1102, "Param 'symbol' or 'symbols' must be sent, but both were empty/null!")
        opened = begin(self._clock.now_ms())
        rows = [self.window(instrument, opened) for instrument in self._directory.chosen(call)]
        if choice(call, "type", ("FULL", "MINI"), "FULL") == "MINI":
            rows = [{name: value for name, value in row.items() if name not in _NOT_MINI} for row in rows]
        return listed(call, rows)

    def window(self, instrument: Instrument, opened_ms: int) -> dict[str, Any]:
        """Return what has happened to an instrument since a time."""
        # A span of whole minutes: what finished bars come to is remembered by it.
        last = self._clock.now_ms() // _MINUTE_MS * _MINUTE_MS + _MINUTE_MS - 1
        row = self._row(instrument, self._stats(instrument, last, last + 1 - opened_ms), opened_ms)
        return {name: value for name, value in row.items() if name not in _NOT_IN_WINDOWS}

    def hours(self, instrument: Instrument, size: str) -> dict[str, Any]:
        """Return what one of the spans that streams tell of was like; it begins with a minute."""
        begin = self._clock.now_ms() - SPANS_MS[size]
        return self.window(instrument, begin // _MINUTE_MS * _MINUTE_MS)

    def day(self, instrument: Instrument) -> dict[str, Any]:
        """Return what the last day of an instrument was like."""
        return self._row(instrument, self._day(instrument), self._clock.now_ms() - _DAY_MS)

    def _row(self, instrument: Instrument, day: DayStats | None, opened_ms: int) -> dict[str, Any]:
        """Return what happened since a time."""
        now = self._clock.now_ms()
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
            "openTime": opened_ms,
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
        return self._stats(instrument, self._clock.now_ms(), _DAY_MS)

    def _stats(self, instrument: Instrument, now_ms: int, span_ms: int) -> DayStats | None:
        """Return the bars that opened in a span, and the last price."""
        listing, instrument = self._directory.going(instrument), self._directory.parent(instrument)
        day = self._history.last_day(instrument, SeriesKind.KLINE, now_ms, span_ms)
        if listing is None:
            return day
        last = self._world.exchange.prices[listing.name, Price.LAST] * listing.contract.tick
        if day is None:
            return DayStats(last, last, last, last, Decimal(0), Decimal(0), 0, listing.candle.time_ms)
        return replace(day, last=last, high=max(day.high, last), low=min(day.low, last))


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
