"""Binance market data over REST: spot, USD-margined and coin-margined futures, side by side on one server."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from real_trade.exchange.answers import Answer
from real_trade.exchange.binance_listing import exchange_info, used_weight_header
from real_trade.exchange.binance_rows import futures_priced, futures_traded, spot_traded
from real_trade.exchange.limits import Rate, Refusal, WeightLimit
from real_trade.exchange.pages import History, Window
from real_trade.exchange.words import plain, whole_number
from real_trade.model import Instrument, Interval, Market, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from real_trade.exchange.answers import Query, Session
    from real_trade.exchange.source import MarketSource
    from real_trade.model import Clock

PREFIXES: Final = {"/api/v3/": Market.SPOT, "/fapi/v1/": Market.LINEAR, "/dapi/v1/": Market.INVERSE}
# Weight per minute and IP.
WEIGHTS: Final = {Market.SPOT: 6_000, Market.LINEAR: 2_400, Market.INVERSE: 2_400}
INTERVALS: Final = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")
_LONGEST_MS: Final = 200 * 86_400_000
_SYMBOL: Final = re.compile(r"[A-Z0-9-_.]{1,20}")
_SPOT_WEIGHTS: Final = {"exchangeInfo": 20, "klines": 2, "uiKlines": 2}


class _Refused(Exception):
    """A request that gets an error code instead of a result."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class _Call:
    """A request to one market: which one, the endpoint's name, the query."""

    market: Market
    name: str
    query: Query

    @property
    def params(self) -> Mapping[str, str]:
        """Return the query's parameters."""
        return self.query.params


