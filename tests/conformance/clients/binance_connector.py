"""The venue's own older connector for spot: REST, streams, and orders over its socket."""

from __future__ import annotations

import time
from typing import Any

from binance.spot import Spot
from binance.websocket.spot.websocket_api import SpotWebsocketAPIClient
from binance.websocket.spot.websocket_stream import SpotWebsocketStreamClient
from checks import Heard, check, clock_off, exchange, fields, keep_book, refused, same, too_fast

INFO = exchange()
ROOT = INFO["markets"]["spot"]["rest"]
S = "BTCUSDT"
public: Any = Spot(base_url=ROOT)
client: Any = Spot(INFO["api_key"], INFO["api_secret"], base_url=ROOT)


def socket_of(info: dict[str, Any]) -> str:
    return str(info["markets"]["spot"]["rest"]).replace("http", "ws", 1)


def market_data() -> float:
    check("markets", "ping", public.ping)
    check("markets", "time", public.time)
    listed = check("markets", "exchange_info", public.exchange_info)
    same("markets", "symbol", [x["symbol"] for x in listed["symbols"] if x["symbol"] == S], [S])
    bars = check("klines", "klines", lambda: public.klines(S, "1m", limit=5))
    same("klines", "a minute apart", [bar[0] - bars[0][0] for bar in bars], [60_000 * n for n in range(5)])
    depth = check("ticker", "depth", lambda: public.depth(S, limit=100))
    for name in ("trades", "agg_trades", "ticker_24hr", "ticker_price", "book_ticker", "avg_price"):
        check("ticker", name, lambda name=name: getattr(public, name)(S))
    return float(depth["bids"][0][0])


def orders(last: float) -> None:
    topic = "place, amend, cancel"
    low, high = round(last * 0.9, 2), round(last * 1.1, 2)
    limit = {"timeInForce": "GTC", "quantity": 0.02, "price": low}
    placed = check(topic, "limit", lambda: client.new_order(S, "BUY", "LIMIT", **limit))
    same(topic, "open", [x["orderId"] for x in client.get_open_orders(S)], [placed["orderId"]])
    check(topic, "get_order", lambda: client.get_order(S, orderId=placed["orderId"]))
    smaller = {"symbol": S, "orderId": placed["orderId"], "newQty": "0.01"}
    amended = check(
        topic, "amend", lambda: client.sign_request("PUT", "/api/v3/order/amend/keepPriority", smaller)
    )  # fmt: skip
    fields(topic, "amended", amended["amendedOrder"], orderId=placed["orderId"], qty="0.01000000")
    replaced = check(
        topic,
        "cancel and replace",
        lambda: client.cancel_and_replace(
            S, "BUY", "LIMIT", "STOP_ON_FAILURE", cancelOrderId=placed["orderId"], **limit
        ),
    )
    fields(topic, "replaced", replaced, cancelResult="SUCCESS", newOrderResult="SUCCESS")
    gone = check(topic, "cancel", lambda: client.cancel_order(S, orderId=replaced["newOrderResponse"]["orderId"]))
    fields(topic, "cancelled", gone, status="CANCELED")
    topic = "order types"
    filled = check(topic, "market", lambda: client.new_order(S, "BUY", "MARKET", quantity=0.05))
    fields(topic, "filled", filled, status="FILLED", executedQty="0.05000000")
    by_quote = check(topic, "market by quote", lambda: client.new_order(S, "BUY", "MARKET", quoteOrderQty=100))
    same(topic, "for so much", 90 < float(by_quote["cummulativeQuoteQty"]) <= 100, True)
    for force, price, status in (("IOC", low, "EXPIRED"), ("FOK", low, "EXPIRED"), ("FOK", high, "FILLED")):
        made = client.new_order(S, "BUY", "LIMIT", timeInForce=force, quantity=0.01, price=price)
        fields(topic, f"{force} {status}", made, status=status)
    resting = check(topic, "limit maker", lambda: client.new_order(S, "SELL", "LIMIT_MAKER", quantity=0.01, price=high))
    crossing = lambda: client.new_order(S, "BUY", "LIMIT_MAKER", quantity=0.01, price=high)  # noqa: E731
    refused(topic, "limit maker that takes", crossing, -2010, "immediately match")
    client.cancel_order(S, orderId=resting["orderId"])
    limited = {"timeInForce": "GTC", "price": low}
    for kind, side, params in (
        ("STOP_LOSS", "SELL", {"stopPrice": low}),
        ("STOP_LOSS_LIMIT", "SELL", {"stopPrice": low, **limited}),
        ("TAKE_PROFIT", "SELL", {"stopPrice": high}),
        ("TAKE_PROFIT_LIMIT", "SELL", {"stopPrice": high, **limited}),
        ("STOP_LOSS", "SELL", {"trailingDelta": 100}),
        ("STOP_LOSS", "BUY", {"stopPrice": high}),
    ):
        name = f"{kind} {side} {next(iter(params))}"
        made = check(topic, name, lambda: client.new_order(S, side, kind, quantity=0.005, **params))  # noqa: B023
        found = client.get_order(S, orderId=made["orderId"])
        fields(topic, f"{name} waits", found, type=kind, status="NEW", isWorking=False)
        client.cancel_order(S, orderId=made["orderId"])
    wrong = lambda: client.new_order(S, "SELL", "STOP_LOSS", quantity=0.005, stopPrice=high)  # noqa: E731
    refused(topic, "stop that is reached", wrong, -2010, "trigger immediately")
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": high, "belowType": "STOP_LOSS", "belowStopPrice": low}
    both = check(topic, "oco", lambda: client.new_oco_order(S, "SELL", 0.01, **legs))
    fields(topic, "oco waits", both, listOrderStatus="EXECUTING", contingencyType="OCO")
    same(topic, "oco listed", [x["orderListId"] for x in client.get_oco_open_orders()], [both["orderListId"]])
    gone = check(topic, "oco cancelled", lambda: client.cancel_oco_order(S, orderListId=both["orderListId"]))
    fields(topic, "oco done", gone, listOrderStatus="ALL_DONE", listStatusType="ALL_DONE")
    check(topic, "order test", lambda: client.new_order_test(S, "BUY", "MARKET", quantity=0.01))
    check(topic, "all orders", lambda: client.get_orders(S)[0])


