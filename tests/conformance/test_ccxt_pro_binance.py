"""ccxt.pro's sockets at Binance in a box: public streams, user streams, orders."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import ccxt
import ccxt.pro
import pytest
from binance_clients import AMOUNT, CLASSES, COIN, INVERSE, LINEAR, SPOT, binance_settings
from topics import shows
from watching import soon, until

from real_trade.testing.exchange_process import RunningExchange, running_exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    Markets = dict[str, tuple[Any, Any]]

SYMBOLS = [SPOT, LINEAR, INVERSE]
SLOW = pytest.mark.conformance


@pytest.fixture(scope="module")
def fast() -> Iterator[RunningExchange]:
    """A market in which a minute takes a second."""
    with running_exchange("binance", seed=7, speed=60, rate_limits="off") as exchange:
        yield exchange


@asynccontextmanager
async def client_of(info: dict[str, Any], markets: Markets, symbol: str, **more: Any) -> AsyncIterator[Any]:
    client = getattr(ccxt.pro, CLASSES[symbol])(binance_settings(info, newUpdates=True))
    client.options |= more
    client.set_markets(*markets[CLASSES[symbol]])
    try:
        yield client
    finally:
        await client.close()


def levels(side: Any) -> list[list[float]]:
    return [list(level) for level in side]


@shows("binance ccxt.pro", "klines", "ticker")
@pytest.mark.parametrize("symbol", [pytest.param(SPOT, marks=SLOW), LINEAR, pytest.param(INVERSE, marks=SLOW)])
async def test_public_streams(fast: RunningExchange, binance_markets: Markets, symbol: str) -> None:
    async with client_of(fast.info, binance_markets, symbol) as client:
        candles, ticker, touch, trades, book = await asyncio.gather(
            *map(
                soon,
                (
                    client.watch_ohlcv(symbol, "1m"),
                    client.watch_ticker(symbol),
                    client.watch_bids_asks([symbol]),
                    client.watch_trades(symbol),
                    client.watch_order_book(symbol),
                ),
            )
        )
        assert candles[-1][4] == pytest.approx(ticker["last"], rel=0.01)
        assert touch[symbol]["bid"] < touch[symbol]["ask"]
        assert trades[0]["symbol"] == symbol
        assert book["bids"][0][0] < book["asks"][0][0]
        assert len(book["bids"]) >= 50


@shows("binance ccxt.pro", "kept book")
@pytest.mark.conformance
@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_a_book_kept_for_ten_minutes_is_the_venue_s(
    fast: RunningExchange, binance_markets: Markets, symbol: str
) -> None:
    async with client_of(fast.info, binance_markets, symbol) as client:
        books: dict[int, tuple[Any, Any]] = {}
        began: list[int] = []

        async def keep(*, until_ms: int = 0, beyond: int = 0) -> int:
            """Watch for so long, and until the book has a number; ccxt raises where a change does not follow."""
            while True:
                book = await soon(client.watch_order_book(symbol))
                books[book["nonce"]] = levels(book["bids"]), levels(book["asks"])
                if book["timestamp"] and not began:
                    began.append(book["timestamp"])
                if began and book["timestamp"] >= began[0] + until_ms and book["nonce"] >= beyond:
                    return int(book["nonce"])

        await keep(until_ms=600_000)
        assert len(books) > 100
        # A fresh book lies between two changes; where ccxt has taken both at once, ask for another.
        for _ in range(50):
            asked = asyncio.ensure_future(client.fetch_order_book(symbol, 1_000))
            while not asked.done():
                await keep()
            fresh = await asked
            await keep(beyond=fresh["nonce"])
            last = max(number for number in books if number <= fresh["nonce"])
            if fresh["nonce"] - last <= 1:
                break
        assert fresh["nonce"] - last <= 1
        assert books[last] == (levels(fresh["bids"]), levels(fresh["asks"]))


@shows("binance ccxt.pro", "order stream", "execution stream", "trade socket", "balance")
@pytest.mark.parametrize("symbol", [SPOT, LINEAR, pytest.param(INVERSE, marks=SLOW)])
async def test_user_streams_and_orders_by_socket(
    binance_member: dict[str, Any], binance_markets: Markets, symbol: str
) -> None:
    amount = AMOUNT[symbol]
    async with client_of(binance_member, binance_markets, symbol) as client:
        waiting = [
            asyncio.ensure_future(
                until(lambda: client.watch_orders(symbol), lambda order: order["status"] == "closed")
            ),
            asyncio.ensure_future(soon(client.watch_my_trades(symbol))),
            asyncio.ensure_future(soon(client.watch_balance())),
        ]
        await asyncio.sleep(0.3)
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


@shows("binance ccxt.pro", "trade socket")
@pytest.mark.parametrize("symbol", [pytest.param(SPOT, marks=SLOW), LINEAR, pytest.param(INVERSE, marks=SLOW)])
async def test_orders_refused_by_socket(binance_member: dict[str, Any], binance_markets: Markets, symbol: str) -> None:
    amount, spot = AMOUNT[symbol], symbol == SPOT
    async with client_of(binance_member, binance_markets, symbol) as client:
        book = await soon(client.fetch_order_book(symbol, 5))
        price = float(client.price_to_precision(symbol, book["bids"][0][0] * 0.9))
        order = (symbol, "limit", "buy", amount, price)
        await soon(client.create_order_ws(*order, {"newClientOrderId": "mine"}))
        with pytest.raises(ccxt.ExchangeError, match=r"Duplicate order sent|-4116"):
            await soon(client.create_order_ws(*order, {"newClientOrderId": "mine"}))
        dear = 50 if symbol != INVERSE else 90_000
        with pytest.raises(ccxt.ExchangeError, match="insufficient balance" if spot else "-2019"):
            await soon(client.create_order_ws(symbol, "limit", "buy", dear, price))
        crossing = float(client.price_to_precision(symbol, book["asks"][0][0] * 1.01))
        with pytest.raises(ccxt.ExchangeError, match="immediately match" if spot else "-5022"):
            await soon(client.create_order_ws(symbol, "limit", "buy", amount, crossing, {"postOnly": True}))
        with pytest.raises(ccxt.ExchangeError, match="PRICE_FILTER" if spot else "-1111"):
            await soon(client.create_order_ws(*order, {"price": "30000.001"}))
        with pytest.raises(ccxt.ExchangeError, match="LOT_SIZE" if spot else "-1111"):
            await soon(client.create_order_ws(*order, {"quantity": "0.0000001"}))
        with pytest.raises(ccxt.ExchangeError, match=r"-2011|Unknown order"):
            await soon(client.cancel_order_ws("999999", symbol))
        client.options["recvWindow"] = 1_000
        now = ccxt.Exchange.milliseconds
        client.nonce = lambda: now() - 10_000
        with pytest.raises(ccxt.InvalidNonce, match="-1021"):
            await soon(client.create_order_ws(*order))


@shows("binance ccxt.pro", "trade socket")
@pytest.mark.conformance
async def test_conditional_orders_by_socket(binance_member: dict[str, Any], binance_markets: Markets) -> None:
    async with client_of(binance_member, binance_markets, LINEAR) as client:
        last = (await soon(client.fetch_ticker(LINEAR)))["last"]
        stop = {"stopLossPrice": round(last * 0.9, 1)}
        made = await soon(client.create_order_ws(LINEAR, "market", "sell", 0.01, None, stop))
        waiting = await soon(client.fetch_open_orders(LINEAR, params={"trigger": True}))
        assert [order["id"] for order in waiting] == [made["id"]]
        await soon(client.cancel_order_ws(made["id"], LINEAR, {"trigger": True}))
        assert await soon(client.fetch_open_orders(LINEAR, params={"trigger": True})) == []


@shows("binance ccxt.pro", "positions")
@pytest.mark.parametrize("symbol", [LINEAR, pytest.param(INVERSE, marks=SLOW)])
async def test_positions_are_watched(binance_member: dict[str, Any], binance_markets: Markets, symbol: str) -> None:
    more = {"watchPositions": {"fetchPositionsSnapshot": False}}
    async with client_of(binance_member, binance_markets, symbol, **more) as client:
        watching = asyncio.ensure_future(soon(client.watch_positions([symbol])))
        await asyncio.sleep(0.3)
        await soon(client.create_order(symbol, "market", "sell", AMOUNT[symbol]))
        (position,) = await watching
        assert (position["side"], position["contracts"]) == ("short", AMOUNT[symbol])
