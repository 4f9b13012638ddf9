"""Binance's public streams, in process over a virtual clock."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from binance_clients import SYMBOLS, Rejected, Rig, Wire

from real_trade.model import Market

if TYPE_CHECKING:
    from collections.abc import Callable

SPOT, LINEAR, INVERSE = Market.SPOT, Market.LINEAR, Market.INVERSE
MARKETS = [SPOT, LINEAR, INVERSE]
SOCKETS = {SPOT: "/stream/ws/0", LINEAR: "/usdm/market/ws/0", INVERSE: "/coinm/ws/0"}


@pytest.fixture
def rig() -> Rig:
    return Rig()


def name_of(market: Market, stream: str) -> str:
    return f"{SYMBOLS[market].lower()}@{stream}"


def listen(rig: Rig, market: Market, *streams: str) -> Wire:
    wire = rig.wire(SOCKETS[market])
    wire.say({"method": "SUBSCRIBE", "params": [name_of(market, stream) for stream in streams], "id": 1})
    assert wire.take() == [{"result": None, "id": 1}]
    return wire


class Keeper:
    """Keeps a book as the venue's documentation says."""

    def __init__(self, market: Market) -> None:
        self.spot = market is SPOT
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}
        self.number = 0
        self.last: int | None = None

    def begin(self, snapshot: dict[str, Any]) -> None:
        self.bids, self.asks = dict(snapshot["bids"]), dict(snapshot["asks"])
        self.number, self.last = snapshot["lastUpdateId"], None

    def take(self, event: dict[str, Any]) -> None:
        if (event["u"] <= self.number) if self.spot else (event["u"] < self.number):
            return
        if self.last is None:
            wanted = self.number + 1 if self.spot else self.number
            assert event["U"] <= wanted <= event["u"]
        elif self.spot:
            assert event["U"] == self.last + 1
        else:
            assert event["pu"] == self.last
        self.last = self.number = event["u"]
        for side, changes in ((self.bids, event["b"]), (self.asks, event["a"])):
            for price, quantity in changes:
                if Decimal(quantity):
                    side[price] = quantity
                else:
                    del side[price]  # only what is there is taken away

    def levels(self) -> tuple[list[list[str]], list[list[str]]]:
        bids = sorted(self.bids.items(), key=lambda pair: -Decimal(pair[0]))
        asks = sorted(self.asks.items(), key=lambda pair: Decimal(pair[0]))
        return [list(pair) for pair in bids], [list(pair) for pair in asks]


@pytest.mark.parametrize("market", MARKETS)
def test_a_book_kept_for_ten_minutes_is_the_venue_s(rig: Rig, market: Market) -> None:
    symbol, most = SYMBOLS[market], 5_000 if market is SPOT else 1_000
    wire = listen(rig, market, "depth@100ms")
    rig.pass_time(1_500)
    early = wire.take()
    assert early
    keeper = Keeper(market)
    keeper.begin(rig.public(market, "depth", symbol=symbol, limit=most))
    for event in early + wire.take():
        keeper.take(event)
    for minute in range(10):
        rig.pass_time(60_000)
        if minute == 4:
            # An account trades, and rests in the book.
            bid, ask = rig.touch(market)
            rig.order(market, "BUY", "MARKET", quantity={SPOT: "0.5", LINEAR: "2", INVERSE: "500"}[market])
            rig.order(
                market, "SELL", "LIMIT", price=ask + 3, quantity={SPOT: "0.5", LINEAR: "2", INVERSE: "500"}[market]
            )
            del bid
        for event in wire.take():
            keeper.take(event)
        if minute % 3 == 0:
            snapshot = rig.public(market, "depth", symbol=symbol, limit=most)
            for event in wire.take():
                keeper.take(event)
            assert keeper.levels() == (snapshot["bids"], snapshot["asks"])
    fresh = rig.public(market, "depth", symbol=symbol, limit=most)
    for event in wire.take():
        keeper.take(event)
    assert keeper.levels() == (fresh["bids"], fresh["asks"])
    assert len(fresh["bids"]) >= 50


