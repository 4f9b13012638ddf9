"""What every `TimeSeriesStore` does: subclass `TimeSeriesContract` and supply an empty one as the fixture ``store``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from real_trade.model.errors import InputError
from real_trade.model.instrument import Instrument, Market
from real_trade.model.interval import DAY_MS, HOUR_MS, MINUTE_MS, Interval
from real_trade.model.series import (
    BOOK_COLUMNS,
    COLUMNS,
    TRADE_COLUMNS,
    BookChanges,
    FundingRates,
    Klines,
    SeriesKey,
    SeriesKind,
    Trades,
)
from real_trade.model.tiers import MarginTiers
from real_trade.storage.ports import SeriesInfo, Upsert

if TYPE_CHECKING:
    from real_trade.storage.ports import TimeSeriesStore

MINUTES = SeriesKey("bybit", Market.LINEAR, "BTCUSDT", Interval("1m"))
FUNDING = SeriesKey("bybit", Market.LINEAR, "BTCUSDT", None, SeriesKind.FUNDING)
TRADES = SeriesKey("bybit", Market.LINEAR, "BTCUSDT", None, SeriesKind.TRADE)
BOOK = SeriesKey("bybit", Market.LINEAR, "BTCUSDT", None, SeriesKind.BOOK)
# Twenty minutes before the turn of a year, so that short series cross a month and a year.
START_MS = 1_704_067_200_000 - 20 * MINUTE_MS


def make_klines(count: int, *, start_ms: int = START_MS, seed: int = 1, step_ms: int = MINUTE_MS) -> Klines:
    """Return so many bars in a row, all values drawn from a seed."""
    generator = np.random.default_rng(seed)
    stamps = start_ms + step_ms * np.arange(count, dtype=np.int64)
    floats = dict(zip(COLUMNS[1:7], generator.random((6, count)) * 1000, strict=True))
    return Klines.of(stamps, **floats, synthetic=generator.random(count) < 0.1)


def same_klines(left: Klines, right: Klines) -> bool:
    """Tell whether two series agree in every value; two NaN are equal."""
    return len(left) == len(right) and all(
        np.array_equal(getattr(left, name), getattr(right, name), equal_nan=name not in {"timestamp", "synthetic"})
        for name in COLUMNS
    )


def make_trades(count: int, *, start_ms: int = START_MS, seed: int = 1, step_ms: int = MINUTE_MS) -> Trades:
    """Return so many trades, about two a step; some fall on the same millisecond."""
    generator = np.random.default_rng(seed)
    stamps = start_ms + step_ms * np.sort(generator.integers(0, max(1, count // 2), count))
    price, size = generator.random((2, count)) * 1000
    return Trades.of(stamps, price, size, generator.integers(-1, 2, count))


def same_trades(left: Trades, right: Trades) -> bool:
    """Tell whether two series agree in every value and in their order."""
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in TRADE_COLUMNS)


def make_book(count: int, *, start_ms: int = START_MS, seed: int = 1) -> BookChanges:
    """Return so many rows of a book's changes, three an update; the first update is a whole book."""
    generator = np.random.default_rng(seed)
    update = np.arange(count, dtype=np.int64) // 3 + 1_000
    price, size = generator.random((2, count)) * 1000
    side = generator.choice(np.array([-1, 1], np.int8), count)
    return BookChanges(start_ms + (update - 1_000) * 100, update, update == 1_000, side, price, size)