def what_is_left() -> None:
    asks = public.depth(S, limit=5)["asks"]
    large = round(float(asks[0][1]) * 1.5 + 0.01, 5)
    part = client.new_order(S, "BUY", "LIMIT", timeInForce="IOC", quantity=large, price=asks[0][0])
    done = float(part["executedQty"])
    same("partial fill", "some of it", (0 < done <= large, part["status"] in {"EXPIRED", "FILLED"}), (True, True))
    mine = check("my trades", "my_trades", lambda: client.my_trades(S, orderId=part["orderId"]))
    same("my trades", "add up", round(sum(float(x["qty"]) for x in mine), 6), done)
    same("my trades", "cost something", all(float(x["commission"]) > 0 for x in mine), True)
    account = check("balance", "account", client.account)
    coins = {row["asset"]: float(row["free"]) for row in account["balances"]}
    same("balance", "coins were bought", coins["BTC"] > 10 and coins["USDT"] < 100_000, True)


def refusals(last: float) -> None:
    link = {"timeInForce": "GTC", "quantity": 0.01, "price": round(last * 0.9, 2), "newClientOrderId": "twice"}
    place = lambda **more: client.new_order(S, "BUY", "LIMIT", **{**link, **more})  # noqa: E731
    check("duplicate client id", "client id", place)
    refused("duplicate client id", "duplicate client id", place, -2010, "Duplicate order sent")
    dear = lambda: client.new_order(S, "BUY", "MARKET", quantity=90)  # noqa: E731
    refused("insufficient funds", "insufficient", dear, -2010, "insufficient balance")
    for price, code, word in (
        ("100.123", -1013, "PRICE_FILTER"), ("0", -1013, "price"), ("-1", -1100, "price"),
        ("1.123456789", -1111, "price"), ("1", -1013, "PERCENT_PRICE"),
    ):  # fmt: skip
        refused("bad price", f"price {price}", lambda: place(price=price, newClientOrderId="x"), code, word)  # noqa: B023
    for quantity, code, word in (("0.0000001", -1013, "LOT_SIZE"), ("0", -1013, "quantity"), ("-1", -1100, "quantity")):
        refused("bad quantity", f"quantity {quantity}", lambda: place(quantity=quantity), code, word)  # noqa: B023
    refused("bad quantity", "too little", lambda: place(quantity="0.00001", newClientOrderId="x"), -1013, "NOTIONAL")
    # The connector writes this one as 1e-05.
    refused("bad quantity", "exponent", lambda: place(quantity=0.00001), -1100, "quantity")
    refused("unknown order", "cancel", lambda: client.cancel_order(S, orderId=999_999), -2011, "Unknown order")
    refused("unknown order", "get", lambda: client.get_order(S, orderId=999_999), -2013, "not exist")
    refused("markets", "unknown symbol", lambda: client.my_trades("NOPE"), -1121)
    with clock_off(-20):
        refused("stale timestamp", "late", client.account, -1021)
        check("stale timestamp", "late, in a wide window", lambda: client.account(recvWindow=30_000))
    with clock_off(3):
        refused("stale timestamp", "early", client.account, -1021)
    refused("wrong key", "key", lambda: Spot("nobody", "secret", base_url=ROOT).account(), -2015)
    refused("wrong key", "signature", lambda: Spot(INFO["api_key"], "wrong", base_url=ROOT).account(), -1022)
    client.cancel_open_orders(S)
    narrow = Spot(base_url=exchange("narrow")["markets"]["spot"]["rest"])
    too_fast(narrow.time)


