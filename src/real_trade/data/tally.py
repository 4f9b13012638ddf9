"""Counts of one download, and the report made of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from real_trade.data.pages import Span, merged_spans
from real_trade.model.clock import format_time
from real_trade.storage.ports import Upsert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.model.series import FundingRates, Klines, SeriesKey
    from real_trade.utils.http import Traffic


@dataclass(frozen=True, slots=True)
class DownloadReport:
    """What one download did.

    Attributes:
        series: name of the series.
        from_ms, to_ms: the span, cut at the venue's last finished bar.
        pages: pages that were missing and are stored now.
        bars: rows that arrived.
        inserted, unchanged, revised: rows that were new, equal to what was stored, different from it.
        requests, retries: what was sent; what of it was sent again after a failure.
        waits, waited_s: how often and how long the venue made all requests stop.
        seconds: how long it took.
        gaps: spans ``[from, to)`` between bars of this run, in which the venue has none.
    """

    series: str
    from_ms: int
    to_ms: int
    pages: int
    bars: int
    inserted: int
    unchanged: int
    revised: int
    requests: int
    retries: int
    waits: int
    waited_s: float
    seconds: float
    gaps: tuple[Span, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form; times are ISO 8601."""
        return {
            "series": self.series,
            "from": format_time(self.from_ms),
            "to": format_time(self.to_ms),
            "pages": self.pages,
            "bars": self.bars,
            "inserted": self.inserted,
            "unchanged": self.unchanged,
            "revised": self.revised,
            "requests": self.requests,
            "retries": self.retries,
            "waits": self.waits,
            "waited_s": round(self.waited_s, 3),
            "seconds": round(self.seconds, 3),
            "gaps": [[format_time(begin), format_time(end)] for begin, end in self.gaps],
        }


@dataclass(slots=True)
class Tally:
    """Counts while the pages come in. Begins to count when it is made, inside a running event loop."""

    traffic: Traffic
    pages: int = 0
    bars: int = 0
    outcome: Upsert = field(default_factory=Upsert)
    holes: list[Span] = field(default_factory=list)
    first_ms: int | None = None
    last_ms: int | None = None
    _before: Traffic = field(init=False)
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        """Remember where the counters stood."""
        self._before = replace(self.traffic)
        self._began = asyncio.get_running_loop().time()

    def add(self, rows: Klines | FundingRates, outcome: Upsert, holes: Sequence[Span] = ()) -> None:
        """Count a page."""
        self.pages += 1
        self.bars += len(rows)
        self.outcome += outcome
        self.holes += holes
        if len(rows):
            first, last = int(rows.timestamp[0]), int(rows.timestamp[-1])
            self.first_ms = first if self.first_ms is None else min(first, self.first_ms)
            self.last_ms = last if self.last_ms is None else max(last, self.last_ms)

    def report(self, key: SeriesKey, from_ms: int, to_ms: int, known: Sequence[Span] = ()) -> DownloadReport:
        """Return the counts.

        Args:
            key: the series.
            from_ms: begin of the span.
            to_ms: its end.
            known: spans stored before; holes beside them lie between bars too.
        """
        now, before = self.traffic, self._before
        return DownloadReport(
            series=str(key),
            from_ms=from_ms,
            to_ms=to_ms,
            pages=self.pages,
            bars=self.bars,
            inserted=self.outcome.inserted,
            unchanged=self.outcome.unchanged,
            revised=self.outcome.revised,
            requests=now.requests - before.requests,
            retries=now.retries - before.retries,
            waits=now.waits - before.waits,
            waited_s=now.waited_s - before.waited_s,
            seconds=asyncio.get_running_loop().time() - self._began,
            gaps=self._gaps(known),
        )

    def _gaps(self, known: Sequence[Span]) -> tuple[Span, ...]:
        # What lies before the first bar or after the last one is no gap: the market was not open yet, or is closed.
        if self.first_ms is None or self.last_ms is None:
            return ()
        lower = min([self.first_ms, *(begin for begin, _ in known)])
        upper = max([self.last_ms, *(end for _, end in known)])
        return tuple((a, b) for a, b in merged_spans(self.holes) if lower <= a and b <= upper)
