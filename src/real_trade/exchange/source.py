"""Where the exchange's market comes from: a seed or a store. The rest of the package sees this port only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.exchange.bars import BarTable
    from real_trade.exchange.recording import Recording
    from real_trade.model import FundingRates, Instrument, SeriesKind


class MarketSource(Protocol):
    """A market that has happened, or will have when its time comes."""

    @property
    def seed(self) -> int | None:
        """Return the seed of a rehearsal market, None for a recorded one."""
        ...

    @property
    def start_ms(self) -> int:
        """Return the opening time of the first bar."""
        ...

    @property
    def end_ms(self) -> int:
        """Return the time at which the last bar of the wanted span closes."""
        ...

    def instruments(self) -> Sequence[Instrument]:
        """Return what is listed."""
        ...

    def bars(self, instrument: Instrument, kind: SeriesKind) -> BarTable:
        """Return the shortest bars there are of one series."""
        ...

    def recording(self, instrument: Instrument) -> Recording | None:
        """Return what was recorded of an instrument beside its bars; None where nothing was."""
        ...

    def funding(self, instrument: Instrument) -> FundingRates:
        """Return every funding settlement of an instrument."""
        ...
