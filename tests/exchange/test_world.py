"""The market going on: bars come back from trades, accounts leave their mark, a seed decides all that happens."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from real_trade.exchange.core.events import Executed
from real_trade.exchange.core.orders import Price, Request, Status
from real_trade.exchange.market import SeededMarket
from real_trade.exchange.pages import History
from real_trade.exchange.world import BarClosed, World, row_of
from real_trade.model import Interval, Market, SeriesKind, parse_time

if TYPE_CHECKING:
    from real_trade.exchange.core.events import Event
    from real_trade.exchange.source import MarketSource

SYMBOLS = ("BTCUSDT", "BTCUSD")
MARKETS = [(Market.SPOT, "BTCUSDT"), (Market.LINEAR, "BTCUSDT"), (Market.INVERSE, "BTCUSD")]
START = parse_time("2024-01-20T07:30:00Z")
MINUTE, HOUR = 60_000, 3_600_000
PRICES = ("open", "high", "low", "close", "volume")


def world_of(source: MarketSource | None = None, start_ms: int = START, seed: int = 5) -> tuple[World, History]:
    source = source or SeededMarket(seed, "bybit", SYMBOLS, parse_time("2024-01-19"), parse_time("2024-01-21"))
    history = History(source, newest_first=True)
    world = World(source, history, start_ms, seed)
    world.wake()
    return world, history


def closed_bars(world: World) -> list[BarClosed]:
    found: list[BarClosed] = []
    world.listen(lambda events: found.extend(event for event in events if isinstance(event, BarClosed)))
    return found


@pytest.mark.parametrize(("market", "symbol"), MARKETS)
def test_the_bars_that_happen_are_those_of_the_source(market: Market, symbol: str) -> None:
    world, history = world_of()
    closed = closed_bars(world)
    world.advance(START + HOUR)
    listing = world.listings[market, symbol]
    table = history.table(listing.instrument, SeriesKind.KLINE)
    bars = [event for event in closed if event.symbol == listing.name]
    assert len(bars) == 60
    for event in bars:
        row = int(np.searchsorted(table.time, event.time_ms - MINUTE))
        made = row_of(listing, event.candle)
        assert {name: made[name] for name in PRICES} == {name: int(getattr(table, name)[row]) for name in PRICES}


def test_the_bar_that_is_open_grows_into_the_one_that_is_finished() -> None:
    world, history = world_of()
    listing = world.listings[Market.LINEAR, "BTCUSDT"]
    seen = []
    for second in range(5, 60, 5):
        world.advance(START + second * 1_000)
        bar = history.open_bar(listing.instrument, SeriesKind.KLINE, Interval("5m"), world.now_ms)
        assert bar is not None
        seen.append((int(bar.high[0]), -int(bar.low[0]), int(bar.volume[0])))
    assert seen == sorted(seen)
    assert all(before[2] <= after[2] for before, after in pairwise(seen))


def test_an_account_leaves_its_mark_on_the_minute_it_trades_in_and_on_no_other() -> None:
    world, history = world_of()
    account = world.open_account({"USDT": Decimal(10**9)}).number
    listing = world.listings[Market.LINEAR, "BTCUSDT"]
    before = {
        name: getattr(history.table(listing.instrument, SeriesKind.KLINE), name).copy() for name in ("time", *PRICES)
    }
    world.advance(START + 90_000)
    world.exchange.place(account, Request(listing.name, 1, 2_000), world.now_ms)
    world.tell()
    world.advance(START + 5 * MINUTE)
    after = history.table(listing.instrument, SeriesKind.KLINE)
    differs = {name: np.flatnonzero(getattr(after, name) != before[name]) for name in ("time", *PRICES)}
    row = int(np.searchsorted(after.time, START + MINUTE))
    assert {int(i) for rows in differs.values() for i in rows} == {row}
    assert int(after.volume[row]) == int(before["volume"][row]) + 2_000
    assert int(after.high[row]) >= int(before["high"][row])


def test_funding_is_paid_at_its_times_at_the_sources_rate() -> None:
    world, history = world_of()
    account = world.open_account({"USDT": Decimal(10**6)}).number
    listing = world.listings[Market.LINEAR, "BTCUSDT"]
    paid: list[Executed] = []

    def hear(events: list[Event | BarClosed]) -> None:
        paid.extend(event for event in events if isinstance(event, Executed) and event.kind == "funding")

    world.listen(hear)
    world.exchange.place(account, Request(listing.name, 1, 100), world.now_ms)
    world.tell()
    world.advance(START + HOUR)
    (event,) = paid
    assert event.time_ms == parse_time("2024-01-20T08:00:00Z")
    rates = history.funding(listing.instrument)
    rate = float(rates.rate[int(np.searchsorted(rates.timestamp, event.time_ms))])
    value = listing.contract.value(100, event.ticks)
    assert event.fee == pytest.approx(value * rate, abs=1)


def test_another_interval_of_funding_shares_its_rate_out() -> None:
    world, _ = world_of()
    account = world.open_account({"USDT": Decimal(10**6)}).number
    listing = world.listings[Market.LINEAR, "BTCUSDT"]
    world.exchange.place(account, Request(listing.name, 1, 100), world.now_ms)
    world.tell()
    usual = world.next_funding(listing, world.now_ms)
    listing.instrument = type(listing.instrument)(
        **{name: getattr(listing.instrument, name) for name in listing.instrument.__slots__}
        | {"funding_interval_minutes": 60}
    )
    world.reschedule_funding(listing)
    changed = world.next_funding(listing, world.now_ms)
    assert usual is not None
    assert changed is not None
    assert changed[0] == parse_time("2024-01-20T08:00:00Z")
    assert changed[1] == pytest.approx(usual[1] / 8, abs=1e-8)
    before = world.exchange.accounts[account].funding.get("USDT", 0)
    world.advance(START + HOUR)
    assert world.exchange.accounts[account].funding["USDT"] != before
    assert len([at for at, _, _ in world._agenda if at == parse_time("2024-01-20T09:00:00Z")]) == 1


def test_a_resting_order_is_met_in_its_turn_and_triggers_go_off() -> None:
    world, _ = world_of()
    account = world.open_account({"USDT": Decimal(10**6)}).number
    listing = world.listings[Market.LINEAR, "BTCUSDT"]
    last = world.exchange.prices[listing.name, Price.LAST]
    orders = [
        world.exchange.place(account, Request(listing.name, sign, 5, last - sign * away), world.now_ms)
        for sign in (1, -1)
        for away in (30, 90)
    ]
    world.tell()
    world.advance(START + HOUR)
    assert any(order.status is Status.FILLED for order in orders)
    assert not world.exchange.books[listing.name].is_crossed


def test_a_world_that_nobody_looked_at_has_not_begun() -> None:
    source = SeededMarket(5, "bybit", SYMBOLS, parse_time("2024-01-19"), parse_time("2024-01-21"))
    world = World(source, History(source, newest_first=True), START, 5)
    world.advance(START + HOUR)
    assert (world.now_ms, world.listings) == (START + HOUR, {})
    world.wake()
    assert world.listings
    assert world.exchange.log.events == []


SCRIPT = """
import sys; sys.path.insert(0, sys.argv[1])
from contextlib import suppress
from real_trade.exchange.core.orders import Refused
from test_world import *
world, _ = world_of(seed=int(sys.argv[2]))
account = world.open_account({"USDT": Decimal(10**6), "BTC": Decimal(3)}).number
for step in range(40):
    world.advance(START + step * 7_000)
    for (market, symbol) in MARKETS:
        name = f"{market}/{symbol}"
        last = world.exchange.prices[name, Price.LAST]
        with suppress(Refused):
            request = Request(name, 1 if step % 3 else -1, 500, last - 20 * (step % 5))
            world.exchange.place(account, request, world.now_ms)
    world.tell()
assert len(world.exchange.orders) > 40
print(world.exchange.log.hash)
"""


def test_the_same_seed_and_commands_give_the_same_events_in_another_process() -> None:
    def run(hash_seed: str, seed: str) -> str:
        command = [sys.executable, "-c", SCRIPT, os.path.dirname(__file__), seed]  # noqa: PTH120
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    first, again, other = run("1", "5"), run("2", "5"), run("1", "6")
    assert first == again
    assert len(first.strip()) == 64
    assert first != other
