"""What imports of single events, trades or changes of a book, have in common: their report and their refusals."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from real_trade.model.clock import format_time
from real_trade.model.errors import MarketDataError
from real_trade.model.series import SeriesKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.data.instruments import InstrumentSource
    from real_trade.model.instrument import Instrument
    from real_trade.model.series import SeriesKey


class TimedFile(Protocol):
    """A file that covers a span of time."""

    @property
    def name(self) -> str:
        """Return the file's name."""
        ...

    @property
    def span(self) -> tuple[int, int]:
        """Return ``[from, to)``, ms UTC."""
        ...


@dataclass(frozen=True, slots=True)
class EventsReport:
    """What an import of events stored.

    Attributes:
        key: the series.
        files: names of the files, in the order of their time.
        rows: events in them; of a book the levels that changed, those of snapshots included.
        replaced: stored rows of the same time that gave way; all of them, where an archive is imported again.
        from_ms, to_ms: first moment of the first file and end of the last, exclusive.
        instrument: the grid that the prices were checked against.
        instrument_source: where its facts come from; ``inferred``: guessed from the prices.
        notes: sentences for the reader.
    """

    key: SeriesKey
    files: tuple[str, ...]
    rows: int
    replaced: int
    from_ms: int
    to_ms: int
    instrument: Instrument
    instrument_source: InstrumentSource | str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "series": str(self.key),
            "files": list(self.files),
            "rows": self.rows,
            "replaced": self.replaced,
            "from": format_time(self.from_ms),
            "to": format_time(self.to_ms),
            "instrument": {
                "source": self.instrument_source,
                "inferred": self.instrument.inferred,
                "tick_size": str(self.instrument.tick_size),
                "quantity_step": str(self.instrument.quantity_step),
            },
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """Return the report for reading."""
        span = f"{format_time(self.from_ms)} to {format_time(self.to_ms)}"
        what = {SeriesKind.TRADE: "trades", SeriesKind.BOOK: "changes of levels"}[self.key.kind]
        lines = [
            f"{self.key}: {self.rows:,} {what} from {len(self.files)} files, {span}",
            f"{self.replaced:,} stored {what} of that time gave way",
        ]
        return "\n".join([*lines, *self.notes])


def refuse_other_symbol(file: TimedFile, named: str | None, symbol: str) -> None:
    """Refuse a file of another instrument.

    Raises:
        MarketDataError: it is.
    """
    if named is not None and named != symbol:
        raise MarketDataError(
            f"{file.name} holds {named}, but {symbol} was asked for.",
            code="wrong_symbol",
            field="symbol",
            value=named,
            fix=f"Give --symbol {named}, or rename the file if its name is wrong.",
        )


def refuse_overlaps(files: Sequence[TimedFile], what: str) -> None:
    """Refuse files, in the order of their time, that cover the same time.

    Raises:
        MarketDataError: two do.
    """
    for before, after in pairwise(files):
        if after.span[0] < before.span[1]:
            raise MarketDataError(
                f"{before.name} and {after.name} hold {what} of the same time, {format_time(after.span[0])}.",
                code="duplicate",
                field="file",
                value=after.name,
                fix="Import one of them.",
            )


def grid_note(instrument: Instrument, source: str) -> list[str]:
    """Return a sentence on where the grid comes from, where it was guessed."""
    if source != "inferred":
        return []
    grid = f"tick {instrument.tick_size}, quantity step {instrument.quantity_step}"
    return [f"The grid of {instrument.symbol} was guessed from the prices: {grid}."]
