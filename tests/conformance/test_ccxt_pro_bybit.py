"""ccxt.pro's sockets at Bybit's side: public streams, private streams, orders."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import ccxt
import ccxt.pro
import pytest
from bybit_clients import AMOUNT, INVERSE, LINEAR, SPOT, SYMBOLS, TOO_DEAR, advance, bybit_settings
from topics import shows
from watching import settles, soon, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from real_trade.testing.exchange_process import RunningExchange

SLOW = pytest.mark.conformance
MOSTLY_SLOW = [LINEAR, *(pytest.param(symbol, marks=SLOW) for symbol in (SPOT, INVERSE))]


@asynccontextmanager
async def client_of(info: dict[str, Any], markets: tuple[Any, Any]) -> AsyncIterator[Any]:
    made = ccxt.pro.bybit(bybit_settings(info, newUpdates=True))
    made.set_markets(*markets)
    try:
        yield made
    finally:
        await made.close()


async def price_at(client: Any, symbol: str, factor: float) -> float:
    """Return a price that is so much of the last one."""
    return float(client.price_to_precision(symbol, (await client.fetch_ticker(symbol))["last"] * factor))


def levels(book: Any) -> dict[str, list[list[float]]]:
    """Return the book's sides as plain lists."""
    return {side: [list(level)[:2] for level in book[side]] for side in ("bids", "asks")}


@pytest.mark.parametrize(
    "depth", [pytest.param(1, marks=SLOW), 50, *(pytest.param(d, marks=SLOW) for d in (200, 1_000))]
)
async def test_books(fast: RunningExchange, bybit_markets: tuple[Any, Any], depth: int) -> None:
    async with client_of(fast.info, bybit_markets) as client:

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


@shows("bybit ccxt.pro", "kept book")
@pytest.mark.parametrize("depth", [50, *(pytest.param(d, marks=SLOW) for d in (200, 1_000))])
async def test_a_book_kept_for_ten_minutes_is_the_venue_s(
    standing: RunningExchange, bybit_markets: tuple[Any, Any], depth: int
) -> None:
    async with client_of(standing.info, bybit_markets) as client:
        told: Counter[str] = Counter()
        taken = client.handle_order_book

        def count(connection: Any, message: Any) -> None:
            told[connection.url] += 1
            taken(connection, message)

        client.handle_order_book = count
        kept = {symbol: await soon(client.watch_order_book(symbol, depth)) for symbol in SYMBOLS}
        first = {symbol: levels(book) for symbol, book in kept.items()}

        async def listen(symbol: str) -> None:
            while True:
                await client.watch_order_book(symbol, depth)

        listening = [asyncio.create_task(listen(symbol)) for symbol in SYMBOLS]
        for _ in range(300):
            await asyncio.to_thread(advance, standing.info, 2_000)
        for symbol in SYMBOLS:
            # The market stands still again: what is on its way comes to what the venue answers, and stays there.
            fresh = await client.fetch_order_book(symbol, depth)
            pair = kept[symbol], fresh
            assert await settles(lambda pair=pair: levels(pair[0]) == levels(pair[1]))
            assert kept[symbol]["timestamp"] <= fresh["timestamp"]
            assert levels(fresh) != first[symbol]
        # A socket for each category, and a message for most of the steps.
        assert len(told) == len(SYMBOLS)
        assert min(told.values()) > 100
        for task in listening:
            task.cancel()


@shows("bybit ccxt.pro", "ticker")
@pytest.mark.parametrize("symbol", MOSTLY_SLOW)
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


@SLOW
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


