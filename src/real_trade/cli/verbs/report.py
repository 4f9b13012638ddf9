"""`real-trade report`: a stored report again, as text, Markdown or JSON, and where its page is; or several compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from real_trade.model.errors import InputError

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output

_FILES: Final = {"text": "report.txt", "markdown": "report.md", "json": "summary.json"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument(
        "directories",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="folder that backtest --report wrote; 2 to 12 of them are compared",
    )
    parser.add_argument(
        "--format", choices=list(_FILES), help="how to print one report (default: text); a comparison is text or --json"
    )
    parser.add_argument("--compare", type=Path, metavar="FILE", help="write the comparison as one HTML page")


def run(args: argparse.Namespace, out: Output) -> int:
    """Print the report, or the comparison."""
    if len(args.directories) == 1 and args.compare is None:
        _show(args.directories[0], args.format or "text", out)
    else:
        _compare(args, out)
    return 0


def _show(folder: Path, form: str, out: Output) -> None:
    from real_trade.report.runs import read_file, read_summary

    document = read_summary(folder)
    page = folder / "report.html"
    document["report"] = str(page) if page.is_file() else None
    out.result(document, read_file(folder, _FILES[form]).rstrip("\n"))
    if document["report"]:
        out.note(f"page: {page}")


def _compare(args: argparse.Namespace, out: Output) -> None:
    from real_trade.report.compare import comparison_text, write_comparison
    from real_trade.report.comparison import compare_runs
    from real_trade.report.runs import read_runs

    if args.format is not None:
        raise InputError(
            "--format is for one report; a comparison is printed as text or, with --json, as JSON.",
            code="bad_usage",
            field="format",
            value=args.format,
            fix="Leave --format out.",
        )
    runs = read_runs(args.directories)
    document = compare_runs(runs)
    page = None if args.compare is None else write_comparison(runs, args.compare)
    out.result(document | {"page": None if page is None else str(page)}, comparison_text(document))
    if page is not None:
        out.note(f"page: {page}")
