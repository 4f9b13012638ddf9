"""Files as tables: CSV (plain, .gz, .zip) and Parquet, their columns brought to one set of names."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, cast

import numpy as np

from real_trade.data.stamps import Source, Stamps, Zone, from_numbers, from_text
from real_trade.model.errors import MarketDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# Our name -> names found in files (lower case, blanks and hyphens as underscores), the preferred one first.
ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "timestamp": ("timestamp", "open_time", "opentime", "start_time", "starttime", "start", "time", "datetime", "date"),
    "open": ("open", "o", "open_price"),
    "high": ("high", "h", "high_price"),
    "low": ("low", "l", "low_price"),
    "close": ("close", "c", "close_price"),
    "volume": ("volume", "vol", "v", "base_volume", "volume_base"),
    "turnover": ("turnover", "quote_volume", "quote_asset_volume", "quote_av", "volume_quote", "amount"),
    "close_time": ("close_time", "closetime"),
    "trades": ("trades", "count", "number_of_trades", "num_trades", "trade_count"),
    "taker_volume": ("taker_buy_volume", "taker_buy_base", "taker_buy_base_asset_volume", "tb_base_av"),
    "taker_turnover": ("taker_buy_quote_volume", "taker_buy_quote", "taker_buy_quote_asset_volume", "tb_quote_av"),
    "ignore": ("ignore",),
    "symbol": ("symbol",),
    "side": ("side",),
    "size": ("size", "qty", "quantity"),
    "price": ("price",),
    "funding_rate": ("funding_rate", "fundingrate", "last_funding_rate", "rate"),
}
# Columns of Binance's kline dumps, which have no header line before 2025 on spot.
DUMP_COLUMNS: Final = (
    "timestamp",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "turnover",
    "trades",
    "taker_volume",
    "taker_turnover",
    "ignore",
)
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZIP_MAGIC: Final = b"PK"
_PARQUET_MAGIC: Final = b"PAR1"


@dataclass(frozen=True, slots=True)
class Form:
    """What a file is read as.

    Attributes:
        aliases: our name -> names found in files, the preferred one first.
        text: columns that are kept as they are; the others are numbers.
        headless: from the fields of the first line to the columns of a file that has no header; None if it is no such
            file.
        dump: what a file without a header may be, for the error.
        header: a header to add, for the error.
    """

    aliases: Mapping[str, tuple[str, ...]]
    text: tuple[str, ...]
    headless: Callable[[list[str]], Sequence[str] | None]
    dump: str
    header: str


def _dump_columns(fields: list[str]) -> Sequence[str] | None:
    return DUMP_COLUMNS if len(fields) == len(DUMP_COLUMNS) and fields[0].isdigit() else None


BARS: Final = Form(
    ALIASES,
    text=("timestamp", "symbol", "side"),
    headless=_dump_columns,
    dump="a Binance kline dump",
    header="timestamp,open,high,low,close,volume",
)


@dataclass(frozen=True, slots=True)
class Table:
    """A file's known columns.

    Attributes:
        source: where the rows stand.
        columns: pyarrow arrays by our names; numbers as float64, text as string.
        names: our name -> the name in the file.
    """

    source: Source
    columns: dict[str, Any]
    names: dict[str, str]

    def has(self, *names: str) -> bool:
        """Tell whether all these columns are there."""
        return all(name in self.columns for name in names)

    def floats(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers; a missing value is NaN."""
        return np.asarray(self.columns[name].to_numpy(zero_copy_only=False), dtype=np.float64)

    def filled(self, name: str) -> NDArray[np.bool_]:
        """Return which rows have a value in a column of numbers."""
        return ~np.isnan(self.floats(name))

    def stamps(self) -> Stamps:
        """Return the time column in milliseconds.

        Raises:
            MarketDataError: a value that is missing or no time.
        """
        import pyarrow as pa

        column, name = self.columns["timestamp"], self.names["timestamp"]
        if not len(column):
            return Stamps(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int8), Zone.EPOCH)
        if column.null_count:
            row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            raise MarketDataError(
                f"{self.source.at(row, name)}: the time is missing.",
                code="bad_time",
                field=name,
                fix="Give every row its opening time.",
            )
        if pa.types.is_timestamp(column.type):
            zoned = column.type.tz is not None
            moments = column.cast(pa.timestamp("us", tz="UTC" if zoned else None))
            ms = moments.cast(pa.int64()).to_numpy() // 1000
            return Stamps(ms, np.ones(len(ms), dtype=np.int8), Zone.GIVEN if zoned else Zone.NAIVE)
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            return from_numbers(column.to_numpy(), self.source, name)
        return from_text(column, self.source, name)


def read_table(path: Path, form: Form = BARS) -> Table:
    """Read a CSV (plain, gzip or zip) or Parquet file, told apart by its first bytes.

    Args:
        path: the file.
        form: what it is read as.

    Raises:
        MarketDataError: neither, cut short, without known columns, or a value that is no number.
    """
    with open_text(path) as file:
        content = None if file is None else file.read()
    return _read_parquet(path, form) if content is None else _read_csv(path, content, form)


