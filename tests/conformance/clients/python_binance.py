"""python-binance's REST: spot and both futures."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from binance import Client
from checks import check, clock_off, exchange, fields, refused, same, too_fast
from python_binance_urls import COIN_SYMBOL as COIN
from python_binance_urls import SYMBOL as S
from python_binance_urls import point

INFO = exchange()


# Spot


def spot_data(client: Any) -> float:
    check("markets", "server time", client.get_server_time)
    check("markets", "exchange info", client.get_exchange_info)
    check("markets", "symbol info", lambda: client.get_symbol_info(S)["filters"])
    bars = check("klines", "klines", lambda: client.get_klines(symbol=S, interval="1m", limit=5))
    same("klines", "a minute apart", [bar[0] - bars[0][0] for bar in bars], [60_000 * n for n in range(5)])
    check("klines", "historical klines", lambda: client.get_historical_klines(S, "1m", "2 hours ago UTC")[100])
    depth = check("ticker", "order book", lambda: client.get_order_book(symbol=S))
    for name in ("recent_trades", "aggregate_trades", "ticker", "symbol_ticker", "orderbook_ticker"):
        check("ticker", name, partial(getattr(client, f"get_{name}"), symbol=S))
    return float(depth["bids"][0][0])


def spot_orders(client: Any, last: float) -> None:
    topic, low, high = "place, amend, cancel", f"{last * 0.9:.2f}", f"{last * 1.1:.2f}"
    check("balance", "account", client.get_account)
    same("balance", "balance", float(client.get_asset_balance(asset="USDT")["free"]), 100_000.0)
    placed = check(topic, "limit", lambda: client.order_limit_buy(symbol=S, quantity=0.02, price=low))
    same(topic, "open orders", [x["orderId"] for x in client.get_open_orders(symbol=S)], [placed["orderId"]])
    check(topic, "get order", lambda: client.get_order(symbol=S, orderId=placed["orderId"]))
    other = {"symbol": S, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 0.01, "price": low}
    another = {**other, "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": placed["orderId"]}
    replaced = check(topic, "cancel and replace", lambda: client.cancel_replace_order(**another))
    fields(topic, "replaced", replaced, cancelResult="SUCCESS", newOrderResult="SUCCESS")
    number = replaced["newOrderResponse"]["orderId"]
    gone = check(topic, "cancel", lambda: client.cancel_order(symbol=S, orderId=number))
    fields(topic, "cancelled", gone, status="CANCELED")
    topic = "order types"
    filled = check(topic, "market", lambda: client.order_market_buy(symbol=S, quantity=0.05))
    fields(topic, "filled", filled, status="FILLED")
    by_quote = check(topic, "market by quote", lambda: client.order_market_buy(symbol=S, quoteOrderQty=50))
    same(topic, "for so much", 40 < float(by_quote["cummulativeQuoteQty"]) <= 50, True)
    for force, price, status in (("IOC", low, "EXPIRED"), ("FOK", high, "FILLED")):
        done = client.order_limit_buy(timeInForce=force, symbol=S, quantity=0.01, price=price)
        fields(topic, f"{force} {status}", done, status=status)
    limited = {"timeInForce": "GTC", "price": low}
    for kind, params in (
        ("LIMIT_MAKER", {"price": high}),
        ("STOP_LOSS", {"stopPrice": low}),
        ("STOP_LOSS_LIMIT", {"stopPrice": low, **limited}),
        ("TAKE_PROFIT", {"stopPrice": high}),
        ("TAKE_PROFIT_LIMIT", {"stopPrice": high, **limited}),
        ("TAKE_PROFIT", {"trailingDelta": 100}),
    ):
        order = partial(client.create_order, symbol=S, side="SELL", type=kind, quantity=0.005, **params)
        name = f"{kind} {next(iter(params))}"
        number = check(topic, name, order)["orderId"]
        fields(topic, f"{name} waits", client.get_order(symbol=S, orderId=number), type=kind, status="NEW")
        client.cancel_order(symbol=S, orderId=number)
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": high, "belowType": "STOP_LOSS", "belowStopPrice": low}
    both = check(topic, "oco", lambda: client.create_oco_order(symbol=S, side="SELL", quantity=0.01, **legs))
    fields(topic, "oco waits", both, listOrderStatus="EXECUTING", contingencyType="OCO")
    client.cancel_order(symbol=S, orderId=both["orderReports"][0]["orderId"])
    same(topic, "oco gone", client.get_open_orders(symbol=S), [])
    check(topic, "test order", lambda: client.create_test_order(symbol=S, side="BUY", type="MARKET", quantity=0.01))
    check(topic, "all orders", lambda: client.get_all_orders(symbol=S)[0])
    price, offered = client.get_order_book(symbol=S, limit=5)["asks"][0]
    large = round(float(offered) * 1.5 + 0.01, 5)
    part = client.order_limit_buy(timeInForce="IOC", symbol=S, quantity=large, price=price)
    done = float(part["executedQty"])
    same("partial fill", "some of it", (0 < done <= large, part["status"] in {"EXPIRED", "FILLED"}), (True, True))
    mine = check("my trades", "my trades", lambda: client.get_my_trades(symbol=S, orderId=part["orderId"]))
    same("my trades", "add up", round(sum(float(row["qty"]) for row in mine), 6), done)


def spot_refusals(client: Any, last: float) -> None:
    order = {"symbol": S, "quantity": 0.01, "price": f"{last * 0.9:.2f}"}
    place = lambda **more: client.order_limit_buy(**{**order, **more})  # noqa: E731
    check("duplicate client id", "client id", lambda: place(newClientOrderId="twice"))
    twice = lambda: place(newClientOrderId="twice")  # noqa: E731
    refused("duplicate client id", "duplicate client id", twice, -2010, "Duplicate order sent")
    refused("insufficient funds", "insufficient", lambda: place(quantity=50), -2010, "insufficient balance")
    refused("bad price", "price", lambda: place(price="100.123"), -1013, "PRICE_FILTER")
    refused("bad quantity", "quantity", lambda: place(quantity="0.0000001"), -1013, "LOT_SIZE")
    refused("unknown order", "cancel", lambda: client.cancel_order(symbol=S, orderId=999_999), -2011)
    refused("unknown order", "get", lambda: client.get_order(symbol=S, orderId=999_999), -2013)
    refused("markets", "unknown symbol", lambda: client.get_symbol_ticker(symbol="NOPE"), -1121)
    with clock_off(-20):
        refused("stale timestamp", "late", client.get_account, -1021)
    with clock_off(3):
        refused("stale timestamp", "early", client.get_account, -1021)
    refused("wrong key", "signature", lambda: Client(INFO["api_key"], "wrong").get_account(), -1022)
    refused("wrong key", "key", lambda: Client("nobody", "secret").get_account(), -2015)
    client.cancel_all_open_orders(symbol=S)
    point(exchange("narrow"))
    narrow = Client()
    point(INFO)
    too_fast(narrow.get_server_time)


# Futures


def linear(client: Any, last: float) -> None:
    say = "linear: {}".format
    for topic, name in (
        ("markets", "exchange_info"), ("balance", "account"), ("balance", "account_balance"),
        ("positions", "position_information"),
    ):  # fmt: skip
        check(topic, say(name), getattr(client, f"futures_{name}"))
    check("klines", say("klines"), lambda: client.futures_klines(symbol=S, interval="1m", limit=3)[2])
    check("ticker", say("ticker"), lambda: client.futures_ticker(symbol=S)["lastPrice"])
    check("leverage", say("leverage"), lambda: client.futures_change_leverage(symbol=S, leverage=7))
    refused("leverage", say("much"), lambda: client.futures_change_leverage(symbol=S, leverage=126), -4028)
    order = {"symbol": S, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 0.01}
    order |= {"price": round(last * 0.96), "newOrderRespType": "RESULT"}
    place = lambda **more: client.futures_create_order(**{**order, **more})  # noqa: E731
    topic = "place, amend, cancel"
    number = check(topic, say("limit"), place)["orderId"]
    check(topic, say("get order"), lambda: client.futures_get_order(symbol=S, orderId=number))
    change = {"symbol": S, "side": "BUY", "orderId": number, "quantity": 0.02, "price": round(last * 0.95)}
    changed = check(topic, say("modify"), lambda: client.futures_modify_order(**change))
    fields(topic, say("modified"), changed, orderId=number, origQty="0.020")
    gone = check(topic, say("cancel"), lambda: client.futures_cancel_order(symbol=S, orderId=number))
    fields(topic, say("cancelled"), gone, status="CANCELED")
    topic = "order types"
    high = round(last * 1.02)
    for force, price, status in (("IOC", order["price"], "EXPIRED"), ("GTX", order["price"], "NEW")):
        fields(topic, say(f"{force} {status}"), place(timeInForce=force, price=price), status=status)
    date = (int(time.time()) + 700) * 1_000
    fields(topic, say("GTD"), place(timeInForce="GTD", goodTillDate=date), status="NEW", goodTillDate=date)
    refused(topic, say("post only that takes"), lambda: place(timeInForce="GTX", price=high), -5022)
    refused(topic, say("FOK far away"), lambda: place(timeInForce="FOK"), -5021)
    check(topic, say("cancel all"), lambda: client.futures_cancel_all_open_orders(symbol=S))
    batch = [{**order, "quantity": "0.01", "price": str(order["price"] - n)} for n in range(2)]
    rows = check(topic, say("batch"), lambda: client.futures_place_batch_order(batchOrders=batch))
    numbers = [row["orderId"] for row in rows]
    gone = check(topic, say("cancel batch"), lambda: client.futures_cancel_orders(symbol=S, orderidlist=numbers))
    same(topic, say("batch cancelled"), [row["status"] for row in gone], ["CANCELED", "CANCELED"])
    market = {"symbol": S, "type": "MARKET", "quantity": 0.01, "newOrderRespType": "RESULT"}
    bought = check(topic, say("market"), lambda: client.futures_create_order(side="BUY", **market))
    fields(topic, say("filled"), bought, status="FILLED")
    held = client.futures_position_information(symbol=S)
    same("positions", say("position"), [float(row["positionAmt"]) for row in held], [0.01])
    trades = check("my trades", say("trades"), lambda: client.futures_account_trades(symbol=S))
    same("my trades", say("cost something"), all(float(row["commission"]) > 0 for row in trades), True)
    conditional(client, last)
    close = {**market, "side": "SELL", "reduceOnly": "true"}
    check("positions", say("close"), lambda: client.futures_create_order(**close))
    refused("positions", say("reduce only"), lambda: client.futures_create_order(**close), -2022)
    check("positions", say("hedge mode"), lambda: client.futures_change_position_mode(dualSidePosition="true"))
    for way in ("BUY", "SELL"):
        client.futures_create_order(**market, side=way, positionSide="LONG")
    client.futures_change_position_mode(dualSidePosition="false")
    check("duplicate client id", say("client id"), lambda: place(newClientOrderId="twice"))
    refused("duplicate client id", say("duplicate"), lambda: place(newClientOrderId="twice"), -4116)
    refused("insufficient funds", say("insufficient"), lambda: place(quantity=50), -2019)
    refused("bad price", say("price"), lambda: place(price="20000.123"), -1111)
    refused("bad quantity", say("quantity"), lambda: place(quantity="0.0000001"), -1111)
    refused("unknown order", say("cancel"), lambda: client.futures_cancel_order(symbol=S, orderId=999_999), -2011)
    client.futures_cancel_all_open_orders(symbol=S)


def conditional(client: Any, last: float) -> None:
    topic, say = "order types", "linear: {}".format
    low, high = round(last * 0.9), round(last * 1.1)
    for kind, params in (
        ("STOP", {"stopPrice": low, "price": low, "timeInForce": "GTC", "quantity": 0.01}),
        ("STOP_MARKET", {"stopPrice": low, "quantity": 0.01}),
        ("STOP_MARKET", {"stopPrice": low, "closePosition": "true"}),
        ("TAKE_PROFIT", {"stopPrice": high, "price": high, "timeInForce": "GTC", "quantity": 0.01}),
        ("TAKE_PROFIT_MARKET", {"stopPrice": high, "quantity": 0.01}),
        ("TRAILING_STOP_MARKET", {"callbackRate": 1, "quantity": 0.01}),
    ):
        name = say(f"{kind} {next(reversed(params))}")
        waiting = check(topic, name, partial(client.futures_create_order, symbol=S, side="SELL", type=kind, **params))
        fields(topic, f"{name} waits", waiting, orderType=kind, algoStatus="NEW")
    same(topic, say("algo orders wait"), len(client.futures_get_open_algo_orders(symbol=S)), 6)
    check(topic, say("cancel algo orders"), lambda: client.futures_cancel_all_algo_open_orders(symbol=S))


def inverse(client: Any) -> None:
    say = "inverse: {}".format
    check("markets", say("exchange_info"), client.futures_coin_exchange_info)
    check("klines", say("klines"), lambda: client.futures_coin_klines(symbol=COIN, interval="1m", limit=3)[2])
    last = float(check("ticker", say("ticker"), lambda: client.futures_coin_symbol_ticker(symbol=COIN))[0]["price"])
    check("balance", say("balance"), client.futures_coin_account_balance)
    check("leverage", say("leverage"), lambda: client.futures_coin_change_leverage(symbol=COIN, leverage=7))
    order = {"symbol": COIN, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 1}
    order["price"] = round(last * 0.96)
    place = lambda **more: client.futures_coin_create_order(**{**order, **more})  # noqa: E731
    topic = "place, amend, cancel"
    number = check(topic, say("limit"), place)["orderId"]
    change = {"symbol": COIN, "side": "BUY", "orderId": number, "quantity": 2, "price": order["price"]}
    changed = check(topic, say("modify"), lambda: client.futures_coin_modify_order(**change))
    fields(topic, say("modified"), changed, orderId=number, origQty="2")
    check(topic, say("cancel"), lambda: client.futures_coin_cancel_order(symbol=COIN, orderId=number))
    market = {"symbol": COIN, "type": "MARKET", "quantity": 1}
    check("order types", say("market"), lambda: client.futures_coin_create_order(side="BUY", **market))
    held = [row for row in client.futures_coin_position_information() if row["symbol"] == COIN]
    same("positions", say("position"), [float(row["positionAmt"]) for row in held if float(row["positionAmt"])], [1.0])
    check("my trades", say("trades"), lambda: client.futures_coin_account_trades(symbol=COIN)[0]["commission"])
    stop = {"type": "STOP_MARKET", "price": None, "timeInForce": None, "stopPrice": round(last * 1.1)}
    refused("order types", say("conditional order"), lambda: place(**stop), -4120)
    refused("insufficient funds", say("insufficient"), lambda: place(quantity=90_000), -2019)
    refused("bad price", say("price"), lambda: place(price="20000.123"), -1111)
    refused("unknown order", say("cancel"), lambda: client.futures_coin_cancel_order(symbol=COIN, orderId=9), -2011)
    client.futures_coin_create_order(side="SELL", reduceOnly="true", **market)


point(INFO)
main = check("markets", "client", lambda: Client(INFO["api_key"], INFO["api_secret"]))
price_now = spot_data(main)
spot_orders(main, price_now)
spot_refusals(main, price_now)
linear(main, price_now)
inverse(main)
