"""Statistics of closed round trips and of the fills behind them. Money is counted in integer units of 1e-8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Money units in one of the settlement currency.
UNITS: Final = 100_000_000


def money_sum(units: NDArray[np.int64]) -> float:
    """Return the sum of money units as an amount of currency, exact up to the one rounding to a float.

    >>> money_sum(np.array([10_000_000, 20_000_000]))
    0.3
    """
    return int(units.sum(dtype=np.int64)) / UNITS


def money_mean(units: NDArray[np.int64]) -> float | None:
    """Return the mean of money units as an amount of currency; None of none."""
    return int(units.sum(dtype=np.int64)) / (UNITS * len(units)) if len(units) else None


def money_extreme(units: NDArray[np.int64], *, highest: bool) -> float | None:
    """Return the highest or lowest amount; None of none."""
    if not len(units):
        return None
    return int(units.max() if highest else units.min()) / UNITS


def longest_run(mask: NDArray[np.bool_]) -> int:
    """Return the length of the longest unbroken run of true.

    >>> longest_run(np.array([True, True, False, True]))
    2
    """
    edges = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    lengths = np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)
    return int(lengths.max()) if len(lengths) else 0


def trade_returns(trades: NDArray[Any], quantity_step: float, contract_value: float) -> NDArray[np.float64]:
    """Return net profit per trade as a fraction of what was paid or received for its entry.

    Args:
        trades: closed round trips.
        quantity_step: base per lot.
        contract_value: base per unit of quantity.
    """
    value = trades["entry_price"] * trades["lots"] * (quantity_step * contract_value)
    returns = np.full(len(trades), np.nan)
    np.divide(trades["net"] / UNITS, value, out=returns, where=value > 0)
    return returns


def traded_values(
    fills: NDArray[Any], tick_size: float, quantity_step: float, contract_value: float
) -> NDArray[np.float64]:
    """Return price times quantity per fill, in quote."""
    grid = tick_size * quantity_step * contract_value
    # Ticks times lots may exceed 64 bits; as floats they lose less than is shown.
    values: NDArray[np.float64] = fills["price_ticks"].astype(np.float64) * fills["lots"] * grid
    return values


def exposure(fills: NDArray[Any], bars: int) -> float | None:
    """Return the share of bars at whose close a position was held; None without bars.

    Args:
        fills: executions in order.
        bars: number of bars of the run.
    """
    if not bars:
        return None
    position = np.cumsum(fills["side"] * fills["lots"])
    # Fills inside one bar follow each other at distance 0, so that only the last of them counts.
    held = np.diff(np.append(fills["bar"], bars))
    return float(held[position != 0].sum()) / bars


def open_position_lots(fills: NDArray[Any]) -> int:
    """Return the signed lots still held after the last fill."""
    return int((fills["side"] * fills["lots"]).sum(dtype=np.int64))