@pytest.mark.parametrize("market", MARKETS)
def test_a_snapshot_at_any_moment_joins_the_stream(rig: Rig, market: Market) -> None:
    wire = listen(rig, market, "depth")
    for moment in (20, 140, 60, 880):
        rig.pass_time(moment, 20)
        keeper = Keeper(market)
        keeper.begin(rig.public(market, "depth", symbol=SYMBOLS[market], limit=1_000))
        wire.take()
        rig.pass_time(4_000)
        events = wire.take()
        for event in events:
            keeper.take(event)
        fresh = rig.public(market, "depth", symbol=SYMBOLS[market], limit=1_000)
        for event in wire.take():
            keeper.take(event)
        assert keeper.levels() == (fresh["bids"], fresh["asks"])


@pytest.mark.parametrize("market", MARKETS)
def test_what_came_and_went_between_two_messages_is_spanned(rig: Rig, market: Market) -> None:
    wire = listen(rig, market, "depth")
    rig.pass_time(1_000)
    rig.public(market, "depth", symbol=SYMBOLS[market])  # all up to now is told
    last = wire.take()[-1]["u"]
    size = {SPOT: "0.001", LINEAR: "0.01", INVERSE: "1"}[market]
    order = rig.order(market, "BUY", "LIMIT", price=rig.touch(market)[0], quantity=size)
    rig.mine(market, "DELETE", "order", symbol=SYMBOLS[market], orderId=order["orderId"])
    after = rig.public(market, "depth", symbol=SYMBOLS[market])["lastUpdateId"]
    assert after > last
    assert wire.take() == []
    rig.pass_time(2_000)
    event = wire.take()[0]
    assert (event["U"], event["u"] > after) == (last + 1, True)
    if market is not SPOT:
        assert event["pu"] == last


def test_after_a_restart_the_chain_is_broken(rig: Rig) -> None:
    wire = listen(rig, SPOT, "depth@100ms")
    rig.pass_time(3_000)
    before = wire.take()[-1]
    rig.venue.restart_books()
    rig.pass_time(3_000)
    assert wire.take()[0]["U"] > before["u"] + 1


@pytest.mark.parametrize("market", MARKETS)
def test_klines_close_once_and_as_rest_has_them(rig: Rig, market: Market) -> None:
    wire = listen(rig, market, "kline_1m", "kline_3m")
    rig.pass_time(200_000)
    rows = [event["k"] for event in wire.take()]
    for interval, count in (("1m", 3), ("3m", 1)):
        closed = [row for row in rows if row["i"] == interval and row["x"]]
        assert len(closed) == count
        bars = rig.public(market, "klines", symbol=SYMBOLS[market], interval=interval, limit=1_000)
        by_time = {bar[0]: bar for bar in bars}
        for row in closed:
            bar = by_time[row["t"]]
            assert [row["o"], row["h"], row["l"], row["c"], row["v"], row["T"], row["q"], row["n"]] == bar[1:9]
    opened = [row for row in rows if row["i"] == "1m" and not row["x"]]
    assert len(opened) > 50
    assert all(Decimal(row["l"]) <= Decimal(row["c"]) <= Decimal(row["h"]) for row in opened)


