"""pybit, the venue's own client, over HTTP and its three kinds of socket."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, Any

import pybit._websocket_trading
import pybit.unified_trading
import pytest
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading

from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SYMBOL = {"spot": "BTCUSDT", "linear": "BTCUSDT", "inverse": "BTCUSD"}
QTY = {"spot": "0.01", "linear": "0.02", "inverse": "1000"}
CATEGORIES = list(SYMBOL)
CONTRACTS = CATEGORIES[1:]
WAIT_S = 10


def session_of(info: dict[str, Any], **more: Any) -> HTTP:
    made = HTTP(api_key=info["api_key"], api_secret=info["api_secret"], **more)
    made.endpoint = info["rest"]
    return made


@pytest.fixture
def info(bybit_member: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return bybit_member()


@pytest.fixture
def session(info: dict[str, Any]) -> Iterator[HTTP]:
    made = session_of(info)
    yield made
    made.client.close()


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch, info: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    """Return what opens pybit's sockets; they are closed at the end."""
    monkeypatch.setattr(pybit.unified_trading, "PUBLIC_WSS", info["ws_public"] + "/{CHANNEL_TYPE}")
    monkeypatch.setattr(pybit.unified_trading, "PRIVATE_WSS", info["ws_private"])
    monkeypatch.setattr(pybit._websocket_trading, "TRADE_WSS", info["ws_trade"])
    opened: list[Any] = []

    def open_one(kind: Any, **more: Any) -> Any:
        keys = {"api_key": info["api_key"], "api_secret": info["api_secret"]}
        if more.get("channel_type") in SYMBOL:
            keys = {}
        made = kind(testnet=False, restart_on_error=False, **keys, **more)
        opened.append(made)
        return made

    yield open_one
    for made in opened:
        made.exit()


def rows(answer: Any) -> list[Any]:
    assert answer["retCode"] == 0
    return answer["result"]["list"]


def last(session: HTTP, category: str) -> float:
    return float(rows(session.get_tickers(category=category, symbol=SYMBOL[category]))[0]["lastPrice"])


def price(session: HTTP, category: str, factor: float) -> str:
    return f"{last(session, category) * factor:.1f}"


def names(category: str) -> dict[str, Any]:
    return {"category": category, "symbol": SYMBOL[category]}


@pytest.mark.parametrize("category", CATEGORIES)
def test_market_data(session: HTTP, category: str) -> None:
    who = names(category)
    assert abs(int(session.get_server_time()["result"]["timeSecond"]) - time.time()) < 5
    bars = rows(session.get_kline(**who, interval=5, limit=20))
    assert [int(bar[0]) for bar in bars] == sorted((int(bar[0]) for bar in bars), reverse=True)
    assert rows(session.get_instruments_info(**who))[0]["symbol"] == SYMBOL[category]
    book = session.get_orderbook(**who, limit=10)["result"]
    assert len(book["b"]) == len(book["a"]) == 10
    assert rows(session.get_public_trade_history(**who))
    if category == "spot":
        return
    assert len(rows(session.get_mark_price_kline(**who, interval=1, limit=5))) == 5
    assert len(rows(session.get_index_price_kline(**who, interval=1, limit=5))) == 5
    assert len(rows(session.get_premium_index_price_kline(**who, interval=1, limit=5))) == 5
    assert rows(session.get_funding_rate_history(**who))[0]["symbol"] == SYMBOL[category]
    assert rows(session.get_open_interest(**who, intervalTime="1h"))
    assert rows(session.get_risk_limit(**who))[0]["maxLeverage"] == "100.00"


@pytest.mark.parametrize("category", CATEGORIES)
def test_an_order_s_life(session: HTTP, category: str) -> None:
    who = names(category)
    link = f"py-{session.api_key}-{category}"
    order = {**who, "side": "Buy", "orderType": "Limit", "qty": QTY[category], "orderLinkId": link}
    placed = session.place_order(**order, price=price(session, category, 0.95))["result"]
    assert placed["orderLinkId"] == link
    (open_,) = rows(session.get_open_orders(**who))
    assert (open_["orderId"], open_["orderStatus"], open_["orderLinkId"]) == (placed["orderId"], "New", link)
    with pytest.raises(InvalidRequestError) as twice:
        session.place_order(**order, price=price(session, category, 0.95))
    assert twice.value.status_code == (170141 if category == "spot" else 110072)
    changed = price(session, category, 0.94)
    session.amend_order(**who, orderId=placed["orderId"], price=changed)
    assert float(rows(session.get_open_orders(**who))[0]["price"]) == float(changed)
    assert session.cancel_order(**who, orderLinkId=link)["result"]["orderId"] == placed["orderId"]
    assert rows(session.get_open_orders(**who)) == []
    assert rows(session.get_order_history(**who))[0]["orderStatus"] == "Cancelled"
    assert rows(session.get_open_orders(**who, openOnly=1))[0]["orderId"] == placed["orderId"]
    with pytest.raises(InvalidRequestError) as gone:
        session.cancel_order(**who, orderId=placed["orderId"])
    assert gone.value.status_code == (170213 if category == "spot" else 110001)


