"""Proof of the data: is a series whole, in order, of one market, and what it claims to be?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from real_trade.data.checks.funding import check_funding, funding_hash
from real_trade.data.checks.mixture import check_mixture
from real_trade.data.checks.reference import compare, not_compared
from real_trade.data.checks.times import check_gaps, check_order, check_span, check_units
from real_trade.data.checks.values import (
    check_close_times,
    check_outliers,
    check_prices,
    check_running_bar,
    check_volumes,
)
from real_trade.data.findings import Finding, NotJudged, VerificationReport, in_order
from real_trade.data.readers import FileRows, read_file, usual_interval
from real_trade.data.stamps import Stamps, Zone
from real_trade.model.clock import SystemClock
from real_trade.model.errors import InputError, MarketDataError
from real_trade.model.series import EVENTS, FundingRates, Klines, SeriesKind
from real_trade.storage.hashing import dataset_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from real_trade.model.clock import Clock
    from real_trade.model.interval import Interval
    from real_trade.model.series import SeriesKey
    from real_trade.storage.ports import TimeSeriesStore


@dataclass(frozen=True, slots=True)
class _Reference:
    klines: Klines
    interval: Interval
    same_series: bool | None


def verify_klines(
    klines: Klines,
    interval: Interval,
    *,
    from_ms: int | None = None,
    to_ms: int | None = None,
    against: Klines | None = None,
    against_interval: Interval | None = None,
    same_series: bool | None = None,
    clock: Clock | None = None,
) -> VerificationReport:
    """Judge bars in memory.

    Args:
        klines: in any order.
        interval: their length.
        from_ms, to_ms: the span that should be covered, ``[from, to)``; None where nothing is promised.
        against: final bars known to be right, ascending.
        against_interval: their length; by their stamps if not given.
        same_series: whether both claim to be the same venue, market and symbol; None where not known.
        clock: tells which bars have ended; the machine's if not given.
    """
    stamps = Stamps(klines.timestamp, np.ones(len(klines), dtype=np.int8), Zone.EPOCH)
    reference = None
    if against is not None:
        reference = _Reference(against, against_interval or usual_interval(against.timestamp) or interval, same_series)
    return _judge(_Rows(klines, stamps, None, None), interval, (from_ms, to_ms), reference, clock, ())


def verify_files(
    paths: Sequence[str | Path],
    *,
    against: str | Path | Sequence[str | Path] | None = None,
    interval: Interval | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
    clock: Clock | None = None,
) -> VerificationReport:
    """Judge files together, as neighbours of one series, or files of funding rates.

    A public dump promises its whole day or month by its name; a given span overrides that.

    Args:
        paths: files of one series in any order.
        against: file or files known to be right.
        interval: bar length; by the files' names or stamps if not given.
        from_ms, to_ms: the span that should be covered.
        clock: tells which bars have ended; the machine's if not given.

    Raises:
        MarketDataError: a file is none of the known forms or cannot be read; says which.
    """
    if not paths:
        raise InputError("No file was given.", field="file", fix="Name at least one file.")
    files = [read_file(Path(path), interval=interval) for path in paths]
    references = [] if against is None else [against] if isinstance(against, str | Path) else list(against)
    others = [read_file(Path(path), interval=interval) for path in references]
    funding = {rows.funding is not None for rows in files + others}
    if len(funding) > 1:
        raise MarketDataError(
            "Bars and funding rates cannot be judged together.", code="mixed_kinds", field="file", fix="Give one kind."
        )
    # Neighbours are judged in the order of their time, whatever order they were named in.
    files.sort(key=lambda rows: int(rows.stamps.ms[0]) if len(rows) else 0)
    if funding.pop():
        return _verify_funding(files, others)
    length = interval or _interval_of(files)
    rows = _together(files)
    reference = _reference(files, others, length) if others else None
    span = _promise(files)
    span = (from_ms if from_ms is not None else span[0], to_ms if to_ms is not None else span[1])
    return _judge(rows, length, span, reference, clock, tuple(file.name for file in files))


def verify_store(
    store: TimeSeriesStore,
    key: SeriesKey,
    from_ms: int | None = None,
    to_ms: int | None = None,
    *,
    against: str | Path | Sequence[str | Path] | None = None,
    clock: Clock | None = None,
) -> VerificationReport:
    """Judge a stored series over a span, or all of it.

    Raises:
        InputError: nothing of the series is stored in the span.
        MarketDataError: a reference file that cannot be read.
    """
    if key.kind in EVENTS:
        raise InputError(
            "Stored trades and books are not judged.",
            code="unknown_kind",
            field="kind",
            value=str(key.kind),
            fix="Import their archives again: every row is checked then.",
        )
    if key.kind is SeriesKind.FUNDING or key.interval is None:
        rates = store.read_funding(key, from_ms, to_ms)
        return _funding_report(rates, None, _reference_rates(against), ())
    klines = store.read_klines(key, from_ms, to_ms)
    if not len(klines):
        raise InputError(
            f"Nothing of {key} is stored in this span.",
            code="no_data",
            field="symbol",
            value=str(key),
            fix="Download or import it first.",
        )
    others = _read_all(against)
    reference = None
    if others:
        other = others[0].claim.series
        same = other == (key.venue, str(key.market), key.symbol) if other else None
        reference = _Reference(_final(others), _interval_of(others), same)
    stamps = Stamps(klines.timestamp, np.ones(len(klines), dtype=np.int8), Zone.EPOCH)
    return _judge(_Rows(klines, stamps, None, None), key.interval, (from_ms, to_ms), reference, clock, ())


@dataclass(frozen=True, slots=True)
class _Rows:
    klines: Klines
    stamps: Stamps
    close_time: NDArray[np.int64] | None
    filled: NDArray[np.int64] | None


def _judge(
    rows: _Rows,
    interval: Interval,
    span: tuple[int | None, int | None],
    reference: _Reference | None,
    clock: Clock | None,
    files: tuple[str, ...],
) -> VerificationReport:
    now_ms = (clock or SystemClock()).now_ms()
    found = check_units(rows.stamps, interval)
    order, klines = check_order(rows.klines, interval)
    found += order
    found += check_gaps(klines.timestamp, interval)
    found += check_span(klines.timestamp, interval, *span, now_ms)
    bad, is_sound = check_prices(klines, interval)
    found += bad
    # Bars filled in are flat and empty by design; what is asked of trading is asked of traded bars.
    judged = is_sound & ~klines.synthetic
    traded = klines if judged.all() else klines.take(judged)
    if rows.close_time is not None:
        found += check_close_times(rows.klines, rows.close_time, interval)
    # The columns filled speak of rows in file order; they are of use where that is the order of time.
    filled = rows.filled if len(traded) == len(rows.klines) and not order else None
    # Half of the work, on the other core: NumPy lets go of the interpreter while it computes.
    with ThreadPoolExecutor(1) as pool:
        source = pool.submit(_judge_source, traded, interval, reference, filled, rows.stamps.zone)
        found += check_running_bar(klines, interval, now_ms)
        found += check_volumes(traded, interval)
        found += check_outliers(traded, interval)
        sha256 = dataset_hash(klines)
        more, reasons = source.result()
    not_judged: list[NotJudged] = []
    if rows.close_time is None and files:
        not_judged.append(NotJudged("truncated_bar", "there is no column of close times"))
    return VerificationReport(
        findings=in_order(found + more),
        not_judged=tuple(not_judged + reasons),
        bars=len(rows.klines),
        from_ms=int(klines.timestamp[0]) if len(klines) else None,
        to_ms=interval.next_open(int(klines.timestamp[-1])) if len(klines) else None,
        interval=str(interval),
        sha256=sha256,
        files=files,
    )


def _judge_source(
    traded: Klines,
    interval: Interval,
    reference: _Reference | None,
    filled: NDArray[np.int64] | None,
    zone: Zone,
) -> tuple[list[Finding], list[NotJudged]]:
    """Ask whether the bars are final and of one, and the right, market."""
    found: list[Finding] = []
    not_judged: list[NotJudged] = []
    mixture_judged = False
    if reference is None or not len(traded):
        not_judged += not_compared("no reference was given")
    else:
        result = compare(traded, interval, reference.klines, reference.interval, same_series=reference.same_series)
        found, mixture_judged = result.findings, result.mixture_judged
        not_judged += result.not_judged
    if zone is Zone.NAIVE and not any(f.code == "time_zone" for f in found):
        reason = "stamps have no zone and were taken as UTC"
        not_judged = [n for n in not_judged if n.code != "time_zone"]
        if reference is None:
            not_judged.append(NotJudged("time_zone", f"no reference was given; {reason}"))
    if not mixture_judged:
        mixed, unjudged = check_mixture(traded, interval, filled)
        found += mixed
        if unjudged is not None:
            not_judged.append(NotJudged("mixed_market", unjudged))
    return found, not_judged


def _together(files: Sequence[FileRows]) -> _Rows:
    stamps = Stamps(
        np.concatenate([file.stamps.ms for file in files]),
        np.concatenate([file.stamps.unit for file in files]),
        Zone.NAIVE if any(file.stamps.zone is Zone.NAIVE for file in files) else files[0].stamps.zone,
    )
    ends = None
    if any(file.close_time is not None for file in files):
        known = [file.close_time if file.close_time is not None else np.zeros(len(file), np.int64) for file in files]
        ends = np.concatenate(known)
    filled = None
    if any(file.filled is not None for file in files):
        bits = [file.filled if file.filled is not None else np.full(len(file), -1, np.int64) for file in files]
        filled = np.concatenate(bits)
    return _Rows(Klines.concat([file.klines for file in files]), stamps, ends, filled)


def _interval_of(files: Sequence[FileRows]) -> Interval:
    """Return the bar length by the first name that says it, else by the stamps."""
    for file in files:
        if file.interval is not None:
            return file.interval
    stamps = np.concatenate([file.stamps.ms for file in files])
    found = usual_interval(stamps)
    if found is None:
        raise MarketDataError(
            f"The bar length of {files[0].name} is told neither by its name nor by its stamps.",
            code="unknown_interval",
            field="interval",
            fix="Give --interval.",
        )
    return found


def _promise(files: Sequence[FileRows]) -> tuple[int | None, int | None]:
    """Return the span promised by the first and by the last file's name."""
    starts = [file.claim.from_ms for file in files]
    ends = [file.claim.to_ms for file in files]
    known_starts = [start for start in starts if start is not None]
    known_ends = [end for end in ends if end is not None]
    return min(known_starts, default=None), max(known_ends, default=None)


