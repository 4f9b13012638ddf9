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
    from real_trade.model.series import BookChanges, FundingRates, Klines, SeriesKey, Trades
    from real_trade.model.tiers import MarginTiers


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
        first_ms, last_ms: times of the first and the last row.
    """

    key: SeriesKey
    rows: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One backtest as the registry of trials counts it.

    Attributes:
        strategy: its name.
        data_hash, code_hash, config_hash: sha256 in hex of the bars, the code, and the parameters with the settings.
        params: the strategy's parameters, for people to read.
        observations: number of returns that it was judged by.
        sharpe: mean over standard deviation of those returns, not annualised; None where there is none.
        skewness, kurtosis: of those returns, 3 for the kurtosis of the normal distribution; None where there is none.
        time_ms: when it was first counted; the store sets it.
    """

    strategy: str
    data_hash: str
    code_hash: str
    config_hash: str
    params: Mapping[str, object]
    observations: int
    sharpe: float | None = None
    skewness: float | None = None
    kurtosis: float | None = None
    time_ms: int = 0


class TimeSeriesStore(Protocol):
    """Bars, funding rates and trades by series, facts by instrument; writing the same again changes nothing."""

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

    def replace_trades(self, key: SeriesKey, trades: Trades, from_ms: int, to_ms: int) -> int:
        """Put trades in the place of all that is stored of ``[from_ms, to_ms)``; durable when it returns.

        The trades ascend and lie within the span. A reader sees a UTC day as it was or as it is, never half of it.

        Returns:
            How many stored trades of the span gave way, whether or not they are among the new ones.
        """
        ...

    def read_trades(self, key: SeriesKey, from_ms: int | None = None, to_ms: int | None = None) -> Trades:
        """Return trades with ``from_ms <= timestamp < to_ms`` in the order in which they happened."""
        ...

    def replace_book(self, key: SeriesKey, changes: BookChanges, from_ms: int, to_ms: int) -> int:
        """Put changes of a book in the place of all that is stored of a span, as `replace_trades` does."""
        ...

    def read_book(self, key: SeriesKey, from_ms: int | None = None, to_ms: int | None = None) -> BookChanges:
        """Return changes of a book with ``from_ms <= timestamp < to_ms`` in the order in which they happened."""
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

    def write_tiers(self, venue: str, market: Market, symbol: str, tiers: MarginTiers) -> None:
        """Keep the margin tiers of an instrument; a later write of the same instrument's replaces the earlier one."""
        ...

    def read_tiers(self, venue: str, market: Market, symbol: str) -> MarginTiers | None:
        """Return the margin tiers of an instrument, or None if the store has not seen them."""
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


class TrialStore(Protocol):
    """The registry of trials: which backtests were made of a strategy, each counted once."""

    def save_trial(self, trial: Trial) -> bool:
        """Count a trial and return whether it is new.

        A trial is known by its strategy and its three hashes: the same code, run again with the same settings over the
        same bars, changes nothing.
        """
        ...

    def trials(self, strategy: str, data_hash: str) -> Sequence[Trial]:
        """Return the trials of a strategy on the same bars, in the order in which they were counted."""
        ...
