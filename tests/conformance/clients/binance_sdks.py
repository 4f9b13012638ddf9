"""The venue's own modular SDKs, one for each of its markets: REST, streams, and orders over their sockets.

Every answer goes through the SDK's own models, which know the type of each field.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError, Error, RateLimitBanError, TooManyRequestsError, UnauthorizedError
from binance_sdk_derivatives_trading_coin_futures.derivatives_trading_coin_futures import DerivativesTradingCoinFutures
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from binance_sdk_spot.spot import Spot
from checks import Heard, check, clock_off, exchange, fields, keep_book, refused, same, too_fast

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

KINDS = {"spot": Spot, "linear": DerivativesTradingUsdsFutures, "inverse": DerivativesTradingCoinFutures}
SYMBOLS = {"spot": "BTCUSDT", "linear": "BTCUSDT", "inverse": "BTCUSD_PERP"}
SMALL = {"spot": 0.01, "linear": 0.01, "inverse": 10.0}
LARGE = {"spot": 90.0, "linear": 500.0, "inverse": 900_000.0}
# What the SDKs call the same thing: in spot, and in futures.
NAMES = {
    "time": ("time", "check_server_time"),
    "markets": ("exchange_info", "exchange_information"),
    "klines": ("klines", "kline_candlestick_data"),
    "depth": ("depth", "order_book"),
    "trades": ("get_trades", "recent_trades_list"),
    "ticker": ("ticker24hr", "ticker24hr_price_change_statistics"),
    "book ticker": ("ticker_book_ticker", "symbol_order_book_ticker"),
    "price": ("ticker_price", "symbol_price_ticker"),
    "open orders": ("get_open_orders", "current_all_open_orders"),
    "order": ("get_order", "query_order"),
    "cancel": ("delete_order", "cancel_order"),
    "cancel all": ("delete_open_orders", "cancel_all_open_orders"),
    "my trades": ("my_trades", "account_trade_list"),
    "depth stream": ("diff_book_depth", "diff_book_depth_streams"),
    "kline stream": ("kline", "kline_candlestick_streams"),
    "trade stream": ("agg_trade", "aggregate_trade_streams"),
    "ticker stream": ("ticker", "individual_symbol_ticker_streams"),
    "order by socket": ("order_place", "new_order"),
    "status by socket": ("order_status", "query_order"),
    "cancel by socket": ("order_cancel", "cancel_order"),
}
STATUSES = {BadRequestError: 400, UnauthorizedError: 401, RateLimitBanError: 418, TooManyRequestsError: 429}


class Told(Exception):
    """An error of an SDK, by the names that the checks read: its ``status_code`` is the venue's code."""

    def __init__(self, error: Any) -> None:
        super().__init__(str(error))
        self.error_code, self.error_message = error.status_code, error.error_message
        self.status_code = STATUSES[type(error)]
        self.header = {"Retry-After": getattr(error, "retry_after", None) or 0}


def plain(answer: Any) -> Any:
    """Return the dicts and lists of an answer, under the venue's names."""
    answer = getattr(answer, "actual_instance", None) or answer
    if isinstance(answer, list):
        return [plain(each) for each in answer]
    return answer.to_dict() if hasattr(answer, "to_dict") else answer


