"""Random but sound bars, and files made of them, for the tests of checks, import and repair."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from real_trade.model import Interval, Klines

if TYPE_CHECKING:
    from pathlib import Path

MINUTE = Interval("1m")
MINUTE_MS = 60_000
START = 1_704_067_200_000  # 2024-01-01
NAMES = ("timestamp", "open", "high", "low", "close", "volume", "turnover")


def sound_series(rows: int = 600, *, seed: int = 1, start: int = START, price: int = 4_000_000) -> Klines:
    """Bars on a grid of 0.01 whose opens follow closes, as traded markets have them."""
    rng = np.random.default_rng(seed)
    close = price + np.cumsum(rng.integers(-900, 901, rows))
    opens = np.concatenate([[price], close[:-1]]) + rng.integers(0, 2, rows)
    high = np.maximum(opens, close) + rng.integers(0, 300, rows)
    low = np.minimum(opens, close) - rng.integers(0, 300, rows)
    volume = rng.integers(1, 1_000_000, rows) / 100_000
    stamps = start + np.arange(rows, dtype=np.int64) * MINUTE_MS
    return Klines.of(stamps, opens / 100, high / 100, low / 100, close / 100, volume)


def without(klines: Klines, start: int, stop: int) -> Klines:
    """The bars but for some."""
    rows = np.arange(len(klines))
    return klines.take((rows < start) | (rows >= stop))


def changed(klines: Klines, row: int, **values: float) -> Klines:
    """The bars with other values in one row."""
    columns = {}
    for name, value in values.items():
        column = getattr(klines, name).copy()
        column[row] = value
        columns[name] = column
    return replace(klines, **columns)


def write_csv(path: Path, klines: Klines, *, stamps: list[object] | None = None) -> Path:
    """The bars as CSV with a header; other spellings of the stamps if given."""
    times = klines.timestamp.tolist() if stamps is None else stamps
    lines = ["timestamp,open,high,low,close,volume"]
    for row, time in enumerate(times):
        values = [float(getattr(klines, name)[row]) for name in NAMES[1:6]]
        lines.append(",".join([str(time), *(repr(value) for value in values)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_parquet(path: Path, klines: Klines) -> Path:
    """The bars as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({name: getattr(klines, name) for name in NAMES[:6]}), path)
    return path
