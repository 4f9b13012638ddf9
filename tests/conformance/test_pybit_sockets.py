"""pybit's three kinds of socket: public streams, private streams, orders."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, Any

import pybit._helpers
import pytest
from bybit_clients import advance
from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading
from pybit_clients import CATEGORIES, QTY, SYMBOL, TOO_MUCH, WAIT_S, ask, names, price, rows, session_of
from topics import shows

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.testing.exchange_process import RunningExchange


SLOW = pytest.mark.conformance
MOSTLY_SLOW = ["linear", *(pytest.param(category, marks=SLOW) for category in ("spot", "inverse"))]


class KeptBook:
    """A book kept from the venue's own messages, the way its documents say."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        self.update, self.sequence, self.messages = 0, 0, 0

    def take(self, message: dict[str, Any]) -> None:
        data = message["data"]
        assert data["seq"] >= self.sequence
        if message["type"] == "snapshot":
            self.sides = {"b": {}, "a": {}}
        else:
            assert data["u"] == self.update + 1
        for name, side in self.sides.items():
            for level, size in data[name]:
                if float(size) == 0:
                    del side[level]  # it was there
                else:
                    side[level] = size
        self.update, self.sequence, self.messages = data["u"], data["seq"], self.messages + 1

    def levels(self) -> dict[str, list[list[str]]]:
        """Return bids and asks, the best first."""
        ordered = {name: sorted(side.items(), key=lambda row: float(row[0])) for name, side in self.sides.items()}
        return {"b": [[*row] for row in reversed(ordered["b"])], "a": [[*row] for row in ordered["a"]]}


@shows("bybit pybit", "kept book")
@pytest.mark.parametrize("category", MOSTLY_SLOW)
@pytest.mark.parametrize("depth", [1_000, *(pytest.param(depth, marks=SLOW) for depth in (50, 200))])
def test_a_book_kept_for_ten_minutes_is_the_venue_s(
    standing: RunningExchange, sockets: Callable[..., Any], category: str, depth: int
) -> None:
    told: queue.Queue[Any] = queue.Queue()
    topic = f"orderbook.{depth}.{SYMBOL[category]}"
    # One socket hands on what the venue says, the other one keeps the book by itself.
    raw = sockets(WebSocket, standing.info, channel_type=category, callback_function=told.put)
    keeper = sockets(WebSocket, standing.info, channel_type=category)
    raw.orderbook_stream(depth, SYMBOL[category], told.put)
    keeper.orderbook_stream(depth, SYMBOL[category], lambda _: None)
    kept = KeptBook()
    while not kept.messages:
        message = told.get(timeout=WAIT_S)
        if message.get("topic") == topic:
            assert message["type"] == "snapshot"
            kept.take(message)
    before = kept.levels()
    for _ in range(300):
        advance(standing.info, 2_000)
    session = session_of(standing.info)
    fresh = session.get_orderbook(**names(category), limit=depth)["result"]
    session.client.close()
    wanted = {side: fresh[side] for side in "ba"}
    # The venue numbers what it answers as its deepest stream.
    while kept.levels() != wanted or (depth == 1_000 and kept.update != fresh["u"]):
        kept.take(told.get(timeout=WAIT_S))
    assert kept.messages > 100
    assert kept.sequence <= fresh["seq"]
    assert before != wanted
    deadline = time.monotonic() + WAIT_S
    while {side: sorted(keeper.data[topic][side]) for side in "ba"} != {side: sorted(wanted[side]) for side in "ba"}:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("category", MOSTLY_SLOW)
def test_public_streams(fast: RunningExchange, sockets: Callable[..., Any], category: str) -> None:
    socket = sockets(WebSocket, fast.info, channel_type=category)
    told: queue.Queue[tuple[str, Any]] = queue.Queue()
    symbol = SYMBOL[category]
    for depth in (1, 50, 200, 1_000):
        socket.orderbook_stream(depth, symbol, lambda m, d=depth: told.put((f"book{d}", m)))
    socket.kline_stream(1, symbol, lambda m: told.put(("kline", m)))
    socket.ticker_stream(symbol, lambda m: told.put(("ticker", m)))
    socket.trade_stream(symbol, lambda m: told.put(("trade", m)))
    wanted = {"book1", "book50", "book200", "book1000", "kline", "ticker", "trade"}
    seen: dict[str, Any] = {}
    while wanted - seen.keys():
        name, message = told.get(timeout=WAIT_S)
        seen[name] = message
    for depth in (1, 50, 200, 1_000):
        bids, asks = ({float(level[0]) for level in seen[f"book{depth}"]["data"][side]} for side in "ba")
        assert all(min(depth, 60) <= len(side) <= depth for side in (bids, asks))
        assert max(bids) < min(asks)
    assert seen["ticker"]["data"]["symbol"] == symbol
    assert seen["trade"]["data"][0]["s"] == symbol


