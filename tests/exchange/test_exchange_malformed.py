"""Nothing that anybody sends brings it down."""

from __future__ import annotations

import json
import random
import socket
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from real_trade.exchange.answers import Query
from real_trade.exchange.binance.calls import Call
from real_trade.exchange.binance.venue import BinanceVenue
from real_trade.exchange.bybit.venue import BybitVenue
from real_trade.exchange.clock import SteppingClock
from real_trade.exchange.limits import BurstLimit, Rate
from real_trade.exchange.market import SeededMarket
from real_trade.exchange.members import Member
from real_trade.exchange.pages import History
from real_trade.exchange.world import World
from real_trade.model import Market, SystemClock, parse_time
from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from collections.abc import Callable

START = parse_time("2024-01-20")
SENT = 100_000
SENT_TO_BINANCE = 100_000

ORDER = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.01",
    "price": "20000",
    "timeInForce": "GTC",
    "positionIdx": 0,
    "orderLinkId": "mine",
    "triggerPrice": "30000",
    "triggerDirection": 1,
    "takeProfit": "50000",
    "stopLoss": "10000",
    "reduceOnly": False,
    "leverage": "5",
    "mode": 3,
    "buyLeverage": "5",
    "sellLeverage": "5",
    "trailingStop": "10",
    "margin": "5",
    "request": [{"symbol": "BTCUSDT"}],
    "setMarginMode": "ISOLATED_MARGIN",
    "limit": "5",
    "cursor": "page%3A5",
    "startTime": "1",
    "endTime": "2",
    "interval": "1",
}
ODD: list[Any] = [
    None,
    "",
    "NaN",
    "Infinity",
    "-0",
    "1e309",
    "-1",
    "0",
    "9" * 400,
    "1" + "0" * 60,
    0,
    -1,
    10**400,
    1.5,
    True,
    [],
    {},
    ["x"] * 50,
    {"a": {"b": None}},
    "\ud800",
    "\x00",
    "<html>",
    "0.0000000000000000000001",
    "StatusOfTomorrow",
    "1970",
    4102444800000,
]


def venue_of() -> BybitVenue:
    source = SeededMarket(1, "bybit", ("BTCUSDT", "BTCUSD"), parse_time("2024-01-19"), START)
    history = History(source, newest_first=True)
    world = World(source, history, START)
    limit = BurstLimit(Rate(None, 5.0), 0.0, SystemClock())
    venue = BybitVenue(
        source, history, world, [Member("key", "secret", {"USDT": Decimal(10**6)})], SystemClock(), limit
    )
    world.wake()
    return venue


def damaged(draw: random.Random) -> dict[str, Any]:
    """Return an order with a few of its parts missing, odd or of another type."""
    found: dict[str, Any] = {name: value for name, value in ORDER.items() if draw.random() < 0.6}
    for _ in range(draw.randint(1, 3)):
        found[draw.choice(list(ORDER))] = draw.choice(ODD)
    return found


def as_text(document: Any) -> bytes:
    return json.dumps(document).encode("utf-8", "surrogatepass")


def test_a_hundred_thousand_malformed_messages_leave_it_standing(monkeypatch: pytest.MonkeyPatch) -> None:
    venue = venue_of()
    account = venue.keys["key"][1]
    # Whoever sends them is let in: what is tried is what comes after the door.
    monkeypatch.setattr(venue.door, "account_of", lambda _: ("key", account))
    monkeypatch.setattr(venue.door, "account_on_socket", lambda *_: ("key", account))
    monkeypatch.setattr(venue.door, "check_time", lambda *_: None)
    draw = random.Random(7)
    routes = [("POST", path) for path in PATHS if "GET " not in path] + [("GET", p[4:]) for p in PATHS if "GET " in p]
    out: list[bytes] = []
    public, private, trade = (
        venue.open_socket(path, out.append) for path in ("/v5/public/linear", "/v5/private", "/v5/trade")
    )
    assert public is not None
    assert private is not None
    assert trade is not None
    sends: list[Callable[[bytes], object]] = [public.receive, private.receive, trade.receive]
    for number in range(SENT):
        document = damaged(draw)
        if number % 2:
            method, path = draw.choice(routes)
            body = broken(as_text(document), draw)
            params = {name: str(value) for name, value in document.items()}
            answer = venue.answer(Query(method, path, params, body=body, headers={"x-bapi-api-key": "key"}))
            assert answer.status in {200, 404}
        else:
            args = draw.choice([[document], [], None, document, ["order"], ["kline.1.BTCUSDT"], [[[]]], 5, ODD])
            frame = {"op": draw.choice(OPS), "args": args, "req_id": draw.choice(ODD), "reqId": draw.choice(ODD)}
            draw.choice(sends)(broken(as_text(frame), draw))
        if number % 10_000 == 0:
            venue.advance(venue.world.now_ms + 1_000)
            venue.pulse()
            out.clear()
    assert venue.answer(Query("GET", "/v5/market/time", {})).status == 200
    for book in venue.world.exchange.books.values():
        assert not book.is_crossed


