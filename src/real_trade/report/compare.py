"""Several runs on one page and in one table: the same comparison, drawn and written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from real_trade.model.errors import StorageError
from real_trade.report.comparison import LETTERS, compare_runs
from real_trade.report.files import replace_file
from real_trade.report.formatting import scalar_text
from real_trade.report.page import assemble
from real_trade.report.runs import Run, run_of
from real_trade.report.trust import first_line, subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from real_trade.backtest.portfolio_result import PortfolioResult
    from real_trade.backtest.result import BacktestResult

_SCRIPTS: Final = ("scale.js", "drawing.js", "pointer.js", "compare.js")
# Runs from this one on are dashed, so that colour alone need not tell them apart.
_DASHED: Final = 6
_HASHES: Final = {"data": "Data", "code": "Code", "config": "Settings", "orders": "Orders"}


def render_comparison(runs: Sequence[Run | BacktestResult | PortfolioResult]) -> str:
    """Return one self-contained HTML page that sets 2 to 12 runs side by side.

    Args:
        runs: finished backtests, or stored ones from `real_trade.report.runs.read_runs`.

    Raises:
        InputError: too few or too many runs, or runs in different currencies.
    """
    sides = [run if isinstance(run, Run) else run_of(run) for run in runs]
    document = compare_runs(sides)
    series = [
        {"letter": LETTERS[i], "name": run.name, "dashed": i >= _DASHED, "time": run.time_ms, "equity": run.equity}
        for i, run in enumerate(sides)
    ]
    contents = {
        "comparison": document,
        "verdicts": [first_line(_subject(run), run.document.get("trust")) for run in sides],
        "where": _where(document),
        "hash_names": _HASHES,
        "differing": [row for row in document["parameters"] + document["settings"] if row["differs"]],
        "alike": [row for row in document["parameters"] + document["settings"] if not row["differs"]],
    }
    data = {"runs": series, "currency": document["currency"]}
    return assemble("compare.html.j2", contents, scripts=_SCRIPTS, data=data)


def write_comparison(runs: Sequence[Run | BacktestResult | PortfolioResult], path: str | Path) -> Path:
    """Write the page, and return where.

    Raises:
        InputError: as `render_comparison`.
        StorageError: the file cannot be written.
    """
    target, page = Path(path), render_comparison(runs)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, page)
    except OSError as error:
        raise StorageError(
            f"The comparison cannot be written to {target}: {error.strerror or error}.",
            code="report_not_written",
            field="compare",
            value=str(target),
            fix="Name a file in a folder that can be written, on a disk with room.",
        ) from error
    return target


def comparison_text(document: Mapping[str, Any]) -> str:
    """Return the comparison as a table for the terminal; the best of a row carries a star.

    Args:
        document: from `real_trade.report.comparison.compare_runs`.
    """
    lines = [f"{run['letter']}: {run['name']}" for run in document["runs"]]
    rows = [["", *(run["letter"] for run in document["runs"])]]
    for figure in document["figures"]:
        best = figure["best"]
        rows.append(
            [figure["label"], *(f"{text} {'*' if i in best else ' '}" for i, text in enumerate(figure["shown"]))]
        )
    rows += [[check["label"], *(f"{word}  " for word in check["values"])] for check in document["checks"]]
    differing = [row for row in document["parameters"] if row["differs"]]
    rows += [[row["name"], *(f"{text}  " for text in row["shown"])] for row in differing]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines.append("")
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
    lines += ["", "* best of its row", *(f"Warning: {warning}" for warning in document["warnings"])]
    return "\n".join(lines)


def _subject(run: Run) -> str:
    """Return what the trials of a run are trials of."""
    listed = run.document.get("strategies")
    names = [str(run.document.get("strategy", ""))] * (len(listed) if isinstance(listed, list) else 1)
    return subject_of(names)


def _where(document: Mapping[str, Any]) -> str:
    """Return what all runs have in common: the series, where it is one."""
    words = [{name: scalar_text(value) for name, value in run.items()} for run in document["runs"]]
    facts = {
        f"{run['venue']} {run['market']} {run['symbol']}, {run['interval']} bars, "
        f"{run['from'][:10]} to {run['to'][:10]}"
        for run in words
    }
    return facts.pop() if len(facts) == 1 else "different series"
