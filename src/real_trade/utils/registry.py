"""Name -> "module:attribute", resolved on call: how inner rooms reach outer ones without importing them."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Final

# Where a venue's history comes from: a function (settings, market) -> data.history.HistorySource.
VENUE_HISTORY: Final[dict[str, str]] = {
    "binance": "real_trade.binance.history:open_history",
    "bybit": "real_trade.bybit.history:open_history",
}
# How a backtest result becomes files: a function (result, directory) -> dict of paths.
RESULT_REPORT: Final[dict[str, str]] = {
    "page": "real_trade.report.page:render_page",
    "files": "real_trade.report.files:write_report",
    "text": "real_trade.report.text:render_text",
}


def resolve(table: dict[str, str], name: str) -> object:
    """Import and return what ``name`` stands for.

    Raises:
        KeyError: the table has no such name; the message names the nearest ones.
    """
    if name not in table:
        near = get_close_matches(name, table, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(sorted(table))}"
        raise KeyError(f"{name!r} is not known{hint}")
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)
