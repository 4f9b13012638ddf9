"""The venue's own older connector for futures, both of them: REST, market streams, user streams."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

from binance.cm_futures import CMFutures
from binance.um_futures import UMFutures
from binance.websocket.cm_futures.websocket_client import CMFuturesWebsocketClient
from binance.websocket.um_futures.websocket_client import UMFuturesWebsocketClient
from checks import Heard, check, clock_off, exchange, fields, keep_book, refused, same, too_fast

INFO = exchange()


class Side:
    """One of the two futures markets.

    Args:
        name: ``linear`` or ``inverse``.
    """

    def __init__(self, name: str) -> None:
        self.name, self.linear = name, name == "linear"
        self.kind = UMFutures if self.linear else CMFutures
        self.socket = UMFuturesWebsocketClient if self.linear else CMFuturesWebsocketClient
        self.symbol = "BTCUSDT" if self.linear else "BTCUSD_PERP"
        self.small, self.large = (0.01, 500) if self.linear else (1, 900_000)
        self.folder = "/fapi/v1/" if self.linear else "/dapi/v1/"
        self.public: Any = self.kind(base_url=self.root())
        self.client: Any = self.kind(INFO["api_key"], INFO["api_secret"], base_url=self.root())

    def root(self, which: str = "market") -> str:
        """Return the base URL of an exchange."""
        return str(exchange(which)["markets"][self.name]["rest"])

    def stream(self, heard: Heard, which: str = "market") -> Any:
        """Return a client of the streams of an exchange."""
        return self.socket(stream_url=self.root(which).replace("http", "ws", 1), on_message=heard.take)

    def say(self, name: str) -> str:
        """Return the name of a check in this market."""
        return f"{self.name}: {name}"

    def algo(self, kind: str, **params: object) -> Any:
        """Send a conditional order, for which the connector has no call of its own."""
        order = {"algoType": "CONDITIONAL", "symbol": self.symbol, "side": "SELL", "type": kind, **params}
        return self.client.sign_request("POST", f"{self.folder}algoOrder", order)

    def held(self) -> dict[str, float]:
        """Return what is held of each side of the symbol."""
        rows = self.client.get_position_risk(symbol=self.symbol) if self.linear else self.client.get_position_risk()
        rows = [row for row in rows if row["symbol"] == self.symbol]
        return {row["positionSide"]: float(row["positionAmt"]) for row in rows if float(row["positionAmt"])}


def market_data(side: Side) -> float:
    public, symbol, say = side.public, side.symbol, side.say
    check("markets", say("ping"), public.ping)
    check("markets", say("time"), public.time)
    listed = check("markets", say("exchange_info"), public.exchange_info)
    same("markets", say("symbol"), [x["symbol"] for x in listed["symbols"] if x["symbol"] == symbol], [symbol])
    bars = check("klines", say("klines"), lambda: public.klines(symbol, "1m", limit=5))
    same("klines", say("a minute apart"), [bar[0] - bars[0][0] for bar in bars], [60_000 * n for n in range(5)])
    depth = check("ticker", say("depth"), lambda: public.depth(symbol, limit=100))
    for name in ("trades", "agg_trades", "open_interest", "funding_rate"):
        check("ticker", say(name), partial(getattr(public, name), symbol))
    for name in ("mark_price", "ticker_24hr_price_change", "ticker_price", "book_ticker"):
        check("ticker", say(name), partial(getattr(public, name), symbol=symbol))
    return float(depth["bids"][0][0])


def orders(side: Side, last: float) -> None:
    client, symbol, say, topic = side.client, side.symbol, side.say, "place, amend, cancel"
    far = round(last * 0.96)
    order = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": side.small}
    order |= {"price": far, "newOrderRespType": "RESULT"}
    placed = check(topic, say("limit"), lambda: client.new_order(**order))
    same(topic, say("open"), [x["orderId"] for x in client.get_orders(symbol=symbol)], [placed["orderId"]])
    check(topic, say("query_order"), lambda: client.query_order(symbol, orderId=placed["orderId"]))
    change = {"symbol": symbol, "side": "BUY", "quantity": side.small * 2, "price": far - 10}
    changed = check(topic, say("modify"), lambda: client.modify_order(orderId=placed["orderId"], **change))
    same(
        topic,
        say("modified"),
        (changed["orderId"], float(changed["origQty"]), float(changed["price"])),
        (placed["orderId"], side.small * 2, far - 10),
    )
    gone = check(topic, say("cancel"), lambda: client.cancel_order(symbol, orderId=placed["orderId"]))
    fields(topic, say("cancelled"), gone, status="CANCELED")
    for force, price, status in (
        ("IOC", far, "EXPIRED"),
        ("FOK", round(last * 1.02), "FILLED"),
        ("GTX", far, "NEW"),
    ):
        made = client.new_order(**{**order, "timeInForce": force, "price": price})
        fields("order types", say(f"{force} {status}"), made, status=status)
    topic = "order types"
    for force, code in (("FOK", -5021), ("GTX", -5022)):
        price = far if force == "FOK" else round(last * 1.02)
        refused(topic, say(force), partial(client.new_order, **{**order, "timeInForce": force, "price": price}), code)
    date = (int(time.time()) + 700) * 1_000
    until = partial(client.new_order, **{**order, "timeInForce": "GTD", "goodTillDate": date})
    if side.linear:
        fields(topic, say("GTD"), check(topic, say("GTD order"), until), status="NEW", goodTillDate=date)
    else:
        refused(topic, say("GTD"), until, -1115)
    check(topic, say("cancel all"), lambda: client.cancel_open_orders(symbol))
    batch = [{**order, "quantity": str(side.small), "price": str(far - n)} for n in range(2)]
    made = check(topic, say("batch"), lambda: client.new_batch_order(batch))
    numbers: Any = [row["orderId"] for row in made]
    if not side.linear:
        # The connector makes text of the list for one of its two markets only.
        numbers = json.dumps(numbers, separators=(",", ":"))
    gone = check(topic, say("cancel batch"), lambda: client.cancel_batch_order(symbol, numbers, []))
    same(topic, say("batch cancelled"), [row["status"] for row in gone], ["CANCELED", "CANCELED"])
    check(topic, say("all orders"), lambda: client.get_all_orders(symbol=symbol)[0])


def conditional_orders(side: Side, last: float) -> None:
    client, symbol, say, topic = side.client, side.symbol, side.say, "order types"
    low, high = round(last * 0.9), round(last * 1.1)
    client.new_order(symbol=symbol, side="BUY", type="MARKET", quantity=side.small * 2)
    price = {"quantity": side.small, "price": low, "timeInForce": "GTC"}
    for kind, params in (
        ("STOP", {"triggerPrice": low, **price}),
        ("STOP_MARKET", {"triggerPrice": low, "quantity": side.small, "workingType": "MARK_PRICE"}),
        ("STOP_MARKET", {"triggerPrice": low, "closePosition": "true"}),
        ("TAKE_PROFIT", {"triggerPrice": high, **price}),
        ("TAKE_PROFIT_MARKET", {"triggerPrice": high, "quantity": side.small, "reduceOnly": "true"}),
        ("TRAILING_STOP_MARKET", {"callbackRate": 1, "quantity": side.small, "activatePrice": high}),
    ):
        name = f"{kind} {next(iter(params))} {next(reversed(params))}"
        made = check(topic, say(name), partial(side.algo, kind, **params))
        fields(topic, say(f"{name} waits"), made, orderType=kind, algoStatus="NEW")
        old = {"stopPrice": low, "quantity": side.small, "price": low, "timeInForce": "GTC"}
        by_order = partial(client.new_order, symbol=symbol, side="SELL", type=kind, **old)
        refused(topic, say(f"{name} as an order"), by_order, -4120, "Algo")
    asked = {"symbol": symbol}
    found = client.sign_request("GET", f"{side.folder}openAlgoOrders", dict(asked))
    same(topic, say("algo orders wait"), len(found), 6)
    check(
        topic, say("cancel algo orders"), lambda: client.sign_request("DELETE", f"{side.folder}algoOpenOrders", asked)
    )
    refused(topic, say("stop that is reached"), lambda: side.algo("STOP_MARKET", triggerPrice=high, quantity=1), -2021)


def positions(side: Side) -> None:
    client, symbol, say, topic = side.client, side.symbol, side.say, "positions"
    market = {"symbol": symbol, "type": "MARKET", "newOrderRespType": "RESULT"}
    start = side.held()["BOTH"]
    closing = {**market, "side": "SELL", "quantity": start, "reduceOnly": "true"}
    closed = check(topic, say("reduce only"), lambda: client.new_order(**closing))
    fields(topic, say("closed"), closed, status="FILLED", reduceOnly=True)
    same(topic, say("nothing held"), side.held(), {})
    refused(topic, say("reduce only without position"), lambda: client.new_order(**closing), -2022)
    check("leverage", say("change_leverage"), lambda: client.change_leverage(symbol, 10))
    refused("leverage", say("too much leverage"), lambda: client.change_leverage(symbol, 126), -4028)
    check("leverage", say("margin type"), lambda: client.change_margin_type(symbol, "ISOLATED"))
    refused("leverage", say("same margin type"), lambda: client.change_margin_type(symbol, "ISOLATED"), -4046)
    check("leverage", say("brackets"), lambda: client.leverage_brackets(symbol=symbol))
    check(topic, say("mode"), client.get_position_mode)
    check(topic, say("hedge mode"), lambda: client.change_position_mode("true"))
    for which, way in (("LONG", "BUY"), ("SHORT", "SELL")):
        client.new_order(**market, side=way, positionSide=which, quantity=side.small)
    same(topic, say("both sides held"), side.held(), {"LONG": side.small, "SHORT": -side.small})
    refused(topic, say("no side"), lambda: client.new_order(**market, side="BUY", quantity=side.small), -4061)
    for which, way in (("LONG", "SELL"), ("SHORT", "BUY")):
        client.new_order(**market, side=way, positionSide=which, quantity=side.small)
    check(topic, say("one-way mode"), lambda: client.change_position_mode("false"))
    client.change_margin_type(symbol, "CROSSED")


def what_is_left(side: Side) -> None:
    client, symbol, say = side.client, side.symbol, side.say
    price, offered = side.public.depth(symbol, limit=5)["asks"][0]
    large = round(float(offered) * 1.5 + side.small, 3 if side.linear else 0)
    order = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "IOC", "price": price}
    part = client.new_order(**order, quantity=large if side.linear else int(large), newOrderRespType="RESULT")
    done = float(part["executedQty"])
    fine = 0 < done <= large, part["status"] in {"EXPIRED", "FILLED"}
    same("partial fill", say("some of it"), fine, (True, True))
    mine = check("my trades", say("trades"), lambda: client.get_account_trades(symbol=symbol, orderId=part["orderId"]))
    same("my trades", say("add up"), round(sum(float(row["qty"]) for row in mine), 3), done)
    same("my trades", say("cost something"), all(float(row["commission"]) > 0 for row in mine), True)
    check("balance", say("account"), client.account)
    coins = {row["asset"]: float(row["balance"]) for row in check("balance", say("balance"), client.balance)}
    changed = coins["USDT"] < 100_000 if side.linear else coins["BTC"] < 10
    same("balance", say("commission was paid"), changed, True)
    client.new_order(symbol=symbol, side="SELL", type="MARKET", quantity=done if side.linear else int(done))


def refusals(side: Side, last: float) -> None:
    client, symbol, say = side.client, side.symbol, side.say
    order = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": side.small}
    order |= {"price": round(last * 0.9)}
    place = lambda **more: client.new_order(**{**order, **more})  # noqa: E731
    check("duplicate client id", say("client id"), lambda: place(newClientOrderId="twice"))
    refused("duplicate client id", say("duplicate client id"), lambda: place(newClientOrderId="twice"), -4116)
    dear = {"type": "MARKET", "timeInForce": None, "price": None, "quantity": side.large}
    refused("insufficient funds", say("insufficient"), lambda: place(**dear), -2019)
    high = round(last * 1.2)
    for price, code in (("20000.12345", -1111), (high, -4016), (0, -4001)):
        refused("bad price", say(f"price {price}"), partial(place, price=price), code)
    for quantity, code in (("0.00001", -1111), (0, -4003)):
        refused("bad quantity", say(f"quantity {quantity}"), partial(place, quantity=quantity), code)
    refused("unknown order", say("cancel"), lambda: client.cancel_order(symbol, orderId=999_999), -2011)
    refused("unknown order", say("query"), lambda: client.query_order(symbol, orderId=999_999), -2013)
    refused("markets", say("unknown symbol"), lambda: place(symbol="NOPE"), -1121)
    with clock_off(-20):
        refused("stale timestamp", say("late"), client.account, -1021)
        check("stale timestamp", say("late, in a wide window"), lambda: client.account(recvWindow=30_000))
    with clock_off(3):
        refused("stale timestamp", say("early"), client.account, -1021)
    refused("wrong key", say("key"), lambda: side.kind("nobody", "secret", base_url=side.root()).account(), -2015)
    forger = side.kind(INFO["api_key"], "wrong", base_url=side.root())
    refused("wrong key", say("signature"), forger.account, -1022)
    client.cancel_open_orders(symbol)
    too_fast(side.kind(base_url=side.root("narrow")).time, say)


def streams(side: Side) -> None:
    heard, symbol, say = Heard(), side.symbol, side.say
    stream, public = side.stream(heard, "fast"), side.kind(base_url=side.root("fast"))
    stream.diff_book_depth(symbol, speed=100)
    keep_book(heard, lambda: public.depth(symbol, limit=1000), say)
    stream.kline(symbol, "1m")
    stream.agg_trade(symbol)
    stream.mark_price(symbol, speed=1)
    stream.ticker(symbol)
    for topic, kind in (
        ("klines", "kline"),
        ("ticker", "aggTrade"),
        ("ticker", "markPriceUpdate"),
        ("ticker", "24hrTicker"),
    ):
        check(topic, say(f"{kind} stream"), partial(heard.wait, lambda m, kind=kind: m.get("e") == kind))
    stream.stop()


def users(side: Side) -> None:
    heard, say, client = Heard(), side.say, side.client
    key = check("order stream", say("listen key"), client.new_listen_key)["listenKey"]
    stream = side.stream(heard)
    stream.user_data(key)
    time.sleep(1)
    made = client.new_order(symbol=side.symbol, side="BUY", type="MARKET", quantity=side.small)

    def change(kind: str, status: str) -> Any:
        fits = {"i": made["orderId"], "x": kind, "X": status}
        return heard.wait(lambda m: m.get("e") == "ORDER_TRADE_UPDATE" and fits.items() <= m["o"].items())["o"]

    check("order stream", say("new"), lambda: change("NEW", "NEW"))
    trade = check("execution stream", say("trade"), lambda: change("TRADE", "FILLED"))
    same("execution stream", say("filled"), float(trade["z"]), side.small)
    is_account = lambda m: m.get("e") == "ACCOUNT_UPDATE" and m["a"]["P"]  # noqa: E731
    check("positions", say("account stream"), lambda: heard.wait(is_account))
    check("order stream", say("renew listen key"), lambda: client.renew_listen_key(key))
    check("order stream", say("close listen key"), lambda: client.close_listen_key(key))
    client.new_order(symbol=side.symbol, side="SELL", type="MARKET", quantity=side.small, reduceOnly="true")
    stream.stop()


for each in ("linear", "inverse"):
    market = Side(each)
    price_now = market_data(market)
    orders(market, price_now)
    conditional_orders(market, price_now)
    positions(market)
    what_is_left(market)
    refusals(market, price_now)
    streams(market)
    users(market)
