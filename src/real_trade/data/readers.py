"""Files of bars, funding rates or trades, read as they are: nothing is put in order and nothing is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.data.file_names import FileClaim, read_claim
from real_trade.data.stamps import Source, Stamps
from real_trade.data.tables import read_table
from real_trade.data.trades import bars_of_trades, refuse_bad_trades
from real_trade.model.errors import MarketDataError
from real_trade.model.interval import Interval
from real_trade.model.series import FundingRates, Klines

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from real_trade.data.tables import Table

_BAR_COLUMNS: Final = ("timestamp", "open", "high", "low", "close", "volume")
_STEPS_LOOKED_AT: Final = 20_000
_OPTIONAL: Final = ("turnover", "trades", "taker_volume", "taker_turnover")
KNOWN_FORMS: Final = (
    "Use Parquet or CSV with timestamp,open,high,low,close,volume[,turnover], a Binance kline dump, or a Bybit trade "
    "archive."
)


@dataclass(frozen=True, slots=True)
class FileRows:
    """One file's rows in the file's order.

    Attributes:
        name: the file's name.
        claim: what the name says and promises.
        stamps: opening times with their unit and zone as the file had them.
        klines: the bars; empty for a file of funding rates.
        funding: the settlements; None for a file of bars.
        close_time: int64, ms, 0 where missing; None if the file has no such column.
        filled: int64 per row, one bit per optional column that has a value; None if none has gaps.
        interval: bar length by the name, else None.
        from_trades: the bars were made from single trades.
        source: where the rows stand, for errors.
    """

    name: str
    claim: FileClaim
    stamps: Stamps
    klines: Klines
    funding: FundingRates | None
    close_time: NDArray[np.int64] | None
    filled: NDArray[np.int64] | None
    interval: Interval | None
    from_trades: bool
    source: Source

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.stamps.ms)


def read_file(path: Path, *, interval: Interval | None = None) -> FileRows:
    """Read a file of one of the known forms.

    Args:
        path: Parquet, or CSV (also ``.gz`` or ``.zip``).
        interval: length of the bars to make from a trade archive, 1m if not given; other files have their own.

    Raises:
        MarketDataError: not one of the known forms, cut short, or a value that cannot be read; says which.
    """
    claim = read_claim(path)
    table = read_table(path)
    if table.has(*_BAR_COLUMNS):
        return _bars(table, claim, interval)
    if table.has("timestamp", "price", "size", "side") or table.has("timestamp", "price", "volume", "side"):
        return _trades(table, claim, interval or Interval("1m"))
    if table.has("timestamp", "funding_rate"):
        return _funding(table, claim)
    known = sorted(set(table.names))
    missing = [name for name in _BAR_COLUMNS if name not in table.names]
    raise MarketDataError(
        f"{path.name} is none of the known forms: it has no {', '.join(missing)} column"
        + (f" (known among its columns: {', '.join(known)})." if known else "."),
        code="unknown_columns",
        field="columns",
        value=path.name,
        fix=KNOWN_FORMS,
    )


def _bars(table: Table, claim: FileClaim, interval: Interval | None) -> FileRows:
    stamps = table.stamps()
    opens, highs, lows, closes, volumes = (table.floats(name) for name in _BAR_COLUMNS[1:])
    turnover = table.floats("turnover") if table.has("turnover") else None
    klines = Klines.of(stamps.ms, opens, highs, lows, closes, volumes, turnover)
    return FileRows(
        name=table.source.name,
        claim=claim,
        stamps=stamps,
        klines=klines,
        funding=None,
        close_time=_close_time(table),
        filled=_filled(table),
        interval=claim.interval or interval,
        from_trades=False,
        source=table.source,
    )


def _close_time(table: Table) -> NDArray[np.int64] | None:
    """Return the scheduled or actual end of each bar, in ms, the unit told by size."""
    if not table.has("close_time"):
        return None
    raw = table.floats("close_time")
    known = ~np.isnan(raw) & (raw > 0)
    ends = np.where(known, raw, 0.0)
    # A Binance stamp in microseconds fits a float's 53 bits, so nothing is lost before the division.
    micro = ends > 1e14
    ends = np.where(micro, np.floor(ends / 1000), ends)
    return ends.astype(np.int64) if known.any() else None


def _filled(table: Table) -> NDArray[np.int64] | None:
    bits = np.zeros(len(table.columns["timestamp"]), dtype=np.int64)
    constant = True
    for bit, name in enumerate((*_OPTIONAL, "close_time")):
        if table.has(name):
            filled = table.filled(name)
            constant = constant and bool(filled.all() or not filled.any())
            bits |= filled.astype(np.int64) << bit
    return None if constant else bits


def _trades(table: Table, claim: FileClaim, interval: Interval) -> FileRows:
    stamps = table.stamps()
    size_column = "size" if table.has("size") else "volume"
    price, size = table.floats("price"), table.floats(size_column)
    refuse_bad_trades(table.source.name, price, size)
    symbol = only_symbol(table) or claim.promised_symbol
    klines = bars_of_trades(stamps.ms, price, size, interval, inverse=bool(symbol) and str(symbol).endswith("USD"))
    if symbol is not None:
        claim = FileClaim(
            claim.venue or "bybit", claim.market, symbol, interval, claim.from_ms, claim.to_ms, promised_symbol=symbol
        )
    unit = np.ones(len(klines), dtype=np.int8)
    return FileRows(
        name=table.source.name,
        claim=claim,
        stamps=Stamps(klines.timestamp, unit, stamps.zone),
        klines=klines,
        funding=None,
        close_time=None,
        filled=None,
        interval=interval,
        from_trades=True,
        source=Source(table.source.name, "bar", 1),
    )


def only_symbol(table: Table) -> str | None:
    """Return the symbol that every row names, or None where the file has no such column.

    Raises:
        MarketDataError: there are several.
    """
    if not table.has("symbol"):
        return None
    import pyarrow.compute as pc

    symbols = pc.unique(table.columns["symbol"]).to_pylist()
    if len(symbols) > 1:
        raise MarketDataError(
            f"{table.source.name} holds trades of several symbols: {', '.join(map(str, symbols[:5]))}.",
            code="mixed_symbols",
            field="symbol",
            value=str(symbols[1]),
            fix="Give one file per symbol.",
        )
    return str(symbols[0]) if symbols and symbols[0] else None


def _funding(table: Table, claim: FileClaim) -> FileRows:
    stamps = table.stamps()
    return FileRows(
        name=table.source.name,
        claim=claim,
        stamps=stamps,
        klines=Klines.empty(),
        funding=FundingRates(stamps.ms, table.floats("funding_rate")),
        close_time=None,
        filled=None,
        interval=None,
        from_trades=False,
        source=table.source,
    )


def usual_step(stamps: NDArray[np.int64]) -> int | None:
    """Return the most common distance between neighbouring stamps in ms, or None for fewer than two."""
    steps = np.diff(stamps)
    if np.any(steps < 0):
        steps = np.diff(np.sort(stamps))
    steps = steps[steps > 0]
    if len(steps) > _STEPS_LOOKED_AT:
        steps = steps[:: len(steps) // _STEPS_LOOKED_AT]
    if not len(steps):
        return None
    values, counts = np.unique(steps, return_counts=True)
    return int(values[np.argmax(counts)])


def usual_interval(stamps: NDArray[np.int64]) -> Interval | None:
    """Return the bar length that the stamps suggest, or None if it is none of the known ones."""
    step = usual_step(stamps)
    if step is None:
        return None
    if 28 * 86_400_000 <= step <= 31 * 86_400_000:
        return Interval("1M")
    for name in ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w"):
        if Interval(name).length_ms == step:
            return Interval(name)
    return None
