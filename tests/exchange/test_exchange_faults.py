"""Every fault does to a real client what it says; one without a test fails here."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import ccxt
import ccxt.pro
import pytest
from aiohttp.test_utils import RawTestServer, TestClient
from binance_clients import binance_settings

from real_trade.exchange.answers import Answer
from real_trade.exchange.clock import SkewedClock
from real_trade.exchange.faults import FAULTS, FaultDice, FaultPlan, Where, read_plan
from real_trade.exchange.server import RequestLog, VenueServer
from real_trade.model import InputError, SystemClock
from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from real_trade.exchange.answers import Query

SYMBOL = "BTC/USDT:USDT"
FAR = "0.8"  # of the price: an order there rests


class Stage:
    """A running exchange, ccxt's clients of it, and the keeper's door."""

    def __init__(self, exchange: RunningExchange) -> None:
        self.exchange = exchange
        root, info = exchange.rest, exchange.info
        self.options: dict[str, Any] = {"apiKey": "key", "secret": "secret", "enableRateLimit": False}
        sockets = {
            "public": {name: f"{info['ws_public']}/{name}" for name in ("spot", "linear", "inverse", "option")},
            "private": {
                "spot": {"unified": info["ws_private"], "nonUnified": info["ws_private"]},
                "contract": info["ws_private"],
                "usdc": info["ws_private"],
                "trade": info["ws_trade"],
            },
        }
        api = dict.fromkeys(("spot", "futures", "v2", "public", "private"), root)
        self.options["urls"] = {"api": {**api, "ws": sockets}}
        self.client = ccxt.bybit(self.options)
        self.client.load_markets()
        self.price = float(self.client.fetch_ticker(SYMBOL)["last"])

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.exchange.info["admin"] + path, data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def plan(self, kind: str, **more: object) -> None:
        self.ask("POST", "/faults", {"kind": kind, **more})

    def calm(self) -> None:
        self.ask("DELETE", "/faults")

    def truth(self) -> dict[str, Any]:
        return dict(self.ask("GET", "/state")["accounts"]["key"][0])

    def rest_order(self, share: float = 0.8, amount: float = 0.01) -> str:
        return str(self.client.create_order(SYMBOL, "limit", "buy", amount, round(self.price * share, 1))["id"])

    def open_truth(self) -> list[dict[str, Any]]:
        return [order for order in self.truth()["orders"] if order["status"] in {"new", "partially_filled"}]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningExchange]:
    with running_exchange("bybit", seed=3, admin_port=0, rate_limits="off") as exchange:
        yield exchange


@pytest.fixture
def stage(running: RunningExchange) -> Iterator[Stage]:
    made = Stage(running)
    yield made
    made.calm()
    made.client.cancel_all_orders(SYMBOL)
    held = made.client.fetch_positions([SYMBOL])[0]["contracts"]
    if held:
        made.client.create_order(SYMBOL, "market", "sell", held, None, {"reduceOnly": True})
    made.client.session.close()


# Requests


def sees_error_5xx(stage: Stage) -> None:
    stage.plan("error_5xx", argument=503)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        stage.rest_order()
    stage.calm()
    assert stage.open_truth() == []


def sees_rate_10006(stage: Stage) -> None:
    stage.plan("rate_10006", argument=2)
    with pytest.raises(ccxt.RateLimitExceeded, match="10006"):
        stage.client.fetch_ticker(SYMBOL)


def sees_ip_ban(stage: Stage) -> None:
    stage.plan("ip_ban", argument=1, times=1)
    for _ in range(2):
        with pytest.raises(ccxt.RateLimitExceeded, match="access too frequent"):
            stage.client.fetch_ticker(SYMBOL)
    time.sleep(1.1)
    assert stage.client.fetch_ticker(SYMBOL)["last"]


def sees_maintenance(stage: Stage) -> None:
    stage.plan("maintenance")
    with pytest.raises(ccxt.ExchangeError, match="10016"):
        stage.client.fetch_ticker(SYMBOL)


def sees_reset(stage: Stage) -> None:
    stage.plan("reset")
    with pytest.raises(ccxt.NetworkError):
        stage.rest_order()
    stage.calm()
    assert stage.open_truth() == []


# Answers


def accepted_although(stage: Stage, kind: str, error: type[Exception], **more: object) -> None:
    stage.plan(kind, endpoint="/v5/order/create", **more)
    with pytest.raises(error):
        stage.rest_order()
    stage.calm()
    assert len(stage.open_truth()) == 1


def sees_lost_answer(stage: Stage) -> None:
    accepted_although(stage, "lost_answer", ccxt.NetworkError)


def sees_error_after(stage: Stage) -> None:
    accepted_although(stage, "error_after", ccxt.ExchangeNotAvailable, argument=502)


def sees_timed_out(stage: Stage) -> None:
    accepted_although(stage, "timed_out", ccxt.ExchangeError)


def sees_no_answer(stage: Stage) -> None:
    stage.client.timeout = 1_500
    accepted_although(stage, "no_answer", ccxt.RequestTimeout, argument=3)


def sees_slow(stage: Stage) -> None:
    stage.plan("slow", argument=0.4)
    began = time.monotonic()
    stage.client.fetch_ticker(SYMBOL)
    assert time.monotonic() - began >= 0.4


def sees_truncated(stage: Stage) -> None:
    stage.plan("truncated")
    with pytest.raises(ccxt.NetworkError):
        stage.client.fetch_ticker(SYMBOL)


def sees_cut_json(stage: Stage) -> None:
    stage.plan("cut_json")
    # ccxt takes what it cannot read for an answer without content.
    assert stage.client.fetch_ticker(SYMBOL)["last"] is None


def sees_unknown_field(stage: Stage) -> None:
    stage.plan("unknown_field")
    info = stage.client.fetch_ticker(SYMBOL)["info"]
    assert info["fieldOfTomorrow"]


def sees_unknown_enum(stage: Stage) -> None:
    stage.rest_order()
    stage.plan("unknown_enum")
    assert stage.client.fetch_open_orders(SYMBOL)[0]["status"] == "StatusOfTomorrow"


def sees_missing_field(stage: Stage) -> None:
    stage.rest_order()
    assert stage.client.fetch_open_orders(SYMBOL)[0]["filled"] == 0.0
    stage.plan("missing_field")
    assert stage.client.fetch_open_orders(SYMBOL)[0]["filled"] is None


def sees_zero_price(stage: Stage) -> None:
    stage.plan("zero_price")
    info = stage.client.fetch_ticker(SYMBOL)["info"]
    assert (info["lastPrice"], info["bid1Price"], info["markPrice"]) == ("0", "0", "0")


def sees_missing_order(stage: Stage) -> None:
    placed = {stage.rest_order(), stage.rest_order(0.79)}
    stage.plan("missing_order")
    seen = {order["id"] for order in stage.client.fetch_open_orders(SYMBOL)}
    assert len(seen) == 1
    assert seen < placed


def sees_stale_answer(stage: Stage) -> None:
    order = stage.rest_order()
    stage.plan("stale_answer", times=1, endpoint="/v5/order/never")
    assert len(stage.client.fetch_open_orders(SYMBOL)) == 1
    stage.plan("stale_answer")
    stage.client.cancel_order(order, SYMBOL)
    # Cancelled, yet it is shown as open still.
    assert [seen["id"] for seen in stage.client.fetch_open_orders(SYMBOL)] == [order]
    stage.calm()
    assert stage.client.fetch_open_orders(SYMBOL) == []


def sees_missing_bar(stage: Stage) -> None:
    stage.plan("missing_bar")
    times = [row[0] for row in stage.client.fetch_ohlcv(SYMBOL, "1m", limit=100)]
    assert len(times) == 99
    assert sorted({b - a for a, b in itertools.pairwise(times)}) == [60_000, 120_000]


def sees_revised_bar(stage: Stage) -> None:
    stage.plan("revised_bar")
    wrong = stage.client.fetch_ohlcv(SYMBOL, "1m", limit=5)
    stage.calm()
    true = {row[0]: row for row in stage.client.fetch_ohlcv(SYMBOL, "1m", limit=10)}
    # The one that is open may have gone on meanwhile.
    differing = [row for row in wrong[:-1] if row != true[row[0]]]
    assert differing == [[*true[wrong[-2][0]][:5], wrong[-2][5]]]
    assert wrong[-2][5] < true[wrong[-2][0]][5]


def sees_cancel_race(stage: Stage) -> None:
    order = stage.rest_order(0.999)
    stage.plan("cancel_race")
    with pytest.raises(ccxt.OrderNotFound):
        stage.client.cancel_order(order, SYMBOL)
    assert float(stage.client.fetch_positions([SYMBOL])[0]["contracts"]) == 0.01


# Streams


def streaming(stage: Stage, watch: Callable[[Any], Awaitable[None]]) -> None:
    async def run() -> None:
        client = ccxt.pro.bybit(stage.options)
        try:
            await client.load_markets()
            await watch(client)
        finally:
            await client.close()

    asyncio.run(run())


async def order_statuses(client: Any, stage: Stage, wait_s: float = 1.0) -> list[str]:
    """Return what the stream says, message by message, of an order that is placed and cancelled."""
    seen: list[tuple[str, str]] = []
    taken = client.handle_order

    def look(connection: Any, message: Any) -> None:
        seen.extend((row["orderId"], row["orderStatus"]) for row in message["data"])
        taken(connection, message)

    async def listen() -> None:
        while True:
            await client.watch_orders(SYMBOL)

    client.handle_order = look
    listener = asyncio.ensure_future(listen())
    await asyncio.sleep(0.5)
    placed = await asyncio.to_thread(stage.rest_order)
    await asyncio.to_thread(stage.client.cancel_order, placed, SYMBOL)
    await asyncio.sleep(wait_s)
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)
    client.handle_order = taken
    return [status for order, status in seen if order == placed]


async def forever(client: Any) -> None:
    while True:
        await asyncio.wait_for(client.watch_order_book(SYMBOL), 3)


def sees_stream_drop(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        await client.watch_order_book(SYMBOL)
        stage.plan("stream_drop")
        with pytest.raises(ccxt.NetworkError):
            await forever(client)

    streaming(stage, watch)


def sees_stream_silence(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        await client.watch_order_book(SYMBOL)
        stage.plan("stream_silence")
        with pytest.raises(TimeoutError):
            await forever(client)

    streaming(stage, watch)


def sees_stream_loss(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        stage.plan("stream_loss", endpoint="order")
        assert await order_statuses(client, stage) == []

    streaming(stage, watch)


def sees_stream_twice(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        stage.plan("stream_twice", endpoint="order")
        assert await order_statuses(client, stage) == ["New", "New", "Cancelled", "Cancelled"]

    streaming(stage, watch)


def test_a_message_may_come_again_later(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        stage.plan("stream_twice", endpoint="order", argument=1.5)
        assert await order_statuses(client, stage, 0.7) == ["New", "Cancelled"]
        assert await order_statuses(client, stage, 2.5) == ["New", "Cancelled", "New", "Cancelled"]

    streaming(stage, watch)


def sees_stream_swap(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        stage.plan("stream_swap", endpoint="order", times=1)
        assert await order_statuses(client, stage) == ["Cancelled", "New"]

    streaming(stage, watch)


def sees_stream_delay(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        assert await order_statuses(client, stage, 0.8) == ["New", "Cancelled"]
        stage.plan("stream_delay", endpoint="order", argument=3.0, times=1)
        assert await order_statuses(client, stage, 0.8) == []

    streaming(stage, watch)


def sees_stream_cut(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        stage.plan("stream_cut", endpoint="order")
        assert await order_statuses(client, stage) == []

    streaming(stage, watch)


def sees_stream_unknown_field(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        stage.plan("stream_unknown_field", endpoint="tickers*")
        assert (await client.watch_ticker(SYMBOL))["info"]["fieldOfTomorrow"]

    streaming(stage, watch)


def sees_stream_unknown_enum(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        stage.plan("stream_unknown_enum")
        assert set(await order_statuses(client, stage)) == {"StatusOfTomorrow"}

    streaming(stage, watch)


def sees_stream_missing_field(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        stage.plan("stream_missing_field")
        placed = asyncio.ensure_future(client.watch_orders(SYMBOL))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(stage.rest_order)
        orders = await asyncio.wait_for(placed, 5)
        assert [(order["status"], order["filled"]) for order in orders] == [("open", None)]

    streaming(stage, watch)


def sees_stream_zero_price(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        stage.plan("stream_zero_price")
        assert (await client.watch_ticker(SYMBOL))["info"]["lastPrice"] == "0"

    streaming(stage, watch)


def numbers_of_books(client: Any) -> list[tuple[str, int]]:
    """Return kind and number of the messages about books, as they come."""
    seen: list[tuple[str, int]] = []
    taken = client.handle_order_book

    def look(connection: Any, message: Any) -> None:
        seen.append((message["type"], message["data"]["u"]))
        taken(connection, message)

    client.handle_order_book = look
    return seen


def sees_book_gap(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        seen = numbers_of_books(client)
        await client.watch_order_book(SYMBOL, 50)
        stage.plan("book_gap", times=1)
        while len(seen) < 5:
            await client.watch_order_book(SYMBOL, 50)
        assert max(b - a for (_, a), (_, b) in itertools.pairwise(seen)) > 1

    streaming(stage, watch)


# The market


def sees_book_restart(stage: Stage) -> None:
    async def watch(client: Any) -> None:
        seen = numbers_of_books(client)
        await client.watch_order_book(SYMBOL, 50)
        stage.plan("book_restart")
        while ("snapshot", 1) not in seen:
            book = await client.watch_order_book(SYMBOL, 50)
        assert book["bids"][0][0] < book["asks"][0][0]

    streaming(stage, watch)


def sees_clock_skew(stage: Stage) -> None:
    stage.plan("clock_skew", argument=60_000)
    time.sleep(0.1)
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        stage.client.fetch_balance()
    assert stage.client.fetch_time() - time.time() * 1000 > 50_000
    stage.plan("clock_skew", argument=0)
    time.sleep(0.1)
    assert stage.client.fetch_balance()["USDT"]["total"] > 0


def sees_price_gap(stage: Stage) -> None:
    before = float(stage.client.fetch_ticker(SYMBOL)["last"])
    stage.plan("price_gap", argument=0.05, symbol="BTCUSDT")
    time.sleep(0.1)
    after = float(stage.client.fetch_ticker(SYMBOL)["last"])
    assert after / before > 1.04


def sees_partial_then_cancel(stage: Stage) -> None:
    order = stage.rest_order(0.999, 0.02)
    stage.plan("partial_then_cancel", symbol="BTCUSDT")
    time.sleep(0.1)
    seen = stage.client.fetch_order(order, SYMBOL, {"acknowledged": True})
    assert (seen["status"], seen["filled"]) == ("canceled", 0.01)


def sees_self_trade(stage: Stage) -> None:
    orders = [stage.rest_order(share) for share in (0.9, 0.91)]
    stage.plan("self_trade", symbol="BTCUSDT")
    time.sleep(0.1)
    assert [order["id"] for order in stage.client.fetch_open_orders(SYMBOL)] == orders[:1]
    gone = stage.client.fetch_order(orders[1], SYMBOL, {"acknowledged": True})
    assert (gone["status"], gone["info"]["cancelType"]) == ("canceled", "CancelBySmp")


def sees_funding_interval(stage: Stage) -> None:
    stage.plan("funding_interval", argument=60)
    time.sleep(0.1)
    info = stage.client.fetch_funding_rate(SYMBOL)
    assert info["info"]["fundingIntervalHour"] == "1"
    assert 0 < info["fundingTimestamp"] - time.time() * 1000 <= 3_600_000


def opened(stage: Stage) -> None:
    stage.client.create_order(SYMBOL, "market", "buy", 0.1)


def sees_liquidation(stage: Stage) -> None:
    opened(stage)
    stage.plan("liquidation", symbol="BTCUSDT")
    time.sleep(0.1)
    assert stage.client.fetch_positions([SYMBOL])[0]["contracts"] == 0
    kinds = [
        trade["info"]["execType"] for trade in stage.client.fetch_my_trades(SYMBOL, params={"execType": "BustTrade"})
    ]
    assert kinds
    assert set(kinds) == {"BustTrade"}


def sees_adl(stage: Stage) -> None:
    opened(stage)
    stage.plan("adl", argument=0.5, symbol="BTCUSDT")
    time.sleep(0.1)
    assert stage.client.fetch_positions([SYMBOL])[0]["contracts"] == 0.05
    assert stage.client.fetch_my_trades(SYMBOL, params={"execType": "AdlTrade"})


TESTS = {name.removeprefix("sees_"): check for name, check in list(globals().items()) if name.startswith("sees_")}


def test_every_fault_has_a_test_of_its_effect() -> None:
    assert set(TESTS) | set(LASTING) | {"listen_key_expired"} == set(FAULTS)
    assert all(fault.about for fault in FAULTS.values())


@pytest.mark.parametrize("name", TESTS)
def test_a_fault_is_seen_by_a_real_client(name: str, stage: Stage) -> None:
    before = stage.ask("GET", "/faults")["injected"].get(name, 0)
    TESTS[name](stage)
    assert stage.ask("GET", "/faults")["injected"][name] > before
    noted = [line for line in stage.exchange.log if line["fault"] == name]
    assert all(line.get("path") or "market_time" in line for line in noted)
    assert noted


def coarser_ticks(stage: Stage) -> None:
    stage.plan("tick_change", argument=10, symbol="BTCUSDT")
    time.sleep(0.1)
    assert stage.client.load_markets(True)[SYMBOL]["precision"]["price"] == 1.0
    price = round(stage.price * 0.9) + 0.5
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy"}
    with pytest.raises(ccxt.InvalidOrder):
        stage.client.private_post_v5_order_create({**order, "orderType": "Limit", "qty": "0.01", "price": str(price)})


def coarser_lots(stage: Stage) -> None:
    before = stage.client.load_markets(True)[SYMBOL]["precision"]["amount"]
    stage.plan("lot_change", argument=10, symbol="BTCUSDT")
    time.sleep(0.1)
    assert stage.client.load_markets(True)[SYMBOL]["precision"]["amount"] == pytest.approx(10 * before)
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.011"}
    with pytest.raises(ccxt.BadRequest, match="10001"):
        stage.client.private_post_v5_order_create(order)


def delisted(stage: Stage) -> None:
    stage.client.create_order("ETH/USDT:USDT", "market", "buy", 0.1)
    stage.plan("delisting", symbol="ETHUSDT")
    time.sleep(0.1)
    assert "ETH/USDT:USDT" not in stage.client.load_markets(True) or not stage.client.markets["ETH/USDT:USDT"]["active"]
    held = [p for p in stage.truth()["positions"] if p["symbol"] == "linear/ETHUSDT"]
    assert held == []
    with pytest.raises(ccxt.BaseError):
        stage.client.private_post_v5_order_create(
            {"category": "linear", "symbol": "ETHUSDT", "side": "Buy", "orderType": "Market", "qty": "0.1"}
        )


# What does not go away again is tried last, on an exchange of its own.
LASTING = {"tick_change": coarser_ticks, "lot_change": coarser_lots, "delisting": delisted}


def test_what_does_not_go_away_again() -> None:
    with running_exchange("bybit", seed=3, admin_port=0, rate_limits="off") as exchange:
        for name, check in LASTING.items():
            stage = Stage(exchange)
            check(stage)
            assert stage.ask("GET", "/faults")["injected"][name] == 1


def test_a_listen_key_that_has_expired_cannot_be_prolonged() -> None:
    with running_exchange("binance", seed=3, admin_port=0, rate_limits="off") as exchange:
        client = ccxt.binanceusdm(binance_settings(exchange.info))
        key = client.fapiPrivatePostListenKey()["listenKey"]
        client.fapiPrivatePutListenKey({"listenKey": key})
        plan = json.dumps({"kind": "listen_key_expired"}).encode()
        request = urllib.request.Request(exchange.info["admin"] + "/faults", plan, method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200
        time.sleep(0.2)
        with pytest.raises(ccxt.BaseError, match="-1125"):
            client.fapiPrivatePutListenKey({"listenKey": key})
        client.session.close()
        assert [line["fault"] for line in exchange.log if "market_time" in line] == ["listen_key_expired"]


def test_binance_says_too_many_with_429() -> None:
    with running_exchange("binance", fault="rate_10006=1:3") as exchange:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(exchange.rest + "/api/v3/time", timeout=10)
        with caught.value as error:
            assert (error.code, error.headers["Retry-After"]) == (429, "3")
            assert json.loads(error.read())["code"] == -1003


def test_a_rate_is_a_share_of_requests_and_the_seed_decides_which() -> None:
    plans = (FaultPlan.parse("truncated=0.1"), FaultPlan.parse("slow=0.05:1"))
    first, again, other = (FaultDice(plans, seed) for seed in (1, 1, 2))
    strikes = [first.throw(Where.ANSWER, "/x") for _ in range(4_000)]
    assert strikes == [again.throw(Where.ANSWER, "/x") for _ in range(4_000)]
    assert strikes != [other.throw(Where.ANSWER, "/x") for _ in range(4_000)]
    names = [strike.name for strike in strikes if strike is not None]
    assert 320 < names.count("truncated") < 480
    assert 120 < names.count("slow") < 250
    assert first.counts == {"truncated": names.count("truncated"), "slow": names.count("slow")}


def test_faults_of_rows_leave_other_answers_alone() -> None:
    dice = FaultDice((FaultPlan.parse("missing_bar=1"),), 0)
    assert dice.throw(Where.ANSWER, "/v5/market/time") is None
    assert dice.throw(Where.ANSWER, "/v5/market/kline") is not None
    assert dice.throw(Where.REQUEST, "/v5/market/kline") is None


class Counter:
    """A venue that answers with how often it was asked."""

    def __init__(self) -> None:
        self.asked = itertools.count(1)

    def advance(self, now_ms: int) -> None:
        """Have no market."""

    def admit(self, query: Query) -> None:
        """Admit all."""

    def answer(self, query: Query) -> Answer:
        del query
        return Answer(200, str(next(self.asked)).encode())

    def limit_headers(self, query: Query) -> dict[str, str]:
        del query
        return {}


async def test_stale_is_what_the_same_key_was_told_however_it_signs() -> None:
    clock = SystemClock()
    dice = FaultDice((FaultPlan.parse("stale_answer=1"),), 0)
    server = VenueServer(Counter(), dice, None, RequestLog(None), clock, clock, SkewedClock(clock))  # type: ignore[arg-type]
    async with TestClient(RawTestServer(server.handle)) as client:

        async def ask(key: str, more: str = "") -> str:
            answer = await client.get(f"/fapi/v1/order?orderId=1{more}", headers={"X-MBX-APIKEY": key})
            return await answer.text()

        assert await ask("one", "&timestamp=1&signature=a") == "1"
        assert await ask("two", "&timestamp=1&signature=a") == "2"
        assert await ask("one", "&timestamp=2&recvWindow=5&signature=b") == "1"
        assert await ask("two", "&timestamp=3&signature=c") == "2"
        assert await ask("one", "&symbol=BTCUSDT") == "3"
        for number in range(1_000):
            await ask("one", f"&symbol={number}")
        # It is not remembered for ever.
        assert await ask("one") == "1004"


class Stopped:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.ms = 5_000

    def now_ms(self) -> int:
        return self.ms


def test_a_plan_has_windows_and_a_number_of_times(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    entries = [
        {"kind": "reset", "from_s": 10, "to_s": 20, "endpoint": "/v5/order/*"},
        {"kind": "liquidation", "at_s": 30, "symbol": "BTCUSDT"},
        {"kind": "slow", "times": 2, "argument": 0.5},
    ]
    file.write_text(json.dumps({"seed": 9, "faults": entries}))
    plans, seed = read_plan(file)
    assert seed == 9
    clock = Stopped()
    dice = FaultDice(plans, 0, clock)
    assert dice.throw(Where.REQUEST, "/v5/order/create") is None
    clock.ms += 15_000
    assert dice.throw(Where.REQUEST, "/v5/order/create") is not None
    assert dice.throw(Where.REQUEST, "/v5/market/time") is None
    assert [dice.throw(Where.ANSWER, "/") is None for _ in range(3)] == [False, False, True]
    assert dice.due() == []
    clock.ms += 20_000
    assert [plan.symbol for plan in dice.due()] == ["BTCUSDT"]
    assert dice.due() == []
    assert dice.throw(Where.REQUEST, "/v5/order/create") is None


@pytest.mark.parametrize("text", ["nothing=0.1", "slow", "slow=", "slow=2", "slow=-0.1", "slow=0.1:x", "slow=nan"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        FaultPlan.parse(text)
    assert caught.value.field == "fault"
    assert caught.value.fix


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"faults": {}}',
        '{"faults": [{"kind": "nothing"}]}',
        '{"faults": [{"kind": "slow", "probability": 2}]}',
        '{"faults": [{"kind": "slow", "when": 2}]}',
        '{"faults": [{"kind": "slow", "times": "many"}]}',
        '{"faults": [{"kind": "slow", "from_s": 5, "to_s": 1}]}',
        '{"faults": [], "seed": -1}',
    ],
)
def test_a_plan_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_plan(file)
    assert caught.value.fix
