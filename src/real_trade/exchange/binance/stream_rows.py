"""How Binance's public streams spell what they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from real_trade.exchange.binance.board import Board, spelled_levels
from real_trade.exchange.binance.dated import is_dated
from real_trade.exchange.binance.directory import pair_of
from real_trade.exchange.binance.spelling import price, quantity, side
from real_trade.exchange.binance.tickers import Tickers, touch
from real_trade.model import Interval, Market

if TYPE_CHECKING:
    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.binance.history import PastMarket
    from real_trade.exchange.binance.tape import Joined, Tape
    from real_trade.exchange.core.events import Executed, Traded
    from real_trade.exchange.world import Listing, World

    Levels = list[tuple[int, int]]

_PLACES = 8
_PAIR_EVENTS = {
    "continuousKline": "continuous_kline",
    "markPriceKline": "markPrice_kline",
    "indexPriceKline": "indexPrice_kline",
}


class StreamRows:
    """Messages of the public streams.

    Args:
        world: what happens.
        board: books.
        tickers: tickers.
        past: mark prices and funding.
        tape: numbers trades.
    """

    def __init__(self, world: World, board: Board, tickers: Tickers, past: PastMarket, tape: Tape) -> None:
        self._world, self._board, self._tickers, self._past, self._tape = world, board, tickers, past, tape

    def update_id(self, listing: Listing) -> int:
        """Return the number of the last change of a book."""
        return self._board.update_id(listing)

    def depth(self, listing: Listing, before: int, update: int, bids: Levels, asks: Levels) -> dict[str, Any]:
        """Return the changes of a book since one number up to another."""
        now = self._world.now_ms
        row: dict[str, Any] = {"e": "depthUpdate", "E": now}
        if listing.instrument.market is Market.SPOT:
            row |= {"s": listing.instrument.symbol, "U": before + 1, "u": update}
        else:
            row |= {"T": now, "s": listing.instrument.symbol}
            row |= {"ps": pair_of(listing.instrument), "U": before + 1, "u": update, "pu": before}
        row |= {"b": spelled_levels(listing, bids), "a": spelled_levels(listing, asks)}
        return row if listing.instrument.market is Market.SPOT else row | {"st": 1}

    def trade(self, listing: Listing, number: int, trade: Traded) -> dict[str, Any]:
        """Return a trade."""
        contract, spot = listing.contract, listing.instrument.market is Market.SPOT
        row: dict[str, Any] = {"e": "trade", "E": trade.time_ms}
        if not spot:
            row["T"] = trade.time_ms
        row |= {"s": listing.instrument.symbol, "t": number}
        row |= {"p": price(contract, trade.ticks), "q": quantity(contract, trade.lots)}
        row |= {"T": trade.time_ms} if spot else {"X": "MARKET"}
        row["m"] = trade.sign < 0
        return row | ({"M": True} if spot else {})

    def joined(self, listing: Listing, joined: Joined) -> dict[str, Any]:
        """Return trades of one taker at one price."""
        head = {"e": "aggTrade", "E": joined.time_ms, "s": listing.instrument.symbol}
        row = head | self._board.joined_row(listing, joined)
        return row if listing.instrument.market is Market.SPOT else row | {"st": 1}

    def kline(
        self, listing: Listing, bar: BarTable, spelling: str, now: int, *, closed: bool, zone_ms: int = 0
    ) -> dict[str, Any]:
        """Return a bar, open or closed, which has the times of a zone whose clocks are so far ahead."""
        opened, count, market = int(bar.time[0]), int(bar.trades[0]), listing.instrument.market
        spot = market is Market.SPOT
        last = self._tape.last_id(listing.name)
        grid = bar.grid
        prices = _PLACES if spot else grid.price
        volume, turnover = (_PLACES, _PLACES) if spot else (grid.volume, grid.turnover)
        row: dict[str, Any] = {
            "t": opened - zone_ms,
            "T": Interval.parse(spelling).next_open(opened) - 1 - zone_ms,
            "s": listing.instrument.symbol,
            "i": spelling,
            "f": last - count + 1 if count else -1,
            "L": last if count else -1,
        }
        for name, column in (("o", bar.open), ("c", bar.close), ("h", bar.high), ("l", bar.low)):
            row[name] = _spelled(int(column[0]), grid.price, prices)
        row |= {"v": _spelled(int(bar.volume[0]), grid.volume, volume), "n": count, "x": closed}
        row["q"] = _spelled(int(bar.turnover[0]), grid.turnover, turnover)
        row["V"] = _spelled(int(bar.volume[0]) // 2, grid.volume, volume)
        row["Q"] = _spelled(int(bar.turnover[0]) // 2, grid.turnover, turnover)
        row["B"] = "0"
        return {"e": "kline", "E": now, "s": listing.instrument.symbol, "k": row}

    def pair_kline(
        self, kind: str, listing: Listing, bar: BarTable, spelling: str, now: int, *, closed: bool
    ) -> dict[str, Any]:
        """Return a bar that is told under the name of a pair: of its contract, its mark or its index price."""
        row = self.kline(listing, bar, spelling, now, closed=closed)["k"]
        head: dict[str, Any] = {"e": _PAIR_EVENTS[kind], "E": now, "ps": pair_of(listing.instrument)}
        if kind == "continuousKline":
            del row["s"]
            return head | {"ct": "CURRENT_QUARTER" if is_dated(listing.instrument) else "PERPETUAL", "k": row}
        # Prices alone: nothing is traded at them.
        row |= {"s": "0" if kind == "indexPriceKline" else row["s"], "f": 0, "L": 0, "n": 60}
        return head | {"k": row | dict.fromkeys(("v", "q", "V", "Q"), "0")}

    def state(self, kind: str, listing: Listing, detail: str) -> tuple[Any, dict[str, Any]]:
        """Return how things are, and what of it must differ to be told again."""
        if kind == "partial":
            return self.update_id(listing), self._partial(listing, int(detail))
        if kind == "bookTicker":
            return touch(self._world, listing), self._book_ticker(listing)
        if kind == "markPrice":
            return self._world.now_ms, self._mark_price(listing)
        if kind == "indexPrice":
            return self._world.now_ms, self._index_price(listing)
        if kind == "rolling":
            row = self._tickers.hours(listing.instrument, detail)
            key = {name: value for name, value in row.items() if name not in {"openTime", "closeTime"}}
            return key, self._ticker(listing, row, f"{detail}Ticker")
        if kind == "avgPrice":
            return self._world.now_ms, self._average(listing)
        row = self._tickers.day(listing.instrument)
        key = {name: value for name, value in row.items() if name not in {"openTime", "closeTime"}}
        return key, (self._mini_ticker if kind == "miniTicker" else self._ticker)(listing, row)

    def _partial(self, listing: Listing, levels: int) -> dict[str, Any]:
        bids, asks = self._world.exchange.books[listing.name].depth(levels)
        update = self.update_id(listing)
        if listing.instrument.market is not Market.SPOT:
            return self.depth(listing, update - 1, update, bids, asks)
        return {
            "lastUpdateId": update,
            "bids": spelled_levels(listing, bids),
            "asks": spelled_levels(listing, asks),
        }

    def _book_ticker(self, listing: Listing) -> dict[str, Any]:
        bid, bids, ask, asks = touch(self._world, listing)
        row: dict[str, Any] = {"u": self.update_id(listing), "s": listing.instrument.symbol}
        row |= {"b": bid, "B": bids, "a": ask, "A": asks}
        if listing.instrument.market is Market.SPOT:
            return row
        now = self._world.now_ms
        return {"e": "bookTicker"} | row | {"T": now, "E": now, "ps": pair_of(listing.instrument), "st": 1}

    def _mark_price(self, listing: Listing) -> dict[str, Any]:
        row = self._past.premium(listing.instrument)
        message = {
            "e": "markPriceUpdate",
            "E": self._world.now_ms,
            "s": row["symbol"],
            "p": row["markPrice"],
            "P": row["estimatedSettlePrice"],
            "i": row["indexPrice"],
            "r": row["lastFundingRate"],
            "T": row["nextFundingTime"],
            "st": 1,
        }
        return message | ({"ap": row["markPrice"]} if listing.instrument.market is Market.LINEAR else {})

    def _index_price(self, listing: Listing) -> dict[str, Any]:
        row = self._past.premium(listing.instrument)
        return {"e": "indexPriceUpdate", "E": self._world.now_ms, "i": row["pair"], "p": row["indexPrice"]}

    def _average(self, listing: Listing) -> dict[str, Any]:
        now = self._world.now_ms
        mean = self._board.mean(listing)
        return {"e": "avgPrice", "E": now, "s": listing.instrument.symbol, "i": "5m", "w": f"{mean:.8f}", "T": now}

    def _mini_ticker(self, listing: Listing, row: dict[str, Any]) -> dict[str, Any]:
        message = {"e": "24hrMiniTicker", "E": self._world.now_ms, "s": row["symbol"]}
        message |= {"c": row["lastPrice"], "o": row["openPrice"], "h": row["highPrice"], "l": row["lowPrice"]}
        message |= {"v": row["volume"], "q": row.get("quoteVolume", row.get("baseVolume"))}
        return self._marked(listing, message)

    def _ticker(self, listing: Listing, row: dict[str, Any], event: str = "24hrTicker") -> dict[str, Any]:
        message = {
            "e": event,
            "E": self._world.now_ms,
            "s": row["symbol"],
            "p": row["priceChange"],
            "P": row["priceChangePercent"],
            "w": row["weightedAvgPrice"],
        }
        if "prevClosePrice" in row:
            message["x"] = row["prevClosePrice"]
        message["c"] = row["lastPrice"]
        if "lastQty" in row:
            message["Q"] = row["lastQty"]
        if "bidPrice" in row:
            message |= {"b": row["bidPrice"], "B": row["bidQty"], "a": row["askPrice"], "A": row["askQty"]}
        message |= {
            "o": row["openPrice"],
            "h": row["highPrice"],
            "l": row["lowPrice"],
            "v": row["volume"],
            "q": row.get("quoteVolume", row.get("baseVolume")),
            "O": row["openTime"],
            "C": row["closeTime"],
            "F": row["firstId"],
            "L": row["lastId"],
            "n": row["count"],
        }
        return self._marked(listing, message)

    @staticmethod
    def _marked(listing: Listing, message: dict[str, Any]) -> dict[str, Any]:
        if listing.instrument.market is Market.SPOT:
            return message
        return message | {"ps": pair_of(listing.instrument), "st": 1}

    def force_order(self, listing: Listing, event: Executed) -> dict[str, Any]:
        """Return a liquidation."""
        contract, instrument = listing.contract, listing.instrument
        row: dict[str, Any] = {"s": instrument.symbol}
        if instrument.market is Market.INVERSE:
            row["ps"] = pair_of(instrument)
        spelled, lots = price(contract, event.ticks), quantity(contract, event.lots)
        row |= {"S": side(event.sign), "o": "LIMIT", "f": "IOC", "q": lots, "p": spelled, "ap": spelled}
        row |= {"X": "FILLED", "l": lots, "z": lots, "T": event.time_ms}
        return {"e": "forceOrder", "E": event.time_ms, "o": row}


def _spelled(value: int, decimals: int, places: int) -> str:
    """Spell a whole number of a grid with so many places."""
    digits = f"{value:0{decimals + 1}d}"
    whole, fraction = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    fraction = fraction.ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole
