"""What the download tests share: an independent reader of the servers, and a download in a process of its own."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import urlopen

from real_trade.data.download import run_download
from real_trade.data.history import Endpoints
from real_trade.model import Interval, Market, SeriesKey, SeriesKind, parse_time
from real_trade.storage import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.testing.exchange_process import RunningExchange

BEGIN, END = "2024-01-01", "2024-01-15"
MINUTE = Interval("1m")


def key_of(
    venue: RunningExchange = "bybit",
    market: str = "linear",
    symbol: str = "BTCUSDT",
    interval: Interval | str = "1m",
    kind: str = "kline",
) -> Any:
    size = None if kind == "funding" else Interval(interval)
    return SeriesKey(venue, Market(market), symbol, size, SeriesKind(kind))


def fetch(
    rest: str, folder: Path | str, key: SeriesKey | None = None, begin: str = BEGIN, end: str = END, **options: Any
) -> Any:
    key = key_of() if key is None else key
    store = open_store(folder)
    report = run_download(
        key.venue,
        key.market,
        key.symbol,
        key.interval or MINUTE,
        parse_time(begin),
        parse_time(end),
        store=store,
        endpoints=Endpoints(rest, ""),
        kinds=[key.kind],
        **options,
    )
    return store, report.series[0]


def ask(url: str, path: str, **params: Any) -> Any:
    with urlopen(f"{url}{path}?{urlencode(params)}") as answer:
        return json.load(answer)


def bybit_rows(rest: str, category: Any, symbol: str, begin: str, end: str, path: str = "/v5/market/kline") -> Any:
    """Every bar of a span, read one small page after the other, oldest first."""
    rows = []
    at, end_ms = parse_time(begin), parse_time(end)
    while at < end_ms:
        until = min(at + 500 * 60_000, end_ms)
        page = ask(rest, path, category=category, symbol=symbol, interval=1, start=at, end=until - 1, limit=500)
        rows += [[float(cell) for cell in row] for row in reversed(page["result"]["list"])]
        at = until
    return rows


def binance_rows(url: str, begin: str, end: str, **name: Any) -> Any:
    rows = []
    at, end_ms = parse_time(begin), parse_time(end)
    while at < end_ms:
        until = min(at + 500 * 60_000, end_ms)
        page = ask(url, "", interval="1m", startTime=at, endTime=until - 1, limit=500, **name)
        rows += [[float(cell) for cell in (*row[:6], row[7])] for row in page]
        at = until
    return rows


def stored_rows(klines: Any) -> Any:
    columns = (klines.timestamp, klines.open, klines.high, klines.low, klines.close, klines.volume, klines.turnover)
    return [list(map(float, row)) for row in zip(*columns, strict=True)]


if __name__ == "__main__":
    fetch(sys.argv[1], sys.argv[2])
