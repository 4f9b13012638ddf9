"""Bybit's public streams: order books, trades, tickers, klines, liquidations, told to whoever subscribed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from real_trade.exchange.bybit.market import INTERVALS, BybitMarket, spelled_levels, trade_id
from real_trade.exchange.bybit.spelling import price, quantity
from real_trade.exchange.core.events import Executed, Traded
from real_trade.exchange.world import BarClosed
from real_trade.model import Interval, Market, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.core.events import Event
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import Listing, World

    Send = Callable[[bytes], None]

DEPTHS: Final = {1: 10, 50: 20, 200: 100, 1000: 200}  # levels -> milliseconds between messages
_TICKER_MS: Final = 100
_KLINE_MS: Final = 1_000
# A book of one level is told again when it has stood still for so long.
_REPEAT_MS: Final = 3_000
_MOST_TRADES: Final = 1_024
_LIQUIDATIONS: Final = ("allLiquidation", "liquidation")

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
    # Of a ticker: what was told last; of a kline: the text.
    fields: dict[str, str] = field(default_factory=dict)
    text: bytes = b""
    # Of trades: those that are not told yet.
    waiting: list[Traded] = field(default_factory=list)


class Feed:
    """The public streams of one category.

    Args:
        category: spot, linear, inverse or option.
        world: what happens.
        history: its bars.
        market: spells tickers.
    """

    def __init__(self, category: str, world: World, history: History, market: BybitMarket) -> None:
        self._category, self._world, self._history, self._market = category, world, history, market
        self._topics: dict[str, _Topic] = {}
        self._by_listing: dict[str, list[_Topic]] = defaultdict(list)
        world.listen(self._hear)

    @property
    def is_watched(self) -> bool:
        """Tell whether anybody listens."""
        return bool(self._topics)

    def knows(self, name: str) -> bool:
        """Tell whether there is such a stream."""
        return self._topic(name) is not None

    def subscribe(self, name: str, send: Send) -> None:
        """Tell a stream to somebody from now on, a snapshot first."""
        topic = self._topics.get(name) or self._topic(name)
        assert topic is not None
        if name not in self._topics:
            self._topics[name] = topic
            self._by_listing[topic.listing.name].append(topic)
        if send not in topic.senders:
            topic.senders.append(send)
        self._greet(topic, send)

    def unsubscribe(self, name: str, send: Send) -> None:
        """Stop telling."""
        topic = self._topics.get(name)
        if topic is None or send not in topic.senders:
            return
        topic.senders.remove(send)
        if not topic.senders:
            del self._topics[name]
            self._by_listing[topic.listing.name].remove(topic)

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

    def _topic(self, name: str) -> _Topic | None:
        parts = name.split(".")
        kind, symbol = parts[0], parts[-1]
        detail = parts[1] if len(parts) == 3 else ""
        if self._category == "option":
            return None
        listing = self._world.listings.get((Market(self._category), self._market.dated.parent(self._category, symbol)))
        shape = {"orderbook": 3, "kline": 3, "publicTrade": 2, "tickers": 2, "allLiquidation": 2, "liquidation": 2}
        if listing is None or shape.get(kind) != len(parts):
            return None
        if kind == "orderbook" and detail not in {str(depth) for depth in DEPTHS}:
            return None
        if kind == "kline" and detail not in INTERVALS:
            return None
        if kind in _LIQUIDATIONS and self._category == "spot":
            return None
        return _Topic(name, kind, listing, symbol, detail)

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

    def _depth(self, topic: _Topic) -> tuple[Levels, Levels]:
        return self._world.exchange.books[topic.listing.name].depth(int(topic.detail))

    def _tell_book(self, topic: _Topic, now: int) -> None:
        topic.due_ms = now + DEPTHS[int(topic.detail)]
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
        listing = topic.listing
        return _encode(
            {
                "topic": topic.name,
                "type": kind,
                "ts": now,
                "data": {
                    "s": topic.symbol,
                    "b": spelled_levels(listing, bids),
                    "a": spelled_levels(listing, asks),
                    "u": topic.update,
                    "seq": topic.version,
                },
                "cts": now,
            }
        )

    def _ticker_fields(self, topic: _Topic) -> dict[str, str]:
        fields = self._market.ticker(topic.listing, topic.symbol)
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
                elif isinstance(event, Executed) and event.kind == "liquidation" and topic.kind in _LIQUIDATIONS:
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
        row = {
            "T": event.time_ms,
            "s": topic.symbol,
            # The side of the position that is closed.
            "S": "Sell" if event.sign > 0 else "Buy",
            "v": quantity(topic.listing.contract, event.lots),
            "p": price(topic.listing.contract, event.ticks),
        }
        self._send(topic, _encode({"topic": topic.name, "type": "snapshot", "ts": event.time_ms, "data": [row]}))

    @staticmethod
    def _send(topic: _Topic, message: bytes) -> None:
        for send in topic.senders:
            send(message)


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
