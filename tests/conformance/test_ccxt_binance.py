"""ccxt's clients trade at Binance in a box: REST, sockets, orders of every type, errors."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import ccxt
import ccxt.pro
import pytest
from binance_clients import binance_settings
from watching import soon, until

from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

ACCOUNTS = 80
SPOT, LINEAR, INVERSE = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
SYMBOLS = [SPOT, LINEAR, INVERSE]
FUTURES = SYMBOLS[1:]
CLASSES = {SPOT: "binance", LINEAR: "binanceusdm", INVERSE: "binancecoinm"}
AMOUNT = {SPOT: 0.01, LINEAR: 0.01, INVERSE: 10}
COIN = {SPOT: "USDT", LINEAR: "USDT", INVERSE: "BTC"}


@pytest.fixture(scope="module")
def binance() -> Iterator[RunningExchange]:
    members = [f"key{number}:secret{number}:USDT=100000,BTC=10" for number in range(ACCOUNTS)]
    with running_exchange("binance", seed=7, rate_limits="off", account=members) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def fast() -> Iterator[RunningExchange]:
    """A market in which twenty seconds take one."""
    with running_exchange("binance", seed=7, speed=20, rate_limits="off") as exchange:
        yield exchange


@pytest.fixture(scope="module")
def markets(binance: RunningExchange) -> dict[str, tuple[Any, Any]]:
    """Markets and currencies of each class, read once."""
    found = {}
    for name in CLASSES.values():
        client = getattr(ccxt, name)(binance_settings(binance.info))
        client.load_markets()
        client.session.close()
        found[name] = client.markets, client.currencies
    return found


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def settings(binance: RunningExchange, numbers: Iterator[int]) -> dict[str, Any]:
    """Return what a client with an account of its own is made with."""
    number = next(numbers)
    assert number < ACCOUNTS
    keys = {"api_key": f"key{number}", "api_secret": f"secret{number}"}
    return binance_settings({**binance.info, **keys}, newUpdates=True)


@pytest.fixture
def client_for(settings: dict[str, Any], markets: dict[str, tuple[Any, Any]]) -> Iterator[Callable[[str], Any]]:
    made = []

    def make(symbol: str) -> Any:
        client = getattr(ccxt, CLASSES[symbol])(settings)
        client.set_markets(*markets[CLASSES[symbol]])
        made.append(client)
        return client

    yield make
    for client in made:
        client.session.close()


@asynccontextmanager
async def pro(settings: dict[str, Any], markets: dict[str, tuple[Any, Any]], symbol: str) -> AsyncIterator[Any]:
    client = getattr(ccxt.pro, CLASSES[symbol])(settings)
    client.set_markets(*markets[CLASSES[symbol]])
    try:
        yield client
    finally:
        await client.close()


def below(client: Any, symbol: str, share: float = 0.9) -> float:
    return float(client.price_to_precision(symbol, client.fetch_order_book(symbol, 5)["bids"][0][0] * share))


# Market data


def test_markets_and_currencies(markets: dict[str, tuple[Any, Any]]) -> None:
    found, currencies = markets["binance"]
    assert set(SYMBOLS) <= set(found)
    assert {"BTC", "USDT"} <= set(currencies)
    assert found[SPOT]["limits"]["cost"]["min"] == 5
    assert found[SPOT]["precision"] == {**found[SPOT]["precision"], "amount": 1e-6, "price": 0.01}
    assert found[INVERSE]["contractSize"] == 100
    assert set(markets["binanceusdm"][0]) >= {LINEAR}
    assert set(markets["binancecoinm"][0]) >= {INVERSE}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_market_data(client_for: Callable[[str], Any], symbol: str) -> None:
    client = client_for(symbol)
    book = client.fetch_order_book(symbol, 20)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert book["bids"][0][0] < book["asks"][0][0]
    trades = client.fetch_trades(symbol, limit=5)
    assert [trade["id"] for trade in trades] == sorted(trade["id"] for trade in trades)
    ticker = client.fetch_ticker(symbol)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert abs(ticker["last"] / book["bids"][0][0] - 1) < 0.01
    assert len(client.fetch_ohlcv(symbol, "5m", limit=10)) == 10
    assert client.fetch_bids_asks([symbol])[symbol]["bid"] == pytest.approx(book["bids"][0][0], rel=0.01)
    if symbol != SPOT:
        rate = client.fetch_funding_rate(symbol)
        assert rate["markPrice"] == pytest.approx(ticker["last"], rel=0.01)
        assert rate["fundingTimestamp"] > ticker["timestamp"]
        assert client.fetch_open_interest(symbol)["openInterestAmount"] > 0
    else:
        assert client.fetch_status()["status"] == "ok"


# Orders


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_limit_order_is_placed_edited_cancelled(client_for: Callable[[str], Any], symbol: str) -> None:
    client, amount = client_for(symbol), AMOUNT[symbol]
    price = below(client, symbol)
    made = client.create_order(symbol, "limit", "buy", amount, price, {"newClientOrderId": "mine"})
    assert (made["status"], made["clientOrderId"], made["remaining"]) == ("open", "mine", amount)
    assert client.fetch_order(made["id"], symbol)["price"] == price
    assert [order["id"] for order in client.fetch_open_orders(symbol)] == [made["id"]]
    edited = client.edit_order(made["id"], symbol, "limit", "buy", amount * 2, price)
    assert edited["amount"] == amount * 2
    assert client.cancel_order(edited["id"], symbol)["status"] == "canceled"
    assert client.fetch_open_orders(symbol) == []
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order(edited["id"], symbol)
    with pytest.raises(ccxt.OrderNotFound):
        client.fetch_order("5", symbol)
    for _ in range(2):
        client.create_order(symbol, "limit", "buy", amount, price)
    client.cancel_all_orders(symbol)
    assert {order["status"] for order in client.fetch_orders(symbol)} == {"canceled"}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_market_orders_and_what_they_leave(client_for: Callable[[str], Any], symbol: str) -> None:
    client, amount, coin = client_for(symbol), AMOUNT[symbol], COIN[symbol]
    before = client.fetch_balance()[coin]["total"]
    bought = client.create_order(symbol, "market", "buy", amount)
    sold = client.create_order(symbol, "market", "sell", amount, None, {} if symbol == SPOT else {"reduceOnly": True})
    assert [(order["status"], order["filled"]) for order in (bought, sold)] == [("closed", amount)] * 2
    trades = client.fetch_my_trades(symbol)
    assert {trade["order"] for trade in trades} == {bought["id"], sold["id"]}
    assert {trade["takerOrMaker"] for trade in trades} == {"taker"}
    assert all(trade["fee"]["cost"] > 0 for trade in trades)
    after = client.fetch_balance()[coin]["total"]
    assert after < before
    assert [order["id"] for order in client.fetch_closed_orders(symbol)] == [bought["id"], sold["id"]]
    if symbol == SPOT:
        spent = client.create_order(symbol, "market", "buy", None, None, {"quoteOrderQty": 200})
        assert 190 < spent["cost"] <= 200
        assert client.fetch_trading_fee(symbol)["taker"] == 0.001
    else:
        kinds = {row["type"] for row in client.fetch_ledger()}
        assert "commission" in {kind.lower() for kind in kinds} | {"commission" if "fee" in kinds else ""}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_times_in_force(client_for: Callable[[str], Any], symbol: str) -> None:
    client, amount = client_for(symbol), AMOUNT[symbol]
    price, book = below(client, symbol), client.fetch_order_book(symbol, 5)
    assert client.create_order(symbol, "limit", "buy", amount, price, {"postOnly": True})["status"] == "open"
    crossing = float(client.price_to_precision(symbol, book["asks"][0][0] * 1.01))
    with pytest.raises(ccxt.OrderImmediatelyFillable if symbol == SPOT else ccxt.ExchangeError):
        client.create_order(symbol, "limit", "buy", amount, crossing, {"postOnly": True})
    assert client.create_order(symbol, "limit", "buy", amount, price, {"timeInForce": "IOC"})["status"] == "expired"
    whole = client.create_order(symbol, "limit", "buy", amount, crossing, {"timeInForce": "FOK"})
    assert (whole["status"], whole["filled"]) == ("closed", amount)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_conditional_orders(client_for: Callable[[str], Any], symbol: str) -> None:
    client, amount = client_for(symbol), AMOUNT[symbol]
    low, high = below(client, symbol), below(client, symbol, 1.1)
    client.create_order(symbol, "market", "buy", amount * 2)
    orders: list[tuple[str, dict[str, Any]]] = [
        ("market", {"triggerPrice": low}),
        ("limit", {"triggerPrice": low}),
        ("market", {"stopLossPrice": low}),
        ("market", {"takeProfitPrice": high}),
    ]
    if symbol == LINEAR:
        orders.append(("market", {"trailingPercent": 1}))
    made = [
        client.create_order(symbol, kind, "sell", amount, low if kind == "limit" else None, params)
        for kind, params in orders
    ]
    waiting = client.fetch_open_orders(symbol, params={"trigger": True})
    assert {order["id"] for order in waiting} == {order["id"] for order in made}
    assert {order["triggerPrice"] for order in waiting} - {None, 0} == {low, high}
    one = client.cancel_order(made[0]["id"], symbol, {"trigger": True})
    assert one["id"] == made[0]["id"]
    client.cancel_all_orders(symbol, {"trigger": True})
    assert client.fetch_open_orders(symbol, params={"trigger": True}) == []
    wrong = {"triggerPrice": low, "type": "STOP_MARKET" if symbol != SPOT else "STOP_LOSS"}
    with pytest.raises(ccxt.ExchangeError):
        client.create_order(symbol, "market", "buy", amount, None, wrong)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_large_order_fills_partly(client_for: Callable[[str], Any], symbol: str) -> None:
    client = client_for(symbol)
    book = client.fetch_order_book(symbol, 5)
    price, offered = book["asks"][0]
    amount = float(client.amount_to_precision(symbol, offered * 1.5 + AMOUNT[symbol]))
    made = client.create_order(symbol, "limit", "buy", amount, price)
    assert made["status"] in {"open", "closed"}
    assert 0 < made["filled"] <= amount
    assert made["average"] == pytest.approx(price, rel=0.001)
    if made["status"] == "open":
        assert client.cancel_order(made["id"], symbol)["filled"] >= made["filled"]
    assert sum(trade["amount"] for trade in client.fetch_my_trades(symbol)) == pytest.approx(
        client.fetch_order(made["id"], symbol)["filled"]
    )


@pytest.mark.parametrize("symbol", FUTURES)
def test_positions_and_settings(client_for: Callable[[str], Any], symbol: str) -> None:
    client, amount = client_for(symbol), AMOUNT[symbol]
    assert client.set_leverage(20, symbol)["leverage"] == 20
    client.set_margin_mode("isolated", symbol)
    made = client.create_order(symbol, "market", "buy", amount)
    (position,) = client.fetch_positions([symbol])
    assert (position["side"], position["contracts"]) == ("long", amount)
    assert position["entryPrice"] == pytest.approx(made["average"], rel=1e-5)
    assert position["marginMode"] == "isolated"
    assert 0 < position["liquidationPrice"] < position["entryPrice"]
    assert client.fetch_position_mode(symbol)["hedged"] is False
    with pytest.raises(ccxt.OperationRejected):
        client.set_position_mode(True, symbol)
    client.create_order(symbol, "market", "sell", amount, None, {"reduceOnly": True})
    assert [row for row in client.fetch_positions([symbol]) if row["contracts"]] == []
    client.set_position_mode(True, symbol)
    client.create_order(symbol, "market", "buy", amount, None, {"positionSide": "LONG"})
    client.create_order(symbol, "market", "sell", amount * 2, None, {"positionSide": "SHORT"})
    sides = {row["side"]: row["contracts"] for row in client.fetch_positions([symbol]) if row["contracts"]}
    assert sides == {"long": amount, "short": amount * 2}
    tiers = client.fetch_leverage_tiers([symbol])[symbol]
    assert tiers[0]["maxLeverage"] == 100
    assert client.fetch_trading_fee(symbol)["taker"] == 0.0005


def test_errors_are_ccxt_s_own(client_for: Callable[[str], Any], binance: RunningExchange) -> None:
    client = client_for(SPOT)
    price = below(client, SPOT)
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(SPOT, "limit", "buy", 50, price)
    with pytest.raises(ccxt.InvalidOrder):
        client.private_post_order(
            {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 1, "price": "1.001"}
        )
    client.create_order(SPOT, "limit", "buy", 0.01, price, {"newClientOrderId": "mine"})
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        client.create_order(SPOT, "limit", "buy", 0.01, price, {"newClientOrderId": "mine"})
    with pytest.raises(ccxt.BadSymbol):
        client.public_get_depth({"symbol": "NOPE"})
    stranger = ccxt.binance(binance_settings({**binance.info, "api_key": "nobody"}))
    with pytest.raises(ccxt.AuthenticationError):
        stranger.private_get_account()
    stranger.session.close()
    forger = ccxt.binance(binance_settings({**binance.info, "api_secret": "wrong"}))
    with pytest.raises(ccxt.AuthenticationError):
        forger.private_get_account()
    forger.session.close()
    client.options["recvWindow"] = 1_000
    client.nonce = lambda: client.milliseconds() - 10_000
    with pytest.raises(ccxt.InvalidNonce):
        client.private_get_account()
    # ccxt finds codes that only the futures have by the host's name, which is not the venue's here.
    with pytest.raises(ccxt.ExchangeError, match="-2022"):
        client_for(LINEAR).create_order(LINEAR, "market", "buy", 0.01, None, {"reduceOnly": True})


# Sockets


@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_public_streams(fast: RunningExchange, markets: dict[str, tuple[Any, Any]], symbol: str) -> None:
    async with pro(binance_settings(fast.info, newUpdates=True), markets, symbol) as client:
        book = await soon(client.watch_order_book(symbol))
        for _ in range(10):
            book = await soon(client.watch_order_book(symbol))
        assert book["bids"][0][0] < book["asks"][0][0]
        assert len(book["bids"]) >= 50
        candles, ticker, touch, trades = await asyncio.gather(
            *map(
                soon,
                (
                    client.watch_ohlcv(symbol, "1m"),
                    client.watch_ticker(symbol),
                    client.watch_bids_asks([symbol]),
                    client.watch_trades(symbol),
                ),
            )
        )
        assert candles[-1][4] == pytest.approx(ticker["last"], rel=0.01)
        assert touch[symbol]["bid"] < touch[symbol]["ask"]
        assert trades[0]["symbol"] == symbol


@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_user_streams_and_orders_by_socket(
    settings: dict[str, Any], markets: dict[str, tuple[Any, Any]], symbol: str
) -> None:
    amount = AMOUNT[symbol]
    async with pro(settings, markets, symbol) as client:
        waiting = [
            asyncio.ensure_future(
                until(lambda: client.watch_orders(symbol), lambda order: order["status"] == "closed")
            ),
            asyncio.ensure_future(soon(client.watch_my_trades(symbol))),
            asyncio.ensure_future(soon(client.watch_balance())),
        ]
        await asyncio.sleep(0.5)
        made = await soon(client.create_order_ws(symbol, "market", "buy", amount))
        order, trades, balance = await asyncio.gather(*waiting)
        assert order["id"] == made["id"] == trades[0]["order"]
        assert order["filled"] == amount
        assert balance[COIN[symbol]]["total"] > 0
        if symbol != SPOT:
            held = [row for row in await soon(client.fetch_positions_ws([symbol])) if row["contracts"]]
            assert [row["contracts"] for row in held] == [amount]
        price = float(client.price_to_precision(symbol, made["average"] * 0.9))
        made = await soon(client.create_order_ws(symbol, "limit", "buy", amount, price))
        edited = await soon(client.edit_order_ws(made["id"], symbol, "limit", "buy", amount * 2, price))
        assert (await soon(client.fetch_order_ws(edited["id"], symbol)))["amount"] == amount * 2
        gone = asyncio.ensure_future(
            until(lambda: client.watch_orders(symbol), lambda row: row["status"] == "canceled")
        )
        await asyncio.sleep(0)
        await soon(client.cancel_order_ws(edited["id"], symbol))
        assert (await gone)["symbol"] == symbol
        with pytest.raises(ccxt.ExchangeError):
            await soon(client.cancel_order_ws(edited["id"], symbol))


async def test_positions_are_watched(settings: dict[str, Any], markets: dict[str, tuple[Any, Any]]) -> None:
    settings["options"] = {**settings["options"], "watchPositions": {"fetchPositionsSnapshot": False}}
    async with pro(settings, markets, LINEAR) as client:
        watching = asyncio.ensure_future(soon(client.watch_positions([LINEAR])))
        await asyncio.sleep(0.5)
        await client.create_order(LINEAR, "market", "sell", 0.02)
        (position,) = await watching
        assert (position["side"], position["contracts"]) == ("short", 0.02)
