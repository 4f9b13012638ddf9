"""Runs to compare: a stored report or a finished backtest as one document and its daily equity."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from real_trade.model.clock import parse_time
from real_trade.model.errors import InputError
from real_trade.model.interval import DAY_MS
from real_trade.report.formatting import number, one_line
from real_trade.report.forms import forms_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from real_trade.backtest.portfolio_result import PortfolioResult
    from real_trade.backtest.result import BacktestResult

_SUMMARY: Final = "summary.json"
_EQUITY: Final = "equity.csv"
# Summaries of one strategy, and of several in one account.
_SCHEMAS: Final = ("real_trade.backtest/", "real_trade.portfolio/")
# The column of equity in the files of either.
_COLUMNS: Final = ("equity", "account")


@dataclass(frozen=True, slots=True)
class Run:
    """One side of a comparison.

    Attributes:
        name: what tells it from the others.
        document: its summary, as `real_trade.report.summary.summary` makes it, or `portfolio_summary`.
        time_ms: the start of the run's first day, then the end of each UTC day, ms.
        equity: the balance then, in settlement currency.
    """

    name: str
    document: Mapping[str, Any]
    time_ms: tuple[int, ...]
    equity: tuple[float, ...]


def run_of(result: BacktestResult | PortfolioResult, name: str | None = None) -> Run:
    """Return a finished backtest as a run; it is named by its strategies, and one by its parameters, unless named."""
    forms = forms_of(result)
    document, table = forms.document(None), forms.tables["equity"]()
    params = " ".join(f"{key}={value}" for key, value in document.get("params", {}).items())
    column = next(name for name in _COLUMNS if name in table)
    curve = _curve(document, [str(day) for day in table["day"]], [float(value) for value in table[column]])
    return Run(name or one_line(f"{document['strategy']} {params}"), document, *curve)


def read_runs(folders: Sequence[str | Path]) -> list[Run]:
    """Return the runs of stored reports, named by as much of their folders' paths as tells them apart.

    Raises:
        InputError: a folder holds no report, or is named twice.
    """
    return [_read_run(Path(folder), name) for folder, name in zip(folders, _names(folders), strict=True)]


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the document of a stored report.

    Raises:
        InputError: the folder holds none.
    """
    try:
        document = json.loads(read_file(folder, _SUMMARY))
    except json.JSONDecodeError as error:
        raise _not_a_report(folder, f"{_SUMMARY} is damaged in line {error.lineno}") from None
    if not isinstance(document, dict) or not str(document.get("schema", "")).startswith(_SCHEMAS):
        raise _not_a_report(folder, f"{_SUMMARY} is not that of a backtest")
    return document


def read_file(folder: Path, name: str) -> str:
    """Return the text of one file of a stored report.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise _not_a_report(folder, f"{name} cannot be read there") from None


def _read_run(folder: Path, name: str) -> Run:
    document = read_summary(folder)
    text = read_file(folder, _EQUITY)
    try:
        days, equity = _columns(text)
        curve = _curve(document, days, equity)
    except (IndexError, StopIteration, ValueError, csv.Error, InputError):
        raise _not_a_report(folder, f"{_EQUITY} is damaged") from None
    return Run(name, document, *curve)


def _columns(text: str) -> tuple[list[str], list[float]]:
    header, *rows = csv.reader(text.splitlines())
    day, equity = header.index("day"), next(i for i, name in enumerate(header) if name in _COLUMNS)
    return [row[day] for row in rows], [float(row[equity]) for row in rows]


def _curve(
    document: Mapping[str, Any], days: Sequence[str], equity: Sequence[float]
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the times and balances, the start balance first."""
    ends = [parse_time(day) + DAY_MS for day in days]
    stats = document.get("stats")
    initial = number(stats.get("initial_equity")) if isinstance(stats, dict) else None
    if not ends or initial is None:
        return tuple(ends), tuple(equity)
    return (ends[0] - DAY_MS, *ends), (initial, *equity)


def _names(folders: Sequence[str | Path]) -> list[str]:
    parts = [Path(folder).resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return [one_line(name) for name in names]
    twice = next((str(folder) for i, folder in enumerate(folders) if parts[i] in parts[:i]), "")
    raise InputError(
        f"{twice} is named twice.", code="same_run_twice", field="directory", value=twice, fix="Name each report once."
    )


def _not_a_report(folder: Path, reason: str) -> InputError:
    return InputError(
        f"{folder} holds no report: {reason}.",
        code="no_report",
        field="directory",
        value=str(folder),
        fix="Write one with: real-trade backtest ... --report DIR",
    )
