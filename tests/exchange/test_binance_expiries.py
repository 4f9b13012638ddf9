"""Orders at Binance's USD-margined futures that are good until a date."""

from __future__ import annotations

from typing import Any

import pytest
from binance_clients import SYMBOLS, Rejected, Rig, events_of

from real_trade.model import Market

LINEAR, INVERSE = Market.LINEAR, Market.INVERSE


@pytest.fixture
def rig() -> Rig:
    return Rig()


def dated(rig: Rig, after_ms: int | None, market: Market = LINEAR) -> Any:
    price = rig.touch(market)[0] * 97 // 100
    date = None if after_ms is None else rig.clock.now_ms() + after_ms
    params = {"timeInForce": "GTD", "goodTillDate": date, "quantity": "0.01" if market is LINEAR else "1"}
    return rig.order(market, "BUY", "LIMIT", price=price, **params)


def test_an_order_expires_at_its_date(rig: Rig) -> None:
    wire = rig.user_stream(LINEAR)
    made = dated(rig, 700_500)
    date = (rig.clock.now_ms() + 700_500) // 1_000 * 1_000
    assert (made["status"], made["timeInForce"], made["goodTillDate"]) == ("NEW", "GTD", date)
    rig.pass_time(690_000, step=10_000)
    rig.pass_time(date - 1_000 - rig.clock.now_ms())
    assert [row["goodTillDate"] for row in rig.mine(LINEAR, "GET", "openOrders")] == [date]
    events_of(wire)
    rig.pass_time(1_000)
    assert rig.mine(LINEAR, "GET", "openOrders") == []
    ended = rig.mine(LINEAR, "GET", "order", symbol=SYMBOLS[LINEAR], orderId=made["orderId"])
    assert (ended["status"], ended["executedQty"]) == ("EXPIRED", "0.000")
    told = [event["o"] for event in events_of(wire) if event["e"] == "ORDER_TRADE_UPDATE"]
    assert [(row["i"], row["x"], row["X"], row["gtd"]) for row in told] == [
        (made["orderId"], "EXPIRED", "EXPIRED", date)
    ]


def test_what_was_taken_back_does_not_expire(rig: Rig) -> None:
    made = dated(rig, 601_000)
    rig.mine(LINEAR, "DELETE", "order", symbol=SYMBOLS[LINEAR], orderId=made["orderId"])
    rig.pass_time(610_000, step=10_000)
    ended = rig.mine(LINEAR, "GET", "order", symbol=SYMBOLS[LINEAR], orderId=made["orderId"])
    assert ended["status"] == "CANCELED"


@pytest.mark.parametrize(("after_ms", "code"), [(None, -1102), (600_000, -5040), (10**15, -5040)])
def test_a_date_lies_ahead(rig: Rig, after_ms: int | None, code: int) -> None:
    with pytest.raises(Rejected) as caught:
        dated(rig, after_ms)
    assert caught.value.code == code
    assert rig.mine(LINEAR, "GET", "openOrders") == []


def test_coin_margined_orders_have_no_date(rig: Rig) -> None:
    with pytest.raises(Rejected, match="timeInForce"):
        dated(rig, 700_000, INVERSE)