def binance_of() -> BinanceVenue:
    source = SeededMarket(1, "binance", ("BTCUSDT", "BTCUSD"), parse_time("2024-01-19"), START)
    history = History(source, newest_first=False)
    world = World(source, history, START)
    clock = SteppingClock(START)
    wallet = {"USDT": Decimal(10**6), "BTC": Decimal(10)}
    venue = BinanceVenue(
        source, history, world, [Member("key", "secret", wallet)], clock, clock, clock, rate=Rate(None, 60.0)
    )
    world.wake()
    return venue


def sent_to_binance(draw: random.Random) -> dict[str, Any]:
    """Return the parameters of a request with a few of them missing, odd or of another type."""
    found = {name: draw.choice(values) for name, values in BINANCE.items() if draw.random() < 0.5}
    for _ in range(draw.randint(0, 3)):
        found[draw.choice(list(BINANCE))] = draw.choice(ODD)
    return found


def test_a_hundred_thousand_malformed_messages_leave_binance_standing(monkeypatch: pytest.MonkeyPatch) -> None:
    venue = binance_of()
    # Whoever sends them is let in: what is tried is what comes after the door.
    for name in ("check", "check_frame", "key_of", "known"):
        monkeypatch.setattr(venue._door, name, lambda *_: "key")
    draw = random.Random(11)
    routes = [(method, path_of(market, name)) for market, method, name in venue.desks.routes()]
    orders = [route for route in routes if "rder" in route[1] and route[0] != "GET"]
    out: list[bytes] = []
    paths = ("/stream/ws", "/usdm/stream", "/coinm/ws", "/ws-api/v3", "/ws-fapi/v1", "/ws-dapi/v1")
    sockets = [venue.open_socket(path, out.append) for path in paths]
    codes: set[int] = set()
    for number in range(SENT_TO_BINANCE):
        params = sent_to_binance(draw)
        if number % 3:
            method, path = draw.choice(orders if number % 2 else routes)
            texts = {name: str(value) for name, value in params.items()}
            body = broken(urlencode(texts, errors="replace").encode(), draw) if number % 7 == 0 else b""
            answer = venue.answer(Query(method, path, texts, body=body, headers={"x-mbx-apikey": "key"}))
            assert answer.status in {200, 400, 401, 404, 409}
            codes.add(answer.code)
        else:
            session = sockets[draw.randrange(len(sockets))]
            assert session is not None
            words = STREAM_METHODS if draw.random() < 0.5 else FRAME_METHODS
            names = draw.choice([params, ["btcusdt@depth"], ["combined", True], [[]], 5, None, ODD])
            frame = {"id": draw.choice(ODD), "method": draw.choice(words), "params": names}
            session.receive(broken(as_text(frame), draw))
        if number % 5_000 == 0:
            venue.advance(venue.world.now_ms + 1_000)
            venue.pulse()
            out.clear()
    # Some of them did something.
    assert venue.desks.spot.all_lists(Call(Market.SPOT, "GET", "allOrderList", {}, account=1))
    assert venue.records.fill_count > 100
    assert codes > {0, -1100, -1102, -1121, -1130, -2010, -2011, -2013, -4140}
    assert venue.answer(Query("GET", "/api/v3/time", {})).status == 200
    for book in venue.world.exchange.books.values():
        assert not book.is_crossed


def path_of(market: Market, name: str) -> str:
    """Return the path of an endpoint by its name."""
    api, version = {"spot": ("api", "v3"), "linear": ("fapi", "v1"), "inverse": ("dapi", "v1")}[market]
    head, _, rest = name.partition("/")
    if head == "data":
        return f"{'/coinm' if market == 'inverse' else ''}/futures/data/{rest}"
    if head in {"sapi", "eapi"}:
        return f"/{head}/v1/{rest}"
    return f"/{api}/{head}/{rest}" if head in {"v2", "v3"} else f"/{api}/{version}/{name}"


