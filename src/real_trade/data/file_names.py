"""What a file's name says about its content, and what it promises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from real_trade.model.clock import parse_time
from real_trade.model.errors import InputError
from real_trade.model.interval import Interval

if TYPE_CHECKING:
    from pathlib import Path

# Binance's public dumps: BTCUSDT-1m-2024-01-31 (a day) or BTCUSDT-1m-2024-01 (a month), perhaps with a prefix.
_DUMP: Final = re.compile(
    r"(?:^|_)(?P<symbol>[A-Z0-9]+(?:_PERP|_\d{6})?)-(?P<interval>\d+(?:mo|[smhdwM]))-(?P<date>\d{4}-\d{2}(?:-\d{2})?)$"
)
# Binance's trades: BTCUSDT-trades-2024-01-31 or BTCUSDT-aggTrades-2024-01.
_TRADE_DUMP: Final = re.compile(
    r"(?:^|_)(?P<symbol>[A-Z0-9]+(?:_PERP|_\d{6})?)-(?:aggT|t)rades-(?P<date>\d{4}-\d{2}(?:-\d{2})?)$"
)
# Bybit's public trade archive: BTCUSDT2024-01-31 (derivatives) or BTCUSDT_2024-01-31 (spot).
_TRADES: Final = re.compile(r"(?:^|_)(?P<symbol>[0-9]*[A-Z][A-Z0-9]+)_?(?P<date>\d{4}-\d{2}-\d{2})$")
# Bybit's archive of order books: 2024-12-01_XRPUSDT_ob500.
_BOOKS: Final = re.compile(r"(?P<date>\d{4}-\d{2}-\d{2})_(?P<symbol>[0-9]*[A-Z][A-Z0-9]+)_ob\d+$")
_ENDINGS: Final = (".gz", ".zip", ".csv", ".parquet", ".pq", ".data", ".jsonl")
_VENUE: Final = re.compile(r"(?i)(?:^|[_\-])(binance|bybit)(?=[_\-]|$)")
_MARKET: Final = re.compile(r"(?i)(?:^|[_\-])(spot|linear|inverse|usdm|coinm|testnet)(?=[_\-]|$)")
_SYMBOL: Final = re.compile(r"(?:^|[_\-])([A-Z0-9]{2,}(?:USDT|USDC|USD))(?=[_\-]|$)")
_INTERVAL: Final = re.compile(r"(?:^|[_\-])(\d+[smhdwM])(?=[_\-]|$)")
_MARKET_WORDS: Final = {"usdm": "linear", "coinm": "inverse"}


@dataclass(frozen=True, slots=True)
class FileClaim:
    """What a name says; None where it says nothing.

    Attributes:
        venue, market, symbol: the instrument.
        interval: bar length.
        from_ms, to_ms: span that the file promises to hold whole; only public dumps of a day or month promise one.
        promised_symbol: the symbol, where the name follows a venue's own pattern and can be relied on.
    """

    venue: str | None = None
    market: str | None = None
    symbol: str | None = None
    interval: Interval | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    promised_symbol: str | None = None

    @property
    def series(self) -> tuple[str, str, str] | None:
        """Return venue, market and symbol if the name says all three."""
        if self.venue and self.market and self.symbol:
            return self.venue, self.market, self.symbol
        return None


def read_claim(path: Path) -> FileClaim:
    """Read a file's name."""
    stem = path.name
    while stem.lower().endswith(_ENDINGS):
        stem = stem[: stem.rindex(".")]
    venue, market, symbol = _first(_VENUE, stem), _first(_MARKET, stem), _first(_SYMBOL, stem)
    venue = venue.lower() if venue else None
    market = _MARKET_WORDS.get(market.lower(), market.lower()) if market else None
    dump = _DUMP.search(stem)
    if dump is not None:
        span = _span(dump["date"])
        interval = _interval(dump["interval"].replace("mo", "M"))
        return FileClaim(venue or "binance", market, dump["symbol"], interval, *span, dump["symbol"])
    dump = _TRADE_DUMP.search(stem)
    if dump is not None:
        return FileClaim(venue or "binance", market, dump["symbol"], None, *_span(dump["date"]), dump["symbol"])
    trades = _TRADES.search(stem)
    if trades is not None:
        return FileClaim(venue, market, trades["symbol"], None, *_span(trades["date"]), trades["symbol"])
    book = _BOOKS.search(stem)
    if book is not None:
        return FileClaim(venue or "bybit", market, book["symbol"], None, *_span(book["date"]), book["symbol"])
    word = _first(_INTERVAL, stem)
    return FileClaim(venue, market, symbol, _interval(word) if word else None)


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[1] if found else None


def _interval(word: str) -> Interval | None:
    try:
        return Interval.parse(word)
    except InputError:
        return None


def _span(date: str) -> tuple[int | None, int | None]:
    whole_month = len(date) == len("2024-01")
    try:
        start = parse_time(f"{date}-01" if whole_month else date)
    except InputError:
        return None, None
    return start, Interval("1M" if whole_month else "1d").next_open(start)
