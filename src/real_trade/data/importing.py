"""Import of files into the store: all of it or nothing.

Every row of every file is checked before the first is stored. A file is refused, with the place and the reason, where
it is not what it should be; `real_trade.data.verify` shows all that is wrong with one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from real_trade.data.checks.grid import minute, opens, slots
from real_trade.data.event_report import grid_note
from real_trade.data.instruments import InstrumentSource, off_grid, resolve_instrument
from real_trade.data.readers import KNOWN_FORMS, FileRows, read_file, usual_interval
from real_trade.data.stamps import Zone
from real_trade.model.clock import SystemClock, format_time
from real_trade.model.errors import InputError, MarketDataError
from real_trade.model.series import Klines, SeriesKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from real_trade.model.clock import Clock
    from real_trade.model.instrument import Instrument
    from real_trade.model.interval import Interval
    from real_trade.storage.ports import TimeSeriesStore, Upsert

_SEE_VERIFY: Final = "Run verify-data on the file to see all of it."
_VALUES: Final = ("open", "high", "low", "close", "volume", "turnover")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import stored.

    Attributes:
        key: the series.
        files: names of the files, in the order of their time.
        rows: bars given to the store, each opening time once.
        upsert: what was new, the same, or different from what was stored.
        from_ms, to_ms: opening time of the first bar, end of the last.
        missing: bars missing between the first and the last one.
        instrument: the grid that the prices were checked against.
        instrument_source: where its facts come from; ``inferred``: guessed from the prices.
        notes: sentences for the reader.
    """

    key: SeriesKey
    files: tuple[str, ...]
    rows: int
    upsert: Upsert
    from_ms: int
    to_ms: int
    missing: int
    instrument: Instrument
    instrument_source: InstrumentSource | str
    notes: tuple[str, ...]

    @property
    def span(self) -> str:
        """Return when the first bar opens and the last one ends, for reading."""
        return f"{format_time(self.from_ms)} to {format_time(self.to_ms)}"

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "series": str(self.key),
            "files": list(self.files),
            "rows": self.rows,
            "inserted": self.upsert.inserted,
            "unchanged": self.upsert.unchanged,
            "revised": self.upsert.revised,
            "from": format_time(self.from_ms),
            "to": format_time(self.to_ms),
            "missing": self.missing,
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
        lines = [
            f"{self.key}: {self.rows:,} bars from {len(self.files)} files, {self.span}",
            f"{self.upsert.inserted:,} new, {self.upsert.unchanged:,} unchanged, {self.upsert.revised:,} revised",
        ]
        return "\n".join([*lines, *self.notes])


def import_file(
    path: str | Path,
    store: TimeSeriesStore,
    key: SeriesKey,
    *,
    instrument: Instrument | None = None,
    instrument_file: Path | None = None,
    clock: Clock | None = None,
) -> ImportReport:
    """Import one file; see `import_files`."""
    return import_files([path], store, key, instrument=instrument, instrument_file=instrument_file, clock=clock)


def import_files(
    paths: Sequence[str | Path],
    store: TimeSeriesStore,
    key: SeriesKey,
    *,
    instrument: Instrument | None = None,
    instrument_file: Path | None = None,
    clock: Clock | None = None,
) -> ImportReport:
    """Check files and store their bars and the instrument's facts; nothing is stored unless all of it is good.

    Rows of one file must ascend, each opening time once. Files may overlap where their rows are the same. Gaps are
    counted and said, not refused: venues stand still at times.

    Args:
        paths: files of one series in any order.
        store: where to.
        key: the series; its interval is the length of the bars, also for those made from trades.
        instrument: facts to check prices against; else looked up, see `resolve_instrument`.
        instrument_file: facts as JSON, used where no instrument is given.
        clock: tells which bars have ended; the machine's if not given.

    Raises:
        MarketDataError: a file, row or price that cannot be imported; names the first one.
        InputError: no file, or a series without an interval.
        StorageError: the store failed; what was stored is unchanged.
    """
    if not paths:
        raise InputError("No file was given.", field="file", fix="Name at least one file.")
    if key.interval is None:
        raise InputError("Only bars can be imported.", field="interval", fix="Give the length of the bars.")
    interval = key.interval
    files = [read_file(Path(path), interval=interval) for path in paths]
    for rows in files:
        refuse_rows(rows, key.symbol, interval)
    files.sort(key=lambda rows: int(rows.stamps.ms[0]))
    klines, repeated = _joined(files)
    klines, running = _ended(klines, interval, (clock or SystemClock()).now_ms())
    source: InstrumentSource | str = "given"
    if instrument is None:
        instrument, source = resolve_instrument(
            key.venue, key.market, key.symbol, store=store, file=instrument_file, klines=klines
        )
    for rows in files:
        _refuse_off_grid(rows, instrument)
    upsert = store.write_klines(key, klines)
    if source != "store":
        store.write_instruments([instrument])
    first, end = int(klines.timestamp[0]), interval.next_open(int(klines.timestamp[-1]))
    missing = interval.count(first, end) - len(klines)
    return ImportReport(
        key=key,
        files=tuple(rows.name for rows in files),
        rows=len(klines),
        upsert=upsert,
        from_ms=first,
        to_ms=end,
        missing=missing,
        instrument=instrument,
        instrument_source=source,
        notes=tuple(_notes(files, instrument, source, interval, repeated, running, missing)),
    )


