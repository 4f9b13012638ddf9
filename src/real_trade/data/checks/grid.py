"""The grid of opening times of an interval, for whole arrays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.model.interval import Interval


def slots(interval: Interval, stamps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each stamp the number of the bar that contains it; neighbours differ by one."""
    if interval.is_month:
        return stamps.astype("M8[ms]").astype("M8[M]").astype(np.int64)
    anchor = interval.floor(0)
    return (stamps - anchor) // interval.length_ms


def opens(interval: Interval, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the opening times of numbered bars; the inverse of `slots`."""
    if interval.is_month:
        return numbers.astype("M8[M]").astype("M8[ms]").astype(np.int64)
    return numbers * interval.length_ms + interval.floor(0)


def end_of(interval: Interval, open_ms: int) -> int:
    """Return the end of the bar that opens at ``open_ms``."""
    return interval.next_open(open_ms)


def minute(time_ms: int) -> str:
    """Return a time for a sentence: to the minute if it is a whole one."""
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%d %H:%M" if time_ms % 60_000 == 0 else "%Y-%m-%d %H:%M:%S")


def name_minutes(times_ms: NDArray[np.int64], most: int = 8) -> str:
    """Return the first few times for a sentence, and how many more there are."""
    named = ", ".join(minute(int(t)) for t in times_ms[:most])
    more = len(times_ms) - most
    return f"{named} and {more:,} more" if more > 0 else named


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the stretches of true values as ``[start, stop)``."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
