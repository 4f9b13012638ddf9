"""Bands laid out for drawing: where equity may go when the trades of a run are drawn again, and where it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from real_trade.metrics.trades import UNITS
from real_trade.report.formatting import money_text, number
from real_trade.report.trust import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_WIDTH: Final = 340
_PLOT: Final = 272  # the rest is for the numbers on the right
_HEIGHT: Final = 190
_TOP: Final = 18
_FLOOR: Final = 172


@dataclass(frozen=True, slots=True)
class Fan:
    """One method's band, in units of the picture.

    Attributes:
        method: its name in words.
        band: corners of the area from the 5th to the 95th percentile.
        middle, actual: points of the median and of the run itself; empty where unknown.
        start: height of the starting balance.
        high, low: the band's ends at the right edge as text, and ``high_y``, ``low_y`` where they stand.
    """

    method: str
    band: str
    middle: str
    actual: str
    start: float
    high: str
    low: str
    high_y: float
    low_y: float
    width: int = _WIDTH
    plot: int = _PLOT
    height: int = _HEIGHT


def lay_out_fans(methods: Mapping[str, Any], initial_units: int, net: NDArray[np.int64]) -> list[Fan]:
    """Return the bands of all methods on one scale, so that they can be compared by eye.

    Args:
        methods: as in ``trust["monte_carlo"]["methods"]``; one without a usable band is left out.
        initial_units: start balance, money units.
        net: profit of each closed trade, in order of exit: they give the line to compare with.
    """
    bands = {name: band for name in METHODS if (band := _band((methods.get(name) or {}).get("equity_band")))}
    if not bands:
        return []
    initial = initial_units / UNITS
    path = _closed_equity(net, initial)
    values = [initial, *path, *(value for band in bands.values() for row in band[1:] for value in row)]
    low, high = min(values), max(values)
    span = (high - low) or abs(high) or 1.0

    def y(value: float) -> float:
        return round(_FLOOR - (value - low) / span * (_FLOOR - _TOP), 2)

    def points(shares: Sequence[float], heights: Sequence[float]) -> list[str]:
        return [f"{share * _PLOT:.2f},{y(value):.2f}" for share, value in zip(shares, heights, strict=True)]

    actual = " ".join(points(np.linspace(0, 1, len(path)).tolist(), path)) if path else ""
    fans = []
    for name, (shares, under, middle, over) in bands.items():
        area = points(shares, over) + points(shares, under)[::-1]
        fans.append(
            Fan(
                METHODS[name],
                " ".join(area),
                " ".join(points(shares, middle)),
                actual,
                y(initial),
                money_text(over[-1]),
                money_text(under[-1]),
                y(over[-1]),
                y(under[-1]),
            )
        )
    return fans


def _band(found: object) -> list[list[float]] | None:
    """Return share, p5, p50 and p95, None unless all are there, of one length and finite."""
    if not isinstance(found, dict):
        return None
    rows = [list(found.get(name) or ()) for name in ("share", "p5", "p50", "p95")]
    usable = rows[0] and len({len(row) for row in rows}) == 1
    return rows if usable and all(number(value) is not None for row in rows for value in row) else None


def _closed_equity(net: NDArray[np.int64], initial: float) -> list[float]:
    """Return the balance after each closed trade, the start first, at most a few hundred of them."""
    if not len(net):
        return []
    path: NDArray[np.float64] = initial + np.concatenate([[0.0], np.cumsum(net / UNITS)])
    chosen = np.unique(np.linspace(0, len(path) - 1, min(len(path), 400)).astype(np.int64))
    values: list[float] = path[chosen].tolist()
    return values
