"""Comparison with a reference: bars known to be final and of the right market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.data.checks.grid import name_minutes, opens, runs, slots
from real_trade.data.checks.values import sound_bars
from real_trade.data.findings import Finding, NotJudged
from real_trade.model.series import Klines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.model.interval import Interval

_PRICES: Final = ("open", "high", "low", "close")
# Prices of one pair at different venues and markets stay closer than this; prices of different ones do not.
_OTHER_PRICE: Final = 0.005
_FAR_PRICE: Final = 0.01
_FAR_SHARE: Final = 0.10
# A stretch in which fewer bars than this share a price with the reference is from elsewhere.
_SHARED_AT_LEAST: Final = 0.1
_STRETCH: Final = 51
_SHORTEST_BLOCK: Final = 30
# Offsets between zones are whole quarters of an hour, up to 14 h either way and a day for a wrong date.
_QUARTER_MS: Final = 900_000
_FARTHEST_QUARTERS: Final = 26 * 4
_SAMPLE: Final = 1500
_JUDGED_WITH_REFERENCE: Final = ("time_zone", "unfinished_bar", "revised_bar", "wrong_market")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the comparison found, and which bars are known to be from elsewhere."""

    findings: list[Finding]
    not_judged: list[NotJudged]
    mixture_judged: bool


def not_compared(reason: str) -> list[NotJudged]:
    """Return the entries for a series that was compared with nothing."""
    return [NotJudged(code, reason) for code in _JUDGED_WITH_REFERENCE]


def compare(
    klines: Klines, interval: Interval, reference: Klines, reference_interval: Interval, *, same_series: bool | None
) -> Comparison:
    """Compare bars with the reference's.

    Args:
        klines: sound bars, ascending, each once.
        interval: their length.
        reference: ascending final bars.
        reference_interval: their length; the finer of both is added up to the coarser.
        same_series: whether both claim to be the same venue, market and symbol; None where that is not known. Other
            markets of a pair are near but never equal, so that only then equality can be asked for.
    """
    reference = reference.take(sound_bars(reference))
    if interval != reference_interval:
        if not _divides(interval, reference_interval):
            reason = f"bars of {interval} cannot be compared with the reference's {reference_interval}"
            return Comparison([], not_compared(reason), mixture_judged=False)
        length = max(interval, reference_interval, key=lambda i: i.length_ms)
        klines = add_up(klines, interval, length) if length != interval else klines
        reference = add_up(reference, reference_interval, length) if length != reference_interval else reference
        interval = length
    findings = []
    shift = find_shift(klines.timestamp, _prices(klines), reference.timestamp, _prices(reference))
    shift = shift or find_shift_by_distance(klines, reference)
    if shift:
        findings.append(shift_finding(klines.timestamp, shift, interval.next_open(int(klines.timestamp[-1]))))
    stamps = klines.timestamp + shift
    mine, theirs = _common(stamps, reference.timestamp)
    if len(mine) == 0:
        reason = "the reference has no bar in common"
        return Comparison(findings, not_compared(reason), mixture_judged=False)
    pair = _Pair(klines.take(mine), reference.take(theirs), interval, ends_with_last=bool(mine[-1] == len(klines) - 1))
    more, not_judged, judged = _judge(pair, same_series)
    return Comparison(findings + more, not_judged, mixture_judged=judged and len(mine) > 0.9 * len(klines))


@dataclass(frozen=True, slots=True)
class _Pair:
    mine: Klines
    theirs: Klines
    interval: Interval
    ends_with_last: bool  # the last compared bar is the series' last one

    def span(self, start: int, stop: int) -> tuple[int, int]:
        stamps = self.mine.timestamp
        return int(stamps[start]), self.interval.next_open(int(stamps[stop - 1]))


def _judge(pair: _Pair, same_series: bool | None) -> tuple[list[Finding], list[NotJudged], bool]:
    count = len(pair.mine)
    equal = {name: _same(getattr(pair.mine, name), getattr(pair.theirs, name)) for name in _PRICES}
    shared = np.logical_or.reduce(list(equal.values()))
    away = _stretches_from_elsewhere(shared)
    distance = np.abs(np.log(pair.mine.close / pair.theirs.close))
    if away.mean() > 0.9:
        return _other_market(pair, distance, same_series)
    found = []
    for start, stop in runs(away):
        usual = 1e4 * float(np.median(distance[start:stop]))
        detail = f"no price in common with the reference, {usual:.2g} basis points away in the median"
        found.append(Finding.of("mixed_market", *pair.span(start, stop), stop - start, detail))
    differs = ~np.logical_and.reduce(list(equal.values()))
    notes = []
    volumes = np.isfinite(pair.mine.volume) & np.isfinite(pair.theirs.volume)
    other_volume = volumes & ~_same(pair.mine.volume, pair.theirs.volume)
    if (other_volume & ~differs & ~away).mean() > 0.5:
        notes.append(NotJudged("revised_bar", "volumes are in another unit than the reference's; prices were compared"))
    else:
        differs |= other_volume
    found += _changed(pair, differs & ~away, count)
    return found, notes, True


