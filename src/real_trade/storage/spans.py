"""Trades, or changes of a book, by UTC day. No row has a name that tells it apart: whole spans are replaced."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from real_trade.model.clock import format_time
from real_trade.model.errors import InputError, MarketDataError
from real_trade.storage.files import Staging
from real_trade.storage.partition import SUFFIX, write_partition
from real_trade.storage.rows import Rows, between, concat, empty, take, typed
from real_trade.storage.series import THREADS, open_periods, period_names

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.storage.rows import Shape


def checked_events(rows: Rows, shape: Shape, from_ms: int, to_ms: int) -> Rows:
    """Return rows of the right types that ascend within ``[from_ms, to_ms)``.

    Raises:
        InputError: the span ends before it begins, or a timestamp is not in milliseconds.
        MarketDataError: the columns differ in length, or a row is out of order or outside the span.
    """
    if to_ms < from_ms:
        raise InputError(
            f"The span ends ({format_time(to_ms)}) before it begins ({format_time(from_ms)}).",
            code="reversed_range",
            field="to_ms",
            value=to_ms,
            fix="Give the earlier time first.",
        )
    columns = typed(rows, shape)
    stamps = columns["timestamp"]
    back = np.flatnonzero(stamps[1:] < stamps[:-1])
    if len(back):
        raise MarketDataError(
            f"Row {int(back[0]) + 2} is earlier than the one before it.",
            code="disorder",
            field="timestamp",
            value=int(stamps[back[0] + 1]),
            fix="Put the rows in the order of their times.",
        )
    for stamp in stamps[[0, -1]].tolist() if len(stamps) else ():
        if not from_ms <= stamp < to_ms:
            raise MarketDataError(
                f"A row of {format_time(stamp)} lies outside the span that is to be replaced.",
                code="outside_span",
                field="timestamp",
                value=stamp,
                fix="Name the whole span of the rows; it ends after the last one.",
            )
    return columns


def replace_span(folder: Path, rows: Rows, shape: Shape, from_ms: int, to_ms: int) -> int:
    """Put rows in the place of all that is stored of ``[from_ms, to_ms)`` and return how many rows that was.

    All touched days are written aside before the first is put in place; a day that would not change is left alone.

    Args:
        folder: the series; the caller holds its lock.
        rows: see `checked_events`.
        shape: of the series.
        from_ms: begin of the span.
        to_ms: end of the span, exclusive.

    Raises:
        StorageError: a file is damaged or cannot be written; what was stored is unchanged.
    """
    pieces = {name: slice(lo, hi) for name, lo, hi in shape.split(rows["timestamp"])}
    with Staging(folder) as staging:

        def one(name: str) -> int:
            stored = _day(folder, shape, name)
            before, after = between(stored, None, from_ms), between(stored, to_ms, None)
            merged = concat([before, take(rows, pieces.get(name, slice(0))), after])
            if not len(merged["timestamp"]):
                staging.remove(name + SUFFIX)
            elif not _same(stored, merged):
                staging.stage(name + SUFFIX, partial(write_partition, rows=merged, shape=shape))
            return len(stored["timestamp"]) - len(before["timestamp"]) - len(after["timestamp"])

        with ThreadPoolExecutor(THREADS) as pool:
            replaced = sum(pool.map(one, sorted(pieces.keys() | _stored_days(folder, shape, from_ms, to_ms))))
        staging.commit()
    return replaced


def _stored_days(folder: Path, shape: Shape, from_ms: int, to_ms: int) -> set[str]:
    spans = {name: shape.span(name) for name in period_names(folder, shape)}
    return {name for name, (start, end) in spans.items() if start < to_ms and from_ms < end}


def _day(folder: Path, shape: Shape, name: str) -> Rows:
    parts = open_periods(folder, shape, names=[name])
    if not parts:
        return empty(shape)
    rows = {column: np.empty(parts[0].rows, dtype=shape.dtype(column)) for column in shape.columns}
    parts[0].read_into(rows, 0, shape.columns)
    return rows


def _same(left: Rows, right: Rows) -> bool:
    return all(np.array_equal(values, right[name]) for name, values in left.items())