@contextmanager
def open_text(path: Path) -> Iterator[IO[bytes] | None]:
    """Open a file of text for reading, unpacked on the way; None of a Parquet file.

    Raises:
        MarketDataError: it cannot be read, or the packed file is damaged.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        if magic == _PARQUET_MAGIC or path.suffix.lower() in {".parquet", ".pq"}:
            yield None
        elif magic.startswith(_GZIP_MAGIC):
            with gzip.open(path) as unpacked:
                yield cast("IO[bytes]", unpacked)
        elif magic.startswith(_ZIP_MAGIC):
            with zipfile.ZipFile(path) as archive, archive.open(_only_member(path, archive)) as file:
                yield file
        else:
            with path.open("rb") as file:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise _unreadable(path, f"the compressed file is damaged or cut short ({error})", "Fetch it again.") from None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error), "Check the path and its permissions.") from None


def _unreadable(path: Path, why: str, fix: str) -> MarketDataError:
    return MarketDataError(
        f"{path.name} cannot be read: {why}.", code="unreadable_file", field="file", value=path.name, fix=fix
    )


def _canonical(found: list[str], form: Form) -> dict[str, str]:
    """Return our name -> the file's name, for the columns that we know."""
    plain = {re.sub(r"[\s\-]+", "_", name.strip().lower()): name for name in reversed(found)}
    chosen: dict[str, str] = {}
    for ours, aliases in form.aliases.items():
        name = next((plain[alias] for alias in aliases if alias in plain), None)
        if name is not None:
            chosen[ours] = name
    return chosen


def _read_parquet(path: Path, form: Form) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        names = _canonical(list(file.schema_arrow.names), form)
        table = file.read(columns=list(names.values()))
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:160].rstrip(".")
        raise _unreadable(path, f"not a whole Parquet file ({reason})", "Fetch or copy the file again.") from None
    columns: dict[str, Any] = {}
    for ours, name in names.items():
        column = table.column(name).combine_chunks()
        if ours not in form.text and not pa.types.is_floating(column.type):
            try:
                column = column.cast(pa.float64(), safe=False)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise MarketDataError(
                    f"{path.name}: column {name} holds {column.type}, not numbers.",
                    code="bad_column",
                    field=name,
                    value=str(column.type),
                    fix="Store prices and volumes as numbers.",
                ) from None
        columns[ours] = column
    return Table(Source(path.name), columns, names)


def _only_member(path: Path, archive: zipfile.ZipFile) -> str:
    members = [name for name in archive.namelist() if not name.endswith("/")]
    if len(members) != 1:
        raise _unreadable(path, f"the archive holds {len(members)} files", "Give an archive of one CSV file.")
    return members[0]


def _read_csv(path: Path, content: bytes, form: Form) -> Table:
    first = content[: content.find(b"\n")] if b"\n" in content else content
    try:
        head = [field.strip().strip('"') for field in first.decode("utf-8-sig").strip().split(",")]
    except UnicodeDecodeError:
        raise _unreadable(path, "it is neither Parquet nor text", "Give Parquet or CSV.") from None
    names = _canonical(head, form)
    has_header = bool(names)
    if not has_header:
        columns = form.headless(head)
        if columns is None:
            raise MarketDataError(
                f"{path.name}: the first line is neither a header nor a row of {form.dump}.",
                code="unknown_columns",
                field="columns",
                value=",".join(head)[:120],
                fix=f"Add the header {form.header}.",
            )
        head = list(columns)
        names = {name: name for name in head if name in form.aliases}
    source = Source(path.name, "line", 2 if has_header else 1)
    if has_header and not content[len(first) :].strip():
        return _without_rows(source, names, form)
    return _parse(source, content, head, names, form)


def _without_rows(source: Source, names: dict[str, str], form: Form) -> Table:
    import pyarrow as pa

    return Table(
        source, {name: pa.array([], pa.string() if name in form.text else pa.float64()) for name in names}, names
    )


def _parse(source: Source, content: bytes, head: list[str], names: dict[str, str], form: Form) -> Table:
    import pyarrow as pa
    from pyarrow import csv

    def parse(number: Any) -> Any:
        types = {name: pa.string() if ours in form.text else number for ours, name in names.items()}
        return csv.read_csv(
            io.BytesIO(content),
            read_options=csv.ReadOptions(column_names=head, skip_rows=source.first - 1),
            convert_options=csv.ConvertOptions(
                column_types=types, include_columns=list(names.values()), strings_can_be_null=True
            ),
        )

    try:
        table = parse(pa.float64())
    except pa.ArrowInvalid as error:
        if "conversion error" in str(error):
            raise _bad_number(source, parse(pa.string()), names, form) from None
        reason = str(error).splitlines()[0][:160].rstrip(".")
        raise MarketDataError(
            f"{source.name} is not a proper CSV file: {reason}.",
            code="bad_csv",
            field="file",
            value=source.name,
            fix="Give every line the same number of fields; fetch the file again if it was cut short.",
        ) from None
    return Table(source, {ours: table.column(name).combine_chunks() for ours, name in names.items()}, names)


def _bad_number(source: Source, text: Any, names: dict[str, str], form: Form) -> MarketDataError:
    """Find the first value that is no number, column by column."""
    for ours, name in names.items():
        if ours in form.text:
            continue
        for row, value in enumerate(text.column(name).to_pylist()):
            if value is not None and not _is_number(value):
                return MarketDataError(
                    f"{source.at(row, name)}: {value!r} is not a number.",
                    code="bad_number",
                    field=name,
                    value=value,
                    fix="Write prices and volumes as plain decimal numbers.",
                )
    return MarketDataError(f"{source.name}: a value is not a number.", code="bad_number", field="file")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