def _changed(pair: _Pair, differs: NDArray[np.bool_], count: int) -> list[Finding]:
    """Tell the unfinished last bar from bars that were revised."""
    found = []
    if pair.ends_with_last and differs[-1] and _is_part(pair, count - 1):
        differs[-1] = False
        detail = (
            f"volume {pair.mine.volume[-1]:g} of the final {pair.theirs.volume[-1]:g}, "
            f"close {pair.mine.close[-1]:.12g} of {pair.theirs.close[-1]:.12g}"
        )
        found.append(Finding.of("unfinished_bar", *pair.span(count - 1, count), 1, detail))
    rows = np.flatnonzero(differs)
    if len(rows):
        start, stop = int(rows[0]), int(rows[-1]) + 1
        detail = (
            f"{len(rows):,} of {count:,} compared bars differ from the reference's: "
            f"{name_minutes(pair.mine.timestamp[rows])}"
        )
        found.append(Finding.of("revised_bar", *pair.span(start, stop), len(rows), detail))
    return found


def _is_part(pair: _Pair, row: int) -> bool:
    """Tell whether a bar can be an earlier state of the reference's: same open, no further reach, less volume."""
    mine, theirs = pair.mine, pair.theirs
    return bool(
        mine.open[row] == theirs.open[row]
        and mine.high[row] <= theirs.high[row]
        and mine.low[row] >= theirs.low[row]
        and not mine.volume[row] > theirs.volume[row]
    )


def _other_market(
    pair: _Pair, distance: NDArray[np.float64], same_series: bool | None
) -> tuple[list[Finding], list[NotJudged], bool]:
    median, far = float(np.median(distance)), float((distance > _FAR_PRICE).mean())
    count = len(pair.mine)
    if median > _OTHER_PRICE or far > _FAR_SHARE or same_series:
        detail = (
            f"closes are {100 * median:.3g} % from the reference's in the median, {100 * far:.3g} % of them more than "
            f"{100 * _FAR_PRICE:g} % away, and no price is the same"
        )
        return [Finding.of("wrong_market", *pair.span(0, count), count, detail)], [], False
    reason = (
        f"the reference is another venue or market of the pair (median distance {1e4 * median:.2g} basis points), "
        "so that single bars cannot be compared"
    )
    return [], [NotJudged("revised_bar", reason), NotJudged("unfinished_bar", reason)], False


