"""A backtest as a folder of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from real_trade.model.errors import StorageError
from real_trade.report import tables
from real_trade.report.markdown import render_markdown
from real_trade.report.page import render_page
from real_trade.report.summary import summary
from real_trade.report.text import render_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from real_trade.backtest.result import BacktestResult


def write_report(result: BacktestResult, directory: str | Path) -> dict[str, Path]:
    """Write the report and return its files by what they hold.

    Args:
        result: a finished backtest.
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


def _contents(result: BacktestResult, folder: Path) -> Iterator[tuple[str, str, str]]:
    yield "html", "report.html", render_page(result)
    document = summary(result, folder / "report.html")
    yield "json", "summary.json", json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    yield "markdown", "report.md", render_markdown(result)
    yield "text", "report.txt", render_text(result) + "\n"
    yield "trades", "trades.csv", tables.csv_text(tables.trades_table(result))
    yield "fills", "fills.csv", tables.csv_text(tables.fills_table(result))
    yield "orders", "orders.csv", tables.csv_text(tables.orders_table(result))
    yield "funding", "funding.csv", tables.csv_text(tables.funding_table(result))
    yield "equity", "equity.csv", tables.csv_text(tables.equity_table(result))


def replace_file(path: Path, content: str) -> None:
    """Write beside the file and move into place, so that a reader never meets half of it."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(content, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
