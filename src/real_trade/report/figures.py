"""The page's still pictures as plain numbers: the monthly table, histograms and profits by time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.metrics.drawdown import drawdown_fractions, worst_drawdowns
from real_trade.metrics.returns import day_ends, monthly_returns, simple_returns
from real_trade.metrics.trades import UNITS
from real_trade.model.clock import format_time
from real_trade.model.instrument import MONEY_UNIT
from real_trade.model.interval import DAY_MS, HOUR_MS, MINUTE_MS
from real_trade.report.formatting import money_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from real_trade.backtest.result import BacktestResult
    from real_trade.report.parts import Valued

_HOLDING_EDGES: Final = (5, 15, 30, 60, 120, 240, 480, 1440, 2880, 10_080)
_HOLDING_LABELS: Final = ("5m", "15m", "30m", "1h", "2h", "4h", "8h", "1d", "2d", "1w")
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PROFIT_BINS: Final = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a picture.

    Attributes:
        label: what stands below it; empty where there is no room.
        value: its height, negative below the line.
        tone: ``up``, ``down`` or ``plain``.
        note: what a reader sees on pointing at it.
        base: where it starts; zero but for the steps of a waterfall.
    """

    label: str
    value: float
    tone: str
    note: str
    base: float = 0.0


@dataclass(frozen=True, slots=True)
class Year:
    """One row of the monthly table: the return of each month, None where there was none, and of the year."""

    year: int
    months: tuple[float | None, ...]
    total: float | None


@dataclass(frozen=True, slots=True)
class DrawdownRow:
    """One of the worst drawdowns, times as text."""

    fraction: float
    start: str
    end: str
    recovery: str | None
    days: float
    start_ms: int
    stop_ms: int


def monthly_table(result: Valued) -> list[Year]:
    """Return the returns by UTC month and year."""
    days, last = day_ends(result.time_ms)
    if not len(days):
        return []
    values = result.equity_units[last] / UNITS
    initial = result.initial_units / UNITS
    months = {(year, month): value for year, month, value in monthly_returns(days, values, initial)}
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    year_ends = np.flatnonzero(np.append(np.diff(years) != 0, True))
    totals = simple_returns(values[year_ends], initial)
    return [
        Year(
            int(year),
            tuple(months.get((int(year), month)) for month in range(1, 13)),
            float(total) if np.isfinite(total) else None,
        )
        for year, total in zip(years[year_ends], totals, strict=True)
    ]


def profit_histogram(result: BacktestResult) -> list[Bar]:
    """Return the trades counted by net profit; the outermost bars hold what lies beyond 99 of 100 trades."""
    net = result.trade_rows["net"] / UNITS
    if not len(net):
        return []
    reach = float(np.quantile(np.abs(net), 0.99)) or 1.0
    width = 2 * reach / _PROFIT_BINS
    bins = np.clip(np.floor(net / width).astype(np.int64) + _PROFIT_BINS // 2, 0, _PROFIT_BINS - 1)
    counts = np.bincount(bins, minlength=_PROFIT_BINS)
    bars = []
    for i, count in enumerate(counts.tolist()):
        start, stop = (i - _PROFIT_BINS // 2) * width, (i + 1 - _PROFIT_BINS // 2) * width
        label = money_text(start) if i % 10 == 0 else ""
        low = "below" if i == 0 else money_text(start)
        high = "above" if i == _PROFIT_BINS - 1 else money_text(stop)
        bars.append(Bar(label, count, "up" if start >= 0 else "down", f"{low} to {high}: {count:,} trades"))
    return bars


def holding_histogram(result: BacktestResult) -> list[Bar]:
    """Return the trades counted by the time they were held."""
    rows = result.trade_rows
    if not len(rows):
        return []
    minutes = (rows["exit_ms"] - rows["entry_ms"]) / MINUTE_MS
    bins = np.searchsorted(_HOLDING_EDGES, minutes, side="right")
    counts = np.bincount(bins, minlength=len(_HOLDING_EDGES) + 1)
    net = np.bincount(bins, weights=rows["net"] / UNITS, minlength=len(_HOLDING_EDGES) + 1)
    labels = [f"<{_HOLDING_LABELS[0]}", *(f"{label}+" for label in _HOLDING_LABELS)]
    return [
        Bar(label, count, "plain", f"{label}: {count:,} trades, net {money_text(profit)}")
        for label, count, profit in zip(labels, counts.tolist(), net.tolist(), strict=True)
    ]


def profit_by_hour(result: BacktestResult) -> list[Bar]:
    """Return net profit by the UTC hour of entry."""
    hours = result.trade_rows["entry_ms"] // HOUR_MS % 24
    return _profits(result, hours, [f"{hour:02d}" for hour in range(24)], "{}:00 UTC")


def profit_by_weekday(result: BacktestResult) -> list[Bar]:
    """Return net profit by the UTC weekday of entry."""
    # 1970-01-01 was a Thursday.
    return _profits(result, (result.trade_rows["entry_ms"] // DAY_MS + 3) % 7, _WEEKDAYS, "{}")


def profit_by_minute(result: BacktestResult) -> list[Bar]:
    """Return net profit by the minute of the hour of entry."""
    minutes = result.trade_rows["entry_ms"] // MINUTE_MS % 60
    return _profits(result, minutes, [f"{minute:02d}" for minute in range(60)], "minute {}")


def drawdown_rows(result: Valued) -> list[DrawdownRow]:
    """Return the five worst drawdowns, worst first."""
    unit = float(MONEY_UNIT)
    fractions = drawdown_fractions(
        np.asarray(result.equity_units * unit, dtype=np.float64), result.initial_units * unit
    )
    rows = []
    for item in worst_drawdowns(fractions):
        start, end = int(result.time_ms[item.start]), int(result.time_ms[item.end])
        stop = int(result.time_ms[-1 if item.recovery is None else item.recovery])
        recovery = None if item.recovery is None else _day(stop)
        rows.append(DrawdownRow(item.fraction, _day(start), _day(end), recovery, (stop - start) / DAY_MS, start, stop))
    return rows


def _profits(result: BacktestResult, bins: NDArray[np.int64], labels: Sequence[str], wording: str) -> list[Bar]:
    if not len(bins):
        return []
    net = np.bincount(bins, weights=result.trade_rows["net"] / UNITS, minlength=len(labels)).tolist()
    counts = np.bincount(bins, minlength=len(labels)).tolist()
    stride = 1 if len(labels) <= 7 else len(labels) // 12
    return [
        Bar(
            label if i % stride == 0 else "",
            net[i],
            "up" if net[i] >= 0 else "down",
            f"{wording.format(label)}: {money_text(net[i])} in {counts[i]:,} trades",
        )
        for i, label in enumerate(labels)
    ]


def _day(time_ms: int) -> str:
    return format_time(time_ms)[:16].replace("T", " ")
