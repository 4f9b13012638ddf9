"""Recorded trades and books are played as they were, and accounts meet them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from real_trade.data.book_import import import_book
from real_trade.data.trade_import import import_trades
from real_trade.exchange.core.events import Traded
from real_trade.exchange.core.orders import Request, Status
from real_trade.exchange.faults import FaultPlan
from real_trade.exchange.pages import History
from real_trade.exchange.replay import StoredMarket
from real_trade.exchange.shocks import Shocks
from real_trade.exchange.world import World
from real_trade.model import (
    BookChanges,
    Instrument,
    Interval,
    Klines,
    Market,
    SeriesKey,
    SeriesKind,
    Trades,
    parse_time,
)
from real_trade.storage import ParquetStore

if TYPE_CHECKING:
    from pathlib import Path

START = parse_time("2024-08-08T12:00:00Z")
MINUTE = 60_000
TRADES = SeriesKey("bybit", Market.LINEAR, "BTCUSDT", None, SeriesKind.TRADE)
BOOK = SeriesKey("bybit", Market.LINEAR, "BTCUSDT", None, SeriesKind.BOOK)
BARS = SeriesKey("bybit", Market.LINEAR, "BTCUSDT", Interval("1m"))
INSTRUMENT = Instrument(
    "bybit",
    "BTCUSDT",
    Market.LINEAR,
    "BTC",
    "USDT",
    "USDT",
    tick_size=Decimal("0.1"),
    quantity_step=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
    funding_interval_minutes=480,
)
# Of the recorded book: offset, number, whole, levels of (side, price, size).
SNAPSHOT = [(1, 60_000.0, 1.0), (1, 59_999.5, 2.0), (-1, 60_000.1, 1.5), (-1, 60_000.4, 3.0)]
CHANGES = [
    (1_000, 1, True, SNAPSHOT),
    (2_000, 2, False, [(1, 59_999.5, 0.0), (1, 59_999.7, 2.5)]),
    (MINUTE + 5_000, 3, False, [(-1, 60_000.1, 0.0), (1, 60_000.1, 0.4)]),
    (2 * MINUTE + 1_000, 4, False, [(1, 60_000.1, 0.7)]),
]


def trades_of(*rows: tuple[int, float, float, int]) -> Trades:
    offset, price, size, side = zip(*rows, strict=True)
    return Trades.of([START + each for each in offset], price, size, side)


RECORDED = trades_of(
    (500, 60_000.1, 0.2, 1),
    (1_500, 60_000.1, 0.5, 1),
    (1_500, 60_000.0, 0.3, -1),
    (30_000, 60_000.1, 0.1, 0),
    (MINUTE + 10_000, 60_000.1, 0.2, -1),
    (2 * MINUTE + 2_000, 60_000.4, 1.0, 1),
)


def book_changes() -> BookChanges:
    rows = [(START + at, update, whole, *level) for at, update, whole, levels in CHANGES for level in levels]
    types = (np.int64, np.int64, np.bool_, np.int8, np.float64, np.float64)
    return BookChanges(*(np.array(column, kind) for column, kind in zip(zip(*rows, strict=True), types, strict=True)))


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    made = ParquetStore(tmp_path / "store")
    made.write_instruments([INSTRUMENT])
    return made


def world_of(store: ParquetStore, start_ms: int = START, venue: str = "bybit") -> World:
    source = StoredMarket(store, venue)
    world = World(source, History(source, newest_first=True), start_ms)
    world.wake()
    return world


def heard(world: World) -> list[Traded]:
    found: list[Traded] = []
    world.listen(lambda events: found.extend(event for event in events if isinstance(event, Traded)))
    return found


def levels(world: World) -> list[tuple[int, float, float]]:
    """Return the book as side, price, size, best levels first."""
    bids, asks = world.exchange.books["linear/BTCUSDT"].depth(1_000)
    rows = [(1, *level) for level in bids] + [(-1, *level) for level in asks]
    return [(sign, round(ticks * 0.1, 1), round(lots * 0.001, 3)) for sign, ticks, lots in rows]


def test_trades_without_bars_make_the_bars_and_happen_as_recorded(store: ParquetStore) -> None:
    store.replace_trades(TRADES, RECORDED, START, START + 10 * MINUTE)
    world = world_of(store)
    table = world.listings[Market.LINEAR, "BTCUSDT"].table
    assert (table.time - START).tolist() == [0, MINUTE, 2 * MINUTE]
    assert table.trades.tolist()[0] > 0
    scale = 10**table.grid.volume
    assert (table.volume / scale).round(3).tolist() == [1.1, 0.2, 1.0]
    trades = heard(world)
    world.advance(START + 3 * MINUTE)
    assert [(e.time_ms - START, e.ticks, e.lots, e.sign) for e in trades] == [
        (500, 600_001, 200, 1),
        (1_500, 600_001, 500, 1),
        (1_500, 600_000, 300, -1),
        (30_000, 600_001, 100, 1),
        (MINUTE + 10_000, 600_001, 200, -1),
        (2 * MINUTE + 2_000, 600_004, 1_000, 1),
    ]


@pytest.mark.parametrize("agree", [True, False])
def test_recorded_trades_count_where_they_make_up_the_bar(store: ParquetStore, agree: bool) -> None:
    volume = 1.1 if agree else 1.2
    bars = Klines.of([START], [60_000.1], [60_000.1], [60_000.0], [60_000.1], [volume], [66_000.0])
    store.write_klines(BARS, bars)
    store.replace_trades(TRADES, RECORDED.take(slice(0, 4)), START, START + MINUTE)
    world = world_of(store)
    trades = heard(world)
    world.advance(START + 2 * MINUTE)
    assert (len(trades) == 4) == agree
    assert sum(trade.lots for trade in trades) == round(volume * 1_000)


def test_the_book_is_the_recorded_one(store: ParquetStore) -> None:
    store.replace_trades(TRADES, RECORDED.take(slice(0, 1)), START, START + 10 * MINUTE)
    store.replace_book(BOOK, book_changes(), START, START + 10 * MINUTE)
    world = world_of(store)
    listing = world.listings[Market.LINEAR, "BTCUSDT"]
    assert not listing.crowd.is_recorded
    assert len(levels(world)) == 2 * listing.crowd.levels
    world.advance(START + 1_000)
    assert levels(world) == SNAPSHOT
    world.advance(START + MINUTE)
    assert levels(world) == [(1, 60_000.0, 1.0), (1, 59_999.7, 2.5), *SNAPSHOT[2:]]
    world.advance(START + MINUTE + 5_000)
    assert levels(world) == [(1, 60_000.1, 0.4), (1, 60_000.0, 1.0), (1, 59_999.7, 2.5), (-1, 60_000.4, 3.0)]
    world.advance(START + 3 * MINUTE - 1)
    assert levels(world)[0] == (1, 60_000.1, 0.7)
    # Nothing was recorded any more: the crowd stands by itself again, around the last price.
    world.advance(START + 3 * MINUTE)
    assert not listing.crowd.is_recorded
    assert len(levels(world)) == 2 * listing.crowd.levels
    assert not world.exchange.books[listing.name].is_crossed


def test_who_comes_later_finds_the_book_of_that_time(store: ParquetStore) -> None:
    store.replace_trades(TRADES, RECORDED, START, START + 10 * MINUTE)
    store.replace_book(BOOK, book_changes(), START, START + 10 * MINUTE)
    world = world_of(store, START + MINUTE + 1_000)
    assert levels(world) == [(1, 60_000.0, 1.0), (1, 59_999.7, 2.5), *SNAPSHOT[2:]]


def test_trades_are_taken_from_the_book_and_accounts_meet_them_in_their_turn(store: ParquetStore) -> None:
    store.replace_trades(TRADES, RECORDED, START, START + 10 * MINUTE)
    store.replace_book(BOOK, book_changes(), START, START + 10 * MINUTE)
    world = world_of(store)
    account = world.open_account({"USDT": Decimal(10**6)}).number
    world.advance(START + 1_200)
    first, behind = (
        world.exchange.place(account, Request("linear/BTCUSDT", sign, 100, ticks), world.now_ms)
        for sign, ticks in ((-1, 600_000 + 3), (1, 600_000))
    )
    world.tell()
    # 0.5 of the 1.5 at the ask is taken; 0.3 of the 1.0 that stands before the bid is.
    world.advance(START + 1_500)
    assert (1, 60_000.0, 0.8) in levels(world)
    assert (-1, 60_000.1, 1.0) in levels(world)
    assert behind.left == 100
    # The recorded bid comes to 60,000.1: the offer at 60,000.3 waits for the trade at 60,000.4.
    world.advance(START + 2 * MINUTE + 1_500)
    assert first.left == 100
    world.advance(START + 2 * MINUTE + 2_000)
    assert first.status is Status.FILLED
    assert not world.exchange.books["linear/BTCUSDT"].is_crossed


def test_a_gap_in_between_ends_with_the_minute(store: ParquetStore) -> None:
    store.replace_trades(TRADES, RECORDED, START, START + 10 * MINUTE)
    store.replace_book(BOOK, book_changes(), START, START + 10 * MINUTE)
    world = world_of(store, START + 2_000)
    Shocks(world).happen(FaultPlan("price_gap", 1.0, -0.01))
    assert levels(world)[0][1] < 59_500
    world.advance(START + MINUTE)
    assert levels(world) == [(1, 60_000.0, 1.0), (1, 59_999.7, 2.5), *SNAPSHOT[2:]]


def test_a_real_recording_comes_back(real_data: Path, tmp_path: Path) -> None:
    """Six minutes of two markets: every recorded trade happens, and the book is never crossed."""
    store = ParquetStore(tmp_path / "store")
    for market, name in ((Market.LINEAR, "usdm"), (Market.SPOT, "spot")):
        files = real_data / f"ticks/binance_{name}_BTCUSDT_2024-08-08T2354_"
        key = SeriesKey("binance", market, "BTCUSDT", None, SeriesKind.TRADE)
        import_trades([f"{files}trades.parquet"], store, key)
        import_book([f"{files}depth.parquet"], store, SeriesKey("binance", market, "BTCUSDT", None, SeriesKind.BOOK))
    begin, end = parse_time("2024-08-08T23:58:00Z"), parse_time("2024-08-08T23:58:20Z")
    world = world_of(store, begin, "binance")
    trades = heard(world)
    for now in range(begin, end, 500):
        world.advance(now)
        assert not any(book.is_crossed for book in world.exchange.books.values())
    world.advance(end - 1)
    for (market, symbol), listing in world.listings.items():
        known = store.read_trades(SeriesKey("binance", market, symbol, None, SeriesKind.TRADE), begin, end)
        tick, step = float(listing.contract.tick), float(listing.contract.step)
        wanted = np.column_stack([known.timestamp, np.rint(known.price / tick), np.rint(known.size / step)])
        found = [(t.time_ms, t.ticks, t.lots) for t in trades if t.symbol == listing.name]
        totals: dict[tuple[int, int], int] = {}
        for time, ticks, lots in found:
            totals[time, ticks] = totals.get((time, ticks), 0) + lots
        expected: dict[tuple[int, int], int] = {}
        for time, ticks, lots in wanted.astype(int).tolist():
            expected[time, ticks] = expected.get((time, ticks), 0) + lots
        assert totals == expected
