"""Order lists of Binance's spot market: legs that exclude each other, and orders that follow on another."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from binance_clients import Rejected, Rig, Wire, events_of

from real_trade.exchange.core.orders import Price
from real_trade.model import Market

SPOT = Market.SPOT
CENT = Decimal("0.01")


@pytest.fixture
def rig() -> Rig:
    return Rig()


def around(rig: Rig, share: str) -> Decimal:
    """Return a price of the grid at a share of the best bid."""
    return rig.touch(SPOT)[0] * Decimal(share) // CENT * CENT


def move(rig: Rig, to: Decimal) -> None:
    """Let the market trade at another price."""
    listing = rig.world.listings[SPOT, "BTCUSDT"]
    ticks = int(to / listing.contract.tick)
    listing.crowd.stand_around(ticks, rig.world.now_ms)
    rig.world.exchange.set_price(listing.name, Price.LAST, ticks, rig.world.now_ms)
    rig.world.tell()


def sell_pair(rig: Rig, **more: object) -> dict[str, Any]:
    """Place what sells higher or stops lower, of all bitcoin that the account has."""
    legs = {
        "aboveType": "LIMIT_MAKER",
        "abovePrice": around(rig, "1.02"),
        "belowType": "STOP_LOSS_LIMIT",
        "belowStopPrice": around(rig, "0.98"),
        "belowPrice": around(rig, "0.97"),
        "belowTimeInForce": "GTC",
    }
    params = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "10", **legs, **more}
    row: dict[str, Any] = rig.mine(SPOT, "POST", "orderList/oco", **params)
    return row


def statuses(rig: Rig, row: dict[str, Any]) -> list[str]:
    """Return how the orders of a list stand now."""
    wanted = [order["orderId"] for order in row["orders"]]
    return [rig.mine(SPOT, "GET", "order", symbol="BTCUSDT", orderId=number)["status"] for number in wanted]


def told(wire: Wire) -> list[tuple[Any, ...]]:
    """Return what the user stream said, balances aside: the list's state, or an order's type, step and state."""
    return [
        ("list", e["l"], e["L"]) if e["e"] == "listStatus" else (e["o"], e["x"], e["X"])
        for e in events_of(wire)
        if e["e"] in {"listStatus", "executionReport"}
    ]


def refused(rig: Rig, name: str, **params: object) -> tuple[int, str]:
    with pytest.raises(Rejected) as caught:
        rig.mine(SPOT, "POST", name, **{"symbol": "BTCUSDT", "quantity": "1", **params})
    return caught.value.code, caught.value.message


def test_two_legs_hold_back_what_one_needs_and_are_told_as_a_list(rig: Rig) -> None:
    wire = rig.user_stream(SPOT)
    row = sell_pair(rig, listClientOrderId="pair", aboveClientOrderId="high", belowClientOrderId="low")
    assert (row["contingencyType"], row["listStatusType"], row["listOrderStatus"]) == (
        "OCO",
        "EXEC_STARTED",
        "EXECUTING",
    )
    assert [order["clientOrderId"] for order in row["orders"]] == ["low", "high"]
    assert [(r["type"], r["status"], r["orderListId"]) for r in row["orderReports"]] == [
        ("STOP_LOSS_LIMIT", "NEW", row["orderListId"]),
        ("LIMIT_MAKER", "NEW", row["orderListId"]),
    ]
    assert [r["workingTime"] for r in row["orderReports"]] == [-1, row["transactionTime"]]
    said = events_of(wire)
    assert said[0]["e"] == "listStatus"
    assert [each["i"] for each in said[0]["O"]] == [order["orderId"] for order in row["orders"]]
    reports = [e for e in said if e["e"] == "executionReport"]
    assert [(r["x"], r["g"], r["c"]) for r in reports] == [
        ("NEW", row["orderListId"], "low"),
        ("NEW", row["orderListId"], "high"),
    ]
    bitcoin = next(b for b in rig.mine(SPOT, "GET", "account")["balances"] if b["asset"] == "BTC")
    assert (bitcoin["free"], bitcoin["locked"]) == ("0.00000000", "10.00000000")
    for found in (
        rig.mine(SPOT, "GET", "orderList", origClientOrderId="pair"),
        rig.mine(SPOT, "GET", "orderList", orderListId=row["orderListId"]),
        rig.mine(SPOT, "GET", "openOrderList")[0],
        rig.mine(SPOT, "GET", "allOrderList")[0],
    ):
        assert found == {name: value for name, value in row.items() if name != "orderReports"}
    assert {o["orderListId"] for o in rig.mine(SPOT, "GET", "openOrders")} == {row["orderListId"]}


def test_what_is_filled_ends_the_other_leg(rig: Rig) -> None:
    wire = rig.user_stream(SPOT)
    row = sell_pair(rig, quantity="0.5")
    wire.take()
    move(rig, around(rig, "1.03"))
    assert statuses(rig, row) == ["EXPIRED", "FILLED"]
    said = told(wire)
    assert ("STOP_LOSS_LIMIT", "EXPIRED", "EXPIRED") in said
    assert said[-1] == ("list", "ALL_DONE", "ALL_DONE")
    assert rig.mine(SPOT, "GET", "openOrderList") == []
    done = rig.mine(SPOT, "GET", "orderList", orderListId=row["orderListId"])
    assert (done["listStatusType"], done["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")


def test_what_is_set_off_ends_the_other_leg_and_has_all_it_needs(rig: Rig) -> None:
    wire = rig.user_stream(SPOT)
    row = sell_pair(rig, belowType="STOP_LOSS", belowPrice=None, belowTimeInForce=None)
    wire.take()
    move(rig, around(rig, "0.975"))
    assert statuses(rig, row) == ["FILLED", "EXPIRED"]
    sold = rig.mine(SPOT, "GET", "order", symbol="BTCUSDT", orderId=row["orders"][0]["orderId"])
    assert sold["executedQty"] == "10.00000000"
    assert told(wire)[-1] == ("list", "ALL_DONE", "ALL_DONE")


def test_part_of_a_fill_ends_the_other_leg_and_not_the_one_that_is_filled(rig: Rig) -> None:
    row = sell_pair(rig)
    listing = rig.world.listings[SPOT, "BTCUSDT"]
    ticks = int(Decimal(row["orderReports"][1]["price"]) / listing.contract.tick)
    asks = rig.world.exchange.books[listing.name].side(-1).levels
    before = sum(level.lots for at, level in asks.items() if at < ticks)
    rig.world.exchange.crowd_takes(listing.name, 1, before + 1_000, ticks, rig.world.now_ms)
    rig.world.tell()
    assert statuses(rig, row) == ["EXPIRED", "PARTIALLY_FILLED"]
    assert len(rig.mine(SPOT, "GET", "openOrderList")) == 1
    rig.mine(SPOT, "DELETE", "order", symbol="BTCUSDT", orderId=row["orders"][1]["orderId"])
    assert rig.mine(SPOT, "GET", "openOrderList") == []


@pytest.mark.parametrize("way", ["leg", "list", "symbol"])
def test_the_cancellation_of_a_leg_is_that_of_the_list(rig: Rig, way: str) -> None:
    wire = rig.user_stream(SPOT)
    row = sell_pair(rig, listClientOrderId="pair")
    wire.take()
    if way == "leg":
        rig.mine(SPOT, "DELETE", "order", symbol="BTCUSDT", orderId=row["orders"][0]["orderId"])
    elif way == "list":
        gone = rig.mine(SPOT, "DELETE", "orderList", symbol="BTCUSDT", listClientOrderId="pair", newClientOrderId="x")
        assert {(r["status"], r["clientOrderId"]) for r in gone["orderReports"]} == {("CANCELED", "x")}
        assert gone["listOrderStatus"] == "ALL_DONE"
    else:
        (gone,) = rig.mine(SPOT, "DELETE", "openOrders", symbol="BTCUSDT")
        assert gone["orderListId"] == row["orderListId"]
        assert len(gone["orderReports"]) == 2
    assert statuses(rig, row) == ["CANCELED", "CANCELED"]
    assert [e for e in told(wire) if e[0] == "list"] == [("list", "ALL_DONE", "ALL_DONE")]
    with pytest.raises(Rejected) as caught:
        rig.mine(SPOT, "DELETE", "orderList", symbol="BTCUSDT", orderListId=row["orderListId"])
    assert (caught.value.code, caught.value.message) == (-2011, "Unknown order sent.")


def test_the_older_endpoint_names_its_legs_otherwise(rig: Rig) -> None:
    params = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.1", "price": around(rig, "0.97")}
    with pytest.raises(Rejected) as caught:
        rig.mine(SPOT, "POST", "order/oco", **params, stopPrice=around(rig, "1.02"), stopLimitPrice=around(rig, "1.03"))
    assert caught.value.code == -1102
    row = rig.mine(SPOT, "POST", "order/oco", **params, stopPrice=around(rig, "1.02"), stopClientOrderId="up")
    assert [(r["type"], r["side"]) for r in row["orderReports"]] == [("STOP_LOSS", "BUY"), ("LIMIT_MAKER", "BUY")]
    assert row["orders"][0]["clientOrderId"] == "up"
    move(rig, around(rig, "1.021"))
    assert statuses(rig, row) == ["FILLED", "EXPIRED"]


def test_an_order_follows_on_one_that_is_filled(rig: Rig) -> None:
    wire = rig.user_stream(SPOT)
    params = {
        "symbol": "BTCUSDT",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingPrice": around(rig, "0.99"),
        "workingQuantity": "0.5",
        "workingTimeInForce": "GTC",
        "pendingType": "MARKET",
        "pendingSide": "SELL",
        "pendingQuantity": "0.4",
    }
    row = rig.mine(SPOT, "POST", "orderList/oto", **params)
    assert (row["contingencyType"], [r["status"] for r in row["orderReports"]]) == ("OTO", ["NEW", "PENDING_NEW"])
    assert told(wire) == [
        ("list", "EXEC_STARTED", "EXECUTING"),
        ("LIMIT", "NEW", "NEW"),
        ("MARKET", "NEW", "PENDING_NEW"),
    ]
    assert [o["status"] for o in rig.mine(SPOT, "GET", "openOrders", symbol="BTCUSDT")] == ["NEW", "PENDING_NEW"]
    move(rig, around(rig, "0.98"))
    assert statuses(rig, row) == ["FILLED", "FILLED"]
    said = told(wire)
    assert said[-1] == ("list", "ALL_DONE", "ALL_DONE")
    assert ("MARKET", "TRADE", "FILLED") in said
    # The number that it had before it was placed stays its own.
    trades = rig.mine(SPOT, "GET", "myTrades", symbol="BTCUSDT", orderId=row["orders"][1]["orderId"])
    assert sum(Decimal(trade["qty"]) for trade in trades) == Decimal("0.4")


def bracket(rig: Rig, **more: object) -> dict[str, Any]:
    """Place an order that buys lower, and two that are to sell what it bought."""
    params = {
        "symbol": "BTCUSDT",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingPrice": around(rig, "0.99"),
        "workingQuantity": "0.5",
        "workingTimeInForce": "GTC",
        "pendingSide": "SELL",
        "pendingQuantity": "0.4",
        "pendingAboveType": "LIMIT_MAKER",
        "pendingAbovePrice": around(rig, "1.02"),
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowStopPrice": around(rig, "0.95"),
        **more,
    }
    row: dict[str, Any] = rig.mine(SPOT, "POST", "orderList/otoco", **params)
    return row


def test_two_legs_follow_on_one_order_and_exclude_each_other(rig: Rig) -> None:
    row = bracket(rig)
    assert [r["status"] for r in row["orderReports"]] == ["NEW", "PENDING_NEW", "PENDING_NEW"]
    move(rig, around(rig, "0.98"))
    assert statuses(rig, row) == ["FILLED", "NEW", "NEW"]
    move(rig, around(rig, "1.05"))
    assert statuses(rig, row) == ["FILLED", "EXPIRED", "FILLED"]
    assert rig.mine(SPOT, "GET", "openOrderList") == []


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_cancelled_takes_what_was_to_follow_along(rig: Rig, which: int) -> None:
    wire = rig.user_stream(SPOT)
    row = bracket(rig)
    wire.take()
    rig.mine(SPOT, "DELETE", "order", symbol="BTCUSDT", orderId=row["orders"][which]["orderId"])
    assert statuses(rig, row) == ["CANCELED"] * 3
    assert told(wire) == [
        ("LIMIT", "CANCELED", "CANCELED"),
        ("STOP_LOSS", "CANCELED", "CANCELED"),
        ("LIMIT_MAKER", "CANCELED", "CANCELED"),
        ("list", "ALL_DONE", "ALL_DONE"),
    ]


def test_what_cannot_be_placed_when_its_time_comes_is_rejected(rig: Rig) -> None:
    wire = rig.user_stream(SPOT)
    row = bracket(rig, pendingQuantity="100")
    wire.take()
    move(rig, around(rig, "0.98"))
    assert statuses(rig, row) == ["FILLED", "CANCELED", "REJECTED"]
    assert told(wire)[-1] == ("list", "ALL_DONE", "ALL_DONE")


def test_lists_that_make_no_sense_are_refused(rig: Rig) -> None:
    low, high = around(rig, "0.98"), around(rig, "1.02")
    sell, limits = {"side": "SELL"}, {"aboveType": "LIMIT_MAKER", "abovePrice": high}
    stop = {"belowType": "STOP_LOSS", "belowStopPrice": low}
    relation = (-2010, "The relationship of the prices for the orders is not correct.")
    cases: list[tuple[dict[str, object], tuple[int, str]]] = [
        ({**sell, **limits, "belowType": "MARKET"}, (-1158, "Order type not supported in OCO.")),
        (
            {**sell, **limits, "belowType": "LIMIT_MAKER", "belowPrice": low},
            (-1168, "At least one OCO order must be contingent."),
        ),
        (
            {**sell, "aboveType": "STOP_LOSS", "aboveStopPrice": high, **stop},
            (-1197, "A stop loss order in a sell OCO must be below."),
        ),
        (
            {**sell, **limits, "belowType": "TAKE_PROFIT", "belowStopPrice": low},
            (-1199, "A take profit order in a sell OCO must be above."),
        ),
        (
            {**sell, "aboveType": "TAKE_PROFIT", "aboveStopPrice": high, "belowType": "LIMIT_MAKER", "belowPrice": low},
            (-1166, "A limit order in a sell OCO must be above."),
        ),
        ({"side": "BUY", **limits, **stop}, (-1165, "A limit order in a buy OCO must be below.")),
        ({**sell, **limits, "abovePrice": low, **stop}, relation),
        (
            {**sell, **limits, **stop, "quantity": "11"},
            (-2010, "Account has insufficient balance for requested action."),
        ),
        (
            {**sell, **limits, **stop, "aboveClientOrderId": "a", "belowClientOrderId": "a"},
            (-2010, "Duplicate order sent."),
        ),
    ]
    for params, wanted in cases:
        assert refused(rig, "orderList/oco", **params) == wanted
    assert refused(rig, "orderList/oco", **sell, **limits)[0] == -1102
    assert refused(rig, "orderList/oto", workingType="MARKET")[0] == -1130
    assert rig.mine(SPOT, "GET", "openOrders") == []
    for params, code in ({"orderListId": 99}, -2013), ({}, -1102), ({"orderListId": "x"}, -1100):
        with pytest.raises(Rejected) as caught:
            rig.mine(SPOT, "GET", "orderList", **params)
        assert caught.value.code == code
    for number in range(5):
        sell_pair(rig, quantity="0.01", listClientOrderId=f"l{number}")
    assert refused(rig, "orderList/oco", **sell, **limits, **stop) == (-1013, "Filter failure: MAX_NUM_ALGO_ORDERS")
    assert [row["listClientOrderId"] for row in rig.mine(SPOT, "GET", "allOrderList", fromId=3)] == ["l3", "l4"]


def test_open_lists_of_a_symbol_are_limited(rig: Rig) -> None:
    low = around(rig, "0.98")
    params = {
        "symbol": "BTCUSDT",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingPrice": low,
        "workingQuantity": "0.01",
        "workingTimeInForce": "GTC",
        "pendingType": "MARKET",
        "pendingSide": "SELL",
        "pendingQuantity": "0.01",
        "newOrderRespType": "ACK",
    }
    for _ in range(20):
        row = rig.mine(SPOT, "POST", "orderList/oto", **params)
    assert set(row["orderReports"][0]) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert refused(rig, "orderList/oto", **params) == (-1013, "Filter failure: MAX_NUM_ORDER_LISTS")
    rig.mine(SPOT, "DELETE", "orderList", symbol="BTCUSDT", orderListId=row["orderListId"])
    rig.mine(SPOT, "POST", "orderList/oto", **params)


def test_a_stop_that_follows_the_price_may_be_a_leg(rig: Rig) -> None:
    row = sell_pair(
        rig, quantity="1", belowType="STOP_LOSS", belowStopPrice=None, belowPrice=None, belowTimeInForce=None,
        belowTrailingDelta=100,
    )  # fmt: skip
    assert row["orderReports"][0]["trailingDelta"] == 100
    top = around(rig, "1.015")
    move(rig, top)
    assert statuses(rig, row) == ["NEW", "NEW"]
    move(rig, top * Decimal("0.985") // CENT * CENT)
    assert statuses(rig, row) == ["FILLED", "EXPIRED"]


def test_lists_by_request_socket(rig: Rig) -> None:
    wire = rig.wire("/ws-api/v3")
    price, stop = str(around(rig, "1.02")), str(around(rig, "0.98"))
    legs = {"aboveType": "LIMIT_MAKER", "abovePrice": price, "belowType": "STOP_LOSS", "belowStopPrice": stop}
    wire.say(rig.frame("orderList.place.oco", symbol="BTCUSDT", side="SELL", quantity="1", **legs))
    (placed,) = wire.take()
    assert placed["status"] == 200
    assert {row["rateLimitType"] for row in placed["rateLimits"]} == {"ORDERS"}
    number = placed["result"]["orderListId"]
    wire.say(rig.frame("orderList.status", orderListId=number))
    wire.say(rig.frame("openOrderLists.status"))
    wire.say(rig.frame("orderList.cancel", symbol="BTCUSDT", orderListId=number))
    wire.say(rig.frame("allOrderLists"))
    one, many, gone, all_lists = (answer["result"] for answer in wire.take())
    assert many == [one]
    assert {report["status"] for report in gone["orderReports"]} == {"CANCELED"}
    assert [each["listOrderStatus"] for each in all_lists] == ["ALL_DONE"]