STREAM_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY", "", None, 5)
FRAME_METHODS = (
    *(
        "order.place",
        "order.cancel",
        "order.status",
        "orderList.place.oco",
        "orderList.place.otoco",
        "orderList.cancel",
    ),
    *("openOrders.status", "ticker", "depth", "klines", "session.logon", "userDataStream.unsubscribe", "nothing"),
)
BINANCE: dict[str, list[Any]] = {
    "symbol": ["BTCUSDT", "BTCUSD_PERP", "BTCUSDT_240329"],
    "pair": ["BTCUSDT", "BTCUSD"],
    "side": ["BUY", "SELL"],
    "type": ["LIMIT", "MARKET", "STOP_LOSS", "LIMIT_MAKER", "STOP_MARKET", "TRAILING_STOP_MARKET"],
    "algoType": ["CONDITIONAL"],
    "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    "quantity": ["0.01", "10", 1],
    "price": ["40000", "42000.1"],
    "stopPrice": ["41000"],
    "triggerPrice": ["41000", "43000"],
    "callbackRate": ["1"],
    "newClientOrderId": ["mine"],
    "origClientOrderId": ["mine"],
    "orderId": [1_000_000_001, 3_000_000_001],
    "orderListId": [0, 5],
    "listClientOrderId": ["list"],
    "aboveType": ["LIMIT_MAKER", "STOP_LOSS"],
    "abovePrice": ["44000"],
    "belowType": ["STOP_LOSS", "LIMIT_MAKER"],
    "belowStopPrice": ["41000"],
    "workingType": ["LIMIT"],
    "workingSide": ["BUY"],
    "workingPrice": ["41000", "44000"],
    "workingQuantity": ["0.01"],
    "workingTimeInForce": ["GTC"],
    "pendingType": ["MARKET", "LIMIT"],
    "pendingSide": ["SELL"],
    "pendingQuantity": ["0.01"],
    "pendingPrice": ["44000"],
    "pendingTimeInForce": ["GTC"],
    "pendingAboveType": ["LIMIT_MAKER"],
    "pendingAbovePrice": ["46000"],
    "pendingBelowType": ["STOP_LOSS"],
    "pendingBelowStopPrice": ["39000"],
    "selfTradePreventionMode": ["NONE", "EXPIRE_BOTH"],
    "reduceOnly": ["true"],
    "positionSide": ["BOTH", "LONG"],
    "leverage": [5],
    "marginType": ["ISOLATED"],
    "amount": ["5"],
    "countdownTime": [100],
    "batchOrders": ['[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0.01"}]', "[5]", "[{}]"],
    "orderIdList": ["[1]", "[[]]"],
    "symbols": ['["BTCUSDT"]'],
    "windowSize": ["1h"],
    "interval": ["1m", "1d"],
    "limit": [5],
    "startTime": [1],
    "endTime": [2],
    "cancelReplaceMode": ["STOP_ON_FAILURE", "ALLOW_FAILURE"],
    "underlying": ["BTCUSDT"],
    "preventedMatchId": [0],
}
OPS = ("order.create", "order.amend-batch", "subscribe", "unsubscribe", "auth", "ping", "", "StatusOfTomorrow")
PATHS = [
    *(f"/v5/order/{name}" for name in ("create", "amend", "cancel", "cancel-all", "create-batch", "cancel-batch")),
    *(f"/v5/position/{name}" for name in ("set-leverage", "switch-mode", "trading-stop", "add-margin")),
    "/v5/account/set-margin-mode",
    *(f"GET /v5/order/{name}" for name in ("realtime", "history")),
    *(f"GET /v5/position/{name}" for name in ("list", "closed-pnl")),
    *(f"GET /v5/account/{name}" for name in ("wallet-balance", "info", "fee-rate", "transaction-log")),
    "GET /v5/execution/list",
    *(f"GET /v5/market/{name}" for name in ("kline", "orderbook", "tickers", "recent-trade", "open-interest")),
    *(f"GET /v5/market/{name}" for name in ("funding/history", "risk-limit", "instruments-info", "mark-price-kline")),
    "GET /nowhere",
]


def broken(text: bytes, draw: random.Random) -> bytes:
    """Return a message whole, cut, with a byte turned, or as mere noise."""
    way = draw.random()
    if way < 0.6:
        return text
    if way < 0.75:
        return text[: draw.randrange(len(text) + 1)]
    if way < 0.9:
        place = draw.randrange(len(text))
        return text[:place] + bytes((draw.randrange(256),)) + text[place + 1 :]
    return draw.randbytes(draw.randrange(200))


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b'{"op":' * 5_000,
        b'{"op":"ping","op":"subscribe"}',
        b'{"op":"subscribe","args":["\xff\xfe"]}',
        b"",
        b"null",
        b"NaN",
        b'{"req_id":' + b"9" * 4_000 + b',"op":"ping"}',
    ],
    ids=range(8),
)
def test_frames_made_to_hurt_are_answered_or_ignored(text: bytes) -> None:
    venue = venue_of()
    out: list[bytes] = []
    for path in ("/v5/public/spot", "/v5/private", "/v5/trade"):
        session = venue.open_socket(path, out.append)
        assert session is not None
        session.receive(text)
        session.receive(b'{"op":"ping"}')
        assert b"pong" in out[-1]


def test_noise_on_the_wire_leaves_it_serving() -> None:
    draw = random.Random(3)
    with running_exchange("bybit", seed=1) as exchange:
        host, port = exchange.rest.removeprefix("http://").split(":")
        for number in range(300):
            with socket.create_connection((host, int(port)), timeout=5) as wire:
                heads = (b"", b"GET / HTTP/1.1\r\n", b"POST /v5/order/create HTTP/1.1\r\nContent-Length: 99\r\n\r\n")
                wire.sendall(heads[number % 3] + draw.randbytes(draw.randrange(1, 400)))
        import urllib.request

        with urllib.request.urlopen(exchange.rest + "/v5/market/time", timeout=5) as answer:
            assert answer.status == 200
        assert exchange.process.poll() is None
