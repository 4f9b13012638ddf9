"""Binance's market data that needs no market that goes on: bars, funding, what is listed, tickers of the last day."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from real_trade.exchange.answers import Answer
from real_trade.exchange.binance.calls import Call, ok, page_size, whole
from real_trade.exchange.binance.dated import is_dated
from real_trade.exchange.binance.directory import Quotes, pair_of
from real_trade.exchange.binance.listing import exchange_info
from real_trade.exchange.binance.refusals import Refusal, missing
from real_trade.exchange.binance.rows import futures_priced, futures_traded, spot_traded
from real_trade.exchange.core.orders import Price
from real_trade.exchange.pages import History, Window
from real_trade.exchange.words import plain
from real_trade.model import Instrument, Interval, Market, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.exchange.limits import Rate
    from real_trade.exchange.world import World
    from real_trade.model import Clock

INTERVALS: Final = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")
# Hours and minutes that clocks are ahead, and how many minutes they may be behind or ahead.
_ZONE: Final = re.compile(r"([+-]?)([0-9]{1,2})(?::([0-5][0-9]))?")
_WEST: Final = -12 * 60
_EAST: Final = 14 * 60
_LONGEST_MS: Final = 200 * 86_400_000
_CLOSED: Final = {Market.SPOT: "BREAK", Market.LINEAR: "SETTLING", Market.INVERSE: "SETTLING"}
# Endpoints that do not set the market going.
QUIET: Final = frozenset(
    (
        *("ping", "time", "exchangeInfo", "klines", "uiKlines", "markPriceKlines", "indexPriceKlines"),
        *("premiumIndexKlines", "continuousKlines", "fundingRate", "fundingInfo", "premiumIndex"),
        *("ticker/price", "v2/ticker/price", "ticker/24hr", "eapi/ping", "eapi/time", "eapi/exchangeInfo"),
    )
)


class PastMarket:
    """Bars, funding, listings and tickers.

    Args:
        directory: what is listed.
        history: bars.
        world: the market as it goes on.
        launch_ms: when it began.
        market_clock: market time.
        clock: the venue's own.
        rates: weight limit of each market, to be told.
    """

    def __init__(
        self,
        directory: Quotes,
        history: History,
        world: World,
        launch_ms: int,
        market_clock: Clock,
        clock: Clock,
        rates: Mapping[Market, Rate],
    ) -> None:
        self._directory, self._history, self._world, self._launch_ms = directory, history, world, launch_ms
        self._clock, self._machine, self._rates = market_clock, clock, rates

    def time(self, call: Call) -> dict[str, int]:
        """Return the venue's time."""
        del call
        return {"serverTime": self._machine.now_ms()}

    def info(self, call: Call) -> Answer:
        """Return what is listed."""
        chosen = self._directory.chosen(call) if call.is_spot else self._directory.of(call.market)
        info = exchange_info(call.market, chosen, self._rates[call.market], self._clock.now_ms(), self._launch_ms)
        closed = self._directory.closed(call.market)
        for row in info["symbols"]:
            if call.market is Market.LINEAR:
                row.update(self._directory.dated_facts(row["symbol"]))
            if row["symbol"] in closed:
                row["contractStatus" if call.market is Market.INVERSE else "status"] = _CLOSED[call.market]
        return ok(info, len(chosen))

    def klines(self, call: Call) -> Answer:
        """Return bars of trades."""
        return self._klines(call, SeriesKind.KLINE)

    def pair_klines(self, call: Call) -> Answer:
        """Return bars of trades of a pair's perpetual, or of its dated future, which has the same."""
        kind, pair = call.params.get("contractType"), call.params.get("pair", "")
        is_dated_kind = kind == "CURRENT_QUARTER" and call.market is Market.LINEAR
        if kind != "PERPETUAL" and not (is_dated_kind and self._directory.is_dated_pair(pair)):
            raise Refusal(-1130, "Data sent for parameter 'contractType' is not valid.")
        return self._klines(call, SeriesKind.KLINE, "pair")

    def mark_klines(self, call: Call) -> Answer:
        """Return bars of the mark price."""
        return self._klines(call, SeriesKind.MARK)

    def index_klines(self, call: Call) -> Answer:
        """Return bars of the index price."""
        return self._klines(call, SeriesKind.INDEX, "pair")

    def premium_klines(self, call: Call) -> list[list[object]]:
        """Return bars of how far the mark price is from the index."""
        pair = self._directory.one(call).symbol.partition("_")[0]
        mark = msgspec.json.decode(self._klines(call, SeriesKind.MARK).body)
        from_index = Call(call.market, "GET", call.name, {**call.params, "pair": pair})
        index = msgspec.json.decode(self._klines(from_index, SeriesKind.INDEX, "pair").body)
        rows = []
        for one, other in zip(mark, index, strict=False):
            ratios = [f"{Decimal(a) / Decimal(b) - 1:.8f}" for a, b in zip(one[1:5], other[1:5], strict=True)]
            # Each of the four is the ratio at a time of its own: keep them in order.
            ratios[1], ratios[2] = max(ratios, key=Decimal), min(ratios, key=Decimal)
            rows.append([one[0], *ratios, *one[5:]])
        return rows

    def _klines(self, call: Call, kind: SeriesKind, name: str = "symbol") -> Answer:
        instrument = self._directory.parent(self._directory.one(call, name))
        spelling = call.params.get("interval", "")
        if not spelling:
            raise missing("interval")
        if spelling not in INTERVALS and not (call.is_spot and spelling == "1s"):
            raise Refusal(-1120, "Invalid interval.")
        interval = Interval.parse(spelling)
        zone = _zone(call) if call.is_spot else 0
        window = _window(call, zone)
        if not self._history.serves(instrument, kind, interval, zone):
            return Answer(200, b"[]")
        of_futures = futures_priced if kind is not SeriesKind.KLINE else futures_traded
        style = spot_traded(zone) if call.is_spot else of_futures
        now = self._clock.now_ms()
        page = self._history.page(instrument, kind, interval, window, now, style, call.blemish, zone)
        return Answer(200, b"".join((b"[", page.text, b"]")), rows=page.rows)

    def funding_rates(self, call: Call) -> Answer:
        """Return the rates that were settled."""
        if call.market is Market.INVERSE:
            self._directory.one(call)
        start, end = whole(call.params, "startTime"), whole(call.params, "endTime")
        limit = page_size(call, 100, 1_000)
        latest = self._clock.now_ms() if end is None else min(end, self._clock.now_ms())
        rows = []
        for instrument in self._perpetuals(self._directory.chosen(call)):
            rates = self._history.funding(instrument)
            for time, rate in zip(rates.timestamp.tolist(), rates.rate.tolist(), strict=True):
                if (start or 0) <= time <= latest:
                    rows.append((time, instrument, rate))
        rows.sort(key=lambda row: row[0])
        rows = rows[-limit:] if start is None else rows[:limit]
        return ok([self._funding_row(*row) for row in rows], len(rows))

    def _funding_row(self, time: int, instrument: Instrument, rate: float) -> dict[str, object]:
        row: dict[str, object] = {"symbol": instrument.symbol, "fundingTime": time, "fundingRate": plain(rate, 8)}
        if instrument.market is Market.LINEAR:
            mark = self._history.last_day(instrument, SeriesKind.MARK, time)
            row["markPrice"] = plain(mark.last, 8) if mark else ""
        return row

    def funding_info(self, call: Call) -> Answer:
        """Return how often funding is settled, and within which bounds."""
        rows = [
            {
                "symbol": i.symbol,
                "adjustedFundingRateCap": "0.00750000",
                "adjustedFundingRateFloor": "-0.00750000",
                "fundingIntervalHours": i.funding_interval_minutes // 60,
                "disclaimer": False,
            }
            for i in self._perpetuals(self._directory.of(call.market))
        ]
        return ok(rows, len(rows))

    @staticmethod
    def _perpetuals(instruments: list[Instrument]) -> list[Instrument]:
        """Return instruments less those that are dated: these have no funding."""
        return [i for i in instruments if not is_dated(i)]

    def premium_index(self, call: Call) -> Answer:
        """Return mark and index price, and the funding rate."""
        rows = [self.premium(instrument) for instrument in self._directory.chosen(call)]
        single = call.market is Market.LINEAR and call.params.get("symbol")
        return ok(rows[0] if single else rows, len(rows))

    def premium(self, instrument: Instrument) -> dict[str, object]:
        """Return mark and index price of an instrument, and its funding rate."""
        now = self._clock.now_ms()
        if is_dated(instrument):
            parent = self.premium(self._directory.parent(instrument))
            nothing = {"lastFundingRate": "", "interestRate": "", "nextFundingTime": 0}
            return parent | nothing | {"symbol": instrument.symbol}
        rates = self._history.funding(instrument)
        past = int((rates.timestamp <= now).sum())
        index = self._price(instrument, Price.INDEX, SeriesKind.INDEX, now)
        coming = int(rates.timestamp[past]) if past < len(rates) else 0
        listing = self._world.listings.get((instrument.market, instrument.symbol))
        if listing is not None:
            # Its interval may have changed.
            found = self._world.next_funding(listing, now)
            coming = 0 if found is None else found[0]
        row: dict[str, object] = {
            "symbol": instrument.symbol,
            "markPrice": self._price(instrument, Price.MARK, SeriesKind.MARK, now),
            "indexPrice": index,
            "estimatedSettlePrice": index,
            "lastFundingRate": plain(float(rates.rate[past - 1]), 8) if past else "",
            "interestRate": "0.00010000",
            "nextFundingTime": coming,
            "time": now,
        }
        return row | ({"pair": pair_of(instrument)} if instrument.market is Market.INVERSE else {})

    def _price(self, instrument: Instrument, by: Price, kind: SeriesKind, now: int) -> str:
        listing = self._world.listings.get((instrument.market, instrument.symbol))
        if listing is not None:
            return plain(self._world.exchange.prices[listing.name, by] * listing.contract.tick, 8)
        day = self._history.last_day(instrument, kind, now)
        return plain(day.last, 8) if day else ""


