"""python-binance's sockets: its streams, the depth cache that it keeps, user streams, and orders."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from binance import AsyncClient, BinanceSocketManager, Client, DepthCacheManager, FuturesType
from checks import KEPT_MS, Heard, check, clock_off, exchange, fields, keep_book, refused, same
from python_binance_urls import COIN_SYMBOL as COIN
from python_binance_urls import SYMBOL as S
from python_binance_urls import point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INFO = exchange()


@contextmanager
def listening(info: dict[str, Any], opened: Callable[[BinanceSocketManager], Any]) -> Iterator[Heard]:
    """Hear a socket of the client in a thread, for as long as a block of code runs."""
    heard, ready, over = Heard(), threading.Event(), threading.Event()

    async def hear() -> None:
        client = await AsyncClient.create(info["api_key"], info["api_secret"])
        try:
            async with opened(BinanceSocketManager(client)) as stream:
                ready.set()
                while not over.is_set():
                    try:
                        message = await asyncio.wait_for(stream.recv(), 0.5)
                    except TimeoutError:
                        continue
                    heard.take(message.get("data", message.get("event", message)))
        finally:
            await client.close_connection()

    point(info)
    thread = threading.Thread(target=lambda: asyncio.run(hear()))
    thread.start()
    ready.wait(10)
    try:
        yield heard
    finally:
        over.set()
        thread.join()
        point(INFO)


def streams() -> None:
    fast = exchange("fast")
    point(fast)
    client: Any = Client()
    point(INFO)
    coin = FuturesType.COIN_M
    for name, opened, depth in (
        ("spot", lambda m: m.depth_socket(S, interval=100), lambda: client.get_order_book(symbol=S, limit=1000)),
        (
            "linear",
            lambda m: m.futures_multiplex_socket(["btcusdt@depth@100ms"], category="public"),
            lambda: client.futures_order_book(symbol=S, limit=1000),
        ),
        (
            "inverse",
            lambda m: m.futures_multiplex_socket(["btcusd_perp@depth@100ms"], futures_type=coin),
            lambda: client.futures_coin_order_book(symbol=COIN, limit=1000),
        ),
    ):
        with listening(fast, opened) as heard:
            keep_book(heard, depth, f"{name}: {{}}".format)
    for topic, kind, opened in (
        ("klines", "kline", lambda m: m.kline_socket(S)),
        ("ticker", "trade", lambda m: m.trade_socket(S)),
        ("ticker", "24hrTicker", lambda m: m.symbol_ticker_socket(S)),
        ("ticker", "24hrMiniTicker", lambda m: m.multiplex_socket(["btcusdt@miniTicker"])),
    ):
        with listening(fast, opened) as heard:
            check(topic, f"{kind} socket", partial(heard.wait, lambda m, kind=kind: m.get("e") == kind))


async def depth_cache() -> tuple[bool, Any, Any]:
    """Let the client keep a book in its own way; return whether it lasted, what it has, and what the venue has."""
    fast = exchange("fast")
    client = await AsyncClient.create(fast["api_key"], fast["api_secret"])
    books: dict[int, Any] = {}
    try:
        async with DepthCacheManager(client, S, limit=1000, ws_interval=100) as cache:
            first = None
            for _ in range(5_000):
                book = await cache.recv()
                books[cache._last_update_id] = book.get_bids(), book.get_asks()
                first = first or book.update_time
                if book.update_time >= first + KEPT_MS:
                    break
            lasted = book.update_time >= first + KEPT_MS
            fresh = await client.get_order_book(symbol=S, limit=1000)
            while max(books) < fresh["lastUpdateId"]:
                book = await cache.recv()
                books[cache._last_update_id] = book.get_bids(), book.get_asks()
    finally:
        await client.close_connection()
    kept = books[max(number for number in books if number <= fresh["lastUpdateId"])]
    return lasted, kept, tuple([[float(x) for x in level] for level in fresh[side]] for side in ("bids", "asks"))


def caches() -> None:
    point(exchange("fast"))
    lasted, kept, fresh = asyncio.run(depth_cache())
    point(INFO)
    same("kept book", "depth cache: ten minutes", lasted, True)
    same("kept book", "depth cache", kept, fresh)


def user_stream(name: str, opened: Callable[[BinanceSocketManager], Any], place: Callable[[], Any]) -> None:
    """Place an order and hear of it."""
    say = f"{name}: {{}}".format
    with listening(INFO, opened) as heard:
        number = place()["orderId"]

        def tells(message: Any, kind: str) -> bool:
            if message.get("e") not in {"executionReport", "ORDER_TRADE_UPDATE"}:
                return False
            order = message.get("o") if name != "spot" else message
            return (order["i"], order["x"]) == (number, kind)

        check("order stream", say("new"), lambda: heard.wait(lambda m: tells(m, "NEW")))
        check("execution stream", say("trade"), lambda: heard.wait(lambda m: tells(m, "TRADE")))
        topic, event = ("balance", "outboundAccountPosition") if name == "spot" else ("positions", "ACCOUNT_UPDATE")
        check(topic, say("stream"), lambda: heard.wait(lambda m: m.get("e") == event))


def users() -> None:
    client: Any = Client(INFO["api_key"], INFO["api_secret"])
    market = {"type": "MARKET", "side": "BUY"}
    user_stream("spot", lambda m: m.user_socket(), lambda: client.create_order(symbol=S, quantity=0.01, **market))
    user_stream(
        "linear",
        lambda m: m.futures_user_socket(),
        lambda: client.futures_create_order(symbol=S, quantity=0.01, **market),
    )
    user_stream(
        "inverse",
        lambda m: m.coin_futures_user_socket(),
        lambda: client.futures_coin_create_order(symbol=COIN, quantity=1, **market),
    )


def orders_by_socket() -> None:
    """Trade over the request sockets of spot and USD-margined futures; the client has no calls for the third one."""
    runner, topic = asyncio.Runner(), "trade socket"
    wait = runner.run
    client: Any = wait(AsyncClient.create(INFO["api_key"], INFO["api_secret"]))
    last = float(wait(client.get_symbol_ticker(symbol=S))["price"])

    def orders(name: str, prefix: str, codes: dict[str, int]) -> None:
        say = f"{name}: {{}}".format
        limit = {"symbol": S, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 0.01}
        limit |= {"price": f"{last * 0.96:.1f}"}

        def do(what: str, **params: Any) -> Any:
            return wait(getattr(client, f"ws_{prefix}{what}")(**params))

        def place(**more: Any) -> Any:
            return do("create_order", **{**limit, **more})

        number = check(topic, say("order"), lambda: place(newClientOrderId="by-socket"))["orderId"]
        named = {"symbol": S, "orderId": number}
        check(topic, say("status"), lambda: do("get_order", **named))
        refused(topic, say("insufficient"), lambda: place(quantity=90), codes["funds"])
        refused(topic, say("duplicate id"), lambda: place(newClientOrderId="by-socket"), codes["duplicate"])
        refused(topic, say("bad price"), lambda: place(price="20000.123"), codes["grid"])
        refused(topic, say("bad quantity"), lambda: place(quantity="0.0000001"), codes["grid"])
        gone = check(topic, say("cancel"), lambda: do("cancel_order", **named))
        fields(topic, say("cancelled"), gone, status="CANCELED")
        refused(topic, say("unknown order"), lambda: do("cancel_order", **named), -2011)
        with clock_off(-20):
            refused(topic, say("late"), lambda: place(newClientOrderId="late"), -1021)

    orders("spot", "", {"funds": -2010, "duplicate": -2010, "grid": -1013})
    orders("linear", "futures_", {"funds": -2019, "duplicate": -4116, "grid": -1111})
    market = {"symbol": S, "side": "BUY", "quantity": 0.01}
    filled = check(topic, "spot: market", lambda: wait(client.ws_order_market(**market)))
    fields(topic, "spot: filled", filled, status="FILLED")
    order = {"symbol": S, "side": "SELL", "quantity": 0.01, "price": f"{last * 1.04:.1f}"}
    number = wait(client.ws_futures_create_order(type="LIMIT", timeInForce="GTC", **order))["orderId"]
    more = {**order, "orderId": number, "quantity": 0.02}
    changed = check(topic, "linear: modify", lambda: wait(client.ws_futures_edit_order(**more)))
    fields(topic, "linear: modified", changed, orderId=number, origQty="0.020")
    wait(client.ws_futures_cancel_order(symbol=S, orderId=number))
    stop = {"symbol": S, "side": "SELL", "type": "STOP_MARKET", "quantity": 0.01, "stopPrice": round(last * 0.9)}
    waiting = check(topic, "linear: algo order", lambda: wait(client.ws_futures_create_order(**stop)))
    gone = check(topic, "linear: algo cancel", lambda: wait(client.ws_futures_cancel_order(algoId=waiting["algoId"])))
    fields(topic, "linear: algo cancelled", gone, algoId=waiting["algoId"])
    wait(client.close_connection())
    runner.close()


point(INFO)
streams()
caches()
users()
orders_by_socket()
