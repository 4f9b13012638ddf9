"""Market data: download, import, proof. Names are imported when they are asked for."""

from __future__ import annotations

from importlib import import_module

# Name -> module that holds it.
_HOMES = {
    "BybitHistoricalDataDownloader": "real_trade.data.downloader",
    "check_data_integrity": "real_trade.data.downloader",
    "download_historical_klines": "real_trade.data.downloader",
    "EventsReport": "real_trade.data.event_report",
    "FINDING_CODES": "real_trade.data.findings",
    "Finding": "real_trade.data.findings",
    "ImportReport": "real_trade.data.importing",
    "VerificationReport": "real_trade.data.findings",
    "coverage_svg": "real_trade.data.calendar",
    "fill_gaps": "real_trade.data.repair",
    "import_book": "real_trade.data.book_import",
    "import_file": "real_trade.data.importing",
    "import_files": "real_trade.data.importing",
    "import_trades": "real_trade.data.trade_import",
    "missing_spans": "real_trade.data.repair",
    "refetch_plan": "real_trade.data.repair",
    "resolve_instrument": "real_trade.data.instruments",
    "verify_files": "real_trade.data.verify",
    "verify_klines": "real_trade.data.verify",
    "verify_store": "real_trade.data.verify",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    """Import the module that holds a public name.

    Raises:
        AttributeError: no such name.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
