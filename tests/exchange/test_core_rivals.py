"""Orders of which the first that is filled or set off ends the others."""

from __future__ import annotations

from decimal import Decimal

import pytest

from real_trade.exchange.core.contract import Contract, Kind
from real_trade.exchange.core.exchange import Exchange
from real_trade.exchange.core.orders import Order, Price, Request, Status, Trigger, Why

SYMBOL = "BTCUSDT"
SPOT = Contract(SYMBOL, Kind.SPOT, "BTC", "USDT", "USDT", Decimal("0.01"), Decimal("0.001"))
UNITS = 100_000_000
MIDDLE = 1_000


def staged() -> tuple[Exchange, int, Order, Order]:
    """Return an account that sells its one coin higher, or lower once the price has fallen."""
    exchange = Exchange([SPOT])
    account = exchange.open_account({"BTC": UNITS, "USDT": 0}).number
    exchange.quote(SYMBOL, 1, MIDDLE - 10, 5_000, 0)
    exchange.quote(SYMBOL, -1, MIDDLE + 200, 5_000, 0)
    exchange.set_price(SYMBOL, Price.LAST, MIDDLE, 0)
    high = exchange.place(account, Request(SYMBOL, -1, 1_000, MIDDLE + 100), 0)
    stop = exchange.place(account, Request(SYMBOL, -1, 1_000, trigger=Trigger(MIDDLE - 50, rises=False)), 0)
    exchange.oppose(high.number, stop.number)
    return exchange, account, high, stop


def test_what_is_filled_in_part_ends_the_other_and_goes_on() -> None:
    exchange, account, high, stop = staged()
    assert exchange.crowd_takes(SYMBOL, 1, 400, MIDDLE + 100, 1) == 400
    assert (high.status, stop.status, stop.why) == (Status.PARTIALLY_FILLED, Status.DEACTIVATED, Why.RIVAL)
    exchange.crowd_takes(SYMBOL, 1, 600, MIDDLE + 100, 2)
    assert high.status is Status.FILLED
    assert exchange.open_orders(account) == []
    assert exchange._rivals == {}


def test_what_is_set_off_has_what_the_other_held_back() -> None:
    exchange, account, high, stop = staged()
    assert exchange.accounts[account].bound["BTC"] == UNITS
    exchange.set_price(SYMBOL, Price.LAST, MIDDLE - 50, 1)
    assert (high.status, high.why, stop.status) == (Status.CANCELLED, Why.RIVAL, Status.FILLED)
    assert exchange.accounts[account].wallet["BTC"] == 0
    assert exchange.accounts[account].bound["BTC"] == 0
    assert exchange._rivals == {}


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_taken_back_leaves_the_other_alone(which: int) -> None:
    exchange, account, *orders = staged()
    exchange.cancel(account, orders[which].number, 1)
    assert orders[1 - which].is_open
    exchange.crowd_takes(SYMBOL, 1, 1_000, MIDDLE + 100, 2)
    exchange.set_price(SYMBOL, Price.LAST, MIDDLE - 50, 3)
    assert orders[1 - which].status is Status.FILLED
