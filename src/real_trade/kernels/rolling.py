"""Rolling statistics of integer columns. Row i uses rows up to i only; the rows before a full window are NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from real_trade.kernels.jit import compiled


@compiled
def rolling_mean(values: Any, window: int) -> Any:
    """Return the mean of the last ``window`` integers: an exact integer sum, divided once.

    Args:
        values: int64, n; the sum of a window must fit 64 bits (it does for prices in ticks).
        window: at least 1.

    Returns:
        float64, n.
    """
    n = len(values)
    # Not cleared first: writing eleven megabytes twice is what one would notice.
    means = np.empty(n)
    total = 0
    for row in range(min(window - 1, n)):
        total += values[row]
        means[row] = np.nan
    for row in range(window - 1, n):
        total += values[row]
        means[row] = total / window
        total -= values[row - window + 1]
    return means


@compiled
def rolling_max(values: Any, window: int) -> Any:
    """Return the largest of the last ``window`` integers as float64, n; linear in n (monotonic queue)."""
    return _rolling_extreme(values, window, 1)


@compiled
def rolling_min(values: Any, window: int) -> Any:
    """Return the smallest of the last ``window`` integers as float64, n; linear in n (monotonic queue)."""
    return _rolling_extreme(values, window, -1)


@compiled
def _rolling_extreme(values: Any, window: int, sign: int) -> Any:
    n = len(values)
    extremes = np.full(n, np.nan)
    # Rows whose value may still become the extreme; a ring of at most `window` of them.
    ring = np.zeros(window, np.int64)
    first = 0
    held = 0
    for row in range(n):
        if held > 0 and ring[first] <= row - window:
            first = (first + 1) % window
            held -= 1
        while held > 0 and sign * values[ring[(first + held - 1) % window]] <= sign * values[row]:
            held -= 1
        ring[(first + held) % window] = row
        held += 1
        if row >= window - 1:
            extremes[row] = values[ring[first]]
    return extremes
