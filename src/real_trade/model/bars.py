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


class Bar(NamedTuple):
    """The bar that has just closed; prices in ticks.

    Attributes:
        time_ms: opening time.
        open, high, low, close: integers, ticks of the instrument.
        volume: in base currency.
        synthetic: True if the bar was filled in rather than traded; a careful strategy does nothing on it.
    """

    time_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: float
    synthetic: bool


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


# Rows converted at a time: temporaries stay in the processor's cache.
_CHUNK_ROWS = 32_768


def _ticks(klines: Klines, name: str, instrument: Instrument) -> NDArray[np.int64]:
    prices: NDArray[np.float64] = getattr(klines, name)
    tick = instrument.tick_size
    ticks = np.empty(len(prices), np.int64)
    for start in range(0, len(prices), _CHUNK_ROWS):
        chunk = prices[start : start + _CHUNK_ROWS]
        # Below 1, multiplying by the tick's inverse (a whole number for 0.01 or 0.5) is closer than dividing by it.
        steps = chunk / float(tick) if tick >= 1 else chunk * float(1 / tick)
        whole = np.rint(steps)
        # A decimal price and its float differ by far less than a thousandth of a tick.
        bad = ~(np.abs(steps - whole) < 1e-3) | ~(whole > 0)
        if bad.any():
            raise _off_grid(klines, name, start + int(np.argmax(bad)), instrument)
        ticks[start : start + _CHUNK_ROWS] = whole
    return ticks


def _off_grid(klines: Klines, name: str, row: int, instrument: Instrument) -> MarketDataError:
    price = float(getattr(klines, name)[row])
    return MarketDataError(
        f"The {name} of {format_time(int(klines.timestamp[row]))}, {price}, is not on the grid of {instrument.symbol} "
        f"(tick {instrument.tick_size}).",
        code="off_grid",
        field=name,
        value=price,
        fix="Import the series with the right instrument (--instrument FILE).",
    )
