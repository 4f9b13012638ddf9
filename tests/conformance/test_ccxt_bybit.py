"""ccxt's blocking and asynchronous clients trade at Bybit's side as at the venue."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import ccxt
import ccxt.async_support
import pytest
from bybit_clients import bybit_client, bybit_settings

from real_trade.testing.exchange_process import running_exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_trade.testing.exchange_process import RunningExchange

SPOT, LINEAR, INVERSE = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC"
SYMBOLS = [SPOT, LINEAR, INVERSE]
SWAPS = [LINEAR, INVERSE]
TOO_DEAR = {"BTC/USDT": 9, "BTC/USDT:USDT": 100, "BTC/USD:BTC": 900_000}
AMOUNT = {SPOT: 0.01, LINEAR: 0.02, INVERSE: 1_000}


def last(client: Any, symbol: str) -> float:
    return client.fetch_ticker(symbol)["last"]


def at(client: Any, symbol: str, factor: float) -> float:
    """Return a price that is so much of the last one."""
    return float(client.price_to_precision(symbol, last(client, symbol) * factor))


def order(client: Any, placed: Any, symbol: str) -> Any:
    """Return an order as it is now, open or ended."""
    return client.fetch_order(placed["id"], symbol, {"acknowledged": True})


def position(client: Any, symbol: str) -> Any:
    return client.fetch_positions([symbol])[0]


def test_markets_of_all_four_kinds(client: Any) -> None:
    kinds = {market["type"] for market in client.markets.values()}
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


def test_balance_of_all_coins(client: Any) -> None:
    balance = client.fetch_balance()
    assert balance["USDT"] == {"free": 100_000.0, "used": 0.0, "total": 100_000.0, "debt": 0.0}
    assert balance["BTC"]["total"] == 2.0
    assert client.fetch_balance({"type": "swap", "subType": "inverse"})["BTC"]["free"] == 2.0
    assert client.fetch_trading_fee(SPOT)["maker"] == 0.001


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_limit_order_lives_is_amended_and_cancelled(client: Any, symbol: str) -> None:
    amount = AMOUNT[symbol]
    placed = client.create_order(symbol, "limit", "buy", amount, at(client, symbol, 0.97))
    open_ = client.fetch_open_orders(symbol)
    assert [(o["id"], o["status"], o["amount"], o["filled"]) for o in open_] == [(placed["id"], "open", amount, 0.0)]
    used = client.fetch_balance()["BTC" if symbol == INVERSE else "USDT"]["used"]
    assert used > 0
    price = at(client, symbol, 0.96)
    client.edit_order(placed["id"], symbol, "limit", "buy", 2 * amount, price)
    changed = client.fetch_open_orders(symbol)[0]
    assert (changed["price"], changed["amount"], changed["id"]) == (price, 2 * amount, placed["id"])
    assert client.cancel_order(placed["id"], symbol)["id"] == placed["id"]
    assert client.fetch_open_orders(symbol) == []
    gone = order(client, placed, symbol)
    assert (gone["status"], gone["filled"]) == ("canceled", 0.0)
    assert client.fetch_canceled_orders(symbol)[-1]["id"] == placed["id"]
    assert client.fetch_balance()["BTC" if symbol == INVERSE else "USDT"]["used"] == 0
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order(placed["id"], symbol)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_cancel_all(client: Any, symbol: str) -> None:
    ids = {client.create_order(symbol, "limit", "buy", AMOUNT[symbol], at(client, symbol, 0.95))["id"] for _ in "abc"}
    assert {o["id"] for o in client.cancel_all_orders(symbol)} == ids
    assert client.fetch_open_orders(symbol) == []


def test_market_order_on_spot_by_quantity_and_by_cost(client: Any) -> None:
    bought = order(client, client.create_order(SPOT, "market", "buy", 0.01, last(client, SPOT)), SPOT)
    assert bought["status"] in {"closed", "canceled"}  # what the cost does not reach is taken back
    assert bought["filled"] == pytest.approx(0.01, rel=0.01)
    costly = client.create_market_buy_order_with_cost(SPOT, 500.0)
    assert order(client, costly, SPOT)["cost"] == pytest.approx(500.0, rel=0.001)
    by_base = client.create_order(SPOT, "market", "buy", 0.02, None, {"marketUnit": "baseCoin", "cost": None})
    assert order(client, by_base, SPOT)["filled"] == 0.02
    sold = order(client, client.create_order(SPOT, "market", "sell", 0.01), SPOT)
    assert (sold["status"], sold["filled"]) == ("closed", 0.01)
    trades = client.fetch_my_trades(SPOT)
    assert trades[-1]["order"] == sold["id"]
    fees = {trade["side"]: trade["fee"]["currency"] for trade in trades}
    assert fees == {"buy": "BTC", "sell": "USDT"}
    assert trades[-1]["fee"]["cost"] == pytest.approx(trades[-1]["cost"] * 0.001)


@pytest.mark.parametrize("symbol", SWAPS)
def test_market_order_opens_and_reduce_only_closes(client: Any, symbol: str) -> None:
    amount = AMOUNT[symbol]
    opened = order(client, client.create_order(symbol, "market", "buy", amount), symbol)
    assert (opened["status"], opened["filled"], opened["remaining"]) == ("closed", amount, 0.0)
    held = position(client, symbol)
    assert (held["side"], held["contracts"], held["leverage"]) == ("long", amount, 10.0)
    assert held["entryPrice"] == pytest.approx(opened["average"], rel=1e-6)
    assert client.fetch_position(symbol)["contracts"] == amount
    assert len(client.fetch_positions(None, {"subType": "linear" if symbol == LINEAR else "inverse"})) == 1
    closed = client.create_order(symbol, "market", "sell", 2 * amount, None, {"reduceOnly": True})
    assert order(client, closed, symbol)["filled"] == amount
    assert position(client, symbol)["contracts"] == 0
    with pytest.raises(ccxt.InvalidOrder):
        client.create_order(symbol, "market", "sell", amount, None, {"reduceOnly": True})
    trades = client.fetch_my_trades(symbol)
    assert {trade["order"] for trade in trades} == {opened["id"], closed["id"]}
    assert sum(trade["amount"] for trade in trades) == pytest.approx(2 * amount)
    assert [o["id"] for o in client.fetch_closed_orders(symbol)] == [opened["id"], closed["id"]]
    profit = client.fetch_positions_history([symbol])[0]
    balance = client.fetch_balance()
    coin, before = ("USDT", 100_000) if symbol == LINEAR else ("BTC", 2)
    entry = client.fetch_ledger(coin)
    assert sum(float(e["info"]["change"]) for e in entry) == pytest.approx(balance[coin]["total"] - before, abs=1e-7)
    assert profit["symbol"] == symbol


@pytest.mark.parametrize("symbol", SWAPS)
def test_close_position_without_a_quantity(client: Any, symbol: str) -> None:
    client.create_order(symbol, "market", "sell", AMOUNT[symbol])
    assert position(client, symbol)["side"] == "short"
    client.create_order(symbol, "market", "buy", 0, None, {"reduceOnly": True, "closeOnTrigger": True, "qty": "0"})
    assert position(client, symbol)["contracts"] == 0


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_post_only_rests_or_is_cancelled(client: Any, symbol: str) -> None:
    rests = client.create_order(symbol, "limit", "buy", AMOUNT[symbol], at(client, symbol, 0.97), {"postOnly": True})
    assert order(client, rests, symbol)["status"] == "open"
    crosses = client.create_order(symbol, "limit", "buy", AMOUNT[symbol], at(client, symbol, 1.01), {"postOnly": True})
    ended = order(client, crosses, symbol)
    assert (ended["status"], ended["info"]["rejectReason"]) == ("canceled", "EC_PostOnlyWillTakeLiquidity")


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_immediate_orders(client: Any, symbol: str) -> None:
    amount = AMOUNT[symbol]
    away = client.create_order(symbol, "limit", "buy", amount, at(client, symbol, 0.9), {"timeInForce": "IOC"})
    assert order(client, away, symbol)["status"] == "canceled"
    best, size = client.fetch_order_book(symbol, 1)["asks"][0]
    # More than the best level has: what is there is taken, the rest is not waited for.
    wanted = float(client.amount_to_precision(symbol, size + amount))
    if symbol == SPOT or wanted * best < 500_000:
        part = order(client, client.create_order(symbol, "limit", "buy", wanted, best, {"timeInForce": "IOC"}), symbol)
        assert part["status"] in {"canceled", "closed"}
        assert 0 <= part["filled"] <= wanted
    never = client.create_order(symbol, "limit", "buy", amount, at(client, symbol, 0.9), {"timeInForce": "FOK"})
    assert (order(client, never, symbol)["status"], order(client, never, symbol)["filled"]) == ("canceled", 0.0)
    whole = client.create_order(symbol, "limit", "buy", amount, at(client, symbol, 1.01), {"timeInForce": "FOK"})
    assert (order(client, whole, symbol)["status"], order(client, whole, symbol)["filled"]) == ("closed", amount)


def test_an_order_is_filled_in_part_and_its_rest_waits(client: Any) -> None:
    best, size = client.fetch_order_book("ETH/USDT:USDT", 1)["asks"][0]
    placed = client.create_order("ETH/USDT:USDT", "limit", "buy", round(size + 50, 2), best)
    found = order(client, placed, "ETH/USDT:USDT")
    if found["status"] == "open":
        assert 0 <= found["filled"] < found["amount"]
        assert found["filled"] + found["remaining"] == pytest.approx(found["amount"])
    trades = client.fetch_order_trades(placed["id"], "ETH/USDT:USDT")
    assert sum(trade["amount"] for trade in trades) >= found["filled"] - 1e-9
    assert all(trade["price"] <= best for trade in trades)
    client.cancel_all_orders("ETH/USDT:USDT")


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("type_", ["market", "limit"])
def test_conditional_orders_wait(client: Any, symbol: str, type_: str) -> None:
    above = at(client, symbol, 1.05)
    price = above if type_ == "limit" else None
    if symbol == SPOT:
        stop = client.create_order(symbol, type_, "buy", AMOUNT[symbol], price or above, {"triggerPrice": above})
    else:
        params = {"triggerPrice": above, "triggerDirection": "ascending"}
        stop = client.create_order(symbol, type_, "buy", AMOUNT[symbol], price, params)
    waiting = client.fetch_open_orders(symbol, None, None, {"trigger": True})
    assert [(o["id"], o["triggerPrice"], o["info"]["orderStatus"]) for o in waiting] == [
        (stop["id"], above, "Untriggered")
    ]
    assert client.fetch_balance()["BTC" if symbol == INVERSE else "USDT"]["used"] == 0
    client.cancel_order(stop["id"], symbol, {"trigger": True})
    assert client.fetch_open_orders(symbol, None, None, {"trigger": True}) == []


@pytest.mark.parametrize("symbol", SWAPS)
def test_stop_and_take_profit_orders_of_a_position(client: Any, symbol: str) -> None:
    client.create_order(symbol, "market", "buy", AMOUNT[symbol])
    for name, factor in (("stopLossPrice", 0.95), ("takeProfitPrice", 1.05)):
        client.create_order(symbol, "market", "sell", AMOUNT[symbol], None, {name: at(client, symbol, factor)})
    waiting = client.fetch_open_orders(symbol, None, None, {"trigger": True})
    assert len(waiting) == 2
    assert all(o["side"] == "sell" and o["reduceOnly"] for o in waiting)


@pytest.mark.parametrize("symbol", SWAPS)
def test_attached_stops_full(client: Any, symbol: str) -> None:
    stops = {
        "takeProfit": {"triggerPrice": at(client, symbol, 1.02)},
        "stopLoss": {"triggerPrice": at(client, symbol, 0.98)},
    }
    client.create_order(symbol, "market", "buy", AMOUNT[symbol], None, stops)
    guards = client.fetch_open_orders(symbol)
    assert {o["info"]["stopOrderType"]: o["triggerPrice"] for o in guards} == {
        "TakeProfit": stops["takeProfit"]["triggerPrice"],
        "StopLoss": stops["stopLoss"]["triggerPrice"],
    }
    held = position(client, symbol)
    assert held["takeProfitPrice"] == stops["takeProfit"]["triggerPrice"]
    assert held["stopLossPrice"] == stops["stopLoss"]["triggerPrice"]
    client.create_order(symbol, "market", "sell", AMOUNT[symbol], None, {"reduceOnly": True})
    assert client.fetch_open_orders(symbol) == []
    ended = client.fetch_canceled_orders(symbol, None, None, {"orderStatus": "Deactivated"})
    assert {o["info"]["cancelType"] for o in ended} == {"CancelByTpSlTsClear"}


@pytest.mark.parametrize("symbol", SWAPS)
def test_attached_stops_partial(client: Any, symbol: str) -> None:
    limit = at(client, symbol, 1.03)
    stops = {
        "tpslMode": "Partial",
        "takeProfit": {"triggerPrice": at(client, symbol, 1.02), "price": limit, "type": "limit"},
        "stopLoss": {"triggerPrice": at(client, symbol, 0.98)},
    }
    client.create_order(symbol, "market", "buy", AMOUNT[symbol], None, stops)
    guards = {o["info"]["stopOrderType"]: o for o in client.fetch_open_orders(symbol)}
    assert set(guards) == {"PartialTakeProfit", "PartialStopLoss"}
    assert guards["PartialTakeProfit"]["price"] == limit
    assert guards["PartialStopLoss"]["amount"] == AMOUNT[symbol]


def test_attached_stops_of_a_spot_order(client: Any) -> None:
    price = last(client, SPOT)
    stops = {
        "takeProfit": {"triggerPrice": round(price * 1.03, 2)},
        "stopLoss": {"triggerPrice": round(price * 0.96, 2)},
    }
    client.create_order(SPOT, "limit", "buy", 0.01, round(price * 1.01, 2), stops)
    guards = client.fetch_open_orders(SPOT, None, None, {"orderFilter": "tpslOrder"})
    assert {o["triggerPrice"] for o in guards} == {s["triggerPrice"] for s in stops.values()}
    assert {o["side"] for o in guards} == {"sell"}


@pytest.mark.parametrize("symbol", SWAPS)
def test_trailing_stop(client: Any, symbol: str) -> None:
    client.create_order(symbol, "market", "buy", AMOUNT[symbol])
    client.create_order(symbol, "market", "sell", AMOUNT[symbol], None, {"trailingAmount": 500})
    trailing = client.fetch_open_orders(symbol)[0]
    assert trailing["info"]["stopOrderType"] == "TrailingStop"
    assert last(client, symbol) * 0.9 < trailing["triggerPrice"] < last(client, symbol)
    assert float(position(client, symbol)["info"]["trailingStop"]) == 500


def test_leverage_modes_and_margin(client: Any) -> None:
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
    assert held["liquidationPrice"] == pytest.approx(held["entryPrice"] * (1 - 1 / 5) / (1 - 0.005), rel=0.001)
    client.private_post_v5_position_add_margin({"category": "linear", "symbol": "BTCUSDT", "margin": "10"})
    more = position(client, LINEAR)
    assert more["collateral"] - more["unrealizedPnl"] == pytest.approx(held["initialMargin"] + 10, rel=0.01)
    assert more["liquidationPrice"] == pytest.approx(held["liquidationPrice"] - 10 / 0.01, rel=0.001)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_client_order_id_is_kept_and_never_taken_twice(client: Any, symbol: str) -> None:
    name = f"mine-{client.apiKey}-{SYMBOLS.index(symbol)}"
    args = (symbol, "limit", "buy", AMOUNT[symbol], at(client, symbol, 0.95), {"clientOrderId": name})
    placed = client.create_order(*args)
    assert placed["clientOrderId"] == name
    assert client.fetch_open_orders(symbol)[0]["clientOrderId"] == name
    with pytest.raises(ccxt.InvalidOrder, match=r"OrderLinkedID is duplicate|Duplicate clientOrderId"):
        client.create_order(*args)
    client.cancel_order(None, symbol, {"orderLinkId": name})
    with pytest.raises(ccxt.InvalidOrder):
        client.create_order(*args)
    with pytest.raises(ccxt.BadRequest):
        client.create_order(*args[:5], {"clientOrderId": "with space"})


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_refusals_are_ccxt_s_own_errors(client: Any, symbol: str) -> None:
    amount, price = AMOUNT[symbol], at(client, symbol, 0.9)
    raw = client.private_post_v5_order_create
    market = client.market(symbol)
    params = {"category": market["type"] if market["spot"] else market["subType"], "symbol": market["id"]}
    params |= {"side": "Buy", "orderType": "Limit", "qty": str(amount), "price": str(price)}
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(symbol, "limit", "buy", TOO_DEAR[symbol], price)
    with pytest.raises((ccxt.InvalidOrder, ccxt.BadRequest)):
        raw({**params, "price": "-1"})
    with pytest.raises((ccxt.InvalidOrder, ccxt.BadRequest)):
        raw({**params, "qty": "0.0000001"})
    with pytest.raises(ccxt.BadRequest):
        raw({**params, "qty": "many"})
    with pytest.raises((ccxt.InvalidOrder, ccxt.BadRequest)):
        raw({**params, "symbol": "NOPEUSDT"})
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order("1700007000000099999", symbol)
    with pytest.raises(ccxt.OrderNotFound):
        client.edit_order("1700007000000099999", symbol, "limit", "buy", amount, price)


def test_whoever_signs_wrongly_is_turned_away(client: Any, bybit: RunningExchange) -> None:
    with pytest.raises(ccxt.AuthenticationError, match="10003"):
        bybit_client({**bybit.info, "api_key": "nobody"}).fetch_balance()
    with pytest.raises(ccxt.AuthenticationError, match="10004"):
        bybit_client({**bybit.info, "api_secret": "wrong"}).fetch_balance()
    late = bybit_client(bybit.info)
    late.nonce = lambda: late.milliseconds() - 10_000
    with pytest.raises(ccxt.InvalidNonce, match="10002"):
        late.private_get_v5_account_info()
    late.options["recvWindow"] = 20_000
    assert late.private_get_v5_account_info()["retCode"] == 0
    early = bybit_client(bybit.info)
    early.nonce = lambda: early.milliseconds() + 3_000
    with pytest.raises(ccxt.InvalidNonce):
        early.private_get_v5_account_info()


def test_who_is_too_fast_is_told(bybit_markets: tuple[Any, Any]) -> None:
    with running_exchange("bybit", seed=7, rate_limits="documented") as exchange:
        client = bybit_client(exchange.info)
        client.set_markets(*bybit_markets)
        price = at(client, LINEAR, 0.9)

        def hurry() -> None:
            for _ in range(40):
                client.create_order(LINEAR, "limit", "buy", 0.001, price)

        with pytest.raises(ccxt.RateLimitExceeded):
            hurry()
        headers = {name.lower(): value for name, value in client.last_response_headers.items()}
        assert headers["x-bapi-limit"] == "10"
        assert headers["x-bapi-limit-status"] == "0"
        assert int(headers["x-bapi-limit-reset-timestamp"]) > time.time() * 1_000 - 50
        client.session.close()


async def test_the_async_client_does_it_too(
    bybit_member: Callable[[], dict[str, Any]], bybit_markets: tuple[Any, Any]
) -> None:
    client = ccxt.async_support.bybit(bybit_settings(bybit_member()))
    client.set_markets(*bybit_markets)
    try:
        assert (await client.fetch_balance())["USDT"]["total"] == 100_000
        for symbol in SYMBOLS:
            ticker = await client.fetch_ticker(symbol)
            price = float(client.price_to_precision(symbol, ticker["last"] * 0.97))
            placed = await client.create_order(symbol, "limit", "buy", AMOUNT[symbol], price)
            assert [o["id"] for o in await client.fetch_open_orders(symbol)] == [placed["id"]]
            await client.cancel_order(placed["id"], symbol)
            await client.create_order(symbol, "market", "sell", AMOUNT[symbol])
            assert (await client.fetch_my_trades(symbol))[-1]["side"] == "sell"
            assert (await client.fetch_closed_orders(symbol))[-1]["status"] == "closed"
        assert {p["symbol"] for p in await client.fetch_positions(SWAPS[:1])} == {LINEAR}
        with pytest.raises(ccxt.InsufficientFunds):
            await client.create_order(LINEAR, "limit", "buy", 100, price)
    finally:
        await client.close()