@shows("bybit pybit", "order stream", "execution stream")
@pytest.mark.parametrize("category", MOSTLY_SLOW)
def test_private_streams(session: HTTP, sockets: Callable[..., Any], category: str) -> None:
    socket = sockets(WebSocket, channel_type="private")
    told: queue.Queue[tuple[str, Any]] = queue.Queue()
    for name in ("order", "execution", "position", "wallet", "fast_execution"):
        getattr(socket, f"{name}_stream")(lambda m, n=name: [told.put((n, row)) for row in m["data"]])
    time.sleep(0.5)
    who = {**names(category), "qty": QTY[category]}
    placed = session.place_order(**who, side="Sell", orderType="Limit", price=price(session, category, 1.05))["result"]
    session.cancel_order(**names(category), orderId=placed["orderId"])
    market = session.place_order(**who, side="Sell", orderType="Market")["result"]
    wanted = {"order", "execution", "wallet", "fast_execution"} | ({"position"} if category != "spot" else set())
    seen: dict[str, list[Any]] = {}

    def finished() -> bool:
        done = any(o["orderId"] == market["orderId"] and o["orderStatus"] == "Filled" for o in seen.get("order", []))
        return done and not wanted - seen.keys()

    while not finished():
        name, row = told.get(timeout=WAIT_S)
        seen.setdefault(name, []).append(row)
    assert [o["orderStatus"] for o in seen["order"] if o["orderId"] == placed["orderId"]] == ["New", "Cancelled"]
    first = next(o for o in seen["order"] if o["orderId"] == market["orderId"])
    assert (first["orderStatus"], first["category"]) == ("New", category)
    assert all(e["orderId"] == market["orderId"] for e in seen["execution"] + seen["fast_execution"])
    assert {w["accountType"] for w in seen["wallet"]} == {"UNIFIED"}
    if category != "spot":
        assert seen["position"][-1]["side"] == "Sell"


@shows("bybit pybit", "trade socket")
@pytest.mark.parametrize("category", CATEGORIES)
def test_orders_over_the_trade_socket(session: HTTP, sockets: Callable[..., Any], category: str) -> None:
    socket = sockets(WebSocketTrading)
    who = names(category)
    order = {**who, "side": "Buy", "orderType": "Limit", "qty": QTY[category], "price": price(session, category, 0.95)}
    placed = ask(socket.place_order, **order)
    assert (placed["retCode"], placed["op"]) == (0, "order.create")
    order_id = placed["data"]["orderId"]
    assert ask(socket.amend_order, **who, orderId=order_id, price=price(session, category, 0.94))["retCode"] == 0
    assert ask(socket.cancel_order, **who, orderId=order_id)["data"]["orderId"] == order_id
    gone = ask(socket.cancel_order, **who, orderId=order_id)
    assert gone["retCode"] == (170213 if category == "spot" else 110001)
    one = {name: value for name, value in order.items() if name != "category"}
    batch = ask(socket.place_batch_order, category=category, request=[one, {**one, "qty": "0"}])
    assert batch["retCode"] == 0
    assert [code["code"] == 0 for code in batch["retExtInfo"]["list"]] == [True, False]
    request = [{"symbol": SYMBOL[category], "orderId": batch["data"]["list"][0]["orderId"]}]
    lower = price(session, category, 0.93)
    changes = [{**request[0], "price": lower}]
    assert ask(socket.amend_batch_order, category=category, request=changes)["retCode"] == 0
    assert float(rows(session.get_open_orders(**who))[0]["price"]) == float(lower)
    assert ask(socket.cancel_batch_order, category=category, request=request)["retCode"] == 0
    assert rows(session.get_open_orders(**who)) == []


