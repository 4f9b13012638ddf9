"""What the rest of the house needs of a store. The core sees these protocols, never a database.

Both ports are synchronous. A writer holds a series for itself; readers never wait and never see a half-written
month. Every method raises `StorageError` when the medium fails and leaves what was stored as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from real_trade.model.instrument import Instrument, Market
    from real_trade.model.series import FundingRates, Klines, SeriesKey


@dataclass(frozen=True, slots=True)
class Upsert:
    """What a write did, in rows.

    Attributes:
        inserted: opening times that were not stored before.
        unchanged: rows equal to what was stored.
        revised: rows that replaced a different one.
    """

    inserted: int = 0
    unchanged: int = 0
    revised: int = 0

    def __add__(self, other: Upsert) -> Upsert:
        """Add two outcomes."""
        return Upsert(self.inserted + other.inserted, self.unchanged + other.unchanged, self.revised + other.revised)


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """What is stored of one series.

    Attributes:
        key: its name.
        rows: number of rows.
        first_ms, last_ms: opening times of the first and the last row.
    """

    key: SeriesKey
    rows: int
    first_ms: int
    last_ms: int


class TimeSeriesStore(Protocol):
    """Bars and funding rates by series, idempotent by time."""

    def write_klines(self, key: SeriesKey, klines: Klines) -> Upsert:
        """Insert or replace rows by opening time; durable when it returns. Rows may come in any order."""
        ...

    def append_page(self, key: SeriesKey, klines: Klines, from_ms: int, to_ms: int) -> Upsert:
        """Take one downloaded page and remember that ``[from_ms, to_ms)`` was fetched.

        Cheap (no month is rewritten) and safe against the death of the process once it returns; rows are visible to
        readers at the latest after `settle`.
        """
        ...

    def settle(self, key: SeriesKey) -> None:
        """Move appended pages to their final, durable place."""
        ...

    def covered(self, key: SeriesKey) -> Sequence[tuple[int, int]]:
        """Return the spans ``[from, to)`` that were fetched through `append_page`, merged and ascending."""
        ...

    def read_klines(self, key: SeriesKey, from_ms: int | None = None, to_ms: int | None = None) -> Klines:
        """Return stored rows with ``from_ms <= timestamp < to_ms``, ascending; empty where there are none."""
        ...

    def write_funding(self, key: SeriesKey, rates: FundingRates) -> Upsert:
        """Insert or replace settlements by time."""
        ...

    def read_funding(self, key: SeriesKey, from_ms: int | None = None, to_ms: int | None = None) -> FundingRates:
        """Return settlements with ``from_ms <= timestamp < to_ms``, ascending."""
        ...

    def list_series(self) -> Sequence[SeriesInfo]:
        """Return every stored series, ordered by name."""
        ...

    def write_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Keep instrument facts; a later write of the same instrument replaces the earlier one."""
        ...

    def read_instrument(self, venue: str, market: Market, symbol: str) -> Instrument | None:
        """Return one instrument, or None if the store has not seen it."""
        ...


class RelationalStore(Protocol):
    """Records of what was done: trades and strategy parameters."""

    def save_trade(self, trade: Mapping[str, object]) -> int:
        """Store one trade and return its row number; saving the same ``trade_id`` again changes nothing."""
        ...

    def trades(self, from_ms: int | None = None, to_ms: int | None = None) -> Sequence[dict[str, object]]:
        """Return the trades with ``from_ms <= time_ms < to_ms``, oldest first."""
        ...

    def save_params(self, strategy_id: str, params: Mapping[str, object]) -> int:
        """Store a new version of a strategy's parameters and return its version number (1, 2, ...)."""
        ...

    def params(self, strategy_id: str) -> dict[str, object] | None:
        """Return the newest parameters of a strategy, or None."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
