"""Import of single trades into the store: all of the files or none.

Every file is read and checked before the first trade is stored, and read again to store it: a year of archives need
not fit into memory, one file must.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from real_trade.data.event_report import EventsReport, grid_note, refuse_other_symbol, refuse_overlaps
from real_trade.data.instruments import InstrumentSource, off_grid, resolve_instrument
from real_trade.data.trade_files import read_trade_file
from real_trade.model.errors import InputError, MarketDataError
from real_trade.model.series import Klines, SeriesKey, SeriesKind, Trades

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from real_trade.model.instrument import Instrument
    from real_trade.storage.ports import TimeSeriesStore


@dataclass(frozen=True, slots=True)
class _Checked:
    """What is kept of a file between the two readings."""

    path: Path
    name: str
    rows: int
    span: tuple[int, int]
    unordered: bool
    micro: bool


def import_trades(
    paths: Sequence[str | Path],
    store: TimeSeriesStore,
    key: SeriesKey,
    *,
    instrument: Instrument | None = None,
    instrument_file: Path | None = None,
) -> EventsReport:
    """Check files of trades and store them and the instrument's facts; nothing is stored unless all of it is good.

    What was stored of the time that a file covers is replaced: of the day or month that the name of an archive
    promises, else from its first trade to its last.

    Args:
        paths: files of one instrument in any order, none of which covers the time of another.
        store: where to.
        key: the series, of the kind ``trade``.
        instrument: facts to check prices against; else looked up, see `resolve_instrument`.
        instrument_file: facts as JSON, used where no instrument is given.

    Raises:
        MarketDataError: a file or row that cannot be imported; names the first one.
        InputError: no file, or a series of another kind.
        StorageError: the store failed; each day is as it was or as it should be.
    """
    if not paths:
        raise InputError("No file was given.", field="file", fix="Name at least one file.")
    if key.kind is not SeriesKind.TRADE:
        raise InputError(
            f"{key} is no series of trades.", field="kind", value=str(key.kind), fix="Give the kind trade, no interval."
        )
    files, sample = _checked([Path(path) for path in paths], key.symbol)
    source: InstrumentSource | str = "given"
    if instrument is None:
        instrument, source = resolve_instrument(
            key.venue, key.market, key.symbol, store=store, file=instrument_file, klines=sample
        )
    if off_grid(sample, instrument.tick_size):
        raise _off_grid(files, instrument)
    replaced = sum(store.replace_trades(key, read_trade_file(file.path).trades, *file.span) for file in files)
    if source != "store":
        store.write_instruments([instrument])
    return EventsReport(
        key=key,
        files=tuple(file.name for file in files),
        rows=sum(file.rows for file in files),
        replaced=replaced,
        from_ms=files[0].span[0],
        to_ms=files[-1].span[1],
        instrument=instrument,
        instrument_source=source,
        notes=tuple(_notes(files, instrument, source)),
    )


def _checked(paths: Iterable[Path], symbol: str) -> tuple[list[_Checked], Klines]:
    """Return the files in the order of their time, and each price that occurs as a bar: grids are guessed by bars."""
    files, sample = [], Klines.empty()
    for path in paths:
        file = read_trade_file(path)
        for named in (file.symbol, file.claim.promised_symbol):
            refuse_other_symbol(file, named, symbol)
        micro = "microseconds" in file.units
        files.append(_Checked(path, file.name, len(file.trades), file.span, file.unordered, micro))
        sample = Klines.concat([sample, _bars(file.sample)])
        sample = sample.take(np.unique(sample.close, return_index=True)[1])
    files.sort(key=lambda file: file.span)
    refuse_overlaps(files, "trades")
    return files, sample


def _bars(trades: Trades) -> Klines:
    price = trades.price
    return Klines.of(trades.timestamp, price, price, price, price, trades.size)


def _off_grid(files: Iterable[_Checked], instrument: Instrument) -> MarketDataError:
    """Find the first price that is not on the grid, and return the error that names it."""
    for checked in files:
        file = read_trade_file(checked.path)
        off = off_grid(_bars(file.sample), instrument.tick_size).get("close")
        if off is not None:
            at = off[np.argmin(file.sample_rows[off])]
            price = float(file.sample.price[at])
            return MarketDataError(
                f"{file.source.at(int(file.sample_rows[at]), 'price')}: the price {price!r} is no multiple of "
                f"{instrument.symbol}'s tick {instrument.tick_size}.",
                code="off_grid",
                field="price",
                value=price,
                fix="Correct the price, or give the right grid with --instrument FILE.",
            )
    return MarketDataError(
        f"A file of {instrument.symbol} changed while it was read.",
        code="unreadable_file",
        field="file",
        fix="Import it again when nobody writes it.",
    )


def _notes(files: Sequence[_Checked], instrument: Instrument, source: str) -> list[str]:
    notes = grid_note(instrument, source)
    unordered = [file.name for file in files if file.unordered]
    if unordered:
        notes.append(f"Put in the order of their times: the trades of {', '.join(unordered)}.")
    if any(file.micro for file in files):
        notes.append("Stamps in microseconds were brought to milliseconds.")
    return notes
