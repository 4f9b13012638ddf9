"""What has ended is forgotten in the end: memory does not grow with the number of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from binance_clients import Rejected, Rig
from bybit_desk import LINEAR, Desk

from real_trade.exchange.binance import records as binance_records
from real_trade.exchange.bybit import records as bybit_records
from real_trade.exchange.core import exchange as core
from real_trade.exchange.core.contract import Contract, Kind
from real_trade.exchange.core.orders import Refused, Request, Why
from real_trade.model import Market

if TYPE_CHECKING:
    from real_trade.exchange.core.orders import Order


def spot() -> core.Exchange:
    from decimal import Decimal

    exchange = core.Exchange([Contract("S", Kind.SPOT, "BTC", "USDT", "USDT", Decimal("0.1"), Decimal("0.001"))])
    exchange.open_account({"USDT": 10**15})
    return exchange


def test_the_core_forgets_orders_that_ended_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "KEPT", 10)
    exchange = spot()

    def place(name: str, ticks: int = 1_000) -> Order:
        return exchange.place(1, Request("S", 1, 5, ticks, link=name), 0)

    waits = place("waits")
    for number in range(50):
        exchange.cancel(1, place(f"order {number}").number, 0)
    assert waits.number in exchange.orders
    assert len(exchange.orders) == 11
    # A name that is forgotten may come again, one that is remembered may not; numbers never do.
    assert place("order 3").number == 52
    for name in ("waits", "order 49"):
        with pytest.raises(Refused) as refused:
            place(name)
        assert refused.value.why is Why.DUPLICATE_LINK


def test_bybit_forgets_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bybit_records, "KEPT", 10)
    desk = Desk()
    waits = desk.limit(LINEAR, 0.9, orderLinkId="waits")["result"]["orderId"]
    ids = []
    for number in range(30):
        placed = desk.limit(LINEAR, 0.9, orderLinkId=f"n{number}")["result"]["orderId"]
        assert desk.post("order/cancel", **LINEAR, orderId=placed)["retCode"] == 0
        ids.append(placed)
    records = desk.venue.records
    assert len(records.tickets) == len(records._by_id) == len(records._by_link) == 11
    assert [row["orderId"] for row in desk.rows("order/history", category="linear", limit=50)] == ids[:-11:-1]
    open_now = desk.rows("order/realtime", **LINEAR, openOnly=0)
    assert waits in [row["orderId"] for row in open_now if row["orderStatus"] == "New"]


def test_binance_forgets_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binance_records, "KEPT", 10)
    rig = Rig()
    numbers = []
    for _ in range(30):
        placed = rig.order(Market.SPOT, "BUY", "LIMIT", quantity="0.01", price="20000")
        rig.mine(Market.SPOT, "DELETE", "order", symbol="BTCUSDT", orderId=placed["orderId"])
        numbers.append(placed["orderId"])
    records = rig.venue.records
    assert len(records.tickets) == len(records._by_link) == 10
    shown = rig.mine(Market.SPOT, "GET", "allOrders", symbol="BTCUSDT")
    assert [row["orderId"] for row in shown] == numbers[-10:]
    with pytest.raises(Rejected) as refused:
        rig.mine(Market.SPOT, "GET", "order", symbol="BTCUSDT", orderId=numbers[0])
    assert refused.value.code == -2013
