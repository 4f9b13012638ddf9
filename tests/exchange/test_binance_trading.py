"""Orders, positions and user streams of Binance's three markets, in process over a virtual clock."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from binance_clients import PATHS, SYMBOLS, WALLET, Rejected, Rig, events_of

from real_trade.exchange.answers import Query
from real_trade.exchange.binance.dated import Dated
from real_trade.exchange.clock import SteppingClock
from real_trade.exchange.core.orders import Price
from real_trade.exchange.listing import listed
from real_trade.model import Market, parse_time

SPOT, LINEAR, INVERSE = Market.SPOT, Market.LINEAR, Market.INVERSE
FUTURES = [LINEAR, INVERSE]
QUANTITY = {SPOT: "0.01", LINEAR: "0.01", INVERSE: "10"}


@pytest.fixture
def rig() -> Rig:
    return Rig()


def below(rig: Rig, market: Market, share: str = "0.9") -> Decimal:
    """Return a price of the grid below the market."""
    bid, _ = rig.touch(market)
    tick = Decimal("0.01") if market is SPOT else Decimal("0.1")
    return (bid * Decimal(share) // tick) * tick


def refused(rig: Rig, market: Market, side: str, kind: str, **params: object) -> tuple[int, str]:
    with pytest.raises(Rejected) as caught:
        rig.order(market, side, kind, **params)
    assert caught.value.status == 400
    return caught.value.code, caught.value.message


def move(rig: Rig, market: Market, to: Decimal) -> None:
    """Let the market trade at another price."""
    rig.world.wake()
    listing = rig.world.listings[market, SYMBOLS[market]]
    ticks = int(to / listing.contract.tick)
    listing.crowd.stand_around(ticks, rig.world.now_ms)
    rig.world.exchange.set_price(listing.name, Price.LAST, ticks, rig.world.now_ms)
    rig.world.exchange.set_price(listing.name, Price.MARK, ticks, rig.world.now_ms)
    rig.world.tell()


# Spot


def test_spot_limit_order_rests_and_is_cancelled(rig: Rig) -> None:
    price = below(rig, SPOT)
    row = rig.order(SPOT, "BUY", "LIMIT", quantity="0.01", price=price, newClientOrderId="mine")
    assert row["status"] == "NEW"
    assert row["fills"] == []
    assert (row["clientOrderId"], row["origQty"], row["executedQty"]) == ("mine", "0.01000000", "0.00000000")
    assert row["price"] == f"{price:.8f}"
    held = next(b for b in rig.mine(SPOT, "GET", "account")["balances"] if b["asset"] == "USDT")
    assert held["locked"] == f"{price / 100:.8f}"
    assert rig.mine(SPOT, "GET", "openOrders")[0]["orderId"] == row["orderId"]
    assert rig.mine(SPOT, "GET", "order", symbol="BTCUSDT", origClientOrderId="mine")["status"] == "NEW"
    gone = rig.mine(SPOT, "DELETE", "order", symbol="BTCUSDT", orderId=row["orderId"])
    assert (gone["status"], gone["origClientOrderId"]) == ("CANCELED", "mine")
    assert gone["clientOrderId"] != "mine"
    assert rig.mine(SPOT, "GET", "openOrders") == []
    held = next(b for b in rig.mine(SPOT, "GET", "account")["balances"] if b["asset"] == "USDT")
    assert (held["free"], held["locked"]) == ("100000.00000000", "0.00000000")


def test_spot_market_orders_pay_exactly(rig: Rig) -> None:
    bought = rig.order(SPOT, "BUY", "MARKET", quantity="0.5")
    assert bought["status"] == "FILLED"
    assert sum(Decimal(f["qty"]) for f in bought["fills"]) == Decimal("0.5")
    cost = sum(Decimal(f["qty"]) * Decimal(f["price"]) for f in bought["fills"])
    assert Decimal(bought["cummulativeQuoteQty"]) == cost
    fee = sum(Decimal(f["commission"]) for f in bought["fills"])
    assert {f["commissionAsset"] for f in bought["fills"]} == {"BTC"}
    sold = rig.order(SPOT, "SELL", "MARKET", quoteOrderQty="1000")
    assert sold["origQuoteOrderQty"] == "1000.00000000"
    assert 990 < Decimal(sold["cummulativeQuoteQty"]) <= 1_000
    got = Decimal(sold["cummulativeQuoteQty"]) - sum(Decimal(f["commission"]) for f in sold["fills"])
    balances = {b["asset"]: Decimal(b["free"]) for b in rig.mine(SPOT, "GET", "account")["balances"]}
    assert balances["USDT"] == WALLET["USDT"] - cost + got
    assert balances["BTC"] == WALLET["BTC"] + Decimal("0.5") - fee - Decimal(sold["executedQty"])
    trades = rig.mine(SPOT, "GET", "myTrades", symbol="BTCUSDT")
    assert [t["id"] for t in trades] == [f["tradeId"] for f in bought["fills"] + sold["fills"]]


def test_spot_answers_as_short_as_asked(rig: Rig) -> None:
    price = below(rig, SPOT)
    for wanted, keys in (("ACK", 5), ("RESULT", 16), ("FULL", 17)):
        row = rig.order(SPOT, "BUY", "LIMIT", quantity="0.01", price=price, newOrderRespType=wanted)
        assert len(row) == keys
    stop = rig.order(SPOT, "SELL", "STOP_LOSS", quantity="0.01", stopPrice=price)
    assert set(stop) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}


def test_spot_times_in_force(rig: Rig) -> None:
    price = below(rig, SPOT)
    for force in ("IOC", "FOK"):
        row = rig.order(SPOT, "BUY", "LIMIT", quantity="0.01", price=price, timeInForce=force)
        assert row["status"] == "EXPIRED"
    maker = rig.order(SPOT, "BUY", "LIMIT_MAKER", quantity="0.01", price=price, newOrderRespType="RESULT")
    assert maker["status"] == "NEW"
    _, ask = rig.touch(SPOT)
    found = refused(rig, SPOT, "BUY", "LIMIT_MAKER", quantity="0.01", price=ask)
    assert found == (-2010, "Order would immediately match and take.")


@pytest.mark.parametrize("kind", ["STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"])
def test_spot_conditional_orders_wait_for_their_price(rig: Rig, kind: str) -> None:
    bid, _ = rig.touch(SPOT)
    target = below(rig, SPOT, "0.98" if kind.startswith("STOP") else "1.02")
    more = {"price": below(rig, SPOT, "0.97")} if kind.endswith("LIMIT") else {}
    row = rig.order(SPOT, "SELL", kind, quantity="0.01", stopPrice=target, newOrderRespType="RESULT", **more)
    assert (row["status"], row["stopPrice"]) == ("NEW", f"{target:.8f}")
    assert rig.mine(SPOT, "GET", "order", symbol="BTCUSDT", orderId=row["orderId"])["isWorking"] is False
    move(rig, SPOT, (target + bid) / 2 // Decimal("0.01") * Decimal("0.01"))
    assert rig.mine(SPOT, "GET", "order", symbol="BTCUSDT", orderId=row["orderId"])["status"] == "NEW"
    move(rig, SPOT, target)
    done = rig.mine(SPOT, "GET", "order", symbol="BTCUSDT", orderId=row["orderId"])
    assert (done["status"], done["isWorking"]) == ("FILLED", True)


def test_spot_trailing_stop_follows_the_price(rig: Rig) -> None:
    bid, _ = rig.touch(SPOT)
    row = rig.order(SPOT, "SELL", "STOP_LOSS", quantity="0.01", trailingDelta=100, newOrderRespType="RESULT")
    assert row["trailingDelta"] == 100
    cent = Decimal("0.01")
    move(rig, SPOT, bid * Decimal("1.05") // cent * cent)
    move(rig, SPOT, bid * Decimal("1.045") // cent * cent)
    assert rig.mine(SPOT, "GET", "openOrders", symbol="BTCUSDT")
    move(rig, SPOT, bid * Decimal("1.035") // cent * cent)
    assert rig.mine(SPOT, "GET", "order", symbol="BTCUSDT", orderId=row["orderId"])["status"] == "FILLED"


def test_spot_filters(rig: Rig) -> None:
    price = below(rig, SPOT)
    cases: list[tuple[str, dict[str, object]]] = [
        ("PRICE_FILTER", {"quantity": "0.01", "price": f"{price + Decimal('0.001')}"}),
        ("LOT_SIZE", {"quantity": "0.0000015", "price": price}),
        ("LOT_SIZE", {"quantity": "10000", "price": price}),
        ("NOTIONAL", {"quantity": "0.0001", "price": price}),
        ("PERCENT_PRICE_BY_SIDE", {"quantity": "0.01", "price": "1000"}),
        ("PERCENT_PRICE_BY_SIDE", {"quantity": "0.01", "price": "900000"}),
    ]
    for name, params in cases:
        assert refused(rig, SPOT, "BUY", "LIMIT", **params) == (-1013, f"Filter failure: {name}")
    assert refused(rig, SPOT, "BUY", "MARKET", quantity="1000") == (-1013, "Filter failure: MARKET_LOT_SIZE")
    assert refused(rig, SPOT, "BUY", "MARKET", quoteOrderQty="1") == (-1013, "Filter failure: NOTIONAL")
    for _ in range(5):
        rig.order(SPOT, "SELL", "STOP_LOSS", quantity="0.01", stopPrice=price)
    found = refused(rig, SPOT, "SELL", "STOP_LOSS", quantity="0.01", stopPrice=price)
    assert found == (-1013, "Filter failure: MAX_NUM_ALGO_ORDERS")
    filters = {f["filterType"] for f in rig.public(SPOT, "exchangeInfo")["symbols"][0]["filters"]}
    assert filters >= {"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "NOTIONAL", "ICEBERG_PARTS", "TRAILING_DELTA"}
    assert filters >= {"MAX_NUM_ORDERS", "MAX_NUM_ALGO_ORDERS", "PERCENT_PRICE_BY_SIDE"}


def test_spot_codes(rig: Rig) -> None:
    price = below(rig, SPOT)
    fit: dict[str, object] = {"quantity": "0.01", "price": price}
    assert refused(rig, SPOT, "BUY", "LIMIT", price=price)[0] == -1102
    assert refused(rig, SPOT, "BUY", "LIMIT", **fit, timeInForce="XXX")[0] == -1115
    assert refused(rig, SPOT, "BUY", "ICEBERG", **fit)[0] == -1116
    assert refused(rig, SPOT, "HOLD", "LIMIT", **fit)[0] == -1117
    assert refused(rig, SPOT, "BUY", "MARKET", **fit)[0] == -1106
    assert refused(rig, SPOT, "BUY", "LIMIT", **fit, symbol="NOPE")[0] == -1121
    assert refused(rig, SPOT, "BUY", "LIMIT", **fit, newClientOrderId="a b")[0] == -1100
    for text in ("1e-2", "1E1", ".01", "1.", "+1"):
        assert refused(rig, SPOT, "BUY", "LIMIT", **{**fit, "quantity": text})[0] == -1100
    poor = refused(rig, SPOT, "BUY", "LIMIT", quantity="5", price=price)
    assert poor == (-2010, "Account has insufficient balance for requested action.")
    rig.order(SPOT, "BUY", "LIMIT", **fit, newClientOrderId="mine")
    assert refused(rig, SPOT, "BUY", "LIMIT", **fit, newClientOrderId="mine") == (-2010, "Duplicate order sent.")
    rig.mine(SPOT, "DELETE", "openOrders", symbol="BTCUSDT")
    rig.order(SPOT, "BUY", "LIMIT", **fit, newClientOrderId="mine")  # the name is free again
    stop = refused(rig, SPOT, "BUY", "STOP_LOSS", quantity="0.01", stopPrice=price)
    assert stop == (-2010, "Order would trigger immediately.")
    for method, code in (("GET", -2013), ("DELETE", -2011)):
        with pytest.raises(Rejected) as caught:
            rig.mine(SPOT, method, "order", symbol="BTCUSDT", orderId=5)
        assert caught.value.code == code
    assert rig.mine(SPOT, "POST", "order/test", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01") == {}
    assert len(rig.mine(SPOT, "GET", "openOrders")) == 1


def test_spot_cancel_and_replace(rig: Rig) -> None:
    price = below(rig, SPOT)
    row = rig.order(SPOT, "BUY", "LIMIT", quantity="0.01", price=price)
    new = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.02",
        "price": price,
    }
    path, stop = "order/cancelReplace", {"cancelReplaceMode": "STOP_ON_FAILURE"}
    both = rig.mine(SPOT, "POST", path, **new, **stop, cancelOrderId=row["orderId"])
    assert (both["cancelResult"], both["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert both["newOrderResponse"]["origQty"] == "0.02000000"
    with pytest.raises(Rejected) as caught:
        rig.mine(SPOT, "POST", path, **new, **stop, cancelOrderId=row["orderId"])
    assert (caught.value.status, caught.value.code) == (400, -2022)
    assert caught.value.body["data"]["newOrderResult"] == "NOT_ATTEMPTED"
    with pytest.raises(Rejected) as caught:
        rig.mine(SPOT, "POST", path, **new, cancelReplaceMode="ALLOW_FAILURE", cancelOrderId=row["orderId"])
    assert (caught.value.status, caught.value.code) == (409, -2021)
    assert caught.value.body["data"]["newOrderResponse"]["status"] == "NEW"
    kept = both["newOrderResponse"]["orderId"]
    with pytest.raises(Rejected) as caught:
        rig.mine(SPOT, "POST", path, **{**new, "quantity": "500"}, **stop, cancelOrderId=kept)
    assert (caught.value.status, caught.value.code) == (409, -2021)
    assert caught.value.body["data"]["cancelResponse"]["status"] == "CANCELED"


def test_spot_amend_keeps_the_place(rig: Rig) -> None:
    row = rig.order(SPOT, "BUY", "LIMIT", quantity="0.02", price=below(rig, SPOT))
    amended = rig.mine(SPOT, "PUT", "order/amend/keepPriority", symbol="BTCUSDT", orderId=row["orderId"], newQty="0.01")
    assert amended["amendedOrder"]["qty"] == "0.01000000"
    with pytest.raises(Rejected):
        rig.mine(SPOT, "PUT", "order/amend/keepPriority", symbol="BTCUSDT", orderId=row["orderId"], newQty="0.03")


def test_spot_user_stream_tells_every_step(rig: Rig) -> None:
    wire = rig.user_stream(SPOT)
    price = below(rig, SPOT)
    row = rig.order(SPOT, "BUY", "LIMIT", quantity="0.01", price=price, newClientOrderId="mine")
    new, held = events_of(wire)
    assert (new["e"], new["x"], new["X"], new["i"], new["c"]) == (
        "executionReport",
        "NEW",
        "NEW",
        row["orderId"],
        "mine",
    )
    assert (new["w"], new["t"], new["N"], new["p"]) == (True, -1, None, f"{price:.8f}")
    assert held["e"] == "outboundAccountPosition"
    assert {b["a"]: b["l"] for b in held["B"]}["USDT"] == f"{price / 100:.8f}"
    rig.mine(SPOT, "DELETE", "order", symbol="BTCUSDT", orderId=row["orderId"], newClientOrderId="gone")
    gone = events_of(wire)[0]
    assert (gone["x"], gone["X"], gone["c"], gone["C"]) == ("CANCELED", "CANCELED", "gone", "mine")
    bought = rig.order(SPOT, "BUY", "MARKET", quantity="1")
    reports = [event for event in events_of(wire) if event["e"] == "executionReport"]
    assert [r["x"] for r in reports] == ["NEW"] + ["TRADE"] * len(bought["fills"])
    assert [r["t"] for r in reports[1:]] == [f["tradeId"] for f in bought["fills"]]
    assert reports[-1]["X"] == "FILLED"
    assert reports[-1]["Z"] == bought["cummulativeQuoteQty"]
    assert [Decimal(r["z"]) for r in reports] == list(
        itertools.accumulate((Decimal(r["l"]) for r in reports[1:]), initial=Decimal(0))
    )
    with pytest.raises(Rejected):
        rig.send("PUT", "/api/v3/userDataStream", listenKey="x" * 64)
    key = rig.send("POST", "/api/v3/userDataStream")["listenKey"]
    other = rig.wire(f"/stream/ws/{key}")
    rig.order(SPOT, "BUY", "MARKET", quantity="0.01")
    assert events_of(other)[0]["e"] == "executionReport"
    wire.session.close()
    rig.order(SPOT, "BUY", "MARKET", quantity="0.01")
    assert wire.take()[-1]["event"]["e"] == "outboundAccountPosition"


# Futures


@pytest.mark.parametrize("market", FUTURES)
def test_futures_orders_rest_are_modified_and_cancelled(rig: Rig, market: Market) -> None:
    price = below(rig, market)
    row = rig.order(market, "BUY", "LIMIT", quantity=QUANTITY[market], price=price, newClientOrderId="mine")
    assert (row["status"], row["clientOrderId"], Decimal(row["price"])) == ("NEW", "mine", price)
    open_orders = rig.mine(market, "GET", "openOrders", symbol=SYMBOLS[market])
    assert [o["orderId"] for o in open_orders] == [row["orderId"]]
    more = str(Decimal(QUANTITY[market]) * 2)
    named = {"symbol": SYMBOLS[market], "orderId": row["orderId"]}
    changed = rig.mine(market, "PUT", "order", side="BUY", quantity=more, price=price, **named)
    assert (Decimal(changed["origQty"]), changed["modifyId"]) == (Decimal(more), 1)
    with pytest.raises(Rejected) as caught:
        rig.mine(market, "PUT", "order", side="BUY", quantity=more, price=price, **named)
    assert caught.value.code == -5027
    assert rig.mine(market, "DELETE", "order", **named)["status"] == "CANCELED"
    for method, code in (("DELETE", -2011), ("PUT", -2011)):
        with pytest.raises(Rejected) as caught:
            rig.mine(market, method, "order", side="BUY", quantity=more, price=price, **named)
        assert caught.value.code == code
    assert rig.mine(market, "GET", "order", **named)["status"] == "CANCELED"
    assert [o["status"] for o in rig.mine(market, "GET", "allOrders", symbol=SYMBOLS[market])] == ["CANCELED"]


@pytest.mark.parametrize("market", FUTURES)
def test_futures_positions_and_balances_agree(rig: Rig, market: Market) -> None:
    symbol, coin = SYMBOLS[market], "USDT" if market is LINEAR else "BTC"
    quantity = {LINEAR: "0.5", INVERSE: "500"}[market]
    bought = rig.order(market, "BUY", "MARKET", quantity=quantity)
    assert bought["status"] == "FILLED"
    path = "/fapi/v3/positionRisk" if market is LINEAR else "/dapi/v1/positionRisk"
    (position,) = [p for p in rig.send("GET", path) if Decimal(p["positionAmt"])]
    assert Decimal(position["positionAmt"]) == Decimal(quantity)
    assert abs(Decimal(position["entryPrice"]) / Decimal(bought["avgPrice"]) - 1) < Decimal("1e-5")
    assert 0 < Decimal(position["liquidationPrice"]) < Decimal(position["entryPrice"]) or market is LINEAR
    sold = rig.order(market, "SELL", "MARKET", quantity=quantity, reduceOnly=True)
    assert sold["status"] == "FILLED"
    trades = rig.mine(market, "GET", "userTrades", symbol=symbol)
    profit = sum(Decimal(t["realizedPnl"]) for t in trades)
    fees = sum(Decimal(t["commission"]) for t in trades)
    balances = rig.send("GET", "/fapi/v2/balance" if market is LINEAR else "/dapi/v1/balance")
    (held,) = [b for b in balances if b["asset"] == coin]
    assert Decimal(held["balance"]) == WALLET[coin] + profit - fees
    incomes = rig.mine(market, "GET", "income", symbol=symbol)
    assert sum(Decimal(i["income"]) for i in incomes) == profit - fees
    account = rig.send("GET", "/fapi/v3/account" if market is LINEAR else "/dapi/v1/account")
    (asset,) = [a for a in account["assets"] if a["asset"] == coin]
    assert asset["availableBalance"] == held["balance"]


@pytest.mark.parametrize("market", FUTURES)
def test_futures_codes(rig: Rig, market: Market) -> None:
    price, fit = below(rig, market), QUANTITY[market]
    bid, ask = rig.touch(market)
    limit: dict[str, object] = {"quantity": fit, "price": price}
    assert refused(rig, market, "BUY", "LIMIT", **limit, timeInForce="DAY")[0] == -1115
    assert refused(rig, market, "BUY", "LIMIT", quantity=fit, price=ask, timeInForce="GTX")[0] == -5022
    assert refused(rig, market, "BUY", "LIMIT", **limit, timeInForce="FOK")[0] == -5021
    assert refused(rig, market, "BUY", "MARKET", quantity=fit, reduceOnly=True) == (
        -2022,
        "ReduceOnly Order is rejected.",
    )
    assert refused(rig, market, "BUY", "LIMIT", **limit, positionSide="LONG")[0] == -4061
    assert refused(rig, market, "BUY", "MARKET", quantity="0")[0] == -4003
    assert refused(rig, market, "BUY", "LIMIT", quantity=fit, price=f"{price}5")[0] == -1111
    assert refused(rig, market, "BUY", "LIMIT", quantity=fit, price=(ask * 2).quantize(bid))[0] == -4016
    assert refused(rig, market, "SELL", "LIMIT", quantity=fit, price=(bid / 2).quantize(bid))[0] == -4024
    assert refused(rig, market, "BUY", "STOP_MARKET", quantity=fit, stopPrice=ask)[0] == -4120
    assert refused(rig, market, "BUY", "LIMIT", quantity=fit)[0] == -1102
    if market is LINEAR:
        assert refused(rig, market, "BUY", "LIMIT", quantity="100", price=price) == (-2019, "Margin is insufficient.")
        assert refused(rig, market, "BUY", "LIMIT", quantity="0.0005", price=price)[0] == -1111
    else:
        assert refused(rig, market, "BUY", "LIMIT", quantity="900000", price=price)[0] == -2019
    rig.order(market, "BUY", "LIMIT", **limit, newClientOrderId="mine")
    assert refused(rig, market, "BUY", "LIMIT", **limit, newClientOrderId="mine")[0] == -4116
    ioc = rig.order(market, "BUY", "LIMIT", **limit, timeInForce="IOC")
    assert ioc["status"] == "EXPIRED"


def test_small_orders_are_refused_unless_they_reduce() -> None:
    rig = Rig(seed=3)
    eth = {"symbol": "ETHUSDT"}
    bid = Decimal(rig.public(LINEAR, "depth", symbol="ETHUSDT", limit=5)["bids"][0][0])
    price = (bid * Decimal("0.1")).quantize(Decimal("0.01"))
    code, message = refused(rig, LINEAR, "BUY", "LIMIT", quantity="0.01", price=price, **eth)
    assert code == -4164
    assert message.startswith("Order's notional must be no smaller than 5")
    rig.order(LINEAR, "SELL", "MARKET", quantity="1", **eth)
    row = rig.order(LINEAR, "BUY", "LIMIT", quantity="0.01", price=price, reduceOnly=True, **eth)
    assert row["reduceOnly"] is True


def test_hedge_mode_keeps_two_positions(rig: Rig) -> None:
    assert rig.mine(LINEAR, "GET", "positionSide/dual") == {"dualSidePosition": False}
    with pytest.raises(Rejected) as caught:
        rig.mine(LINEAR, "POST", "positionSide/dual", dualSidePosition=False)
    assert caught.value.code == -4059
    assert rig.mine(LINEAR, "POST", "positionSide/dual", dualSidePosition=True)["code"] == 200
    assert refused(rig, LINEAR, "BUY", "MARKET", quantity="0.01")[0] == -4061
    rig.order(LINEAR, "BUY", "MARKET", quantity="0.02", positionSide="LONG")
    rig.order(LINEAR, "SELL", "MARKET", quantity="0.01", positionSide="SHORT")
    rows = {p["positionSide"]: p["positionAmt"] for p in rig.send("GET", "/fapi/v3/positionRisk")}
    assert rows == {"LONG": "0.020", "SHORT": "-0.010"}
    assert refused(rig, LINEAR, "SELL", "MARKET", quantity="0.01", positionSide="LONG", reduceOnly=True)[0] == -1106
    with pytest.raises(Rejected) as caught:
        rig.mine(LINEAR, "POST", "positionSide/dual", dualSidePosition=False)
    assert caught.value.code == -4068
    rig.order(LINEAR, "SELL", "MARKET", quantity="0.02", positionSide="LONG")
    rig.order(LINEAR, "BUY", "MARKET", quantity="0.01", positionSide="SHORT")
    assert rig.send("GET", "/fapi/v3/positionRisk") == []
    assert rig.mine(LINEAR, "POST", "positionSide/dual", dualSidePosition=False)["code"] == 200


def test_settings(rig: Rig) -> None:
    symbol = {"symbol": "BTCUSDT"}
    wire = rig.user_stream(LINEAR)
    changed = rig.mine(LINEAR, "POST", "leverage", **symbol, leverage=20)
    assert changed == {"symbol": "BTCUSDT", "leverage": 20, "maxNotionalValue": "100000000"}
    assert events_of(wire)[0]["ac"] == {"s": "BTCUSDT", "l": 20}
    with pytest.raises(Rejected) as caught:
        rig.mine(LINEAR, "POST", "leverage", **symbol, leverage=500)
    assert caught.value.code == -4028
    assert rig.mine(LINEAR, "POST", "marginType", **symbol, marginType="ISOLATED")["code"] == 200
    with pytest.raises(Rejected) as caught:
        rig.mine(LINEAR, "POST", "marginType", **symbol, marginType="ISOLATED")
    assert caught.value.code == -4046
    rig.order(LINEAR, "BUY", "MARKET", quantity="0.01")
    with pytest.raises(Rejected) as caught:
        rig.mine(LINEAR, "POST", "marginType", **symbol, marginType="CROSSED")
    assert caught.value.code == -4048
    before = rig.send("GET", "/fapi/v2/positionRisk", **symbol)[0]
    assert (before["marginType"], before["leverage"]) == ("isolated", "20")
    rig.mine(LINEAR, "POST", "positionMargin", **symbol, amount="100", type=1)
    after = rig.send("GET", "/fapi/v2/positionRisk", **symbol)[0]
    assert Decimal(after["isolatedWallet"]) - Decimal(before["isolatedWallet"]) == 100
    assert rig.mine(LINEAR, "GET", "positionMargin/history", **symbol)[0]["amount"] == "100.00000000"
    config = rig.mine(LINEAR, "GET", "symbolConfig", **symbol)[0]
    assert (config["marginType"], config["leverage"]) == ("ISOLATED", 20)
    brackets = rig.mine(LINEAR, "GET", "leverageBracket", **symbol)[0]["brackets"]
    assert brackets[0]["notionalFloor"] == 0
    assert all(a["notionalCap"] == b["notionalFloor"] for a, b in itertools.pairwise(brackets))
    assert rig.mine(LINEAR, "GET", "commissionRate", **symbol)["takerCommissionRate"] == "0.0005"
    assert rig.mine(LINEAR, "GET", "multiAssetsMargin") == {"multiAssetsMargin": False}


@pytest.mark.parametrize("market", FUTURES)
def test_conditional_orders_have_numbers_of_their_own(rig: Rig, market: Market) -> None:
    symbol, fit = SYMBOLS[market], QUANTITY[market]
    rig.order(market, "BUY", "MARKET", quantity=fit)
    wire = rig.user_stream(market)
    stop = below(rig, market, "0.98")
    row = rig.algo(market, "SELL", "STOP_MARKET", triggerPrice=stop, closePosition=True, clientAlgoId="guard")
    assert (row["algoStatus"], row["closePosition"], row["clientAlgoId"]) == ("NEW", True, "guard")
    profit = below(rig, market, "1.05")
    other = rig.algo(market, "SELL", "TAKE_PROFIT", triggerPrice=profit, price=profit, quantity=fit, reduceOnly=True)
    assert {o["algoId"] for o in rig.mine(market, "GET", "openAlgoOrders")} == {row["algoId"], other["algoId"]}
    assert rig.mine(market, "GET", "openOrders") == []
    assert [e["o"]["X"] for e in events_of(wire)] == ["NEW", "NEW"]
    move(rig, market, stop)
    done = rig.mine(market, "GET", "algoOrder", algoId=row["algoId"])
    assert done["algoStatus"] == "FINISHED"
    order = rig.mine(market, "GET", "order", symbol=symbol, orderId=done["actualOrderId"])
    assert (order["status"], order["type"], order["origType"]) == ("FILLED", "MARKET", "STOP_MARKET")
    told = [(e["e"], e["o"]["X"]) for e in events_of(wire) if "o" in e]
    assert told[0] == ("ALGO_UPDATE", "TRIGGERING")
    assert ("ORDER_TRADE_UPDATE", "NEW") in told
    assert told[-1] == ("ALGO_UPDATE", "FINISHED")
    gone = rig.mine(market, "DELETE", "algoOrder", algoId=other["algoId"])
    assert gone["code"] == "200"
    with pytest.raises(Rejected) as caught:
        rig.mine(market, "DELETE", "algoOrder", algoId=other["algoId"])
    assert caught.value.code == -2011
    statuses = [o["algoStatus"] for o in rig.mine(market, "GET", "allAlgoOrders", symbol=symbol)]
    assert statuses == ["FINISHED", "CANCELED"]


def test_conditional_orders_that_would_be_set_off_are_refused(rig: Rig) -> None:
    above = below(rig, LINEAR, "1.05")

    def code(**params: object) -> int:
        with pytest.raises(Rejected) as caught:
            rig.algo(LINEAR, "SELL", **params)
        return caught.value.code

    assert code(kind="STOP_MARKET", triggerPrice=above, quantity="0.01") == -2021
    assert code(kind="STOP_MARKET", quantity="0.01") == -1102
    assert code(kind="STOP_MARKET", triggerPrice=above, closePosition=True, quantity="0.01") == -4137
    assert code(kind="TRAILING_STOP_MARKET", callbackRate="20", quantity="0.01") == -2007
    assert code(kind="TAKE_PROFIT_MARKET", triggerPrice=above, quantity="0.01", reduceOnly=True) == -2022


def test_a_trailing_stop_follows_by_a_part_of_the_price(rig: Rig) -> None:
    rig.order(LINEAR, "BUY", "MARKET", quantity="0.01")
    row = rig.algo(LINEAR, "SELL", "TRAILING_STOP_MARKET", callbackRate="2", quantity="0.01", reduceOnly=True)
    assert row["callbackRate"] == "2"
    bid, _ = rig.touch(LINEAR)
    for share, status in (("1.1", "NEW"), ("1.085", "NEW"), ("1.07", "FINISHED")):
        move(rig, LINEAR, (bid * Decimal(share)).quantize(Decimal("0.1")))
        assert rig.mine(LINEAR, "GET", "algoOrder", algoId=row["algoId"])["algoStatus"] == status


def test_what_closes_a_position_goes_with_it(rig: Rig) -> None:
    rig.order(LINEAR, "BUY", "MARKET", quantity="0.01")
    row = rig.algo(LINEAR, "SELL", "STOP_MARKET", triggerPrice=below(rig, LINEAR), closePosition=True)
    rig.order(LINEAR, "SELL", "MARKET", quantity="0.01")
    assert rig.mine(LINEAR, "GET", "openAlgoOrders") == []
    assert rig.mine(LINEAR, "GET", "algoOrder", algoId=row["algoId"])["algoStatus"] == "EXPIRED"


def test_many_orders_at_once(rig: Rig) -> None:
    import json

    price = str(below(rig, LINEAR))
    good = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": price}
    wanted = [{**good, "quantity": "0.01"}, {**good, "quantity": "0"}, {**good, "quantity": "0.02"}]
    rows = rig.mine(LINEAR, "POST", "batchOrders", batchOrders=json.dumps(wanted))
    assert [row.get("status", row.get("code")) for row in rows] == ["NEW", -4003, "NEW"]
    numbers = [row["orderId"] for row in rows if "orderId" in row]
    gone = rig.mine(LINEAR, "DELETE", "batchOrders", symbol="BTCUSDT", orderIdList=json.dumps([*numbers, 5]))
    assert [row.get("status", row.get("code")) for row in gone] == ["CANCELED", "CANCELED", -2011]
    with pytest.raises(Rejected) as caught:
        rig.mine(LINEAR, "POST", "batchOrders", batchOrders=json.dumps(wanted * 2))
    assert caught.value.code == -4082


@pytest.mark.parametrize("market", FUTURES)
def test_futures_user_stream_tells_every_step(rig: Rig, market: Market) -> None:
    wire = rig.user_stream(market)
    bought = rig.order(market, "BUY", "MARKET", quantity=QUANTITY[market], newClientOrderId="mine")
    told = events_of(wire)
    orders = [event["o"] for event in told if event["e"] == "ORDER_TRADE_UPDATE"]
    assert orders[0]["x"] == "NEW"
    assert {o["x"] for o in orders[1:]} == {"TRADE"}
    assert (orders[-1]["X"], orders[-1]["c"], orders[-1]["i"]) == ("FILLED", "mine", bought["orderId"])
    (update,) = [event["a"] for event in told if event["e"] == "ACCOUNT_UPDATE"]
    assert update["m"] == "ORDER"
    (position,) = update["P"]
    assert (position["s"], Decimal(position["pa"])) == (SYMBOLS[market], Decimal(QUANTITY[market]))
    balance = rig.send("GET", "/fapi/v2/balance" if market is LINEAR else "/dapi/v1/balance")
    held = {b["asset"]: b["balance"] for b in balance}
    assert all(held[b["a"]] == b["wb"] for b in update["B"])


def test_listen_keys_end_after_an_hour(rig: Rig) -> None:
    wire = rig.user_stream(LINEAR)
    rig.pass_time(1_800_000, 10_000)
    key = rig.send("PUT", "/fapi/v1/listenKey")["listenKey"]
    rig.pass_time(3_500_000, 10_000)
    rig.order(LINEAR, "BUY", "MARKET", quantity="0.01")
    assert "ORDER_TRADE_UPDATE" in {event["e"] for event in events_of(wire)}
    rig.pass_time(200_000, 10_000)
    assert events_of(wire)[-1] == {"e": "listenKeyExpired", "E": rig.clock.now_ms() - 100_000, "listenKey": key}
    with pytest.raises(Rejected) as caught:
        rig.send("PUT", "/fapi/v1/listenKey")
    assert caught.value.code == -1125


def test_funding_and_liquidation_are_told(rig: Rig) -> None:
    wire = rig.user_stream(LINEAR)
    rig.mine(LINEAR, "POST", "leverage", symbol="BTCUSDT", leverage=50)
    rig.order(LINEAR, "BUY", "MARKET", quantity="40")
    events_of(wire)
    listing = rig.world.listings[LINEAR, "BTCUSDT"]
    rig.world.exchange.settle_funding(listing.name, 100_000, rig.world.now_ms)
    rig.world.tell()
    (update,) = events_of(wire)
    assert (update["a"]["m"], update["a"]["P"]) == ("FUNDING_FEE", [])
    assert Decimal(update["a"]["B"][0]["bc"]) < 0
    paid = rig.mine(LINEAR, "GET", "income", incomeType="FUNDING_FEE")
    assert [row["income"] for row in paid] == [update["a"]["B"][0]["bc"]]
    liquidations = rig.wire("/usdm/ws/btcusdt@forceOrder")
    mark = listing.contract.tick * rig.world.exchange.mark(listing.contract)
    ticks = int(mark * Decimal("0.945") / listing.contract.tick)
    rig.world.exchange.set_price(listing.name, Price.MARK, ticks, rig.world.now_ms)
    rig.world.tell()
    rig.venue.pulse()
    events = events_of(wire)
    if events and events[0]["e"] == "MARGIN_CALL":
        assert events[0]["p"][0]["s"] == "BTCUSDT"
        events = events[1:]
    ticks = ticks * 98 // 100
    rig.world.exchange.set_price(listing.name, Price.MARK, ticks, rig.world.now_ms)
    rig.world.tell()
    kinds = [event["o"]["x"] for event in events + events_of(wire) if event["e"] == "ORDER_TRADE_UPDATE"]
    assert kinds == ["CALCULATED"]
    assert liquidations.take()[0]["o"]["S"] == "SELL"
    assert rig.mine(LINEAR, "GET", "forceOrders")[0]["side"] == "SELL"
    assert rig.send("GET", "/fapi/v3/positionRisk") == []


# Everybody


def test_partial_fills_go_on(rig: Rig) -> None:
    bid, _ = rig.touch(SPOT)
    price = bid - Decimal("0.30")
    row = rig.order(SPOT, "BUY", "LIMIT", quantity="0.5", price=price)
    wire = rig.user_stream(SPOT)
    listing = rig.world.listings[SPOT, "BTCUSDT"]
    ticks = int(price / listing.contract.tick)
    book = rig.world.exchange.books[listing.name].bids
    ahead = sum(book.levels[p].lots for p in book.prices() if p >= ticks) - 500_000
    rig.world.exchange.crowd_takes(listing.name, -1, ahead + 200_000, ticks, rig.world.now_ms)
    rig.world.tell()
    report = events_of(wire)[0]
    assert (report["x"], report["X"], report["z"], report["m"]) == ("TRADE", "PARTIALLY_FILLED", "0.20000000", True)
    now = rig.mine(SPOT, "GET", "order", symbol="BTCUSDT", orderId=row["orderId"])
    assert (now["status"], now["executedQty"]) == ("PARTIALLY_FILLED", "0.20000000")
    gone = rig.mine(SPOT, "DELETE", "order", symbol="BTCUSDT", orderId=row["orderId"])
    assert (gone["status"], gone["executedQty"]) == ("CANCELED", "0.20000000")


def test_accounts_are_apart(rig: Rig) -> None:
    row = rig.order(SPOT, "BUY", "LIMIT", quantity="0.01", price=below(rig, SPOT))
    with pytest.raises(Rejected) as caught:
        rig.mine(SPOT, "GET", "order", "other", symbol="BTCUSDT", orderId=row["orderId"])
    assert caught.value.code == -2013
    assert rig.mine(SPOT, "GET", "openOrders", "other") == []
    rig.order(SPOT, "BUY", "MARKET", quantity="0.01")
    assert rig.send("GET", "/fapi/v2/balance")[1]["balance"] == "100000.00000000"
    assert len(rig.venue.holders()["key"]) == 3


def test_signatures(rig: Rig) -> None:
    path, key = "/api/v3/account", {"x-mbx-apikey": "key"}
    now = rig.clock.now_ms()

    def code(raw: str, headers: dict[str, str]) -> tuple[int, int]:
        with pytest.raises(Rejected) as caught:
            rig.ask("GET", path, raw, headers)
        return caught.value.status, caught.value.code

    assert code(f"timestamp={now}&signature={'0' * 64}", {}) == (401, -2014)
    assert code(f"timestamp={now}&signature={'0' * 64}", {"x-mbx-apikey": "nobody"}) == (401, -2015)
    assert code(f"timestamp={now}&signature={'0' * 64}", key) == (400, -1022)
    assert code(f"timestamp={now}", key) == (400, -1102)
    assert code("signature=" + "0" * 64, key) == (400, -1102)
    assert code(f"timestamp={now + 5_000}&signature={'0' * 64}", key) == (400, -1021)
    assert code(f"timestamp={now - 5_001}&signature={'0' * 64}", key) == (400, -1021)
    assert code(f"timestamp={now}&recvWindow=60001&signature={'0' * 64}", key) == (400, -1131)
    rig.send("GET", path, recvWindow=60_000)


def test_order_counts_are_limited_and_told() -> None:
    rig = Rig(limits=True)
    price = below(rig, LINEAR)
    for _ in range(300):
        row = rig.order(LINEAR, "BUY", "LIMIT", quantity="0.01", price=price)
        rig.mine(LINEAR, "DELETE", "order", symbol="BTCUSDT", orderId=row["orderId"])
    with pytest.raises(Rejected) as caught:
        rig.order(LINEAR, "BUY", "LIMIT", quantity="0.01", price=price)
    assert (caught.value.status, caught.value.code) == (429, -1015)
    rig.pass_time(10_000, 1_000)
    rig.order(LINEAR, "BUY", "LIMIT", quantity="0.01", price=price)
    rig.order(SPOT, "BUY", "LIMIT", quantity="0.01", price=below(rig, SPOT))
    counts = rig.mine(SPOT, "GET", "rateLimit/order")
    assert [(c["interval"], c["count"]) for c in counts] == [("SECOND", 1), ("DAY", 1)]


def test_too_much_weight_is_refused_then_banned() -> None:
    rig = Rig(limits=True)
    for _ in range(300):
        rig.mine(SPOT, "GET", "account")
    with pytest.raises(Rejected) as caught:
        rig.mine(SPOT, "GET", "account")
    assert (caught.value.status, caught.value.code) == (429, -1003)
    rig.pass_time(3_000, 1_000)
    with pytest.raises(Rejected) as caught:
        rig.mine(SPOT, "GET", "account")
    assert (caught.value.status, caught.value.code) == (418, -1003)


def test_two_runs_give_the_same_ids() -> None:
    def run() -> list[Any]:
        rig = Rig(seed=5)
        wire = rig.user_stream(SPOT)
        rows = [rig.order(SPOT, "BUY", "MARKET", quantity="0.01"), rig.order(SPOT, "SELL", "MARKET", quantity="0.01")]
        rig.pass_time(2_000)
        return [*rows, *wire.take()]

    assert run() == run()


def test_a_closed_market_takes_no_orders(rig: Rig) -> None:
    rig.touch(SPOT)
    rig.world.listings[SPOT, "BTCUSDT"].is_trading = False
    assert refused(rig, SPOT, "BUY", "MARKET", quantity="0.01") == (-1013, "Market is closed.")
    assert rig.public(SPOT, "exchangeInfo")["symbols"][0]["status"] == "BREAK"
    listing = rig.world.listings[LINEAR, "BTCUSDT"]
    listing.instrument = replace(listing.instrument, tick_size=Decimal(5))
    price = below(rig, LINEAR) // 5 * 5
    assert refused(rig, LINEAR, "BUY", "LIMIT", quantity="0.01", price=price + 1)[0] == -4014
    rig.order(LINEAR, "BUY", "LIMIT", quantity="0.01", price=price)


# Request sockets


def test_request_socket_of_spot(rig: Rig) -> None:
    wire = rig.wire("/ws-api/v3")

    def call(frame: dict[str, Any]) -> dict[str, Any]:
        wire.say(frame)
        return wire.take()[-1]

    assert call({"id": 1, "method": "ping"})["result"] == {}
    assert call({"id": "a", "method": "time"})["result"]["serverTime"] == rig.clock.now_ms()
    assert call({"id": None, "method": "depth", "params": {"symbol": "BTCUSDT", "limit": 5}})["status"] == 200
    assert len(call({"id": 1, "method": "klines", "params": {"symbol": "BTCUSDT", "interval": "1m"}})["result"]) == 500
    placed = call(
        rig.frame(
            "order.place", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01",
            price=str(below(rig, SPOT)), returnRateLimits=False,
        )
    )  # fmt: skip
    assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
    assert "rateLimits" not in placed
    number = placed["result"]["orderId"]
    status = call(rig.frame("order.status", symbol="BTCUSDT", orderId=number))
    assert status["result"]["orderId"] == number
    assert [r["rateLimitType"] for r in status["rateLimits"]] == []  # there is no limit here
    assert call(rig.frame("order.cancel", symbol="BTCUSDT", orderId=number))["result"]["status"] == "CANCELED"
    gone = call(rig.frame("order.cancel", symbol="BTCUSDT", orderId=number))
    assert (gone["status"], gone["error"]["code"]) == (400, -2011)
    bad = rig.frame("account.status")
    bad["params"]["signature"] = "0" * 64
    assert call(bad)["error"]["code"] == -1022
    assert call(rig.frame("session.logon"))["error"]["code"] == -4056
    assert call({"id": 1, "method": "session.status"})["result"]["apiKey"] is None
    assert call({"id": 1, "method": "nonsense"})["status"] == 400
    wire.session.receive("no JSON")
    assert wire.take()[-1]["error"]["code"] == -1135


@pytest.mark.parametrize(("market", "path"), [(LINEAR, "/ws-fapi/v1"), (INVERSE, "/ws-dapi/v1")])
def test_request_sockets_of_futures(rig: Rig, market: Market, path: str) -> None:
    wire, symbol = rig.wire(path), SYMBOLS[market]

    def call(method: str, **params: object) -> dict[str, Any]:
        wire.say(rig.frame(method, **params))
        return wire.take()[-1]

    price = str(below(rig, market))
    fit = {"symbol": symbol, "side": "BUY", "quantity": QUANTITY[market]}
    row = call("order.place", **fit, type="LIMIT", timeInForce="GTC", price=price)["result"]
    assert row["status"] == "NEW"
    higher = str(Decimal(price) + 1)
    assert call("order.modify", **fit, orderId=row["orderId"], price=higher)["result"]["price"] == higher
    assert call("order.cancel", symbol=symbol, orderId=row["orderId"])["result"]["status"] == "CANCELED"
    call("order.place", **fit, type="MARKET")
    (position,) = [p for p in call("account.position")["result"] if Decimal(p["positionAmt"])]
    assert position["symbol"] == symbol
    assert call("account.balance")["status"] == call("account.status")["status"] == 200
    algo = call(
        "algoOrder.place", **{**fit, "side": "SELL"}, type="STOP_MARKET", algoType="CONDITIONAL", triggerPrice=price
    )
    assert call("algoOrder.cancel", algoId=algo["result"]["algoId"])["result"]["code"] == "200"
    assert len(call("userDataStream.start")["result"]["listenKey"]) == 64


@pytest.mark.parametrize("market", FUTURES)
def test_what_else_the_futures_tell(rig: Rig, market: Market) -> None:
    symbol = {"symbol": SYMBOLS[market]}
    marks = rig.public(market, "markPriceKlines", **symbol, interval="1m", limit=3)
    premiums = rig.public(market, "premiumIndexKlines", **symbol, interval="1m", limit=3)
    assert [row[0] for row in premiums] == [row[0] for row in marks]
    assert all(Decimal(low) <= Decimal(c) <= Decimal(high) for _, _, high, low, c, *_ in premiums)
    pair = SYMBOLS[market].partition("_")[0]
    bars = rig.public(market, "continuousKlines", pair=pair, contractType="PERPETUAL", interval="1m", limit=2)
    assert bars == rig.public(market, "klines", **symbol, interval="1m", limit=2)
    with pytest.raises(Rejected) as caught:
        rig.public(market, "depth", **symbol, limit=7)
    assert caught.value.code == -4021
    with pytest.raises(Rejected) as caught:
        rig.public(market, "historicalTrades", **symbol)
    assert (caught.value.status, caught.value.code) == (401, -2014)
    assert rig.mine(market, "GET", "historicalTrades", **symbol, fromId=1_000_001, limit=2)[0]["id"] == 1_000_001
    number = {"quantity": QUANTITY[market]}
    tested = rig.mine(market, "POST", "order/test", **symbol, side="BUY", type="MARKET", **number)
    assert tested["status"] == "NEW"
    assert rig.mine(market, "GET", "allOrders", **symbol) == []
    if market is LINEAR:
        assert rig.send("GET", "/fapi/v2/ticker/price", None, **symbol)["symbol"] == "BTCUSDT"
        assert rig.mine(market, "GET", "accountConfig")["dualSidePosition"] is False
        for wanted, code in ((False, -4171), (True, -4169)):
            with pytest.raises(Rejected) as caught:
                rig.mine(market, "POST", "multiAssetsMargin", multiAssetsMargin=wanted)
            assert caught.value.code == code


def test_the_wallet_s_endpoints(rig: Rig) -> None:
    coins = rig.send("GET", "/sapi/v1/capital/config/getall")
    assert {coin["coin"]: coin["free"] for coin in coins}["BTC"] == "10.00000000"
    assert rig.send("GET", "/sapi/v1/system/status", None) == {"status": 0, "msg": "normal"}
    assert len(rig.send("GET", "/sapi/v1/asset/tradeFee")) == 2
    assert rig.send("GET", "/sapi/v1/margin/allPairs") == rig.send("GET", "/sapi/v1/margin/isolated/allPairs") == []
    assert rig.send("GET", "/sapi/v1/account/apiRestrictions")["enableWithdrawals"] is False
    assert rig.venue.answer(Query("GET", "/sapi/v1/nothing", {})).status == 404


# Nothing that anybody sends brings it down


GOOD: dict[str, list[str]] = {
    "symbol": ["BTCUSDT", "ETHUSDT", "BTCUSD_PERP"],
    "side": ["BUY", "SELL"],
    "type": [
        "LIMIT",
        "MARKET",
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "STOP_MARKET",
        "TAKE_PROFIT",
        "TRAILING_STOP_MARKET",
        "1",
    ],
    "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    "quantity": ["0.01", "0.5", "1", "3000"],
    "price": ["42000", "40000", "43000.1", "2500"],
    "stopPrice": ["40000", "45000"],
    "triggerPrice": ["40000", "45000"],
    "positionSide": ["BOTH", "LONG", "SHORT"],
    "algoType": ["CONDITIONAL"],
    "cancelReplaceMode": ["STOP_ON_FAILURE", "ALLOW_FAILURE"],
    "interval": ["1m", "1M"],
    "leverage": ["5", "100"],
    "orderId": [str(1_000_000_000 + number) for number in range(1, 30)],
    "cancelOrderId": [str(1_000_000_000 + number) for number in range(1, 30)],
    "callbackRate": ["1"],
    "batchOrders": ['[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":0.01}]', "[1]"],
    "dualSidePosition": ["true", "false"],
    "reduceOnly": ["true", "false"],
    "closePosition": ["true", "false"],
}
OTHERS = ["quoteOrderQty", "newClientOrderId", "trailingDelta", "limit", "fromId", "startTime", "endTime", "amount"]
OTHERS += [
    "activatePrice",
    "algoId",
    "orderIdList",
    "pair",
    "listenKey",
    "incomeType",
    "newQty",
    "symbols",
    "recvWindow",
]
ODD = [
    "",
    "0",
    "-1",
    "1e5",
    "1E-9",
    "NaN",
    "Infinity",
    "x",
    "é",
    "9" * 30,
    "0." + "1" * 60,
    "[]",
    "{}",
    "null",
    "٣",
    "[" * 900,
]


def test_whatever_is_asked_is_answered(rig: Rig) -> None:
    dice = random.Random(5)
    routes = [(m, method, name) for m, known in rig.venue.desks._routes.items() for method, name in known]
    ordering = [route for route in routes if route[1] == "POST" and "rder" in route[2]]
    answered: set[int] = set()
    for number in range(4_000):
        market, method, name = dice.choice(ordering if number % 2 else routes)
        names = {"symbol", "side", "type", "quantity", "price", "timeInForce", "algoType", "triggerPrice"}
        names |= set(dice.sample([*GOOD, *OTHERS], 4))
        params = {
            each: dice.choice(GOOD[each] if each in GOOD and dice.random() < 0.9 else ODD)
            for each in sorted(names)
            if dice.random() < 0.9
        }
        version, _, rest = name.partition("/")
        path = PATHS[market] + name
        if version == "sapi":
            path = f"/sapi/v1/{rest}"
        elif version in {"v2", "v3"}:
            path = PATHS[market].replace("v1", version) + rest
        try:
            rig.send(method, path, **params)
            answered.add(0)
        except Rejected as rejected:
            answered.add(rejected.code)
        if number % 100 == 0:
            rig.pass_time(200)
    assert len(answered) > 15


@pytest.mark.parametrize("path", ["/ws-api/v3", "/ws-fapi/v1", "/stream/ws", "/usdm/ws"])
def test_whatever_a_socket_hears_is_answered(rig: Rig, path: str) -> None:
    wire = rig.wire(path)
    frames: list[Any] = [
        {},
        [],
        5,
        None,
        {"id": {}, "method": []},
        {"method": "SUBSCRIBE", "params": [[], {}], "id": [1]},
        {"method": "UNSUBSCRIBE", "params": [[], {}, 5]},
        {"method": "SET_PROPERTY", "params": [["combined"], 1]},
        {"id": 1, "method": "order.place", "params": {"apiKey": [], "signature": {}, "timestamp": {}}},
        {"id": 1, "method": "ping", "params": {"returnRateLimits": []}},
        {"id": 1, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": []}},
        {"id": 1, "method": "depth", "params": {"symbol": ["BTCUSDT"], "limit": "x"}},
    ]
    for frame in frames:
        wire.say(frame)
    wire.session.receive("[" * 100_000)
    wire.session.receive(b"\xff\xfe")
    assert len(wire.take()) == len(frames) + 2


# The dated future


def test_the_dated_future_is_quoted_and_not_traded(rig: Rig) -> None:
    name = "BTCUSDT_240329"
    rig.order(LINEAR, "BUY", "MARKET", quantity="0.01")
    row = rig.order(LINEAR, "BUY", "LIMIT", quantity="0.01", price=below(rig, LINEAR))
    rig.algo(LINEAR, "SELL", "STOP_MARKET", quantity="0.01", triggerPrice=below(rig, LINEAR))
    assert refused(rig, LINEAR, "BUY", "MARKET", symbol=name, quantity="0.01")[0] == -4140
    fees = rig.mine(LINEAR, "GET", "commissionRate", symbol=name)
    assert fees == {**rig.mine(LINEAR, "GET", "commissionRate", symbol="BTCUSDT"), "symbol": name}
    with pytest.raises(Rejected) as caught:
        rig.algo(LINEAR, "SELL", "STOP_MARKET", symbol=name, quantity="0.01", triggerPrice="20000")
    assert caught.value.code == -4140
    for each in ("openOrders", "allOrders", "userTrades", "income", "openAlgoOrders", "allAlgoOrders"):
        assert rig.mine(LINEAR, "GET", each, symbol=name) == []
        assert rig.mine(LINEAR, "GET", each, symbol="BTCUSDT") != []
    with pytest.raises(Rejected) as caught:
        rig.mine(LINEAR, "GET", "order", symbol=name, orderId=row["orderId"])
    assert caught.value.code == -2013
    assert rig.send("GET", "/fapi/v3/positionRisk", "key", symbol=name) == []
    for each in ("allOpenOrders", "algoOpenOrders"):
        rig.mine(LINEAR, "DELETE", each, symbol=name)
    assert len(rig.mine(LINEAR, "GET", "openOrders")) == len(rig.mine(LINEAR, "GET", "openAlgoOrders")) == 1


def test_the_dated_future_s_book_and_trades_are_the_perpetual_s(rig: Rig) -> None:
    rig.touch(LINEAR)
    rig.pass_time(3_000)
    for each in ("depth", "trades", "aggTrades"):
        assert rig.public(LINEAR, each, symbol="BTCUSDT_240329") == rig.public(LINEAR, each, symbol="BTCUSDT") != []
    for each in ("ticker/24hr", "ticker/bookTicker", "openInterest"):
        found = rig.public(LINEAR, each, symbol="BTCUSDT_240329")
        assert found == rig.public(LINEAR, each, symbol="BTCUSDT") | {"symbol": "BTCUSDT_240329"}


def test_the_next_quarter_follows_when_a_future_is_delivered() -> None:
    clock = SteppingClock(parse_time("2024-12-27T07:59:59.900Z"))
    dated = Dated(listed("binance", ("ETHUSDT", "BTCUSDT", "BTCUSD")), 0, clock)
    assert dated.symbol == "BTCUSDT_241227"
    clock.step(100)
    assert dated.symbol == "BTCUSDT_250328"
    assert dated.facts()["deliveryDate"] == parse_time("2025-03-28T08:00:00Z")
    assert Dated([], 0, clock).symbol == ""


def test_a_number_is_signed_as_it_was_written(rig: Rig) -> None:
    """A frame may carry numbers: 0.00009 is signed with its own digits, not as 9e-05."""
    wire = rig.wire("/ws-api/v3")
    price = f"{rig.touch(Market.SPOT)[1] * 2:.2f}"
    order = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.00009"}
    said = rig.frame("order.place", **order, price=price, newOrderRespType="RESULT")
    wire.session.receive(json.dumps(said).replace('"0.00009"', "0.00009"))
    answer = next(message for message in wire.take() if "id" in message)
    assert answer["status"] == 200, answer
    assert answer["result"]["origQty"] == "0.00009000"
