"""Checks of opening times: order, repetition, and bars that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from real_trade.data.checks.grid import minute, name_minutes, opens, slots
from real_trade.data.findings import Finding
from real_trade.model.series import COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.data.stamps import Stamps
    from real_trade.model.interval import Interval
    from real_trade.model.series import Klines


def check_units(stamps: Stamps, interval: Interval | None, where: str = "") -> list[Finding]:
    """Find stamps that were not given in the unit of the first one."""
    units = stamps.units
    if len(units) < 2:
        return []
    other = stamps.ms[stamps.unit != stamps.unit[0]]
    first, last = int(other.min()), int(other.max())
    end = interval.next_open(last) if interval else last + 1
    detail = f"{units[0]} at first, {' and '.join(units[1:])} from {minute(first)}{where}; read as what they are"
    return [Finding.of("time_unit_mixed", first, end, len(other), detail)]


def check_order(klines: Klines, interval: Interval) -> tuple[list[Finding], Klines]:
    """Find rows out of order, off the grid or repeated; return also the bars ascending and each once.

    Of rows that share an opening time the first in the file is kept.
    """
    stamps, found = klines.timestamp, []
    late = np.flatnonzero(stamps < np.maximum.accumulate(stamps)) if len(stamps) else stamps
    if len(late):
        found.append(_disorder(stamps[late], interval, len(stamps)))
        klines = klines.take(np.argsort(stamps, kind="stable"))
        stamps = klines.timestamp
    off = np.flatnonzero(opens(interval, slots(interval, stamps)) != stamps)
    if len(off):
        found.append(_off_grid(stamps[off], interval))
    repeated = np.flatnonzero(np.diff(stamps) == 0) + 1
    if len(repeated):
        found.append(_duplicate(klines, repeated, interval))
        keep = np.ones(len(stamps), dtype=np.bool_)
        keep[repeated] = False
        klines = klines.take(keep)
    return found, klines


def _disorder(late: NDArray[np.int64], interval: Interval, rows: int) -> Finding:
    first, last = int(late.min()), int(late.max())
    if len(late) == rows - 1:
        detail = "the rows do not ascend anywhere after the first: newest first?"
    else:
        detail = f"rows that come after a later one: {name_minutes(late)}"
    return Finding.of("disorder", first, interval.next_open(interval.floor(last)), len(late), detail)


def _off_grid(off: NDArray[np.int64], interval: Interval) -> Finding:
    end = interval.next_open(interval.floor(int(off[-1])))
    detail = f"rows that do not open on a whole {interval}: {name_minutes(off)}"
    return Finding.of("disorder", int(off[0]), end, len(off), detail)


def _duplicate(klines: Klines, repeated: NDArray[np.int64], interval: Interval) -> Finding:
    stamps = klines.timestamp[repeated]
    differs = np.zeros(len(repeated), dtype=np.bool_)
    for name in COLUMNS[1:7]:
        column = getattr(klines, name)
        a, b = column[repeated], column[repeated - 1]
        differs |= (a != b) & ~(np.isnan(a) & np.isnan(b))
    values = f"{int(differs.sum()):,} with other values" if differs.any() else "all with the same values"
    detail = f"repeated opening times, {values}: {name_minutes(np.unique(stamps))}"
    return Finding.of("duplicate", int(stamps[0]), interval.next_open(int(stamps[-1])), len(repeated), detail)


def check_gaps(stamps: NDArray[np.int64], interval: Interval) -> list[Finding]:
    """Find bars missing between two others; one finding per gap. Stamps ascend, each once."""
    numbers = slots(interval, stamps)
    missing = np.diff(numbers) - 1
    rows = np.flatnonzero(missing > 0)
    starts = opens(interval, numbers[rows] + 1)
    ends = opens(interval, numbers[rows + 1]) if len(rows) else starts
    return [
        Finding.of("gap", a, b, n, f"{n:,} bars missing from {minute(a)}, the next one opens {minute(b)}")
        for a, b, n in zip(starts.tolist(), ends.tolist(), missing[rows].tolist(), strict=True)
    ]


def check_span(
    stamps: NDArray[np.int64], interval: Interval, from_ms: int | None, to_ms: int | None, now_ms: int
) -> list[Finding]:
    """Find bars missing at the ends of the promised span.

    Args:
        stamps: ascending.
        interval: bar length.
        from_ms, to_ms: the promised span ``[from, to)``; None where nothing is promised.
        now_ms: no bar is expected that has not ended by then.
    """
    found = []
    if to_ms is not None:
        to_ms = min(to_ms, interval.floor(now_ms))
    if not len(stamps):
        count = interval.count(from_ms, to_ms) if from_ms is not None and to_ms is not None else 0
        if count:
            detail = "there is no bar at all in the promised span"
            found.append(Finding.of("late_start", from_ms, to_ms, count, detail))
        return found
    first, end = int(stamps[0]), interval.next_open(interval.floor(int(stamps[-1])))
    if from_ms is not None and (count := interval.count(from_ms, first)):
        detail = f"promised from {minute(from_ms)}, the first bar opens {minute(first)}: {count:,} bars missing"
        found.append(Finding.of("late_start", interval.ceil(from_ms), first, count, detail))
    if to_ms is not None and (count := interval.count(end, to_ms)):
        detail = f"promised up to {minute(to_ms)}, the last bar ends {minute(end)}: {count:,} bars missing"
        found.append(Finding.of("early_end", end, to_ms, count, detail))
    return found
