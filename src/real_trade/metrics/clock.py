"""When the money was made: by the minute of the hour of entry, and around funding settlements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

import numpy as np

from real_trade.metrics.trades import UNITS, money_sum
from real_trade.model.interval import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEAR_MS: Final = 60 * MINUTE_MS


class Entered(TypedDict):
    """Trades entered in some span of time, and their net profit in settlement currency."""

    trades: int
    net: float


class ClockSection(TypedDict):
    """Net profit by minute of the hour of entry (60 numbers), and by nearness of the entry to funding."""

    by_minute_of_hour: list[float]
    around_funding: dict[str, Entered]


def clock_section(entry_ms: NDArray[np.int64], net: NDArray[np.int64], funding_minutes: int) -> ClockSection:
    """Return the profits by the time of entry.

    Settlements are those of the grid that starts at midnight UTC. An entry within 60 minutes of one is counted with the
    nearer of the last and the next; at the very time of a settlement and half-way between two, with the last.

    Args:
        entry_ms: opening time of the bar of entry, per trade.
        net: net profit per trade, money units.
        funding_minutes: time between settlements; 0 where there are none, and then nothing is said of them.
    """
    minute = entry_ms % HOUR_MS // MINUTE_MS
    sums = np.zeros(60, np.int64)
    np.add.at(sums, minute, net)
    return {
        "by_minute_of_hour": (sums / UNITS).tolist(),
        "around_funding": _around_funding(entry_ms, net, funding_minutes * MINUTE_MS) if funding_minutes else {},
    }


def _around_funding(entry_ms: NDArray[np.int64], net: NDArray[np.int64], interval_ms: int) -> dict[str, Entered]:
    since = entry_ms % interval_ms
    until = interval_ms - since
    after = (since < _NEAR_MS) & (since <= until)
    before = (until <= _NEAR_MS) & ~after
    masks = {"before_60m": before, "after_60m": after, "other": ~(before | after)}
    return {name: {"trades": int(mask.sum()), "net": money_sum(net[mask])} for name, mask in masks.items()}
