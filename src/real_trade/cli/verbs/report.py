"""`real-trade report`: a stored report again, as text, Markdown or JSON, and where its page is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from real_trade.model.errors import InputError

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output

_FILES: Final = {"text": "report.txt", "markdown": "report.md", "json": "summary.json"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument("directory", type=Path, help="folder that backtest --report wrote")
    parser.add_argument("--format", choices=list(_FILES), default="text", help="what to print (default: %(default)s)")


def run(args: argparse.Namespace, out: Output) -> int:
    """Print the report."""
    document = _document(args.directory)
    page = args.directory / "report.html"
    document["report"] = str(page) if page.is_file() else None
    text = _read(args.directory, _FILES[args.format])
    out.result(document, text.rstrip("\n"))
    if document["report"]:
        out.note(f"page: {page}")
    return 0


def _document(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads(_read(folder, _FILES["json"]))
    except json.JSONDecodeError as error:
        raise _not_a_report(folder, f"{_FILES['json']} is damaged in line {error.lineno}") from None
    if not isinstance(document, dict) or not str(document.get("schema", "")).startswith("real_trade.backtest/"):
        raise _not_a_report(folder, f"{_FILES['json']} is not that of a backtest")
    return document


def _read(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise _not_a_report(folder, f"{name} cannot be read there") from None


def _not_a_report(folder: Path, reason: str) -> InputError:
    return InputError(
        f"{folder} holds no report: {reason}.",
        code="no_report",
        field="directory",
        value=str(folder),
        fix="Write one with: real-trade backtest ... --report DIR",
    )
