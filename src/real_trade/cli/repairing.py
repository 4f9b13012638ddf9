"""Repair of a stored series: ask the venue again for what is missing, or fill in bars that are marked as such."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from real_trade.cli.progress import download_progress
from real_trade.data.download import download
from real_trade.data.history import open_history
from real_trade.data.repair import fill_gaps, missing_spans, refetch_plan
from real_trade.model.errors import InputError

if TYPE_CHECKING:
    from real_trade.cli.session import Session
    from real_trade.model.interval import Interval
    from real_trade.model.series import SeriesKey
    from real_trade.storage.ports import TimeSeriesStore


def refetch(session: Session, store: TimeSeriesStore, key: SeriesKey, span: tuple[int | None, int | None]) -> int:
    """Ask the venue again for missing bars and return how many came.

    Raises:
        VenueError: the venue cannot be reached; what came before is kept.
    """
    interval = _interval(key)
    stored = store.read_klines(key, *span)
    # A bar that was filled in is still missing at heart: the venue may have the real one by now.
    spans = missing_spans(stored.take(~stored.synthetic), interval, *span)

    async def all_of_it() -> int:
        source = open_history(session.venue, session.market, session.endpoints())
        try:
            with download_progress() as progress:
                reports = [
                    await download(source, store, key, from_ms, to_ms, refresh=True, progress=progress)
                    for from_ms, to_ms in refetch_plan(spans, interval, page_bars=source.page_bars)
                ]
        finally:
            await source.close()
        return sum(report.inserted for report in reports)

    return asyncio.run(all_of_it()) if spans else 0


def fill(store: TimeSeriesStore, key: SeriesKey, span: tuple[int | None, int | None]) -> int:
    """Fill gaps with flat bars marked as synthetic and return how many.

    A real bar that is downloaded or imported later replaces its synthetic one.
    """
    interval = _interval(key)
    klines = store.read_klines(key, None, span[1])
    whole = fill_gaps(klines, interval, *span)
    added = whole.take(~np.isin(whole.timestamp, klines.timestamp))
    if len(added):
        store.write_klines(key, added)
    return len(added)


def _interval(key: SeriesKey) -> Interval:
    if key.interval is None:
        raise InputError("Only bars can be repaired.", code="unknown_kind", field="--kind", value=str(key.kind))
    return key.interval
