"""Binance's options: one call is listed, and quoted around what it is worth; accounts do not trade it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.calls import Call, given, page_size, symbol_of, whole
from real_trade.exchange.binance.dated import next_delivery, spelled_day
from real_trade.exchange.binance.history import INTERVALS
from real_trade.exchange.binance.limits import WEIGHTS
from real_trade.exchange.binance.refusals import Refusal, missing
from real_trade.exchange.call_option import STEP, TICK, VOLATILITY, CallOption, on_tick
from real_trade.exchange.words import plain
from real_trade.model import Interval, Market, SeriesKind

if TYPE_CHECKING:
    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.call_option import OptionTrade
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import World
    from real_trade.model import Clock, Instrument

_MOST: Final = "100"
_DEPTHS: Final = (10, 20, 50, 100, 500, 1_000)
# How far from what it is worth a price may be.
_ABOVE: Final = Decimal(3)


class Options:
    """The market of options.

    Args:
        perpetual: on whose coin the option is; None where there is none, and no option.
        history: the perpetual's bars.
        world: the market as it goes on.
        market_clock: market time.
        clock: the venue's own.
    """

    def __init__(
        self, perpetual: Instrument | None, history: History, world: World, market_clock: Clock, clock: Clock
    ) -> None:
        self._perpetual, self._history, self._world = perpetual, history, world
        self._market_clock, self._clock = market_clock, clock
        self._listed: CallOption | None = None
        # When the one of now was listed, or is to be.
        self._listed_ms = world.now_ms

    def ping(self, call: Call) -> dict[str, Any]:
        """Return nothing."""
        del call
        return {}

    def time(self, call: Call) -> dict[str, int]:
        """Return the venue's time."""
        del call
        return {"serverTime": self._clock.now_ms()}

    def info(self, call: Call) -> dict[str, Any]:
        """Return what is listed."""
        del call
        option, perpetual = self._option(), self._perpetual
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
        head: dict[str, Any] = {
            "timezone": "UTC",
            "serverTime": self._clock.now_ms(),
            "rateLimits": [limit | {"limit": WEIGHTS[Market.LINEAR]}],
        }
        if option is None or perpetual is None:
            return head | {"optionContracts": [], "optionAssets": [], "optionSymbols": []}
        contract = {
            "baseAsset": perpetual.base,
            "quoteAsset": perpetual.quote,
            "underlying": perpetual.symbol,
            "settleAsset": perpetual.settle,
        }
        return head | {
            "optionContracts": [contract],
            "optionAssets": [{"name": perpetual.settle}],
            "optionSymbols": [self._symbol_row(option, perpetual)],
        }

    def _symbol_row(self, option: CallOption, perpetual: Instrument) -> dict[str, Any]:
        prices = {"minPrice": plain(TICK), "maxPrice": plain(TICK * 100_000), "tickSize": plain(TICK)}
        sizes = {"minQty": plain(STEP), "maxQty": _MOST, "stepSize": plain(STEP)}
        return {
            "symbol": self._symbol(option, perpetual),
            "status": "TRADING",
            "side": "CALL",
            "strikePrice": str(option.strike),
            "underlying": perpetual.symbol,
            "expiryDate": option.delivery_ms,
            "unit": 1,
            "quoteAsset": perpetual.quote,
            "priceScale": 0,
            "quantityScale": 2,
            "minQty": plain(STEP),
            "maxQty": _MOST,
            "liquidationFeeRate": "0.0019",
            "initialMargin": "0.15",
            "maintenanceMargin": "0.075",
            "minInitialMargin": "0.1",
            "minMaintenanceMargin": "0.05",
            "filters": [{"filterType": "PRICE_FILTER", **prices}, {"filterType": "LOT_SIZE", **sizes}],
        }

    def tickers(self, call: Call) -> list[dict[str, Any]]:
        """Return what the last day of the option was like."""
        rows = []
        for option in self._chosen(call):
            now, traded = self._world.now_ms, option.trades()
            day = [trade for trade in traded if trade.time_ms > now - 86_400_000] or traded[-1:]
            prices = [Decimal(trade.price) for trade in day]
            bids, asks = option.levels()
            volume = sum((Decimal(trade.size) for trade in day), Decimal(0))
            amount = sum((Decimal(trade.size) * Decimal(trade.price) for trade in day), Decimal(0))
            rows.append(
                {
                    "symbol": self._name(option),
                    "priceChange": plain(prices[-1] - prices[0]),
                    "priceChangePercent": plain((prices[-1] / prices[0] - 1).quantize(Decimal("0.0001"))),
                    "lastPrice": plain(prices[-1]),
                    "lastQty": day[-1].size,
                    "open": plain(prices[0]),
                    "high": plain(max(prices)),
                    "low": plain(min(prices)),
                    "volume": plain(volume),
                    "amount": plain(amount),
                    "bidPrice": bids[0][0] if bids else "0",
                    "askPrice": asks[0][0],
                    "openTime": day[0].time_ms,
                    "closeTime": now,
                    "firstTradeId": _number(day[0]),
                    "tradeCount": len(day),
                    "strikePrice": str(option.strike),
                    "exercisePrice": f"{option.index:.8f}",
                }
            )
        return rows

    def marks(self, call: Call) -> list[dict[str, str]]:
        """Return what the option is worth, and what moves that."""
        rows = []
        for option in self._chosen(call):
            mark, greeks = option.mark, option.greeks()
            rows.append(
                {
                    "symbol": self._name(option),
                    "markPrice": f"{mark:.8f}",
                    "bidIV": f"{VOLATILITY:.8f}",
                    "askIV": f"{VOLATILITY:.8f}",
                    "markIV": f"{VOLATILITY:.8f}",
                    "delta": f"{greeks.delta:.8f}",
                    "theta": f"{greeks.theta:.8f}",
                    "gamma": f"{greeks.gamma:.8f}",
                    "vega": f"{greeks.vega:.8f}",
                    "highPriceLimit": plain(on_tick(mark) * _ABOVE),
                    "lowPriceLimit": plain(TICK),
                    "riskFreeInterest": "0.0",
                }
            )
        return rows

    def depth(self, call: Call) -> dict[str, Any]:
        """Return the option's book."""
        option = self._one(call)
        limit = whole(call.params, "limit") or 100
        if limit not in _DEPTHS:
            raise Refusal(-4021, f"'{limit}' is not valid depth limit.")
        bids, asks = option.levels()
        now = self._world.now_ms
        return {"T": now, "u": now, "bids": bids[:limit], "asks": asks[:limit]}

    def trades(self, call: Call) -> list[dict[str, Any]]:
        """Return the last trades, oldest first."""
        limit = page_size(call, 100, 500)
        return [
            {
                "id": _number(trade),
                "symbol": call.params["symbol"],
                "price": trade.price,
                "qty": trade.size,
                "quoteQty": plain(Decimal(trade.price) * Decimal(trade.size)),
                "side": trade.sign,
                "time": trade.time_ms,
            }
            for trade in self._one(call).trades()[-limit:]
        ]

    def klines(self, call: Call) -> list[dict[str, Any]]:
        """Return bars of what the option was worth, oldest first."""
        option = self._one(call)
        assert self._perpetual is not None
        spelling = call.params.get("interval", "")
        if not spelling:
            raise missing("interval")
        if spelling not in INTERVALS:
            raise Refusal(-1120, "Invalid interval.")
        interval, now = Interval.parse(spelling), self._world.now_ms
        limit = page_size(call, 500, 1_500)
        start, end = whole(call.params, "startTime"), whole(call.params, "endTime")
        table = self._history.table(self._perpetual, SeriesKind.KLINE, interval)
        last = interval.floor(now) if end is None else min(end, interval.floor(now))
        lo, hi = table.time.searchsorted(start or 0), table.time.searchsorted(last, side="right")
        rows = range(int(lo), min(int(hi), int(lo) + limit)) if start else range(max(int(lo), int(hi) - limit), int(hi))
        traded = option.trades()
        found = []
        for row in rows:
            bar: BarTable | None = table.rows(row, row + 1)
            if int(table.time[row]) == interval.floor(now):
                bar = self._history.open_bar(self._perpetual, SeriesKind.KLINE, interval, now)
            if bar is not None:
                found.append(_bar_row(option, bar, interval, traded))
        return found

    def index(self, call: Call) -> dict[str, Any]:
        """Return the price of what the option is on."""
        option = self._option()
        if not given(call, "underlying"):
            raise missing("underlying")
        if option is None or self._perpetual is None or call.params["underlying"] != self._perpetual.symbol:
            raise Refusal(-1121, "Invalid symbol.")
        return {"time": self._world.now_ms, "indexPrice": f"{option.index:.8f}"}

    # What is listed

    def _option(self) -> CallOption | None:
        """Return the option of the quarter; once it is delivered, that of the next."""
        now = self._market_clock.now_ms()
        if self._perpetual is None:
            return None
        if self._listed is None or now >= self._listed.delivery_ms:
            self._listed_ms = self._listed_ms if self._listed is None else self._listed.delivery_ms
            due = next_delivery(now)
            self._listed = CallOption(self._perpetual, self._history, self._world, self._listed_ms, due)
        return self._listed

    @staticmethod
    def _symbol(option: CallOption, perpetual: Instrument) -> str:
        return f"{perpetual.base}-{spelled_day(option.delivery_ms)}-{option.strike}-C"

    def _name(self, option: CallOption) -> str:
        assert self._perpetual is not None
        return self._symbol(option, self._perpetual)

    def _chosen(self, call: Call) -> list[CallOption]:
        if given(call, "symbol"):
            return [self._one(call)]
        option = self._option()
        return [] if option is None else [option]

    def _one(self, call: Call) -> CallOption:
        """Return the option that a request names.

        Raises:
            Refusal: it names none.
        """
        symbol, option = symbol_of(call), self._option()
        if option is None or symbol != self._name(option):
            raise Refusal(-1121, "Invalid symbol.")
        return option


