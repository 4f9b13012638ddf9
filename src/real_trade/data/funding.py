"""Download funding rates: outward from what is stored, so that the stored span never has a hole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.data.tally import DownloadReport, Tally
from real_trade.model.interval import DAY_MS

if TYPE_CHECKING:
    from real_trade.data.history import HistorySource
    from real_trade.data.pages import Span
    from real_trade.data.progress import Progress
    from real_trade.model.series import SeriesKey
    from real_trade.storage.ports import TimeSeriesStore

# 180 settlements at the usual eight hours: one request at either venue.
_STEP_MS = 60 * DAY_MS


async def download_funding(
    source: HistorySource,
    store: TimeSeriesStore,
    key: SeriesKey,
    from_ms: int,
    to_ms: int,
    *,
    refresh: bool,
    progress: Progress,
) -> DownloadReport:
    """Bring the stored settlements up to what the venue has in ``[from_ms, to_ms)``; see `data.download.download`."""
    tally = Tally(source.traffic)
    end_ms = min(to_ms, await source.server_time_ms() + 1)
    stored = store.read_funding(key)
    known = None if refresh or not len(stored) else (int(stored.timestamp[0]), int(stored.timestamp[-1]))
    # The last stored settlement is read again: if the venue has revised it, that is counted.
    forward = [] if known is None else _cut(known[1], end_ms)
    backward = _cut(from_ms, end_ms if known is None else known[0])[::-1]
    progress.begin(str(key), len(forward) + len(backward))

    async def bring(step: Span) -> int:
        rates = await source.funding(key.symbol, *step)
        tally.add(rates, store.write_funding(key, rates))
        progress.advance(len(rates))
        return len(rates)

    for step in forward:
        await bring(step)
    for step in backward:
        # Two months without a settlement before the first one known: the contract was not listed yet.
        if not await bring(step) and (known is not None or tally.bars):
            break
    return tally.report(key, from_ms, max(from_ms, end_ms))


def _cut(from_ms: int, to_ms: int) -> list[Span]:
    return [(at, min(at + _STEP_MS, to_ms)) for at in range(from_ms, to_ms, _STEP_MS)]
