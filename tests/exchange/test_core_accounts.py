"""What an account chooses: which of its orders gives way to which, its fees, its leverages, its margin."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from real_trade.exchange.core.contract import Contract, Kind, Tier
from real_trade.exchange.core.events import Executed, OrderChanged
from real_trade.exchange.core.exchange import Exchange
from real_trade.exchange.core.margin import available
from real_trade.exchange.core.orders import Force, Price, Refused, Request, SelfTrade, Status, Why

UNITS = 10**8
LINEAR = Contract(
    "LINEAR", Kind.LINEAR, "BTC", "USDT", "USDT", Decimal("0.1"), Decimal("0.001"), maker_rate=200_000,
    taker_rate=550_000, tiers=(Tier(10**6 * UNITS, 5_000_000, 0, 100),),
)  # fmt: skip
SPOT = Contract("SPOT", Kind.SPOT, "BTC", "USDT", "USDT", Decimal("0.1"), Decimal("0.001"))
# Of 0.001 at 1,000.0: what a lot is worth, in units of the coin.
LOT = UNITS


def exchange_of() -> Exchange:
    """Return an exchange with two accounts, and a crowd that offers 5 lots a tick above and below 1,000."""
    exchange = Exchange([LINEAR, SPOT])
    for _ in range(2):
        exchange.open_account({"USDT": 10_000 * UNITS, "BTC": 10 * UNITS})
    for symbol in exchange.contracts:
        exchange.set_price(symbol, Price.MARK, 10_000, 0)
        exchange.set_price(symbol, Price.LAST, 10_000, 0)
        exchange.quote(symbol, -1, 10_001, 5, 0)
        exchange.quote(symbol, 1, 9_999, 5, 0)
    return exchange


@pytest.mark.parametrize(
    ("mode", "resting", "arriving", "filled"),
    [
        (SelfTrade.CANCEL_MAKER, Status.CANCELLED, Status.FILLED, 9),
        (SelfTrade.CANCEL_TAKER, Status.NEW, Status.CANCELLED, 5),
        (SelfTrade.CANCEL_BOTH, Status.CANCELLED, Status.CANCELLED, 5),
        (SelfTrade.NONE, Status.FILLED, Status.FILLED, 9),
    ],
)
def test_who_arrives_decides(mode: SelfTrade, resting: Status, arriving: Status, filled: int) -> None:
    exchange = exchange_of()
    # The crowd's 5 at 10,001 come first, then 3 of its own at 10,002, then another account's 6.
    maker = exchange.place(1, Request("LINEAR", -1, 3, 10_002, self_trade=SelfTrade.CANCEL_BOTH), 1)
    exchange.place(2, Request("LINEAR", -1, 6, 10_003), 1)
    taker = exchange.place(1, Request("LINEAR", 1, 9, 10_003, self_trade=mode), 2)
    assert (maker.status, taker.status, taker.filled) == (resting, arriving, filled)
    ended = {order.number: order for order in (maker, taker) if order.why is Why.SELF_TRADE}
    assert {order.met for order in ended.values()} <= {maker.number, taker.number}
    assert all(order.met != number for number, order in ended.items())
    told = [event.order for event in exchange.log.drain() if isinstance(event, OrderChanged) and event.why]
    assert told == list(ended)


def test_a_trade_with_oneself_costs_both_fees_and_leaves_the_position() -> None:
    exchange = exchange_of()
    owner = exchange.accounts[1]
    exchange.place(1, Request("LINEAR", 1, 5, 10_001), 1)
    held = replace(owner.position(LINEAR))
    before = owner.wallet["USDT"]
    # It rests as one that may only reduce, and fills against what its own account buys.
    maker = exchange.place(1, Request("LINEAR", -1, 5, 10_000, reduce_only=True), 2)
    taker = exchange.place(1, Request("LINEAR", 1, 5, 10_000, self_trade=SelfTrade.NONE), 3)
    assert (maker.status, taker.status) == (Status.FILLED, Status.FILLED)
    position = owner.position(LINEAR)
    assert position.lots == held.lots
    fills = [event for event in exchange.log.drain() if isinstance(event, Executed) and event.time_ms == 3]
    assert [(fill.order, fill.maker, fill.profit) for fill in fills] == [
        (maker.number, True, -5 * LOT // 10_000),
        (taker.number, False, 0),
    ]
    assert before - owner.wallet["USDT"] == 5 * LOT * 75 // 100_000 + 5 * LOT // 10_000


@pytest.mark.parametrize(
    ("mode", "filled"),
    [(SelfTrade.NONE, 8), (SelfTrade.CANCEL_MAKER, 0), (SelfTrade.CANCEL_TAKER, 0), (SelfTrade.CANCEL_BOTH, 0)],
)
def test_all_or_nothing_does_not_count_on_its_own_account(mode: SelfTrade, filled: int) -> None:
    exchange = exchange_of()
    maker = exchange.place(1, Request("LINEAR", -1, 3, 10_002), 1)
    taker = exchange.place(1, Request("LINEAR", 1, 8, 10_002, Force.FOK, self_trade=mode), 2)
    assert taker.filled == filled
    assert maker.is_open == (filled == 0)


def test_all_or_nothing_is_not_filled_in_part_by_what_would_end_it() -> None:
    exchange = exchange_of()
    exchange.place(1, Request("LINEAR", -1, 3, 10_002), 1)
    exchange.place(2, Request("LINEAR", -1, 6, 10_003), 1)
    for mode, filled in ((SelfTrade.CANCEL_TAKER, 0), (SelfTrade.CANCEL_MAKER, 8)):
        taker = exchange.place(1, Request("LINEAR", 1, 8, 10_003, Force.FOK, self_trade=mode), 2)
        assert taker.filled == filled


def test_an_account_pays_its_own_rates() -> None:
    exchange = exchange_of()
    exchange.set_fees(1, Kind.LINEAR, -50_000, 300_000)
    resting = exchange.place(1, Request("LINEAR", 1, 5, 9_000), 1)
    bound = resting.bound
    taken = exchange.place(1, Request("LINEAR", 1, 5, 10_001), 2)
    assert taken.fee == 5 * LOT * 10_001 // 10_000 * 3 // 10_000
    assert exchange.place(2, Request("LINEAR", -1, 5, 9_999), 3).fee == 5 * LOT * 9_999 // 10_000 * 55 // 100_000
    exchange.crowd_takes("LINEAR", -1, 5, 9_000, 4)
    assert resting.fee == -5 * LOT * 9 // 10 * 5 // 100_000
    # What an order holds back for its fee follows.
    waiting = exchange.place(1, Request("LINEAR", 1, 5, 9_000), 5)
    assert waiting.bound == bound
    exchange.set_fees(1, Kind.LINEAR, 0, 0)
    assert bound - waiting.bound == 5 * LOT * 9 // 10 * 3 // 10_000
    # Spot has rates of its own.
    assert exchange.place(1, Request("SPOT", -1, 5, 9_999), 6).fee > 0


@pytest.mark.parametrize("symbol", ["SPOT", "LINEAR"])
def test_what_an_order_has_filled_need_not_be_paid_for_again_when_it_is_amended(symbol: str) -> None:
    exchange = exchange_of()
    owner = exchange.accounts[1]
    # Of 9 lots at 1,000 each, 6 are bought of the crowd and of another; then there is money for the other 3 alone.
    exchange.place(2, Request(symbol, -1, 1, 10_001), 1)
    order = exchange.place(1, Request(symbol, 1, 9, 10_001), 2)
    assert order.filled == 6
    owner.change("USDT", order.bound // 10 - available(owner, "USDT", exchange.mark))
    exchange.amend(1, order.number, 3, ticks=10_000)
    assert (order.status, order.left) == (Status.PARTIALLY_FILLED, 3)
    with pytest.raises(Refused) as caught:
        exchange.amend(1, order.number, 4, lots=12)
    assert caught.value.why is Why.NO_FUNDS


def test_sides_of_a_hedged_pair_have_their_own_leverage() -> None:
    exchange = exchange_of()
    exchange.hedge(1, "LINEAR", hedged=True)
    exchange.set_leverage(1, "LINEAR", 20, 5)
    owner = exchange.accounts[1]
    assert [owner.position(LINEAR, side).leverage for side in (1, -1)] == [20, 5]
    longer = exchange.place(1, Request("LINEAR", 1, 5, 9_000, side=1), 1)
    shorter = exchange.place(1, Request("LINEAR", -1, 5, 11_000, side=-1), 1)
    fees = [5 * LOT * part // 10 * 55 // 100_000 for part in (9, 11)]
    assert [order.bound - fee for order, fee in zip((longer, shorter), fees, strict=True)] == [
        5 * LOT * 9 // 10 // 20,
        5 * LOT * 11 // 10 // 5,
    ]
    with pytest.raises(Refused) as refused:
        exchange.set_leverage(1, "LINEAR", 20, 5)
    assert refused.value.why is Why.NO_CHANGE
    with pytest.raises(Refused) as refused:
        exchange.set_leverage(1, "LINEAR", 20, 500)
    assert refused.value.why is Why.LEVERAGE


def test_what_the_venue_takes_of_a_position_cuts_what_may_only_reduce_it() -> None:
    exchange = exchange_of()
    exchange.place(1, Request("LINEAR", 1, 5, 10_001), 1)
    exits = [exchange.place(1, Request("LINEAR", -1, 5, 11_000 + n, reduce_only=True), 2) for n in range(2)]
    position = exchange.accounts[1].position(LINEAR)
    exchange.take_over(1, position, 3, "adl", 3)
    assert [order.left for order in exits] == [2, 2]
    exchange.take_over(1, position, 2, "adl", 4)
    assert [(order.status, order.why) for order in exits] == [(Status.CANCELLED, Why.REDUCE_ONLY)] * 2


def test_what_an_isolated_position_loses_beyond_its_margin_is_the_insurance_s() -> None:
    exchange = exchange_of()
    owner = exchange.accounts[1]
    owner.isolated = True
    exchange.place(1, Request("LINEAR", 1, 5, 10_001), 1)
    margin, before = owner.position(LINEAR).backing, owner.wallet["USDT"]
    exchange.set_price("LINEAR", Price.MARK, 5_000, 2)
    loss = 5 * LOT * 5_001 // 10_000
    fee = 5 * LOT // 2 * 55 // 100_000
    assert before - owner.wallet["USDT"] == margin
    # It has the fee, and bears what the margin did not.
    assert exchange.settlement.insurance == {"USDT": margin - loss}
    assert loss > margin > fee


def test_a_position_that_refills_takes_coin_until_there_is_none() -> None:
    exchange = exchange_of()
    owner = exchange.accounts[1]
    owner.isolated = True
    exchange.place(1, Request("LINEAR", 1, 5, 10_001), 1)
    position = owner.position(LINEAR)
    position.refills = True
    exchange.set_price("LINEAR", Price.MARK, 9_000, 2)
    assert position.lots == 5
    # What backs it is again what opening it would take.
    assert position.backing + position.profit(9_000) == position.initial_margin(9_000)
    owner.wallet["USDT"] = position.backing
    exchange.set_price("LINEAR", Price.MARK, 8_000, 3)
    assert position.lots == 0
