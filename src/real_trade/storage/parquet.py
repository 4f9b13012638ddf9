"""The embedded time-series store: Parquet files under one folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from real_trade.model.errors import InputError
from real_trade.model.series import (
    BOOK_COLUMNS,
    COLUMNS,
    TRADE_COLUMNS,
    BookChanges,
    FundingRates,
    Klines,
    SeriesKey,
    Trades,
)
from real_trade.storage.appender import Appender
from real_trade.storage.coverage import merge_spans, read_coverage
from real_trade.storage.files import remove_leftovers, writing
from real_trade.storage.instruments import find_instrument, instruments_folder, update_instruments
from real_trade.storage.journal import Page, merged_rows, read_journal
from real_trade.storage.layout import series_folder, shape_of, stored_series
from real_trade.storage.lock import WriterLock
from real_trade.storage.ports import SeriesInfo, Upsert
from real_trade.storage.rows import (
    BOOK_SHAPE,
    FUNDING_SHAPE,
    KLINE_SHAPE,
    TRADE_SHAPE,
    Rows,
    ascending,
    between,
    upsert,
)
from real_trade.storage.series import open_periods, period_names, read_rows, upsert_rows
from real_trade.storage.spans import checked_events, replace_span
from real_trade.storage.tiers import find_tiers, tiers_path, update_tiers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from real_trade.model.instrument import Instrument, Market
    from real_trade.model.tiers import MarginTiers
    from real_trade.storage.rows import Shape


class ParquetStore:
    """Bars by month, funding rates by year, trades and books by day, as `TimeSeriesStore` describes.

    Any number of processes may read and write at once. Writers of one series take turns; readers take no lock and
    see each file whole, and months in the order in which they were written. A store is cheap to make; it holds
    no open file between calls. Nothing is created before the first write.

    Args:
        root: data directory.
        lock_wait_s: longest wait for another writer of the same series, in seconds.
    """

    def __init__(self, root: Path, *, lock_wait_s: float = 60.0) -> None:
        self.root = root
        self._lock_wait_s = lock_wait_s
        self._identity = uuid4().hex
        self._appenders: dict[SeriesKey, Appender] = {}

    def write_klines(self, key: SeriesKey, klines: Klines) -> Upsert:
        """Insert or replace bars by opening time; durable when it returns. Rows may come in any order.

        Raises:
            InputError: a timestamp is not in milliseconds, or columns differ in length.
            StorageError: the store failed; what was stored is unchanged.
        """
        folder = self._folder(key, KLINE_SHAPE)
        rows = ascending(_klines_to_rows(klines), KLINE_SHAPE)
        if not len(rows["timestamp"]):
            return Upsert()
        with self._lock(folder):
            # Pages that came before these rows must not be settled over them later.
            self._appender(key, folder).settle()
            return upsert_rows(folder, KLINE_SHAPE, rows)

    def append_page(self, key: SeriesKey, klines: Klines, from_ms: int, to_ms: int) -> Upsert:
        """Take one downloaded page and remember that ``[from_ms, to_ms)`` was fetched; readers see it at once.

        Survives the death of the process, not the loss of power: then the page is missing from `covered` too.

        Raises:
            InputError: a timestamp is not in milliseconds, or columns differ in length.
            StorageError: the store failed; what was stored is unchanged.
        """
        folder = self._folder(key, KLINE_SHAPE)
        page = Page(from_ms, to_ms, ascending(_klines_to_rows(klines), KLINE_SHAPE))
        with self._lock(folder) as lock:
            appender = self._appender(key, folder)
            if not lock.undisturbed:
                appender.forget()
            return appender.append(page)

    def settle(self, key: SeriesKey) -> None:
        """Move appended pages into month files, durably.

        Raises:
            StorageError: the store failed; the pages are still there.
        """
        folder = self._folder(key, KLINE_SHAPE)
        if folder.is_dir():
            with self._lock(folder):
                self._appender(key, folder).settle()

    def covered(self, key: SeriesKey) -> list[tuple[int, int]]:
        """Return the spans ``[from, to)`` that were fetched through `append_page`, merged and ascending.

        Raises:
            StorageError: the store cannot be read.
        """
        folder = self._folder(key, KLINE_SHAPE)
        # The journal first: settling notes its spans before dropping it.
        pages, _ = read_journal(folder)
        return merge_spans([(page.from_ms, page.to_ms) for page in pages] + read_coverage(folder))

    def read_klines(
        self,
        key: SeriesKey,
        from_ms: int | None = None,
        to_ms: int | None = None,
        *,
        columns: Sequence[str] | None = None,
    ) -> Klines:
        """Return stored bars with ``from_ms <= timestamp < to_ms``, ascending; empty where there are none.

        Args:
            key: the series.
            from_ms: first opening time wanted, ms UTC; None for the first stored.
            to_ms: end of the span, exclusive; None for all that follows.
            columns: columns to read besides ``timestamp``; None reads all. The others are NaN (``synthetic``: false)
                and take no memory: they are read-only arrays that repeat one value.

        Raises:
            InputError: no such column.
            StorageError: a file is damaged.
        """
        folder = self._folder(key, KLINE_SHAPE)
        wanted = _wanted_columns(columns)
        # The journal first: settling puts its rows in place before dropping it.
        pending = merged_rows(read_journal(folder)[0])
        rows = read_rows(folder, KLINE_SHAPE, from_ms, to_ms, wanted)
        if pending is not None:
            newer = between({name: pending[name] for name in wanted}, from_ms, to_ms)
            rows = upsert(rows, newer)[1] or rows
        return _rows_to_klines(rows)

    def write_funding(self, key: SeriesKey, rates: FundingRates) -> Upsert:
        """Insert or replace settlements by time; durable when it returns.

        Raises:
            InputError: a timestamp is not in milliseconds, or columns differ in length.
            StorageError: the store failed; what was stored is unchanged.
        """
        folder = self._folder(key, FUNDING_SHAPE)
        rows = ascending({"timestamp": rates.timestamp, "rate": rates.rate}, FUNDING_SHAPE)
        if not len(rows["timestamp"]):
            return Upsert()
        with self._lock(folder):
            with writing(folder):
                remove_leftovers(folder)
            return upsert_rows(folder, FUNDING_SHAPE, rows)

    def read_funding(self, key: SeriesKey, from_ms: int | None = None, to_ms: int | None = None) -> FundingRates:
        """Return settlements with ``from_ms <= timestamp < to_ms``, ascending.

        Raises:
            StorageError: a file is damaged.
        """
        rows = read_rows(self._folder(key, FUNDING_SHAPE), FUNDING_SHAPE, from_ms, to_ms)
        return FundingRates(rows["timestamp"], rows["rate"])

    def replace_trades(self, key: SeriesKey, trades: Trades, from_ms: int, to_ms: int) -> int:
        """Put trades in the place of all that is stored of ``[from_ms, to_ms)``; durable when it returns.

        Each UTC day is a file, which is replaced as a whole; a day that would not change is not written.

        Returns:
            How many stored trades of the span gave way, whether or not they are among the new ones.

        Raises:
            InputError: the trades do not ascend, or one lies outside the span or is not in milliseconds.
            StorageError: the store failed; each day is as it was or as it should be.
        """
        rows = {name: getattr(trades, name) for name in TRADE_COLUMNS}
        return self._replace(key, TRADE_SHAPE, rows, from_ms, to_ms)

    def read_trades(self, key: SeriesKey, from_ms: int | None = None, to_ms: int | None = None) -> Trades:
        """Return trades with ``from_ms <= timestamp < to_ms`` in the order in which they happened.

        Raises:
            StorageError: a file is damaged.
        """
        rows = read_rows(self._folder(key, TRADE_SHAPE), TRADE_SHAPE, from_ms, to_ms)
        return Trades(*(rows[name] for name in TRADE_COLUMNS))

    def replace_book(self, key: SeriesKey, changes: BookChanges, from_ms: int, to_ms: int) -> int:
        """Put changes of a book in the place of all that is stored of ``[from_ms, to_ms)``, as `replace_trades` does.

        Returns:
            How many stored rows of the span gave way.

        Raises:
            InputError: the changes do not ascend, or one lies outside the span or is not in milliseconds.
            StorageError: the store failed; each day is as it was or as it should be.
        """
        rows = {name: getattr(changes, name) for name in BOOK_COLUMNS}
        return self._replace(key, BOOK_SHAPE, rows, from_ms, to_ms)

    def read_book(self, key: SeriesKey, from_ms: int | None = None, to_ms: int | None = None) -> BookChanges:
        """Return changes of a book with ``from_ms <= timestamp < to_ms`` in the order in which they happened.

        Raises:
            StorageError: a file is damaged.
        """
        rows = read_rows(self._folder(key, BOOK_SHAPE), BOOK_SHAPE, from_ms, to_ms)
        return BookChanges(*(rows[name] for name in BOOK_COLUMNS))

    def series_info(self, key: SeriesKey) -> SeriesInfo | None:
        """Return what is stored of one series, or None; a settled series costs its files' footers only.

        Raises:
            StorageError: a file is damaged.
        """
        return self._info(key, self._folder(key, shape_of(key.kind)))

    def list_series(self) -> list[SeriesInfo]:
        """Return every stored series, ordered by name; settled series cost their files' footers only.

        Raises:
            StorageError: a file is damaged.
        """
        found = [self._info(key, folder) for key, folder in stored_series(self.root)]
        return sorted((info for info in found if info is not None), key=lambda info: str(info.key))

    def write_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Keep instrument facts; a later write of the same instrument replaces the earlier one.

        Raises:
            StorageError: a file is damaged or cannot be written.
        """
        for venue in sorted({instrument.venue for instrument in instruments}):
            folder = instruments_folder(self.root, venue)
            with self._lock(folder):
                with writing(folder):
                    remove_leftovers(folder)
                update_instruments(folder, [i for i in instruments if i.venue == venue])

    def read_instrument(self, venue: str, market: Market, symbol: str) -> Instrument | None:
        """Return one instrument, or None if the store has not seen it.

        Raises:
            StorageError: the file is damaged.
        """
        return find_instrument(instruments_folder(self.root, venue), market, symbol)

    def write_tiers(self, venue: str, market: Market, symbol: str, tiers: MarginTiers) -> None:
        """Keep the margin tiers of an instrument; a later write of the same instrument's replaces the earlier one.

        Raises:
            StorageError: a file is damaged or cannot be written.
        """
        folder = instruments_folder(self.root, venue)
        with self._lock(folder):
            with writing(folder):
                remove_leftovers(folder)
            update_tiers(tiers_path(folder, market), symbol, tiers)

    def read_tiers(self, venue: str, market: Market, symbol: str) -> MarginTiers | None:
        """Return the margin tiers of an instrument, or None if the store has not seen them.

        Raises:
            StorageError: the file is damaged.
        """
        return find_tiers(tiers_path(instruments_folder(self.root, venue), market), symbol)

    def _replace(self, key: SeriesKey, shape: Shape, events: Rows, from_ms: int, to_ms: int) -> int:
        folder = self._folder(key, shape)
        rows = checked_events(events, shape, from_ms, to_ms)
        if not len(rows["timestamp"]) and not folder.is_dir():
            return 0
        with self._lock(folder):
            with writing(folder):
                remove_leftovers(folder)
            return replace_span(folder, rows, shape, from_ms, to_ms)

    def _lock(self, folder: Path) -> WriterLock:
        return WriterLock(folder, f"{os.getpid()}-{self._identity}", self._lock_wait_s)

    def _appender(self, key: SeriesKey, folder: Path) -> Appender:
        return self._appenders.setdefault(key, Appender(folder))

    def _folder(self, key: SeriesKey, shape: Shape) -> Path:
        if shape_of(key.kind) is not shape:
            raise InputError(
                f"{key} is a {key.kind} series.",
                field="kind",
                value=str(key.kind),
                fix="Bars, funding rates, trades and books have separate methods.",
            )
        return series_folder(self.root, key)

    def _info(self, key: SeriesKey, folder: Path) -> SeriesInfo | None:
        if key.kind.is_bars and merged_rows(read_journal(folder)[0]) is not None:
            # Rows still in the journal may or may not be in a month already.
            stamps = self.read_klines(key, columns=()).timestamp
            return SeriesInfo(key, len(stamps), int(stamps[0]), int(stamps[-1]))
        shape = shape_of(key.kind)
        parts = open_periods(folder, shape, names=period_names(folder, shape))
        if not parts:
            return None
        return SeriesInfo(key, sum(part.rows for part in parts), parts[0].first_ms, parts[-1].last_ms)


def _klines_to_rows(klines: Klines) -> Rows:
    return {name: getattr(klines, name) for name in COLUMNS}


def _rows_to_klines(rows: Rows) -> Klines:
    size = len(rows["timestamp"])
    unread = np.broadcast_to(np.float64("nan"), size)
    flags = np.broadcast_to(np.False_, size)
    return Klines(*(rows.get(name, flags if name == "synthetic" else unread) for name in COLUMNS))


def _wanted_columns(columns: Sequence[str] | None) -> tuple[str, ...]:
    if columns is None:
        return COLUMNS
    unknown = next((name for name in columns if name not in COLUMNS), None)
    if unknown is not None:
        raise InputError(
            f"Bars have no column {unknown!r}.", field="columns", value=unknown, fix=f"Use {', '.join(COLUMNS)}."
        )
    return tuple(name for name in COLUMNS if name == "timestamp" or name in columns)