def _reference(files: Sequence[FileRows], others: Sequence[FileRows], interval: Interval) -> _Reference:
    mine, other = files[0].claim.series, others[0].claim.series
    same = None if mine is None or other is None else mine == other
    return _Reference(_final(others), others[0].interval or usual_interval(others[0].stamps.ms) or interval, same)


def _final(others: Sequence[FileRows]) -> Klines:
    klines = Klines.concat([file.klines for file in others])
    _, first = np.unique(klines.timestamp, return_index=True)
    return klines if len(first) == len(klines) and np.all(np.diff(first) > 0) else klines.take(first)


def _read_all(paths: str | Path | Sequence[str | Path] | None) -> list[FileRows]:
    listed = [] if paths is None else [paths] if isinstance(paths, str | Path) else list(paths)
    return [read_file(Path(path)) for path in listed]


def _reference_rates(against: str | Path | Sequence[str | Path] | None) -> FundingRates | None:
    others = _read_all(against)
    return _rates(others) if others else None


def _rates(files: Sequence[FileRows]) -> FundingRates:
    parts = [file.funding for file in files if file.funding is not None]
    return FundingRates(
        np.concatenate([part.timestamp for part in parts]), np.concatenate([part.rate for part in parts])
    )


def _verify_funding(files: Sequence[FileRows], others: Sequence[FileRows]) -> VerificationReport:
    stamps = replace(
        files[0].stamps,
        ms=np.concatenate([file.stamps.ms for file in files]),
        unit=np.concatenate([file.stamps.unit for file in files]),
    )
    names = tuple(file.name for file in files)
    return _funding_report(_rates(files), stamps, _rates(others) if others else None, names)


def _funding_report(
    rates: FundingRates, stamps: Stamps | None, against: FundingRates | None, files: tuple[str, ...]
) -> VerificationReport:
    known = stamps or Stamps(rates.timestamp, np.ones(len(rates), dtype=np.int8), Zone.EPOCH)
    found = check_units(known, None)
    more, not_judged, clean = check_funding(rates, known, against)
    return VerificationReport(
        findings=in_order(found + more),
        not_judged=tuple(not_judged),
        bars=len(rates),
        from_ms=int(clean.timestamp[0]) if len(clean) else None,
        to_ms=int(clean.timestamp[-1]) + 1 if len(clean) else None,
        interval="funding",
        sha256=funding_hash(clean),
        files=files,
    )