@pytest.mark.parametrize("market", MARKETS)
def test_trades_are_numbered_without_gaps_and_add_up(rig: Rig, market: Market) -> None:
    wire = listen(rig, market, "trade", "aggTrade")
    rig.pass_time(90_000)
    events = wire.take()
    single = [event for event in events if event["e"] == "trade"]
    joined = [event for event in events if event["e"] == "aggTrade"]
    numbers = [event["t"] for event in single]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert [event["a"] for event in joined] == list(range(joined[0]["a"], joined[0]["a"] + len(joined)))
    assert sum(Decimal(event["q"]) for event in single) == sum(Decimal(event["q"]) for event in joined)
    assert (joined[0]["f"], joined[-1]["l"]) == (numbers[0], numbers[-1])
    rest = {row["id"]: row for row in rig.public(market, "trades", symbol=SYMBOLS[market], limit=1_000)}
    assert all(rest[event["t"]]["price"] == event["p"] for event in single)
    first = joined[2]["a"]
    again = rig.public(market, "aggTrades", symbol=SYMBOLS[market], fromId=first, limit=2)
    assert [row["a"] for row in again] == [first, first + 1]
    bought = rig.order(market, "BUY", "MARKET", quantity={SPOT: "0.01", LINEAR: "0.01", INVERSE: "1"}[market])
    rig.pass_time(100)
    told = [event for event in wire.take() if event["e"] == "trade"]
    trades = rig.mine(market, "GET", "myTrades" if market is SPOT else "userTrades", symbol=SYMBOLS[market])
    assert told[0]["t"] == trades[0]["id"]
    assert bought["status"] == "FILLED"


@pytest.mark.parametrize("market", MARKETS)
def test_tickers_and_partial_books(rig: Rig, market: Market) -> None:
    wire = listen(rig, market, "bookTicker", "miniTicker", "ticker", "depth5@100ms")
    rig.pass_time(5_100)
    events = wire.take()
    kinds = [event.get("e") for event in events]
    assert {"24hrMiniTicker", "24hrTicker"} <= set(kinds)
    ticker = [event for event in events if event.get("e") == "24hrTicker"][-1]
    row = rig.public(market, "ticker/24hr", symbol=SYMBOLS[market])
    row = row[0] if market is INVERSE else row
    assert {"c": row["lastPrice"], "h": row["highPrice"], "n": row["count"]} == {k: ticker[k] for k in "chn"}
    touch = [event for event in events if "B" in event and "A" in event and event.get("e") != "24hrTicker"][-1]
    book = rig.public(market, "depth", symbol=SYMBOLS[market], limit=5)
    assert [[touch["b"], touch["B"]], [touch["a"], touch["A"]]] == [book["bids"][0], book["asks"][0]]
    partial = [event for event in events if "bids" in event or event.get("e") == "depthUpdate"][-1]
    assert (partial.get("bids") or partial["b"]) == book["bids"]
    ticker_price = rig.public(market, "ticker/price", symbol=SYMBOLS[market])
    ticker_price = ticker_price[0] if market is INVERSE else ticker_price
    assert ticker_price["price"] == row["lastPrice"]


@pytest.mark.parametrize("market", [LINEAR, INVERSE])
def test_mark_prices(rig: Rig, market: Market) -> None:
    wire = listen(rig, market, "markPrice@1s")
    rig.pass_time(10_100)
    events = wire.take()
    assert 10 <= len(events) <= 11
    now = rig.public(market, "premiumIndex", symbol=SYMBOLS[market])
    now = now[0] if market is INVERSE else now
    assert (events[-1]["p"], events[-1]["r"], events[-1]["T"]) == (
        now["markPrice"],
        now["lastFundingRate"],
        now["nextFundingTime"],
    )


def test_whole_markets(rig: Rig) -> None:
    wire = rig.wire("/stream", streams="!miniTicker@arr/!bookTicker")
    rig.pass_time(3_000)
    messages = wire.take()
    assert {message["stream"] for message in messages} == {"!miniTicker@arr", "!bookTicker"}
    assert {row["s"] for m in messages if m["stream"] == "!miniTicker@arr" for row in m["data"]} == {
        "BTCUSDT",
        "ETHUSDT",
    }