def _notes(
    files: Sequence[FileRows],
    instrument: Instrument,
    source: str,
    interval: Interval,
    repeated: int,
    running: int,
    missing: int,
) -> list[str]:
    notes = grid_note(instrument, source)
    if missing:
        notes.append(f"{missing:,} bars are missing in between; verify-data shows where.")
    if repeated:
        notes.append(f"{repeated:,} rows were in two files with the same values.")
    if running:
        notes.append(f"{running:,} bars have not ended yet and were left out.")
    if any(rows.from_trades for rows in files):
        notes.append(f"Bars of {interval} were made from single trades.")
    if any("microseconds" in rows.stamps.units for rows in files if not rows.from_trades):
        notes.append("Stamps in microseconds were brought to milliseconds.")
    return notes


def refuse_rows(rows: FileRows, symbol: str, interval: Interval) -> None:
    """Refuse a file that is not an ascending series of sound bars of this symbol and interval.

    Raises:
        MarketDataError: names the first row and column at fault.
    """
    if rows.funding is not None:
        raise MarketDataError(
            f"{rows.name} holds funding rates, not bars.", code="unknown_columns", field="file", fix=KNOWN_FORMS
        )
    if not len(rows):
        raise MarketDataError(f"{rows.name} holds no rows.", code="no_data", field="file", fix=KNOWN_FORMS)
    promised = rows.claim.promised_symbol
    if promised is not None and promised != symbol:
        raise MarketDataError(
            f"{rows.name} holds {promised}, but {symbol} was asked for.",
            code="wrong_symbol",
            field="symbol",
            value=promised,
            fix=f"Give --symbol {promised}, or rename the file if its name is wrong.",
        )
    _refuse_stamps(rows, interval)
    _refuse_values(rows)


def _refuse_stamps(rows: FileRows, interval: Interval) -> None:
    if rows.stamps.zone is Zone.NAIVE:
        raise MarketDataError(
            f"{rows.name}: the times have no zone.",
            code="naive_time",
            field="timestamp",
            fix="Write them with Z or an offset, or as milliseconds since 1970 UTC.",
        )
    units = rows.stamps.units
    if len(units) > 1:
        row = int(np.argmax(rows.stamps.unit != rows.stamps.unit[0]))
        raise MarketDataError(
            f"{rows.source.at(row, 'timestamp')}: times change from {units[0]} to {units[1]}.",
            code="time_unit_mixed",
            field="timestamp",
            value=units[1],
            fix=f"Write all times in milliseconds. {_SEE_VERIFY}",
        )
    if units[0] not in {"milliseconds", "microseconds"}:
        raise MarketDataError(
            f"{rows.name}: times are in {units[0]}.",
            code="time_unit",
            field="timestamp",
            value=units[0],
            fix="Write them in milliseconds since 1970 UTC.",
        )
    stamps = rows.klines.timestamp
    steps = np.diff(stamps)
    wrong = np.flatnonzero(steps <= 0)
    if len(wrong):
        row = int(wrong[0]) + 1
        code, what = ("duplicate", "repeats the one before") if steps[row - 1] == 0 else ("disorder", "goes back")
        raise MarketDataError(
            f"{rows.source.at(row, 'timestamp')}: the opening time {minute(int(stamps[row]))} {what}.",
            code=code,
            field="timestamp",
            value=int(stamps[row]),
            fix=f"Sort the rows and keep each opening time once. {_SEE_VERIFY}",
        )
    found = rows.claim.interval or usual_interval(stamps)
    if found is not None and found != interval and usual_interval(stamps) in {found, None}:
        raise MarketDataError(
            f"{rows.name} holds bars of {found}, but {interval} was asked for.",
            code="wrong_interval",
            field="interval",
            value=str(found),
            fix=f"Give --interval {found}.",
        )
    off = np.flatnonzero(opens(interval, slots(interval, stamps)) != stamps)
    if len(off):
        row = int(off[0])
        raise MarketDataError(
            f"{rows.source.at(row, 'timestamp')}: {minute(int(stamps[row]))} is not the opening of a {interval} bar.",
            code="off_grid_time",
            field="timestamp",
            value=int(stamps[row]),
            fix=f"Name bars by their opening time. {_SEE_VERIFY}",
        )