class TimeSeriesContract:
    """Bars: idempotent by time, exact, in order; spans end before their end."""

    def test_unknown_series_is_empty(self, store: TimeSeriesStore) -> None:
        """What was never written reads as nothing, not as an error."""
        assert len(store.read_klines(MINUTES)) == 0
        assert len(store.read_funding(FUNDING)) == 0
        assert len(store.read_trades(TRADES)) == 0
        assert len(store.read_book(BOOK)) == 0
        assert list(store.covered(MINUTES)) == []
        assert list(store.list_series()) == []
        assert store.read_instrument("bybit", Market.LINEAR, "BTCUSDT") is None
        assert store.read_tiers("bybit", Market.LINEAR, "BTCUSDT") is None
        store.settle(MINUTES)

    def test_values_come_back_exactly(self, store: TimeSeriesStore) -> None:
        """Every column keeps every bit, across a month and a year."""
        klines = make_klines(60)
        assert store.write_klines(MINUTES, klines) == Upsert(inserted=60)
        assert same_klines(store.read_klines(MINUTES), klines)

    def test_extreme_numbers_come_back_exactly(self, store: TimeSeriesStore) -> None:
        """The smallest, the largest, fractions without an end and unknown values survive."""
        values = np.array([5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e-8, np.nan, 0.0])
        klines = Klines.of(make_klines(6).timestamp, *[np.roll(values, n) for n in range(6)])
        store.write_klines(MINUTES, klines)
        assert same_klines(store.read_klines(MINUTES), klines)

    def test_order_of_rows_does_not_matter(self, store: TimeSeriesStore) -> None:
        """Rows come in any order and are read ascending."""
        klines = make_klines(50)
        store.write_klines(MINUTES, klines.take(np.random.default_rng(3).permutation(50)))
        assert same_klines(store.read_klines(MINUTES), klines)

    def test_of_equal_times_the_last_stays(self, store: TimeSeriesStore) -> None:
        """Two rows of one time in one write are one row."""
        first, last = make_klines(1, seed=1), make_klines(1, seed=2)
        assert store.write_klines(MINUTES, Klines.concat([first, last])).inserted == 1
        assert same_klines(store.read_klines(MINUTES), last)

    def test_writing_again_changes_nothing(self, store: TimeSeriesStore) -> None:
        """The same rows, unknown values among them, count as unchanged."""
        klines = make_klines(40)
        klines.turnover[5] = np.nan
        store.write_klines(MINUTES, klines)
        assert store.write_klines(MINUTES, klines) == Upsert(unchanged=40)
        assert same_klines(store.read_klines(MINUTES), klines)

    def test_revised_rows_are_replaced_and_counted(self, store: TimeSeriesStore) -> None:
        """A row that differs in any one column replaces the stored one."""
        store.write_klines(MINUTES, make_klines(40))
        revised = make_klines(40)
        revised.close[7] += 1
        revised.synthetic[30] = ~revised.synthetic[30]
        revised.turnover[31] = np.nan
        assert store.write_klines(MINUTES, revised) == Upsert(unchanged=37, revised=3)
        assert same_klines(store.read_klines(MINUTES), revised)

    def test_rows_between_stored_ones_are_inserted(self, store: TimeSeriesStore) -> None:
        """A hole is filled without touching its surroundings."""
        klines = make_klines(40)
        hole = np.isin(np.arange(40), [0, 13, 14, 39])
        store.write_klines(MINUTES, klines.take(~hole))
        assert store.write_klines(MINUTES, klines.take(hole)) == Upsert(inserted=4)
        assert same_klines(store.read_klines(MINUTES), klines)

    def test_span_includes_its_start_and_excludes_its_end(self, store: TimeSeriesStore) -> None:
        """A span is ``[from, to)``, with either end open, and may be empty or lie outside."""
        klines = make_klines(40)
        store.write_klines(MINUTES, klines)
        third, ninth = int(klines.timestamp[3]), int(klines.timestamp[9])
        assert same_klines(store.read_klines(MINUTES, third, ninth), klines.take(slice(3, 9)))
        assert same_klines(store.read_klines(MINUTES, third), klines.take(slice(3, None)))
        assert same_klines(store.read_klines(MINUTES, None, ninth), klines.take(slice(9)))
        assert len(store.read_klines(MINUTES, third, third)) == 0
        assert len(store.read_klines(MINUTES, ninth, third)) == 0
        assert len(store.read_klines(MINUTES, START_MS + DAY_MS)) == 0

    def test_series_are_apart(self, store: TimeSeriesStore) -> None:
        """Venue, market, symbol, interval and kind each make another series."""
        keys = [
            MINUTES,
            SeriesKey("binance", Market.LINEAR, "BTCUSDT", Interval("1m")),
            SeriesKey("bybit", Market.SPOT, "BTCUSDT", Interval("1m")),
            SeriesKey("bybit", Market.LINEAR, "BTCUSDT-26DEC25", Interval("1m")),
            SeriesKey("bybit", Market.LINEAR, "BTCUSDT", Interval("1h")),
            SeriesKey("bybit", Market.LINEAR, "BTCUSDT", Interval("1M")),
            SeriesKey("bybit", Market.LINEAR, "BTCUSDT", Interval("1m"), SeriesKind.MARK),
            SeriesKey("bybit", Market.LINEAR, "BTCUSDT", Interval("1m"), SeriesKind.INDEX),
        ]
        for number, key in enumerate(keys):
            store.write_klines(key, make_klines(3 + number, seed=number))
        for number, key in enumerate(keys):
            assert same_klines(store.read_klines(key), make_klines(3 + number, seed=number))
        assert {str(info.key) for info in store.list_series()} == {str(key) for key in keys}

    def test_list_tells_rows_and_ends(self, store: TimeSeriesStore) -> None:
        """The list holds every series, ordered by name."""
        klines = make_klines(45)
        store.write_klines(MINUTES, klines)
        store.write_funding(FUNDING, FundingRates(klines.timestamp[:2], klines.open[:2]))
        ends = int(klines.timestamp[0]), int(klines.timestamp[-1])
        assert list(store.list_series()) == [
            SeriesInfo(FUNDING, 2, ends[0], ends[0] + MINUTE_MS),
            SeriesInfo(MINUTES, 45, *ends),
        ]

    def test_times_that_are_not_milliseconds_are_refused(self, store: TimeSeriesStore) -> None:
        """Seconds and microseconds are mistakes; nothing of such a write is stored."""
        for factor in (0.001, 1000.0):
            klines = make_klines(3)
            klines.timestamp[2] = int(klines.timestamp[2] * factor)
            with pytest.raises(InputError) as caught:
                store.write_klines(MINUTES, klines)
            assert caught.value.field == "timestamp"
        assert len(store.read_klines(MINUTES)) == 0

    def test_nothing_written_is_nothing_stored(self, store: TimeSeriesStore) -> None:
        """A write without rows is allowed."""
        assert store.write_klines(MINUTES, Klines.empty()) == Upsert()
        assert len(store.read_klines(MINUTES)) == 0

    def test_pages_settle_into_the_series(self, store: TimeSeriesStore) -> None:
        """Appended pages, in any order and overlapping, read like one write after settling."""
        klines = make_klines(90)
        outcome = Upsert()
        for lo, hi in ((60, 90), (0, 30), (30, 60), (25, 35)):
            page = klines.take(slice(lo, hi))
            span = START_MS + lo * MINUTE_MS, START_MS + hi * MINUTE_MS
            outcome += store.append_page(MINUTES, page, *span)
        assert outcome == Upsert(inserted=90, unchanged=10)
        store.settle(MINUTES)
        assert same_klines(store.read_klines(MINUTES), klines)
        assert list(store.covered(MINUTES)) == [(START_MS, START_MS + 90 * MINUTE_MS)]

    def test_coverage_merges_and_keeps_holes(self, store: TimeSeriesStore) -> None:
        """Spans are noted whether or not the venue had bars there, before and after settling."""
        hour = HOUR_MS
        store.append_page(MINUTES, Klines.empty(), START_MS, START_MS + hour)
        store.append_page(MINUTES, Klines.empty(), START_MS + 3 * hour, START_MS + 4 * hour)
        holes = [(START_MS, START_MS + hour), (START_MS + 3 * hour, START_MS + 4 * hour)]
        assert list(store.covered(MINUTES)) == holes
        store.settle(MINUTES)
        assert list(store.covered(MINUTES)) == holes
        store.append_page(MINUTES, make_klines(2), START_MS + hour, START_MS + 3 * hour)
        assert list(store.covered(MINUTES)) == [(START_MS, START_MS + 4 * hour)]

    def test_pages_tell_what_they_revised(self, store: TimeSeriesStore) -> None:
        """A page is compared with settled rows, with pending pages and with plain writes."""
        klines = make_klines(30)
        store.write_klines(MINUTES, klines.take(slice(10)))
        store.append_page(MINUTES, klines.take(slice(10, 20)), START_MS, START_MS + 20 * MINUTE_MS)
        revised = make_klines(30)
        revised.close[[3, 14]] += 1
        span = START_MS, START_MS + 30 * MINUTE_MS
        assert store.append_page(MINUTES, revised, *span) == Upsert(inserted=10, unchanged=18, revised=2)
        assert store.append_page(MINUTES, revised, *span) == Upsert(unchanged=30)
        store.settle(MINUTES)
        assert same_klines(store.read_klines(MINUTES), revised)
        assert store.append_page(MINUTES, klines, *span) == Upsert(unchanged=28, revised=2)

    def test_later_write_wins_over_earlier_page(self, store: TimeSeriesStore) -> None:
        """Settling does not bring back what a later write replaced."""
        old, new = make_klines(5, seed=1), make_klines(5, seed=2)
        store.append_page(MINUTES, old, START_MS, START_MS + 5 * MINUTE_MS)
        assert store.write_klines(MINUTES, new) == Upsert(revised=5)
        store.settle(MINUTES)
        assert same_klines(store.read_klines(MINUTES), new)

    def test_funding_is_idempotent_and_exact(self, store: TimeSeriesStore) -> None:
        """Settlements at odd milliseconds, across years, upsert by time."""
        stamps = START_MS + 8 * HOUR_MS * np.arange(-1500, 1500, dtype=np.int64) + 7
        rates = FundingRates(stamps, np.random.default_rng(5).normal(0, 1e-4, len(stamps)))
        assert store.write_funding(FUNDING, rates) == Upsert(inserted=3000)
        again = FundingRates(rates.timestamp, rates.rate.copy())
        again.rate[4] = -0.01
        assert store.write_funding(FUNDING, again) == Upsert(unchanged=2999, revised=1)
        read = store.read_funding(FUNDING)
        assert np.array_equal(read.timestamp, stamps)
        assert np.array_equal(read.rate, again.rate)
        part = store.read_funding(FUNDING, int(stamps[10]), int(stamps[20]))
        assert np.array_equal(part.rate, again.rate[10:20])

    def test_kinds_of_rows_do_not_mix(self, store: TimeSeriesStore) -> None:
        """A name takes rows of its own kind only."""
        for key in (FUNDING, TRADES, BOOK):
            with pytest.raises(InputError):
                store.write_klines(key, make_klines(1))
        for key in (MINUTES, TRADES):
            with pytest.raises(InputError):
                store.write_funding(key, FundingRates(make_klines(1).timestamp, np.zeros(1)))
        for key in (MINUTES, FUNDING, BOOK):
            with pytest.raises(InputError):
                store.replace_trades(key, make_trades(1), START_MS, START_MS + 1)
        with pytest.raises(InputError):
            store.replace_book(TRADES, make_book(1), START_MS, START_MS + 1)
        with pytest.raises(InputError):
            store.read_trades(MINUTES)

    def test_trades_come_back_exactly_and_in_order(self, store: TimeSeriesStore) -> None:
        """Every bit of every column, across a year, trades of one millisecond as they were given."""
        trades = make_trades(80)
        assert len(np.unique(trades.timestamp)) < 80
        assert store.replace_trades(TRADES, trades, START_MS, START_MS + HOUR_MS) == 0
        read = store.read_trades(TRADES)
        assert same_trades(read, trades)
        assert [getattr(read, name).dtype for name in TRADE_COLUMNS] == [np.int64, np.float64, np.float64, np.int8]

    def test_a_span_of_trades_includes_its_start_and_excludes_its_end(self, store: TimeSeriesStore) -> None:
        """A span is ``[from, to)`` and never divides trades of one millisecond."""
        trades = make_trades(80)
        store.replace_trades(TRADES, trades, START_MS, START_MS + HOUR_MS)
        third, ninth = START_MS + 3 * MINUTE_MS, START_MS + 9 * MINUTE_MS
        assert same_trades(store.read_trades(TRADES, third, ninth), trades.between(third, ninth))
        assert same_trades(store.read_trades(TRADES, third), trades.between(third, START_MS + DAY_MS))
        assert same_trades(store.read_trades(TRADES, None, ninth), trades.between(0, ninth))
        assert len(store.read_trades(TRADES, ninth, third)) == 0

    def test_replacing_trades_with_the_same_changes_nothing(self, store: TimeSeriesStore) -> None:
        """An archive that is imported again gives the same series, with no trade twice."""
        trades = make_trades(80)
        store.replace_trades(TRADES, trades, START_MS, START_MS + HOUR_MS)
        assert store.replace_trades(TRADES, trades, START_MS, START_MS + HOUR_MS) == 80
        assert same_trades(store.read_trades(TRADES), trades)

    def test_only_the_span_is_replaced(self, store: TimeSeriesStore) -> None:
        """Trades before and after it stay, whatever is put between them: more, fewer or none."""
        old, new = make_trades(120, seed=1), make_trades(300, seed=2, step_ms=1000)
        store.replace_trades(TRADES, old, START_MS, START_MS + HOUR_MS)
        from_ms, to_ms = START_MS + 5 * MINUTE_MS, START_MS + 30 * MINUTE_MS
        for change in (new.take(slice(0)), new, new.take(slice(7)), new.take(slice(0))):
            shifted = Trades(change.timestamp + 6 * MINUTE_MS, change.price, change.size, change.side)
            had = len(store.read_trades(TRADES, from_ms, to_ms))
            assert store.replace_trades(TRADES, shifted, from_ms, to_ms) == had
            assert same_trades(store.read_trades(TRADES, from_ms, to_ms), shifted)
            assert same_trades(store.read_trades(TRADES, None, from_ms), old.between(0, from_ms))
            assert same_trades(store.read_trades(TRADES, to_ms), old.between(to_ms, START_MS + DAY_MS))
        assert store.replace_trades(TRADES, Trades.empty(), 0, START_MS + DAY_MS) > 0
        assert list(store.list_series()) == []

    def test_a_book_comes_back_exactly_and_by_span(self, store: TimeSeriesStore) -> None:
        """Every bit of every column, in the order given; a span that is replaced takes what was there."""
        book = make_book(90)
        assert store.replace_book(BOOK, book, START_MS, START_MS + HOUR_MS) == 0
        read = store.read_book(BOOK)
        for name in BOOK_COLUMNS:
            found, wanted = getattr(read, name), getattr(book, name)
            assert found.dtype == wanted.dtype
            assert np.array_equal(found, wanted)
        from_ms, to_ms = START_MS + 1_000, START_MS + 2_000
        part = store.read_book(BOOK, from_ms, to_ms)
        assert np.array_equal(part.update, book.update[(book.timestamp >= from_ms) & (book.timestamp < to_ms)])
        assert store.replace_book(BOOK, BookChanges.empty(), from_ms, to_ms) == len(part) == 30
        assert len(store.read_book(BOOK)) == 60
        assert [info.key for info in store.list_series()] == [BOOK]

    def test_trades_out_of_order_or_outside_their_span_are_refused(self, store: TimeSeriesStore) -> None:
        """Nothing of such a write is stored."""
        trades, end_ms = make_trades(20), START_MS + HOUR_MS
        first, last = int(trades.timestamp[0]), int(trades.timestamp[-1])
        wrong = [(trades.take(slice(None, None, -1)), START_MS, end_ms), (trades, first + 1, end_ms)]
        wrong += [(trades, START_MS, last), (trades.take(slice(0)), end_ms, START_MS)]
        wrong += [(Trades.of(trades.timestamp // 1000, *[trades.price] * 2), 0, end_ms)]
        for rows, from_ms, to_ms in wrong:
            with pytest.raises(InputError) as caught:
                store.replace_trades(TRADES, rows, from_ms, to_ms)
            assert caught.value.field in {"timestamp", "to_ms"}
        assert len(store.read_trades(TRADES)) == 0

    def test_the_list_holds_trades(self, store: TimeSeriesStore) -> None:
        """A series of trades is listed beside the bars, without an interval."""
        trades = make_trades(45)
        store.write_klines(MINUTES, make_klines(3))
        store.replace_trades(TRADES, trades, START_MS, START_MS + HOUR_MS)
        info = SeriesInfo(TRADES, 45, int(trades.timestamp[0]), int(trades.timestamp[-1]))
        assert list(store.list_series()) == [SeriesInfo(MINUTES, 3, START_MS, START_MS + 2 * MINUTE_MS), info]

    def test_instruments_keep_exact_amounts(self, store: TimeSeriesStore) -> None:
        """Facts come back digit for digit; a later write replaces an earlier one, others stay."""
        bitcoin = _instrument("BTCUSDT", tick_size="0.10")
        ether = _instrument("ETHUSDT", tick_size="0.00000001", inferred=True)
        store.write_instruments([bitcoin, ether])
        store.write_instruments([_instrument("BTCUSDT", tick_size="0.50")])
        found = store.read_instrument("bybit", Market.LINEAR, "ETHUSDT")
        assert found == ether
        assert found is not None
        assert found.inferred
        assert str(found.tick_size) == str(ether.tick_size)
        replaced = store.read_instrument("bybit", Market.LINEAR, "BTCUSDT")
        assert replaced is not None
        assert str(replaced.tick_size) == "0.50"
        assert store.read_instrument("bybit", Market.SPOT, "BTCUSDT") is None
        assert store.read_instrument("binance", Market.LINEAR, "BTCUSDT") is None

    def test_tiers_keep_exact_amounts(self, store: TimeSeriesStore) -> None:
        """Tiers come back digit for digit; a later write replaces an earlier one, others stay."""
        thin, fine = _tiers("0.010", as_of="2024-01-01"), _tiers("0.0123456", as_of="2024-02-01")
        store.write_tiers("bybit", Market.LINEAR, "BTCUSDT", thin)
        store.write_tiers("bybit", Market.LINEAR, "ETHUSDT", thin)
        store.write_tiers("bybit", Market.INVERSE, "BTCUSDT", thin)
        store.write_tiers("bybit", Market.LINEAR, "BTCUSDT", fine)
        assert store.read_tiers("bybit", Market.LINEAR, "BTCUSDT") == fine
        found = store.read_tiers("bybit", Market.LINEAR, "ETHUSDT")
        assert found == thin
        assert found is not None
        assert str(found.tiers[0].rate) == "0.010"
        assert store.read_tiers("bybit", Market.SPOT, "BTCUSDT") is None
        assert store.read_tiers("binance", Market.LINEAR, "BTCUSDT") is None
        assert store.read_instrument("bybit", Market.LINEAR, "BTCUSDT") is None


def _tiers(rate: str, *, as_of: str) -> MarginTiers:
    rows = [("2000000", rate, "57.14"), ("4000000.5", "0.02", "25")]
    parsed = [(Decimal(cap), Decimal(part), Decimal(leverage)) for cap, part, leverage in rows]
    return MarginTiers.of(parsed, as_of=as_of, source="the venue")


def _instrument(symbol: str, *, tick_size: str, inferred: bool = False) -> Instrument:
    return Instrument(
        venue="bybit",
        symbol=symbol,
        market=Market.LINEAR,
        base=symbol[:3],
        quote="USDT",
        settle="USDT",
        tick_size=Decimal(tick_size),
        quantity_step=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        funding_interval_minutes=480,
        taker_fee=Decimal("0.00055"),
        inferred=inferred,
    )
