"""The curves of a portfolio, thinned for the eye: of each stretch of bars the lowest, highest and last points stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from real_trade.metrics.drawdown import drawdown_fractions
from real_trade.metrics.returns import bar_length_ms
from real_trade.model.instrument import MONEY_UNIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.report.portfolio.sides import Side

# Stretches of bars that a curve is cut into: about as many as a chart has columns of pixels.
STRETCHES: Final = 1200
# Points that are kept of a stretch: lowest and highest equity, deepest drawdown, the end.
_KEPT: Final = 4


def stretch_of(bars: int) -> int:
    """Return how many bars one stretch has; 1 where every bar is kept."""
    return 1 if bars <= STRETCHES * _KEPT else -(-bars // STRETCHES)


def curve(side: Side) -> dict[str, Any]:
    """Return the points of one curve, JSON-ready: the start, then closes.

    Returns:
        ``time`` (ms), ``equity`` (settlement currency), ``drawdown`` (fractions, zero or negative) and ``liquidated``
        (ms).
    """
    length = bar_length_ms(side.time_ms)
    initial = side.initial_units * float(MONEY_UNIT)
    falls = drawdown_fractions(side.equity, initial)
    kept = kept_points(side.equity, falls)
    start = int(side.time_ms[0]) if len(side.time_ms) else 0
    return {
        "time": [start, *(side.time_ms[kept] + length).tolist()],
        "equity": [initial, *side.equity[kept].round(8).tolist()],
        "drawdown": [0.0, *(-falls[kept]).round(8).tolist()],
        "liquidated": (side.liquidated_ms + length).tolist(),
    }


def kept_points(equity: NDArray[np.float64], falls: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bars whose points stay, ascending."""
    bars = len(equity)
    size = stretch_of(bars)
    if size == 1:
        return np.arange(bars, dtype=np.int64)
    count = -(-bars // size)
    starts = np.arange(count, dtype=np.int64) * size
    # The last stretch is filled up with its last value: the first of equals is chosen, which is there.
    rows, depths = (np.pad(v, (0, count * size - bars), mode="edge").reshape(count, size) for v in (equity, falls))
    picked = [starts + found for found in (rows.argmin(axis=1), rows.argmax(axis=1), depths.argmax(axis=1))]
    return np.unique(np.concatenate([*picked, np.minimum(starts + size, bars) - 1]))