def _refuse_values(rows: FileRows) -> None:
    klines = rows.klines
    for name in ("open", "high", "low", "close"):
        column: NDArray[np.float64] = getattr(klines, name)
        _refuse_where(rows, name, ~((column > 0) & (column < np.inf)), "is not a positive price")
    _refuse_where(rows, "volume", ~((klines.volume >= 0) & (klines.volume < np.inf)), "is not a volume")
    turnover = klines.turnover
    _refuse_where(rows, "turnover", (turnover < 0) | np.isinf(turnover), "is not a turnover")
    _refuse_where(rows, "high", klines.high < np.maximum(klines.open, klines.close), "is below open or close")
    _refuse_where(rows, "low", klines.low > np.minimum(klines.open, klines.close), "is above open or close")


def _refuse_where(rows: FileRows, column: str, bad: NDArray[np.bool_], what: str) -> None:
    if not bad.any():
        return
    row = int(np.argmax(bad))
    value = float(getattr(rows.klines, column)[row])
    opening = minute(int(rows.klines.timestamp[row]))
    raise MarketDataError(
        f"{rows.source.at(row, column)}: {value:g} {what} (bar of {opening}).",
        code="bad_price" if column in _VALUES[:4] else "bad_volume",
        field=column,
        value=value,
        fix=_SEE_VERIFY,
    )


def _refuse_off_grid(rows: FileRows, instrument: Instrument) -> None:
    off = off_grid(rows.klines, instrument.tick_size)
    if not off:
        return
    column = min(off, key=lambda name: int(off[name][0]))
    row = int(off[column][0])
    price = float(getattr(rows.klines, column)[row])
    raise MarketDataError(
        f"{rows.source.at(row, column)}: the price {price!r} of {minute(int(rows.klines.timestamp[row]))} is no "
        f"multiple of {instrument.symbol}'s tick {instrument.tick_size}.",
        code="off_grid",
        field=column,
        value=price,
        fix="Correct the price, or give the right grid with --instrument FILE.",
    )


def _joined(files: Sequence[FileRows]) -> tuple[Klines, int]:
    """Return the bars of all files, ascending and each once, and how many were there twice."""
    klines = Klines.concat([rows.klines for rows in files])
    if np.all(np.diff(klines.timestamp) > 0):
        return klines, 0
    order = np.argsort(klines.timestamp, kind="stable")
    klines = klines.take(order)
    repeated = np.flatnonzero(np.diff(klines.timestamp) == 0) + 1
    for name in _VALUES:
        column: NDArray[np.float64] = getattr(klines, name)
        a, b = column[repeated - 1], column[repeated]
        differs = (a != b) & ~(np.isnan(a) | np.isnan(b))
        if differs.any():
            row = int(repeated[np.argmax(differs)])
            raise MarketDataError(
                f"Two files give different values for the bar of {minute(int(klines.timestamp[row]))}: "
                f"{name} {column[row - 1]:.12g} and {column[row]:.12g}.",
                code="duplicate",
                field=name,
                value=float(column[row]),
                fix="Import the right file alone. Run verify-data on both to see all of it.",
            )
    keep = np.ones(len(klines), dtype=np.bool_)
    keep[repeated] = False
    return klines.take(keep), len(repeated)


def _ended(klines: Klines, interval: Interval, now_ms: int) -> tuple[Klines, int]:
    """Return the bars that have ended, and how many have not."""
    count = int(np.searchsorted(klines.timestamp, interval.floor(now_ms)))
    if count == 0:
        raise MarketDataError(
            f"No bar has ended yet; the first one opens {minute(int(klines.timestamp[0]))}.",
            code="unfinished_bar",
            field="timestamp",
            value=int(klines.timestamp[0]),
            fix="Check the times and the machine's clock.",
        )
    return (klines if count == len(klines) else klines.take(slice(0, count))), len(klines) - count
