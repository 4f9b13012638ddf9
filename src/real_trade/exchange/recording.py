"""What was recorded of one instrument beside its bars: single trades, and the changes of its order book."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from real_trade.exchange.core.crowd import Quote
from real_trade.exchange.core.path import Print
from real_trade.model import BookChanges, Klines, Market, SeriesKey, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from real_trade.model import Instrument, Trades
    from real_trade.storage.ports import SeriesInfo, TimeSeriesStore

# So much of a book is read at once: a busy one has five million rows an hour.
_PART_MS: Final = 600_000
_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000


class BookUpdate(NamedTuple):
    """What became of the book at one moment.

    Attributes:
        time_ms: when.
        whole: the quotes are all there is; what stood before is gone.
        quotes: levels, with 0 lots where nothing stands any more.
    """

    time_ms: int
    whole: bool
    quotes: list[Quote]


class Recording:
    """Trades and book of one instrument as a store holds them.

    Args:
        store: where they are.
        instrument: whose; its grids turn prices and sizes into whole numbers.
        trades, book: what the store says of the two series; None where it has none.
    """

    def __init__(
        self, store: TimeSeriesStore, instrument: Instrument, trades: SeriesInfo | None, book: SeriesInfo | None
    ) -> None:
        self._store, self._trades, self._book = store, trades, book
        self._tick, self._lot = float(instrument.tick_size), float(instrument.quantity_step)
        self._part: tuple[int, BookChanges] = (-1, BookChanges.empty())

    def prints(self, from_ms: int, to_ms: int) -> list[Print]:
        """Return the trades of ``[from_ms, to_ms)``, their times counted from its begin."""
        if self._trades is None or to_ms <= self._trades.first_ms or from_ms > self._trades.last_ms:
            return []
        trades = self._store.read_trades(self._trades.key, from_ms, to_ms)
        ticks = np.maximum(1, np.rint(trades.price / self._tick)).astype(np.int64)
        lots = np.maximum(1, np.rint(trades.size / self._lot)).astype(np.int64)
        columns = (trades.timestamp - from_ms, ticks, lots, _signs(ticks, trades.side))
        return [Print(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

    def updates(self, from_ms: int, to_ms: int) -> list[BookUpdate]:
        """Return what became of the book in ``[from_ms, to_ms)``, in order."""
        parts = [self._between(start, from_ms, to_ms) for start in range(_floor(from_ms), to_ms, _PART_MS)]
        return [update for part in parts for update in self._updates_of(part)]

    def standing(self, at_ms: int) -> list[Quote]:
        """Return all levels of the book just before a time; none where nothing was recorded until then."""
        book: dict[tuple[int, int], int] = {}
        if self._book is None or at_ms <= self._book.first_ms:
            return []
        # Backwards to the last whole book: what is younger counts.
        for start in range(_floor(min(at_ms - 1, self._book.last_ms)), self._book.first_ms - _PART_MS, -_PART_MS):
            part = self._between(start, start, at_ms)
            whole = np.flatnonzero(part.snapshot)
            begin = _begin_of_last(part) if len(whole) else 0
            rows = part.take(slice(begin, None))
            for sign, ticks, lots in reversed(self._quotes_of(rows)):
                book.setdefault((sign, ticks), lots)
            if len(whole):
                return [Quote(sign, ticks, lots) for (sign, ticks), lots in book.items() if lots]
        return []

    def _between(self, start: int, from_ms: int, to_ms: int) -> BookChanges:
        """Return the changes of a part that lie in ``[from_ms, to_ms)``; the part read last is kept."""
        if self._book is None or start > self._book.last_ms or start + _PART_MS <= self._book.first_ms:
            return BookChanges.empty()
        if self._part[0] != start:
            self._part = start, self._store.read_book(self._book.key, start, start + _PART_MS)
        part = self._part[1]
        lo, hi = np.searchsorted(part.timestamp, [from_ms, to_ms]).tolist()
        return part.take(slice(lo, hi))

    def _updates_of(self, part: BookChanges) -> Iterator[BookUpdate]:
        if not len(part):
            return
        quotes = self._quotes_of(part)
        starts = [*_starts(part).tolist(), len(part)]
        for begin, end in pairwise(starts):
            yield BookUpdate(int(part.timestamp[begin]), bool(part.snapshot[begin]), quotes[begin:end])

    def _quotes_of(self, rows: BookChanges) -> list[Quote]:
        ticks = np.maximum(1, np.rint(rows.price / self._tick)).astype(np.int64)
        lots = np.rint(rows.size / self._lot).astype(np.int64)
        # However little stands there, something does.
        lots = np.where(rows.size > 0, np.maximum(1, lots), 0)
        return [Quote(*row) for row in zip(rows.side.tolist(), ticks.tolist(), lots.tolist(), strict=True)]


def bars_of_trades(store: TimeSeriesStore, info: SeriesInfo, instrument: Instrument) -> Iterator[Klines]:
    """Yield one-minute bars made of stored trades, day by day; a minute without trades has none."""
    for start in range(info.first_ms // _DAY_MS * _DAY_MS, info.last_ms + 1, _DAY_MS):
        trades = store.read_trades(info.key, start, start + _DAY_MS)
        if len(trades):
            yield _bars(trades, instrument)


def recorded(infos: dict[SeriesKey, SeriesInfo], instrument: Instrument, kind: SeriesKind) -> SeriesInfo | None:
    """Return what a store says of an instrument's trades or book."""
    return infos.get(SeriesKey(instrument.venue, instrument.market, instrument.symbol, None, kind))


def _bars(trades: Trades, instrument: Instrument) -> Klines:
    minutes = trades.timestamp // _MINUTE_MS
    first = np.flatnonzero(np.concatenate(([True], minutes[1:] != minutes[:-1])))
    last = np.append(first[1:], len(trades)) - 1
    value = float(instrument.contract_value)
    worth = trades.size * value
    worth = worth / trades.price if instrument.market is Market.INVERSE else worth * trades.price
    # Sums of floats carry noise far below what a venue writes.
    return Klines.of(
        minutes[first] * _MINUTE_MS,
        trades.price[first],
        np.maximum.reduceat(trades.price, first),
        np.minimum.reduceat(trades.price, first),
        trades.price[last],
        np.round(np.add.reduceat(trades.size, first), 8),
        np.round(np.add.reduceat(worth, first), 8),
    )


def _signs(ticks: NDArray[np.int64], side: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the takers' sides; where the record does not say, a price above the one before was bought."""
    moves = np.sign(np.diff(ticks, prepend=ticks[:1]))
    moves = np.where(moves == 0, 1, moves)
    return np.where(side == 0, moves, side).astype(np.int64)


def _starts(part: BookChanges) -> NDArray[np.int64]:
    """Return the first row of each update."""
    changes = (part.update[1:] != part.update[:-1]) | (part.snapshot[1:] != part.snapshot[:-1])
    return np.flatnonzero(np.concatenate(([True], changes)))


def _begin_of_last(part: BookChanges) -> int:
    """Return the first row of the last whole book."""
    starts = _starts(part)
    return int(starts[part.snapshot[starts]][-1])


def _floor(at_ms: int) -> int:
    return at_ms // _PART_MS * _PART_MS
