"""Rows as columns by name: their shape, their order, and what an upsert does to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from real_trade.model.clock import parse_time
from real_trade.model.errors import MarketDataError
from real_trade.model.series import BOOK_COLUMNS, COLUMNS, TRADE_COLUMNS
from real_trade.storage.ports import Upsert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Column name -> array; all of one length, "timestamp" among them.
Rows = dict[str, "NDArray[Any]"]


# Columns that are no floats.
_TYPES: Final = {"timestamp": "i8", "update": "i8", "synthetic": "?", "snapshot": "?", "side": "i1"}


@dataclass(frozen=True, slots=True)
class Shape:
    """Which columns a series has, and which calendar period one of its files holds.

    Attributes:
        columns: names in file order, ``timestamp`` first.
        period: ``D`` day (``2024-01-05``), ``M`` month (``2024-01``) or ``Y`` year (``2024``).
        group_rows: rows that are decoded together. A day of minutes touches one or two groups of 8,192; larger ones
            gain little in size, smaller ones cost speed.
    """

    columns: tuple[str, ...]
    period: Literal["D", "M", "Y"]
    group_rows: int = 8192

    def dtype(self, column: str) -> np.dtype[Any]:
        """Return the type of a column."""
        return np.dtype(_TYPES.get(column, "f8"))

    def split(self, stamps: NDArray[np.int64]) -> list[tuple[str, int, int]]:
        """Return (period's name, first row, row after the last) per period; ``stamps`` ascend."""
        if not len(stamps):
            return []
        first, last = stamps[[0, -1]].astype("datetime64[ms]").astype(f"datetime64[{self.period}]")
        # The unit is said: a step without one is deprecated by NumPy.
        periods = np.arange(first, last + np.timedelta64(1, self.period), np.timedelta64(1, self.period))
        edges = [*np.searchsorted(stamps, _milliseconds(periods)).tolist(), len(stamps)]
        return [(str(p), lo, hi) for p, lo, hi in zip(periods, edges, edges[1:], strict=False) if lo < hi]

    def span(self, name: str) -> tuple[int, int]:
        """Return the milliseconds ``[from, to)`` of the period so named."""
        period = np.datetime64(name, self.period)
        from_ms, to_ms = _milliseconds(np.array([period, period + np.timedelta64(1, self.period)])).tolist()
        return from_ms, to_ms

    def name_length(self) -> int:
        """Return the length of a period's name."""
        return {"D": 10, "M": 7, "Y": 4}[self.period]


KLINE_SHAPE: Final = Shape(COLUMNS, "M")
FUNDING_SHAPE: Final = Shape(("timestamp", "rate"), "Y")
# A day of events has up to millions of rows, and is read whole or by the hour.
TRADE_SHAPE: Final = Shape(TRADE_COLUMNS, "D", group_rows=65_536)
BOOK_SHAPE: Final = Shape(BOOK_COLUMNS, "D", group_rows=65_536)


def typed(rows: Rows, shape: Shape) -> Rows:
    """Return rows of the right types, in the order given.

    Raises:
        MarketDataError: the columns differ in length.
        InputError: the earliest or the latest timestamp is not in milliseconds.
    """
    columns = {name: np.asarray(rows[name], dtype=shape.dtype(name)) for name in shape.columns}
    stamps = columns["timestamp"]
    for name, values in columns.items():
        if values.shape != stamps.shape:
            raise MarketDataError(
                f"Column {name} has {len(values)} rows, timestamp has {len(stamps)}.", field=name, value=len(values)
            )
    if len(stamps):
        parse_time(int(stamps.min()), field="timestamp")
        parse_time(int(stamps.max()), field="timestamp")
    return columns


def ascending(rows: Rows, shape: Shape) -> Rows:
    """Return rows of the right types, ascending by time; of equal times the last given one stays.

    Raises:
        MarketDataError: the columns differ in length.
        InputError: a timestamp is not in milliseconds.
    """
    columns = typed(rows, shape)
    stamps = columns["timestamp"]
    if bool((stamps[1:] > stamps[:-1]).all()):
        return columns
    order = np.argsort(stamps, kind="stable")
    sorted_stamps = stamps[order]
    last_of_equal = np.append(sorted_stamps[1:] != sorted_stamps[:-1], True)
    return take(columns, order[last_of_equal])


def upsert(stored: Rows, new: Rows) -> tuple[Upsert, Rows | None]:
    """Put new rows among stored ones; both ascend.

    Returns:
        What happened, and the rows afterwards; None where nothing changes.
    """
    size, old = len(new["timestamp"]), len(stored["timestamp"])
    if not old:
        return Upsert(inserted=size), new if size else None
    at = np.searchsorted(stored["timestamp"], new["timestamp"])
    found = np.zeros(size, dtype=np.bool_)
    inside = at < old
    found[inside] = stored["timestamp"][at[inside]] == new["timestamp"][inside]
    same_place = at[found]
    revised = _differ(take(stored, same_place), take(new, found))
    known, changes = len(same_place), int(revised.sum())
    outcome = Upsert(inserted=size - known, unchanged=known - changes, revised=changes)
    if not outcome.inserted and not changes:
        return outcome, None
    merged = stored
    if changes:
        merged = {name: values.copy() for name, values in stored.items()}
        for name, values in merged.items():
            values[same_place[revised]] = new[name][found][revised]
    if outcome.inserted:
        merged = {name: np.insert(values, at[~found], new[name][~found]) for name, values in merged.items()}
    return outcome, merged


def take(rows: Rows, which: slice | NDArray[Any]) -> Rows:
    """Return the rows that a slice, mask or index array chooses."""
    return {name: values[which] for name, values in rows.items()}


def between(rows: Rows, from_ms: int | None, to_ms: int | None) -> Rows:
    """Return the rows with ``from_ms <= timestamp < to_ms``; rows ascend, None leaves an end open."""
    stamps = rows["timestamp"]
    lo = 0 if from_ms is None else int(np.searchsorted(stamps, from_ms))
    hi = len(stamps) if to_ms is None else int(np.searchsorted(stamps, to_ms))
    return rows if (lo, hi) == (0, len(stamps)) else take(rows, slice(lo, max(lo, hi)))


def concat(parts: Sequence[Rows]) -> Rows:
    """Return the rows of all parts (one at least), in their order."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def empty(shape: Shape) -> Rows:
    """Return no rows."""
    return {name: np.empty(0, dtype=shape.dtype(name)) for name in shape.columns}


def _differ(left: Rows, right: Rows) -> NDArray[np.bool_]:
    """Tell per row whether any column differs; two NaN are equal."""
    result = np.zeros(len(left["timestamp"]), dtype=np.bool_)
    for name, values in left.items():
        differs = values != right[name]
        if values.dtype.kind == "f":
            differs &= ~(np.isnan(values) & np.isnan(right[name]))
        result |= differs
    return result


def _milliseconds(periods: NDArray[Any]) -> NDArray[np.int64]:
    return periods.astype("datetime64[ms]").astype(np.int64)