def test_subscriptions_are_listed_changed_and_refused(rig: Rig) -> None:
    wire = rig.wire("/ws/btcusdt@trade")
    wire.say({"method": "SUBSCRIBE", "params": ["btcusdt@depth", "nonsense"], "id": "x"})
    wire.say({"method": "LIST_SUBSCRIPTIONS", "id": 3})
    wire.say({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade", "btcusdt@depth"], "id": 4})
    wire.say({"method": "LIST_SUBSCRIPTIONS", "id": 5})
    wire.say({"method": "SET_PROPERTY", "params": ["combined", True], "id": 6})
    wire.say({"method": "GET_PROPERTY", "params": ["combined"], "id": 7})
    assert wire.take() == [
        {"result": None, "id": "x"},
        {"result": ["btcusdt@trade", "btcusdt@depth", "nonsense"], "id": 3},
        {"result": None, "id": 4},
        {"result": ["nonsense"], "id": 5},
        {"result": None, "id": 6},
        {"result": True, "id": 7},
    ]
    for bad in (
        {"method": "SUBSCRIBE", "params": [], "id": 1},
        {"method": "NO", "id": 1},
        {"method": "SUBSCRIBE", "params": 5},
    ):
        wire.say(bad)
    wire.session.receive("{")
    assert [message["error"]["code"] for message in wire.take()] == [2, 2, 2, 3]
    rig.pass_time(3_000)
    assert wire.take() == []


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/ws/btcusdt@bookTicker", {}),
        ("/stream/ws/btcusdt@bookTicker", {}),
        ("/stream", {"streams": "btcusdt@bookTicker"}),
        ("/spot/ws/btcusdt@bookTicker", {}),
        ("/usdm/ws/btcusdt@bookTicker", {}),
        ("/public/ws/btcusdt@bookTicker", {}),
        ("/usdm/public/stream", {"streams": "btcusdt@bookTicker"}),
        ("/coinm/ws/btcusd_perp@bookTicker", {}),
        ("/ws/btcusd_perp@bookTicker", {}),
    ],
)
def test_every_spelling_of_an_address(rig: Rig, path: str, params: dict[str, str]) -> None:
    wire = rig.wire(path, **params)
    rig.pass_time(2_000)
    message = wire.take()[0]
    assert ("stream" in message) is bool(params)
    message = message.get("data", message)
    linear = "usdm" in path or "public" in path
    assert message["s"] == ("BTCUSD_PERP" if "perp" in path else "BTCUSDT")
    assert ("ps" in message) is (linear or "perp" in path)


@pytest.mark.parametrize("path", ["/", "/nothing", "/market", "/ws-api/v9"])
def test_other_addresses_are_none(rig: Rig, path: str) -> None:
    assert rig.venue.open_socket(path, lambda _: None, {}) is None


def test_closed_connections_hear_no_more(rig: Rig) -> None:
    heard: list[Callable[[], list[Any]]] = []
    for market in MARKETS:
        wire = listen(rig, market, "trade", "depth@100ms", "kline_1m")
        rig.pass_time(1_000)
        wire.take()
        wire.session.close()
        heard.append(wire.take)
    rig.pass_time(3_000)
    assert [take() for take in heard] == [[], [], []]


def test_the_dated_future_streams_what_its_perpetual_does(rig: Rig) -> None:
    names = ("aggTrade", "trade", "depth@100ms", "kline_1m", "bookTicker", "ticker", "markPrice@1s")
    wires = []
    for symbol in ("btcusdt", "btcusdt_240329"):
        wire = rig.wire(SOCKETS[LINEAR])
        wire.say({"method": "SUBSCRIBE", "params": [f"{symbol}@{name}" for name in names], "id": 1})
        wires.append(wire)
    rig.pass_time(70_000)
    perpetual, future = (wire.take()[1:] for wire in wires)
    assert {message["e"] for message in future} == {
        *("aggTrade", "trade", "depthUpdate", "kline", "bookTicker", "24hrTicker", "markPriceUpdate"),
    }
    assert {message["s"] for message in future} == {"BTCUSDT_240329"}
    assert any(message["e"] == "kline" and message["k"]["x"] for message in future)
    # What is dated has no funding.
    for message in perpetual:
        if message["e"] == "markPriceUpdate":
            message |= {"r": "", "T": 0}
        message["s"] = "BTCUSDT_240329"
        if message["e"] == "kline":
            message["k"]["s"] = "BTCUSDT_240329"
    assert future == perpetual


