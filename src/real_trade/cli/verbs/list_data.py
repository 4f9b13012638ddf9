"""`real-trade list-data`: every stored series, its span and its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from real_trade.cli.options import add_store_flags
from real_trade.cli.session import data_folder, load_settings
from real_trade.cli.table import table
from real_trade.model.clock import format_time

if TYPE_CHECKING:
    import argparse

    from real_trade.cli.output import Output
    from real_trade.storage.ports import SeriesInfo


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_store_flags(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Print the list."""
    from real_trade.storage import open_store

    folder = data_folder(load_settings(args, out).config)
    series = [_row(info) for info in open_store(folder).list_series()]
    header = ["venue", "market", "symbol", "kind", "interval", "rows", "first", "last"]
    rows = [[str(row[name] if row[name] is not None else "-") for name in header] for row in series]
    text = (
        table(header, rows, right=[5]) if rows else f"{folder} holds no data yet; see: real-trade download-data --help"
    )
    out.result({"data_dir": str(folder), "series": series}, text)
    return 0


def _row(info: SeriesInfo) -> dict[str, object]:
    key = info.key
    return {
        "venue": key.venue,
        "market": str(key.market),
        "symbol": key.symbol,
        "kind": str(key.kind),
        "interval": None if key.interval is None else str(key.interval),
        "rows": info.rows,
        "first": format_time(info.first_ms),
        "last": format_time(info.last_ms),
    }
