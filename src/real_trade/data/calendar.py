"""A picture of what is there: one cell per day, coloured by the share of its bars that are present."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

import numpy as np

from real_trade.data.findings import FINDING_CODES, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from real_trade.data.findings import Finding
    from real_trade.model.interval import Interval
    from real_trade.model.series import Klines

_DAY_MS: Final = 86_400_000
_CELL: Final = 13
_PITCH: Final = 15
_LEFT: Final = 74
_TOP: Final = 62
_LEGEND: Final = 64
# Share of bars present, at least; class; words of the legend.
_LEVELS: Final = (
    (1.0, "full", "all bars"),
    (0.99, "most", "99 % or more"),
    (0.5, "half", "half or more"),
    (1e-12, "few", "less than half"),
    (0.0, "none", "no bar"),
)
_STYLE: Final = """
.page{fill:#ffffff}.ink{fill:#24292f}.dim{fill:#57606a}
.full{fill:#2da44e}.most{fill:#8ac926}.half{fill:#f2b134}.few{fill:#d1495b}.none{fill:#d8dee4}
.error{fill:none;stroke:#b3001b;stroke-width:2}.warning{fill:#0b3d91}.quiet{fill:#24292f}.filled{stroke:#ffffff;stroke-width:2}
text{font:11px system-ui,sans-serif}.title{font-size:14px;font-weight:600}
@media (prefers-color-scheme:dark){.page{fill:#0d1117}.ink{fill:#e6edf3}.dim{fill:#9da7b1}.none{fill:#30363d}
.error{stroke:#ff7b72}.warning{fill:#a5c8ff}.quiet{fill:#0d1117}.filled{stroke:#0d1117}}
""".strip().replace("\n", "")


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """Coverage of single days, one entry per day of the span.

    Attributes:
        day: number of the day since 1970.
        expected: bars that the day should have within the span.
        present: bars that it has.
        quiet: bars of volume 0.
        synthetic: bars filled in.
        errors, warnings: codes of the findings that touch the day.
    """

    day: NDArray[np.int64]
    expected: NDArray[np.int64]
    present: NDArray[np.int64]
    quiet: NDArray[np.int64]
    synthetic: NDArray[np.int64]
    errors: dict[int, list[str]]
    warnings: dict[int, list[str]]


def day_coverage(
    klines: Klines, interval: Interval, from_ms: int, to_ms: int, findings: Sequence[Finding] = ()
) -> DayCoverage:
    """Count bars per day (UTC) of ``[from_ms, to_ms)``.

    Args:
        klines: ascending bars.
        interval: their length; longer than a day counts a bar on its opening day.
        from_ms, to_ms: the span.
        findings: what a check found.
    """
    first, last = from_ms // _DAY_MS, (to_ms - 1) // _DAY_MS
    days = np.arange(first, last + 1, dtype=np.int64)
    bounds = [(max(from_ms, int(d) * _DAY_MS), min(to_ms, (int(d) + 1) * _DAY_MS)) for d in days]
    expected = np.array([interval.count(a, b) for a, b in bounds], dtype=np.int64)
    inside = klines.between(from_ms, to_ms)
    at = inside.timestamp // _DAY_MS - first

    def per_day(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(rows, minlength=len(days)).astype(np.int64)

    touched: dict[Severity, dict[int, list[str]]] = {Severity.ERROR: {}, Severity.WARNING: {}}
    for finding in findings:
        # A warning that spans the series, such as empty bars here and there, is seen day by day already.
        if finding.from_ms is None or finding.to_ms is None or finding.code == "zero_volume":
            continue
        for day in range(max(first, finding.from_ms // _DAY_MS), min(last, (finding.to_ms - 1) // _DAY_MS) + 1):
            codes = touched[finding.severity].setdefault(day, [])
            if finding.code not in codes:
                codes.append(finding.code)
    return DayCoverage(
        days,
        expected,
        per_day(at),
        per_day(at[(inside.volume == 0) & ~inside.synthetic]),
        per_day(at[inside.synthetic]),
        touched[Severity.ERROR],
        touched[Severity.WARNING],
    )


def coverage_svg(
    klines: Klines,
    interval: Interval,
    from_ms: int | None = None,
    to_ms: int | None = None,
    *,
    title: str = "Coverage",
    findings: Sequence[Finding] = (),
) -> str:
    """Return the calendar as one self-contained SVG document: a row per month, a cell per day.

    Args:
        klines: ascending bars.
        interval: their length.
        from_ms, to_ms: the span; where the bars begin and end if not given.
        title: first line of the picture.
        findings: marked on the days that they touch.
    """
    if from_ms is None:
        from_ms = int(klines.timestamp[0]) if len(klines) else 0
    if to_ms is None:
        to_ms = interval.next_open(int(klines.timestamp[-1])) if len(klines) else from_ms + _DAY_MS
    coverage = day_coverage(klines, interval, from_ms, max(to_ms, from_ms + 1), findings)
    months = _months(coverage.day)
    height = _TOP + len(months) * _PITCH + _LEGEND
    width = _LEFT + 31 * _PITCH + 80
    body = [*_header(coverage, title), *_day_numbers()]
    for row, (label, cells) in enumerate(months):
        body += _month(coverage, label, cells, _TOP + row * _PITCH)
    body += _legend(coverage, _TOP + len(months) * _PITCH + 18)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">'
        f"<style>{_STYLE}</style>"
        f'<rect class="page" width="{width}" height="{height}"/>{"".join(body)}</svg>\n'
    )


def _months(days: NDArray[np.int64]) -> list[tuple[str, list[int]]]:
    """Return per calendar month its label and the rows of its days."""
    months: dict[str, list[int]] = {}
    for row, day in enumerate(days):
        months.setdefault(_date(int(day)).strftime("%Y-%m"), []).append(row)
    return list(months.items())


def _date(day: int) -> datetime:
    return datetime.fromtimestamp(day * 86_400, UTC)


def _header(coverage: DayCoverage, title: str) -> list[str]:
    expected, present = int(coverage.expected.sum()), int(coverage.present.sum())
    share = 100 * present / expected if expected else 0.0
    line = f"{present:,} of {expected:,} bars ({share:.4g} %), {expected - present:,} missing"
    if coverage.synthetic.any():
        line += f", {int(coverage.synthetic.sum()):,} filled in"
    return [
        f'<text class="ink title" x="12" y="20">{escape(title)}</text>',
        f'<text class="dim" x="12" y="37">{line}</text>',
    ]


def _day_numbers() -> list[str]:
    numbers = (1, 5, 10, 15, 20, 25, 31)
    return [
        f'<text class="dim" text-anchor="middle" x="{_LEFT + (n - 1) * _PITCH + _CELL / 2:g}" y="{_TOP - 6}">{n}</text>'
        for n in numbers
    ]


def _month(coverage: DayCoverage, label: str, rows: list[int], top: int) -> list[str]:
    expected, present = int(coverage.expected[rows].sum()), int(coverage.present[rows].sum())
    # Rounded down: a month that lacks one bar does not read as whole.
    share = f"{np.floor(1000 * present / expected) / 10:g} %" if expected else ""
    return [
        f'<text class="ink" x="12" y="{top + _CELL - 2}">{label}</text>',
        *(_day(coverage, row, top) for row in rows),
        f'<text class="dim" x="{_LEFT + 31 * _PITCH + 8}" y="{top + _CELL - 2}">{share}</text>',
    ]


def _day(coverage: DayCoverage, row: int, top: int) -> str:
    day = int(coverage.day[row])
    expected, present = int(coverage.expected[row]), int(coverage.present[row])
    if expected == 0 and present == 0:
        return ""
    left = _LEFT + (_date(day).day - 1) * _PITCH
    words = [f"{_date(day):%Y-%m-%d}: {present:,} of {expected:,} bars"]
    marks = []
    if coverage.quiet[row]:
        words.append(f"{int(coverage.quiet[row]):,} without a trade")
        marks.append(_dot(left + 4, top + _CELL - 4, "quiet"))
    if coverage.synthetic[row]:
        words.append(f"{int(coverage.synthetic[row]):,} filled in")
        marks.append(_slash(left, top))
    if day in coverage.warnings:
        words.append(", ".join(coverage.warnings[day]))
        marks.append(_dot(left + _CELL - 4, top + 4, "warning"))
    if day in coverage.errors:
        words.append(", ".join(coverage.errors[day]))
        marks.append(_frame(left, top))
    level = _level(present / expected if expected else 1.0)
    return f"<g><title>{escape('; '.join(words))}</title>{_cell(left, top, level)}{''.join(marks)}</g>"


def _level(share: float) -> str:
    return next(name for least, name, _ in _LEVELS if share >= least)


def _cell(left: int, top: int, level: str) -> str:
    return f'<rect class="{level}" x="{left}" y="{top}" width="{_CELL}" height="{_CELL}" rx="2"/>'


def _dot(x: int, y: int, kind: str) -> str:
    return f'<circle class="{kind}" cx="{x}" cy="{y}" r="2.2"/>'


def _slash(left: int, top: int) -> str:
    return f'<path class="filled" d="M{left + 2} {top + _CELL - 2}L{left + _CELL - 2} {top + 2}"/>'


def _frame(left: int, top: int) -> str:
    return f'<rect class="error" x="{left + 1}" y="{top + 1}" width="{_CELL - 2}" height="{_CELL - 2}" rx="2"/>'


def _legend(coverage: DayCoverage, top: int) -> list[str]:
    parts, left = [], 12
    for _, name, words in _LEVELS:
        parts += [_cell(left, top, name), _words(left + 18, top, words)]
        left += 104
    marks = [
        ("error", f"error ({', '.join(_codes(coverage.errors)) or 'none'})"),
        ("warning", f"warning ({', '.join(_codes(coverage.warnings)) or 'none'})"),
        ("quiet", "bars without a trade"),
        ("filled", "bars filled in"),
    ]
    left, top = 12, top + 22
    for kind, words in marks:
        drawn = {"error": _frame(left, top), "filled": _cell(left, top, "full") + _slash(left, top)}
        parts.append(drawn.get(kind) or _cell(left, top, "none") + _dot(left + 6, top + 6, kind))
        parts.append(_words(left + 18, top, words))
        left += 36 + 6 * len(words)
    return parts


def _words(left: int, top: int, words: str) -> str:
    return f'<text class="dim" x="{left}" y="{top + _CELL - 3}">{escape(words)}</text>'


def _codes(touched: dict[int, list[str]]) -> list[str]:
    """Return the codes that occur, in the order of the registry."""
    found = {code for codes in touched.values() for code in codes}
    return [code for code in FINDING_CODES if code in found]