def test_all_tickers_have_the_dated_future_s(rig: Rig) -> None:
    wire = rig.wire(SOCKETS[LINEAR])
    wire.say({"method": "SUBSCRIBE", "params": ["!ticker@arr"], "id": 1})
    rig.pass_time(3_000)
    rows = [row for message in wire.take()[1:] for row in message]
    assert {row["s"] for row in rows} == {"BTCUSDT", "ETHUSDT", "BTCUSDT_240329"}
    quiet = rig.wire(SOCKETS[LINEAR])
    quiet.say({"method": "SUBSCRIBE", "params": ["btcusdt_240329@forceOrder"], "id": 1})
    rig.pass_time(1_000)
    assert quiet.take() == [{"result": None, "id": 1}]


@pytest.mark.parametrize(
    ("market", "name", "event"),
    [
        (LINEAR, "btcusdt_perpetual@continuousKline_1m", "continuous_kline"),
        (LINEAR, "btcusdt_current_quarter@continuousKline_1m", "continuous_kline"),
        (INVERSE, "btcusd_perpetual@continuousKline_1m", "continuous_kline"),
        (INVERSE, "btcusd_perp@markPriceKline_1m", "markPrice_kline"),
        (INVERSE, "btcusd@indexPriceKline_1m", "indexPrice_kline"),
    ],
)
def test_bars_of_a_pair_are_those_that_rest_tells(rig: Rig, market: Market, name: str, event: str) -> None:
    wire = rig.wire(SOCKETS[market])
    wire.say({"method": "SUBSCRIBE", "params": [name], "id": 1})
    rig.pass_time(120_000, 500)
    told = [message for message in wire.take() if "e" in message]
    assert {(message["e"], message["ps"]) for message in told} == {(event, "BTCUSDT" if market is LINEAR else "BTCUSD")}
    closed = [message["k"] for message in told if message["k"]["x"]]
    assert len(closed) == 2
    endpoint = {"continuous_kline": "continuousKlines", "markPrice_kline": "markPriceKlines"}
    asked: dict[str, object] = {"interval": "1m", "startTime": closed[0]["t"], "endTime": closed[1]["t"]}
    if event == "markPrice_kline":
        asked["symbol"] = "BTCUSD_PERP"
    else:
        asked |= {"pair": told[0]["ps"]} | ({"contractType": told[0]["ct"]} if event == "continuous_kline" else {})
    rows = rig.public(market, endpoint.get(event, "indexPriceKlines"), **asked)
    for bar, row in zip(closed, rows, strict=True):
        assert [bar["t"], bar["T"]] == [row[0], row[6]]
        assert [Decimal(bar[name]) for name in "ohlc"] == [Decimal(text) for text in row[1:5]]
        if event == "continuous_kline":
            assert Decimal(bar["v"]) == Decimal(row[5])
    assert len({message["k"]["c"] for message in told}) > 2


def test_index_and_mark_prices_of_a_pair(rig: Rig) -> None:
    wire = rig.wire(SOCKETS[INVERSE])
    names = ["btcusd@indexPrice@1s", "btcusd@markPrice@1s", "btcusd@indexPrice@9s", "nocoin@indexPrice"]
    wire.say({"method": "SUBSCRIBE", "params": names, "id": 1})
    rig.pass_time(2_000)
    premium = rig.public(INVERSE, "premiumIndex", symbol="BTCUSD_PERP")[0]
    rig.pass_time(2_000)
    told = wire.take()[1:]
    index = [message for message in told if isinstance(message, dict)]
    marks = [message for message in told if isinstance(message, list)]
    assert {(message["e"], message["i"]) for message in index} == {("indexPriceUpdate", "BTCUSD")}
    assert {(message["e"], message["s"]) for (message,) in marks} == {("markPriceUpdate", "BTCUSD_PERP")}
    assert 3 <= len(index) <= 5
    assert premium["indexPrice"] in {message["p"] for message in index}


