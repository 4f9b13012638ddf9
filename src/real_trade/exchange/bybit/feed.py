"""Bybit's public streams: order books, trades, tickers, klines, liquidations, told to whoever subscribed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from real_trade.exchange.bybit.market import INTERVALS, BybitMarket, spelled_levels, trade_id
from real_trade.exchange.bybit.spelling import price, quantity
from real_trade.exchange.bybit.statistics import pools, spelled_limits
from real_trade.exchange.bybit.subscriptions import Subscriptions
from real_trade.exchange.core.events import Executed, Traded
from real_trade.exchange.world import BarClosed
from real_trade.model import Interval, Market, SeriesKind

if TYPE_CHECKING:
    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.bybit.price_limits import PriceLimits
    from real_trade.exchange.bybit.subscriptions import Send
    from real_trade.exchange.core.events import Event
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import Listing, World


# Depth of a book as topics spell it -> levels, and milliseconds between messages. The last one tells beside each level
# what only retail traders may take.
_DEPTHS: Final = {"1": (1, 10), "50": (50, 20), "200": (200, 100), "1000": (1000, 200), "rpi": (50, 100)}
_TICKER_MS: Final = 100
_KLINE_MS: Final = 1_000
# A book of one level is told again when it has stood still for so long.
_REPEAT_MS: Final = 3_000
_MOST_TRADES: Final = 1_024
_LIMIT_MS: Final = 300
_INSURANCE_MS: Final = 1_000
# Kind of topic -> parts of its name.
_SHAPES: Final = {
    "orderbook": 3,
    "kline": 3,
    "publicTrade": 2,
    "tickers": 2,
    "allLiquidation": 2,
    "liquidation": 2,
    "priceLimit": 2,
    "insurance": 2,
}
_OF_CONTRACTS: Final = ("allLiquidation", "liquidation", "insurance")

Levels = list[tuple[int, int]]


@dataclass(slots=True)
class _Topic:
    """A stream and who listens to it."""

    name: str
    kind: str
    listing: Listing
    symbol: str
    detail: str
    senders: list[Send] = field(default_factory=list)
    due_ms: int = 0
    # Of a book: what was told last, the number of the message, the version of the book it told of.
    bids: Levels = field(default_factory=list)
    asks: Levels = field(default_factory=list)
    update: int = 0
    version: int = -1
    told_ms: int = 0
    # Of a ticker: what was told last; of a kline, limits or insurance: the text.
    fields: dict[str, str] = field(default_factory=dict)
    text: bytes = b""
    # Of trades: those that are not told yet.
    waiting: list[Traded] = field(default_factory=list)


class Feed(Subscriptions[_Topic]):
    """The public streams of one category.

    Args:
        category: spot, linear or inverse.
        world: what happens.
        history: its bars.
        market: spells tickers.
        limits: how far from the market orders may be.
    """

    def __init__(self, category: str, world: World, history: History, market: BybitMarket, limits: PriceLimits) -> None:
        super().__init__()
        self._category, self._world, self._history, self._market = category, world, history, market
        self._limits = limits
        self._by_listing: dict[str, list[_Topic]] = defaultdict(list)
        market.book_updates[category] = self.book_update
        world.listen(self._hear)

    def book_update(self, listing: Listing, symbol: str) -> int:
        """Return the number that the deepest stream gives to a book as it is now; who listens is told first."""
        topic = self._topics.get(f"orderbook.1000.{symbol}")
        if topic is None:
            return 1 + self._world.exchange.books[listing.name].version
        self._tell_book(topic, self._world.now_ms)
        return topic.update

    def pulse(self) -> None:
        """Tell what has changed since the last time, as far as it is due."""
        now = self._world.now_ms
        for topic in list(self._topics.values()):
            if now < topic.due_ms:
                continue
            if topic.kind == "orderbook":
                self._tell_book(topic, now)
            elif topic.kind == "tickers":
                self._tell_ticker(topic, now)
            elif topic.kind == "kline":
                self._tell_kline(topic, now)
            elif topic.kind == "publicTrade":
                self._tell_trades(topic, now)
            elif topic.kind == "priceLimit":
                self._tell_limit(topic, now)
            elif topic.kind == "insurance":
                self._tell_insurance(topic, now)

    def restart_books(self) -> None:
        """Tell every book as a whole again, numbered from 1."""
        now = self._world.now_ms
        for topic in self._topics.values():
            if topic.kind == "orderbook":
                topic.bids, topic.asks = self._depth(topic)
                topic.update, topic.told_ms = 1, now
                topic.version = self._world.exchange.books[topic.listing.name].version
                self._send(topic, self._book_message(topic, "snapshot", topic.bids, topic.asks, now))

    # Streams

    def _begun(self, topic: _Topic) -> None:
        self._by_listing[topic.listing.name].append(topic)

    def _ended(self, topic: _Topic) -> None:
        self._by_listing[topic.listing.name].remove(topic)

    def _topic(self, name: str) -> _Topic | None:
        parts = name.split(".")
        kind, symbol = parts[0], parts[-1]
        detail = parts[1] if len(parts) == 3 else ""
        listing = self._settled_in(symbol) if kind == "insurance" else self._listing(symbol)
        if listing is None or _SHAPES.get(kind) != len(parts):
            return None
        if kind == "orderbook" and detail not in _DEPTHS:
            return None
        if kind == "kline" and detail not in INTERVALS:
            return None
        if kind in _OF_CONTRACTS and self._category == "spot":
            return None
        return _Topic(name, kind, listing, symbol, detail)

    def _listing(self, symbol: str) -> Listing | None:
        parent = self._market.dated.parent(self._category, symbol)
        return self._world.listings.get((Market(self._category), parent))

    def _settled_in(self, word: str) -> Listing | None:
        """Return a contract that is insured by a coin's pool; of inverse ones, all pools are told of together."""
        mine = [listing for listing in self._world.listings.values() if self._is_mine(listing)]
        inverse = self._category == "inverse"
        return next((one for one in mine if word == ("inverse" if inverse else one.contract.settle)), None)

    def _greet(self, topic: _Topic, send: Send) -> None:
        now = self._world.now_ms
        if topic.kind == "orderbook":
            if topic.version < 0:
                topic.bids, topic.asks = self._depth(topic)
                topic.version = self._world.exchange.books[topic.listing.name].version
                topic.update, topic.told_ms = 1 + topic.version, now
            send(self._book_message(topic, "snapshot", topic.bids, topic.asks, now))
        elif topic.kind == "tickers":
            if not topic.fields:
                topic.fields = self._ticker_fields(topic)
            send(self._ticker_message(topic, "snapshot", topic.fields, now))
        elif topic.kind == "insurance":
            send(self._insurance_message(topic, "snapshot", now))

    def _depth(self, topic: _Topic) -> tuple[Levels, Levels]:
        return self._world.exchange.books[topic.listing.name].depth(_DEPTHS[topic.detail][0])

    def _tell_book(self, topic: _Topic, now: int) -> None:
        topic.due_ms = now + _DEPTHS[topic.detail][1]
        version = self._world.exchange.books[topic.listing.name].version
        if version == topic.version:
            if topic.detail == "1" and now - topic.told_ms >= _REPEAT_MS:
                topic.told_ms = now
                self._send(topic, self._book_message(topic, "snapshot", topic.bids, topic.asks, now))
            return
        topic.version = version
        bids, asks = self._depth(topic)
        if bids == topic.bids and asks == topic.asks:
            return
        changes = _changes(topic.bids, bids), _changes(topic.asks, asks)
        topic.bids, topic.asks, topic.told_ms = bids, asks, now
        topic.update += 1
        if topic.detail == "1":
            self._send(topic, self._book_message(topic, "snapshot", bids, asks, now))
        else:
            self._send(topic, self._book_message(topic, "delta", *changes, now))

    def _book_message(self, topic: _Topic, kind: str, bids: Levels, asks: Levels, now: int) -> bytes:
        spelled = [spelled_levels(topic.listing, levels) for levels in (bids, asks)]
        if topic.detail == "rpi":
            spelled = [[[*level, "0"] for level in levels] for levels in spelled]
        return _encode(
            {
                "topic": topic.name,
                "type": kind,
                "ts": now,
                "data": {
                    "s": topic.symbol,
                    "b": spelled[0],
                    "a": spelled[1],
                    "u": topic.update,
                    "seq": topic.version,
                },
                "cts": now,
            }
        )

    def _ticker_fields(self, topic: _Topic) -> dict[str, str]:
        fields = self._market.tickers.of(topic.listing, topic.symbol)
        if self._category == "spot":
            for name in ("bid1Price", "bid1Size", "ask1Price", "ask1Size"):
                del fields[name]
            return fields
        last = list(topic.listing.recent)[-2:]
        falls = len(last) == 2 and last[1].ticks < last[0].ticks
        fields["tickDirection"] = "MinusTick" if falls else "PlusTick"
        dates = ("predictedDeliveryPrice", "basisRate", "basis", "deliveryFeeRate", "deliveryTime")
        gone = () if self._market.dated.is_future(topic.symbol) else dates
        for name in (*gone, "fundingCap", "preOpenPrice", "preQty", "curPreListingPhase"):
            fields.pop(name)
        return fields

    def _tell_ticker(self, topic: _Topic, now: int) -> None:
        topic.due_ms = now + _TICKER_MS
        fields = self._ticker_fields(topic)
        if fields == topic.fields:
            return
        changed = {name: value for name, value in fields.items() if topic.fields.get(name) != value}
        topic.fields = fields
        if self._category == "spot":
            self._send(topic, self._ticker_message(topic, "snapshot", fields, now))
        else:
            changed["symbol"] = fields["symbol"]
            self._send(topic, self._ticker_message(topic, "delta", changed, now))

    def _ticker_message(self, topic: _Topic, kind: str, fields: dict[str, str], now: int) -> bytes:
        version = self._world.exchange.books[topic.listing.name].version
        return _encode({"topic": topic.name, "type": kind, "data": fields, "cs": version, "ts": now})

    def _tell_kline(self, topic: _Topic, now: int) -> None:
        topic.due_ms = now + _KLINE_MS
        bar = self._history.open_bar(topic.listing.instrument, SeriesKind.KLINE, Interval.parse(topic.detail), now)
        if bar is not None:
            self._send_bar(topic, bar, now, confirm=False)

    def _send_bar(self, topic: _Topic, bar: BarTable, now: int, *, confirm: bool) -> None:
        interval = Interval.parse(topic.detail)
        opened = int(bar.time[0])
        columns = (bar.open, bar.close, bar.high, bar.low)
        row: dict[str, Any] = {"start": opened, "end": interval.next_open(opened) - 1, "interval": topic.detail}
        row |= dict(zip(("open", "close", "high", "low"), (_spelled(c, bar.grid.price) for c in columns), strict=True))
        row |= {"volume": _spelled(bar.volume, bar.grid.volume), "turnover": _spelled(bar.turnover, bar.grid.turnover)}
        text = _encode(row)
        if text == topic.text and not confirm:
            return
        topic.text = text
        row |= {"confirm": confirm, "timestamp": now}
        self._send(topic, _encode({"topic": topic.name, "data": [row], "ts": now, "type": "snapshot"}))

    def _tell_trades(self, topic: _Topic, now: int) -> None:
        waiting, topic.waiting = topic.waiting, []
        for first in range(0, len(waiting), _MOST_TRADES):
            rows = [self._trade_row(topic, trade) for trade in waiting[first : first + _MOST_TRADES]]
            self._send(topic, _encode({"topic": topic.name, "type": "snapshot", "ts": now, "data": rows}))

    @staticmethod
    def _trade_row(topic: _Topic, trade: Traded) -> dict[str, Any]:
        listing = topic.listing
        row = {
            "T": trade.time_ms,
            "s": topic.symbol,
            "S": "Buy" if trade.sign > 0 else "Sell",
            "v": quantity(listing.contract, trade.lots),
            "p": price(listing.contract, trade.ticks),
        }
        if listing.instrument.market is not Market.SPOT:
            row["L"] = "PlusTick" if trade.sign > 0 else "MinusTick"
        return row | {"i": trade_id(listing, trade.trade), "BT": False, "seq": trade.trade}

    def _hear(self, events: list[Event | BarClosed]) -> None:
        for event in events:
            for topic in self._by_listing.get(event.symbol, ()):
                if isinstance(event, Traded) and topic.kind == "publicTrade":
                    topic.waiting.append(event)
                elif isinstance(event, BarClosed) and topic.kind == "kline":
                    self._close_kline(topic, event)
                elif isinstance(event, Executed) and event.kind == "liquidation" and topic.kind in _OF_CONTRACTS[:2]:
                    self._tell_liquidation(topic, event)

    def _close_kline(self, topic: _Topic, event: BarClosed) -> None:
        interval = Interval.parse(topic.detail)
        opened = interval.floor(event.time_ms - 1)
        if interval.next_open(opened) != event.time_ms:
            return
        table = self._history.table(topic.listing.instrument, SeriesKind.KLINE, interval)
        row = int(np.searchsorted(table.time, opened))
        if row < len(table) and int(table.time[row]) == opened:
            self._send_bar(topic, table.rows(row, row + 1), event.time_ms, confirm=True)
        topic.text = b""

    def _tell_liquidation(self, topic: _Topic, event: Executed) -> None:
        contract = topic.listing.contract
        # The side of the position that is closed.
        side = "Sell" if event.sign > 0 else "Buy"
        size, at = quantity(contract, event.lots), price(contract, event.ticks)
        data: object = [{"T": event.time_ms, "s": topic.symbol, "S": side, "v": size, "p": at}]
        if topic.kind == "liquidation":
            # The older stream told of one at a time.
            data = {"updatedTime": event.time_ms, "symbol": topic.symbol, "side": side, "size": size, "price": at}
        self._send(topic, _encode({"topic": topic.name, "type": "snapshot", "ts": event.time_ms, "data": data}))

    def _tell_limit(self, topic: _Topic, now: int) -> None:
        topic.due_ms = now + _LIMIT_MS
        data = spelled_limits(self._limits, topic.listing.contract, topic.symbol)
        text = _encode(data)
        if text != topic.text:
            topic.text = text
            self._send(topic, _encode({"topic": topic.name, "data": data, "ts": now}))

    def _tell_insurance(self, topic: _Topic, now: int) -> None:
        topic.due_ms = now + _INSURANCE_MS
        text = _encode(self._insured(topic))
        if text != topic.text:
            self._send(topic, self._insurance_message(topic, "delta", now))

    def _insured(self, topic: _Topic) -> list[dict[str, str]]:
        inverse = self._category == "inverse"
        settled = {listing.contract.settle for listing in self._world.listings.values() if self._is_mine(listing)}
        return [row for row in pools(self._world) if row["coin"] in (settled if inverse else {topic.symbol})]

    def _is_mine(self, listing: Listing) -> bool:
        return listing.instrument.market == self._category

    def _insurance_message(self, topic: _Topic, kind: str, now: int) -> bytes:
        rows = self._insured(topic)
        topic.text = _encode(rows)
        data = [row | {"updateTime": str(now)} for row in rows]
        return _encode({"topic": topic.name, "type": kind, "ts": now, "data": data})


def _changes(before: Levels, after: Levels) -> Levels:
    """Return levels that are new or differ, and with no lots those that are gone."""
    old, new = dict(before), dict(after)
    found = [(ticks, lots) for ticks, lots in after if old.get(ticks) != lots]
    return found + [(ticks, 0) for ticks, _ in before if ticks not in new]


def _spelled(column: Any, decimals: int) -> str:
    value = int(column[0])
    if decimals == 0:
        return str(value)
    digits = f"{value:0{decimals + 1}d}"
    text = f"{digits[:-decimals]}.{digits[-decimals:]}".rstrip("0")
    return text.removesuffix(".")


_encode = msgspec.json.encode
