"""Funding: what a position in a perpetual pays or gets at a settlement, and which bar it falls on.

    payment = value of the position at the mark price * rate

in quote on linear, in base on inverse contracts; longs pay where the rate is positive, shorts get it, and the other way
round (Bybit, "Funding fee calculation"; Binance, "Introduction to Binance Futures funding rates"). Only who holds a
position at the settlement takes part, so a settlement is charged on the position as it was before the fills of its bar.
Rates are integers of 1e-9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from real_trade.kernels.arithmetic import RATE_SCALE, WIDE_LIMIT, multiply_divide
from real_trade.kernels.jit import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Largest denominator of a linear value, and largest product of mark price in ticks and denominator on inverse.
FUNDING_DIVISOR_LIMIT: Final = WIDE_LIMIT // RATE_SCALE
# Venues stamp a settlement up to some ms after its time (Binance: 47 ms at most from 2020 to 2023).
STAMP_TOLERANCE_MS: Final = 1_000
_MINUTE_MS: Final = 60_000


class Settlements(NamedTuple):
    """Settlements that fall on bars, in order of time; columns of equal length.

    Attributes:
        bar: int64, index of the first bar that opens at or after the settlement.
        rate: int64, 1e-9 of the position's value; positive: longs pay.
        price_ticks: int64, mark price where one is stored for that time, else the opening price of the bar.
        on_mark: bool, whether it is a mark price.
    """

    bar: NDArray[np.int64]
    rate: NDArray[np.int64]
    price_ticks: NDArray[np.int64]
    on_mark: NDArray[np.bool_]


@compiled
def linear_funding(lots: int, mark_ticks: int, rate: int, numerator: int, denominator: int) -> int:
    """Return what a linear position pays at a settlement (negative: gets), money units, rounded once, half-even.

    ``abs(lots) * mark_ticks * numerator`` is at most 2**62, the denominator at most `FUNDING_DIVISOR_LIMIT`.
    """
    return multiply_divide(lots * mark_ticks * numerator, rate, denominator * RATE_SCALE)


@compiled
def inverse_funding(lots: int, mark_ticks: int, rate: int, numerator: int, denominator: int) -> int:
    """Return what an inverse position pays at a settlement (negative: gets), money units of base, rounded once.

    Fraction as in `kernels.inverse`. ``abs(lots) * numerator`` is at most 2**62, ``mark_ticks * denominator`` at most
    `FUNDING_DIVISOR_LIMIT`.
    """
    return multiply_divide(lots * numerator, rate, mark_ticks * denominator * RATE_SCALE)


@compiled
def funding_of(lots: int, mark_ticks: int, rate: int, numerator: int, denominator: int, inverse: bool) -> int:
    """Return what a position pays at a settlement, whichever way it is settled."""
    if inverse:
        return inverse_funding(lots, mark_ticks, rate, numerator, denominator)
    return linear_funding(lots, mark_ticks, rate, numerator, denominator)


def rate_units(rates: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return rates as integers of 1e-9, rounded half-even; venues give at most nine decimals."""
    return np.rint(np.asarray(rates, np.float64) * RATE_SCALE).astype(np.int64)


def settlement_times(stamps_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the times that settlements were due: stamps within a second of a full minute are put on it."""
    stamps = np.asarray(stamps_ms, np.int64)
    minute = (stamps + _MINUTE_MS // 2) // _MINUTE_MS * _MINUTE_MS
    return np.where(np.abs(stamps - minute) <= STAMP_TOLERANCE_MS, minute, stamps)


def constant_funding(
    from_ms: int, to_ms: int, interval_ms: int, rate: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return times and rates of a stated constant rate: one settlement per interval of UTC in ``[from_ms, to_ms)``.

    Args:
        from_ms, to_ms: span, ms UTC.
        interval_ms: 8 hours give 00:00, 08:00 and 16:00.
        rate: 1e-9 per settlement.
    """
    first = -(-from_ms // interval_ms) * interval_ms
    times = np.arange(first, to_ms, interval_ms, dtype=np.int64)
    return times, np.full(len(times), rate, np.int64)


def settlements(
    open_ms: NDArray[np.int64],
    open_ticks: NDArray[np.int64],
    stamps_ms: NDArray[np.int64],
    rates: NDArray[np.int64],
    mark_ms: NDArray[np.int64] | None = None,
    mark_ticks: NDArray[np.int64] | None = None,
) -> Settlements:
    """Put settlements on bars: each on the first bar that opens at or after it.

    What was settled before the first bar opened, or after the last one did, falls on no bar and is left out.

    Args:
        open_ms, open_ticks: opening time, ascending, and opening price of each bar.
        stamps_ms, rates: settlements as stored, ascending, rates in 1e-9.
        mark_ms, mark_ticks: opening times, ascending, and opening mark prices, where they are stored.
    """
    due = settlement_times(stamps_ms)
    bar = np.searchsorted(open_ms, due, side="left").astype(np.int64)
    known = (bar < len(open_ms)) & (due >= (open_ms[0] if len(open_ms) else 0))
    due, bar = due[known], bar[known]
    price = np.asarray(open_ticks, np.int64)[bar]
    on_mark = np.zeros(len(bar), np.bool_)
    if mark_ms is not None and mark_ticks is not None and len(mark_ms):
        row = np.minimum(np.searchsorted(mark_ms, due), len(mark_ms) - 1)
        on_mark = np.asarray(mark_ms)[row] == due
        price = np.where(on_mark, np.asarray(mark_ticks, np.int64)[row], price)
    return Settlements(bar, np.asarray(rates, np.int64)[known], price, on_mark)