def streams() -> None:
    heard, info = Heard(), exchange("fast")
    stream = SpotWebsocketStreamClient(stream_url=socket_of(info), on_message=heard.take)
    stream.diff_book_depth(S, speed=100)
    keep_book(heard, lambda: Spot(base_url=info["markets"]["spot"]["rest"]).depth(S, limit=1000))
    stream.kline(S, "1m")
    stream.agg_trade(S)
    stream.book_ticker(S)
    stream.ticker(S)
    check("klines", "kline stream", lambda: heard.wait(lambda m: m.get("e") == "kline"))
    check("ticker", "trade stream", lambda: heard.wait(lambda m: m.get("e") == "aggTrade"))
    check("ticker", "book ticker stream", lambda: heard.wait(lambda m: "B" in m and "u" in m and "e" not in m))
    check("ticker", "ticker stream", lambda: heard.wait(lambda m: m.get("e") == "24hrTicker"))
    stream.stop()


def users() -> None:
    heard = Heard()
    key = check("order stream", "listen key", client.new_listen_key)["listenKey"]
    stream = SpotWebsocketStreamClient(stream_url=socket_of(INFO), on_message=heard.take)
    stream.user_data(key)
    time.sleep(1)
    made = client.new_order(S, "BUY", "MARKET", quantity=0.01)
    mine = lambda m, kind: m.get("e") == "executionReport" and m["x"] == kind and m["i"] == made["orderId"]  # noqa: E731
    check("order stream", "new", lambda: heard.wait(lambda m: mine(m, "NEW")))
    trade = check("execution stream", "trade", lambda: heard.wait(lambda m: mine(m, "TRADE") and m["X"] == "FILLED"))
    fields("execution stream", "filled", trade, z="0.01000000", s=S, S="BUY")
    is_wallet = lambda m: m.get("e") == "outboundAccountPosition"  # noqa: E731
    check("balance", "account stream", lambda: heard.wait(is_wallet))
    check("order stream", "renew listen key", lambda: client.renew_listen_key(key))
    check("order stream", "close listen key", lambda: client.close_listen_key(key))
    stream.stop()


def orders_by_socket() -> None:
    heard, topic = Heard(), "trade socket"
    socket: Any = SpotWebsocketAPIClient(
        stream_url=INFO["markets"]["spot"]["ws_api"], api_key=INFO["api_key"], api_secret=INFO["api_secret"],
        on_message=heard.take,
    )  # fmt: skip
    price = round(float(public.ticker_price(S)["price"]) * 0.9, 2)
    limit = {"symbol": S, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": price, "quantity": 0.01}
    limit |= {"newClientOrderId": "by-socket", "newOrderRespType": "FULL"}

    def answer(name: str, number: int, code: int = 0) -> Any:
        got = check(topic, name, lambda: heard.wait(lambda m: m.get("id") == number)) or {}
        same(topic, f"{name}: outcome", got.get("error", {}).get("code", 0), code)
        return got.get("result")

    socket.ping_connectivity(id=1)
    answer("ping", 1)
    socket.new_order(id=2, **limit)
    placed = answer("order", 2)["orderId"]
    socket.new_order(id=3, **limit)
    answer("duplicate client id", 3, -2010)
    socket.get_order(id=4, symbol=S, orderId=placed)
    answer("status", 4)
    socket.cancel_replace_order(
        id=5, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=placed, **{**limit, "newClientOrderId": "another"}
    )
    another = answer("cancel and replace", 5)["newOrderResponse"]["orderId"]
    socket.cancel_order(id=6, symbol=S, orderId=another)
    answer("cancel", 6)
    socket.cancel_order(id=7, symbol=S, orderId=999_999)
    answer("unknown order", 7, -2011)
    socket.new_order(id=8, **{**limit, "quantity": 50})
    answer("insufficient", 8, -2010)
    socket.new_order(id=9, **{**limit, "price": "100.123"})
    answer("bad price", 9, -1013)
    socket.new_order(id=10, **{**limit, "quantity": "0.0000001"})
    answer("bad quantity", 10, -1013)
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": round(price * 1.2, 2), "belowType": "STOP_LOSS", "quantity": 0.01}
    socket.new_oco_order(id=15, symbol=S, side="SELL", belowStopPrice=price, **legs)
    both = answer("oco", 15)["orderListId"]
    socket.cancel_oco_order(id=16, symbol=S, orderListId=both)
    fields(topic, "oco done", answer("oco cancelled", 16), listOrderStatus="ALL_DONE")
    socket.new_order(id=11, symbol=S, side="BUY", type="MARKET", quantity=0.01, newOrderRespType="FULL")
    fields(topic, "market", answer("market order", 11), status="FILLED")
    with clock_off(-20):
        socket.new_order(id=12, **limit)
    answer("late", 12, -1021)
    socket.account(id=13)
    same("balance", "by socket", bool(answer("account", 13)["balances"]), True)
    socket.my_trades(id=14, symbol=S)
    same("my trades", "by socket", bool(answer("my trades", 14)), True)
    socket.stop()


price_now = market_data()
orders(price_now)
what_is_left()
refusals(price_now)
streams()
users()
orders_by_socket()
