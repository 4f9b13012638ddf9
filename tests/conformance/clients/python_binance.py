"""python-binance: REST for spot and futures, blocking and asynchronous, its depth cache and its user streams."""

from __future__ import annotations

import asyncio
from typing import Any

from binance import AsyncClient, BinanceSocketManager, Client
from binance.base_client import BaseClient
from checks import check, info, refused, same, tell

INFO = info()
ROOT = INFO["markets"]["spot"]["rest"]
S = "BTCUSDT"
# The client's addresses are attributes of its base class.
BaseClient.API_URL = ROOT + "/api"
BaseClient.MARGIN_API_URL = ROOT + "/sapi"
BaseClient.FUTURES_URL = INFO["markets"]["linear"]["rest"] + "/fapi"
BaseClient.FUTURES_COIN_URL = INFO["markets"]["inverse"]["rest"] + "/dapi"


def blocking() -> None:
    client = check("client", lambda: Client(INFO["api_key"], INFO["api_secret"]))
    check("server time", client.get_server_time)
    check("exchange info", client.get_exchange_info)
    check("symbol info", lambda: client.get_symbol_info(S)["filters"])
    same("klines", len(client.get_klines(symbol=S, interval="1m", limit=7)), 7)
    check("historical klines", lambda: client.get_historical_klines(S, "1m", "2 hours ago UTC")[100])
    last = float(check("order book", lambda: client.get_order_book(symbol=S))["bids"][0][0])
    for name in (
        "get_recent_trades",
        "get_aggregate_trades",
        "get_ticker",
        "get_symbol_ticker",
        "get_orderbook_ticker",
    ):
        check(name, lambda name=name: getattr(client, name)(symbol=S))
    check("account", client.get_account)
    same("balance", float(client.get_asset_balance(asset="USDT")["free"]), 100_000.0)
    placed = check("limit", lambda: client.order_limit_buy(symbol=S, quantity=0.01, price=f"{last * 0.9:.2f}"))
    same("open orders", [x["orderId"] for x in client.get_open_orders(symbol=S)], [placed["orderId"]])
    check("get order", lambda: client.get_order(symbol=S, orderId=placed["orderId"]))
    check("cancel", lambda: client.cancel_order(symbol=S, orderId=placed["orderId"]))
    same("market", check("market call", lambda: client.order_market_buy(symbol=S, quantity=0.01))["status"], "FILLED")
    check("market by quote", lambda: client.order_market_buy(symbol=S, quoteOrderQty=50))
    check("test order", lambda: client.create_test_order(symbol=S, side="BUY", type="MARKET", quantity=0.01))
    check("my trades", lambda: client.get_my_trades(symbol=S)[0]["commission"])
    check("all orders", lambda: client.get_all_orders(symbol=S))
    refused("insufficient", lambda: client.order_market_buy(symbol=S, quantity=50), -2010, "insufficient")
    refused("bad quantity", lambda: client.order_market_buy(symbol=S, quantity="0.00000001"), -1013, "LOT_SIZE")
    refused("unknown order", lambda: client.cancel_order(symbol=S, orderId=999_999), -2011)
    refused("unknown symbol", lambda: client.get_symbol_ticker(symbol="NOPE"), -1121)
    refused("wrong signature", lambda: Client(INFO["api_key"], "wrong").get_account(), -1022)
    futures(client, last)


def futures(client: Any, last: float) -> None:
    for name in ("futures_exchange_info", "futures_account", "futures_account_balance", "futures_position_information"):
        check(name, getattr(client, name))
    check("futures klines", lambda: client.futures_klines(symbol=S, interval="1m", limit=3)[2])
    check("futures leverage", lambda: client.futures_change_leverage(symbol=S, leverage=7))
    order = {
        "symbol": S,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": 0.01,
        "price": round(last * 0.9),
    }
    placed = check("futures limit", lambda: client.futures_create_order(**order))
    check("futures get order", lambda: client.futures_get_order(symbol=S, orderId=placed["orderId"]))
    check("futures cancel", lambda: client.futures_cancel_order(symbol=S, orderId=placed["orderId"]))
    check("futures market", lambda: client.futures_create_order(symbol=S, side="BUY", type="MARKET", quantity=0.01))
    same("futures position", float(client.futures_position_information(symbol=S)[0]["positionAmt"]), 0.01)
    check("futures trades", lambda: client.futures_account_trades(symbol=S)[0]["commission"])
    close = {"symbol": S, "side": "SELL", "type": "MARKET", "quantity": 0.01, "reduceOnly": "true"}
    check("futures close", lambda: client.futures_create_order(**close))
    refused("futures reduce only", lambda: client.futures_create_order(**close), -2022)


async def streaming() -> None:
    client = await AsyncClient.create(INFO["api_key"], INFO["api_secret"])
    manager = BinanceSocketManager(client)
    root = ROOT.replace("http", "ws", 1)
    manager.STREAM_URL, manager.FSTREAM_URL = (
        root + "/",
        INFO["markets"]["linear"]["rest"].replace("http", "ws", 1) + "/",
    )

    async def first(name: str, socket: Any, fits: Any) -> None:
        async with socket as stream:
            for _ in range(400):
                message = await asyncio.wait_for(stream.recv(), 30)
                if fits(message):
                    tell(name, "")
                    return
        tell(name, "did not come")

    await first("kline socket", manager.kline_socket(S), lambda m: m["e"] == "kline")
    await first("trade socket", manager.trade_socket(S), lambda m: m["e"] == "trade")
    await first("depth socket", manager.depth_socket(S), lambda m: m["e"] == "depthUpdate")
    await first("ticker socket", manager.symbol_ticker_socket(S), lambda m: m["e"] == "24hrTicker")
    await first(
        "combined", manager.multiplex_socket(["btcusdt@bookTicker"]), lambda m: m["stream"] == "btcusdt@bookTicker"
    )
    await client.close_connection()


blocking()
asyncio.run(streaming())
