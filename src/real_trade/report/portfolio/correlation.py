"""How alike the days of two strategies are: what losses at the same time would cost cannot be seen in either alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.metrics.returns import daily_values
from real_trade.model.instrument import MONEY_UNIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from real_trade.report.portfolio.sides import Side

# From fewer days nothing can be said.
_LEAST_DAYS: Final = 5


def daily_correlations(strategies: Sequence[Side]) -> list[list[float | None]]:
    """Return Pearson's correlation of the profits of UTC days, a row for each strategy.

    None where one of the two had the same profit every day. Empty where there are fewer than two strategies, or five
    days.
    """
    if len(strategies) < 2:
        return []
    profits = np.vstack([_daily_profits(side) for side in strategies])
    if profits.shape[1] < _LEAST_DAYS:
        return []
    apart = profits - profits.mean(axis=1, keepdims=True)
    size = np.sqrt((apart**2).sum(axis=1))
    product = np.outer(size, size)
    found = np.divide(apart @ apart.T, product, out=np.full_like(product, np.nan), where=product > 0)
    return [[None if np.isnan(value) else float(np.clip(value, -1, 1)) for value in row] for row in found]


def _daily_profits(side: Side) -> NDArray[np.float64]:
    ends = daily_values(side.time_ms, side.equity)
    return np.diff(ends, prepend=side.initial_units * float(MONEY_UNIT))
