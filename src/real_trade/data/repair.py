"""Repair of a series: which spans to fetch again, and, only when asked, bars filled in and marked as such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from real_trade.data.checks.grid import opens, slots
from real_trade.data.checks.times import check_gaps, check_span
from real_trade.model.errors import InputError
from real_trade.model.series import Klines

if TYPE_CHECKING:
    from real_trade.model.interval import Interval


@dataclass(frozen=True, slots=True)
class MissingSpan:
    """Bars that are not there.

    Attributes:
        from_ms: opening time of the first missing bar.
        to_ms: opening time of the next bar that is there, or the end of the span looked at.
        count: number of missing bars.
    """

    from_ms: int
    to_ms: int
    count: int


def missing_spans(
    klines: Klines, interval: Interval, from_ms: int | None = None, to_ms: int | None = None
) -> list[MissingSpan]:
    """Return where bars are missing, oldest first: in between, and at the ends of ``[from_ms, to_ms)`` if given.

    Args:
        klines: ascending bars.
        interval: their length.
        from_ms, to_ms: the span that should be covered; None where the bars themselves begin or end.
    """
    if len(klines):
        within = slice(
            int(np.searchsorted(klines.timestamp, from_ms)) if from_ms is not None else 0,
            int(np.searchsorted(klines.timestamp, to_ms)) if to_ms is not None else len(klines),
        )
        klines = klines.take(within)
    until = to_ms if to_ms is not None else 0
    found = check_span(klines.timestamp, interval, from_ms, to_ms, until) + check_gaps(klines.timestamp, interval)
    spans = [MissingSpan(f.from_ms, f.to_ms, f.count) for f in found if f.from_ms is not None and f.to_ms is not None]
    return sorted(spans, key=lambda span: span.from_ms)


def refetch_plan(spans: list[MissingSpan], interval: Interval, *, page_bars: int = 1000) -> list[tuple[int, int]]:
    """Return the spans ``[from, to)`` to request again: near ones together where one page holds both.

    Args:
        spans: what is missing, oldest first.
        interval: bar length.
        page_bars: bars in one page of the venue.
    """
    plan: list[tuple[int, int]] = []
    for span in spans:
        if plan and interval.count(plan[-1][0], span.to_ms) <= page_bars:
            plan[-1] = (plan[-1][0], span.to_ms)
        else:
            plan.append((span.from_ms, span.to_ms))
    return plan


def fill_gaps(klines: Klines, interval: Interval, from_ms: int | None = None, to_ms: int | None = None) -> Klines:
    """Return the series with a flat bar at the last close, volume 0 and marked synthetic, for each missing one.

    Nothing is filled before the first bar: there is no close to take.

    Args:
        klines: ascending bars, each once.
        interval: their length.
        from_ms: gaps before this time stay as they are.
        to_ms: fill up to here, also after the last bar; None: up to the last bar.

    Raises:
        InputError: there is no bar to fill from.
    """
    if not len(klines):
        raise InputError(
            "There is no bar to fill from.", code="no_data", field="klines", fix="Download or import some first."
        )
    numbers = slots(interval, klines.timestamp)
    first = int(numbers[0])
    last = int(numbers[-1])
    if to_ms is not None:
        last = max(last, first + interval.count(int(klines.timestamp[0]), to_ms) - 1)
    wanted = np.arange(first, last + 1, dtype=np.int64)
    source = np.searchsorted(numbers, wanted, side="right") - 1
    missing = numbers[source] != wanted
    stamps = opens(interval, wanted)
    if from_ms is not None:
        missing &= stamps >= from_ms
    if to_ms is not None:
        missing &= stamps < to_ms
    added = stamps[missing]
    close = klines.close[source[missing]]
    nothing = np.zeros(len(added))
    flags = np.ones(len(added), dtype=np.bool_)
    fill = Klines.of(added, close, close, close, close, nothing, nothing, flags)
    whole = Klines.concat([klines, fill])
    return whole.take(np.argsort(whole.timestamp, kind="stable"))
