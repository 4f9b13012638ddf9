"""Checks of single bars: prices that cannot be, bars cut short, empty bars, and prices far off."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.data.checks.grid import minute, name_minutes, opens, runs, slots
from real_trade.data.findings import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.model.interval import Interval
    from real_trade.model.series import Klines

# An excursion is far off when it is this many times the usual move of its surroundings, and not tiny in itself ...
_FAR_TIMES: Final = 50.0
_TINY_MOVE: Final = 0.01
# ... or somewhat fewer times, but also this large in itself: markets calm down and wake up.
_LARGE_TIMES: Final = 25.0
_LARGE_MOVE: Final = 0.03
# Bars per stretch whose usual move is measured together; a day of minutes.
_STRETCH: Final = 1440
# Rows taken together: their intermediate columns stay in the processor's cache.
_BLOCK: Final = 16_384


def sound_bars(klines: Klines) -> NDArray[np.bool_]:
    """Return which bars have prices that can be: finite, positive, enclosed by high and low, volume not negative."""
    high, low = klines.high, klines.low
    # A comparison with NaN is false, so that missing prices fail too.
    sound = (low > 0) & (high < np.inf) & (low <= klines.open) & (low <= klines.close)
    sound &= (klines.open <= high) & (klines.close <= high)
    negative = klines.volume < 0
    return np.asarray(sound & ~negative)


def check_prices(klines: Klines, interval: Interval) -> tuple[list[Finding], NDArray[np.bool_]]:
    """Find bars whose prices cannot be; return also which bars are sound."""
    sound = sound_bars(klines)
    bad = np.flatnonzero(~sound)
    if not len(bad):
        return [], sound
    stamps = klines.timestamp[bad]
    kinds = sorted({_what_is_wrong(klines, int(row)) for row in bad[:1000]})
    detail = f"{', '.join(kinds)}: {name_minutes(stamps)}"
    end = interval.next_open(int(stamps[-1]))
    return [Finding.of("ohlc", int(stamps[0]), end, len(bad), detail)], sound


def _what_is_wrong(klines: Klines, row: int) -> str:
    prices = [float(column[row]) for column in (klines.open, klines.high, klines.low, klines.close)]
    if not np.isfinite(prices).all():
        return "a price is missing or infinite"
    if min(prices) <= 0:
        return "a price is zero or negative"
    if klines.volume[row] < 0:
        return "a volume is negative"
    if prices[1] < prices[2]:
        return "high below low"
    return "open or close outside high and low"


def check_close_times(klines: Klines, close_time: NDArray[np.int64], interval: Interval) -> list[Finding]:
    """Find bars that end before their interval does; a close time of 0 is unknown."""
    ends = opens(interval, slots(interval, klines.timestamp) + 1)
    # Venues write the last millisecond of the bar; ends on the next one are whole too.
    cut = np.flatnonzero((close_time > 0) & (close_time < ends - 1))
    if not len(cut):
        return []
    stamps = klines.timestamp[cut]
    longest = int((ends[cut] - close_time[cut]).max())
    detail = f"closed up to {longest / 1000:.1f} s before the end: {name_minutes(stamps)}"
    return [Finding.of("truncated_bar", int(stamps[0]), interval.next_open(int(stamps[-1])), len(cut), detail)]


def check_running_bar(klines: Klines, interval: Interval, now_ms: int) -> list[Finding]:
    """Find bars that have not ended yet by the clock."""
    ends = opens(interval, slots(interval, klines.timestamp) + 1)
    running = klines.timestamp[ends > now_ms]
    if not len(running):
        return []
    detail = f"not ended at {minute(now_ms)}: {name_minutes(running)}"
    end = interval.next_open(int(running[-1]))
    return [Finding.of("unfinished_bar", int(running[0]), end, len(running), detail)]


def check_volumes(klines: Klines, interval: Interval) -> list[Finding]:
    """Find bars without a trade; one finding for all, as quiet symbols have many."""
    empty = klines.volume == 0
    count = int(empty.sum())
    if not count:
        return []
    stretches = runs(empty)
    stamps = klines.timestamp[empty]
    longest = max(stretches, key=lambda run: run[1] - run[0])
    share = 100 * count / len(klines)
    detail = (
        f"{share:.2g} % of the bars in {len(stretches):,} stretches, the longest of {longest[1] - longest[0]:,} bars "
        f"from {minute(int(klines.timestamp[longest[0]]))}"
    )
    return [Finding.of("zero_volume", int(stamps[0]), interval.next_open(int(stamps[-1])), count, detail)]


def check_outliers(klines: Klines, interval: Interval) -> list[Finding]:
    """Find prices far outside the usual moves around them; one finding per run of adjacent bars.

    A bar's excursion is how far its high or low lies from the closes before it: from the last one and from the median
    of the last three, whichever is nearer, so that the bar after a wrong one is not blamed. It is measured in units
    of the median move of the surrounding day; bars after a gap have no close before them and are not judged. Bars
    must be sound.
    """
    if len(klines) < 10:
        return []
    excursion = _excursions(klines, interval)
    usual = _usual_moves(klines.close)
    times = excursion / usual
    far = ((times > _FAR_TIMES) & (excursion > _TINY_MOVE)) | ((times > _LARGE_TIMES) & (excursion > _LARGE_MOVE))
    found = []
    for start, stop in runs(far):
        worst = start + int(np.argmax(times[start:stop]))
        first, last = int(klines.timestamp[start]), int(klines.timestamp[stop - 1])
        detail = (
            f"{minute(int(klines.timestamp[worst]))}: {100 * np.expm1(excursion[worst]):.2g} % from the close before, "
            f"{times[worst]:.0f} times the usual move; {_aftermath(klines, worst, float(excursion[worst]))}"
        )
        found.append(Finding.of("outlier", first, interval.next_open(last), stop - start, detail))
    return found


def _excursions(klines: Klines, interval: Interval) -> NDArray[np.float64]:
    excursion = np.zeros(len(klines))
    for start in range(3, len(klines), _BLOCK):
        stop = min(start + _BLOCK, len(klines))
        logs = np.log(klines.close[start - 3 : stop - 1])
        high, low = np.log(klines.high[start:stop]), np.log(klines.low[start:stop])
        a, b, c = logs[:-2], logs[1:-1], logs[2:]
        middle = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
        from_last = np.maximum(high - c, c - low)
        from_middle = np.maximum(high - middle, middle - low)
        excursion[start:stop] = np.minimum(from_last, from_middle)
    after_gap = np.flatnonzero(np.diff(slots(interval, klines.timestamp)) != 1) + 1
    excursion[after_gap] = 0.0
    return excursion


def _usual_moves(close: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return per bar the median absolute move of its stretch, never far below that of the whole series."""
    moves = np.abs(np.diff(np.log(close), prepend=np.log(close[0])))
    moving = moves[moves > 0]
    floor = max(1e-6, 0.25 * float(np.median(moving))) if len(moving) else 1e-6
    count = max(1, len(moves) // _STRETCH)
    edges = np.linspace(0, len(moves), count + 1).astype(np.int64)
    medians = np.array([np.median(moves[a:b]) for a, b in pairwise(edges.tolist())])
    return np.repeat(np.maximum(medians, floor), np.diff(edges))


def _aftermath(klines: Klines, row: int, excursion: float) -> str:
    """Say whether the price was back by the close of the next bar."""
    before = klines.close[row - 1]
    after = klines.close[min(row + 1, len(klines) - 1)]
    back = abs(np.log(after / before)) < 0.3 * excursion
    return "back by the next close" if back else "not back by the next close"
