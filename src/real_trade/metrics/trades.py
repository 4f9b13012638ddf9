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


def values_of(lots: NDArray[Any], prices: NDArray[Any], unit: float, *, inverse: bool) -> NDArray[np.float64]:
    """Return what so many lots are worth at each price, in settlement currency; not defined at a price of 0.

    >>> values_of(np.array([200]), np.array([50_000.0]), 100.0, inverse=True).tolist()
    [0.4]

    Args:
        lots: quantities.
        prices: in quote, floats.
        unit: base per lot; inverse: quote per lot.
        inverse: the price divides.
    """
    # Prices come first: whole numbers of ticks times lots may exceed 64 bits, as floats they lose less than is shown.
    values: NDArray[np.float64] = lots * unit / prices if inverse else prices * lots * unit
    return values


def trade_returns(trades: NDArray[Any], unit: float, *, inverse: bool) -> NDArray[np.float64]:
    """Return net profit per trade as a fraction of the value at its entry.

    Args:
        trades: closed round trips.
        unit, inverse: as in `values_of`.
    """
    known = trades["entry_price"] > 0
    value = values_of(trades["lots"], np.where(known, trades["entry_price"], 1.0), unit, inverse=inverse)
    returns = np.full(len(trades), np.nan)
    np.divide(trades["net"] / UNITS, value, out=returns, where=known & (value > 0))
    return returns


def traded_values(fills: NDArray[Any], tick_size: float, unit: float, *, inverse: bool) -> NDArray[np.float64]:
    """Return the value of each fill, in settlement currency; ``unit`` and ``inverse`` as in `values_of`."""
    return values_of(fills["lots"], fills["price_ticks"] * tick_size, unit, inverse=inverse)


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
