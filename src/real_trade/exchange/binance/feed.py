"""Binance's public streams: who listens to which, and when something is due."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.binance.dated import is_dated
from real_trade.exchange.binance.directory import pair_of
from real_trade.exchange.binance.history import INTERVALS
from real_trade.exchange.binance.tickers import SPANS_MS
from real_trade.exchange.core.events import Executed
from real_trade.exchange.world import BarClosed
from real_trade.model import Interval, Market, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.binance.directory import Quotes
    from real_trade.exchange.binance.stream_rows import StreamRows
    from real_trade.exchange.binance.tape import Tape
    from real_trade.exchange.core.events import Event
    from real_trade.exchange.pages import History
    from real_trade.exchange.world import Listing, World

    Levels = list[tuple[int, int]]
    # Takes the name of a stream and what it says.
    Hearer = Callable[[str, Any], None]

# Levels that a book never has, so that all of it is told.
_ALL: Final = 1_000_000
_DIFF_MS: Final = {Market.SPOT: 1_000, Market.LINEAR: 250, Market.INVERSE: 250}
_SPEEDS: Final = {"": None, "0ms": 20, "100ms": 100, "250ms": 250, "500ms": 500, "1000ms": 1_000}
_TICKER_MS: Final = 1_000
_KLINE_MS: Final = {Market.SPOT: 1_000, Market.LINEAR: 250, Market.INVERSE: 250}
_PRICE_KLINE_MS: Final = 250
# Bars begin by the clocks of Greenwich, or of this zone.
_ZONES: Final = ("", "+08:00")
_ZONE_MS: Final = 8 * 3_600_000
_PARTIAL: Final = ("5", "10", "20")
_MARK_MS: Final = {"": 3_000, "1s": 1_000}
# Bars, and what they are of.
_BARS: Final = {
    "kline": SeriesKind.KLINE,
    "continuousKline": SeriesKind.KLINE,
    "markPriceKline": SeriesKind.MARK,
    "indexPriceKline": SeriesKind.INDEX,
}
# How the name of a pair's contract ends where it is spelled out, and what its symbol has there.
_CONTRACTS: Final = {"_perpetual": "", "_current_quarter": "_"}
_WHOLE: Final = {
    "!miniTicker@arr": ("miniTicker", _TICKER_MS),
    "!ticker@arr": ("ticker", _TICKER_MS),
    **{f"!ticker_{size}@arr": ("rolling", _TICKER_MS) for size in SPANS_MS},
    "!bookTicker": ("bookTicker", 0),
    "!markPrice@arr": ("markPrice", 3_000),
    "!markPrice@arr@1s": ("markPrice", 1_000),
    "!forceOrder@arr": ("forceOrder", 0),
}


# What only the spot market tells, or only the futures.
_ONE_SIDED: Final = frozenset({"markPrice", "forceOrder", "rolling"})


@dataclass(slots=True)
class _Topic:
    """A stream and who listens to it.

    Attributes:
        name, kind: as asked for, and without its details.
        listings: what it is about; all of the market where it is not about one.
        detail: depth or interval.
        zone_ms: how far the clocks are ahead by which bars begin.
        every_ms: between messages.
        is_whole: tells of all instruments in one list.
        hearers: who listens.
        due_ms: when it may tell again.
        bids, asks, update: of a book what was told last, and its number.
        told: what was told last of each instrument.
    """

    name: str
    kind: str
    listings: list[Listing]
    detail: str = ""
    every_ms: int = 0
    is_whole: bool = False
    zone_ms: int = 0
    hearers: list[Hearer] = field(default_factory=list)
    due_ms: int = 0
    bids: Levels = field(default_factory=list)
    asks: Levels = field(default_factory=list)
    update: int = 0
    told: dict[str, Any] = field(default_factory=dict)


class Feed:
    """The public streams of one market.

    Args:
        market: which one.
        world: what happens.
        history: its bars.
        tape: public trades.
        rows: spells messages.
        directory: what is quoted.
    """

    def __init__(
        self, market: Market, world: World, history: History, tape: Tape, rows: StreamRows, directory: Quotes
    ) -> None:
        self._market, self._world, self._history, self._tape, self._rows = market, world, history, tape, rows
        self._directory = directory
        self._topics: dict[str, _Topic] = {}
        self._by_listing: dict[str, list[_Topic]] = defaultdict(list)
        world.listen(self._hear)

    def subscribe(self, name: str, hearer: Hearer) -> None:
        """Tell a stream to somebody from now on; a name that means nothing is never heard of."""
        topic = self._topics.get(name) or self._topic(name)
        if topic is None:
            return
        if name not in self._topics:
            self._topics[name] = topic
            for listing in topic.listings:
                self._by_listing[listing.name].append(topic)
                if topic.kind in {"trade", "aggTrade"}:
                    self._tape.watch(listing.name)
            if topic.kind == "depth":
                listing = topic.listings[0]
                topic.bids, topic.asks = self._world.exchange.books[listing.name].depth(_ALL)
                topic.update = self._rows.update_id(listing)
        if hearer not in topic.hearers:
            topic.hearers.append(hearer)

    def unsubscribe(self, name: str, hearer: Hearer) -> None:
        """Stop telling."""
        topic = self._topics.get(name)
        if topic is None or hearer not in topic.hearers:
            return
        topic.hearers.remove(hearer)
        if topic.hearers:
            return
        del self._topics[name]
        for listing in topic.listings:
            left = self._by_listing[listing.name]
            left.remove(topic)
            if not any(other.kind in {"trade", "aggTrade"} for other in left):
                self._tape.leave(listing.name)

    def settle(self, listing: Listing) -> None:
        """Tell every change of a book up to now, so that the next one begins where a snapshot of now ends."""
        for topic in self._by_listing.get(listing.name, ()):
            if topic.kind == "depth":
                self._tell_depth(topic)

    def restart_books(self) -> None:
        """Go on from books of now, whatever was not told."""
        for topic in self._topics.values():
            if topic.kind == "depth":
                topic.bids, topic.asks = self._world.exchange.books[topic.listings[0].name].depth(_ALL)
                topic.update = self._rows.update_id(topic.listings[0])

    def pulse(self) -> None:
        """Tell what has changed since the last time, as far as it is due."""
        if not self._topics:
            return
        now = self._world.now_ms
        self._directory.refresh(self._market)
        self._tell_trades()
        for topic in list(self._topics.values()):
            if now < topic.due_ms or topic.kind in {"trade", "aggTrade", "forceOrder"}:
                continue
            topic.due_ms = now + topic.every_ms
            if topic.kind == "depth":
                self._tell_depth(topic)
            elif topic.kind in _BARS:
                self._tell_kline(topic, now)
            else:
                self._tell_state(topic)

    # Streams

    def _topic(self, name: str) -> _Topic | None:
        if name in _WHOLE:
            return self._whole_topic(name)
        symbol, _, rest = name.partition("@")
        if self._market is not Market.SPOT:
            topic = self._pair_topic(name, symbol, rest)
            if topic is not None:
                return topic
        listing = self._directory.named(self._market, symbol.upper())
        if listing is None or symbol != symbol.lower():
            return None
        kind, _, speed = rest.partition("@")
        zones = _ZONES if self._market is Market.SPOT else ("",)
        if kind.startswith("kline_") and kind[6:] in INTERVALS and speed in zones:
            zone = _ZONE_MS if speed else 0
            return _Topic(name, "kline", [listing], kind[6:], _KLINE_MS[self._market], zone_ms=zone)
        if kind.startswith("depth"):
            return self._depth_topic(name, listing, kind[5:], speed)
        return self._state_topic(name, listing, kind, speed)

    def _state_topic(self, name: str, listing: Listing, kind: str, speed: str) -> _Topic | None:
        """Return a stream that tells of trades, or how things are."""
        plain = {"trade": 0, "aggTrade": 0, "bookTicker": 0, "miniTicker": _TICKER_MS, "ticker": _TICKER_MS}
        if self._market is Market.SPOT:
            plain["avgPrice"] = _TICKER_MS
            size = kind.removeprefix("ticker_")
            if kind != size and size in SPANS_MS and not speed:
                return _Topic(name, "rolling", [listing], size, _TICKER_MS)
        elif kind == "markPrice" and speed in _MARK_MS:
            return _Topic(name, kind, [listing], every_ms=_MARK_MS[speed])
        elif not is_dated(listing.instrument):
            plain["forceOrder"] = 0
        return _Topic(name, kind, [listing], every_ms=plain[kind]) if kind in plain and not speed else None

    def _whole_topic(self, name: str) -> _Topic | None:
        """Return a stream that is about every instrument of the market."""
        kind, every = _WHOLE[name]
        if kind in _ONE_SIDED and (self._market is Market.SPOT) != (kind == "rolling"):
            return None
        detail = name.removeprefix("!ticker_").removesuffix("@arr") if kind == "rolling" else ""
        going = (self._directory.going(instrument) for instrument in self._directory.of(self._market))
        listings = [listing for listing in going if listing is not None]
        return _Topic(name, kind, listings, detail, every, is_whole=name.endswith(("@arr", "@1s")))

    def _pair_topic(self, name: str, pair: str, rest: str) -> _Topic | None:
        """Return a stream that is named after a pair, or that tells bars of prices at which nothing is traded."""
        kind, _, detail = rest.partition("_")
        if kind == "continuousKline":
            ending = next((each for each in _CONTRACTS if pair.endswith(each)), None)
            listing = (
                None if ending is None else self._of_pair(pair.removesuffix(ending), dated=bool(_CONTRACTS[ending]))
            )
        elif self._market is Market.INVERSE and kind == "markPriceKline":
            listing = self._directory.named(self._market, pair.upper())
        elif self._market is Market.INVERSE:
            listing = self._of_pair(pair, dated=False)
        else:
            return None
        if listing is None or pair != pair.lower():
            return None
        if kind in _BARS and kind != "kline":
            return _Topic(name, kind, [listing], detail, _PRICE_KLINE_MS) if detail in INTERVALS else None
        kind, _, speed = rest.partition("@")
        if kind not in {"indexPrice", "markPrice"} or speed not in _MARK_MS:
            return None
        return _Topic(name, kind, [listing], every_ms=_MARK_MS[speed], is_whole=kind == "markPrice")

    def _of_pair(self, pair: str, *, dated: bool) -> Listing | None:
        """Return the perpetual, or the dated future, of a pair."""
        going = (self._directory.going(i) for i in self._directory.of(self._market) if is_dated(i) is dated)
        return next((each for each in going if each and pair_of(each.instrument) == pair.upper()), None)

    def _depth_topic(self, name: str, listing: Listing, levels: str, speed: str) -> _Topic | None:
        if speed not in _SPEEDS or levels not in {"", *_PARTIAL}:
            return None
        every = _SPEEDS[speed] or _DIFF_MS[self._market]
        return _Topic(name, "partial" if levels else "depth", [listing], levels, every)

    def _tell_depth(self, topic: _Topic) -> None:
        listing = topic.listings[0]
        update = self._rows.update_id(listing)
        if update == topic.update:
            return
        bids, asks = self._world.exchange.books[listing.name].depth(_ALL)
        changes = _changes(topic.bids, bids), _changes(topic.asks, asks)
        if not any(changes):
            # What came and went meanwhile is not told: the next message spans it.
            return
        before, topic.bids, topic.asks, topic.update = topic.update, bids, asks, update
        self._say(topic, self._rows.depth(listing, before, update, *changes))

    def _tell_state(self, topic: _Topic) -> None:
        """Tell how things are where they have changed."""
        fresh = []
        for listing in topic.listings:
            key, message = self._rows.state(topic.kind, listing, topic.detail)
            if topic.told.get(listing.instrument.symbol) == key:
                continue
            topic.told[listing.instrument.symbol] = key
            fresh.append(message)
        if topic.is_whole:
            if fresh:
                self._say(topic, fresh)
            return
        for message in fresh:
            self._say(topic, message)

    def _tell_trades(self) -> None:
        for name, topics in self._by_listing.items():
            wanted = [topic for topic in topics if topic.kind in {"trade", "aggTrade"}]
            if not wanted:
                continue
            single, joined = self._tape.take(name)
            for topic in wanted:
                listing = topic.listings[0]
                if topic.kind == "trade":
                    for number, trade in single:
                        self._say(topic, self._rows.trade(listing, number, trade))
                else:
                    for each in joined:
                        self._say(topic, self._rows.joined(listing, each))

    def _tell_kline(self, topic: _Topic, now: int) -> None:
        listing = topic.listings[0]
        instrument = self._directory.parent(listing.instrument)
        interval = Interval.parse(topic.detail)
        bar = self._history.open_bar(instrument, _BARS[topic.kind], interval, now, topic.zone_ms)
        if bar is None:
            return
        message = self._bar(topic, bar, now, closed=False)
        if topic.told.get(listing.name) != message["k"]:
            topic.told[listing.name] = message["k"]
            self._say(topic, message)

    def _bar(self, topic: _Topic, bar: BarTable, now: int, *, closed: bool) -> dict[str, Any]:
        listing = topic.listings[0]
        if topic.kind == "kline":
            return self._rows.kline(listing, bar, topic.detail, now, closed=closed, zone_ms=topic.zone_ms)
        return self._rows.pair_kline(topic.kind, listing, bar, topic.detail, now, closed=closed)

    def _hear(self, events: list[Event | BarClosed]) -> None:
        for event in events:
            if isinstance(event, BarClosed):
                for topic in self._by_listing.get(event.symbol, ()):
                    if topic.kind in _BARS:
                        self._close_kline(topic, event)
            elif isinstance(event, Executed) and event.kind in {"liquidation", "adl"}:
                for topic in self._by_listing.get(event.symbol, ()):
                    if topic.kind == "forceOrder":
                        self._say(topic, self._rows.force_order(self._world.listing(event.symbol), event))

    def _close_kline(self, topic: _Topic, event: BarClosed) -> None:
        interval, over = Interval.parse(topic.detail), event.time_ms + topic.zone_ms
        opened = interval.floor(over - 1)
        if interval.next_open(opened) != over:
            return
        instrument = self._directory.parent(topic.listings[0].instrument)
        table = self._history.table(instrument, _BARS[topic.kind], interval, topic.zone_ms)
        row = int(table.time.searchsorted(opened))
        if row < len(table) and int(table.time[row]) == opened:
            bar = table.rows(row, row + 1)
            self._say(topic, self._bar(topic, bar, event.time_ms, closed=True))
        topic.told.clear()

    @staticmethod
    def _say(topic: _Topic, message: Any) -> None:
        for hearer in topic.hearers:
            hearer(topic.name, message)


def _changes(before: Levels, after: Levels) -> Levels:
    """Return levels that are new or differ, and with no lots those that are gone."""
    old, new = dict(before), dict(after)
    found = [(ticks, lots) for ticks, lots in after if old.get(ticks) != lots]
    return found + [(ticks, 0) for ticks, _ in before if ticks not in new]
