"""The venue's own older connector for spot: REST, streams, and orders over its socket."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

from binance.spot import Spot
from binance.websocket.spot.websocket_api import SpotWebsocketAPIClient
from binance.websocket.spot.websocket_stream import SpotWebsocketStreamClient
from checks import Heard, book_of, check, info, refused, same

INFO = info()
ROOT = INFO["markets"]["spot"]["rest"]
SOCKET = ROOT.replace("http", "ws", 1)
S = "BTCUSDT"


def rest() -> None:
    public = Spot(base_url=ROOT)
    client = Spot(INFO["api_key"], INFO["api_secret"], base_url=ROOT)
    check("ping", public.ping)
    check("time", public.time)
    listed = check("exchange_info", public.exchange_info)
    same("symbol", [x["symbol"] for x in listed["symbols"] if x["symbol"] == S], [S])
    same("klines", len(check("klines call", lambda: public.klines(S, "1m", limit=5))), 5)
    depth = check("depth", lambda: public.depth(S, limit=100))
    last = float(depth["bids"][0][0])
    for name in ("trades", "agg_trades", "ticker_24hr", "ticker_price", "book_ticker", "avg_price"):
        check(name, lambda name=name: getattr(public, name)(S))
    check("account", client.account)
    placed = check(
        "limit",
        lambda: client.new_order(S, "BUY", "LIMIT", timeInForce="GTC", quantity=0.01, price=round(last * 0.9, 2)),
    )
    same("open", [x["orderId"] for x in client.get_open_orders(S)], [placed["orderId"]])
    check("get_order", lambda: client.get_order(S, orderId=placed["orderId"]))
    check(
        "cancel and replace",
        lambda: client.cancel_and_replace(
            S, "BUY", "LIMIT", "STOP_ON_FAILURE", cancelOrderId=placed["orderId"], timeInForce="GTC", quantity=0.02,
            price=round(last * 0.9, 2),
        ),
    )  # fmt: skip
    check("cancel_open_orders", lambda: client.cancel_open_orders(S))
    filled = check("market", lambda: client.new_order(S, "BUY", "MARKET", quantity=0.01))
    same("filled", filled["status"], "FILLED")
    check("market by quote", lambda: client.new_order(S, "BUY", "MARKET", quoteOrderQty=100))
    check(
        "limit maker", lambda: client.new_order(S, "SELL", "LIMIT_MAKER", quantity=0.005, price=round(last * 1.05, 2))
    )
    stop = {"timeInForce": "GTC", "quantity": 0.005, "price": round(last * 0.9, 2), "stopPrice": round(last * 0.92, 2)}
    check("stop loss limit", lambda: client.new_order(S, "SELL", "STOP_LOSS_LIMIT", **stop))
    check("order test", lambda: client.new_order_test(S, "BUY", "MARKET", quantity=0.01))
    check("cancel all", lambda: client.cancel_open_orders(S))
    check("my_trades", lambda: client.my_trades(S))
    check("get_orders", lambda: client.get_orders(S))
    link = {"timeInForce": "GTC", "quantity": 0.01, "price": round(last * 0.9, 2), "newClientOrderId": "twice"}
    check("client id", lambda: client.new_order(S, "BUY", "LIMIT", **link))
    refused("duplicate client id", lambda: client.new_order(S, "BUY", "LIMIT", **link), -2010, "Duplicate")
    refused("insufficient", lambda: client.new_order(S, "BUY", "MARKET", quantity=90), -2010, "insufficient")
    refused(
        "bad price",
        lambda: client.new_order(S, "BUY", "LIMIT", **{**link, "price": "100.12345"}),
        -1013,
        "PRICE_FILTER",
    )
    refused("bad quantity", lambda: client.new_order(S, "BUY", "MARKET", quantity="0.00000001"), -1013, "LOT_SIZE")
    refused("unknown order", lambda: client.cancel_order(S, orderId=999_999), -2011, "Unknown order")
    refused("unknown symbol", lambda: client.my_trades("NOPE"), -1121)
    refused("stale", lambda: stale(client), -1021)
    refused("wrong key", lambda: Spot("nobody", "secret", base_url=ROOT).account(), -2015)
    refused("wrong signature", lambda: Spot(INFO["api_key"], "wrong", base_url=ROOT).account(), -1022)
    client.cancel_open_orders(S)


def stale(client: Spot) -> object:
    from binance.lib import utils

    was = utils.get_timestamp
    import binance.api

    binance.api.get_timestamp = lambda: 1_000_000_000_000
    try:
        return client.account()
    finally:
        binance.api.get_timestamp = was


def streams() -> None:
    heard = Heard()
    client = SpotWebsocketStreamClient(stream_url=SOCKET, on_message=heard.take)
    client.diff_book_depth(S, speed=100)
    client.kline(S, "1m")
    client.agg_trade(S)
    client.book_ticker(S)
    client.ticker(S)
    check("kline stream", lambda: heard.wait(lambda m: m.get("e") == "kline"))
    check("trade stream", lambda: heard.wait(lambda m: m.get("e") == "aggTrade", 30))
    check("book ticker stream", lambda: heard.wait(lambda m: "B" in m and "u" in m and "e" not in m))
    check("ticker stream", lambda: heard.wait(lambda m: m.get("e") == "24hrTicker"))
    snapshot = Spot(base_url=ROOT).depth(S, limit=1000)
    time.sleep(4)
    changes = [m for m in heard.messages if m.get("e") == "depthUpdate"]
    fresh = Spot(base_url=ROOT).depth(S, limit=1000)
    check(
        "depth caught up", lambda: heard.wait(lambda m: m.get("e") == "depthUpdate" and m["u"] >= fresh["lastUpdateId"])
    )
    changes = [m for m in heard.messages if m.get("e") == "depthUpdate" and m["u"] <= fresh["lastUpdateId"]]
    kept = book_of(snapshot, changes)
    same("depth chain", all(b["U"] == a["u"] + 1 for a, b in pairwise(changes)), True)
    same("book by deltas", kept, (dict(fresh["bids"]), dict(fresh["asks"])))
    client.stop()


def orders_by_socket() -> None:
    heard = Heard()
    client: Any = SpotWebsocketAPIClient(
        stream_url=INFO["markets"]["spot"]["ws_api"], api_key=INFO["api_key"], api_secret=INFO["api_secret"],
        on_message=heard.take,
    )  # fmt: skip
    price = round(float(Spot(base_url=ROOT).ticker_price(S)["price"]) * 0.9, 2)
    client.ping_connectivity(id=1)
    check("socket ping", lambda: heard.wait(lambda m: m.get("id") == 1 and m["status"] == 200))
    client.new_order(
        id=2, symbol=S, side="BUY", type="LIMIT", timeInForce="GTC", price=price, quantity=0.01, newOrderRespType="FULL"
    )
    placed = check("socket order", lambda: heard.wait(lambda m: m.get("id") == 2 and m["status"] == 200))
    client.get_order(id=3, symbol=S, orderId=placed["result"]["orderId"])
    check("socket status", lambda: heard.wait(lambda m: m.get("id") == 3 and m["status"] == 200))
    client.cancel_order(id=4, symbol=S, orderId=placed["result"]["orderId"])
    check("socket cancel", lambda: heard.wait(lambda m: m.get("id") == 4 and m["status"] == 200))
    client.cancel_order(id=5, symbol=S, orderId=999_999)
    check("socket unknown order", lambda: heard.wait(lambda m: m.get("id") == 5 and m["error"]["code"] == -2011))
    client.account(id=6)
    check("socket account", lambda: heard.wait(lambda m: m.get("id") == 6 and m["result"]["balances"]))
    client.stop()


rest()
streams()
orders_by_socket()
