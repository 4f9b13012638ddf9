"""Binance's futures beyond orders and positions: countdowns, amendments, queues, and the words of refusals."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from binance_clients import SYMBOLS, Rejected, Rig

from real_trade.exchange.binance.limits import Weights
from real_trade.exchange.binance.refusals import refusal_of
from real_trade.exchange.clock import SteppingClock
from real_trade.exchange.core.orders import Price, Why
from real_trade.exchange.limits import Refusal as Excess
from real_trade.model import Market

SPOT, LINEAR, INVERSE = Market.SPOT, Market.LINEAR, Market.INVERSE
FUTURES = [LINEAR, INVERSE]
QUANTITY = {LINEAR: "0.01", INVERSE: "10"}


@pytest.fixture
def rig() -> Rig:
    return Rig()


def below(rig: Rig, market: Market, share: str = "0.97") -> Decimal:
    """Return a price of the grid below the market."""
    return rig.touch(market)[0] * Decimal(share) // Decimal("0.1") * Decimal("0.1")


def resting(rig: Rig, market: Market) -> int:
    row = rig.order(market, "BUY", "LIMIT", quantity=QUANTITY[market], price=below(rig, market))
    return int(row["orderId"])


def refused(rig: Rig, market: Market, method: str, name: str, **params: object) -> tuple[int, str]:
    with pytest.raises(Rejected) as caught:
        rig.mine(market, method, name, **params)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize("market", FUTURES)
def test_orders_of_who_falls_silent_are_cancelled(rig: Rig, market: Market) -> None:
    symbol = SYMBOLS[market]

    def start(span: int) -> None:
        row = rig.mine(market, "POST", "countdownCancelAll", symbol=symbol, countdownTime=span)
        assert row == {"symbol": symbol, "countdownTime": str(span)}

    resting(rig, market)
    start(2_000)
    rig.pass_time(1_500)
    start(2_000)
    rig.pass_time(1_900)
    assert len(rig.mine(market, "GET", "openOrders")) == 1
    rig.pass_time(100)
    assert rig.mine(market, "GET", "openOrders") == []
    number = resting(rig, market)
    rig.pass_time(5_000)
    start(1_000)
    start(0)
    rig.pass_time(2_000)
    assert [row["orderId"] for row in rig.mine(market, "GET", "openOrders")] == [number]
    assert refused(rig, market, "POST", "countdownCancelAll", symbol=symbol)[0] == -1102


def test_a_countdown_leaves_other_symbols_and_other_accounts_alone(rig: Rig) -> None:
    resting(rig, LINEAR)
    rig.mine(LINEAR, "POST", "countdownCancelAll", symbol="ETHUSDT", countdownTime=100)
    rig.mine(LINEAR, "POST", "countdownCancelAll", key="other", symbol="BTCUSDT", countdownTime=100)
    rig.pass_time(1_000)
    assert len(rig.mine(LINEAR, "GET", "openOrders")) == 1


@pytest.mark.parametrize("market", FUTURES)
def test_how_an_order_was_modified_is_remembered(rig: Rig, market: Market) -> None:
    number, symbol, first = resting(rig, market), SYMBOLS[market], below(rig, market)
    more = str(Decimal(QUANTITY[market]) * 2)
    for price in (first - 1, first - 2):
        rig.mine(market, "PUT", "order", symbol=symbol, orderId=number, side="BUY", quantity=more, price=price)
    last, before = rig.mine(market, "GET", "orderAmendment", symbol=symbol, orderId=number)
    assert (last["amendment"]["count"], before["amendment"]["count"]) == (2, 1)
    assert {k: Decimal(v) for k, v in before["amendment"]["price"].items()} == {"before": first, "after": first - 1}
    quantities = {k: Decimal(v) for k, v in before["amendment"]["origQty"].items()}
    assert quantities == {"before": Decimal(QUANTITY[market]), "after": Decimal(more)}
    assert last["amendment"]["price"]["before"] == before["amendment"]["price"]["after"]
    assert rig.mine(market, "GET", "orderAmendment", symbol=symbol, orderId=1) == []
    assert rig.mine(market, "GET", "orderAmendment", symbol=symbol, limit=1) == [last]


@pytest.mark.parametrize("market", FUTURES)
def test_who_gains_most_is_first_in_the_queue(rig: Rig, market: Market) -> None:
    symbol = SYMBOLS[market]
    (flat,) = [r for r in rig.mine(market, "GET", "adlQuantile") if r["symbol"] == symbol]
    assert set(flat["adlQuantile"].values()) == {0}
    rig.order(market, "BUY", "MARKET", quantity=QUANTITY[market])
    listing = rig.world.listings[market, symbol]
    mark = rig.world.exchange.mark(listing.contract)
    places = []
    for percent in (99, 101, 120):
        rig.world.exchange.set_price(listing.name, Price.MARK, mark * percent // 100, rig.world.now_ms)
        places.append(rig.mine(market, "GET", "adlQuantile", symbol=symbol)["adlQuantile"]["BOTH"])
    assert places == [0, 1, 4]


@pytest.mark.parametrize("market", FUTURES)
def test_what_the_venue_closed_is_told_by_kind_and_symbol(rig: Rig, market: Market) -> None:
    rig.order(market, "BUY", "MARKET", quantity=QUANTITY[market])
    listing = rig.world.listings[market, SYMBOLS[market]]
    account = rig.venue.accounts["key"][market]
    position = rig.world.exchange.accounts[account].position(listing.contract)
    rig.world.exchange.take_over(account, position, position.lots, "adl", rig.world.now_ms)
    rig.world.tell()
    (row,) = rig.mine(market, "GET", "forceOrders", symbol=SYMBOLS[market])
    assert row["side"] == "SELL"
    assert Decimal(row["executedQty"]) == Decimal(QUANTITY[market])
    assert rig.mine(market, "GET", "forceOrders", autoCloseType="ADL") == [row]
    assert rig.mine(market, "GET", "forceOrders", autoCloseType="LIQUIDATION") == []
    assert rig.mine(market, "GET", "forceOrders", startTime=rig.world.now_ms + 1) == []
    assert refused(rig, market, "GET", "forceOrders", autoCloseType="X")[0] == -1130


def test_limits_and_rules_are_told(rig: Rig) -> None:
    rows = rig.mine(LINEAR, "GET", "rateLimit/order")
    assert {(row["interval"], row["intervalNum"], row["limit"]) for row in rows} == {
        ("MINUTE", 1, 1_200),
        ("SECOND", 10, 300),
    }
    assert rig.mine(LINEAR, "GET", "apiTradingStatus")["indicators"] == {}


def test_refusals_have_the_documented_words(rig: Rig) -> None:
    price, number = below(rig, LINEAR), resting(rig, LINEAR)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": price}
    isolated = {"symbol": "ETHUSDT", "type": 1}
    rig.mine(LINEAR, "POST", "marginType", symbol="ETHUSDT", marginType="ISOLATED")
    cases: list[tuple[str, str, dict[str, object], int, str]] = [
        ("POST", "order", {**order, "quantity": "0"}, -4003, "Quantity less than or equal to zero."),
        ("POST", "order", {**order, "quantity": "20000"}, -4005, "Quantity greater than max quantity."),
        ("POST", "order", {**order, "newOrderRespType": "X"}, -1136, "Invalid newOrderRespType."),
        (
            "DELETE",
            "batchOrders",
            {"symbol": "BTCUSDT", "orderIdList": str([number] * 11)},
            -4032,
            "Exceed maximum cancel order size.",
        ),
        (
            "DELETE",
            "batchOrders",
            {"symbol": "BTCUSDT"},
            -1102,
            "Param 'origClientOrderIdList' or 'orderIdList' must be sent, but both were empty/null!",
        ),
        (
            "POST",
            "multiAssetsMargin",
            {"multiAssetsMargin": False},
            -4171,
            "Adjusted asset mode is currently set and does not need to be adjusted repeatedly.",
        ),
        (
            "POST",
            "positionMargin",
            {"symbol": "BTCUSDT", "amount": "1", "type": 1},
            -4049,
            "Add margin only support for isolated position.",
        ),
        ("POST", "positionMargin", {**isolated, "amount": "0"}, -4055, "Amount must be positive."),
        ("POST", "positionMargin", {**isolated, "amount": "1"}, -4054, "Cannot add position margin: position is 0."),
    ]
    for method, name, params, *wanted in cases:
        assert [*refused(rig, LINEAR, method, name, **params)] == wanted
    assert refusal_of(Why.LOW_VALUE, LINEAR, "5").message == (
        "Order's notional must be no smaller than 5 (unless you choose reduce only)."
    )


def test_spot_refusals_have_the_documented_words(rig: Rig) -> None:
    price = rig.touch(SPOT)[0] * Decimal("0.9") // Decimal("0.01") * Decimal("0.01")
    row = rig.order(SPOT, "BUY", "LIMIT", quantity="0.02", price=price)
    named = {"symbol": "BTCUSDT", "orderId": row["orderId"]}
    found = refused(rig, SPOT, "DELETE", "order", **named, cancelRestrictions="MAYBE")
    assert found == (-1145, "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`.")
    found = refused(rig, SPOT, "DELETE", "order", **named, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    assert found == (-2011, "Order was not canceled due to cancel restrictions.")
    found = refused(rig, SPOT, "PUT", "order/amend/keepPriority", **named, newQty="0.03")
    assert found == (-2038, "Order amend (quantity increase) is not supported.")
    found = refused(rig, SPOT, "PUT", "order/amend/keepPriority", **named, newQty="0.02")
    assert found == (-2038, "The requested action would change no state; rejecting.")


WARNINGS = {
    SPOT: "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API.",
    LINEAR: "Too many requests; current limit is 2400 requests per minute. "
    "Please use the websocket for live updates to avoid polling the API.",
}
BANS = {
    SPOT: "Way too much request weight used; IP banned until 9. "
    "Please use WebSocket Streams for live updates to avoid bans.",
    LINEAR: "Way too many requests; IP banned until 9. Please use the websocket for live updates to avoid bans.",
}


@pytest.mark.parametrize("market", [SPOT, LINEAR])
def test_who_is_too_fast_is_told_in_the_documented_words(market: Market) -> None:
    weights = Weights(None, 1.0, SteppingClock(0))
    for status, excess, texts in ((429, Excess(5), WARNINGS), (418, Excess(5, 9), BANS)):
        answer = weights.refusal(market, excess)
        assert (answer.status, json.loads(answer.body)) == (status, {"code": -1003, "msg": texts[market]})
