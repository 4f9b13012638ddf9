"""One series: a folder of period files. Reading never waits; writing needs the folder's lock."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from real_trade.storage.files import Staging
from real_trade.storage.partition import (
    SUFFIX,
    Partition,
    give_back_memory,
    open_partition,
    unreadable,
    write_partition,
)
from real_trade.storage.ports import Upsert
from real_trade.storage.rows import Rows, Shape, between, take, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# Decoding and encoding leave Python's lock; more threads than this gain nothing on one disk.
THREADS = max(1, min(4, os.cpu_count() or 1))


def period_names(folder: Path, shape: Shape) -> list[str]:
    """Return the names of the stored periods, ascending; none where the folder is absent."""
    try:
        entries = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(folder, error) from error
    length = shape.name_length()
    return sorted(e[:length] for e in entries if e.endswith(SUFFIX) and len(e) == length + len(SUFFIX))


def open_periods(
    folder: Path, shape: Shape, from_ms: int | None = None, to_ms: int | None = None, names: Iterable[str] | None = None
) -> list[Partition]:
    """Open the stored periods that may hold rows of ``[from_ms, to_ms)``, ascending.

    They are opened from the last to the first, against the order in which a writer puts them in place: who sees a new
    file sees every earlier one that belongs to the same write.

    Raises:
        StorageError: a file is damaged.
    """
    opened = []
    for name in reversed(period_names(folder, shape) if names is None else list(names)):
        start, end = shape.span(name)
        if (from_ms is not None and end <= from_ms) or (to_ms is not None and start >= to_ms):
            continue
        partition = open_partition(folder / (name + SUFFIX), shape, from_ms, to_ms)
        if partition is not None and partition.rows:
            opened.append(partition)
    return opened[::-1]


def read_rows(
    folder: Path,
    shape: Shape,
    from_ms: int | None = None,
    to_ms: int | None = None,
    columns: Sequence[str] | None = None,
) -> Rows:
    """Return the stored rows of ``[from_ms, to_ms)``, ascending, decoded once into arrays of their final size.

    Args:
        folder: the series.
        shape: its columns and periods.
        from_ms: first time wanted, ms UTC; None for the first stored.
        to_ms: end of the span, exclusive; None for all that follows.
        columns: columns wanted, ``timestamp`` among them; None for all.

    Raises:
        StorageError: a file is damaged.
    """
    wanted = shape.columns if columns is None else tuple(columns)
    parts = open_periods(folder, shape, from_ms, to_ms)
    offsets = np.cumsum([0, *(part.rows for part in parts)]).tolist()
    rows = {name: np.empty(offsets[-1], dtype=shape.dtype(name)) for name in wanted}
    if len(parts) == 1:
        parts[0].read_into(rows, 0, wanted)
    elif parts:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda part, offset: part.read_into(rows, offset, wanted), parts, offsets))
        # Threads and open files have theirs until they are gone.
        parts.clear()
        give_back_memory()
    return between(rows, from_ms, to_ms)


def upsert_rows(folder: Path, shape: Shape, rows: Rows) -> Upsert:
    """Insert or replace rows; all touched periods are written aside before the first is put in place.

    Args:
        folder: the series; the caller holds its lock.
        shape: its columns and periods.
        rows: ascending.

    Raises:
        StorageError: a file is damaged or cannot be written; what was stored is unchanged.
    """
    with Staging(folder) as staging:

        def one(name: str, lo: int, hi: int) -> Upsert:
            stored = open_periods(folder, shape, names=[name])
            outcome, merged = Upsert(inserted=hi - lo), take(rows, slice(lo, hi))
            if stored:
                old = {column: np.empty(stored[0].rows, dtype=shape.dtype(column)) for column in shape.columns}
                stored[0].read_into(old, 0, shape.columns)
                outcome, changed = upsert(old, merged)
                if changed is None:
                    return outcome
                merged = changed
            staging.stage(name + SUFFIX, partial(write_partition, rows=merged, shape=shape))
            return outcome

        pieces = shape.split(rows["timestamp"])
        with ThreadPoolExecutor(THREADS) as pool:
            outcomes = list(pool.map(lambda piece: one(*piece), pieces))
        staging.commit()
    return sum(outcomes, Upsert())