@pytest.mark.parametrize("category", CATEGORIES)
def test_batches(session: HTTP, category: str) -> None:
    low = price(session, category, 0.95)
    one = {"symbol": SYMBOL[category], "side": "Buy", "orderType": "Limit", "qty": QTY[category], "price": low}
    answer = session.place_batch_order(category=category, request=[one, {**one, "qty": "-1"}, one])
    assert [code["code"] == 0 for code in answer["retExtInfo"]["list"]] == [True, False, True]
    ids = [row["orderId"] for row in rows(answer)]
    assert ids[1] == ""
    requests = [{"symbol": SYMBOL[category], "orderId": i, "price": price(session, category, 0.94)} for i in ids[::2]]
    session.amend_batch_order(category=category, request=requests)
    for request in requests:
        del request["price"]
    assert len(rows(session.cancel_batch_order(category=category, request=requests))) == 2
    session.place_batch_order(category=category, request=[one, one])
    cancelled = session.cancel_all_orders(**names(category))["result"]
    assert len(cancelled["list"]) == 2
    assert cancelled["success"] == "1"


def test_spot_by_quantity_and_by_cost(session: HTTP) -> None:
    order = {**names("spot"), "orderType": "Market"}
    session.place_order(**order, side="Buy", qty="500")
    assert float(rows(session.get_order_history(**names("spot")))[0]["cumExecValue"]) == pytest.approx(500, rel=0.001)
    session.place_order(**order, side="Buy", qty="0.01", marketUnit="baseCoin")
    session.place_order(**order, side="Sell", qty="0.01")
    sold, *_ = rows(session.get_executions(category="spot"))
    assert (sold["side"], sold["feeCurrency"], sold["execType"]) == ("Sell", "USDT", "Trade")
    with pytest.raises(InvalidRequestError) as small:
        session.place_order(**order, side="Buy", qty="1")
    assert small.value.status_code == 170140


@pytest.mark.parametrize("category", CONTRACTS)
def test_positions_and_their_protection(session: HTTP, category: str) -> None:
    who = names(category)
    order = {**who, "orderType": "Market", "qty": QTY[category]}
    session.place_order(
        **order, side="Buy", takeProfit=price(session, category, 1.03), stopLoss=price(session, category, 0.97)
    )
    (held,) = rows(session.get_positions(**who))
    assert (held["side"], float(held["size"])) == ("Buy", float(QTY[category]))
    assert {o["stopOrderType"] for o in rows(session.get_open_orders(**who))} == {"TakeProfit", "StopLoss"}
    session.set_trading_stop(**who, trailingStop="400", takeProfit="0", positionIdx=0)
    assert {o["stopOrderType"] for o in rows(session.get_open_orders(**who))} == {"TrailingStop", "StopLoss"}
    partial = price(session, category, 1.05)
    session.set_trading_stop(**who, tpslMode="Partial", takeProfit=partial, tpSize=QTY[category], positionIdx=0)
    kinds = {o["stopOrderType"]: o["triggerPrice"] for o in rows(session.get_open_orders(**who))}
    assert float(kinds["PartialTakeProfit"]) == float(partial)
    with pytest.raises(InvalidRequestError) as unchanged:
        session.set_leverage(**who, buyLeverage="10", sellLeverage="10")
    assert unchanged.value.status_code == 110043
    session.set_leverage(**who, buyLeverage="20", sellLeverage="20")
    assert rows(session.get_positions(**who))[0]["leverage"] == "20"
    session.place_order(**{**order, "qty": "0"}, side="Sell", reduceOnly=True, closeOnTrigger=True)
    assert rows(session.get_open_orders(**who)) == []
    assert rows(session.get_positions(category=category, settleCoin="USDT" if category == "linear" else "BTC")) == []
    (closed,) = rows(session.get_closed_pnl(**who))
    assert float(closed["closedSize"]) == float(QTY[category])
    with pytest.raises(InvalidRequestError) as flat:
        session.set_trading_stop(**who, takeProfit=price(session, category, 1.03), positionIdx=0)
    assert flat.value.status_code == 10001


def test_conditional_orders(session: HTTP) -> None:
    order = {**names("linear"), "side": "Buy", "orderType": "Market", "qty": "0.01"}
    above = price(session, "linear", 1.04)
    placed = session.place_order(**order, triggerPrice=above, triggerDirection=1)["result"]
    (waiting,) = rows(session.get_open_orders(**names("linear"), orderFilter="StopOrder"))
    assert (waiting["orderId"], waiting["orderStatus"]) == (placed["orderId"], "Untriggered")
    with pytest.raises(InvalidRequestError) as wrong:
        session.place_order(**order, triggerPrice=above, triggerDirection=2)
    assert wrong.value.status_code == 110093
    for _ in range(9):
        session.place_order(**order, triggerPrice=above, triggerDirection=1)
    with pytest.raises(InvalidRequestError) as many:
        session.place_order(**order, triggerPrice=above, triggerDirection=1)
    assert many.value.status_code == 110009


