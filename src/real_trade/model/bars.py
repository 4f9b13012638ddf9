"""Bars as the core sees them: integer ticks, one array per column."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from real_trade.model.clock import format_time
from real_trade.model.errors import MarketDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.model.instrument import Instrument
    from real_trade.model.series import Klines


class Bars(NamedTuple):
    """Columns of n bars.

    Attributes:
        time_ms: int64, opening time.
        open, high, low, close: int64, ticks.
        volume: float64.
        synthetic: bool, filled in rather than traded.
    """

    time_ms: NDArray[np.int64]
    open: NDArray[np.int64]
    high: NDArray[np.int64]
    low: NDArray[np.int64]
    close: NDArray[np.int64]
    volume: NDArray[np.float64]
    synthetic: NDArray[np.bool_]


def bars_from_klines(klines: Klines, instrument: Instrument) -> Bars:
    """Turn float prices into ticks.

    Raises:
        MarketDataError: a price that is not a positive number, lies off the grid, or outside its bar's high and low;
            or times that do not ascend.
    """
    if len(klines) > 1 and not bool((np.diff(klines.timestamp) > 0).all()):
        raise MarketDataError(
            "Bars are not in ascending order of time.",
            code="disorder",
            field="timestamp",
            fix="Run verify-data to see where.",
        )
    columns = {name: _ticks(klines, name, instrument) for name in ("open", "high", "low", "close")}
    wrong = (columns["high"] < np.maximum(columns["open"], columns["close"])) | (
        columns["low"] > np.minimum(columns["open"], columns["close"])
    )
    if wrong.any():
        row = int(np.argmax(wrong))
        raise MarketDataError(
            f"The bar of {format_time(int(klines.timestamp[row]))} has an open or close outside its high and low.",
            code="ohlc",
            field="high",
            value=float(klines.high[row]),
            fix="Run verify-data to see every such bar.",
        )
    return Bars(klines.timestamp, **columns, volume=klines.volume, synthetic=klines.synthetic)


def _ticks(klines: Klines, name: str, instrument: Instrument) -> NDArray[np.int64]:
    prices: NDArray[np.float64] = getattr(klines, name)
    tick = instrument.tick_size
    # Dividing by a power of ten that is exact in binary keeps decimal prices on their grid; others multiply.
    steps = prices / float(tick) if tick >= 1 else prices * float(1 / tick)
    ticks = np.rint(steps)
    # A decimal price and its float differ by far less than a millionth of a tick.
    bad = ~(np.abs(steps - ticks) < 1e-3) | ~(ticks > 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise MarketDataError(
            f"The {name} of {format_time(int(klines.timestamp[row]))}, {prices[row]}, is not on the grid of "
            f"{instrument.symbol} (tick {tick}).",
            code="off_grid",
            field=name,
            value=float(prices[row]),
            fix="Import the series with the right instrument (--instrument FILE).",
        )
    return ticks.astype(np.int64)