@shows("bybit pybit", "trade socket", "order types")
@pytest.mark.parametrize("category", CATEGORIES)
def test_types_of_order_over_the_trade_socket(session: HTTP, sockets: Callable[..., Any], category: str) -> None:
    socket = sockets(WebSocketTrading)
    order = {**names(category), "side": "Buy", "qty": QTY[category]}
    low, high, above = (price(session, category, factor) for factor in (0.95, 1.02, 1.05))

    def ends_as(**more: Any) -> str:
        order_id = ask(socket.place_order, **order, **more)["data"]["orderId"]
        return str(rows(session.get_open_orders(category=category, orderId=order_id))[0]["orderStatus"])

    unit = {"marketUnit": "baseCoin"} if category == "spot" else {}
    assert ends_as(orderType="Market", **unit) == "Filled"
    assert ends_as(orderType="Limit", price=low) == "New"
    assert ends_as(orderType="Limit", price=low, timeInForce="PostOnly") == "New"
    assert ends_as(orderType="Limit", price=high, timeInForce="PostOnly") == "Cancelled"
    assert ends_as(orderType="Limit", price=low, timeInForce="IOC") == "Cancelled"
    assert ends_as(orderType="Limit", price=low, timeInForce="FOK") == "Cancelled"
    assert ends_as(orderType="Limit", price=high, timeInForce="FOK") == "Filled"
    trigger = {"orderFilter": "StopOrder"} if category == "spot" else {"triggerDirection": 1, "triggerBy": "MarkPrice"}
    assert ends_as(orderType="Limit", price=above, triggerPrice=above, **trigger) == "Untriggered"
    if category == "spot":
        return
    assert ends_as(orderType="Market", takeProfit=above, stopLoss=low) == "Filled"
    assert float(rows(session.get_positions(**names(category)))[0]["takeProfit"]) == float(above)
    closing = {**order, "side": "Sell", "qty": "0", "orderType": "Market", "reduceOnly": True, "closeOnTrigger": True}
    assert ask(socket.place_order, **closing)["retCode"] == 0
    assert float(rows(session.get_positions(**names(category)))[0]["size"]) == 0


@shows("bybit pybit", "insufficient funds", "bad price", "bad quantity", "unknown order", "duplicate client id")
@pytest.mark.parametrize("category", CATEGORIES)
def test_refusals_over_the_trade_socket(session: HTTP, sockets: Callable[..., Any], category: str) -> None:
    socket, spot = sockets(WebSocketTrading), category == "spot"
    link = f"{session.api_key}-{category}"
    order = {**names(category), "side": "Buy", "orderType": "Limit", "qty": QTY[category], "orderLinkId": link}
    order["price"] = price(session, category, 0.95)
    assert ask(socket.place_order, **order)["retCode"] == 0
    for wrong, of_spot, of_contracts in (
        ({}, 170141, 110072),
        ({"orderLinkId": "with space"}, 10001, 10001),
        ({"qty": TOO_MUCH[category]}, 170131, 110007),
        ({"price": "-1"}, 170133, 110003),
        ({"qty": "0"}, 170136, 10001),
        ({"category": "futures"}, 10404, 10404),
    ):
        other = {} if not wrong else {"orderLinkId": f"{link}-2"}
        answer = ask(socket.place_order, **{**order, **other, **wrong})
        assert (answer["retCode"], answer["data"]) == (of_spot if spot else of_contracts, {}), wrong
    gone = ask(socket.amend_order, **names(category), orderId="1700007000000099999", qty=QTY[category])
    assert gone["retCode"] == (170213 if spot else 110001)
    assert len(rows(session.get_open_orders(**names(category)))) == 1


@shows("bybit pybit", "stale timestamp")
def test_the_trade_socket_refuses_what_is_late(
    session: HTTP, sockets: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = sockets(WebSocketTrading)
    order = {**names("linear"), "side": "Buy", "orderType": "Limit", "qty": "0.01"}
    order["price"] = price(session, "linear", 0.9)
    assert ask(socket.place_order, **order)["retCode"] == 0
    monkeypatch.setattr(pybit._helpers, "generate_timestamp", lambda: int(time.time() * 1e3) - 9_000)
    assert ask(socket.place_order, **order)["retCode"] == 10002


@shows("bybit pybit", "too many requests")
def test_the_trade_socket_refuses_who_is_too_fast(paced: RunningExchange, sockets: Callable[..., Any]) -> None:
    socket = sockets(WebSocketTrading, paced.info)
    low = price(session_of(paced.info), "linear", 0.9)
    order = {**names("linear"), "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": low}
    answers = [ask(socket.place_order, **order) for _ in range(14)]
    refused = [answer for answer in answers if answer["retCode"]]
    assert {answer["retCode"] for answer in refused} == {10006}
    assert {answer["header"]["X-Bapi-Limit-Status"] for answer in refused} == {"0"}


@shows("bybit pybit", "wrong key")
@pytest.mark.parametrize("wrong", [{"api_key": "nobody"}, {"api_secret": "wrong"}])
@pytest.mark.parametrize("kind", [WebSocket, WebSocketTrading])
def test_sockets_turn_strangers_away(
    sockets: Callable[..., Any], info: dict[str, Any], kind: Any, wrong: dict[str, str]
) -> None:
    more = {"channel_type": "private"} if kind is WebSocket else {}
    socket = sockets(kind, {**info, **wrong}, **more)
    # It hangs up as soon as it is told.
    deadline = time.monotonic() + WAIT_S
    while not socket.exited:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not socket.auth
