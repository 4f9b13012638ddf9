"""Which pages a span is made of: a fixed grid, so that every run cuts time at the same places."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from real_trade.model.interval import Interval

Span = tuple[int, int]


def missing_spans(from_ms: int, to_ms: int, covered: Iterable[Span]) -> list[Span]:
    """Return what of ``[from_ms, to_ms)`` no covered span holds, ascending.

    >>> missing_spans(0, 10, [(2, 4), (4, 5), (8, 20)])
    [(0, 2), (5, 8)]
    """
    missing: list[Span] = []
    at = from_ms
    for begin, end in sorted(covered):
        if begin >= to_ms:
            break
        if begin > at:
            missing.append((at, begin))
        at = max(at, end)
    if at < to_ms:
        missing.append((at, to_ms))
    return missing


def merged_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the spans ascending, those that touch joined to one.

    >>> merged_spans([(5, 6), (0, 2), (2, 3)])
    [(0, 3), (5, 6)]
    """
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def page_start(interval: Interval, time_ms: int, page_bars: int) -> int:
    """Return the beginning of the page that contains a time."""
    if interval.is_month:
        months = interval.count(0, time_ms + 1) - 1
        return interval.next_open(0, months // page_bars * page_bars)
    anchor = interval.floor(0)
    step = page_bars * interval.length_ms
    return (time_ms - anchor) // step * step + anchor


def pages_of(interval: Interval, span: Span, page_bars: int) -> Iterator[Span]:
    """Yield the pages of a span, the first and the last cut to it.

    >>> from real_trade.model.interval import Interval
    >>> [(a // 60_000, b // 60_000) for a, b in pages_of(Interval("1m"), (30 * 60_000, 250 * 60_000), 100)]
    [(30, 100), (100, 200), (200, 250)]
    """
    at, end = span
    while at < end:
        following = min(end, interval.next_open(page_start(interval, at, page_bars), page_bars))
        yield at, following
        at = following


def page_length(interval: Interval, page_bars: int, span_ms: int | None) -> int:
    """Return the bars of one page where the venue also limits the span that a page may reach over."""
    if span_ms is None:
        return page_bars
    longest_bar_ms = 31 * 86_400_000 if interval.is_month else interval.length_ms
    return max(1, min(page_bars, span_ms // longest_bar_ms))


def missing_bars(interval: Interval, stamps: Sequence[int], span: Span) -> list[Span]:
    """Return the parts of a span, ascending, in which bars are missing among those that open at ``stamps``."""
    if not stamps:
        return [span]
    if len(stamps) == interval.count(*span):
        return []
    ends = [span[0], *(interval.next_open(stamp) for stamp in stamps)]
    return [(end, begin) for end, begin in zip(ends, [*stamps, span[1]], strict=True) if end < begin]
