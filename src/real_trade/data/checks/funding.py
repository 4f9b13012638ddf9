"""Checks of funding rates: the same questions as for bars, where they make sense for settlements."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.data.checks.grid import minute, name_minutes
from real_trade.data.checks.reference import find_shift, shift_finding
from real_trade.data.findings import Finding, NotJudged
from real_trade.model.series import FundingRates

if TYPE_CHECKING:
    from real_trade.data.stamps import Stamps

_HOUR_MS: Final = 3_600_000
_MINUTE_MS: Final = 60_000


def check_funding(
    rates: FundingRates, stamps: Stamps, against: FundingRates | None
) -> tuple[list[Finding], list[NotJudged], FundingRates]:
    """Judge settlements; return also the rates ascending and each once.

    Venues stamp settlements some milliseconds late, so times count to the minute.
    """
    found: list[Finding] = []
    times = (rates.timestamp + _MINUTE_MS // 2) // _MINUTE_MS * _MINUTE_MS
    late = np.flatnonzero(times < np.maximum.accumulate(times)) if len(times) else times
    if len(late):
        detail = f"settlements that come after a later one: {name_minutes(times[late])}"
        found.append(Finding.of("disorder", int(times[late].min()), int(times[late].max()) + 1, len(late), detail))
    times, first = np.unique(times, return_index=True)
    if len(first) < len(rates):
        detail = "settlements that are there more than once"
        found.append(Finding.of("duplicate", int(times[0]), int(times[-1]) + 1, len(rates) - len(first), detail))
    clean = FundingRates(rates.timestamp[first], rates.rate[first])
    if not len(times):
        return found, [], clean
    bad = np.flatnonzero(~np.isfinite(clean.rate))
    if len(bad):
        detail = f"no rate: {name_minutes(times[bad])}"
        found.append(Finding.of("ohlc", int(times[bad[0]]), int(times[bad[-1]]) + 1, len(bad), detail))
    flat = FundingRates(times, clean.rate)
    found += _gaps(flat)
    if against is None:
        return found, [NotJudged("time_zone", _zone_reason(flat, stamps)), _no_reference("revised_bar")], clean
    more, not_judged = _compare(flat, against)
    return found + more, not_judged, clean


def funding_hash(rates: FundingRates) -> str:
    """Return the sha256 over settlement times and rates, little-endian, one column after the other."""
    digest = sha256(b"real_trade funding 1\n")
    digest.update(len(rates).to_bytes(8, "little"))
    digest.update(np.ascontiguousarray(rates.timestamp, dtype="<i8").data)
    digest.update(np.ascontiguousarray(rates.rate + 0.0, dtype="<f8").data)
    return digest.hexdigest()


def _gaps(rates: FundingRates) -> list[Finding]:
    """Find missing settlements; the interval is the one usual around, as venues shorten it in wild times."""
    steps = np.diff(rates.timestamp)
    if not len(steps):
        return []
    values, counts = np.unique(steps, return_counts=True)
    usual = int(values[np.argmax(counts)])
    found = []
    for row in np.flatnonzero((steps > usual) & (steps % usual == 0)):
        start, end = int(rates.timestamp[row]) + usual, int(rates.timestamp[row + 1])
        missing = (end - start) // usual
        detail = f"{missing:,} settlements missing from {minute(start)}, the next one is {minute(end)}"
        found.append(Finding.of("gap", start, end, missing, detail))
    return found


def _compare(rates: FundingRates, against: FundingRates) -> tuple[list[Finding], list[NotJudged]]:
    reference = (against.timestamp + _MINUTE_MS // 2) // _MINUTE_MS * _MINUTE_MS
    values, others = rates.rate[:, None], against.rate[:, None]
    shift = find_shift(rates.timestamp, values, reference, others)
    found = []
    if shift:
        found.append(shift_finding(rates.timestamp, shift, int(rates.timestamp[-1]) + 1))
    _, mine, theirs = np.intersect1d(rates.timestamp + shift, reference, assume_unique=True, return_indices=True)
    if not len(mine):
        return found, [_no_reference("revised_bar", "the reference has no settlement in common")]
    differs = mine[np.abs(rates.rate[mine] - against.rate[theirs]) > 1e-9]
    if len(differs):
        times = rates.timestamp[differs]
        detail = f"{len(differs):,} of {len(mine):,} compared rates differ: {name_minutes(times)}"
        found.append(Finding.of("revised_bar", int(times[0]), int(times[-1]) + 1, len(differs), detail))
    return found, []


def _zone_reason(rates: FundingRates, stamps: Stamps) -> str:
    reason = "no reference was given"
    if stamps.zone == "naive":
        reason += "; stamps have no zone and were taken as UTC"
    hours = np.unique(rates.timestamp // _HOUR_MS % 8)
    if len(hours) == 1 and hours[0]:
        reason += f"; settlements {int(hours[0])} h after 00:00, 08:00 and 16:00 UTC suggest another zone"
    return reason


def _no_reference(code: str, reason: str = "no reference was given") -> NotJudged:
    return NotJudged(code, reason)
