"""History by name: the downloader class, and the two coroutines around the store.

Times are ISO 8601 with a zone, a date (midnight UTC), aware datetimes, or integer milliseconds; naive datetimes are
refused. Intervals are spelled ``1m`` or as Bybit does (``1``, ``60``, ``D``). Base URLs come from the arguments, else
from the environment and the configuration, else they are the venue's public ones.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from real_trade.data.download import CONCURRENCY, BarsJob, download, unknown_symbol
from real_trade.data.history import configured_endpoints, open_history
from real_trade.data.progress import NoProgress
from real_trade.model.clock import parse_time
from real_trade.model.errors import InputError
from real_trade.model.instrument import Market
from real_trade.model.interval import Interval
from real_trade.model.series import Klines, SeriesKey
from real_trade.storage.calls import open_store
from real_trade.storage.frames import klines_to_frame, split_by_series
from real_trade.storage.ports import Upsert

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from real_trade.data.findings import VerificationReport
    from real_trade.data.history import HistorySource
    from real_trade.storage.parquet import ParquetStore

    Time = str | int | datetime
    Folder = str | os.PathLike[str]
    Bars: TypeAlias = "pd.DataFrame | Klines | Sequence[Mapping[str, object]]"


class BybitHistoricalDataDownloader:
    """Bars of one symbol and span, in memory; stored on request.

    Args:
        symbol: the venue's own spelling, such as ``BTCUSDT``.
        interval: bar length.
        start_time: first opening time wanted.
        end_time: end of the span, exclusive.
        venue: ``bybit`` or ``binance``.
        market: ``spot``, ``linear`` or ``inverse``.
        data_dir: folder of the store; None for the configured one.
        rest_url: base URL; None for the configured one.
        proxy: None for the configured one or the system's, empty text for none, else its address.

    Attributes:
        base_url: address of the venue's bars.
        symbol, interval, start_time, end_time: as given.
    """

    def __init__(
        self,
        symbol: str,
        interval: str | Interval,
        start_time: Time,
        end_time: Time,
        *,
        venue: str = "bybit",
        market: Market | str = "linear",
        data_dir: Folder | None = None,
        rest_url: str | None = None,
        proxy: str | None = None,
    ) -> None:
        self.symbol = symbol
        self.interval = interval
        self.start_time = start_time
        self.end_time = end_time
        self._interval = Interval.parse(interval)
        self._span = _span(start_time, end_time)
        self._key = SeriesKey(venue, Market.parse(market), symbol, self._interval)
        self._endpoints = configured_endpoints(venue, str(self._key.market), rest_url=rest_url, proxy=proxy)
        self._data_dir = data_dir
        self.base_url = self._open().klines_url

    async def download_chunk(self, start: Time, end: Time, limit: int = 1000) -> pd.DataFrame:
        """Return one page: the finished bars that open in ``[start, end)``, the first ``limit`` of them at most.

        Raises:
            InputError: an unknown symbol, a reversed span, or a limit beyond the venue's page.
            VenueError: the venue gave no usable answer after bounded repeats.
        """
        source = self._open()
        if not 1 <= limit <= source.page_bars:
            raise InputError(
                f"limit {limit} is not between 1 and {source.page_bars}.",
                field="limit",
                value=limit,
                fix="Use download_all for longer spans.",
            )
        try:
            begin, to = _span(start, end)
            first = self._interval.ceil(begin)
            finished = self._interval.floor(await source.server_time_ms())
            to = min(to, self._interval.next_open(first, limit), finished)
            page = Klines.empty()
            if first < to:
                page = await source.klines(self.symbol, self._interval, first, to, self._key.kind)
        except InputError as error:
            raise await _explained(error, self._key, source) from error
        finally:
            await source.close()
        return klines_to_frame(page)

    async def download_all(self) -> pd.DataFrame:
        """Return all finished bars of the span, fetched page by page, concurrently.

        Raises:
            InputError: an unknown symbol or interval.
            VenueError: the venue gave no usable answer after bounded repeats.
        """
        source = self._open()
        pages = _Pages()
        try:
            job = BarsJob(source, pages, self._key, self._interval, NoProgress(), CONCURRENCY)
            await job.run(*self._span, refresh=False)
        except InputError as error:
            raise await _explained(error, self._key, source) from error
        finally:
            await source.close()
        return klines_to_frame(Klines.concat([pages.found[begin] for begin in sorted(pages.found)]))

    def validate_data(self, data: Bars) -> VerificationReport:
        """Return the findings about these bars as the bars of this span: gaps, late start, bad prices and so on."""
        from real_trade.data.verify import verify_klines

        begin, end = self._span
        return verify_klines(self._klines(data), self._interval, from_ms=begin, to_ms=end)

    def save_to_database(self, data: Bars) -> Upsert:
        """Insert or replace these bars in the store and return how many were new, equal or different.

        Raises:
            InputError: a column is missing, or a price is not a number.
            StorageError: the store failed; what it held is unharmed.
        """
        return _store(self._data_dir).write_klines(self._key, self._klines(data))

    def _open(self) -> HistorySource:
        return open_history(self._key.venue, self._key.market, self._endpoints)

    def _klines(self, data: Bars) -> Klines:
        parts = [bars for _, _, bars in split_by_series(data, self.symbol, self._interval)]
        return Klines.concat(parts)


async def download_historical_klines(
    symbol: str,
    interval: str | Interval,
    start_time: Time,
    end_time: Time,
    *,
    venue: str = "bybit",
    market: Market | str = "linear",
    data_dir: Folder | None = None,
    rest_url: str | None = None,
    proxy: str | None = None,
) -> pd.DataFrame:
    """Fetch what the store lacks of a span, keep it there, and return the whole span.

    Args:
        symbol: the venue's own spelling, such as ``BTCUSDT``.
        interval: bar length.
        start_time: first opening time wanted.
        end_time: end of the span, exclusive.
        venue: ``bybit`` or ``binance``.
        market: ``spot``, ``linear`` or ``inverse``.
        data_dir: folder of the store; None for the configured one.
        rest_url: base URL; None for the configured one.
        proxy: None for the configured one or the system's, empty text for none, else its address.

    Raises:
        InputError: an unknown symbol or interval, a time without zone, or a reversed span.
        VenueError: the venue gave no usable answer after bounded repeats; what arrived is kept.
        StorageError: the store failed.
    """
    kind = Market.parse(market)
    begin, end = _span(start_time, end_time)
    key = SeriesKey(venue, kind, symbol, Interval.parse(interval))
    source = open_history(venue, kind, configured_endpoints(venue, str(kind), rest_url=rest_url, proxy=proxy))
    store = _store(data_dir)
    try:
        await download(source, store, key, begin, end)
    finally:
        await source.close()
    return klines_to_frame(await asyncio.to_thread(store.read_klines, key, begin, end))


async def check_data_integrity(
    symbol: str,
    interval: str | Interval,
    start_time: Time,
    end_time: Time,
    *,
    venue: str = "bybit",
    market: Market | str = "linear",
    data_dir: Folder | None = None,
) -> VerificationReport:
    """Return the findings about a stored span: complete, or what is missing or wrong in it.

    Args:
        symbol: the venue's own spelling, such as ``BTCUSDT``.
        interval: bar length.
        start_time: first opening time.
        end_time: end of the span, exclusive.
        venue: ``bybit`` or ``binance``.
        market: ``spot``, ``linear`` or ``inverse``.
        data_dir: folder of the store; None for the configured one.

    Raises:
        InputError: an unknown interval, a time without zone, or a reversed span.
        StorageError: the store cannot be read.
    """
    from real_trade.data.verify import verify_klines

    begin, end = _span(start_time, end_time)
    size = Interval.parse(interval)
    key = SeriesKey(venue, Market.parse(market), symbol, size)

    def work() -> VerificationReport:
        return verify_klines(_store(data_dir).read_klines(key, begin, end), size, from_ms=begin, to_ms=end)

    return await asyncio.to_thread(work)


@dataclass(slots=True)
class _Pages:
    """A store in memory, as far as a download needs one."""

    found: dict[int, Klines] = field(default_factory=dict)

    def append_page(self, key: SeriesKey, klines: Klines, from_ms: int, to_ms: int) -> Upsert:  # noqa: ARG002
        self.found[from_ms] = klines
        return Upsert(inserted=len(klines))

    def settle(self, key: SeriesKey) -> None:
        pass

    def covered(self, key: SeriesKey) -> list[tuple[int, int]]:  # noqa: ARG002
        return []


def _span(start_time: Time, end_time: Time) -> tuple[int, int]:
    begin = parse_time(start_time, field="start_time")
    end = parse_time(end_time, field="end_time")
    if begin >= end:
        raise InputError(
            f"The span ends ({end_time}) before it begins ({start_time}).",
            code="reversed_range",
            field="end_time",
            value=str(end_time),
            fix="Give an end_time that is later than start_time.",
        )
    return begin, end


def _store(data_dir: Folder | None) -> ParquetStore:
    if data_dir is None:
        from real_trade.utils.config import load_config

        data_dir = load_config().config.data_dir
    return open_store(data_dir)


async def _explained(error: InputError, key: SeriesKey, source: HistorySource) -> InputError:
    if error.code != "unknown_symbol":
        return error
    return unknown_symbol(key, [instrument.symbol for instrument in await source.instruments()])