@shows("bybit ccxt.pro", "order stream", "execution stream", "balance", "positions")
@pytest.mark.parametrize("symbol", MOSTLY_SLOW)
async def test_orders_trades_positions_and_balances_are_pushed(
    bybit_member: Callable[..., dict[str, Any]], bybit_markets: tuple[Any, Any], symbol: str
) -> None:
    async with client_of(bybit_member(), bybit_markets) as client:
        price = await price_at(client, symbol, 0.95)
        # Subscribed before the order, so that nothing is missed.
        watching = asyncio.ensure_future(client.watch_orders(symbol))
        await asyncio.sleep(0.5)
        placed = await client.create_order(symbol, "limit", "buy", AMOUNT[symbol], price)
        new = (await soon(watching))[-1]
        assert (new["id"], new["status"], new["price"]) == (placed["id"], "open", price)
        watching = asyncio.ensure_future(
            until(lambda: client.watch_orders(symbol), lambda o: o["status"] == "canceled")
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
        if symbol == SPOT:
            return
        snapshot = await soon(client.watch_positions([symbol]))
        assert [(p["side"], p["contracts"]) for p in snapshot] == [("short", AMOUNT[symbol])]
        watching = asyncio.ensure_future(until(lambda: client.watch_positions([symbol]), lambda p: p["contracts"] == 0))
        await asyncio.sleep(0.3)
        await client.create_order(symbol, "market", "buy", AMOUNT[symbol], None, {"reduceOnly": True})
        assert (await watching)["symbol"] == symbol


@shows("bybit ccxt.pro", "execution stream", "partial fill")
async def test_a_part_is_told_at_once(
    standing: RunningExchange, bybit_member: Callable[..., dict[str, Any]], bybit_markets: tuple[Any, Any]
) -> None:
    advance(standing.info, 60_000)
    async with client_of(bybit_member(standing), bybit_markets) as client:
        (best, there), *_ = (await client.fetch_order_book(LINEAR, 1))["asks"]
        watching = asyncio.ensure_future(until(lambda: client.watch_orders(LINEAR), lambda o: o["filled"] > 0))
        trading = asyncio.ensure_future(client.watch_my_trades(LINEAR))
        await asyncio.sleep(0.5)
        placed = await client.create_order(LINEAR, "limit", "buy", there + 0.01, best)
        part = await watching
        assert (part["id"], part["status"]) == (placed["id"], "open")
        assert part["remaining"] > 0
        trade = (await soon(trading))[0]
        assert (trade["order"], trade["price"]) == (placed["id"], best)
        await client.cancel_order(placed["id"], LINEAR)


@shows("bybit ccxt.pro", "execution stream")
async def test_executions_by_the_fast_stream(
    bybit_member: Callable[..., dict[str, Any]], bybit_markets: tuple[Any, Any]
) -> None:
    async with client_of(bybit_member(), bybit_markets) as client:
        watching = asyncio.ensure_future(client.watch_my_trades(LINEAR, None, None, {"executionFast": True}))
        await asyncio.sleep(0.5)
        placed = await client.create_order(LINEAR, "market", "buy", 0.01)
        assert (await soon(watching))[-1]["order"] == placed["id"]


@shows("bybit ccxt.pro", "trade socket")
@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_orders_over_the_trade_socket(
    bybit_member: Callable[..., dict[str, Any]], bybit_markets: tuple[Any, Any], symbol: str
) -> None:
    async with client_of(bybit_member(), bybit_markets) as client:
        price, amount = await price_at(client, symbol, 0.95), AMOUNT[symbol]
        placed = await soon(client.create_order_ws(symbol, "limit", "buy", amount, price))
        assert [o["id"] for o in await client.fetch_open_orders(symbol)] == [placed["id"]]
        changed = await soon(client.edit_order_ws(placed["id"], symbol, "limit", "buy", 2 * amount, price))
        assert changed["id"] == placed["id"]
        assert (await client.fetch_open_orders(symbol))[0]["amount"] == 2 * amount
        assert (await soon(client.cancel_order_ws(placed["id"], symbol)))["id"] == placed["id"]
        assert await client.fetch_open_orders(symbol) == []
        with pytest.raises(ccxt.OrderNotFound):
            await soon(client.cancel_order_ws(placed["id"], symbol))
        with pytest.raises(ccxt.OrderNotFound):
            await soon(client.edit_order_ws(placed["id"], symbol, "limit", "buy", amount, price))


@shows("bybit ccxt.pro", "trade socket", "order types")
@pytest.mark.parametrize("symbol", MOSTLY_SLOW)
async def test_types_of_order_over_the_trade_socket(
    bybit_member: Callable[..., dict[str, Any]], bybit_markets: tuple[Any, Any], symbol: str
) -> None:
    async with client_of(bybit_member(), bybit_markets) as client:
        amount = AMOUNT[symbol]
        low, high, above = [await price_at(client, symbol, factor) for factor in (0.95, 1.02, 1.05)]

        async def ends_as(kind: str, price: float | None, **params: Any) -> str:
            placed = await soon(client.create_order_ws(symbol, kind, "buy", amount, price, params))
            row = await client.fetch_order(placed["id"], symbol, {"acknowledged": True})
            return row["info"]["orderStatus"]

        by_base = {"marketUnit": "baseCoin", "cost": None} if symbol == SPOT else {}
        assert await ends_as("market", None, **by_base) == "Filled"
        assert await ends_as("limit", low) == "New"
        assert await ends_as("limit", low, postOnly=True) == "New"
        assert await ends_as("limit", high, postOnly=True) == "Cancelled"
        assert await ends_as("limit", low, timeInForce="IOC") == "Cancelled"
        assert await ends_as("limit", low, timeInForce="FOK") == "Cancelled"
        assert await ends_as("limit", high, timeInForce="FOK") == "Filled"
        direction = {} if symbol == SPOT else {"triggerDirection": "ascending", "triggerBy": "MarkPrice"}
        assert await ends_as("limit", above, triggerPrice=above, **direction) == "Untriggered"
        if symbol == SPOT:
            return
        assert (
            await ends_as("market", None, takeProfit={"triggerPrice": above}, stopLoss={"triggerPrice": low})
            == "Filled"
        )
        held = (await client.fetch_positions([symbol]))[0]
        assert (held["contracts"], held["takeProfitPrice"]) == (3 * amount, above)
        closes = {"reduceOnly": True, "closeOnTrigger": True}
        await soon(client.create_order_ws(symbol, "market", "sell", 3 * amount, None, closes))
        assert (await client.fetch_positions([symbol]))[0]["contracts"] == 0


@shows("bybit ccxt.pro", "insufficient funds", "bad price", "bad quantity", "unknown order", "duplicate client id")
@pytest.mark.parametrize("symbol", MOSTLY_SLOW)
async def test_refusals_over_the_trade_socket(
    bybit_member: Callable[..., dict[str, Any]], bybit_markets: tuple[Any, Any], symbol: str
) -> None:
    async with client_of(bybit_member(), bybit_markets) as client:
        price, spot = await price_at(client, symbol, 0.95), symbol == SPOT
        wrong = (ccxt.InvalidOrder, ccxt.BadRequest)
        for error, code, amount, params in (
            (ccxt.InsufficientFunds, "170131" if spot else "110007", TOO_DEAR[symbol], {}),
            (wrong, "170133" if spot else "110003", AMOUNT[symbol], {"price": "-1"}),
            (wrong, "170136" if spot else "10001", AMOUNT[symbol], {"qty": "0"}),
            (wrong, "10001", AMOUNT[symbol], {"qty": "x"}),
            (wrong, "10001", AMOUNT[symbol], {"clientOrderId": "with space"}),
        ):
            with pytest.raises(error, match=code):
                await soon(client.create_order_ws(symbol, "limit", "buy", amount, price, params))
        name = {"clientOrderId": f"{client.apiKey}-{SYMBOLS.index(symbol)}"}
        await soon(client.create_order_ws(symbol, "limit", "buy", AMOUNT[symbol], price, name))
        with pytest.raises(ccxt.InvalidOrder, match="170141" if spot else "110072"):
            await soon(client.create_order_ws(symbol, "limit", "buy", AMOUNT[symbol], price, name))
        assert len(await client.fetch_open_orders(symbol)) == 1


@shows("bybit ccxt.pro", "stale timestamp")
async def test_the_trade_socket_refuses_what_is_late(
    bybit_member: Callable[..., dict[str, Any]], bybit_markets: tuple[Any, Any]
) -> None:
    async with client_of(bybit_member(), bybit_markets) as client:
        price = await price_at(client, LINEAR, 0.95)
        await soon(client.create_order_ws(LINEAR, "limit", "buy", 0.01, price))
        now = client.milliseconds
        client.milliseconds = lambda: now() - 10_000
        with pytest.raises(ccxt.InvalidNonce, match="10002"):
            await soon(client.create_order_ws(LINEAR, "limit", "buy", 0.01, price))


@shows("bybit ccxt.pro", "too many requests")
async def test_the_trade_socket_refuses_who_is_too_fast(paced: RunningExchange, bybit_markets: tuple[Any, Any]) -> None:
    async with client_of(paced.info, bybit_markets) as client:
        price = await price_at(client, LINEAR, 0.9)
        placing = [client.create_order_ws(LINEAR, "limit", "buy", 0.001, price) for _ in range(14)]
        answers = await soon(asyncio.gather(*placing, return_exceptions=True))
        refused = [answer for answer in answers if isinstance(answer, ccxt.RateLimitExceeded)]
        assert refused
        assert "10006" in str(refused[0])
        assert sum(isinstance(answer, dict) for answer in answers) + len(refused) == len(answers)


@shows("bybit ccxt.pro", "wrong key")
@pytest.mark.parametrize("wrong", [{"api_key": "nobody"}, {"api_secret": "wrong"}])
async def test_sockets_turn_strangers_away(
    bybit: RunningExchange, bybit_markets: tuple[Any, Any], wrong: dict[str, Any]
) -> None:
    async with client_of({**bybit.info, **wrong}, bybit_markets) as client:
        with pytest.raises(ccxt.AuthenticationError):
            await soon(client.create_order_ws(LINEAR, "limit", "buy", 0.01, 20_000))
        with pytest.raises(ccxt.AuthenticationError):
            await soon(client.watch_orders(LINEAR))
