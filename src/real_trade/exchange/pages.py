"""Pages of bars as finished JSON rows: which rows a query means, and their bytes.

Bars are rendered in blocks that are kept for a while, since a reader asks for neighbours; a page is then cut out of
the blocks' bytes. The bar that is open at market time is rendered on its own, from the minutes up to now.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial as partial_of
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

import numpy as np

from real_trade.exchange.bars import COLUMNS, BarTable, aggregate, joined, partial
from real_trade.exchange.digits import Piece, RenderedBlock, render_rows
from real_trade.model import SeriesKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.exchange.source import MarketSource
    from real_trade.model import FundingRates, Instrument, Interval

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
# How the rows of a table are spelled.
RowStyle = Callable[[BarTable], Sequence[Piece]]
BLOCK: Final = 4_000
_BLOCKS_KEPT: Final = 48
_TABLES_KEPT: Final = 12
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Window:
    """Which bars a query asks for.

    Attributes:
        start_ms, end_ms: first and last opening time, both inclusive; None leaves the side open.
        limit: most rows.
        from_start: of too many rows keep the oldest; else the newest.
    """

    start_ms: int | None
    end_ms: int | None
    limit: int
    from_start: bool


@dataclass(frozen=True, slots=True)
class Blemish:
    """What a fault does to the rows of one answer.

    Attributes:
        drop: leave a row in the middle out.
        revise: give the newest finished bar with a volume that is not final.
    """

    drop: bool = False
    revise: bool = False


CLEAN: Final = Blemish()


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of an answer: JSON text without the outer brackets, and how many there are."""

    text: bytes
    rows: int


@dataclass(frozen=True, slots=True)
class DayStats:
    """Twenty-four hours up to now, as exact numbers: prices, volume, turnover, trades, time of the first bar."""

    first: Decimal
    last: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    turnover: Decimal
    trades: int
    open_ms: int


class _Sums(NamedTuple):
    """Bars in a row taken together, in whole numbers of their table's grid."""

    first: int
    last: int
    high: int
    low: int
    volume: int
    turnover: int
    trades: int
    open_ms: int

    def then(self, later: _Sums) -> _Sums:
        """Return both taken together."""
        return _Sums(
            self.first,
            later.last,
            max(self.high, later.high),
            min(self.low, later.low),
            self.volume + later.volume,
            self.turnover + later.turnover,
            self.trades + later.trades,
            self.open_ms,
        )


def _sums_of(bars: BarTable) -> _Sums:
    """Take bars, one at least, together."""
    return _Sums(
        int(bars.open[0]),
        int(bars.close[-1]),
        int(bars.high.max()),
        int(bars.low.min()),
        int(bars.volume.sum()),
        int(bars.turnover.sum()),
        int(bars.trades.sum()),
        int(bars.time[0]),
    )


