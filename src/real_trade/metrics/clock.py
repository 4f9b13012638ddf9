"""When the money was made: by the minute of the hour of entry, and around funding settlements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

import numpy as np

from real_trade.metrics.trades import UNITS, money_sum
from real_trade.model.interval import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEAR_MS: Final = 60 * MINUTE_MS
# Before and after every time there is.
_FAR_MS: Final = 2**60


class Entered(TypedDict):
    """Trades entered in some span of time, and their net profit in settlement currency."""

    trades: int
    net: float


class ClockSection(TypedDict):
    """Net profit by minute of the hour of entry (60 numbers), and by nearness of the entry to funding."""

    by_minute_of_hour: list[float]
    around_funding: dict[str, Entered]


def clock_section(
    entry_ms: NDArray[np.int64],
    net: NDArray[np.int64],
    funding_minutes: int,
    settled_ms: NDArray[np.int64] | None = None,
) -> ClockSection:
    """Return the profits by the time of entry.

    An entry within 60 minutes of a settlement is counted with the nearer of the last and the next; at the very time of
    a settlement and half-way between two, with the last.

    Args:
        entry_ms: opening time of the bar of entry, per trade.
        net: net profit per trade, money units.
        funding_minutes: time between settlements of the grid that starts at midnight UTC; 0 where there are none.
        settled_ms: times of the settlements that are known, ascending; they count in the grid's place if there are any.

    Returns:
        Nothing is said of settlements where there are none.
    """
    minute = entry_ms % HOUR_MS // MINUTE_MS
    sums = np.zeros(60, np.int64)
    np.add.at(sums, minute, net)
    around: dict[str, Entered] = {}
    if settled_ms is not None and len(settled_ms):
        around = _around_funding(net, *_to_known(entry_ms, settled_ms))
    elif funding_minutes:
        interval_ms = funding_minutes * MINUTE_MS
        since = entry_ms % interval_ms
        around = _around_funding(net, since, interval_ms - since)
    return {"by_minute_of_hour": (sums / UNITS).tolist(), "around_funding": around}


def _to_known(
    entry_ms: NDArray[np.int64], settled_ms: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the time since the last settlement and until the next; where there is none, a time beyond nearness."""
    edges = np.concatenate([[-_FAR_MS], settled_ms, [_FAR_MS]])
    place = np.searchsorted(edges, entry_ms, side="right")
    return entry_ms - edges[place - 1], edges[place] - entry_ms


def _around_funding(net: NDArray[np.int64], since: NDArray[np.int64], until: NDArray[np.int64]) -> dict[str, Entered]:
    after = (since < _NEAR_MS) & (since <= until)
    before = (until <= _NEAR_MS) & ~after
    masks = {"before_60m": before, "after_60m": after, "other": ~(before | after)}
    return {name: {"trades": int(mask.sum()), "net": money_sum(net[mask])} for name, mask in masks.items()}