class BinanceFace:
    """Binance's market endpoints.

    Args:
        source: the market.
        market_clock: market time.
        clock: the venue's own.
        machine: the machine's clock; limits are measured by it.
        rate: weight per seconds instead of each market's own limit.
        ban_s: length of a ban.
    """

    def __init__(
        self, source: MarketSource, market_clock: Clock, clock: Clock, machine: Clock, rate: Rate | None, ban_s: float
    ) -> None:
        self._source = source
        self._clock = market_clock
        self._history = History(source, newest_first=False)
        self._instruments = {(i.market, i.symbol): i for i in source.instruments()}
        self._rates = {market: rate or Rate(units, 60.0) for market, units in WEIGHTS.items()}
        self._limits = {market: WeightLimit(each, ban_s, machine) for market, each in self._rates.items()}
        common: dict[str, Callable[[_Call], Answer]] = {
            "ping": lambda _: _ok({}),
            "time": lambda _: _ok({"serverTime": clock.now_ms()}),
            "exchangeInfo": self._exchange_info,
            "klines": lambda call: self._klines(call, SeriesKind.KLINE),
            "ticker/price": self._ticker_price,
            "ticker/24hr": self._ticker_day,
        }
        futures = common | {
            "markPriceKlines": lambda call: self._klines(call, SeriesKind.MARK),
            "indexPriceKlines": lambda call: self._klines(call, SeriesKind.INDEX),
            "fundingRate": self._funding_rate,
            "fundingInfo": self._funding_info,
            "premiumIndex": self._premium_index,
        }
        spot = common | {"uiKlines": common["klines"]}
        self._routes = {Market.SPOT: spot, Market.LINEAR: futures, Market.INVERSE: futures}

    def admit(self, query: Query) -> Answer | None:
        """Count a request's weight: 429 over the limit, 418 for who goes on regardless."""
        call = _call(query)
        if call is None:
            return None
        refusal = self._limits[call.market].admit(_weight(call))
        return None if refusal is None else self._refusal(call.market, refusal)

    def answer(self, query: Query) -> Answer:
        """Return the answer to an admitted request."""
        call = _call(query)
        route = None if call is None else self._routes[call.market].get(call.name)
        if call is None or route is None or query.method != "GET":
            return Answer(404, b"<html><body><h2>404 Not found</h2></body></html>", 404, content_type="text/html")
        try:
            answer: Answer = route(call)
        except _Refused as refused:
            return _error(refused.status, refused.code, refused.message)
        return answer

    def advance(self, now_ms: int) -> None:
        """Let the market go on until then; its history needs no telling."""

    def pulse(self) -> None:
        """Tell the streams what has changed; there are none."""

    def open_socket(self, path: str, send: Callable[[bytes], None]) -> Session | None:
        """Return None: there are no sockets."""
        del path, send
        return None

    def limit_headers(self, query: Query) -> dict[str, str]:
        """Return the weight used in the present window."""
        call = _call(query)
        if call is None:
            return {}
        return {used_weight_header(self._rates[call.market]): str(self._limits[call.market].used)}

    def throttled(self, query: Query, wait_s: float) -> Answer:
        """Return 429 with Retry-After."""
        call = _call(query)
        return self._refusal(Market.SPOT if call is None else call.market, Refusal(max(1, round(wait_s))))

    def addresses(self, root: str) -> dict[str, str]:
        """Return the base URL, which is the same for the three markets."""
        return {"rest": root, "rest_spot": root, "rest_linear": root, "rest_inverse": root}

    def _refusal(self, market: Market, refusal: Refusal) -> Answer:
        status = 418 if refusal.banned_until_ms else 429
        units, seconds = self._limits[market].units, self._rates[market].seconds
        if market is Market.SPOT:
            text = f"current limit is {units} request weight per {_span(seconds)}"
            remedy = "Please use WebSocket Streams for live updates to avoid"
            message = f"Too much request weight used; {text}. {remedy} polling the API."
            if status == 418:
                message = f"Way too much request weight used; IP banned until {refusal.banned_until_ms}. {remedy} bans."
        else:
            remedy = "Please use the websocket for live updates to avoid"
            message = (
                f"Too many requests; current limit is {units} requests per {_span(seconds)}. {remedy} polling the API."
            )
            if status == 418:
                message = f"Way too many requests; IP banned until {refusal.banned_until_ms}. {remedy} bans."
        answer = _error(status, -1003, message)
        return Answer(status, answer.body, -1003, headers={"Retry-After": str(refusal.wait_s)})

    def _exchange_info(self, call: _Call) -> Answer:
        chosen = [i for i in self._instruments.values() if i.market is call.market]
        if call.market is Market.SPOT and "symbol" in call.params:
            chosen = [self._instrument(call)]
        info = exchange_info(call.market, chosen, self._rates[call.market], self._clock.now_ms(), self._source.start_ms)
        return _ok(info, len(chosen))

    def _instrument(self, call: _Call, name: str = "symbol") -> Instrument:
        """Return the instrument that a parameter names."""
        text = call.params.get(name, "")
        if not text:
            raise _Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        if not _SYMBOL.fullmatch(text):
            raise _Refused(
                -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[A-Z0-9-_.]{{1,20}}$'."
            )
        symbol = f"{text}_PERP" if name == "pair" and call.market is Market.INVERSE else text
        instrument = self._instruments.get((call.market, symbol))
        if instrument is None:
            raise _Refused(-1121, "Invalid symbol.")
        return instrument

    def _chosen(self, call: _Call) -> list[Instrument]:
        """Return the instrument asked for, or all of the market."""
        if call.params.get("symbol"):
            return [self._instrument(call)]
        return [i for i in self._instruments.values() if i.market is call.market]

    def _klines(self, call: _Call, kind: SeriesKind) -> Answer:
        instrument = self._instrument(call, "pair" if kind is SeriesKind.INDEX else "symbol")
        spelling = call.params.get("interval", "")
        if not spelling:
            raise _Refused(-1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.")
        if spelling not in INTERVALS and not (call.market is Market.SPOT and spelling == "1s"):
            raise _Refused(-1120, "Invalid interval.")
        interval = Interval.parse(spelling)
        window = _window(call)
        if not self._history.serves(instrument, kind, interval):
            return Answer(200, b"[]")
        style = futures_priced if kind is not SeriesKind.KLINE else futures_traded
        style = spot_traded if call.market is Market.SPOT else style
        blemish = call.query.blemish
        page = self._history.page(instrument, kind, interval, window, self._clock.now_ms(), style, blemish)
        return Answer(200, b"".join((b"[", page.text, b"]")), rows=page.rows)

    def _funding_rate(self, call: _Call) -> Answer:
        if call.market is Market.INVERSE:
            self._instrument(call)
        start, end = _whole(call.params, "startTime"), _whole(call.params, "endTime")
        limit = _limit(call, 100, 1_000)
        latest = self._clock.now_ms() if end is None else min(end, self._clock.now_ms())
        rows = []
        for instrument in self._chosen(call):
            rates = self._history.funding(instrument)
            for time, rate in zip(rates.timestamp.tolist(), rates.rate.tolist(), strict=True):
                if (start or 0) <= time <= latest:
                    rows.append((time, instrument, rate))
        rows.sort(key=lambda row: row[0])
        rows = rows[-limit:] if start is None else rows[:limit]
        return _ok([self._funding_row(*row) for row in rows], len(rows))

    def _funding_row(self, time: int, instrument: Instrument, rate: float) -> dict[str, object]:
        row: dict[str, object] = {"symbol": instrument.symbol, "fundingTime": time, "fundingRate": plain(rate, 8)}
        if instrument.market is Market.LINEAR:
            mark = self._history.last_day(instrument, SeriesKind.MARK, time)
            row["markPrice"] = plain(mark.last, 8) if mark else ""
        return row

    def _funding_info(self, call: _Call) -> Answer:
        rows = [
            {
                "symbol": i.symbol,
                "adjustedFundingRateCap": "0.00750000",
                "adjustedFundingRateFloor": "-0.00750000",
                "fundingIntervalHours": i.funding_interval_minutes // 60,
                "disclaimer": False,
            }
            for i in self._instruments.values()
            if i.market is call.market
        ]
        return _ok(rows, len(rows))

    def _premium_index(self, call: _Call) -> Answer:
        now = self._clock.now_ms()
        rows = [self._premium_row(instrument, now) for instrument in self._chosen(call)]
        single = call.market is Market.LINEAR and call.params.get("symbol")
        return _ok(rows[0] if single else rows, len(rows))

    def _premium_row(self, instrument: Instrument, now: int) -> dict[str, object]:
        rates = self._history.funding(instrument)
        past = int((rates.timestamp <= now).sum())
        mark = self._history.last_day(instrument, SeriesKind.MARK, now)
        index = self._history.last_day(instrument, SeriesKind.INDEX, now)
        row: dict[str, object] = {
            "symbol": instrument.symbol,
            "markPrice": plain(mark.last, 8) if mark else "",
            "indexPrice": plain(index.last, 8) if index else "",
            "estimatedSettlePrice": plain(index.last, 8) if index else "",
            "lastFundingRate": plain(float(rates.rate[past - 1]), 8) if past else "",
            "interestRate": "0.00010000",
            "nextFundingTime": int(rates.timestamp[past]) if past < len(rates) else 0,
            "time": now,
        }
        return row | ({"pair": _pair(instrument)} if instrument.market is Market.INVERSE else {})

    def _ticker_price(self, call: _Call) -> Answer:
        now = self._clock.now_ms()
        rows = []
        for instrument in self._chosen(call):
            day = self._history.last_day(instrument, SeriesKind.KLINE, now)
            price = plain(day.last, _price_decimals(instrument)) if day else ""
            row: dict[str, object] = {"symbol": instrument.symbol, "price": price}
            if instrument.market is Market.INVERSE:
                row["ps"] = _pair(instrument)
            rows.append(row if instrument.market is Market.SPOT else row | {"time": now})
        return _listed(call, rows)

    def _ticker_day(self, call: _Call) -> Answer:
        now = self._clock.now_ms()
        return _listed(call, [self._day_row(instrument, now) for instrument in self._chosen(call)])

    def _day_row(self, instrument: Instrument, now: int) -> dict[str, object]:
        day = self._history.last_day(instrument, SeriesKind.KLINE, now)
        if day is None:
            return {"symbol": instrument.symbol, "count": 0}
        places = _price_decimals(instrument)
        mean = day.turnover / day.volume if day.volume else day.last
        row: dict[str, object] = {
            "symbol": instrument.symbol,
            "priceChange": plain(day.last - day.first, places),
            "priceChangePercent": plain((day.last / day.first - 1) * 100, 3),
            "weightedAvgPrice": plain(mean, places),
            "lastPrice": plain(day.last, places),
            "openPrice": plain(day.first, places),
            "highPrice": plain(day.high, places),
            "lowPrice": plain(day.low, places),
            "volume": plain(day.volume, 8),
            "openTime": now - 86_400_000,
            "closeTime": now,
            "firstId": 0,
            "lastId": day.trades - 1,
            "count": day.trades,
        }
        if instrument.market is Market.INVERSE:
            return row | {"pair": _pair(instrument), "baseVolume": plain(day.turnover, 8)}
        row["quoteVolume"] = plain(day.turnover, 8)
        if instrument.market is Market.SPOT:
            row |= {
                "prevClosePrice": plain(day.first, places),
                "bidPrice": plain(day.last - instrument.tick_size, places),
                "askPrice": plain(day.last, places),
            }
        return row


def _ok(result: object, rows: int = 0) -> Answer:
    return Answer(200, json.dumps(result, separators=(",", ":")).encode(), rows=rows)


def _error(status: int, code: int, message: str) -> Answer:
    return Answer(status, json.dumps({"code": code, "msg": message}).encode(), code)


def _listed(call: _Call, rows: list[dict[str, object]]) -> Answer:
    """Return one object where a symbol was asked for, a list otherwise; coin-margined answers are always lists."""
    single = call.params.get("symbol") and call.market is not Market.INVERSE
    return _ok(rows[0] if single else rows, len(rows))


def _call(query: Query) -> _Call | None:
    for prefix, market in PREFIXES.items():
        if query.path.startswith(prefix):
            return _Call(market, query.path[len(prefix) :], query)
    return None


def _weight(call: _Call) -> int:
    """Return what a request costs."""
    spot, has_symbol = call.market is Market.SPOT, bool(call.params.get("symbol"))
    if call.name == "ticker/24hr":
        return {(True, True): 2, (True, False): 80, (False, True): 1, (False, False): 40}[spot, has_symbol]
    if call.name == "ticker/price":
        return (2 if has_symbol else 4) if spot else (1 if has_symbol else 2)
    if spot:
        return _SPOT_WEIGHTS.get(call.name, 1)
    if call.name == "premiumIndex" and not has_symbol:
        return 10
    if not call.name.lower().endswith("klines"):
        return 1
    limit = whole_number(call.params.get("limit", "")) or 500
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1_000 else 10


def _whole(params: Mapping[str, str], name: str) -> int | None:
    """Return a parameter as a whole number, None where it was not sent."""
    text = params.get(name)
    if text is None:
        return None
    value = whole_number(text)
    if value is None or value < 0:
        raise _Refused(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return value


def _limit(call: _Call, default: int, most: int) -> int:
    """Return the page size; spot cuts too large a wish, futures refuse it."""
    limit = _whole(call.params, "limit")
    if limit is None:
        return default
    if limit < 1 or (limit > most and call.market is not Market.SPOT):
        raise _Refused(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(limit, most)


def _window(call: _Call) -> Window:
    """Return which bars are asked for; coin-margined futures count back from the end, the others on from the start."""
    start, end = _whole(call.params, "startTime"), _whole(call.params, "endTime")
    limit = _limit(call, 500, 1_000 if call.market is Market.SPOT else 1_500)
    if start is not None and end is not None and start > end:
        raise _Refused(-1023, "Start time is greater than end time.")
    if call.market is not Market.INVERSE:
        return Window(start, end, limit, from_start=start is not None)
    if start is not None and end is not None and end - start > _LONGEST_MS:
        raise _Refused(-1127, f"More than {_LONGEST_MS // 3_600_000} hours between startTime and endTime.")
    if start is not None and end is None:
        end = start + _LONGEST_MS
    if end is not None and start is None:
        start = end - _LONGEST_MS
    return Window(start, end, limit, from_start=False)


def _span(seconds: float) -> str:
    return "1 MINUTE" if seconds == 60 else f"{seconds:g} SECOND"


def _pair(instrument: Instrument) -> str:
    return instrument.symbol.partition("_")[0]


def _price_decimals(instrument: Instrument) -> int:
    return 8 if instrument.market is Market.SPOT else instrument.price_decimals
