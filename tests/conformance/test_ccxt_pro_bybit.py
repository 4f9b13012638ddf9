"""ccxt.pro's sockets at Bybit's side: public streams, private streams, orders."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import ccxt
import ccxt.pro
import pytest
from bybit_clients import bybit_settings
from watching import soon, until

from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from real_trade.testing.exchange_process import RunningExchange

SPOT, LINEAR, INVERSE = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
SYMBOLS = [SPOT, LINEAR, INVERSE]
TOO_DEAR = {"BTC/USDT": 9, "BTC/USDT:USDT": 100, "BTC/USD:BTC": 900_000}
AMOUNT = {SPOT: 0.01, LINEAR: 0.02, INVERSE: 1_000}


@asynccontextmanager
async def client_of(info: dict[str, Any], markets: tuple[Any, Any]) -> AsyncIterator[Any]:
    made = ccxt.pro.bybit(bybit_settings(info, newUpdates=True))
    made.set_markets(*markets)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture(scope="module")
def fast() -> Iterator[RunningExchange]:
    """A market in which a minute takes a second."""
    with running_exchange("bybit", seed=7, speed=60, rate_limits="off") as exchange:
        yield exchange


@pytest.mark.parametrize("depth", [1, 50, 200, 1_000])
async def test_books(bybit: RunningExchange, bybit_markets: tuple[Any, Any], depth: int) -> None:
    async with client_of(bybit.info, bybit_markets) as client:

        async def watch(symbol: str) -> None:
            for _ in range(3):
                book = await soon(client.watch_order_book(symbol, depth))
                bids, asks = [bid for bid, _ in book["bids"]], [ask for ask, _ in book["asks"]]
                assert bids == sorted(bids, reverse=True)
                assert asks == sorted(asks)
                assert bids[0] < asks[0]
                assert min(depth, 60) <= len(bids) <= depth
                assert book["symbol"] == symbol

        await asyncio.gather(*map(watch, SYMBOLS))


@pytest.mark.conformance
async def test_a_book_kept_for_ten_minutes_is_the_venue_s(
    fast: RunningExchange, bybit_markets: tuple[Any, Any]
) -> None:
    async with client_of(fast.info, bybit_markets) as keeper, client_of(fast.info, bybit_markets) as other:

        async def keep(symbol: str) -> None:
            kept = await soon(keeper.watch_order_book(symbol, 50))
            first, messages = kept["timestamp"], 0
            while kept["timestamp"] - first < 600_000:
                kept = await soon(keeper.watch_order_book(symbol, 50))
                messages += 1
            assert messages > 20
            # At the same moment both are the same book.
            fresh = await soon(other.watch_order_book(symbol, 50))
            while kept["timestamp"] != fresh["timestamp"]:
                late, watcher = (kept, keeper) if kept["timestamp"] < fresh["timestamp"] else (fresh, other)
                await soon(watcher.watch_order_book(symbol, 50))
                assert late is (kept if watcher is keeper else fresh)  # ccxt changes the book in place
            assert [list(level) for level in kept["bids"]] == [list(level) for level in fresh["bids"]]
            assert [list(level) for level in kept["asks"]] == [list(level) for level in fresh["asks"]]

        await asyncio.gather(*map(keep, SYMBOLS))


@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_trades_and_tickers(fast: RunningExchange, bybit_markets: tuple[Any, Any], symbol: str) -> None:
    async with client_of(fast.info, bybit_markets) as client:
        trades = await soon(client.watch_trades(symbol))
        assert {trade["symbol"] for trade in trades} == {symbol}
        times = [trade["timestamp"] for trade in trades]
        assert times == sorted(times)
        first = await soon(client.watch_ticker(symbol))
        assert first["low"] <= first["last"] <= first["high"]
        for _ in range(3):
            later = await soon(client.watch_ticker(symbol))
        assert later["symbol"] == symbol
        assert later["high"] >= later["low"]
        if symbol != SPOT:
            assert later["bid"] < later["ask"]
        assert (await soon(client.watch_tickers([symbol])))[symbol]["last"] > 0
        assert (await soon(client.watch_bids_asks([symbol])))[symbol]["bid"] > 0


@pytest.mark.conformance
async def test_bars_follow_each_other(fast: RunningExchange, bybit_markets: tuple[Any, Any]) -> None:
    async with client_of(fast.info, bybit_markets) as client:

        async def follow(timeframe: str) -> None:
            bars: dict[int, Any] = {}
            while len(bars) < 3:
                for bar in await soon(client.watch_ohlcv(LINEAR, timeframe)):
                    bars[bar[0]] = bar
            length = client.parse_timeframe(timeframe) * 1_000
            times = sorted(bars)
            assert times == list(range(times[0], times[-1] + 1, length))
            told = {row[0]: row for row in await client.fetch_ohlcv(LINEAR, timeframe, limit=20)}
            assert told[times[1]][1:] == bars[times[1]][1:]

        await asyncio.gather(follow("1m"), follow("5m"))


async def test_orders_trades_positions_and_balances_are_pushed(
    bybit_member: Callable[[], dict[str, Any]], bybit_markets: tuple[Any, Any]
) -> None:
    async with client_of(bybit_member(), bybit_markets) as client:
        for symbol in SYMBOLS:
            price = float(client.price_to_precision(symbol, (await client.fetch_ticker(symbol))["last"] * 0.95))
            # Subscribed before the order, so that nothing is missed.
            watching = asyncio.ensure_future(client.watch_orders(symbol))
            await asyncio.sleep(0.5)
            placed = await client.create_order(symbol, "limit", "buy", AMOUNT[symbol], price)
            new = (await soon(watching))[-1]
            assert (new["id"], new["status"], new["price"]) == (placed["id"], "open", price)
            watching = asyncio.ensure_future(
                until(lambda symbol=symbol: client.watch_orders(symbol), lambda o: o["status"] == "canceled")
            )
            await client.cancel_order(placed["id"], symbol)
            assert (await watching)["id"] == placed["id"]
            trading = asyncio.ensure_future(client.watch_my_trades(symbol))
            balance = asyncio.ensure_future(client.watch_balance())
            await asyncio.sleep(0.3)
            placed = await client.create_order(symbol, "market", "sell", AMOUNT[symbol])
            trade = (await soon(trading))[-1]
            assert (trade["order"], trade["side"], trade["symbol"]) == (placed["id"], "sell", symbol)
            pushed = await soon(balance)
            assert pushed["USDT"]["total"] == pytest.approx(pushed["USDT"]["free"] + pushed["USDT"]["used"])
            assert pushed["BTC"]["total"] > 0
        snapshot = await soon(client.watch_positions([LINEAR]))
        assert [(p["side"], p["contracts"]) for p in snapshot] == [("short", AMOUNT[LINEAR])]
        watching = asyncio.ensure_future(until(lambda: client.watch_positions([LINEAR]), lambda p: p["contracts"] == 0))
        await asyncio.sleep(0.3)
        await client.create_order(LINEAR, "market", "buy", AMOUNT[LINEAR], None, {"reduceOnly": True})
        assert (await watching)["symbol"] == LINEAR


async def test_executions_by_the_fast_stream(
    bybit_member: Callable[[], dict[str, Any]], bybit_markets: tuple[Any, Any]
) -> None:
    async with client_of(bybit_member(), bybit_markets) as client:
        watching = asyncio.ensure_future(client.watch_my_trades(LINEAR, None, None, {"executionFast": True}))
        await asyncio.sleep(0.5)
        placed = await client.create_order(LINEAR, "market", "buy", 0.01)
        assert (await soon(watching))[-1]["order"] == placed["id"]


@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_orders_over_the_trade_socket(
    bybit_member: Callable[[], dict[str, Any]], bybit_markets: tuple[Any, Any], symbol: str
) -> None:
    async with client_of(bybit_member(), bybit_markets) as client:
        price = float(client.price_to_precision(symbol, (await client.fetch_ticker(symbol))["last"] * 0.95))
        placed = await soon(client.create_order_ws(symbol, "limit", "buy", AMOUNT[symbol], price))
        assert [o["id"] for o in await client.fetch_open_orders(symbol)] == [placed["id"]]
        changed = await soon(client.edit_order_ws(placed["id"], symbol, "limit", "buy", 2 * AMOUNT[symbol], price))
        assert changed["id"] == placed["id"]
        assert (await client.fetch_open_orders(symbol))[0]["amount"] == 2 * AMOUNT[symbol]
        assert (await soon(client.cancel_order_ws(placed["id"], symbol)))["id"] == placed["id"]
        assert await client.fetch_open_orders(symbol) == []
        with pytest.raises(ccxt.OrderNotFound):
            await soon(client.cancel_order_ws(placed["id"], symbol))
        with pytest.raises(ccxt.OrderNotFound):
            await soon(client.edit_order_ws(placed["id"], symbol, "limit", "buy", AMOUNT[symbol], price))
        with pytest.raises(ccxt.InsufficientFunds):
            await soon(client.create_order_ws(symbol, "limit", "buy", TOO_DEAR[symbol], price))
        with pytest.raises((ccxt.InvalidOrder, ccxt.BadRequest)):
            await soon(client.create_order_ws(symbol, "limit", "buy", AMOUNT[symbol], price, {"qty": "x"}))


@pytest.mark.parametrize("wrong", [{"api_key": "nobody"}, {"api_secret": "wrong"}])
async def test_sockets_turn_strangers_away(
    bybit: RunningExchange, bybit_markets: tuple[Any, Any], wrong: dict[str, Any]
) -> None:
    async with client_of({**bybit.info, **wrong}, bybit_markets) as client:
        with pytest.raises(ccxt.AuthenticationError):
            await soon(client.create_order_ws(LINEAR, "limit", "buy", 0.01, 20_000))
        with pytest.raises(ccxt.AuthenticationError):
            await soon(client.watch_orders(LINEAR))