@pytest.mark.parametrize("size", ["1h", "4h", "1d"])
def test_spans_begin_with_a_minute_and_are_those_that_rest_tells(rig: Rig, size: str) -> None:
    wire = listen(rig, SPOT, f"ticker_{size}")
    every = rig.wire(SOCKETS[SPOT])
    every.say({"method": "SUBSCRIBE", "params": [f"!ticker_{size}@arr"], "id": 1})
    rig.pass_time(2_000)
    told = wire.take()[-1]
    assert (told["e"], told["s"]) == (f"{size}Ticker", "BTCUSDT")
    assert told["O"] % 60_000 == 0
    span = {"1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000}[size]
    assert span <= told["C"] - told["O"] < span + 60_000
    assert {row["s"] for row in every.take()[1]} == {"BTCUSDT", "ETHUSDT"}
    asked = rig.public(SPOT, "ticker", symbol="BTCUSDT", windowSize=size)
    assert asked["openTime"] == told["O"]
    for name, short in (("openPrice", "o"), ("highPrice", "h"), ("lowPrice", "l")):
        assert asked[name] == told[short]
    bars = rig.public(SPOT, "klines", symbol="BTCUSDT", interval="1m", startTime=told["O"], limit=1000)
    if len(bars) < 1000:
        assert Decimal(asked["volume"]) == sum(Decimal(bar[5]) for bar in bars)
        assert Decimal(asked["highPrice"]) == max(Decimal(bar[2]) for bar in bars)


def test_spans_may_be_asked_for_by_minutes_hours_and_days(rig: Rig) -> None:
    short = rig.public(SPOT, "ticker", symbol="BTCUSDT", windowSize="5m")
    week = rig.public(SPOT, "ticker", symbol="BTCUSDT", windowSize="7d", type="MINI")
    assert short["count"] < week["count"]
    assert "priceChange" not in week
    both = rig.public(SPOT, "ticker", symbols='["BTCUSDT","ETHUSDT"]')
    assert [row["symbol"] for row in both] == ["BTCUSDT", "ETHUSDT"]
    assert {"bidPrice", "prevClosePrice", "lastQty"}.isdisjoint(both[0])
    today = rig.public(SPOT, "ticker/tradingDay", symbol="BTCUSDT")
    assert today["openTime"] % 86_400_000 == 0
    for params, code in ({"symbol": "BTCUSDT", "windowSize": "60m"}, -1130), ({}, -1102):
        with pytest.raises(Rejected) as caught:
            rig.public(SPOT, "ticker", **params)
        assert caught.value.code == code


@pytest.mark.parametrize("market", MARKETS)
def test_a_day_is_the_bars_that_opened_in_it(rig: Rig, market: Market) -> None:
    rig.touch(market)
    rig.pass_time(95_000, 1_000)
    now, symbol = rig.world.now_ms, SYMBOLS[market]
    bars: list[Any] = []
    for begin in (now - 86_400_000 + 1, now - 43_200_000 + 1):
        span = {"startTime": begin, "endTime": begin + 43_200_000 - 1}
        bars += rig.public(market, "klines", symbol=symbol, interval="1m", limit=1000, **span)
    found = rig.public(market, "ticker/24hr", symbol=symbol)
    day = found[0] if market is INVERSE else found
    assert Decimal(day["volume"]) == sum(Decimal(bar[5]) for bar in bars)
    assert day["count"] == sum(bar[8] for bar in bars)
    assert Decimal(day["openPrice"]) == Decimal(bars[0][1])
    assert Decimal(day["highPrice"]) == max(Decimal(bar[2]) for bar in bars)
