"""ccxt's clients find markets, data, accounts and refusals at Bybit's side as at the venue."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import ccxt
import ccxt.async_support
import pytest
from bybit_clients import (
    AMOUNT,
    INVERSE,
    LINEAR,
    SPOT,
    SWAPS,
    SYMBOLS,
    TOO_DEAR,
    at,
    bybit_settings,
    ccxt_shows,
    position,
)
from topics import shows

from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.testing.exchange_process import RunningExchange


@ccxt_shows("markets")
def test_markets_of_all_four_kinds(client: Any) -> None:
    kinds = {market["type"] for market in client.load_markets(reload=True).values()}
    assert kinds == {"spot", "swap", "future", "option"}
    future = next(market for market in client.markets.values() if market["future"])
    option = next(market for market in client.markets.values() if market["option"])
    assert future["expiry"] > client.milliseconds()
    assert option["expiry"] == future["expiry"]
    assert option["optionType"] == "call"
    for dated in (future, option):
        ticker = client.fetch_ticker(dated["symbol"])
        assert ticker["bid"] < ticker["ask"]
        assert client.fetch_order_book(dated["symbol"], 5)["bids"]
        assert client.fetch_trades(dated["symbol"])
    assert client.fetch_ohlcv(future["symbol"], "1h", limit=5)
    with pytest.raises(ccxt.PermissionDenied):
        client.create_order(future["symbol"], "limit", "buy", 0.01, at(client, LINEAR, 0.9))


@ccxt_shows("klines", "ticker")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_market_data(client: Any, symbol: str) -> None:
    bars = client.fetch_ohlcv(symbol, "5m", limit=50)
    assert [bar[0] for bar in bars] == sorted(bar[0] for bar in bars)
    assert {b[0] - a[0] for a, b in itertools.pairwise(bars)} == {300_000}
    ticker = client.fetch_ticker(symbol)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["bid"] < ticker["ask"]
    book = client.fetch_order_book(symbol, 20)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert [bid for bid, _ in book["bids"]] == sorted((bid for bid, _ in book["bids"]), reverse=True)
    assert book["bids"][0][0] < book["asks"][0][0]
    trades = client.fetch_trades(symbol)
    assert [trade["timestamp"] for trade in trades] == sorted(trade["timestamp"] for trade in trades)
    assert {trade["side"] for trade in trades} <= {"buy", "sell"}
    assert client.fetch_tickers([symbol])[symbol]["symbol"] == symbol


@pytest.mark.parametrize("symbol", SWAPS)
def test_what_contracts_have_beside(client: Any, symbol: str) -> None:
    assert len(client.fetch_mark_ohlcv(symbol, "1m", limit=10)) == 10
    assert len(client.fetch_index_ohlcv(symbol, "1m", limit=10)) == 10
    assert len(client.fetch_premium_index_ohlcv(symbol, "1m", limit=10)) == 10
    rate = client.fetch_funding_rate(symbol)
    assert abs(rate["fundingRate"]) < 0.01
    assert rate["fundingTimestamp"] > client.milliseconds()
    history = client.fetch_funding_rate_history(symbol, limit=10)
    assert {b["timestamp"] - a["timestamp"] for a, b in itertools.pairwise(history)} == {8 * 3_600_000}
    tiers = client.fetch_market_leverage_tiers(symbol)
    assert tiers[0]["maxLeverage"] == 100.0
    assert len(client.fetch_leverage_tiers([symbol])[symbol]) == len(tiers)
    assert client.fetch_open_interest(symbol)["openInterestAmount" if symbol == LINEAR else "openInterestValue"] > 0
    assert client.fetch_open_interest_history(symbol, "1h", limit=5)
    assert client.fetch_trading_fee(symbol)["taker"] == 0.00055


@ccxt_shows("balance")
def test_balance_of_all_coins(client: Any) -> None:
    balance = client.fetch_balance()
    assert balance["USDT"] == {"free": 100_000.0, "used": 0.0, "total": 100_000.0, "debt": 0.0}
    assert balance["BTC"]["total"] == 2.0
    assert client.fetch_balance({"type": "swap", "subType": "inverse"})["BTC"]["free"] == 2.0
    assert client.fetch_trading_fee(SPOT)["maker"] == 0.001
    assert client.fetch_deposits() == client.fetch_withdrawals() == client.fetch_transfers() == []


@ccxt_shows("leverage", "positions")
def test_leverage_modes_and_margin(client: Any) -> None:
    assert position(client, LINEAR)["leverage"] == 10
    client.set_leverage(5, LINEAR)
    assert client.fetch_leverage(LINEAR)["longLeverage"] == 5
    with pytest.raises(ccxt.BadRequest):
        client.set_leverage(5, LINEAR)  # 110043: not modified
    with pytest.raises(ccxt.BadRequest):
        client.set_leverage(101, LINEAR)
    client.set_position_mode(True, LINEAR)
    with pytest.raises(ccxt.NoChange):
        client.set_position_mode(True, LINEAR)
    with pytest.raises(ccxt.BadRequest):
        client.create_order(LINEAR, "market", "buy", 0.01, None, {"positionIdx": 0})
    client.create_order(LINEAR, "market", "buy", 0.01, None, {"positionIdx": 1})
    client.create_order(LINEAR, "market", "sell", 0.02, None, {"positionIdx": 2})
    both = client.fetch_positions([LINEAR])
    assert [(p["side"], p["contracts"], p["hedged"]) for p in both] == [("long", 0.01, True), ("short", 0.02, True)]
    with pytest.raises(ccxt.BadRequest):
        client.set_position_mode(False, LINEAR)
    client.create_order(LINEAR, "market", "sell", 0.01, None, {"positionIdx": 1, "reduceOnly": True})
    client.create_order(LINEAR, "market", "buy", 0.02, None, {"positionIdx": 2, "reduceOnly": True})
    client.set_position_mode(False, LINEAR)
    client.set_margin_mode("isolated")
    assert client.private_get_v5_account_info()["result"]["marginMode"] == "ISOLATED_MARGIN"
    client.create_order(LINEAR, "market", "buy", 0.01)
    held = position(client, LINEAR)
    # ccxt leaves a position's margin mode empty at this venue, whose rows say it.
    assert held["info"]["tradeMode"] == 1
    assert held["liquidationPrice"] == pytest.approx(held["entryPrice"] * (1 - 1 / 5) / (1 - 0.005), rel=0.001)
    client.private_post_v5_position_add_margin({"category": "linear", "symbol": "BTCUSDT", "margin": "10"})
    more = position(client, LINEAR)
    assert more["collateral"] - more["unrealizedPnl"] == pytest.approx(held["initialMargin"] + 10, rel=0.01)
    assert more["liquidationPrice"] == pytest.approx(held["liquidationPrice"] - 10 / 0.01, rel=0.001)


RAW = {
    SPOT: {"category": "spot", "symbol": "BTCUSDT", "qty": "0.01"},
    LINEAR: {"category": "linear", "symbol": "BTCUSDT", "qty": "0.02"},
    INVERSE: {"category": "inverse", "symbol": "BTCUSD", "qty": "1000"},
}
# What is wrong -> the venue's code, of contracts and of spot.
REFUSALS: list[tuple[dict[str, str], int, int]] = [
    ({"price": "-1"}, 110003, 170133),
    ({"price": "99999999"}, 110003, 170132),
    ({"price": "dear"}, 10001, 10001),
    ({"qty": "0.0000001"}, 10001, 170137),
    ({"qty": "0"}, 10001, 170136),
    ({"qty": "100000000000"}, 10001, 170135),
    ({"qty": "many"}, 10001, 10001),
    ({"symbol": "NOPEUSDT"}, 10001, 170121),
]


@ccxt_shows("insufficient funds", "bad price", "bad quantity", "unknown order")
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_refusals_are_ccxt_s_own_errors(client: Any, symbol: str) -> None:
    amount, price = AMOUNT[symbol], at(client, symbol, 0.9)
    with pytest.raises(ccxt.InsufficientFunds, match="170131" if symbol == SPOT else "110007"):
        client.create_order(symbol, "limit", "buy", TOO_DEAR[symbol], price)
    params = {**RAW[symbol], "side": "Buy", "orderType": "Limit", "price": str(price)}
    for wrong, of_contracts, of_spot in REFUSALS:
        with pytest.raises(
            (ccxt.InvalidOrder, ccxt.BadRequest), match=str(of_spot if symbol == SPOT else of_contracts)
        ):
            client.private_post_v5_order_create({**params, **wrong})
    if symbol == SPOT:
        with pytest.raises(ccxt.InvalidOrder, match="170134"):
            client.private_post_v5_order_create({**params, "price": f"{price}001"})
    unknown = "170213" if symbol == SPOT else "110001"
    with pytest.raises(ccxt.OrderNotFound, match=unknown):
        client.cancel_order("1700007000000099999", symbol)
    with pytest.raises(ccxt.OrderNotFound, match=unknown):
        client.edit_order("1700007000000099999", symbol, "limit", "buy", amount, price)
    assert client.fetch_open_orders(symbol) == []


@ccxt_shows("wrong key", "stale timestamp")
def test_whoever_signs_wrongly_is_turned_away(make_client: Callable[..., Any], bybit: RunningExchange) -> None:
    with pytest.raises(ccxt.AuthenticationError, match="10003"):
        make_client({**bybit.info, "api_key": "nobody"}).fetch_balance()
    with pytest.raises(ccxt.AuthenticationError, match="10004"):
        make_client({**bybit.info, "api_secret": "wrong"}).fetch_balance()
    late = make_client(bybit.info)
    late.nonce = lambda: late.milliseconds() - 10_000
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        late.private_get_v5_account_info()
    late.options["recvWindow"] = 20_000
    assert late.private_get_v5_account_info()["retCode"] == 0
    early = make_client(bybit.info)
    early.nonce = lambda: early.milliseconds() + 3_000
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        early.private_get_v5_account_info()


@ccxt_shows("too many requests")
def test_who_is_too_fast_is_told(make_client: Callable[..., Any], paced: RunningExchange) -> None:
    client = make_client(paced.info)
    price = at(client, LINEAR, 0.9)

    def hurry() -> None:
        for _ in range(40):
            client.create_order(LINEAR, "limit", "buy", 0.001, price)

    with pytest.raises(ccxt.RateLimitExceeded, match="10006"):
        hurry()
    headers = {name.lower(): value for name, value in client.last_response_headers.items()}
    assert headers["x-bapi-limit"] == "10"
    assert headers["x-bapi-limit-status"] == "0"
    assert int(headers["x-bapi-limit-reset-timestamp"]) > time.time() * 1_000 - 50


@ccxt_shows("too many requests")
def test_an_address_that_is_too_fast_is_shut_out(make_client: Callable[..., Any]) -> None:
    with running_exchange("bybit", seed=7, rate_limits="10/0.5", ban_seconds=0.3) as exchange:
        client = make_client(exchange.info)

        def hurry() -> None:
            for _ in range(30):
                client.fetch_ticker(LINEAR)

        with pytest.raises(ccxt.RateLimitExceeded, match="403"):
            hurry()
        with pytest.raises(ccxt.RateLimitExceeded, match="access too frequent"):
            client.fetch_time()
        time.sleep(0.6)
        assert client.fetch_time() > 0


@shows("bybit ccxt async", "place, amend, cancel", "my trades", "balance", "positions")
async def test_the_async_client_by_itself(
    bybit_member: Callable[..., dict[str, Any]], bybit_markets: tuple[Any, Any]
) -> None:
    client = ccxt.async_support.bybit(bybit_settings(bybit_member()))
    client.set_markets(*bybit_markets)
    try:
        assert (await client.fetch_balance())["USDT"]["total"] == 100_000
        for symbol in SYMBOLS:
            ticker = await client.fetch_ticker(symbol)
            price = float(client.price_to_precision(symbol, ticker["last"] * 0.97))
            placed = await client.create_order(symbol, "limit", "buy", AMOUNT[symbol], price)
            await client.edit_order(placed["id"], symbol, "limit", "buy", 2 * AMOUNT[symbol])
            (found,) = await client.fetch_open_orders(symbol)
            assert (found["id"], found["amount"]) == (placed["id"], 2 * AMOUNT[symbol])
            await client.cancel_order(placed["id"], symbol)
            await client.create_order(symbol, "market", "sell", AMOUNT[symbol])
            assert (await client.fetch_my_trades(symbol))[-1]["side"] == "sell"
            assert (await client.fetch_closed_orders(symbol))[-1]["status"] == "closed"
        assert {p["symbol"] for p in await client.fetch_positions(SWAPS[:1])} == {LINEAR}
        with pytest.raises(ccxt.InsufficientFunds):
            await client.create_order(LINEAR, "limit", "buy", 100, price)
    finally:
        await client.close()
