"""Bybit v5 market data over REST."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote
from uuid import UUID
from zlib import crc32

import msgspec
import numpy as np

from real_trade.exchange.answers import Answer
from real_trade.exchange.bybit.dated import Dated
from real_trade.exchange.bybit.listed import facts, tiers
from real_trade.exchange.bybit.queries import CATEGORIES, category_in, page_size, whole
from real_trade.exchange.bybit.refusals import BAD_PARAMETER, Refusal
from real_trade.exchange.bybit.spelling import price, quantity
from real_trade.exchange.bybit.tickers import Tickers
from real_trade.exchange.digits import Number
from real_trade.exchange.pages import Window
from real_trade.exchange.words import plain
from real_trade.model import Instrument, Interval, Market, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from real_trade.exchange.answers import Query
    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.digits import Piece
    from real_trade.exchange.pages import History
    from real_trade.exchange.source import MarketSource
    from real_trade.exchange.world import Listing, World
    from real_trade.model import Clock

INTERVALS: Final = ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M")
# What needs no market that goes on.
HISTORY: Final = frozenset(
    f"/v5/market/{name}"
    for name in (
        *("time", "instruments-info", "kline", "mark-price-kline", "index-price-kline", "premium-index-price-kline"),
        *("funding/history", "risk-limit"),
    )
)
# Linear symbols in one answer about risk limits.
_RISK_LIMIT_SYMBOLS: Final = 15
_DEEPEST: Final = {"spot": 200, "linear": 500, "inverse": 500, "option": 25}
_HOUR_MS: Final = 3_600_000
_OI_MS: Final = {
    "5min": 300_000,
    "15min": 900_000,
    "30min": 1_800_000,
    "1h": _HOUR_MS,
    "4h": 4 * _HOUR_MS,
    "1d": 24 * _HOUR_MS,
}


class BybitMarket:
    """Bybit's public endpoints.

    Args:
        source: the market.
        history: its bars.
        world: the market as it goes on.
        clock: the venue's own.
    """

    def __init__(self, source: MarketSource, history: History, world: World, clock: Clock) -> None:
        self._source, self._history, self._world, self._clock = source, history, world, clock
        self.dated = Dated(source.instruments(), history, world)
        self.tickers = Tickers(history, world, self.dated)
        # By category, what numbers a book as its streams do.
        self.book_updates: dict[str, Callable[[Listing, str], int]] = {}
        self._instruments = {(str(i.market), i.symbol): i for i in source.instruments()}
        self.routes: dict[str, Callable[[Query], Answer]] = {
            "/v5/market/time": self._time,
            "/v5/market/instruments-info": self._instruments_info,
            "/v5/market/kline": lambda q: self._kline(q, SeriesKind.KLINE),
            "/v5/market/mark-price-kline": lambda q: self._kline(q, SeriesKind.MARK),
            "/v5/market/index-price-kline": lambda q: self._kline(q, SeriesKind.INDEX),
            "/v5/market/premium-index-price-kline": self._premium,
            "/v5/market/orderbook": self._orderbook,
            "/v5/market/recent-trade": self._recent_trades,
            "/v5/market/open-interest": self._open_interest,
            "/v5/market/funding/history": self._funding,
            "/v5/market/risk-limit": self._risk_limit,
            "/v5/market/tickers": self._tickers,
            "/v5/system/status": lambda _: self.ok({"list": []}),
        }

    def envelope(self, code: int, message: str, result: bytes, more: bytes = b"{}") -> bytes:
        """Return an answer's body around a result that is JSON already."""
        head = b'{"retCode":%d,"retMsg":%s,"result":' % (code, json.dumps(message).encode())
        return head + result + b',"retExtInfo":' + more + b',"time":%d}' % self._clock.now_ms()

    def ok(self, result: dict[str, object], rows: int = 0) -> Answer:
        """Return the answer that all went well."""
        return Answer(200, self.envelope(0, "OK", msgspec.json.encode(result)), rows=rows)

    def _time(self, query: Query) -> Answer:
        del query
        now = self._clock.now_ms()
        return self.ok({"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)})

    def _kline(self, query: Query, kind: SeriesKind) -> Answer:
        params = query.params
        category = params.get("category") or "linear"
        if category not in CATEGORIES[:3] or (kind is not SeriesKind.KLINE and category == "spot"):
            raise Refusal(BAD_PARAMETER, "params error: Category is invalid")
        symbol = params.get("symbol", "")
        instrument = self._instruments.get((category, self.dated.parent(category, symbol)))
        if instrument is None:
            raise Refusal(BAD_PARAMETER, "Not supported symbols")
        spelling = params.get("interval", "")
        if spelling not in INTERVALS:
            raise Refusal(BAD_PARAMETER, "Invalid period!")
        interval = Interval.parse(spelling)
        start, end = whole(params, "start"), whole(params, "end")
        window = Window(start, end, page_size(params, 200, 1000), from_start=end is None and start is not None)
        text, rows = b"", 0
        if self._history.serves(instrument, kind, interval):
            style = _traded if kind is SeriesKind.KLINE else _priced
            page = self._history.page(instrument, kind, interval, window, self._world.now_ms, style, query.blemish)
            text, rows = page.text, page.rows
        head = f'{{"category":"{category}","symbol":"{symbol}","list":['.encode()
        return Answer(200, self.envelope(0, "OK", b"".join((head, text, b"]}"))), rows=rows)

    def _instruments_info(self, query: Query) -> Answer:
        params = query.params
        category = category_in(params)
        symbol, coin = params.get("symbol"), params.get("baseCoin")
        if category == "option":
            return self._option_info(symbol, coin)
        chosen = self._listed(category)
        if symbol and symbol not in {i.symbol for i in chosen}:
            raise Refusal(BAD_PARAMETER, f"params error: symbol invalid {symbol}")
        chosen = [i for i in chosen if symbol in {None, "", i.symbol} and coin in {None, "", i.base}]
        if params.get("status") not in {None, "", "Trading"}:
            chosen = []
        cursor = ""
        if category != "spot":
            first = _cursor_row(params.get("cursor", ""), chosen)
            limit = page_size(params, 500, 1000)
            page = chosen[first : first + limit]
            cursor = _next_cursor(page, chosen)
            chosen = page
        now = [self._world.as_listed(i) for i in chosen]
        rows = [facts(i, self._source.start_ms) | self._dates(i) for i in now if i is not None]
        return self.ok({"category": category, "nextPageCursor": cursor, "list": rows}, len(rows))

    def _listed(self, category: str) -> list[Instrument]:
        """Return what a category lists, its dated future last."""
        chosen = [i for i in self._instruments.values() if i.market == category]
        return [*chosen, self.dated.future] if category == "linear" and self.dated.future is not None else chosen

    def _dates(self, instrument: Instrument) -> dict[str, object]:
        """Return what instruments-info says otherwise of a future."""
        if instrument is not self.dated.future:
            return {}
        return {
            "contractType": "LinearFutures",
            "deliveryTime": str(self.dated.delivery_ms),
            "deliveryFeeRate": "0.0005",
            "fundingInterval": 0,
        }

    def _option_info(self, symbol: str | None, coin: str | None) -> Answer:
        perpetual = self.dated.perpetual
        if symbol and symbol != self.dated.option:
            raise Refusal(BAD_PARAMETER, f"params error: symbol invalid {symbol}")
        wanted = perpetual is not None and (symbol or (coin or "BTC") == perpetual.base)
        rows = [self.dated.option_facts(self._source.start_ms)] if wanted else []
        return self.ok({"category": "option", "nextPageCursor": "", "list": rows}, len(rows))

    def _funding(self, query: Query) -> Answer:
        params = query.params
        category = category_in(params)
        instrument = self._instruments.get((category, params.get("symbol", "")))
        if instrument is None or category in {"spot", "option"}:
            raise Refusal(BAD_PARAMETER, f"params error: symbol invalid {params.get('symbol', '')}")
        start, end = whole(params, "startTime"), whole(params, "endTime")
        if start is not None and end is None:
            raise Refusal(BAD_PARAMETER, "params error: endTime is required when startTime is given")
        rates = self._history.funding(instrument)
        latest = min(self._world.now_ms, self._world.now_ms if end is None else end)
        rows = [
            {"symbol": instrument.symbol, "fundingRate": plain(rate), "fundingRateTimestamp": str(time)}
            for time, rate in zip(rates.timestamp.tolist(), rates.rate.tolist(), strict=True)
            if (start is None or time >= start) and time <= latest
        ]
        rows = rows[-page_size(params, 200, 200) :][::-1]
        return self.ok({"category": category, "list": rows}, len(rows))

    def _risk_limit(self, query: Query) -> Answer:
        params = query.params
        category, symbol = category_in(params), params.get("symbol")
        if category not in {"linear", "inverse"}:
            raise Refusal(BAD_PARAMETER, "params error: Category is invalid")
        chosen = [i for i in self._listed(category) if symbol in {None, "", i.symbol}]
        if symbol and not chosen:
            raise Refusal(BAD_PARAMETER, f"params error: symbol invalid {symbol}")
        first = _cursor_row(params.get("cursor", ""), chosen)
        page = chosen[first : first + _RISK_LIMIT_SYMBOLS] if category == "linear" else chosen[first:]
        rows = [row for instrument in page for row in tiers(instrument)]
        return self.ok({"category": category, "list": rows, "nextPageCursor": _next_cursor(page, chosen)}, len(rows))

    def _tickers(self, query: Query) -> Answer:
        params = query.params
        category, symbol = category_in(params), params.get("symbol")
        if category == "option":
            if symbol and symbol != self.dated.option:
                raise Refusal(BAD_PARAMETER, f"params error: symbol invalid {symbol}")
            rows = [self.dated.option_ticker()] if self.dated.option else []
            return self.ok({"category": category, "list": rows}, len(rows))
        chosen = [i for i in self._listed(category) if symbol in {None, "", i.symbol}]
        if symbol and not chosen:
            raise Refusal(BAD_PARAMETER, f"params error: symbol invalid {symbol}")
        rows = [self.tickers.of(self.listing_of(category, i.symbol), i.symbol) for i in chosen]
        return self.ok({"category": category, "list": rows}, len(rows))

    def listing_of(self, category: str, symbol: str) -> Listing:
        """Return what goes on in a symbol: in the perpetual, for the future that follows it."""
        return self._world.listings[Market(category), self.dated.parent(category, symbol)]

    def _open_interest(self, query: Query) -> Answer:
        params = query.params
        listing = self.listing(params)
        if listing.instrument.market is Market.SPOT:
            raise Refusal(BAD_PARAMETER, "params error: Category is invalid")
        span = _OI_MS.get(params.get("intervalTime", ""))
        if span is None:
            raise Refusal(BAD_PARAMETER, "params error: intervalTime is invalid")
        end = min(self._world.now_ms, whole(params, "endTime") or self._world.now_ms)
        start = whole(params, "startTime") or 0
        stamps = range(end // span * span, max(start, self._source.start_ms) - 1, -span)[: page_size(params, 50, 200)]
        # Of both sides together, and of one of them.
        interests = [(at, 2 * self.tickers.interest(listing, at)) for at in stamps]
        rows = [
            {"openInterest": plain(both), "singleOpenInterest": plain(both / 2), "timestamp": str(at)}
            for at, both in interests
        ]
        result: dict[str, object] = {"symbol": params["symbol"], "category": params["category"], "list": rows}
        return self.ok(result | {"nextPageCursor": ""}, len(rows))

    def _orderbook(self, query: Query) -> Answer:
        params = query.params
        category = category_in(params)
        if category == "option" and params.get("symbol") and params["symbol"] == self.dated.option:
            return self._option_book()
        listing = self.listing(params)
        book = self._world.exchange.books[listing.name]
        bids, asks = book.depth(page_size(params, 1 if category == "spot" else 25, _DEEPEST[category]))
        return self.ok(
            {
                "s": params["symbol"],
                "b": spelled_levels(listing, bids),
                "a": spelled_levels(listing, asks),
                "ts": self._world.now_ms,
                "u": self.book_updates[category](listing, params["symbol"]),
                "seq": book.version,
                "cts": self._world.now_ms,
            }
        )

    def _recent_trades(self, query: Query) -> Answer:
        params = query.params
        category = category_in(params)
        if category == "option" and self.dated.option:
            return self._option_trades(params)
        listing = self.listing(params)
        limit = page_size(params, 60 if category == "spot" else 500, 60 if category == "spot" else 1000)
        rows = [
            {
                "execId": trade_id(listing, trade.trade),
                "symbol": params["symbol"],
                "price": price(listing.contract, trade.ticks),
                "size": quantity(listing.contract, trade.lots),
                "side": "Buy" if trade.sign > 0 else "Sell",
                "time": str(trade.time_ms),
                "isBlockTrade": False,
                "isRPITrade": False,
                "seq": str(trade.trade),
            }
            for trade in list(listing.recent)[-limit:][::-1]
        ]
        return self.ok({"category": category, "list": rows}, len(rows))

    def _option_book(self) -> Answer:
        bids, asks = self.dated.option_levels()
        now = self._world.now_ms
        number = now // 1000
        return self.ok(
            {"s": self.dated.option, "b": bids, "a": asks, "ts": now, "u": number, "seq": number, "cts": now}
        )

    def _option_trades(self, params: Mapping[str, str]) -> Answer:
        symbol, coin = params.get("symbol"), params.get("baseCoin")
        mine = symbol == self.dated.option or (not symbol and self.dated.option.startswith(f"{coin or 'BTC'}-"))
        if symbol and not mine:
            raise Refusal(BAD_PARAMETER, f"params error: symbol invalid {symbol}")
        rows = [
            {
                "execId": str(UUID(int=trade.time_ms)),
                "symbol": self.dated.option,
                "price": trade.price,
                "size": trade.size,
                "side": "Buy" if trade.sign > 0 else "Sell",
                "time": str(trade.time_ms),
                "isBlockTrade": False,
                "isRPITrade": False,
                "seq": str(trade.time_ms // 1000),
            }
            for trade in self.dated.option_trades()[::-1]
        ]
        rows = rows[: page_size(params, 500, 1000)] if mine else []
        return self.ok({"category": "option", "list": rows}, len(rows))

    def _premium(self, query: Query) -> Answer:
        params = query.params
        listing = self.listing(params)
        if listing.instrument.market is Market.SPOT or params.get("interval") not in INTERVALS:
            raise Refusal(BAD_PARAMETER, "params error: interval is invalid")
        interval = Interval.parse(params["interval"])
        mark, index = (
            self._history.table(listing.instrument, kind, interval) for kind in (SeriesKind.MARK, SeriesKind.INDEX)
        )
        start, end = whole(params, "start") or 0, whole(params, "end") or self._world.now_ms
        last = min(end, self._world.now_ms)
        both = [(i, j) for i, j in zip(*_common(mark, index), strict=True) if start <= int(mark.time[i]) <= last]
        rows = []
        for i, j in both[-page_size(params, 200, 1000) :][::-1]:
            four = (
                f"{(int(a[i]) - int(b[j])) / int(b[j]):.6f}"
                for a, b in (
                    (mark.open, index.open),
                    (mark.high, index.high),
                    (mark.low, index.low),
                    (mark.close, index.close),
                )
            )
            rows.append([str(int(mark.time[i])), *four])
        return self.ok({"category": params["category"], "symbol": params["symbol"], "list": rows}, len(rows))

    def listing(self, params: Mapping[str, str]) -> Listing:
        """Return what a request names.

        Raises:
            Refusal: there is no such.
        """
        category = category_in(params)
        symbol = self.dated.parent(category, params.get("symbol", ""))
        found = None if category == "option" else self._world.listings.get((Market(category), symbol))
        if found is None:
            raise Refusal(BAD_PARAMETER, f"params error: symbol invalid {params.get('symbol', '')}")
        return found


def spelled_levels(listing: Listing, levels: Sequence[tuple[int, int]]) -> list[list[str]]:
    """Spell levels of a book."""
    contract = listing.contract
    return [[price(contract, ticks), quantity(contract, lots)] for ticks, lots in levels]


def trade_id(listing: Listing, number: int) -> str:
    """Return the id of a public trade: digits on spot, a UUID elsewhere."""
    if listing.instrument.market is Market.SPOT:
        return str(2_290_000_000_000_000_000 + number)
    return str(UUID(int=(crc32(listing.name.encode()) << 96) | number))


def _common(mark: BarTable, index: BarTable) -> tuple[list[int], list[int]]:
    _, left, right = np.intersect1d(mark.time, index.time, assume_unique=True, return_indices=True)
    return left.tolist(), right.tolist()


def _traded(bars: BarTable) -> Sequence[Piece]:
    """Spell a row of traded bars: time, four prices, volume, turnover, all as text."""
    pieces: list[Piece] = [*_priced(bars)[:-1]]
    grid = bars.grid
    volume = Number(bars.volume, grid.volume, trim=True)
    return [*pieces, b'","', volume, b'","', Number(bars.turnover, grid.turnover, trim=True), b'"],']


def _priced(bars: BarTable) -> Sequence[Piece]:
    """Spell a row of mark or index prices: time and four prices as text."""
    pieces: list[Piece] = [b'["', Number(bars.time)]
    for column in (bars.open, bars.high, bars.low, bars.close):
        pieces += [b'","', Number(column, bars.grid.price, trim=True)]
    return [*pieces, b'"],']


def _cursor_row(cursor: str, chosen: list[Instrument]) -> int:
    """Return the row that a page begins at: the one after the cursor's last symbol."""
    if not cursor:
        return 0
    last = unquote(unquote(cursor)).rpartition("last=")[2]
    symbols = [i.symbol for i in chosen]
    if last not in symbols:
        raise Refusal(BAD_PARAMETER, "params error: cursor is invalid")
    return symbols.index(last) + 1


def _next_cursor(page: list[Instrument], chosen: list[Instrument]) -> str:
    """Return the cursor of the page after this one, empty on the last."""
    if not page or page[-1] is chosen[-1]:
        return ""
    return quote(f"first={page[0].symbol}&last={page[-1].symbol}", safe="")