def test_modes_and_account(session: HTTP) -> None:
    who = {"category": "linear", "symbol": "BTCUSDT"}
    session.switch_position_mode(category="linear", coin="USDT", mode=3)
    session.place_order(**who, side="Buy", orderType="Market", qty="0.01", positionIdx=1)
    session.place_order(**who, side="Sell", orderType="Market", qty="0.01", positionIdx=2)
    assert [row["positionIdx"] for row in rows(session.get_positions(**who))] == [1, 2]
    with pytest.raises(InvalidRequestError) as held:
        session.switch_position_mode(**who, mode=0)
    assert held.value.status_code == 110024
    wallet = rows(session.get_wallet_balance(accountType="UNIFIED", coin="USDT"))[0]
    assert [coin["coin"] for coin in wallet["coin"]] == ["USDT"]
    assert session.get_account_info()["result"]["unifiedMarginStatus"] == 5
    assert rows(session.get_fee_rates(category="linear", symbol="BTCUSDT"))[0]["takerFeeRate"] == "0.00055"
    changes = rows(session.get_transaction_log(currency="USDT"))
    total = sum(float(row["change"]) for row in changes)
    assert total == pytest.approx(float(wallet["coin"][0]["walletBalance"]) - 100_000, abs=1e-6)
    session.place_order(**who, side="Sell", orderType="Market", qty="0.01", positionIdx=1, reduceOnly=True)
    session.place_order(**who, side="Buy", orderType="Market", qty="0.01", positionIdx=2, reduceOnly=True)
    session.set_margin_mode(setMarginMode="ISOLATED_MARGIN")
    assert session.get_account_info()["result"]["marginMode"] == "ISOLATED_MARGIN"


def test_pages_follow_their_cursor(session: HTTP) -> None:
    for _ in range(7):
        session.place_order(**names("spot"), side="Buy", orderType="Market", qty="50")
    whole = rows(session.get_order_history(category="spot", limit=50))
    parts, cursor = [], ""
    while len(parts) < 20:
        answer = session.get_order_history(category="spot", limit=3, **({"cursor": cursor} if cursor else {}))
        parts += rows(answer)
        cursor = answer["result"]["nextPageCursor"]
        if not cursor:
            break
    assert parts == whole
    assert len(whole) == 7


def test_strangers_and_late_requests(info: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong, code in (({"api_key": "nobody"}, 10003), ({"api_secret": "wrong"}, 10004)):
        with pytest.raises(InvalidRequestError) as stranger:
            session_of({**info, **wrong}).get_account_info()
        assert stranger.value.status_code == code
    late = session_of(info, retry_codes={1}, retry_delay=0)
    monkeypatch.setattr(pybit._http_manager._helpers, "generate_timestamp", lambda: int(time.time() * 1e3) - 9_000)
    with pytest.raises(InvalidRequestError) as refused:
        late.get_account_info()
    assert refused.value.status_code == 10002
    # By itself it tries again with a longer window, and gets through.
    patient = session_of(info, retry_delay=0)
    assert patient.get_account_info()["retCode"] == 0


def test_it_waits_where_it_is_too_fast() -> None:
    with running_exchange("bybit", seed=7, rate_limits="documented") as exchange:
        session = session_of(exchange.info)
        order = {**names("linear"), "side": "Buy", "orderType": "Limit", "qty": "0.001"}
        low = price(session, "linear", 0.9)
        began = time.monotonic()
        for _ in range(24):
            session.place_order(**order, price=low)
        assert time.monotonic() - began > 1.0
        assert 10006 in {line["code"] for line in exchange.log}
        assert len(rows(session.get_open_orders(**names("linear"), limit=50))) == 24


@pytest.mark.parametrize("category", CATEGORIES)
def test_public_streams(sockets: Callable[..., Any], category: str) -> None:
    socket = sockets(WebSocket, channel_type=category)
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


@pytest.mark.parametrize("category", CATEGORIES)
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


@pytest.mark.parametrize("category", CATEGORIES)
def test_orders_over_the_trade_socket(session: HTTP, sockets: Callable[..., Any], category: str) -> None:
    socket = sockets(WebSocketTrading)
    told: queue.Queue[Any] = queue.Queue()

    def ask(call: Callable[..., Any], **params: Any) -> Any:
        call(told.put, told.put, **params)
        return told.get(timeout=WAIT_S)

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
    assert ask(socket.cancel_batch_order, category=category, request=request)["retCode"] == 0
    assert rows(session.get_open_orders(**who)) == []
