"""Bybit's public streams without sockets, on a clock that is moved by hand."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from real_trade.exchange.answers import Query
from real_trade.exchange.bybit.venue import BybitVenue
from real_trade.exchange.limits import BurstLimit, Rate
from real_trade.exchange.market import SeededMarket
from real_trade.exchange.members import DEFAULT
from real_trade.exchange.pages import History
from real_trade.exchange.world import World
from real_trade.model import HistoricalClock, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW_MS = parse_time("2024-01-15T10:20:30Z")
STREAMS = [("spot", "BTCUSDT"), ("linear", "BTCUSDT"), ("inverse", "BTCUSD"), ("linear", "BTCUSDT-29MAR24")]
DEPTHS = (1, 50, 200, 1_000)


class Market:
    """A venue in this process and what its public sockets tell."""

    def __init__(self) -> None:
        symbols = ("BTCUSDT", "ETHUSDT", "BTCUSD")
        source = SeededMarket(5, "bybit", symbols, parse_time("2024-01-10"), parse_time("2024-01-20"))
        history = History(source, newest_first=True)
        self.clock = HistoricalClock(NOW_MS)
        self.world = World(source, history, NOW_MS, 5)
        limit = BurstLimit(Rate(None, 5.0), 600, self.clock)
        self.venue = BybitVenue(source, history, self.world, (DEFAULT,), self.clock, limit)
        self.world.wake()

    def open(self, category: str) -> tuple[Any, list[dict[str, Any]]]:
        told: list[dict[str, Any]] = []
        session = self.venue.open_socket(f"/v5/public/{category}", lambda text: told.append(json.loads(text)))
        return session, told

    def watch(self, category: str, *topics: str) -> list[dict[str, Any]]:
        """Subscribe; return the list that messages arrive in, the acknowledgement left out."""
        session, told = self.open(category)
        session.receive(json.dumps({"op": "subscribe", "req_id": 7, "args": list(topics)}))
        assert told.pop(0)["success"]
        return told

    def go_on(self, seconds: float, step_ms: int = 20) -> None:
        for _ in range(int(seconds * 1_000 / step_ms)):
            self.clock.advance_to(self.clock.now_ms() + step_ms)
            self.venue.advance(self.clock.now_ms())
            self.venue.pulse()

    def ask(self, path: str, **params: str) -> Any:
        answer = self.venue.answer(Query("GET", f"/v5/market/{path}", params))
        return json.loads(answer.body)["result"]


@pytest.fixture
def market() -> Market:
    return Market()


def kept(messages: list[dict[str, Any]]) -> Iterator[dict[str, dict[str, str]]]:
    """Keep a book by its messages; every deletion and every change is of what is there."""
    book: dict[str, dict[str, str]] = {}
    for message in messages:
        data = message["data"]
        if message["type"] == "snapshot":
            book = {side: dict(data[side]) for side in "ba"}
        else:
            for side in "ba":
                for price, size in data[side]:
                    if size == "0":
                        del book[side][price]
                    else:
                        book[side][price] = size
        yield book


@pytest.mark.parametrize(("category", "symbol"), STREAMS)
def test_books_kept_by_deltas_are_the_venue_s_at_every_depth(market: Market, category: str, symbol: str) -> None:
    streams = {depth: market.watch(category, f"orderbook.{depth}.{symbol}") for depth in DEPTHS}
    market.go_on(20)
    for depth, messages in streams.items():
        assert messages[0]["type"] == "snapshot"
        assert {message["type"] for message in messages[1:]} == {"snapshot" if depth == 1 else "delta"}
        numbers = [message["data"]["u"] for message in messages]
        if depth == 1:
            assert all(b - a in {0, 1} for a, b in itertools.pairwise(numbers))
        else:
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len(numbers) > 10
        *_, book = kept(messages)
        (fresh,) = market.watch(category, f"orderbook.{depth}.{symbol}")
        assert book == {side: dict(fresh["data"][side]) for side in "ba"}
        assert fresh["data"]["u"] == numbers[-1]
        prices = [Decimal(price) for price, _ in fresh["data"]["b"]]
        assert prices == sorted(prices, reverse=True)
        assert len(prices) == min(depth, 60)
        answer = market.ask("orderbook", category=category, symbol=symbol, limit=str(min(depth, 200)))
        assert answer["s"] == symbol
        assert len(answer["b"]) == min(depth, 60)


@pytest.mark.parametrize(("category", "symbol"), STREAMS)
def test_a_book_asked_for_is_numbered_as_the_deepest_stream(market: Market, category: str, symbol: str) -> None:
    ask = {"category": category, "symbol": symbol, "limit": "200"}
    unheard = market.ask("orderbook", **ask)
    messages = market.watch(category, f"orderbook.1000.{symbol}")
    assert messages[0]["data"]["u"] == unheard["u"]
    for step in (1, 7, 30, 250):  # also between two messages
        market.go_on(step / 1_000, step_ms=step)
        answer = market.ask("orderbook", **ask)
        *_, book = kept(messages)
        assert answer["u"] == messages[-1]["data"]["u"]
        assert book == {side: dict(answer[side]) for side in "ba"}


def test_a_book_that_stands_still_is_told_again_after_three_seconds(market: Market) -> None:
    messages = market.watch("spot", "orderbook.1.BTCUSDT")
    market.go_on(0.1)
    before = messages[-1]["data"]["u"]
    messages.clear()
    for _ in range(400):  # only the streams go on
        market.world.now_ms += 10
        market.venue.pulse()
    assert [message["data"]["u"] for message in messages] == [before]


@pytest.mark.parametrize(("category", "symbol"), STREAMS)
@pytest.mark.parametrize(("interval", "minutes"), [("1", 1), ("3", 3)])
def test_a_bar_is_confirmed_once(market: Market, category: str, symbol: str, interval: str, minutes: int) -> None:
    messages = market.watch(category, f"kline.{interval}.{symbol}")
    market.go_on(minutes * 130, step_ms=500)
    rows = [message["data"][0] for message in messages]
    closed = [row for row in rows if row["confirm"]]
    starts = [row["start"] for row in closed]
    assert starts == sorted(set(starts))
    assert len(starts) >= 2
    assert {b - a for a, b in itertools.pairwise(starts)} == {minutes * 60_000}
    bars = market.ask("kline", category=category, symbol=symbol, interval=interval, limit="10")["list"]
    by_start = {int(bar[0]): bar for bar in bars}
    for row in closed:
        assert row["end"] == row["start"] + minutes * 60_000 - 1
        assert [row[n] for n in ("open", "high", "low", "close", "volume")] == by_start[row["start"]][1:6]
        # Nothing is told of a bar after it is confirmed.
        later = rows[rows.index(row) + 1 :]
        assert all(other["start"] > row["start"] for other in later)


@pytest.mark.parametrize(("category", "symbol"), STREAMS[1:])
def test_tickers_of_contracts_are_told_by_what_changes(market: Market, category: str, symbol: str) -> None:
    messages = market.watch(category, f"tickers.{symbol}")
    market.go_on(5)
    assert messages[0]["type"] == "snapshot"
    assert {message["type"] for message in messages[1:]} == {"delta"}
    known: dict[str, str] = {}
    for message in messages:
        changed = message["data"]
        assert changed["symbol"] == symbol
        if known:
            assert all(known[name] != value for name, value in changed.items() if name != "symbol")
        known |= changed
    (fresh,) = market.watch(category, f"tickers.{symbol}")
    assert fresh["data"] == known


def test_tickers_of_spot_are_told_whole(market: Market) -> None:
    messages = market.watch("spot", "tickers.BTCUSDT")
    market.go_on(5)
    assert {message["type"] for message in messages} == {"snapshot"}
    assert len({frozenset(message["data"]) for message in messages}) == 1
    assert len(messages) > 1


@pytest.mark.parametrize(("category", "symbol"), STREAMS)
def test_trades_come_in_their_order_and_once(market: Market, category: str, symbol: str) -> None:
    first, second = (market.watch(category, f"publicTrade.{symbol}") for _ in "ab")
    market.go_on(60)
    trades = [row for message in first for row in message["data"]]
    assert trades == [row for message in second for row in message["data"]]
    assert len(trades) > 5
    assert [row["T"] for row in trades] == sorted(row["T"] for row in trades)
    assert len({row["i"] for row in trades}) == len(trades)
    assert {row["s"] for row in trades} == {symbol}
    recent = market.ask("recent-trade", category=category, symbol=symbol, limit="5")["list"]
    assert [row["execId"] for row in recent] == [row["i"] for row in trades[:-6:-1]]


def test_subscriptions_are_judged(market: Market) -> None:
    session, told = market.open("spot")

    def send(**frame: Any) -> dict[str, Any]:
        told.clear()
        session.receive(json.dumps(frame))
        return told[0]

    assert send(op="ping", req_id="x") == {
        "success": True, "ret_msg": "pong", "conn_id": session.connection, "req_id": "x", "op": "ping",
    }  # fmt: skip
    good = send(op="subscribe", req_id=3, args=["tickers.BTCUSDT"], callerMethodName="watchTicker")
    assert (good["success"], good["ret_msg"], good["req_id"]) == (True, "subscribe", 3)
    assert told[1]["topic"] == "tickers.BTCUSDT"
    for args in (
        ["tickers.BTCUSDT"],
        ["tickers.NOPE"],
        ["orderbook.7.BTCUSDT"],
        ["kline.2.BTCUSDT"],
        ["nonsense"],
        [],
        [
            f"kline.{interval}.ETHUSDT"
            for interval in ("1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D")
        ],
    ):
        assert not send(op="subscribe", args=args)["success"]
    assert send(op="unsubscribe", args=["tickers.BTCUSDT"])["success"]
    market.go_on(2)
    assert len(told) == 1
    assert not send(op="dance")["success"]
    session.receive("no json")
    assert not told[-1]["success"]
    assert market.venue.open_socket("/v5/public/moon", lambda _: None) is None
