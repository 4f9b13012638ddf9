"""Bybit v5 market data over REST."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from real_trade.exchange.answers import Answer
from real_trade.exchange.digits import Number
from real_trade.exchange.ladder import ladder
from real_trade.exchange.listing import decimals_of
from real_trade.exchange.pages import History, Window
from real_trade.exchange.words import plain, whole_number
from real_trade.model import Instrument, Interval, Market, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from real_trade.exchange.answers import Query
    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.digits import Piece
    from real_trade.exchange.limits import BurstLimit
    from real_trade.exchange.source import MarketSource
    from real_trade.model import Clock

CATEGORIES: Final = ("spot", "linear", "inverse", "option")
INTERVALS: Final = ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M")
BAD_PARAMETER: Final = 10001
TOO_MANY: Final = 10006
# Linear symbols in one answer about risk limits.
_RISK_LIMIT_SYMBOLS: Final = 15
# Requests per window and IP, unless told otherwise.
_REQUESTS: Final = 600


class _Refused(Exception):
    """A request that gets an error code instead of a result."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BybitFace:
    """Bybit's market endpoints.

    Args:
        source: the market.
        market_clock: market time.
        machine: the machine's clock; limits and their headers are measured by it.
        limit: requests per IP.
    """

    def __init__(self, source: MarketSource, market_clock: Clock, machine: Clock, limit: BurstLimit) -> None:
        self._source = source
        self._clock = market_clock
        self._machine = machine
        self._limit = limit
        self._history = History(source, newest_first=True)
        self._instruments = {(str(i.market), i.symbol): i for i in source.instruments()}
        self._routes: dict[str, Callable[[Query], Answer]] = {
            "/v5/market/time": self._time,
            "/v5/market/instruments-info": self._instruments_info,
            "/v5/market/kline": lambda q: self._kline(q, SeriesKind.KLINE),
            "/v5/market/mark-price-kline": lambda q: self._kline(q, SeriesKind.MARK),
            "/v5/market/index-price-kline": lambda q: self._kline(q, SeriesKind.INDEX),
            "/v5/market/funding/history": self._funding,
            "/v5/market/risk-limit": self._risk_limit,
            "/v5/market/tickers": self._tickers,
        }

    def admit(self, query: Query) -> Answer | None:
        """Count a request; who is too fast meets 403 until the ban is over."""
        del query
        if self._limit.admit():
            return None
        # The venue's ban lasts ten minutes; a shortened one is told, so that clients need not wait as long.
        left = {"Retry-After": str(self._limit.ban_left_s())}
        return Answer(403, b"access too frequent", code=403, headers=left, content_type="text/plain")

    def answer(self, query: Query) -> Answer:
        """Return the answer to an admitted request."""
        route = self._routes.get(query.path)
        if route is None or query.method != "GET":
            return Answer(404, self._envelope(10017, "Route not found", b"{}"), code=10017)
        try:
            return route(query)
        except _Refused as refused:
            return Answer(200, self._envelope(refused.code, refused.message, b"{}"), code=refused.code)

    def limit_headers(self, query: Query) -> dict[str, str]:
        """Return the X-Bapi-Limit headers; the window has not been exceeded, so it resets now."""
        del query
        return self._headers(self._limit.remaining(), self._machine.now_ms()) if self._limit.units else {}

    def throttled(self, query: Query, wait_s: float) -> Answer:
        """Return code 10006 with the time at which the limit resets."""
        del query
        headers = self._headers(0, self._machine.now_ms() + int(wait_s * 1000))
        return Answer(200, self._envelope(TOO_MANY, "Too many visits!", b"{}"), code=TOO_MANY, headers=headers)

    def addresses(self, root: str) -> dict[str, str]:
        """Return the one base URL."""
        return {"rest": root}

    def _headers(self, remaining: int, reset_ms: int) -> dict[str, str]:
        # Both times are the machine's: a client waits by its own clock, wherever market time stands.
        return {
            "X-Bapi-Limit": str(self._limit.units or _REQUESTS),
            "X-Bapi-Limit-Status": str(remaining),
            "X-Bapi-Limit-Reset-Timestamp": str(reset_ms),
            "Timenow": str(self._machine.now_ms()),
        }

    def _envelope(self, code: int, message: str, result: bytes) -> bytes:
        head = b'{"retCode":%d,"retMsg":%s,"result":' % (code, json.dumps(message).encode())
        return head + result + b',"retExtInfo":{},"time":%d}' % self._clock.now_ms()

    def _ok(self, result: dict[str, object], rows: int = 0) -> Answer:
        return Answer(200, self._envelope(0, "OK", json.dumps(result, separators=(",", ":")).encode()), rows=rows)

    def _time(self, query: Query) -> Answer:
        del query
        now = self._clock.now_ms()
        return self._ok({"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)})

    def _kline(self, query: Query, kind: SeriesKind) -> Answer:
        params = query.params
        category = params.get("category") or "linear"
        if category not in CATEGORIES[:3] or (kind is not SeriesKind.KLINE and category == "spot"):
            raise _Refused(BAD_PARAMETER, "params error: Category is invalid")
        instrument = self._instruments.get((category, params.get("symbol", "")))
        if instrument is None:
            raise _Refused(BAD_PARAMETER, "Not supported symbols")
        spelling = params.get("interval", "")
        if spelling not in INTERVALS:
            raise _Refused(BAD_PARAMETER, "Invalid period!")
        interval = Interval.parse(spelling)
        start, end = _whole(params, "start"), _whole(params, "end")
        window = Window(start, end, _limit(params, 200, 1000), from_start=end is None and start is not None)
        text, rows = b"", 0
        if self._history.serves(instrument, kind, interval):
            style = _traded if kind is SeriesKind.KLINE else _priced
            page = self._history.page(instrument, kind, interval, window, self._clock.now_ms(), style, query.blemish)
            text, rows = page.text, page.rows
        head = f'{{"category":"{category}","symbol":"{instrument.symbol}","list":['.encode()
        return Answer(200, self._envelope(0, "OK", b"".join((head, text, b"]}"))), rows=rows)

    def _instruments_info(self, query: Query) -> Answer:
        params = query.params
        category = _category(params)
        symbol, coin = params.get("symbol"), params.get("baseCoin")
        chosen = [i for i in self._instruments.values() if i.market == category]
        if symbol and symbol not in {i.symbol for i in chosen}:
            raise _Refused(BAD_PARAMETER, f"params error: symbol invalid {symbol}")
        chosen = [i for i in chosen if symbol in {None, "", i.symbol} and coin in {None, "", i.base}]
        if params.get("status") not in {None, "", "Trading"}:
            chosen = []
        cursor = ""
        if category != "spot":
            first = _cursor_row(params.get("cursor", ""), chosen)
            limit = _limit(params, 500, 1000)
            page = chosen[first : first + limit]
            cursor = _next_cursor(page, chosen)
            chosen = page
        rows = [_facts(i, self._source.start_ms) for i in chosen]
        return self._ok({"category": category, "nextPageCursor": cursor, "list": rows}, len(rows))

    def _funding(self, query: Query) -> Answer:
        params = query.params
        category = _category(params)
        instrument = self._instruments.get((category, params.get("symbol", "")))
        if instrument is None or category in {"spot", "option"}:
            raise _Refused(BAD_PARAMETER, f"params error: symbol invalid {params.get('symbol', '')}")
        start, end = _whole(params, "startTime"), _whole(params, "endTime")
        if start is not None and end is None:
            raise _Refused(BAD_PARAMETER, "params error: endTime is required when startTime is given")
        rates = self._history.funding(instrument)
        latest = min(self._clock.now_ms(), self._clock.now_ms() if end is None else end)
        rows = [
            {"symbol": instrument.symbol, "fundingRate": plain(rate), "fundingRateTimestamp": str(time)}
            for time, rate in zip(rates.timestamp.tolist(), rates.rate.tolist(), strict=True)
            if (start is None or time >= start) and time <= latest
        ]
        rows = rows[-_limit(params, 200, 200) :][::-1]
        return self._ok({"category": category, "list": rows}, len(rows))

    def _risk_limit(self, query: Query) -> Answer:
        params = query.params
        category, symbol = _category(params), params.get("symbol")
        if category not in {"linear", "inverse"}:
            raise _Refused(BAD_PARAMETER, "params error: Category is invalid")
        chosen = [i for i in self._instruments.values() if i.market == category and symbol in {None, "", i.symbol}]
        if symbol and not chosen:
            raise _Refused(BAD_PARAMETER, f"params error: symbol invalid {symbol}")
        first = _cursor_row(params.get("cursor", ""), chosen)
        page = chosen[first : first + _RISK_LIMIT_SYMBOLS] if category == "linear" else chosen[first:]
        rows = [row for instrument in page for row in _limits(instrument)]
        return self._ok({"category": category, "list": rows, "nextPageCursor": _next_cursor(page, chosen)}, len(rows))

    def _tickers(self, query: Query) -> Answer:
        params = query.params
        category, symbol = _category(params), params.get("symbol")
        chosen = [i for i in self._instruments.values() if i.market == category and symbol in {None, "", i.symbol}]
        if symbol and not chosen:
            raise _Refused(BAD_PARAMETER, f"params error: symbol invalid {symbol}")
        rows = [self._ticker(instrument) for instrument in chosen]
        return self._ok({"category": category, "list": rows}, len(rows))

    def _ticker(self, instrument: Instrument) -> dict[str, str]:
        now = self._clock.now_ms()
        day = self._history.last_day(instrument, SeriesKind.KLINE, now)
        if day is None:
            return {"symbol": instrument.symbol, "lastPrice": ""}
        tick = instrument.tick_size
        ticker = {
            "symbol": instrument.symbol,
            "lastPrice": plain(day.last),
            "prevPrice24h": plain(day.first),
            "price24hPcnt": plain(round((day.last - day.first) / day.first, 6)),
            "highPrice24h": plain(day.high),
            "lowPrice24h": plain(day.low),
            "turnover24h": plain(day.turnover),
            "volume24h": plain(day.volume),
            "bid1Price": plain(day.last - tick),
            "bid1Size": plain(instrument.min_quantity * 100),
            "ask1Price": plain(day.last),
            "ask1Size": plain(instrument.min_quantity * 100),
        }
        if instrument.market is not Market.SPOT:
            ticker |= self._perpetual(instrument, now)
        return ticker

    def _perpetual(self, instrument: Instrument, now: int) -> dict[str, str]:
        rates = self._history.funding(instrument)
        coming = [i for i, time in enumerate(rates.timestamp.tolist()) if time > now][:1]
        mark = self._history.last_day(instrument, SeriesKind.MARK, now)
        index = self._history.last_day(instrument, SeriesKind.INDEX, now)
        return {
            "markPrice": plain(mark.last) if mark else "",
            "indexPrice": plain(index.last) if index else "",
            "fundingRate": plain(float(rates.rate[coming[0]])) if coming else "",
            "nextFundingTime": str(int(rates.timestamp[coming[0]])) if coming else "",
            "fundingIntervalHour": str(instrument.funding_interval_minutes // 60),
            "deliveryTime": "0",
        }


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


def _category(params: Mapping[str, str]) -> str:
    category = params.get("category", "")
    if category not in CATEGORIES:
        raise _Refused(BAD_PARAMETER, "params error: Category is invalid")
    return category


def _whole(params: Mapping[str, str], name: str) -> int | None:
    """Return a parameter as a whole number, None where it is absent or empty."""
    text = params.get(name, "")
    if not text:
        return None
    value = whole_number(text)
    if value is None:
        raise _Refused(BAD_PARAMETER, f"params error: {name} is invalid")
    return value


def _limit(params: Mapping[str, str], default: int, most: int) -> int:
    """Return the page size; too large a wish is cut, as the venue does."""
    limit = _whole(params, "limit")
    if limit is not None and limit < 1:
        raise _Refused(BAD_PARAMETER, "params error: limit is invalid")
    return default if limit is None else min(limit, most)


def _cursor_row(cursor: str, chosen: list[Instrument]) -> int:
    """Return the row that a page begins at: the one after the cursor's last symbol."""
    if not cursor:
        return 0
    last = unquote(unquote(cursor)).rpartition("last=")[2]
    symbols = [i.symbol for i in chosen]
    if last not in symbols:
        raise _Refused(BAD_PARAMETER, "params error: cursor is invalid")
    return symbols.index(last) + 1


def _next_cursor(page: list[Instrument], chosen: list[Instrument]) -> str:
    """Return the cursor of the page after this one, empty on the last."""
    if not page or page[-1] is chosen[-1]:
        return ""
    return quote(f"first={page[0].symbol}&last={page[-1].symbol}", safe="")


def _limits(instrument: Instrument) -> list[dict[str, object]]:
    """Spell the tiers of an instrument the way risk-limit does."""
    return [
        {
            "id": number,
            "symbol": instrument.symbol,
            "riskLimitValue": str(rung.cap),
            "maintenanceMargin": plain(rung.maintenance),
            "initialMargin": plain(rung.initial),
            "isLowestRisk": int(number == 1),
            "maxLeverage": plain(Decimal(rung.leverage), 2),
            "mmDeduction": plain(rung.deduction),
        }
        for number, rung in enumerate(ladder(instrument), 1)
    ]


def _facts(instrument: Instrument, launch_ms: int) -> dict[str, object]:
    """Spell an instrument the way instruments-info does."""
    step, tick = instrument.quantity_step, instrument.tick_size
    facts: dict[str, object] = {
        "symbol": instrument.symbol,
        "status": "Trading",
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
    }
    if instrument.market is Market.SPOT:
        precision = Decimal(1).scaleb(-decimals_of(step) - instrument.price_decimals)
        return facts | {
            "innovation": "0",
            "marginTrading": "none",
            "lotSizeFilter": {
                "basePrecision": plain(step),
                "quotePrecision": plain(precision),
                "minOrderQty": plain(instrument.min_quantity),
                "maxOrderQty": plain(step * 10_000_000),
                "minOrderAmt": plain(instrument.min_notional),
                "maxOrderAmt": "4000000",
            },
            "priceFilter": {"tickSize": plain(tick)},
        }
    kind = "LinearPerpetual" if instrument.market is Market.LINEAR else "InversePerpetual"
    return facts | {
        "contractType": kind,
        "settleCoin": instrument.settle,
        "launchTime": str(launch_ms),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(instrument.price_decimals),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": plain(tick), "maxPrice": plain(tick * 19_999_998), "tickSize": plain(tick)},
        "lotSizeFilter": {
            "maxOrderQty": plain(step * 1_000_000),
            "minOrderQty": plain(instrument.min_quantity),
            "qtyStep": plain(step),
            "postOnlyMaxOrderQty": plain(step * 1_000_000),
            "maxMktOrderQty": plain(step * 100_000),
            "minNotionalValue": plain(instrument.min_notional),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": instrument.funding_interval_minutes,
        "copyTrading": "none",
        "upperFundingRate": "0.0075",
        "lowerFundingRate": "-0.0075",
    }
