"""Equity over days and months, and the growth read from it.

A day is a UTC day. A bar belongs to the day in which it opens, so that the bar that opens at 23:59 and closes at
midnight is the last of its day. A day without bars keeps the equity of the day before.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.model.interval import DAY_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Crypto trades every day of the year.
DAYS_PER_YEAR: Final = 365.0
# So many first bars are looked at to learn the length of one.
_BARS_TO_LEARN_FROM: Final = 1000


def finite(value: float) -> float | None:
    """Return the number, or None where it is not one (NaN, infinite): JSON knows neither."""
    return float(value) if math.isfinite(value) else None


def day_ends(time_ms: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the days covered, and the index of the last bar known at the end of each.

    Args:
        time_ms: opening time per bar, ascending, ms UTC.

    Returns:
        Day numbers since 1970-01-01, without holes, and for each the last bar that opened before its end.

    >>> days, last = day_ends(np.array([0, 1000, 3 * 86_400_000]))
    >>> days.tolist(), last.tolist()
    ([0, 1, 2, 3], [1, 1, 1, 2])
    """
    if not len(time_ms):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    days = np.arange(int(time_ms[0]) // DAY_MS, int(time_ms[-1]) // DAY_MS + 1, dtype=np.int64)
    return days, np.searchsorted(time_ms, (days + 1) * DAY_MS) - 1


def daily_values(time_ms: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value at the end of each UTC day; see `day_ends`."""
    _, last = day_ends(time_ms)
    return values[last]


def simple_returns(values: NDArray[np.float64], initial: float) -> NDArray[np.float64]:
    """Return ``value[i] / value[i-1] - 1`` as fractions, the first against ``initial``.

    Growth of nothing, or of a debt, has no meaning: after a value that is not positive the return is NaN.

    >>> simple_returns(np.array([110.0, 99.0]), 100.0).round(6).tolist()
    [0.1, -0.1]
    """
    before = np.concatenate([[initial], values[:-1]]) if len(values) else values
    returns = np.full(len(values), np.nan)
    np.divide(values, before, out=returns, where=before > 0)
    return returns - 1.0


def bar_length_ms(time_ms: NDArray[np.int64]) -> int:
    """Return the usual distance of two bars in milliseconds; 0 where there are fewer than two."""
    if len(time_ms) < 2:
        return 0
    return int(np.diff(time_ms[:_BARS_TO_LEARN_FROM]).min())


def elapsed_days(time_ms: NDArray[np.int64]) -> float:
    """Return the days from the first opening to the last close."""
    if not len(time_ms):
        return 0.0
    return (int(time_ms[-1]) - int(time_ms[0]) + bar_length_ms(time_ms)) / DAY_MS


def cagr(initial: float, final: float, days: float) -> float | None:
    """Return the compound annual growth rate as a fraction: ``(final / initial) ** (365 / days) - 1``.

    Spans below one day are not projected to a year (None). An account that ends with nothing or a debt is -1.

    >>> round(cagr(100.0, 121.0, 730.0), 6)
    0.1
    """
    if days < 1 or initial <= 0:
        return None
    if final <= 0:
        return -1.0
    try:
        return finite(math.expm1(math.log(final / initial) * DAYS_PER_YEAR / days))
    except OverflowError:
        return None


def monthly_returns(
    days: NDArray[np.int64], values: NDArray[np.float64], initial: float
) -> list[tuple[int, int, float | None]]:
    """Return (year, month, fraction) per UTC month, the first against ``initial``.

    Args:
        days: day numbers since 1970-01-01, ascending.
        values: equity at the end of each day.
        initial: equity before the first day.
    """
    if not len(days):
        return []
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    last = np.flatnonzero(np.append(np.diff(months) != 0, True))
    returns = simple_returns(values[last], initial)
    return [
        (int(month) // 12 + 1970, int(month) % 12 + 1, finite(value))
        for month, value in zip(months[last], returns, strict=True)
    ]


def day_text(day: int) -> str:
    """Return the date of a day number.

    >>> day_text(19723)
    '2024-01-01'
    """
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat()
