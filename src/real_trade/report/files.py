"""A backtest as a folder of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from real_trade.model.errors import StorageError
from real_trade.report.forms import forms_of
from real_trade.report.tables import csv_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from real_trade.backtest.portfolio_result import PortfolioResult
    from real_trade.backtest.result import BacktestResult


def write_report(result: BacktestResult | PortfolioResult, directory: str | Path) -> dict[str, Path]:
    """Write the report and return its files by what they hold.

    Args:
        result: a finished backtest, of one strategy or of several in one account.
        directory: made when absent; files of an earlier report in it are replaced.

    Returns:
        ``html`` (report.html), ``json`` (summary.json), ``markdown`` (report.md), ``text`` (report.txt), ``trades``,
        ``fills``, ``orders``, ``funding`` and ``equity`` (CSV; equity at the end of each UTC day).

    Raises:
        StorageError: the directory cannot be written.
    """
    folder = Path(directory)
    written: dict[str, Path] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind, name, content in _contents(result, folder):
            path = folder / name
            replace_file(path, content)
            written[kind] = path
    except OSError as error:
        raise StorageError(
            f"The report cannot be written to {folder}: {error.strerror or error}.",
            code="report_not_written",
            field="report",
            value=str(folder),
            fix="Name a folder that can be written, on a disk with room.",
        ) from error
    return written


def _contents(result: BacktestResult | PortfolioResult, folder: Path) -> Iterator[tuple[str, str, str]]:
    forms = forms_of(result)
    yield "html", "report.html", forms.page()
    document = forms.document(folder / "report.html")
    yield "json", "summary.json", json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    yield "markdown", "report.md", forms.markdown()
    yield "text", "report.txt", forms.text() + "\n"
    for name, table in forms.tables.items():
        yield name, f"{name}.csv", csv_text(table())


def replace_file(path: Path, content: str) -> None:
    """Write beside the file and move into place, so that a reader never meets half of it."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(content, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
