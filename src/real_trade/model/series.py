"""Series of market data: how one is named, and what its rows are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from real_trade.model.instrument import Market
    from real_trade.model.interval import Interval


class SeriesKind(StrEnum):
    """What a series records."""

    KLINE = "kline"
    MARK = "mark"
    INDEX = "index"
    FUNDING = "funding"
    TRADE = "trade"
    BOOK = "book"

    @property
    def is_bars(self) -> bool:
        """Tell whether its rows are bars, which have an interval; funding rates, trades and books have none."""
        return self not in {SeriesKind.FUNDING, *EVENTS}


# Kinds whose rows are single events, many of which may fall on one millisecond.
EVENTS = frozenset({SeriesKind.TRADE, SeriesKind.BOOK})


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """Name of one stored series.

    Attributes:
        venue, market, symbol: the instrument.
        interval: bar length; what is not bars carries ``None``.
        kind: traded prices, mark price, index price, funding rates, single trades, or changes of the order book.
    """

    venue: str
    market: Market
    symbol: str
    interval: Interval | None
    kind: SeriesKind = SeriesKind.KLINE

    def __str__(self) -> str:
        """Return ``venue/market/symbol/kind/interval``."""
        parts = [self.venue, str(self.market), self.symbol, str(self.kind)]
        return "/".join([*parts, str(self.interval)] if self.interval else parts)


@dataclass(frozen=True, slots=True)
class Klines:
    """Bars as a venue gives them: one array per column, all of length n, float prices.

    Attributes:
        timestamp: int64, opening time, ms UTC, ascending in a stored series.
        open, high, low, close: float64, in quote.
        volume: float64, in base (inverse: in contracts, which are of one USD on Bybit); NaN where unknown.
        turnover: float64, in quote (inverse: in base); NaN where the source has none.
        synthetic: bool, true for bars that were filled in, not traded.
    """

    timestamp: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    turnover: NDArray[np.float64]
    synthetic: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        timestamp: object,
        open: object,  # noqa: A002 - the column's name
        high: object,
        low: object,
        close: object,
        volume: object,
        turnover: object = None,
        synthetic: object = None,
    ) -> Klines:
        """Build from anything array-like; a missing turnover becomes NaN, missing flags false."""
        stamps = np.ascontiguousarray(timestamp, dtype=np.int64)
        n = len(stamps)

        def floats(values: object) -> NDArray[np.float64]:
            return np.ascontiguousarray(values, dtype=np.float64)

        return cls(
            stamps,
            floats(open),
            floats(high),
            floats(low),
            floats(close),
            floats(volume),
            np.full(n, np.nan) if turnover is None else floats(turnover),
            np.zeros(n, dtype=np.bool_) if synthetic is None else np.ascontiguousarray(synthetic, dtype=np.bool_),
        )

    @classmethod
    def empty(cls) -> Klines:
        """Return a series without rows."""
        return cls.of([], [], [], [], [], [])

    @classmethod
    def concat(cls, parts: Sequence[Klines]) -> Klines:
        """Return the rows of all parts, in their order."""
        if not parts:
            return cls.empty()
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in COLUMNS))

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.timestamp)

    def take(self, rows: object) -> Klines:
        """Return the rows that a slice, mask or index array chooses."""
        return Klines(*(getattr(self, name)[rows] for name in COLUMNS))

    def between(self, from_ms: int, to_ms: int) -> Klines:
        """Return the bars that open in ``[from_ms, to_ms)``; the series must be ascending."""
        lo, hi = np.searchsorted(self.timestamp, [from_ms, to_ms])
        return self.take(slice(int(lo), int(hi)))


# Column names of Klines in storage order.
COLUMNS = ("timestamp", "open", "high", "low", "close", "volume", "turnover", "synthetic")


@dataclass(frozen=True, slots=True)
class FundingRates:
    """Funding settlements of one perpetual.

    Attributes:
        timestamp: int64, settlement time, ms UTC, ascending.
        rate: float64, fraction of the position's value per settlement; positive: longs pay.
    """

    timestamp: NDArray[np.int64]
    rate: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of settlements."""
        return len(self.timestamp)


@dataclass(frozen=True, slots=True)
class Trades:
    """Single trades of one instrument: one array per column, all of length n.

    Attributes:
        timestamp: int64, ms UTC, ascending; trades of the same ms stand in the order in which they happened.
        price: float64, in quote.
        size: float64, in base (inverse: in the venue's unit, quote or contracts).
        side: int8, +1 where the buyer was the taker, -1 where the seller was, 0 where the source does not say.
    """

    timestamp: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]
    side: NDArray[np.int8]

    @classmethod
    def of(cls, timestamp: object, price: object, size: object, side: object = None) -> Trades:
        """Build from anything array-like; missing sides become 0."""
        stamps = np.ascontiguousarray(timestamp, dtype=np.int64)
        return cls(
            stamps,
            np.ascontiguousarray(price, dtype=np.float64),
            np.ascontiguousarray(size, dtype=np.float64),
            np.zeros(len(stamps), dtype=np.int8) if side is None else np.ascontiguousarray(side, dtype=np.int8),
        )

    @classmethod
    def empty(cls) -> Trades:
        """Return a series without rows."""
        return cls.of([], [], [])

    def __len__(self) -> int:
        """Return the number of trades."""
        return len(self.timestamp)

    def take(self, rows: object) -> Trades:
        """Return the rows that a slice, mask or index array chooses."""
        return Trades(*(getattr(self, name)[rows] for name in TRADE_COLUMNS))

    def between(self, from_ms: int, to_ms: int) -> Trades:
        """Return the trades of ``[from_ms, to_ms)``; the series must be ascending."""
        lo, hi = np.searchsorted(self.timestamp, [from_ms, to_ms])
        return self.take(slice(int(lo), int(hi)))


# Column names of Trades in storage order.
TRADE_COLUMNS = ("timestamp", "price", "size", "side")


@dataclass(frozen=True, slots=True)
class BookChanges:
    """What became of an order book: one row per level that changed, one array per column, all of length n.

    Attributes:
        timestamp: int64, ms UTC, ascending.
        update: int64, the venue's number of the change that a row belongs to, ascending from a snapshot on; the rows of
            one number are one moment.
        snapshot: bool, the rows of this number are the whole book: what stood before is gone.
        side: int8, +1 for a bid, -1 for an ask.
        price: float64, in quote.
        size: float64, what stands at the price now, in base (inverse: in the venue's unit); 0 where nothing does.
    """

    timestamp: NDArray[np.int64]
    update: NDArray[np.int64]
    snapshot: NDArray[np.bool_]
    side: NDArray[np.int8]
    price: NDArray[np.float64]
    size: NDArray[np.float64]

    @classmethod
    def empty(cls) -> BookChanges:
        """Return a series without rows."""
        return cls(
            np.empty(0, np.int64),
            np.empty(0, np.int64),
            np.empty(0, np.bool_),
            np.empty(0, np.int8),
            np.empty(0, np.float64),
            np.empty(0, np.float64),
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.timestamp)

    def take(self, rows: object) -> BookChanges:
        """Return the rows that a slice, mask or index array chooses."""
        return BookChanges(*(getattr(self, name)[rows] for name in BOOK_COLUMNS))


# Column names of BookChanges in storage order.
BOOK_COLUMNS = ("timestamp", "update", "snapshot", "side", "price", "size")
