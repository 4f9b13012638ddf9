"""What Bybit publishes about its markets beside prices: limits, its insurance, crowds, volatility, deliveries."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from math import log, sqrt
from statistics import pstdev
from typing import TYPE_CHECKING, Final

import msgspec

from real_trade.exchange.answers import Answer
from real_trade.exchange.bybit.queries import category_in, page_size, whole
from real_trade.exchange.bybit.refusals import BAD_PARAMETER, Refusal
from real_trade.exchange.bybit.spelling import price, quantity
from real_trade.exchange.core.contract import UNIT, Kind
from real_trade.exchange.core.orders import Price
from real_trade.exchange.crowd import insurance, long_share
from real_trade.exchange.words import plain
from real_trade.model import Interval, Market, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from real_trade.exchange.answers import Query
    from real_trade.exchange.bybit.market import BybitMarket
    from real_trade.exchange.bybit.price_limits import PriceLimits
    from real_trade.exchange.core.contract import Contract
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import Listing, World
    from real_trade.model import Instrument

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
# Spelling of a period -> of the bars that are as long.
_PERIODS: Final = {"5min": "5", "15min": "15", "30min": "30", "1h": "60", "4h": "240", "1d": "D"}
_VOLATILITY_DAYS: Final = (7, 14, 21, 30, 60, 90, 180, 270)
# Most hours of volatility in one answer: thirty days.
_MOST_HOURS: Final = 720
_RPI_LEVELS: Final = 50


class Statistics:
    """The endpoints.

    Args:
        market: spells answers.
        history: the market's bars.
        world: the market as it goes on.
        limits: how far from the market orders may be.
    """

    def __init__(self, market: BybitMarket, history: History, world: World, limits: PriceLimits) -> None:
        self._market, self._history, self._world, self._limits = market, history, world, limits
        self.routes: dict[str, Callable[[Query], Answer]] = {
            "/v5/market/price-limit": self._price_limit,
            "/v5/market/insurance": self._insurance,
            "/v5/market/account-ratio": self._account_ratio,
            "/v5/market/delivery-price": self._delivery_price,
            "/v5/market/historical-volatility": self._volatility,
            "/v5/market/rpi_orderbook": self._rpi_book,
        }

    def _price_limit(self, query: Query) -> Answer:
        params = {"category": "linear", **query.params}
        contract = self._market.listing(params).contract
        spelled = spelled_limits(self._limits, contract, params["symbol"])
        return self._market.ok(spelled | {"ts": str(self._world.now_ms)})

    def _insurance(self, query: Query) -> Answer:
        coin = query.params.get("coin")
        rows = [row for row in pools(self._world) if coin in (None, "", row["coin"])]
        for row in rows:
            row["value"] = plain((Decimal(row["balance"]) * self._dollars(row["coin"])).quantize(UNIT))
        now = self._world.now_ms
        return self._market.ok({"updatedTime": str(now - now % _DAY_MS), "list": rows}, len(rows))

    def _dollars(self, coin: str) -> Decimal:
        """Return the price of a coin that contracts are settled in: that of its inverse contract, or a dollar."""
        for contract in self._world.exchange.contracts.values():
            if contract.kind is Kind.INVERSE and contract.settle == coin:
                return self._world.exchange.prices[contract.symbol, Price.INDEX] * contract.tick
        return Decimal(1)

    def _account_ratio(self, query: Query) -> Answer:
        """Tell how many are long and short."""
        params = query.params
        listing, spelled = self._contract(params), _PERIODS.get(params.get("period", ""))
        if spelled is None:
            raise Refusal(BAD_PARAMETER, "params error: period invalid")
        end = min(self._world.now_ms, whole(params, "endTime") or self._world.now_ms)
        start, most = whole(params, "startTime") or 0, page_size(params, 50, 500)
        table = self._history.table(listing.instrument, SeriesKind.KLINE, Interval.parse(spelled))
        rows = []
        # A period is told of once it is over.
        last = int(table.time.searchsorted(end - table.interval.length_ms, side="right"))
        for row in range(last - 1, max(-1, last - 1 - most), -1):
            closed = int(table.time[row]) + table.interval.length_ms
            if closed < start:
                break
            long = long_share(table, row)
            rows.append(
                {
                    "symbol": params["symbol"],
                    "buyRatio": f"{long:.4f}",
                    "sellRatio": f"{1 - long:.4f}",
                    "timestamp": str(closed),
                }
            )
        return self._market.ok({"list": rows, "nextPageCursor": ""}, len(rows))

    def _delivery_price(self, query: Query) -> Answer:
        """Tell at which price contracts were delivered: the listed future and option, once their day has come."""
        params, dated = query.params, self._market.dated
        category = category_in(params)
        if category == "spot":
            raise Refusal(BAD_PARAMETER, "params error: Category is invalid")
        rows = []
        symbol = dated.option if category == "option" else dated.future.symbol if dated.future else ""
        wanted = category != "inverse" and params.get("symbol") in (None, "", symbol)
        if dated.perpetual is not None and wanted and self._world.now_ms >= dated.delivery_ms:
            at = self._opening(dated.perpetual, dated.delivery_ms)
            rows = [{"symbol": symbol, "deliveryPrice": plain(at), "deliveryTime": str(dated.delivery_ms)}]
        return self._market.ok({"category": category, "nextPageCursor": "", "list": rows}, len(rows))

    def _opening(self, instrument: Instrument, at_ms: int) -> Decimal:
        table = self._history.table(instrument, SeriesKind.INDEX)
        row = max(0, int(table.time.searchsorted(at_ms, side="right")) - 1)
        return int(table.open[row]) * Decimal(1).scaleb(-table.grid.price)

    def _volatility(self, query: Query) -> Answer:
        """Tell how much the option's coin has moved, a year's worth, hour by hour: of its hours in a number of days."""
        params, perpetual = query.params, self._market.dated.perpetual
        days, start, end = whole(params, "period") or 7, whole(params, "startTime"), whole(params, "endTime")
        if params.get("category") != "option":
            raise Refusal(BAD_PARAMETER, "params error: Category is invalid")
        if days not in _VOLATILITY_DAYS:
            raise Refusal(BAD_PARAMETER, "params error: period invalid")
        # Without either, it is the last hour alone.
        span = 0 if start is None or end is None else end - start
        if (start is None) != (end is None) or not 0 <= span <= _MOST_HOURS * _HOUR_MS:
            raise Refusal(BAD_PARAMETER, "params error: startTime and endTime must be given both, and within 30 days")
        rows: list[dict[str, object]] = []
        if perpetual is not None and (params.get("baseCoin") or "BTC") == perpetual.base:
            now = self._world.now_ms
            last = (now if end is None else min(now, end)) // _HOUR_MS * _HOUR_MS
            first = last if start is None else -(-start // _HOUR_MS) * _HOUR_MS
            for at in range(last, first - 1, -_HOUR_MS):
                value = self._moved(perpetual, at, days)
                if value is not None:
                    rows.append({"period": days, "value": f"{value:.8f}", "time": str(at)})
        body = {"retCode": 0, "retMsg": "SUCCESS", "category": "option", "result": rows}
        return Answer(200, msgspec.json.encode(body), rows=len(rows))

    def _moved(self, instrument: Instrument, at_ms: int, days: int) -> float | None:
        """Return the deviation of the logarithms of hourly moves, a year's worth; None without three hours."""
        table = self._history.table(instrument, SeriesKind.KLINE, Interval.parse("60"))
        first = int(table.time.searchsorted(at_ms - days * _DAY_MS))
        closes = table.close[first : int(table.time.searchsorted(at_ms))].tolist()
        moves = [log(after / before) for before, after in pairwise(closes)]
        return pstdev(moves) * sqrt(365 * 24) if len(moves) > 1 else None

    def _rpi_book(self, query: Query) -> Answer:
        """Tell the book with what retail traders alone may take, of which there is none."""
        params = query.params
        listing = self._market.listing(params)
        book, now = self._world.exchange.books[listing.name], self._world.now_ms
        bids, asks = book.depth(page_size(params, _RPI_LEVELS, _RPI_LEVELS))
        sides = [
            [[price(listing.contract, ticks), quantity(listing.contract, lots), "0"] for ticks, lots in levels]
            for levels in (asks, bids)
        ]
        head = {"s": params["symbol"], "a": sides[0], "b": sides[1], "ts": now}
        return self._market.ok(head | {"u": book.version, "seq": book.version, "cts": now})

    def _contract(self, params: Mapping[str, str]) -> Listing:
        listing = self._market.listing(params)
        if listing.instrument.market is Market.SPOT:
            raise Refusal(BAD_PARAMETER, "params error: Category is invalid")
        return listing


def spelled_limits(limits: PriceLimits, contract: Contract, symbol: str) -> dict[str, object]:
    """Spell the highest bid and the lowest offer."""
    highest, lowest = limits.of(contract)
    return {"symbol": symbol, "buyLmt": price(contract, highest), "sellLmt": price(contract, lowest)}


def pools(world: World) -> list[dict[str, str]]:
    """Spell the insurance of each coin that contracts are settled in."""
    symbols: dict[str, list[str]] = {}
    for listing in world.listings.values():
        if listing.contract.kind is not Kind.SPOT:
            symbols.setdefault(listing.contract.settle, []).append(listing.instrument.symbol)
    return [
        {"coin": coin, "symbols": ",".join(symbols[coin]), "balance": plain(fund)}
        for coin, fund in insurance(world).items()
    ]
