"""Single trades as the core sees them: integer ticks, one array per column."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from real_trade.model.clock import format_time
from real_trade.model.errors import MarketDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.model.instrument import Instrument
    from real_trade.model.series import Trades


class Tape(NamedTuple):
    """Columns of n trades, in the order in which they happened.

    Attributes:
        time_ms: int64.
        price: int64, ticks.
        size: float64, base currency (inverse: as the venue gives it).
        side: int64, +1 the buyer was the taker, -1 the seller, 0 unknown.
    """

    time_ms: NDArray[np.int64]
    price: NDArray[np.int64]
    size: NDArray[np.float64]
    side: NDArray[np.int64]


class Trade(NamedTuple):
    """The trade that has just happened.

    Attributes:
        time_ms: when.
        price: ticks.
        size: base currency (inverse: as the venue gives it).
        side: +1 the buyer was the taker, -1 the seller, 0 unknown.
    """

    time_ms: int
    price: int
    size: float
    side: int


def tape_of(trades: Trades, instrument: Instrument) -> Tape:
    """Turn float prices into ticks.

    Raises:
        MarketDataError: a price that is not a positive number or lies off the grid, or times that descend.
    """
    if len(trades) > 1 and bool((np.diff(trades.timestamp) < 0).any()):
        raise MarketDataError(
            "Trades are not in ascending order of time.",
            code="disorder",
            field="timestamp",
            fix="Import them again.",
        )
    steps = trades.price / float(instrument.tick_size)
    ticks = np.rint(steps)
    bad = ~(np.abs(steps - ticks) < 1e-3) | ~(ticks > 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise MarketDataError(
            f"The trade of {format_time(int(trades.timestamp[row]))} at {trades.price[row]} is not on the grid of "
            f"{instrument.symbol} (tick {instrument.tick_size}).",
            code="off_grid",
            field="price",
            value=float(trades.price[row]),
            fix="Import the series with the right instrument (--instrument FILE).",
        )
    size = np.ascontiguousarray(trades.size, np.float64)
    return Tape(trades.timestamp, ticks.astype(np.int64), size, trades.side.astype(np.int64))
