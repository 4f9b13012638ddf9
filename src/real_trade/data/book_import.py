"""Import of an order book's changes into the store: all of the files or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from real_trade.data.book_files import read_book_file
from real_trade.data.event_report import EventsReport, grid_note, refuse_other_symbol, refuse_overlaps
from real_trade.data.instruments import InstrumentSource, off_grid, resolve_instrument
from real_trade.model.errors import InputError, MarketDataError
from real_trade.model.series import Klines, SeriesKey, SeriesKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.data.book_files import BookFile
    from real_trade.model.instrument import Instrument
    from real_trade.model.series import BookChanges
    from real_trade.storage.ports import TimeSeriesStore


def import_book(
    paths: Sequence[str | Path],
    store: TimeSeriesStore,
    key: SeriesKey,
    *,
    instrument: Instrument | None = None,
    instrument_file: Path | None = None,
) -> EventsReport:
    """Check files of a book's changes and store them and the instrument's facts; nothing unless all of it is good.

    What was stored of the time from a file's first change to its last is replaced.

    Args:
        paths: files of one instrument in any order, none of which covers the time of another.
        store: where to.
        key: the series, of the kind ``book``.
        instrument: facts to check prices against; else looked up, see `resolve_instrument`.
        instrument_file: facts as JSON, used where no instrument is given.

    Raises:
        MarketDataError: a file or row that cannot be imported; names the first one.
        InputError: no file, or a series of another kind.
        StorageError: the store failed; each day is as it was or as it should be.
    """
    if not paths:
        raise InputError("No file was given.", field="file", fix="Name at least one file.")
    if key.kind is not SeriesKind.BOOK:
        raise InputError(
            f"{key} is no series of a book.", field="kind", value=str(key.kind), fix="Give the kind book, no interval."
        )
    files = sorted((read_book_file(Path(path)) for path in paths), key=lambda file: file.span)
    for file in files:
        refuse_other_symbol(file, file.symbol, key.symbol)
    refuse_overlaps(files, "changes")
    sample = Klines.concat([_prices(file.changes) for file in files])
    source: InstrumentSource | str = "given"
    if instrument is None:
        instrument, source = resolve_instrument(
            key.venue, key.market, key.symbol, store=store, file=instrument_file, klines=sample
        )
    for file in files:
        _refuse_off_grid(file, instrument)
    replaced = sum(store.replace_book(key, file.changes, *file.span) for file in files)
    if source != "store":
        store.write_instruments([instrument])
    return EventsReport(
        key=key,
        files=tuple(file.name for file in files),
        rows=sum(len(file.changes) for file in files),
        replaced=replaced,
        from_ms=files[0].span[0],
        to_ms=files[-1].span[1],
        instrument=instrument,
        instrument_source=source,
        notes=tuple(_notes(files, instrument, source)),
    )


def _prices(changes: BookChanges) -> Klines:
    """Return each price that occurs as a bar: grids are guessed by bars."""
    price, rows = np.unique(changes.price, return_index=True)
    return Klines.of(changes.timestamp[rows], price, price, price, price, changes.size[rows])


def _refuse_off_grid(file: BookFile, instrument: Instrument) -> None:
    prices = _prices(file.changes)
    off = off_grid(prices, instrument.tick_size).get("close")
    if off is not None:
        price = float(prices.close[off[0]])
        raise MarketDataError(
            f"{file.name}: the price {price!r} is no multiple of {instrument.symbol}'s tick {instrument.tick_size}.",
            code="off_grid",
            field="price",
            value=price,
            fix="Correct the price, or give the right grid with --instrument FILE.",
        )


def _notes(files: Sequence[BookFile], instrument: Instrument, source: str) -> list[str]:
    notes = grid_note(instrument, source)
    for file in files:
        if file.left_out:
            notes.append(f"{file.name}: {file.left_out:,} rows before a snapshot, or known to it, were left out.")
        if file.gaps:
            notes.append(f"{file.name}: {file.gaps:,} times a change was lost; the book goes on at the next snapshot.")
    return notes