def _number(trade: OptionTrade) -> int:
    """Return a trade's number: the hour since 1970."""
    return trade.time_ms // 3_600_000


def _bar_row(option: CallOption, bar: BarTable, interval: Interval, traded: list[OptionTrade]) -> dict[str, Any]:
    """Return a bar: the option's worth goes with the price."""
    opened = int(bar.time[0])
    closes = interval.next_open(opened)
    scale = 10**bar.grid.price
    moments = (("open", bar.open, opened), ("close", bar.close, closes))
    prices = {name: on_tick(option.worth(int(column[0]) / scale, at)) for name, column, at in moments}
    for name, column, best in (("high", bar.high, max), ("low", bar.low, min)):
        prices[name] = best(*prices.values(), on_tick(option.worth(int(column[0]) / scale, opened)))
    mine = [trade for trade in traded if opened <= trade.time_ms < closes]
    bought = [trade for trade in mine if trade.sign > 0]
    return {
        **{name: plain(prices[name]) for name in ("open", "high", "low", "close")},
        "volume": plain(sum((Decimal(trade.size) for trade in mine), Decimal(0))),
        "amount": plain(sum((Decimal(trade.size) * Decimal(trade.price) for trade in mine), Decimal(0))),
        "interval": interval.name,
        "tradeCount": len(mine),
        "takerVolume": plain(sum((Decimal(trade.size) for trade in bought), Decimal(0))),
        "takerAmount": plain(sum((Decimal(trade.size) * Decimal(trade.price) for trade in bought), Decimal(0))),
        "openTime": opened,
        "closeTime": closes,
    }
