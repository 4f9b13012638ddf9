"""The public streams of the one option: its book, ticker and trades, told to whoever subscribed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from real_trade.exchange.bybit.subscriptions import Subscriptions

if TYPE_CHECKING:
    from real_trade.exchange.bybit.dated import Dated
    from real_trade.exchange.bybit.subscriptions import Send
    from real_trade.exchange.call_option import OptionTrade
    from real_trade.exchange.world import World

    Levels = list[list[str]]

_encode = msgspec.json.encode
_HOUR_MS: Final = 3_600_000
# Levels -> milliseconds between messages.
_DEPTHS: Final = {"25": 20, "100": 100}
_TICKER_MS: Final = 100
# The names that the ticker of the streams has for what REST calls otherwise.
_NAMES: Final = {
    "bid1Price": "bidPrice",
    "bid1Size": "bidSize",
    "bid1Iv": "bidIv",
    "ask1Price": "askPrice",
    "ask1Size": "askSize",
    "ask1Iv": "askIv",
    "markIv": "markPriceIv",
}


@dataclass(slots=True)
class _Topic:
    """A stream and who listens to it; ``sides`` and ``fields`` are what was told last."""

    name: str
    kind: str
    detail: str = ""
    senders: list[Send] = field(default_factory=list)
    due_ms: int = 0
    sides: tuple[Levels, Levels] = field(default_factory=lambda: ([], []))
    update: int = 0
    fields: dict[str, str] = field(default_factory=dict)


class OptionFeed(Subscriptions[_Topic]):
    """The streams.

    Args:
        world: what happens.
        dated: the option.
    """

    def __init__(self, world: World, dated: Dated) -> None:
        super().__init__()
        self._world, self._dated = world, dated

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
            else:
                self._tell_trade(topic, now)

    def restart_books(self) -> None:
        """Tell every book as a whole again, numbered from 1."""
        for topic in self._topics.values():
            if topic.kind == "orderbook":
                topic.sides, topic.update = self._levels(topic), 1
                self._send(topic, self._book_message(topic, "snapshot", topic.sides))

    # Streams

    def _begun(self, topic: _Topic) -> None:
        """Nothing is kept of a stream beside it."""

    def _ended(self, topic: _Topic) -> None:
        """Nothing is kept of a stream beside it."""

    def _topic(self, name: str) -> _Topic | None:
        option = self._dated.option
        kind, _, rest = name.partition(".")
        detail, _, symbol = rest.rpartition(".")
        if not option:
            return None
        if kind == "orderbook" and symbol == option and detail in _DEPTHS:
            return _Topic(name, kind, detail)
        if kind == "tickers" and rest == option:
            return _Topic(name, kind)
        # Trades are told of all options of a coin together.
        if kind == "publicTrade" and rest == option.partition("-")[0]:
            return _Topic(name, kind, due_ms=self._next_hour())
        return None

    def _greet(self, topic: _Topic, send: Send) -> None:
        if topic.kind == "orderbook":
            if topic.update == 0:
                topic.sides, topic.update = self._levels(topic), 1
            send(self._book_message(topic, "snapshot", topic.sides))
        elif topic.kind == "tickers":
            topic.fields = topic.fields or self._fields()
            send(self._ticker_message(topic))

    def _levels(self, topic: _Topic) -> tuple[Levels, Levels]:
        bids, asks = self._dated.option_levels()
        return bids[: int(topic.detail)], asks[: int(topic.detail)]

    def _tell_book(self, topic: _Topic, now: int) -> None:
        topic.due_ms = now + _DEPTHS[topic.detail]
        sides = self._levels(topic)
        if sides == topic.sides:
            return
        changes = [_changes(before, after) for before, after in zip(topic.sides, sides, strict=True)]
        topic.sides = sides
        topic.update += 1
        self._send(topic, self._book_message(topic, "delta", (changes[0], changes[1])))

    def _book_message(self, topic: _Topic, kind: str, sides: tuple[Levels, Levels]) -> bytes:
        now = self._world.now_ms
        data = {"s": self._dated.option, "b": sides[0], "a": sides[1], "u": topic.update, "seq": now}
        return _encode({"topic": topic.name, "type": kind, "ts": now, "data": data, "cts": now})

    def _fields(self) -> dict[str, str]:
        return {_NAMES.get(name, name): value for name, value in self._dated.option_ticker().items()}

    def _tell_ticker(self, topic: _Topic, now: int) -> None:
        topic.due_ms = now + _TICKER_MS
        fields = self._fields()
        if fields != topic.fields:
            topic.fields = fields
            self._send(topic, self._ticker_message(topic))

    def _ticker_message(self, topic: _Topic) -> bytes:
        # Unlike those of contracts it is always told whole.
        return self._message(topic, topic.fields)

    def _tell_trade(self, topic: _Topic, now: int) -> None:
        hour = now - now % _HOUR_MS
        topic.due_ms = self._next_hour()
        trades = [trade for trade in self._dated.option_trades() if trade.time_ms == hour]
        if trades:
            self._send(topic, self._message(topic, [self._trade_row(trade) for trade in trades]))

    def _next_hour(self) -> int:
        now = self._world.now_ms
        return now - now % _HOUR_MS + _HOUR_MS

    def _trade_row(self, trade: OptionTrade) -> dict[str, Any]:
        ticker = self._dated.option_ticker()
        return {
            "T": trade.time_ms,
            "s": self._dated.option,
            "S": "Buy" if trade.sign > 0 else "Sell",
            "v": trade.size,
            "p": trade.price,
            "i": str(UUID(int=trade.time_ms)),
            "BT": False,
            "seq": trade.time_ms // 1000,
            "mP": ticker["markPrice"],
            "iP": ticker["indexPrice"],
            "mIv": ticker["markIv"],
            "iv": ticker["markIv"],
        }

    def _message(self, topic: _Topic, data: object) -> bytes:
        now = self._world.now_ms
        name = f"{topic.name}-{now}"
        return _encode({"id": name, "topic": topic.name, "type": "snapshot", "ts": now, "data": data})


def _changes(before: Levels, after: Levels) -> Levels:
    """Return levels that are new or differ, and with no size those that are gone."""
    stays = {price for price, _ in after}
    changed = [level for level in after if level not in before]
    return changed + [[price, "0"] for price, _ in before if price not in stays]
