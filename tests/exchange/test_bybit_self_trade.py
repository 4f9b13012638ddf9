"""Bybit's prevention of trades with oneself, as orders ask for it and rows tell of it."""

from __future__ import annotations

from typing import Any

import pytest
from bybit_desk import ALL, LINEAR, OTHER, SPOT, Desk, code, order_id

KINDS = ("None", "CancelMaker", "CancelTaker", "CancelBoth")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def inside(desk: Desk, who: dict[str, str]) -> str:
    """Return a price between the crowd's best bid and offer, where only accounts meet."""
    book = desk.world.exchange.books[desk.name(who)]
    contract = desk.world.exchange.contracts[desk.name(who)]
    ticks = book.asks.best
    assert ticks is not None
    for level in range(3):
        desk.world.exchange.quote(contract.symbol, -1, ticks + level, 0, desk.world.now_ms)
    desk.world.tell()
    return f"{ticks * contract.tick}"


def row_of(desk: Desk, who: dict[str, str], name: str) -> Any:
    return desk.rows("order/realtime", **who, orderId=name)[0]


@pytest.mark.parametrize("who", ALL, ids=lambda who: who["category"])
@pytest.mark.parametrize("kind", KINDS)
def test_who_arrives_decides(desk: Desk, who: dict[str, str], kind: str) -> None:
    price = inside(desk, who)
    limit = {"orderType": "Limit", "price": price}
    # What the one that rests asked for does not count any more.
    resting = order_id(desk.order(who, "Sell", **limit, smpType="CancelBoth"))
    desk.listen("order", "execution")
    arriving = order_id(desk.order(who, "Buy", **limit, smpType=kind))
    maker, taker = row_of(desk, who, resting), row_of(desk, who, arriving)
    assert (maker["smpType"], taker["smpType"], taker["smpGroup"]) == ("CancelBoth", kind, 0)
    gone = {"None": "", "CancelMaker": "m", "CancelTaker": "t", "CancelBoth": "mt"}[kind]
    for row, other, letter in ((maker, arriving, "m"), (taker, resting, "t")):
        if letter in gone:
            ended = ("Cancelled", "CancelBySmp", "EC_StopBySelfMatch", other)
            assert tuple(row[name] for name in ("orderStatus", "cancelType", "rejectReason", "smpOrderId")) == ended
            assert [told["smpOrderId"] for told in desk.seen("order") if told["orderId"] == row["orderId"]][-1] == other
        else:
            assert row["orderStatus"] == ("Filled" if kind == "None" else "New")
            assert (row["cancelType"], row["smpOrderId"]) == ("UNKNOWN", "")
    fills = [(row["orderId"], row["isMaker"]) for row in desk.seen("execution")]
    assert fills == ([(resting, True), (arriving, False)] if kind == "None" else [])


def test_other_accounts_are_met_whatever_is_asked_for(desk: Desk) -> None:
    limit = {"orderType": "Limit", "price": inside(desk, LINEAR)}
    order_id(desk.order(LINEAR, "Sell", OTHER, **limit))
    name = order_id(desk.order(LINEAR, "Buy", **limit, smpType="CancelBoth"))
    assert row_of(desk, LINEAR, name)["orderStatus"] == "Filled"


def test_batches_and_what_is_set_off_ask_for_it_too(desk: Desk) -> None:
    price = inside(desk, SPOT)
    limit = {"symbol": "BTCUSDT", "orderType": "Limit", "qty": "0.01", "price": price}
    requests = [{**limit, "side": "Sell"}, {**limit, "side": "Buy", "smpType": "CancelTaker"}]
    answer = desk.post("order/create-batch", category="spot", request=requests)
    assert [each["code"] for each in answer["retExtInfo"]["list"]] == [0, 0]
    sold, bought = (each["orderId"] for each in answer["result"]["list"])
    assert row_of(desk, SPOT, bought)["smpOrderId"] == sold
    assert row_of(desk, SPOT, sold)["orderStatus"] == "New"
    assert code(desk.order(SPOT, smpType="CancelAll")) == 10001
    assert desk.get("account/smp-group")["result"] == {"smpGroup": 0}


def test_all_or_nothing_says_that_there_was_not_enough(desk: Desk) -> None:
    far = desk.price(LINEAR, 0.97)
    name = order_id(desk.order(LINEAR, orderType="Limit", price=far, timeInForce="FOK"))
    row = row_of(desk, LINEAR, name)
    assert (row["orderStatus"], row["rejectReason"]) == ("Cancelled", "EC_NoEnoughQtyToFill")