class Side:
    """One of the three markets.

    Args:
        name: ``spot``, ``linear`` or ``inverse``.
        which: the exchange.
        key: API key; the exchange's where there is none.
        secret: its secret, likewise.
    """

    def __init__(self, name: str, which: str = "market", key: str = "", secret: str = "") -> None:
        info = exchange(which)
        places = info["markets"][name]
        keys = {"api_key": key or info["api_key"], "api_secret": secret or info["api_secret"]}
        # The SDK of USD-M puts the venue's folders behind the address itself.
        stream_url = places["ws"].removesuffix("/ws") if name == "linear" else places["ws"].replace("/ws", "/stream")
        if name == "spot":
            stream_url = places["rest"].replace("http", "ws", 1) + "/stream"
        client: Any = KINDS[name](
            config_rest_api=ConfigurationRestAPI(base_path=places["rest"], retries=0, timeout=10_000, **keys),
            config_ws_api=ConfigurationWebSocketAPI(stream_url=places["ws_api"], **keys),
            config_ws_streams=ConfigurationWebSocketStreams(stream_url=stream_url),
        )
        self.name, self.symbol, self.small = name, SYMBOLS[name], SMALL[name]
        self.rest, self.client = client.rest_api, client

    def say(self, name: str) -> str:
        """Return the name of a check in this market."""
        return f"{self.name}: {name}"

    def called(self, name: str) -> str:
        """Return what this market's SDK calls something."""
        return NAMES[name][self.name != "spot"] if name in NAMES else name

    def do(self, call: str, **params: Any) -> Any:
        """Make a call of REST."""
        try:
            return plain(getattr(self.rest, self.called(call))(**params).data())
        except Error as error:
            raise Told(error) from error

    def ask(self, topic: str, call: str, **params: Any) -> Any:
        """Make a call of REST and tell whether it came off."""
        return check(topic, self.say(self.called(call)), partial(self.do, call, **params))

    def order(self, kind: str = "LIMIT", side: str = "BUY", **more: Any) -> dict[str, Any]:
        """Return the parameters of an order."""
        limit = {"time_in_force": "GTC"} if kind == "LIMIT" else {}
        order = {"symbol": self.symbol, "side": side, "type": kind, "quantity": self.small, **limit}
        return {**order, "new_order_resp_type": "RESULT", **more}

    def held(self) -> float:
        """Return what is held of the symbol."""
        if self.name == "linear":
            rows = self.do("position_information_v3", symbol=self.symbol)
        else:
            rows = self.do("position_information")
        return sum(float(row["positionAmt"]) for row in rows if row["symbol"] == self.symbol)


