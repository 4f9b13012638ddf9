"""Ratios of return to risk.

All are taken from the returns of UTC days, over a risk-free rate of zero, and annualised with 365 days, because
crypto trades every day. A ratio whose denominator is zero, or whose returns have no meaning, is None.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.metrics.returns import DAYS_PER_YEAR, finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A spread this small against the mean is rounding, not risk.
_NO_SPREAD: Final = 1e-12


def volatility(daily: NDArray[np.float64]) -> float | None:
    """Return the annualised standard deviation of daily returns, a fraction: ``std(daily, ddof=1) * sqrt(365)``."""
    if len(daily) < 2:
        return None
    return finite(float(daily.std(ddof=1)) * math.sqrt(DAYS_PER_YEAR))


def sharpe(daily: NDArray[np.float64]) -> float | None:
    """Return ``mean(daily) / std(daily, ddof=1) * sqrt(365)`` (Sharpe, "The Sharpe Ratio", 1994)."""
    spread = _spread(daily)
    return None if spread is None else finite(float(daily.mean()) / spread * math.sqrt(DAYS_PER_YEAR))


def sortino(daily: NDArray[np.float64]) -> float | None:
    """Return ``mean(daily) / sqrt(mean(min(daily, 0)**2)) * sqrt(365)`` (Sortino and Price, 1994).

    The downside is measured against zero and averaged over all days, not over the losing ones alone.
    """
    if not len(daily):
        return None
    downside = math.sqrt(float(np.square(np.minimum(daily, 0.0)).mean()))
    return finite(float(daily.mean()) / downside * math.sqrt(DAYS_PER_YEAR)) if downside > 0 else None


def calmar(growth: float | None, drawdown: float) -> float | None:
    """Return the compound annual growth rate over the greatest drawdown, both fractions (Young, 1991)."""
    return None if growth is None or drawdown <= 0 else finite(growth / drawdown)


def omega(daily: NDArray[np.float64]) -> float | None:
    """Return the sum of gains over the sum of losses of daily returns, threshold zero (Keating and Shadwick, 2002)."""
    losses = float(-np.minimum(daily, 0.0).sum())
    return finite(float(np.maximum(daily, 0.0).sum()) / losses) if losses > 0 else None


def sqn(net: NDArray[np.float64]) -> float | None:
    """Return the system quality number, ``sqrt(n) * mean(net) / std(net, ddof=1)`` over trades (Tharp, 2008)."""
    spread = _spread(net)
    return None if spread is None else finite(math.sqrt(len(net)) * float(net.mean()) / spread)


def kelly(win_rate: float, average_win: float, average_loss: float) -> float | None:
    """Return the share of capital that grows it fastest, ``w - (1 - w) / (win / loss)`` (Kelly, 1956).

    Args:
        win_rate: share of winning trades.
        average_win: mean amount of the winning trades, positive.
        average_loss: mean amount of the losing trades, positive.
    """
    if average_win <= 0 or average_loss <= 0:
        return None
    return win_rate - (1 - win_rate) * average_loss / average_win


def _spread(values: NDArray[np.float64]) -> float | None:
    if len(values) < 2:
        return None
    spread = float(values.std(ddof=1))
    return spread if spread > _NO_SPREAD * abs(float(values.mean())) else None
