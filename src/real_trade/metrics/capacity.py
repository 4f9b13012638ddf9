"""How much of the market a run took: what it traded in a bar as a share of the bar's volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict

import numpy as np

from real_trade.model.clock import format_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORST: Final = 5


class Taken(TypedDict):
    """What was taken of one bar: its opening time (ISO) and the share of its volume."""

    time: str
    share: float


class CapacitySection(TypedDict):
    """Shares of volume over the bars with fills; bars whose volume is nothing or unknown are counted apart."""

    median_share: float | None
    p95_share: float | None
    max_share: float | None
    worst: list[Taken]
    bars_without_volume: int


def capacity_section(
    fills: NDArray[Any], time_ms: NDArray[np.int64], volume: NDArray[np.float64], units_per_lot: float
) -> CapacitySection:
    """Return the shares of volume that were taken, all fills of a bar together.

    Args:
        fills: with columns ``bar`` and ``lots``.
        time_ms: opening time per bar.
        volume: per bar, in the unit of `Instrument.volume_step`; NaN where unknown.
        units_per_lot: such units in one lot.
    """
    bars, place = np.unique(fills["bar"], return_inverse=True)
    lots = np.zeros(len(bars), np.int64)
    np.add.at(lots, place, fills["lots"])
    known = volume[bars] > 0
    bars, shares = bars[known], lots[known] * units_per_lot / volume[bars[known]]
    # The largest first; of equal ones the earlier.
    order = np.argsort(-shares, kind="stable")[:_WORST]
    has_any = bool(len(shares))
    return {
        "median_share": float(np.median(shares)) if has_any else None,
        "p95_share": float(np.percentile(shares, 95)) if has_any else None,
        "max_share": float(shares.max()) if has_any else None,
        "worst": [{"time": format_time(int(time_ms[bars[row]])), "share": float(shares[row])} for row in order],
        "bars_without_volume": int((~known).sum()),
    }