def _stretches_from_elsewhere(shared: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which bars lie in a long stretch where hardly one shares a price with the reference."""
    count = len(shared)
    if count < _SHORTEST_BLOCK:
        return np.full(count, not shared.any())
    total = np.concatenate([[0], np.cumsum(shared)])
    centre = np.arange(count)
    start = np.clip(centre - _STRETCH // 2, 0, max(0, count - _STRETCH))
    stop = np.minimum(count, start + _STRETCH)
    rate = (total[stop] - total[start]) / (stop - start)
    away = rate < _SHARED_AT_LEAST
    result = np.zeros(count, dtype=np.bool_)
    for first, last in runs(away):
        # The window blurs both edges: grow to the next shared price, then cut back to the last bar without one.
        lo, hi = first, last
        while lo > 0 and not shared[lo - 1]:
            lo -= 1
        while hi < count and not shared[hi]:
            hi += 1
        without = np.flatnonzero(~shared[lo:hi])
        if len(without) >= _SHORTEST_BLOCK:
            result[lo + without[0] : lo + without[-1] + 1] = True
    return result


def find_shift(
    stamps: NDArray[np.int64], values: NDArray[np.float64], reference: NDArray[np.int64], others: NDArray[np.float64]
) -> int:
    """Return the milliseconds to add so that rows meet equal rows of the reference; 0 if they do, or never do.

    Args:
        stamps, reference: ascending.
        values, others: one row of numbers per stamp; a row is equal when all are.
    """
    if len(stamps) < 8 or not len(reference):
        return 0
    rows = np.unique(np.linspace(0, len(stamps) - 1, min(_SAMPLE, len(stamps))).astype(np.int64))
    sample, wanted = stamps[rows], values[rows]
    best, best_share = 0, 0.0
    here = 0.0
    for quarters in sorted(range(-_FARTHEST_QUARTERS, _FARTHEST_QUARTERS + 1), key=abs):
        shift = quarters * _QUARTER_MS
        at = np.minimum(np.searchsorted(reference, sample + shift), len(reference) - 1)
        hit = reference[at] == sample + shift
        found = int(hit.sum())
        if found < max(4, len(sample) // 10):
            continue
        share = float(np.mean(np.all(_same(wanted[hit], others[at[hit]]), axis=1)))
        here = share if shift == 0 else here
        if share > best_share:
            best, best_share = shift, share
    return best if best_share > 0.6 and here < 0.5 * best_share else 0


def find_shift_by_distance(klines: Klines, reference: Klines) -> int:
    """Return the milliseconds to add so that closes come near those of another market of the pair; 0 if none does.

    For a reference whose bars are never equal; a wrong hour shows as a distance that one offset alone removes.
    """
    if len(klines) < _SHORTEST_BLOCK or not len(reference):
        return 0
    rows = np.unique(np.linspace(0, len(klines) - 1, min(_SAMPLE, len(klines))).astype(np.int64))
    sample, closes = klines.timestamp[rows], np.log(klines.close[rows])
    others = np.log(reference.close)
    distances: dict[int, float] = {}
    for quarters in range(-_FARTHEST_QUARTERS, _FARTHEST_QUARTERS + 1):
        shift = quarters * _QUARTER_MS
        at = np.minimum(np.searchsorted(reference.timestamp, sample + shift), len(reference) - 1)
        hit = reference.timestamp[at] == sample + shift
        if int(hit.sum()) >= max(4, len(sample) // 10):
            distances[shift] = float(np.median(np.abs(closes[hit] - others[at[hit]])))
    if not distances:
        return 0
    best = min(distances, key=lambda shift: distances[shift])
    # Without a common bar at no offset at all nothing speaks against the best one but its own distance.
    here = distances.get(0, np.inf)
    return best if best and distances[best] < 0.4 * _OTHER_PRICE and here > 4 * distances[best] else 0


def shift_finding(stamps: NDArray[np.int64], shift: int, end_ms: int) -> Finding:
    """Return the finding for stamps that are off by an offset."""
    hours = -shift / 3_600_000
    detail = f"stamps are UTC{hours:+g} h taken as UTC: with {-hours:+g} h the rows equal the reference's"
    return Finding.of("time_zone", int(stamps[0]), end_ms, len(stamps), detail)


def add_up(klines: Klines, interval: Interval, longer: Interval) -> Klines:
    """Return the whole bars of a longer interval made from ascending bars of a shorter one."""
    if not len(klines):
        return klines
    numbers = slots(longer, klines.timestamp)
    first = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    last = np.append(first[1:], len(numbers)) - 1
    starts = opens(longer, numbers[first])
    expected = slots(interval, opens(longer, numbers[first] + 1)) - slots(interval, starts)
    whole = (last - first + 1) == expected
    return Klines.of(
        starts,
        klines.open[first],
        np.maximum.reduceat(klines.high, first),
        np.minimum.reduceat(klines.low, first),
        klines.close[last],
        np.add.reduceat(klines.volume, first),
        np.add.reduceat(klines.turnover, first),
    ).take(whole)


def _divides(one: Interval, other: Interval) -> bool:
    if one.is_month or other.is_month:
        return False
    short, long = sorted((one.length_ms, other.length_ms))
    return long % short == 0


def _prices(klines: Klines) -> NDArray[np.float64]:
    return np.stack([getattr(klines, name) for name in _PRICES], axis=1)


def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where two columns agree, but for the last bits that another way of adding up leaves."""
    return np.asarray(np.abs(a - b) <= 1e-9 * np.abs(b))


def _common(stamps: NDArray[np.int64], reference: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    at = np.searchsorted(reference, stamps)
    at[at == len(reference)] = max(0, len(reference) - 1)
    hit = reference[at] == stamps if len(reference) else np.zeros(len(stamps), dtype=np.bool_)
    mine = np.flatnonzero(hit)
    return mine, at[mine]