class Loop:
    """An event loop in a thread of its own, for the sockets, all of which are asynchronous."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Return what a coroutine returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)


LOOP = Loop()


def market_data(side: Side) -> float:
    symbol = side.symbol
    side.ask("markets", "time")
    listed = side.ask("markets", "markets")
    same("markets", side.say("symbol"), [x["symbol"] for x in listed["symbols"] if x["symbol"] == symbol], [symbol])
    bars = side.ask("klines", "klines", symbol=symbol, interval="1m", limit=5)
    starts = [int(bar[0]) for bar in bars]
    same("klines", side.say("a minute apart"), [each - starts[0] for each in starts], [60_000 * n for n in range(5)])
    for name in ("trades", "ticker", "book ticker", "price"):
        side.ask("ticker", name, symbol=symbol)
    if side.name != "spot":
        side.ask("ticker", "open_interest", symbol=symbol)
        side.ask("ticker", "mark_price" if side.name == "linear" else "index_price_and_mark_price", symbol=symbol)
    depth = side.ask("ticker", "depth", symbol=symbol, limit=100)
    return float(depth["bids"][0][0])


def orders(side: Side, last: float) -> None:
    topic, symbol, say = "place, amend, cancel", side.symbol, side.say
    far, near = float(round(last * 0.96)), float(round(last * 1.02))
    placed = side.ask(topic, "new_order", **side.order(price=far))
    number = {"symbol": symbol, "order_id": placed["orderId"]}
    found = side.ask(topic, "open orders", symbol=symbol)
    same(topic, say("open"), [row["orderId"] for row in found], [placed["orderId"]])
    if side.name == "spot":
        amended = side.ask(topic, "order_amend_keep_priority", **number, new_qty=side.small / 2)
        same(topic, say("amended"), float(amended["amendedOrder"]["qty"]), side.small / 2)
    else:
        change = {"side": "BUY", "quantity": side.small * 2, "price": far - 10}
        amended = side.ask(topic, "modify_order", **number, **change)
        amended = float(amended["origQty"]), float(amended["price"])
        same(topic, say("amended"), amended, (side.small * 2, far - 10))
    fields(topic, say("queried"), side.ask(topic, "order", **number), status="NEW", orderId=placed["orderId"])
    fields(topic, say("cancelled"), side.ask(topic, "cancel", **number), status="CANCELED")
    topic = "order types"
    for force, price, status in (("IOC", far, "EXPIRED"), ("FOK", near, "FILLED")):
        made = side.ask(topic, "new_order", **side.order(price=price, time_in_force=force))
        fields(topic, say(force), made, status=status)
    filled = side.ask(topic, "new_order", **side.order("MARKET"))
    same(topic, say("market"), (filled["status"], float(filled["executedQty"])), ("FILLED", side.small))
    if side.name == "spot":
        stop = side.order("STOP_LOSS", "SELL", stop_price=far)
        fields(topic, say("stop"), side.ask(topic, "new_order", **stop), type="STOP_LOSS")
        legs = {"above_type": "LIMIT_MAKER", "above_price": near, "below_type": "STOP_LOSS", "below_stop_price": far}
        both = side.ask(topic, "order_list_oco", symbol=symbol, side="SELL", quantity=side.small, **legs)
        fields(topic, say("oco"), both, contingencyType="OCO", listOrderStatus="EXECUTING")
    elif side.name == "linear":
        stop = {"symbol": symbol, "side": "SELL", "type": "STOP_MARKET", "quantity": side.small, "trigger_price": far}
        waits = side.ask(topic, "new_algo_order", algo_type="CONDITIONAL", **stop)
        fields(topic, say("stop"), waits, orderType="STOP_MARKET", algoStatus="NEW")
        side.ask(topic, "cancel_algo_order", algo_id=waits["algoId"])
    if side.name != "spot":
        side.do("new_order", **side.order(price=far))
    side.ask(topic, "cancel all", symbol=symbol)
    same(topic, say("none open"), side.do("open orders", symbol=symbol), [])


def what_is_left(side: Side) -> None:
    say, symbol = side.say, side.symbol
    price, offered = side.do("depth", symbol=symbol, limit=5)["asks"][0]
    large = float(round(float(offered) * 1.5 + side.small, 0 if side.name == "inverse" else 3))
    order = side.order(price=float(price), quantity=large, time_in_force="IOC")
    part = side.ask("partial fill", "new_order", **order)
    done = float(part["executedQty"])
    fine = 0 < done <= large, part["status"] in {"EXPIRED", "FILLED"}
    same("partial fill", say("some of it"), fine, (True, True))
    mine = side.ask("my trades", "my trades", symbol=symbol, limit=500)
    mine = [row for row in mine if row["orderId"] == part["orderId"]]
    same("my trades", say("add up"), round(sum(float(row["qty"]) for row in mine), 6), done)
    if side.name == "spot":
        account = side.ask("balance", "get_account")
        coins = {row["asset"]: float(row["free"]) for row in account["balances"]}
        same("balance", say("coins were bought"), coins["BTC"] > 10 and coins["USDT"] < 100_000, True)
        return
    new = "_v3" if side.name == "linear" else ""
    rows = side.ask("balance", f"futures_account_balance{new}")
    coins = {row["asset"]: float(row["balance"]) for row in rows}
    paid = coins["USDT"] < 100_000 if side.name == "linear" else coins["BTC"] < 10
    same("balance", say("commission was paid"), paid, True)
    side.ask("balance", f"account_information{new}")
    same("positions", say("held"), side.held() > done, True)
    closing = side.order("MARKET", "SELL", quantity=round(side.held(), 3), reduce_only="true")
    fields("positions", say("closed"), side.ask("positions", "new_order", **closing), status="FILLED")
    same("positions", say("nothing held"), side.held(), 0)
    refused("positions", say("nothing to reduce"), partial(side.do, "new_order", **closing), -2022)
    changed = side.ask("leverage", "change_initial_leverage", symbol=symbol, leverage=7)
    fields("leverage", say("changed"), changed, leverage=7)
    high = partial(side.do, "change_initial_leverage", symbol=symbol, leverage=126)
    refused("leverage", say("too much leverage"), high, -4028)


def refusals(side: Side, last: float) -> None:
    say, spot = side.say, side.name == "spot"
    far = float(round(last * 0.96))
    place: Callable[..., Any] = lambda **more: partial(side.do, "new_order", **side.order(**{"price": far, **more}))  # noqa: E731
    check("duplicate client id", say("client id"), place(new_client_order_id="twice"))
    refused("duplicate client id", say("twice"), place(new_client_order_id="twice"), -2010 if spot else -4116)
    dear = partial(side.do, "new_order", **side.order("MARKET", quantity=LARGE[side.name]))
    refused("insufficient funds", say("insufficient"), dear, -2010 if spot else -2019)
    refused("bad price", say("price"), place(price=30_000.12345), -1013 if spot else -1111)
    refused("bad quantity", say("quantity"), place(quantity=side.small + 0.0000001), -1013 if spot else -1111)
    number = {"symbol": side.symbol, "order_id": 999_999}
    refused("unknown order", say("cancel"), partial(side.do, "cancel", **number), -2011)
    refused("unknown order", say("order"), partial(side.do, "order", **number), -2013)
    mine = partial(side.do, "open orders", symbol=side.symbol)
    with clock_off(-20):
        refused("stale timestamp", say("late"), mine, -1021)
    refused("wrong key", say("key"), partial(Side(side.name, key="nobody").do, "open orders"), -2015)
    refused("wrong key", say("signature"), partial(Side(side.name, secret="wrong").do, "open orders"), -1022)
    side.do("cancel all", symbol=side.symbol)
    too_fast(partial(Side(side.name, "narrow").do, "time"), say)


def hear(heard: Heard, stream: Any) -> None:
    """Let the messages of a stream be heard."""
    stream.on("message", lambda message: heard.take(plain(message)))


def streams(side: Side) -> None:
    heard, say = Heard(), side.say
    fast = Side(side.name, "fast")
    socket = fast.client.websocket_streams
    LOOP.run(socket.create_connection())
    symbol = {"symbol": side.symbol.lower()}

    def open_stream(name: str, **more: Any) -> None:
        hear(heard, LOOP.run(getattr(socket, side.called(name))(**symbol, **more)))

    open_stream("depth stream")
    keep_book(heard, partial(fast.do, "depth", symbol=side.symbol, limit=1000), say)
    open_stream("kline stream", interval="1m")
    open_stream("trade stream")
    open_stream("ticker stream")
    for topic, kind in (("klines", "kline"), ("ticker", "aggTrade"), ("ticker", "24hrTicker")):
        check(topic, say(f"{kind} stream"), partial(heard.wait, lambda m, kind=kind: m.get("e") == kind))
    LOOP.run(socket.close_connection(close_session=True))


def users(side: Side) -> None:
    """Place and cancel over the socket, and hear of it on the stream of the user."""
    heard, say, spot = Heard(), side.say, side.name == "spot"
    socket, stream = side.client.websocket_api, side.client.websocket_streams
    LOOP.run(socket.create_connection())
    if spot:
        subscribed = LOOP.run(socket.user_data_stream_subscribe_signature())
        hear(heard, subscribed.stream)
    else:
        key = side.ask("order stream", "start_user_data_stream")["listenKey"]
        LOOP.run(stream.create_connection())
        hear(heard, LOOP.run(stream.user_data(key)))

    def call(name: str, **params: Any) -> Any:
        answer = plain(LOOP.run(getattr(socket, side.called(name))(**params)).data())
        return answer.get("result", answer)

    topic = "trade socket"
    far = float(round(float(side.do("depth", symbol=side.symbol, limit=5)["bids"][0][0]) * 0.96))
    order = side.order(price=far)
    placed = check(topic, say("order"), partial(call, "order by socket", **order))
    number = {"symbol": side.symbol, "order_id": placed["orderId"]}
    fields(topic, say("status"), call("status by socket", **number), status="NEW", orderId=placed["orderId"])
    fields(topic, say("cancel"), call("cancel by socket", **number), status="CANCELED")
    filled = check(topic, say("market"), partial(call, "order by socket", **side.order("MARKET")))
    told = call("order by socket", **{**order, "quantity": side.small + 0.0000001})
    same(topic, say("bad quantity"), told.get("error", {}).get("code"), -1013 if spot else -1111)
    told = call("cancel by socket", symbol=side.symbol, order_id=999_999)
    same(topic, say("unknown order"), told.get("error", {}).get("code"), -2011)

    def report(message: Any) -> Any:
        # Of futures the order is a field of the event; of spot it is the event, and this field its type.
        return message["o"] if isinstance(message.get("o"), dict) else message

    def event(kind: str, order_id: int) -> Any:
        fits = {"x": kind, "i": order_id}
        return report(heard.wait(lambda message: fits.items() <= report(message).items()))

    check("order stream", say("new"), partial(event, "NEW", placed["orderId"]))
    check("order stream", say("cancelled"), partial(event, "CANCELED", placed["orderId"]))
    trade = check("execution stream", say("trade"), partial(event, "TRADE", filled["orderId"]))
    same("execution stream", say("so much"), float(trade["z"]), side.small)
    LOOP.run(socket.close_connection(close_session=True))
    if not spot:
        LOOP.run(stream.close_connection(close_session=True))


logging.disable(logging.CRITICAL)
for each in KINDS:
    market = Side(each)
    price_now = market_data(market)
    orders(market, price_now)
    what_is_left(market)
    refusals(market, price_now)
    streams(market)
    users(market)
