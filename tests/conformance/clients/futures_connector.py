"""The venue's own older connector for futures, both of them: REST, market streams, user streams."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

from binance.cm_futures import CMFutures
from binance.um_futures import UMFutures
from binance.websocket.cm_futures.websocket_client import CMFuturesWebsocketClient
from binance.websocket.um_futures.websocket_client import UMFuturesWebsocketClient
from checks import Heard, book_of, check, info, refused, same

INFO = info()


class Side:
    """One of the two futures markets."""

    def __init__(self, name: str) -> None:
        linear = name == "linear"
        self.root = INFO["markets"][name]["rest"]
        kind = UMFutures if linear else CMFutures
        self.public: Any = kind(base_url=self.root)
        self.client: Any = kind(INFO["api_key"], INFO["api_secret"], base_url=self.root)
        self.kind, self.socket = kind, UMFuturesWebsocketClient if linear else CMFuturesWebsocketClient
        self.symbol = "BTCUSDT" if linear else "BTCUSD_PERP"
        self.small, self.large, self.name = (0.01 if linear else 1), (500 if linear else 900_000), name

    def say(self, name: str) -> str:
        """Return the name of a check in this market."""
        return f"{self.name}: {name}"


def rest(side: Side) -> None:
    public, client, symbol, say = side.public, side.client, side.symbol, side.say
    check(say("ping"), public.ping)
    check(say("time"), public.time)
    check(say("exchange_info"), public.exchange_info)
    same(say("klines"), len(public.klines(symbol, "1m", limit=5)), 5)
    depth = check(say("depth"), lambda: public.depth(symbol, limit=100))
    last = float(depth["bids"][0][0])
    for name in ("trades", "agg_trades", "open_interest", "funding_rate"):
        check(say(name), lambda name=name: getattr(public, name)(symbol))
    for name in ("mark_price", "ticker_24hr_price_change", "ticker_price", "book_ticker"):
        check(say(name), lambda name=name: getattr(public, name)(symbol=symbol))
    check(say("account"), client.account)
    check(say("balance"), client.balance)
    check(say("change_leverage"), lambda: client.change_leverage(symbol, 10))
    far = round(last * 0.9)
    order = {
        "symbol": symbol,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": side.small,
        "price": far,
    }
    placed = check(say("limit"), lambda: client.new_order(**order))
    same(say("open"), [x["orderId"] for x in client.get_orders(symbol=symbol)], [placed["orderId"]])
    check(say("query_order"), lambda: client.query_order(symbol, orderId=placed["orderId"]))
    check(say("cancel"), lambda: client.cancel_order(symbol, orderId=placed["orderId"]))
    check(say("market"), lambda: client.new_order(symbol=symbol, side="BUY", type="MARKET", quantity=side.small))
    held = check(
        say("position"),
        lambda: client.get_position_risk(symbol=symbol) if side.name == "linear" else client.get_position_risk(),
    )
    same(
        say("position held"),
        [float(x["positionAmt"]) for x in held if x["symbol"] == symbol and float(x["positionAmt"])],
        [side.small],
    )
    check(say("post only"), lambda: client.new_order(**{**order, "timeInForce": "GTX"}))
    refused(
        say("post only that takes"),
        lambda: client.new_order(**{**order, "timeInForce": "GTX", "price": round(last * 1.02)}),
        -5022,
    )
    check(
        say("reduce only"),
        lambda: client.new_order(symbol=symbol, side="SELL", type="MARKET", quantity=side.small, reduceOnly="true"),
    )
    refused(
        say("reduce only without position"),
        lambda: client.new_order(symbol=symbol, side="SELL", type="MARKET", quantity=side.small, reduceOnly="true"),
        -2022,
    )
    check(say("trades of mine"), lambda: client.get_account_trades(symbol=symbol))
    check(say("all orders"), lambda: client.get_all_orders(symbol=symbol))
    check(say("cancel all"), lambda: client.cancel_open_orders(symbol))
    check(say("client id"), lambda: client.new_order(**order, newClientOrderId="twice"))
    refused(say("duplicate client id"), lambda: client.new_order(**order, newClientOrderId="twice"), -4116)
    refused(
        say("insufficient"),
        lambda: client.new_order(symbol=symbol, side="BUY", type="MARKET", quantity=side.large),
        -2019,
    )
    refused(say("bad price"), lambda: client.new_order(**{**order, "price": "20000.12345"}), -1111)
    refused(say("unknown order"), lambda: client.cancel_order(symbol, orderId=999_999), -2011)
    refused(say("unknown symbol"), lambda: client.new_order(**{**order, "symbol": "NOPE"}), -1121)
    refused(say("wrong key"), lambda: side.kind("nobody", "secret", base_url=side.root).account(), -2015)
    refused(say("wrong signature"), lambda: side.kind(INFO["api_key"], "wrong", base_url=side.root).account(), -1022)
    check(say("position mode"), client.get_position_mode)
    client.cancel_open_orders(symbol)


def streams(side: Side) -> None:
    heard, symbol, say = Heard(), side.symbol, side.say
    root = side.root.replace("http", "ws", 1)
    client: Any = side.socket(stream_url=root, on_message=heard.take)
    client.diff_book_depth(symbol, speed=100)
    client.kline(symbol, "1m")
    client.agg_trade(symbol)
    client.mark_price(symbol, speed=1)
    check(say("kline stream"), lambda: heard.wait(lambda m: m.get("e") == "kline"))
    check(say("mark price stream"), lambda: heard.wait(lambda m: m.get("e") == "markPriceUpdate"))
    check(say("trade stream"), lambda: heard.wait(lambda m: m.get("e") == "aggTrade", 30))
    snapshot = side.public.depth(symbol, limit=1000)
    time.sleep(4)
    fresh = side.public.depth(symbol, limit=1000)
    check(
        say("depth caught up"),
        lambda: heard.wait(lambda m: m.get("e") == "depthUpdate" and m["u"] >= fresh["lastUpdateId"]),
    )
    changes = [m for m in heard.messages if m.get("e") == "depthUpdate" and m["u"] <= fresh["lastUpdateId"]]
    same(say("depth chain"), all(b["pu"] == a["u"] for a, b in pairwise(changes)), True)
    same(say("book by deltas"), book_of(snapshot, changes), (dict(fresh["bids"]), dict(fresh["asks"])))
    client.stop()


def users(side: Side) -> None:
    heard, say = Heard(), side.say
    key = check(say("listen key"), side.client.new_listen_key)["listenKey"]
    client: Any = side.socket(stream_url=side.root.replace("http", "ws", 1), on_message=heard.take)
    client.user_data(key)
    time.sleep(1)
    side.client.new_order(symbol=side.symbol, side="BUY", type="MARKET", quantity=side.small)
    filled = lambda m: m.get("e") == "ORDER_TRADE_UPDATE" and m["o"]["X"] == "FILLED"  # noqa: E731
    check(say("order stream"), lambda: heard.wait(filled))
    check(say("account stream"), lambda: heard.wait(lambda m: m.get("e") == "ACCOUNT_UPDATE" and m["a"]["P"]))
    check(say("renew listen key"), lambda: side.client.renew_listen_key(key))
    check(say("close listen key"), lambda: side.client.close_listen_key(key))
    side.client.new_order(symbol=side.symbol, side="SELL", type="MARKET", quantity=side.small, reduceOnly="true")
    client.stop()


for each in ("linear", "inverse"):
    market = Side(each)
    rest(market)
    streams(market)
    users(market)
