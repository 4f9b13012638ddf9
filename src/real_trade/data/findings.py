"""What a check of market data can find, and the report that collects it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from real_trade.model.clock import format_time

# How many findings of one code the readable text lists; the JSON form lists all.
_TEXT_LINES_PER_CODE = 10


class Severity(StrEnum):
    """Whether a finding makes the data unfit or is only worth a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class FindingCode:
    """One kind of finding.

    Attributes:
        severity: error or warning.
        meaning: one sentence; says what ``count`` counts.
    """

    severity: Severity
    meaning: str


def _error(meaning: str) -> FindingCode:
    return FindingCode(Severity.ERROR, meaning)


def _warning(meaning: str) -> FindingCode:
    return FindingCode(Severity.WARNING, meaning)


# Every kind of finding there is; the order is that of the report.
FINDING_CODES: Final[dict[str, FindingCode]] = {
    "time_unit_mixed": _error("Stamps come in more than one unit; counts rows not in the first row's unit."),
    "time_zone": _error("Stamps are off by a constant offset against the reference; counts rows."),
    "disorder": _error("Rows are not ascending in time, or do not open on the interval's grid; counts such rows."),
    "duplicate": _error("An opening time occurs more than once; counts surplus rows."),
    "gap": _error("Bars are missing between two others; counts missing bars."),
    "late_start": _error("The first bars of the promised span are missing; counts missing bars."),
    "early_end": _error("The last bars of the promised span are missing; counts missing bars."),
    "ohlc": _error("A price is missing, not positive, or high and low do not enclose open and close; counts bars."),
    "truncated_bar": _error("A bar was closed before its interval ended; counts bars."),
    "unfinished_bar": _error("The last bar was saved before its interval ended; counts bars."),
    "revised_bar": _error("A bar differs from the reference's final one; counts bars."),
    "mixed_market": _error("Rows of two markets or sources in one series; counts rows of the lesser one."),
    "wrong_market": _error("Prices are not those of the reference's market; counts compared bars."),
    "zero_volume": _warning("Bars without a trade; counts bars."),
    "outlier": _warning("A price far outside what the bars around it suggest; counts adjacent bars."),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    Attributes:
        code: key of `FINDING_CODES`.
        severity: that of the code.
        from_ms, to_ms: span concerned, ``[from, to)``; None where there is no time to name.
        count: rows or bars, as the code's meaning says.
        detail: one sentence with the particulars.
        file: name of the file concerned, where it is one of several.
    """

    code: str
    severity: Severity
    from_ms: int | None
    to_ms: int | None
    count: int
    detail: str
    file: str | None = None

    @classmethod
    def of(
        cls, code: str, from_ms: int | None, to_ms: int | None, count: int, detail: str, file: str | None = None
    ) -> Finding:
        """Build one with the severity of its code."""
        return cls(code, FINDING_CODES[code].severity, from_ms, to_ms, count, detail, file)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form: ``code, severity, from, to, count, detail``."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "from": _iso(self.from_ms),
            "to": _iso(self.to_ms),
            "count": self.count,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A kind of finding that could not be looked for.

    Attributes:
        code: key of `FINDING_CODES`.
        reason: what was missing.
    """

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """The certificate of a series: what was found, what was not looked for, and what was looked at.

    Attributes:
        findings: in the order of `FINDING_CODES`, then of time.
        not_judged: kinds that could not be looked for, with the reason.
        bars: rows judged, repeated ones included.
        from_ms, to_ms: opening time of the first bar, end of the last one; None where there is no row.
        interval: bar length by name; ``funding`` for funding rates.
        sha256: dataset hash of the rows, ascending and each once.
        files: names of the files judged; empty for a stored series.
    """

    findings: tuple[Finding, ...]
    not_judged: tuple[NotJudged, ...]
    bars: int
    from_ms: int | None
    to_ms: int | None
    interval: str
    sha256: str
    files: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Tell whether there is no error; warnings do not count."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Return the findings that make the data unfit."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Return the findings that are only worth a look."""
        return tuple(f for f in self.findings if f.severity is Severity.WARNING)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "ok": self.ok,
            "files": list(self.files),
            "interval": self.interval,
            "bars": self.bars,
            "from": _iso(self.from_ms),
            "to": _iso(self.to_ms),
            "sha256": self.sha256,
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "findings": [f.to_dict() for f in self.findings],
            "not_judged": [{"code": n.code, "reason": n.reason} for n in self.not_judged],
        }

    def text(self) -> str:
        """Return the report for reading; long lists are cut, the JSON form has them whole."""
        what = ", ".join(self.files) or "stored series"
        span = f"{_iso(self.from_ms)} to {_iso(self.to_ms)}" if self.from_ms is not None else "no rows"
        lines = [f"{what}: {self.bars:,} rows of {self.interval}, {span}", f"dataset sha256 {self.sha256}"]
        for code, kind in FINDING_CODES.items():
            same = [f for f in self.findings if f.code == code]
            lines += [_line(f) for f in same[:_TEXT_LINES_PER_CODE]]
            if len(same) > _TEXT_LINES_PER_CODE:
                rest = same[_TEXT_LINES_PER_CODE:]
                total = sum(f.count for f in rest)
                lines.append(f"  {kind.severity:<7} {code}: {len(rest):,} more, counting {total:,}")
        lines += [f"  not judged: {n.code}: {n.reason}" for n in self.not_judged]
        verdict = "sound" if self.ok else "NOT sound"
        lines.append(f"{verdict}: {len(self.errors):,} errors, {len(self.warnings):,} warnings")
        return "\n".join(lines)


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return findings by code as registered, then by time."""
    rank = {code: i for i, code in enumerate(FINDING_CODES)}
    return tuple(sorted(findings, key=lambda f: (rank[f.code], f.from_ms or 0)))


def _line(finding: Finding) -> str:
    span = f" {_iso(finding.from_ms)} to {_iso(finding.to_ms)}" if finding.from_ms is not None else ""
    where = f" [{finding.file}]" if finding.file else ""
    return f"  {finding.severity:<7} {finding.code}{span} ({finding.count:,}){where}: {finding.detail}"


def _iso(time_ms: int | None) -> str | None:
    return None if time_ms is None else format_time(time_ms)