def _zone(call: Call) -> int:
    """Return how far the clocks are ahead by which bars are to begin.

    Raises:
        Refusal: nobody's clocks are.
    """
    text = call.params.get("timeZone") or "0"
    found = _ZONE.fullmatch(text)
    minutes = 0 if found is None else int(found[2]) * 60 + int(found[3] or 0)
    minutes = -minutes if found is not None and found[1] == "-" else minutes
    if found is None or not _WEST <= minutes <= _EAST:
        raise Refusal(-1130, "Data sent for parameter 'timeZone' is not valid.")
    return minutes * 60_000


def _window(call: Call, zone_ms: int) -> Window:
    """Return which bars are asked for, by the clocks of a zone, which do not matter to who asks.

    Coin-margined futures count back from the end, the others on from the start.
    """
    start, end = whole(call.params, "startTime"), whole(call.params, "endTime")
    limit = page_size(call, 500, 1_000 if call.is_spot else 1_500)
    if start is not None and end is not None and start > end:
        raise Refusal(-1023, "Start time is greater than end time.")
    if call.market is not Market.INVERSE:
        first, last = (None if at is None else at + zone_ms for at in (start, end))
        return Window(first, last, limit, from_start=start is not None)
    if start is not None and end is not None and end - start > _LONGEST_MS:
        raise Refusal(-1127, f"More than {_LONGEST_MS // 3_600_000} hours between startTime and endTime.")
    if start is not None and end is None:
        end = start + _LONGEST_MS
    if end is not None and start is None:
        start = end - _LONGEST_MS
    return Window(start, end, limit, from_start=False)
