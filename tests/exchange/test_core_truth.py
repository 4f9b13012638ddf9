"""The exchange's core over random sequences of commands: what must be true whatever was asked."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from real_trade.exchange.core.book import CROWD
from real_trade.exchange.core.contract import Contract, Kind, Tier
from real_trade.exchange.core.events import Executed, OrderChanged, Traded
from real_trade.exchange.core.exchange import Exchange
from real_trade.exchange.core.margin import binds, totals
from real_trade.exchange.core.orders import TRANSITIONS, Force, Price, Refused, Request, SelfTrade, Status, Trigger, Why

UNITS = 10**8
LADDER = (Tier(10**6 * UNITS, 5_000_000, 0, 100), Tier(10**9 * UNITS, 10_000_000, 5_000 * UNITS, 50))
COINS = (Tier(100 * UNITS, 5_000_000, 0, 100), Tier(10**4 * UNITS, 10_000_000, UNITS // 2, 50))
SPOT = Contract(
    "SPOT", Kind.SPOT, "BTC", "USDT", "USDT", Decimal("0.1"), Decimal("0.001"), maker_rate=10**6, taker_rate=10**6
)
LINEAR = Contract("LINEAR", Kind.LINEAR, "BTC", "USDT", "USDT", Decimal("0.1"), Decimal("0.001"), tiers=LADDER)
INVERSE = Contract("INVERSE", Kind.INVERSE, "BTC", "USD", "BTC", Decimal("0.5"), Decimal(1), tiers=COINS)
SYMBOLS = ("SPOT", "LINEAR", "INVERSE")
# About 1,000 in quote: 10,000 ticks of 0.1, 2,000 of 0.5.
CENTRE = {"SPOT": 10_000, "LINEAR": 10_000, "INVERSE": 2_000}
WALLET = {"USDT": 5_000 * UNITS, "BTC": 5 * UNITS}


class World:
    """An exchange with three accounts and a crowd: the second isolates its positions, the last hedges both sides."""

    def __init__(self) -> None:
        self.exchange = Exchange([SPOT, LINEAR, INVERSE])
        self.now = 0
        self.refused: set[Why] = set()
        self.changed_by_refusal = False
        for _ in range(3):
            self.exchange.open_account(dict(WALLET))
        self.exchange.accounts[2].isolated = True
        for symbol in SYMBOLS:
            self.exchange.set_price(symbol, Price.MARK, CENTRE[symbol], 0)
            if symbol != "SPOT":
                self.exchange.hedge(3, symbol, hedged=True)
            for step in range(1, 6):
                for sign in (1, -1):
                    self.exchange.quote(symbol, sign, CENTRE[symbol] - sign * step, 40 * step, 0)
        self.events: list[Any] = self.exchange.log.drain()

    def ask(self, work: Any, *arguments: Any, **options: Any) -> Any:
        """Carry out a command; a refusal must leave everything as it was."""
        self.now += 1
        before = self.fingerprint()
        try:
            return work(*arguments, **options)
        except Refused as refusal:
            self.refused.add(refusal.why)
            self.changed_by_refusal = self.changed_by_refusal or self.fingerprint() != before
            return None
        finally:
            self.events += self.exchange.log.drain()

    def fingerprint(self) -> str:
        accounts = [
            (a.wallet, {k: (p.lots, p.cost, p.leverage) for k, p in a.positions.items() if p.lots})
            for a in self.exchange.accounts.values()
        ]
        books = {symbol: book.depth(100) for symbol, book in self.exchange.books.items()}
        orders = [(o.number, o.status, o.filled, o.request) for o in self.exchange.orders.values()]
        return repr((accounts, books, orders))


NUMBERS = st.integers(0, 10**6)


COMMANDS = 25
# `make truth` draws ten thousand.
SEQUENCES = int(os.environ.get("TRUTH_SEQUENCES", "250"))


@settings(
    max_examples=SEQUENCES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(st.tuples(st.integers(0, COMMANDS - 1), NUMBERS, NUMBERS, NUMBERS), min_size=15, max_size=60))
def test_whatever_is_asked(commands: list[tuple[int, int, int, int]]) -> None:
    world = World()
    for command in commands:
        positions = lots_of(world)
        taken = carry_out(world, *command)
        look(world, positions, taken)
        look_at_margins(world)
    follow(world)


def lots_of(world: World) -> dict[Any, int]:
    return {
        (account.number, key): position.lots
        for account in world.exchange.accounts.values()
        for key, position in account.positions.items()
    }


def carry_out(world: World, what: int, first: int, second: int, third: int) -> Any:
    """Turn four numbers into a command; return the order that was placed, if one was."""
    exchange, account, symbol = world.exchange, first % 3 + 1, SYMBOLS[second % 3]
    sign, centre = 1 if third % 2 else -1, CENTRE[symbol]
    if what < 10:
        force = (Force.GTC, Force.GTC, Force.IOC, Force.FOK, Force.POST_ONLY)[third % 5]
        ticks = None if what < 2 else centre + (third // 3 % 15 - 7)
        side = 0
        if account == 3 and symbol != "SPOT":
            side = 1 if third // 7 % 2 else -1
        trigger = None
        if what == 9:
            trigger = Trigger(centre + (third % 9 - 4), rises=bool(first % 2), by=(Price.LAST, Price.MARK)[second % 2])
        lots = (1, 3, 20, 100, 700, 9_000, 0)[first // 3 % 7] * (10 if symbol == "INVERSE" else 1)
        request = Request(
            symbol, sign, lots, ticks, Force.IOC if ticks is None else force, side,
            reduce_only=third // 11 % 3 == 0, link=f"link-{first % 50}" if third // 13 % 4 == 0 else "",
            trigger=trigger, self_trade=tuple(SelfTrade)[third // 17 % 4],
        )  # fmt: skip
        return world.ask(exchange.place, account, request, world.now)
    open_orders = exchange.open_orders(account)
    number = open_orders[second % len(open_orders)].number if open_orders else second % 5
    if what == 10:
        world.ask(exchange.cancel, account, number, world.now)
    elif what == 11:
        world.ask(exchange.amend, account, number, world.now, lots=first % 60 + 1)
    elif what == 12:
        world.ask(exchange.amend, account, number, world.now, ticks=centre + first % 13 - 6)
    elif what == 13:
        world.ask(exchange.cancel_all, account, world.now)
    elif what == 14:
        world.ask(exchange.set_leverage, account, symbol, first % 120)
    elif what == 15:
        world.ask(exchange.crowd_takes, symbol, sign, first % 120 + 1, None, world.now)
    elif what == 16:
        world.ask(exchange.quote, symbol, sign, centre - sign * (third % 7 - 1), first % 90, world.now)
    elif what == 17:
        jump = (centre * (third % 41 - 20)) // 100
        world.ask(exchange.set_price, symbol, Price.MARK, centre + jump, world.now)
    elif what == 18 and symbol != "SPOT":
        world.ask(exchange.settle_funding, symbol, third % 4_000_001 - 2_000_000, world.now)
    elif what == 19 and symbol != "SPOT":
        world.ask(exchange.hedge, account, symbol, hedged=bool(third % 2))
    elif what >= 20 and symbol != "SPOT":
        guard(world, what, account, symbol, first, third)
    return None


def guard(world: World, what: int, account: int, symbol: str, first: int, third: int) -> None:
    """Carry out what is about a position: guards of it, margin, and what the venue does to it."""
    exchange, centre = world.exchange, CENTRE[symbol]
    contract, side = exchange.contracts[symbol], 0
    if symbol in exchange.accounts[account].hedged:
        side = 1 if third % 2 else -1
    position = exchange.accounts[account].position(contract, side)
    sign = -1 if position.lots > 0 else 1
    if what == 20:
        trigger = Trigger(0, sign > 0, Price.LAST, trail=first % 9 + 1, begins=(0, centre)[third % 2])
        request = Request(symbol, sign, 0, None, Force.IOC, side, reduce_only=True, trigger=trigger, whole=True)
        world.ask(exchange.place, account, request, world.now)
    elif what == 21:
        trigger = Trigger(centre + first % 9 - 4, rises=bool(third % 3), by=Price.LAST)
        request = Request(symbol, sign, 0, None, Force.IOC, side, reduce_only=True, trigger=trigger, whole=True)
        world.ask(exchange.place, account, request, world.now)
    elif what == 22:
        waiting = [order for order in exchange.open_orders(account) if order.status is Status.UNTRIGGERED]
        number = waiting[first % len(waiting)].number if waiting else 1
        moved = Trigger(centre + third % 15 - 7, rises=bool(first % 2))
        world.ask(exchange.amend, account, number, world.now, trigger=moved)
    elif what == 23:
        world.ask(exchange.add_margin, account, position, (first % 2_000 - 500) * UNITS // 100)
    elif position.lots:
        share = max(1, abs(position.lots) * (first % 4 + 1) // 4)
        kind = ("adl", "delivery", "liquidation")[third % 3]
        world.ask(exchange.take_over, account, position, share, kind, world.now)


def look_at_margins(world: World) -> None:
    """Nobody holds what they cannot back."""
    exchange = world.exchange
    for account in exchange.accounts.values():
        for coin in ("USDT", "BTC"):
            held = [p for p in account.positions.values() if p.lots and p.contract.settle == coin]
            if account.isolated:
                for position in held:
                    mark = exchange.mark(position.contract)
                    assert position.backing + position.profit(mark) > position.maintenance(mark)
            elif held:
                equity, needed = totals(account, coin, exchange.mark)
                assert equity > needed


def look(world: World, before: dict[Any, int], placed: Any) -> None:
    """What holds after every command."""
    exchange = world.exchange
    assert not world.changed_by_refusal
    for symbol, book in exchange.books.items():
        assert not book.is_crossed, symbol
        for side in (book.bids, book.asks):
            assert list(side.prices()) == sorted(side.levels, reverse=side.sign > 0)
            for level in side.levels.values():
                assert level.lots == sum(entry.lots for entry in level.queue) > 0
                assert level.crowd == sum(entry.lots for entry in level.queue if entry.order_id == CROWD)
                for entry in level.queue:
                    if entry.order_id != CROWD:
                        order = exchange.orders[entry.order_id]
                        assert order.status in (Status.NEW, Status.PARTIALLY_FILLED)
                        assert entry.lots == order.left
    for account in exchange.accounts.values():
        for coin in ("USDT", "BTC"):
            owned = [order for order in exchange.open_orders(account.number) if binds(account, order)[0] == coin]
            assert account.bound.get(coin, 0) == sum(binds(account, order)[1] for order in owned)
            traded = spot_flow(world, account.number, coin)
            moved = account.wallet.get(coin, 0) - WALLET[coin]
            paid = account.fees.get(coin, 0) + account.funding.get(coin, 0)
            assert moved == account.realised.get(coin, 0) - paid + traded
    if placed is not None and placed.request.reduce_only and placed.request.trigger is None and placed.filled:
        key = placed.account, (placed.request.symbol, placed.request.side)
        # What it meets of its own account may undo it.
        assert abs(lots_of(world)[key]) < abs(before[key]) + (placed.request.self_trade is SelfTrade.NONE)
        assert lots_of(world)[key] * before[key] >= 0


def spot_flow(world: World, account: int, coin: str) -> int:
    total = 0
    for event in world.events:
        if isinstance(event, Executed) and event.account == account and event.symbol == "SPOT":
            total += (
                event.sign * SPOT.base_units(event.lots)
                if coin == "BTC"
                else -event.sign * SPOT.value(event.lots, event.ticks)
            )
    return total


def follow(world: World) -> None:
    """What the events tell as a whole."""
    status: dict[int, Status] = {}
    sides: dict[int, int] = {}
    sizes: dict[int, int] = {}
    fills: dict[int, list[Executed]] = {}
    for event in world.events:
        if isinstance(event, OrderChanged):
            was = status.get(event.order)
            if was is None:
                assert event.status in (Status.NEW, Status.UNTRIGGERED)
            elif was != event.status:
                assert event.status in TRANSITIONS[was], (was, event.status)
            status[event.order] = event.status
        elif isinstance(event, Executed) and event.kind == "trade":
            request = world.exchange.orders[event.order].request
            if request.force is Force.POST_ONLY:
                assert event.maker
            sides[event.trade] = sides.get(event.trade, 0) + event.sign * event.lots
            sizes[event.trade] = event.lots
            fills.setdefault(event.trade, []).append(event)
        elif isinstance(event, Traded) and event.trade in sizes:
            # One side may be the crowd's; two accounts give and take the same.
            assert sizes[event.trade] == event.lots
            assert abs(sides[event.trade]) in (0, event.lots)
    for pair in fills.values():
        if len(pair) > len({fill.account for fill in pair}):
            taker = next(fill for fill in pair if not fill.maker)
            assert world.exchange.orders[taker.order].request.self_trade is SelfTrade.NONE


def test_those_sequences_reach_every_refusal() -> None:
    import random

    seen: set[Why] = set()
    kinds: set[str] = set()
    reached: set[Status] = set()
    for seed in range(60):
        draw, world = random.Random(seed), World()
        for _ in range(120):
            positions = lots_of(world)
            placed = carry_out(world, *(draw.randrange(n) for n in (COMMANDS, 10**6, 10**6, 10**6)))
            look(world, positions, placed)
        follow(world)
        seen |= world.refused | {event.why for event in world.events if isinstance(event, OrderChanged) and event.why}
        kinds |= {event.kind for event in world.events if isinstance(event, Executed)}
        reached |= {event.status for event in world.events if isinstance(event, OrderChanged)}
    assert kinds == {"trade", "funding", "liquidation", "adl", "delivery"}
    assert reached == set(Status)
    elsewhere = {Why.TOO_LARGE, Why.BAD_PRICE, Why.LOW_VALUE, Why.RISK_LIMIT, Why.LIQUIDATION, Why.NO_TRIGGER}
    by_venue = {Why.POSITION_CLOSED, Why.BY_VENUE, Why.DELISTED, Why.DISCONNECTED, Why.RIVAL}
    assert set(Why) - seen <= elsewhere | by_venue


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_commands_give_the_same_events(seed: int) -> None:
    import random

    hashes = []
    for _ in range(2):
        draw, world = random.Random(seed), World()
        for _ in range(300):
            carry_out(world, *(draw.randrange(n) for n in (COMMANDS, 10**6, 10**6, 10**6)))
        hashes.append(world.exchange.log.hash)
    assert hashes[0] == hashes[1]


def test_first_come_first_served_among_accounts_and_crowd() -> None:
    world = World()
    exchange = world.exchange
    exchange.place(1, Request("LINEAR", 1, 10, 9_999), 1)
    exchange.place(2, Request("LINEAR", 1, 10, 9_999), 2)
    exchange.quote("LINEAR", 1, 9_999, 90, 3)
    # 40 of the crowd came first, then ten each, then 50 more of the crowd.
    assert exchange.crowd_takes("LINEAR", -1, 45, 9_999, 4) == 45
    assert [exchange.orders[n].filled for n in (1, 2)] == [5, 0]
    exchange.crowd_takes("LINEAR", -1, 10, 9_999, 5)
    assert [exchange.orders[n].filled for n in (1, 2)] == [10, 5]
    smaller = replace(exchange.orders[2].request, lots=8)
    exchange.amend(2, 2, 6, lots=8)
    assert exchange.orders[2].request == smaller
    exchange.crowd_takes("LINEAR", -1, 3, 9_999, 7)
    assert exchange.orders[2].status is Status.FILLED


def test_what_cannot_be_backed_is_liquidated_and_its_orders_are_canceled() -> None:
    world = World()
    exchange = world.exchange
    exchange.set_leverage(1, "LINEAR", 50)
    # 100,000 lots of 0.001 at 1,000: a position of 100,000 on 5,000.
    exchange.quote("LINEAR", -1, 10_001, 200_000, 1)
    exchange.place(1, Request("LINEAR", 1, 100_000), 2)
    resting = exchange.place(1, Request("LINEAR", 1, 10, 9_000), 3)
    exchange.set_price("LINEAR", Price.MARK, 9_600, 4)
    assert exchange.accounts[1].position(LINEAR).lots > 0
    exchange.set_price("LINEAR", Price.MARK, 9_550, 5)
    assert exchange.accounts[1].position(LINEAR).lots == 0
    assert (resting.status, resting.why) == (Status.CANCELLED, Why.LIQUIDATION)
    assert exchange.accounts[1].wallet["USDT"] >= 0
    assert "liquidation" in {event.kind for event in exchange.log.drain() if isinstance(event, Executed)}


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (Request("LINEAR", 1, 10**13, 10_000), Why.TOO_LARGE),
        (Request("LINEAR", 1, 5, -1), Why.BAD_PRICE),
        (Request("LINEAR", 1, 0, 10_000), Why.TOO_SMALL),
        (Request("LINEAR", 1, 10**10, 10_000), Why.RISK_LIMIT),
        (Request("LINEAR", 1, 5, 10_000, side=1), Why.BAD_SIDE),
        (Request("LINEAR", 1, 5, 10_000, trigger=Trigger(9_000, rises=True, by=Price.MARK)), Why.TRIGGER_SIDE),
        (Request("LINEAR", 1, 5, 10_000, reduce_only=True), Why.REDUCE_ONLY),
        (Request("SPOT", -1, 6_000, 10_000), Why.NO_FUNDS),
    ],
)
def test_what_cannot_be_an_order_is_refused(request_: Request, why: Why) -> None:
    world = World()
    with pytest.raises(Refused) as caught:
        world.exchange.place(1, request_, 1)
    assert caught.value.why is why


def test_an_order_below_the_least_value_is_refused() -> None:
    exchange = Exchange([replace(LINEAR, min_value=Decimal(5))])
    exchange.open_account(dict(WALLET))
    exchange.set_price("LINEAR", Price.MARK, 10_000, 0)
    with pytest.raises(Refused) as caught:
        exchange.place(1, Request("LINEAR", 1, 4, 10_000), 1)
    assert caught.value.why is Why.LOW_VALUE
    assert exchange.place(1, Request("LINEAR", 1, 5, 10_000), 2).status is Status.NEW
