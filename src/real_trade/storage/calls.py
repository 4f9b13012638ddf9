"""The store in six coroutines; each does its file work in a thread and can be awaited from any event loop.

What identifies the data comes first; where it lies (``data_dir``) and which instrument is meant (``venue``,
``market``) are keywords with defaults. Times are ISO 8601 with a zone, a date (midnight UTC), aware datetimes or
integer milliseconds; starts are inclusive, ends exclusive.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from real_trade.model.clock import parse_time
from real_trade.model.instrument import Market
from real_trade.model.interval import Interval
from real_trade.model.series import Klines, SeriesKey
from real_trade.storage.frames import klines_to_frame, split_by_series, trades_to_frame
from real_trade.storage.location import RECORDS_NAME, default_data_dir
from real_trade.storage.parquet import ParquetStore
from real_trade.storage.ports import Upsert

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from real_trade.storage.sql import SqlStore

    Time = str | int | datetime
    Folder = str | os.PathLike[str]


def open_store(data_dir: Folder | None = None) -> ParquetStore:
    """Return the time-series store in a data directory; None means the default one."""
    return ParquetStore(_folder(data_dir))


def open_records(data_dir: Folder | None = None) -> SqlStore:
    """Return the relational store in a data directory, created if absent; None means the default one.

    Raises:
        StorageError: it cannot be opened.
    """
    from sqlalchemy.engine import URL

    from real_trade.storage.sql import SqlStore

    return SqlStore(URL.create("sqlite", database=str(_folder(data_dir) / RECORDS_NAME)))


async def write_kline_data(
    data: Klines | pd.DataFrame | Sequence[Mapping[str, object]],
    *,
    symbol: str | None = None,
    interval: str | Interval | None = None,
    venue: str = "bybit",
    market: Market | str = "linear",
    data_dir: Folder | None = None,
) -> Upsert:
    """Insert or replace bars by opening time; durable when it returns.

    Args:
        data: a frame or a list of dicts with ``timestamp, open, high, low, close, volume`` and, if known, ``turnover``
            and ``synthetic``, each row with its ``symbol`` and ``interval``; or `Klines`.
        symbol: symbol of all rows, where they do not carry it.
        interval: interval of all rows, where they do not carry it.
        venue: venue of all rows.
        market: market of all rows.
        data_dir: data directory; None means the default one.

    Raises:
        InputError: a column is missing or unknown, a time has no zone, a price is not a number.
        StorageError: the store failed.
    """

    def work() -> Upsert:
        store, kind = open_store(data_dir), Market.parse(market)
        parts = list(split_by_series(data, symbol, interval))
        outcomes = [store.write_klines(SeriesKey(venue, kind, name, size), bars) for name, size, bars in parts]
        return sum(outcomes, Upsert())

    return await asyncio.to_thread(work)


async def query_kline_data(
    symbol: str,
    interval: str | Interval,
    start_time: Time | None = None,
    end_time: Time | None = None,
    *,
    venue: str = "bybit",
    market: Market | str = "linear",
    data_dir: Folder | None = None,
) -> pd.DataFrame:
    """Return stored bars with ``start_time <= timestamp < end_time``, ascending, in the columns of `Klines`.

    Raises:
        InputError: an unknown interval or market, or a time without zone.
        StorageError: the store failed.
    """

    def work() -> pd.DataFrame:
        key = _key(venue, market, symbol, interval)
        start, end = _time(start_time, "start_time"), _time(end_time, "end_time")
        return klines_to_frame(open_store(data_dir).read_klines(key, start, end))

    return await asyncio.to_thread(work)


async def get_latest_kline_from_db(
    symbol: str,
    interval: str | Interval,
    *,
    venue: str = "bybit",
    market: Market | str = "linear",
    data_dir: Folder | None = None,
) -> pd.DataFrame:
    """Return the newest stored bar as a frame of one row; no row where nothing is stored.

    Raises:
        InputError: an unknown interval or market.
        StorageError: the store failed.
    """

    def work() -> pd.DataFrame:
        store, key = open_store(data_dir), _key(venue, market, symbol, interval)
        info = store.series_info(key)
        newest = Klines.empty() if info is None else store.read_klines(key, info.last_ms)
        return klines_to_frame(newest.take(slice(-1, None)))

    return await asyncio.to_thread(work)


async def save_trade_record(
    trade: Mapping[str, object],
    *,
    venue: str = "bybit",
    market: Market | str = "linear",
    data_dir: Folder | None = None,
) -> int:
    """Store one trade and return its row number; saving it again changes nothing.

    Args:
        trade: fields as `SqlStore.save_trade` takes them.
        venue: venue where the trade does not name one.
        market: market where the trade does not name one.
        data_dir: data directory; None means the default one.

    Raises:
        InputError: a field is unknown, missing, or not what it should be.
        StorageError: the store failed.
    """

    def work() -> int:
        store = open_records(data_dir)
        try:
            return store.save_trade({"venue": venue, "market": str(market), **trade})
        finally:
            store.close()

    return await asyncio.to_thread(work)


async def query_trade_history(
    start_time: Time | None = None,
    end_time: Time | None = None,
    *,
    venue: str | None = None,
    market: Market | str | None = None,
    data_dir: Folder | None = None,
) -> pd.DataFrame:
    """Return the trades with ``start_time <= time_ms < end_time``, oldest first; amounts are Decimal objects.

    Args:
        start_time: first time wanted; None for the oldest trade.
        end_time: end of the span, exclusive; None for all that follows.
        venue: only this venue; None for all.
        market: only this market; None for all.
        data_dir: data directory; None means the default one.

    Raises:
        InputError: a time without zone, or an unknown market.
        StorageError: the store failed.
    """

    def work() -> pd.DataFrame:
        start, end = _time(start_time, "start_time"), _time(end_time, "end_time")
        wanted = {"venue": venue, "market": None if market is None else str(Market.parse(market))}
        store = open_records(data_dir)
        try:
            found = store.trades(start, end)
        finally:
            store.close()
        return trades_to_frame([t for t in found if all(v is None or t[name] == v for name, v in wanted.items())])

    return await asyncio.to_thread(work)


async def save_strategy_params(
    strategy_id: str, params: Mapping[str, object], *, data_dir: Folder | None = None
) -> int:
    """Store a new version of a strategy's parameters and return its version number (1, 2, ...).

    Raises:
        InputError: a value that JSON cannot hold.
        StorageError: the store failed.
    """

    def work() -> int:
        store = open_records(data_dir)
        try:
            return store.save_params(strategy_id, params)
        finally:
            store.close()

    return await asyncio.to_thread(work)


def _folder(data_dir: Folder | None) -> Path:
    return default_data_dir() if data_dir is None else Path(data_dir)


def _key(venue: str, market: Market | str, symbol: str, interval: str | Interval) -> SeriesKey:
    return SeriesKey(venue, Market.parse(market), symbol, Interval.parse(interval))


def _time(value: Time | None, field: str) -> int | None:
    return None if value is None else parse_time(value, field=field)