class _Recent(Generic[K, V]):
    """What was made last, by name; forgets what was used longest ago."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return what is kept under a name, made now if it is not."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        value = self._kept[key] = make()
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return value

    def forget(self, which: Callable[[K], bool]) -> None:
        """Drop what is kept under some names."""
        for key in [key for key in self._kept if which(key)]:
            del self._kept[key]


class History:
    """The bars of a market, by series and interval, and pages of them.

    Args:
        source: where the market comes from.
        newest_first: the order of rows in an answer.
    """

    def __init__(self, source: MarketSource, *, newest_first: bool) -> None:
        self._source = source
        self._newest_first = newest_first
        self._base: dict[tuple[str, ...], BarTable] = {}
        self._live: Callable[[Instrument], BarTable | None] | None = None
        # Of finished bars, by series and span: which rows they are, and what they come to.
        self._sums: dict[tuple[object, ...], tuple[BarTable, int, int, _Sums]] = {}
        self._tables: _Recent[tuple[str, ...], BarTable] = _Recent(_TABLES_KEPT)
        self._funding: _Recent[tuple[str, ...], FundingRates] = _Recent(_TABLES_KEPT)
        self._blocks: _Recent[tuple[Any, ...], RenderedBlock] = _Recent(_BLOCKS_KEPT)

    def table(
        self, instrument: Instrument, kind: SeriesKind, interval: Interval | None = None, zone_ms: int = 0
    ) -> BarTable:
        """Return all bars of a series, those of the future included.

        Args:
            instrument, kind: the series.
            interval: none means the shortest there is.
            zone_ms: how far the clocks of a time zone are ahead; bars begin by its clocks, and have its times.
        """
        name = (instrument.market, instrument.symbol, kind)
        base = self._base.get(name)
        if base is None:
            base = self._base[name] = self._source.bars(instrument, kind)
        if interval is None or interval == base.interval:
            return base.later(zone_ms)
        return self._tables.get((*name, interval.name, str(zone_ms)), lambda: aggregate(base.later(zone_ms), interval))

    def amend(self, instrument: Instrument, row: dict[str, int]) -> None:
        """Replace a finished bar of the shortest interval by another, or put it in where there was none."""
        name = (instrument.market, instrument.symbol, SeriesKind.KLINE)
        base = self.table(instrument, SeriesKind.KLINE)
        # A number that an account has made may need more than the 32 bits of a stored market's.
        base = base.with_columns({column: _fit_for(getattr(base, column), row[column]) for column in COLUMNS})
        place = int(np.searchsorted(base.time, row["time"]))
        if place < len(base) and int(base.time[place]) == row["time"]:
            columns = {column: getattr(base, column) for column in COLUMNS}
            for column, values in columns.items():
                values[place] = row[column]
            changed = base.with_columns(columns)
        else:
            changed = base.with_columns(
                {column: np.insert(getattr(base, column), place, row[column]) for column in COLUMNS}
            )
        self._tables.forget(lambda key: key[:3] == name)
        self._blocks.forget(lambda key: key[:3] == name)
        self._base[name] = changed

    def serves(self, instrument: Instrument, kind: SeriesKind, interval: Interval, zone_ms: int = 0) -> bool:
        """Tell whether bars of an interval, by the clocks of a time zone, can be made from what there is."""
        base = self.table(instrument, kind).interval
        if zone_ms and (base.is_month or zone_ms % base.length_ms):
            return False
        return interval.is_month or (not base.is_month and interval.length_ms % base.length_ms == 0)

    def open_bar(
        self, instrument: Instrument, kind: SeriesKind, interval: Interval, now_ms: int, zone_ms: int = 0
    ) -> BarTable | None:
        """Return the bar that is open at market time, made of what has happened so far; None if nothing has."""
        base = self.table(instrument, kind)
        lo, hi = np.searchsorted(base.time, [interval.floor(now_ms + zone_ms) - zone_ms, now_ms + 1]).tolist()
        if kind is SeriesKind.KLINE and self._live is not None:
            live = self._live(instrument)
            before = base.rows(lo, int(np.searchsorted(base.time[:hi], base.interval.floor(now_ms))))
            seen = [part for part in (before, live) if part is not None and len(part)]
            return aggregate(joined(seen).later(zone_ms), interval) if seen else None
        if lo == hi:
            return None
        last = base.rows(hi - 1, hi)
        elapsed = now_ms - int(last.time[0])
        return aggregate(joined([base.rows(lo, hi - 1), partial(last, elapsed)]).later(zone_ms), interval)

    def follow(self, live: Callable[[Instrument], BarTable | None]) -> None:
        """Take the bar that is open from there instead of guessing it from the finished one."""
        self._live = live

    def funding(self, instrument: Instrument) -> FundingRates:
        """Return every funding settlement of an instrument, those of the future included."""
        name = (instrument.market, instrument.symbol)
        return self._funding.get(name, lambda: self._source.funding(instrument))

    def last_day(
        self, instrument: Instrument, kind: SeriesKind, now_ms: int, span_ms: int = _DAY_MS
    ) -> DayStats | None:
        """Return what the last 24 hours, or another span, were like; None where nothing was traded in them."""
        base = self.table(instrument, kind)
        opening = base.interval.floor(now_ms)
        lo = int(np.searchsorted(base.time, now_ms - span_ms, side="right"))
        hi = int(np.searchsorted(base.time, opening))
        total = self._closed((instrument.market, instrument.symbol, kind, span_ms), base, lo, hi) if lo < hi else None
        going = self._going(instrument, kind, base, hi, now_ms)
        if going is not None:
            last = _sums_of(going)
            total = last if total is None else total.then(last)
        if total is None:
            return None
        price, volume, turnover = (
            Decimal(1).scaleb(-d) for d in (base.grid.price, base.grid.volume, base.grid.turnover)
        )
        return DayStats(
            first=total.first * price,
            last=total.last * price,
            high=total.high * price,
            low=total.low * price,
            volume=total.volume * volume,
            turnover=total.turnover * turnover,
            trades=total.trades,
            open_ms=total.open_ms,
        )

    def _closed(self, name: tuple[object, ...], base: BarTable, lo: int, hi: int) -> _Sums:
        """Return the sums of finished bars; they are asked for anew many times within a bar."""
        known = self._sums.get(name)
        if known is None or known[0] is not base or known[1:3] != (lo, hi):
            known = self._sums[name] = base, lo, hi, _sums_of(base.rows(lo, hi))
        return known[3]

    def _going(
        self, instrument: Instrument, kind: SeriesKind, base: BarTable, row: int, now_ms: int
    ) -> BarTable | None:
        """Return the bar of the shortest interval that is open; None where nothing has happened in it."""
        if kind is SeriesKind.KLINE and self._live is not None:
            return self._live(instrument)
        if row == len(base) or int(base.time[row]) > now_ms:
            return None
        return partial(base.rows(row, row + 1), now_ms - int(base.time[row]))

    def page(
        self,
        instrument: Instrument,
        kind: SeriesKind,
        interval: Interval,
        window: Window,
        now_ms: int,
        style: RowStyle,
        blemish: Blemish = CLEAN,
        zone_ms: int = 0,
    ) -> Page:
        """Return the rows that a query means, as the market stands at ``now_ms``; bars begin by a time zone's clocks.

        The style is given the times of that zone, and the window is in them too.
        """
        table = self.table(instrument, kind, interval, zone_ms)
        opened_ms = interval.floor(now_ms + zone_ms)
        finished = int(np.searchsorted(table.time, opened_ms))
        wanted = window.end_ms is None or window.end_ms >= opened_ms
        current = self.open_bar(instrument, kind, interval, now_ms, zone_ms) if wanted else None
        lo, hi = _rows_of(window, table, finished + (current is not None))
        closed = max(lo, min(hi, finished))
        pieces: list[bytes | memoryview] = []
        if hi > closed and current is not None:
            pieces.append(self._single(current, style))
        if blemish.revise and closed > lo:
            pieces.append(self._single(_preliminary(table.rows(closed - 1, closed)), style))
            closed -= 1
        name = (instrument.market, instrument.symbol, kind, interval.name, zone_ms, style)
        middle = (lo + closed) // 2 if blemish.drop and closed - lo > 2 else closed
        pieces += reversed(self._cut(name, table, min(closed, middle + 1), closed, style))
        pieces += reversed(self._cut(name, table, lo, middle, style))
        if not self._newest_first:
            pieces.reverse()
        return Page(b"".join(pieces)[:-1], hi - lo - (middle < closed))

    def _cut(
        self, name: tuple[object, ...], table: BarTable, lo: int, hi: int, style: RowStyle
    ) -> list[bytes | memoryview]:
        """Return the text of finished rows in ``[lo, hi)``, block by block, ascending blocks."""
        parts: list[bytes | memoryview] = []
        for number in range(lo // BLOCK, -(-hi // BLOCK)):
            first = number * BLOCK
            last = min(first + BLOCK, len(table))
            rows = table.rows(first, last)
            block = self._blocks.get((*name, number), partial_of(self._render, rows, style))
            begin, end = max(lo, first), min(hi, last)
            if self._newest_first:
                cut = slice(block.ends[last - end], block.ends[last - begin])
            else:
                cut = slice(block.ends[begin - first], block.ends[end - first])
            parts.append(memoryview(block.text)[cut])
        return parts

    def _render(self, rows: BarTable, style: RowStyle) -> RenderedBlock:
        return render_rows(style(rows.reversed() if self._newest_first else rows), len(rows))

    def _single(self, bar: BarTable, style: RowStyle) -> bytes:
        return render_rows(style(bar), 1).text


def _rows_of(window: Window, table: BarTable, shown: int) -> tuple[int, int]:
    """Return the row numbers ``[lo, hi)`` of a window among the first ``shown`` rows."""
    lo = 0 if window.start_ms is None else int(np.searchsorted(table.time[:shown], window.start_ms))
    hi = shown if window.end_ms is None else int(np.searchsorted(table.time[:shown], window.end_ms, side="right"))
    hi = max(lo, hi)
    if hi - lo > window.limit:
        return (lo, lo + window.limit) if window.from_start else (hi - window.limit, hi)
    return lo, hi


def _fit_for(column: NDArray[np.integer], number: int) -> NDArray[np.integer]:
    """Return a column that can hold a number: itself, or a wider copy."""
    return column if number <= np.iinfo(column.dtype).max else column.astype(np.int64)


def _preliminary(bar: BarTable) -> BarTable:
    """Return a finished bar as a hurried venue gives it: the last trades are not counted yet."""
    return replace(bar, volume=bar.volume * 9 // 10, turnover=bar.turnover * 9 // 10, trades=bar.trades * 9 // 10)
