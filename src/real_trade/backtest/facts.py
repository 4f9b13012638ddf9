"""What is said of the data that a result rests on: span, gaps, hash, and the findings of the data check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.backtest.result import DataFacts
from real_trade.data.repair import missing_spans
from real_trade.data.verify import verify_klines
from real_trade.model.clock import format_time
from real_trade.model.errors import JobFailed
from real_trade.storage.hashing import dataset_hash

if TYPE_CHECKING:
    from real_trade.model.instrument import Instrument
    from real_trade.model.interval import Interval
    from real_trade.model.series import Klines


def data_facts(
    klines: Klines, instrument: Instrument, interval: Interval, from_ms: int | None, to_ms: int | None, *, verify: bool
) -> DataFacts:
    """Return the facts.

    Args:
        klines: at least one bar, ascending.
        instrument: what they are prices of.
        interval: their length.
        from_ms, to_ms: span asked for; None where the bars themselves begin or end.
        verify: run every check of the data, which takes half a second for a million bars.
    """
    stamps = klines.timestamp
    gaps = missing_spans(klines, interval, from_ms, to_ms)
    checked = verify_klines(klines, interval, from_ms=from_ms, to_ms=to_ms) if verify else None
    return DataFacts(
        venue=instrument.venue,
        market=str(instrument.market),
        symbol=instrument.symbol,
        interval=str(interval),
        from_ms=int(stamps[0]) if from_ms is None else interval.ceil(from_ms),
        to_ms=interval.next_open(int(stamps[-1])) if to_ms is None else interval.ceil(to_ms),
        bars=len(klines),
        gaps=tuple((gap.from_ms, gap.to_ms, gap.count) for gap in gaps),
        synthetic=int(klines.synthetic.sum()),
        sha256=checked.sha256 if checked else dataset_hash(klines),
        findings=tuple(finding.to_dict() for finding in checked.findings) if checked else None,
    )


def data_warnings(facts: DataFacts, *, strict: bool) -> tuple[str, ...]:
    """Return sentences for the reader.

    Raises:
        JobFailed: ``strict`` and bars are missing.
    """
    warnings = []
    if facts.gaps:
        start, _, count = facts.gaps[0]
        text = (
            f"{facts.missing_bars} bars are missing in {len(facts.gaps)} gap{'s' if len(facts.gaps) > 1 else ''}, "
            f"the first of {count} from {format_time(start)}."
        )
        if strict:
            raise JobFailed(
                text, code="gap", field="data", value=len(facts.gaps), fix="Repair the data, or run without --strict."
            )
        warnings.append(text)
    if facts.synthetic:
        warnings.append(f"{facts.synthetic} bars were filled in, not traded.")
    others = sorted({str(row["code"]) for row in facts.findings or () if row["severity"] == "error"} - _GAP_CODES)
    if others:
        warnings.append(f"The data check found errors: {', '.join(others)}; run verify-data.")
    return tuple(warnings)


_GAP_CODES = {"gap", "late_start", "early_end"}
