"""Download history into a store: what is missing, page by page, resumable at any instant.

Before the first page, the facts of all instruments of the market and the margin tiers of the symbol are fetched.

1. The span asked for is cut at the last finished bar of the venue's clock: an unfinished bar is never asked for.
2. What the store has fetched before is taken out; the rest is cut into pages on a fixed grid.
3. The first page is asked alone. If it is empty, the venue is asked where its bars begin, and the void before is
   noted as fetched.
4. The pages are asked for concurrently and stored as each arrives, so that a killed run loses only what was under way.
5. A stored span that ended in the middle of a page is extended from its last bar on, which is read again: if the
   venue has revised it, that is counted.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from real_trade.data.funding import download_funding
from real_trade.data.history import open_history
from real_trade.data.pages import (
    Span,
    merged_spans,
    missing_bars,
    missing_spans,
    page_length,
    page_start,
    pages_of,
)
from real_trade.data.progress import NoProgress
from real_trade.data.tally import DownloadReport, Tally
from real_trade.model.clock import format_time
from real_trade.model.errors import InputError, VenueError
from real_trade.model.series import EVENTS, SeriesKey, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from real_trade.data.history import HistorySource, VenueEndpoints
    from real_trade.data.progress import Progress
    from real_trade.model.instrument import Instrument, Market
    from real_trade.model.interval import Interval
    from real_trade.model.series import Klines
    from real_trade.model.tiers import MarginTiers
    from real_trade.storage.ports import TimeSeriesStore, Upsert

Result = TypeVar("Result")

# More pages wait for their turn than the pacers let through at once.
CONCURRENCY = 24


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """What a run brought of one symbol.

    Attributes:
        venue, market, symbol: the instrument asked for.
        instrument: its facts; None where the venue does not list it any more.
        series: one report per kind, in the order asked for.
        tiers: its margin tiers; None on spot, and where the venue does not tell them.
        notes: sentences for the reader.
    """

    venue: str
    market: str
    symbol: str
    instrument: Instrument | None
    series: tuple[DownloadReport, ...]
    tiers: MarginTiers | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        facts = None
        if self.instrument is not None:
            facts = {name: str(value) for name, value in asdict(self.instrument).items()}
        return {
            "venue": self.venue,
            "market": self.market,
            "symbol": self.symbol,
            "instrument": facts,
            "tiers": None if self.tiers is None else _tiers_dict(self.tiers),
            "series": [report.to_dict() for report in self.series],
            "notes": list(self.notes),
        }


def _tiers_dict(tiers: MarginTiers) -> dict[str, object]:
    rows = [[str(tier.cap), str(tier.rate), str(tier.max_leverage)] for tier in tiers.tiers]
    return {"as_of": tiers.as_of, "source": tiers.source, "tiers": rows}


def run_download(
    venue: str,
    market: Market,
    symbol: str,
    interval: Interval,
    from_ms: int,
    to_ms: int,
    *,
    store: TimeSeriesStore,
    endpoints: VenueEndpoints,
    kinds: Sequence[SeriesKind] = (SeriesKind.KLINE,),
    refresh: bool = False,
    progress: Progress | None = None,
) -> HistoryReport:
    """Download everything asked of one symbol and wait for it; for callers without an event loop.

    Interrupted by the keyboard, it keeps what arrived and lets KeyboardInterrupt through.

    Args:
        venue: where it trades.
        market: which of the venue's markets.
        symbol: the venue's own spelling.
        interval: bar length.
        from_ms: first opening time wanted, ms UTC.
        to_ms: end of the span, exclusive.
        store: receives instruments, tiers, bars and rates.
        endpoints: where the venue is.
        kinds: traded bars, mark or index bars, funding rates.
        refresh: read stored pages again too, and count what the venue revised.
        progress: is told what happens.

    Raises:
        InputError: unknown venue, symbol or interval, or a reversed span.
        VenueError: the venue cannot be reached or refuses.
        StorageError: the store cannot be written.
    """

    async def all_of_it() -> HistoryReport:
        source = open_history(venue, market, endpoints)
        try:
            instruments = await source.instruments()
            store.write_instruments(instruments)
            facts = next((i for i in instruments if i.symbol == symbol), None)
            tiers, notes = (None, ()) if facts is None else await bring_tiers(source, store, facts)
            reports = [
                await download(
                    source,
                    store,
                    SeriesKey(venue, market, symbol, interval if kind.is_bars else None, kind),
                    from_ms,
                    to_ms,
                    refresh=refresh,
                    progress=progress,
                )
                for kind in kinds
            ]
        finally:
            await source.close()
        return HistoryReport(venue, str(market), symbol, facts, tuple(reports), tiers, notes)

    return asyncio.run(all_of_it())


async def bring_tiers(
    source: HistorySource, store: TimeSeriesStore, instrument: Instrument
) -> tuple[MarginTiers | None, tuple[str, ...]]:
    """Fetch and store the margin tiers of an instrument; return them, and what is to be said.

    Bars are worth having without them: what goes wrong is said, and the download goes on.
    """
    try:
        tiers = await source.tiers(instrument.symbol)
    except (InputError, VenueError) as error:
        return None, (f"The margin tiers of {instrument.symbol} could not be fetched: {error.message}",)
    if tiers is not None:
        store.write_tiers(instrument.venue, instrument.market, instrument.symbol, tiers)
    return tiers, ()


async def download(
    source: HistorySource,
    store: TimeSeriesStore,
    key: SeriesKey,
    from_ms: int,
    to_ms: int,
    *,
    refresh: bool = False,
    progress: Progress | None = None,
    concurrency: int = CONCURRENCY,
) -> DownloadReport:
    """Bring one series of the store up to what the venue has in ``[from_ms, to_ms)``.

    Args:
        source: the venue's history.
        store: receives each page as it arrives.
        key: names the series.
        from_ms: first opening time wanted, ms UTC.
        to_ms: end of the span, exclusive.
        refresh: read stored pages again too, and count what the venue revised.
        progress: is told what happens.
        concurrency: pages that are asked for at once, as far as the venue's limits allow.

    Raises:
        InputError: unknown symbol or interval, or a reversed span.
        VenueError: the venue gave no usable answer after bounded repeats; what arrived is kept.
    """
    if key.kind in EVENTS:
        raise InputError(
            "Single trades and books are not downloaded.",
            code="unknown_kind",
            field="kind",
            value=str(key.kind),
            fix="Import the venue's public archives: import-data --trades, or --book.",
        )
    if from_ms >= to_ms:
        raise InputError(
            f"The span ends ({format_time(to_ms)}) before it begins ({format_time(from_ms)}).",
            code="reversed_range",
            field="to",
            value=format_time(to_ms),
            fix="Give a --to that is later than --from.",
        )
    watcher = progress if progress is not None else NoProgress()
    source.on_wait(watcher.waiting)
    try:
        if key.kind is SeriesKind.FUNDING or key.interval is None:
            return await download_funding(source, store, key, from_ms, to_ms, refresh=refresh, progress=watcher)
        job = BarsJob(source, store, key, key.interval, watcher, concurrency)
        return await job.run(from_ms, to_ms, refresh=refresh)
    except InputError as error:
        if error.code == "unknown_symbol":
            raise unknown_symbol(key, [i.symbol for i in await source.instruments()]) from error
        raise
    finally:
        watcher.end()
        source.on_wait(None)


def unknown_symbol(key: SeriesKey, known: Iterable[str]) -> InputError:
    """Return the error for a symbol that the venue does not know, with those that look like it."""
    near = get_close_matches(key.symbol.upper(), list(known), n=3, cutoff=0.5)
    return InputError(
        f"{key.venue} {key.market} has no symbol {key.symbol!r}.",
        code="unknown_symbol",
        field="symbol",
        value=key.symbol,
        fix=f"Did you mean {' or '.join(near)}?" if near else "See the venue's list of symbols.",
    )


class PageSink(Protocol):
    """Where pages go: the part of `storage.ports.TimeSeriesStore` that a download of bars needs."""

    def append_page(self, key: SeriesKey, klines: Klines, from_ms: int, to_ms: int) -> Upsert:
        """Take one page and remember that ``[from_ms, to_ms)`` was fetched."""
        ...

    def settle(self, key: SeriesKey) -> None:
        """Move pages to their final place."""
        ...

    def covered(self, key: SeriesKey) -> Sequence[tuple[int, int]]:
        """Return the spans that were fetched."""
        ...


@dataclass(slots=True)
class BarsJob:
    """One series of bars on its way into the store; runs once."""

    source: HistorySource
    store: PageSink
    key: SeriesKey
    interval: Interval
    progress: Progress
    concurrency: int
    tally: Tally = field(init=False)
    page_bars: int = field(init=False)
    writer: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.tally = Tally(self.source.traffic)
        self.writer = ThreadPoolExecutor(1, "store")
        self.page_bars = page_length(self.interval, self.source.page_bars, self.source.page_span_ms)

    async def run(self, from_ms: int, to_ms: int, *, refresh: bool) -> DownloadReport:
        """Fetch what is missing in ``[from_ms, to_ms)``; see the module's five steps."""
        now_ms = await self.source.server_time_ms()
        first = self.interval.ceil(from_ms)
        end = min(self.interval.ceil(to_ms), self.interval.floor(now_ms))
        covered = list(self.store.covered(self.key))
        spans = self._spans(first, end, [] if refresh else covered)
        pages = [page for span in spans for page in pages_of(self.interval, span, self.page_bars)]
        self.progress.begin(str(self.key), len(pages))
        known = merged_spans(span for span in covered if span[0] < span[1])
        try:
            await self._fetch(await self._begin(pages))
        finally:
            # Pages that are being written come before this one in the writer's queue, also after a cancellation.
            await self._write(partial(self.store.settle, self.key))
            self.writer.shutdown()
        return self.tally.report(self.key, first, max(first, end), known)

    async def _write(self, work: Callable[[], Result]) -> Result:
        """Do work on the store in the writer's thread, so that the pace of the requests does not suffer."""
        return await asyncio.get_running_loop().run_in_executor(self.writer, work)

    def _spans(self, first: int, end: int, covered: list[Span]) -> list[Span]:
        """Return what is missing, and the last stored bar with it where a page was left unfinished."""
        interval = self.interval
        spans = [(interval.ceil(a), interval.ceil(b)) for a, b in missing_spans(first, end, covered)]
        last_end = max((b for _, b in covered), default=None)
        if spans and last_end is not None and spans[-1][0] == last_end:
            begin, finish = spans[-1]
            if page_start(interval, begin, self.page_bars) != begin:
                spans[-1] = (interval.floor(begin - 1), finish)
        return [span for span in spans if span[0] < span[1]]

    async def _begin(self, pages: list[Span]) -> list[Span]:
        """Ask for the first page alone and return what is left to ask, without the years before the first bar.

        The void is noted in one go with the first page: killed in between, the next run finds the same beginning.
        """
        if len(pages) < 2:
            return pages
        head = await self._ask(pages[0])
        void = pages[:1]
        if not len(head):
            begin = await self.source.first_open(self.key.symbol, self.key.kind, pages[1][0])
            void_end = pages[-1][1] if begin is None else self.interval.floor(begin)
            void += [page for page in pages[1:] if page[1] <= void_end]
        for span in merged_spans(void):
            await self._keep(head, span)
        for _ in void[1:]:
            self.progress.advance(0)
        return pages[len(void) :]

    async def _fetch(self, pages: list[Span]) -> None:
        waiting = iter(pages)

        async def work() -> None:
            for page in waiting:
                await self._page(page)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.concurrency, len(pages))):
                    group.create_task(work())
        except ExceptionGroup as errors:
            raise _first(errors) from None

    async def _page(self, page: Span) -> None:
        await self._keep(await self._ask(page), page)

    async def _ask(self, page: Span) -> Klines:
        return await self.source.klines(self.key.symbol, self.interval, *page, self.key.kind)

    async def _keep(self, klines: Klines, span: Span) -> None:
        outcome = await self._write(partial(self.store.append_page, self.key, klines, *span))
        self.tally.add(klines, outcome, missing_bars(self.interval, klines.timestamp.tolist(), span))
        self.progress.advance(len(klines))


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    """Return the first error of a group: callers expect an error, not a group of one."""
    found: Exception = errors
    while isinstance(found, ExceptionGroup):
        found = found.exceptions[0]
    return found
