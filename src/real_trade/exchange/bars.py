"""Bars as the exchange keeps them: whole numbers on decimal grids, aggregated from one base series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.model import Interval

# 1970-01-01 was a Thursday; weekly bars open on Monday.
_FIRST_MONDAY_MS = 4 * 86_400_000
_LARGEST_SUM = 2.0**62


@dataclass(frozen=True, slots=True)
class Grid:
    """Decimals of a table's whole numbers: a value v with d decimals stands for ``v / 10**d``."""

    price: int
    volume: int
    turnover: int


@dataclass(frozen=True, slots=True)
class BarTable:
    """Bars of one series and one interval, ascending by opening time.

    Attributes:
        interval: bar length.
        grid: decimals of the columns below.
        time: int64, opening time, ms UTC.
        open, high, low, close: whole numbers on the price grid.
        volume, turnover: whole numbers on their grids.
        trades: number of trades.
    """

    interval: Interval
    grid: Grid
    time: NDArray[np.int64]
    open: NDArray[np.integer]
    high: NDArray[np.integer]
    low: NDArray[np.integer]
    close: NDArray[np.integer]
    volume: NDArray[np.integer]
    turnover: NDArray[np.integer]
    trades: NDArray[np.integer]

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.time)

    def rows(self, lo: int, hi: int) -> BarTable:
        """Return the bars with row numbers in ``[lo, hi)``, as views."""
        return self.with_columns({name: getattr(self, name)[lo:hi] for name in COLUMNS})

    def reversed(self) -> BarTable:
        """Return the bars newest first, as views."""
        return self.with_columns({name: getattr(self, name)[::-1] for name in COLUMNS})

    def later(self, by_ms: int) -> BarTable:
        """Return the bars as if each had opened so much later; itself where that is no time at all."""
        return replace(self, time=self.time + by_ms) if by_ms else self

    def with_columns(self, columns: dict[str, NDArray[Any]]) -> BarTable:
        """Return a table of the same interval and grid with other rows."""
        return BarTable(self.interval, self.grid, **columns)

    @classmethod
    def zeros(cls, interval: Interval, grid: Grid, rows: int, *, narrow: bool = False) -> BarTable:
        """Return a table to be filled; ``narrow`` keeps prices and trades in 32 bits."""
        wide = ("time", "volume", "turnover")
        columns: dict[str, NDArray[Any]] = {
            name: np.zeros(rows, np.int32 if narrow and name not in wide else np.int64) for name in COLUMNS
        }
        return cls(interval, grid, **columns)


COLUMNS = ("time", "open", "high", "low", "close", "volume", "turnover", "trades")


def floors(time: NDArray[np.int64], interval: Interval) -> NDArray[np.int64]:
    """Return the opening time of the bar that contains each time."""
    if interval.is_month:
        months = time.astype("datetime64[ms]").astype("datetime64[M]")
        return months.astype("datetime64[ms]").astype(np.int64)
    anchor = _FIRST_MONDAY_MS if interval.name == "1w" else 0
    return (time - anchor) // interval.length_ms * interval.length_ms + anchor


def ends(bars: BarTable) -> NDArray[np.int64]:
    """Return the time at which each bar is over: its own length after it opened."""
    if bars.interval.is_month:
        months = bars.time.astype("datetime64[ms]").astype("datetime64[M]") + np.timedelta64(1, "M")
        return months.astype("datetime64[ms]").astype(np.int64)
    return bars.time + bars.interval.length_ms


def aggregate(base: BarTable, interval: Interval) -> BarTable:
    """Return the bars of a longer interval; a bar exists where at least one base bar does."""
    if interval == base.interval or not len(base):
        return replace(base, interval=interval)
    opens = floors(base.time, interval)
    volume, volume_decimals = _with_room(base.volume, base.grid.volume)
    turnover, turnover_decimals = _with_room(base.turnover, base.grid.turnover)
    first = np.flatnonzero(np.concatenate(([True], opens[1:] != opens[:-1])))
    last = np.append(first[1:], len(base)) - 1
    return BarTable(
        interval,
        Grid(base.grid.price, volume_decimals, turnover_decimals),
        opens[first],
        base.open[first],
        np.maximum.reduceat(base.high, first),
        np.minimum.reduceat(base.low, first),
        base.close[last],
        np.add.reduceat(volume, first, dtype=np.int64),
        np.add.reduceat(turnover, first, dtype=np.int64),
        np.add.reduceat(base.trades, first, dtype=np.int64),
    )


def _with_room(column: NDArray[np.integer], decimals: int) -> tuple[NDArray[np.integer], int]:
    """Return a column and its decimals, with fewer of them where its sum would not fit 64 bits."""
    total, cut = float(column.sum(dtype=np.float64)), 0
    while total >= _LARGEST_SUM and cut < decimals:
        total, cut = total / 10.0, cut + 1
    return (column // 10**cut if cut else column), decimals - cut


def partial(bar: BarTable, elapsed_ms: int) -> BarTable:
    """Return what a single base bar looked like ``elapsed_ms`` after it opened.

    Prices have gone their share of the way from the open, volume has grown by its share: what is served as the
    open candle never contradicts the finished one, and each column only grows towards it.
    """
    share = max(0, min(elapsed_ms, bar.interval.length_ms))
    length = bar.interval.length_ms

    def way(column: NDArray[np.integer]) -> NDArray[np.integer]:
        whole = (column.astype(np.int64) - bar.open) * share
        # Towards the open, so that no price leaves the finished bar's range.
        moved: NDArray[np.integer] = bar.open + np.sign(whole) * (np.abs(whole) // length)
        return moved

    def part(column: NDArray[np.integer]) -> NDArray[np.integer]:
        # A bar's turnover times its length in milliseconds may pass 64 bits.
        return np.array([int(value) * share // length for value in column.tolist()], dtype=np.int64)

    return replace(
        bar,
        high=way(bar.high),
        low=way(bar.low),
        close=way(bar.close),
        volume=part(bar.volume),
        turnover=part(bar.turnover),
        trades=part(bar.trades),
    )


def joined(parts: list[BarTable]) -> BarTable:
    """Return the rows of all parts, which must share interval and grid."""
    first = parts[0]
    return first.with_columns({name: np.concatenate([getattr(p, name) for p in parts]) for name in COLUMNS})
