"""Drawdown: how far, and for how long, equity stood below its highest value so far.

The starting capital counts as the first peak. An account may fall below zero, and its drawdown above one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One stay below a peak.

    Attributes:
        fraction: greatest loss as a share of the peak.
        start: index of the bar of the peak (0 where the starting capital is the peak).
        end: index of the bar of the greatest loss.
        recovery: index of the first bar back at the peak; None while there is none.
    """

    fraction: float
    start: int
    end: int
    recovery: int | None


def running_peak(equity: NDArray[np.float64], initial: float) -> NDArray[np.float64]:
    """Return the highest value up to and including each bar, ``initial`` at least."""
    peak = np.maximum.accumulate(equity) if len(equity) else equity.copy()
    return np.maximum(peak, initial, out=peak)


def drawdown_fractions(equity: NDArray[np.float64], initial: float) -> NDArray[np.float64]:
    """Return ``(peak - equity) / peak`` per bar, 0 at a peak and where no peak is positive.

    >>> drawdown_fractions(np.array([90.0, 120.0, 60.0]), 100.0).tolist()
    [0.1, 0.0, 0.5]
    """
    peak = running_peak(equity, initial)
    fall = peak - equity
    if initial > 0:
        return np.divide(fall, peak, out=fall)
    return np.divide(fall, peak, out=np.zeros_like(fall), where=peak > 0)


def max_drawdown(fractions: NDArray[np.float64]) -> Drawdown | None:
    """Return the deepest drawdown, the earliest of equals; None where there never was one.

    Args:
        fractions: drawdown per bar, from `drawdown_fractions`.
    """
    end = int(fractions.argmax()) if len(fractions) else 0
    if not len(fractions) or fractions[end] <= 0:
        return None
    return _around(fractions, end)


def worst_drawdowns(fractions: NDArray[np.float64], count: int = 5) -> list[Drawdown]:
    """Return the deepest separate drawdowns, deepest first.

    Args:
        fractions: drawdown per bar, from `drawdown_fractions`.
        count: how many at most.
    """
    under = np.concatenate([[False], fractions > 0])
    starts = np.flatnonzero(~under[:-1] & under[1:])
    if not len(starts):
        return []
    # Between two stays every fraction is 0, so that a segment may run up to the next stay.
    depths = np.maximum.reduceat(fractions, starts)
    deepest = np.argsort(-depths, kind="stable")[:count]
    ends = np.append(starts[1:], len(fractions))
    return [_around(fractions, int(starts[i]) + int(fractions[starts[i] : ends[i]].argmax())) for i in deepest]


def longest_under_water(fractions: NDArray[np.float64]) -> tuple[int, int]:
    """Return (bar of the peak, first bar back at it or the last bar) of the longest stay below a peak, in bars."""
    at_peak = np.flatnonzero(fractions <= 0)
    edges = np.concatenate([[0], at_peak, [max(len(fractions) - 1, 0)]])
    widest = int(np.diff(edges).argmax())
    start, stop = int(edges[widest]), int(edges[widest + 1])
    return (start, stop) if stop - start > 1 or (len(fractions) and fractions[stop] > 0) else (0, 0)


def under_water_share(fractions: NDArray[np.float64]) -> float | None:
    """Return the share of bars that close below the highest equity so far; None without bars."""
    return float(np.count_nonzero(fractions > 0)) / len(fractions) if len(fractions) else None


def max_drawdown_amount(equity: NDArray[np.float64], initial: float) -> float:
    """Return the greatest ``peak - equity`` in money; it need not be where the greatest share is."""
    if not len(equity):
        return 0.0
    fall = running_peak(equity, initial)
    np.subtract(fall, equity, out=fall)
    return float(fall.max())


def _around(fractions: NDArray[np.float64], end: int) -> Drawdown:
    """Return the drawdown whose deepest bar is ``end``: the peak before it, the recovery after it."""
    before = _last_at_peak(fractions, end)
    after = _first_at_peak(fractions, end)
    return Drawdown(float(fractions[end]), before, end, after)


def _last_at_peak(fractions: NDArray[np.float64], end: int) -> int:
    at_peak = fractions[end::-1] <= 0
    distance = int(at_peak.argmax())
    return end - distance if at_peak[distance] else 0


def _first_at_peak(fractions: NDArray[np.float64], end: int) -> int | None:
    at_peak = fractions[end:] <= 0
    distance = int(at_peak.argmax())
    return end + distance if at_peak[distance] else None
