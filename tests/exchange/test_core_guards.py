"""Conditional orders that guard a position: they follow the price, and close what is held when they are set off."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from real_trade.exchange.core.contract import Contract, Kind, Tier
from real_trade.exchange.core.exchange import Exchange
from real_trade.exchange.core.orders import Price, Refused, Request, Status, Trigger, Why

SYMBOL = "BTCUSDT"
LINEAR = Contract(
    SYMBOL, Kind.LINEAR, "BTC", "USDT", "USDT", Decimal("0.1"), Decimal("0.001"),
    tiers=(Tier(10**17, 5_000_000, 0, 100),),
)  # fmt: skip


@dataclass
class Stage:
    exchange: Exchange
    account: int

    def price(self, ticks: int) -> None:
        """Move both sides of the book, and the last price with them."""
        book = self.exchange.books[SYMBOL]
        for sign in (1, -1):
            for old in list(book.side(sign).prices()):
                self.exchange.quote(SYMBOL, sign, old, 0, 0)
        for sign in (1, -1):
            self.exchange.quote(SYMBOL, sign, ticks - sign, 10_000, 0)
        self.exchange.set_price(SYMBOL, Price.MARK, ticks, 0)
        self.exchange.set_price(SYMBOL, Price.LAST, ticks, 0)

    def held(self) -> int:
        return self.exchange.accounts[self.account].position(LINEAR).lots


@pytest.fixture
def stage() -> Stage:
    exchange = Exchange([LINEAR])
    made = Stage(exchange, exchange.open_account({"USDT": 10**14}).number)
    made.price(600_000)
    return made


def buy(stage: Stage, lots: int = 10) -> None:
    stage.exchange.place(stage.account, Request(SYMBOL, 1, lots), 0)


def guard(trigger: Trigger, sign: int = -1) -> Request:
    return Request(SYMBOL, sign, 0, reduce_only=True, trigger=trigger, whole=True)


def test_a_trailing_stop_follows_the_best_price_and_never_goes_back(stage: Stage) -> None:
    buy(stage)
    order = stage.exchange.place(stage.account, guard(Trigger(0, rises=False, trail=500)), 0)
    seen = []
    for ticks in (600_100, 601_000, 600_600, 600_800, 600_501):
        stage.price(ticks)
        assert order.request.trigger is not None
        seen.append(order.request.trigger.ticks)
    assert seen == [599_600, 600_500, 600_500, 600_500, 600_500]
    assert stage.held() == 10
    stage.price(600_500)
    assert (stage.held(), order.status, order.filled) == (0, Status.FILLED, 10)


def test_it_begins_to_follow_where_it_is_told(stage: Stage) -> None:
    buy(stage)
    order = stage.exchange.place(stage.account, guard(Trigger(0, rises=False, trail=500, begins=602_000)), 0)
    stage.price(601_000)
    stage.price(590_000)
    assert order.status is Status.UNTRIGGERED
    stage.price(602_000)
    stage.price(601_500)
    assert order.status is Status.FILLED


def test_of_a_short_position_it_follows_downwards(stage: Stage) -> None:
    stage.exchange.place(stage.account, Request(SYMBOL, -1, 7), 0)
    order = stage.exchange.place(stage.account, guard(Trigger(0, rises=True, trail=500), sign=1), 0)
    stage.price(598_000)
    stage.price(598_499)
    assert stage.held() == -7
    stage.price(598_500)
    assert (stage.held(), order.filled) == (0, 7)


def test_a_guard_of_the_whole_closes_what_is_held_then(stage: Stage) -> None:
    buy(stage, 10)
    order = stage.exchange.place(stage.account, guard(Trigger(590_000, rises=False)), 0)
    buy(stage, 15)
    stage.price(590_000)
    assert (stage.held(), order.filled) == (0, 25)


def test_without_a_position_it_is_rejected_when_it_is_set_off(stage: Stage) -> None:
    order = stage.exchange.place(stage.account, guard(Trigger(590_000, rises=False)), 0)
    stage.price(590_000)
    assert (order.status, order.why) == (Status.REJECTED, Why.REDUCE_ONLY)


def test_a_trigger_can_be_moved_while_it_waits_and_only_then(stage: Stage) -> None:
    buy(stage)
    order = stage.exchange.place(stage.account, guard(Trigger(590_000, rises=False)), 0)
    stage.exchange.amend(stage.account, order.number, 0, trigger=Trigger(595_000, rises=False))
    stage.price(595_000)
    assert order.status is Status.FILLED
    resting = stage.exchange.place(stage.account, Request(SYMBOL, 1, 1, 500_000), 0)
    with pytest.raises(Refused) as refused:
        stage.exchange.amend(stage.account, resting.number, 0, trigger=Trigger(700_000, rises=True))
    assert refused.value.why is Why.NO_TRIGGER


def test_the_venue_may_say_that_it_cancelled_a_guard_because_the_position_is_gone(stage: Stage) -> None:
    buy(stage)
    order = stage.exchange.place(stage.account, guard(Trigger(590_000, rises=False)), 0)
    stage.exchange.cancel(stage.account, order.number, 0, Why.POSITION_CLOSED)
    assert (order.status, order.why) == (Status.DEACTIVATED, Why.POSITION_CLOSED)
