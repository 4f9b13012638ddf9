"""Time stamps as files spell them: numbers of several units, or ISO text with or without a zone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from real_trade.model.errors import MarketDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Units of numbers since 1970 by size: from 1973 to 2100 no two of them overlap.
UNIT_NAMES: Final = ("seconds", "milliseconds", "microseconds", "nanoseconds")
_UNIT_PER_MS: Final = (1e-3, 1.0, 1e3, 1e6)
_EARLIEST_S: Final = 100_000_000
_LATEST_S: Final = 4_102_444_800
# Text: a clock time followed by Z or an offset.
_ZONED: Final = r":\d{2}(\.\d+)?\s?(Z|z|[+-]\d{2}(:?\d{2})?)$"
_NAIVE: Final = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$"
_DATE: Final = r"^\d{4}-\d{2}-\d{2}$"


class Zone(StrEnum):
    """How stamps say what zone they are in."""

    EPOCH = "epoch"  # numbers since 1970 UTC
    GIVEN = "given"  # text with Z or an offset
    DATE = "date"  # a day: midnight UTC
    NAIVE = "naive"  # text without a zone, taken as UTC


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from, for naming one in an error.

    Attributes:
        name: the file's name.
        word: ``line`` for text files, ``row`` for tables.
        first: number of the first row of data.
    """

    name: str
    word: str = "row"
    first: int = 1

    def at(self, row: int, column: str) -> str:
        """Return the place of one value, for the start of a sentence."""
        return f"{self.name}: {self.word} {row + self.first}, column {column}"


@dataclass(frozen=True, slots=True)
class Stamps:
    """Stamps brought to milliseconds.

    Attributes:
        ms: int64, milliseconds UTC.
        unit: int8 per row, index into `UNIT_NAMES`; milliseconds for text.
        zone: how the zone was given.
    """

    ms: NDArray[np.int64]
    unit: NDArray[np.int8]
    zone: Zone

    @property
    def units(self) -> tuple[str, ...]:
        """Return the names of the units that occur, the first row's first."""
        _, first = np.unique(self.unit, return_index=True)
        return tuple(UNIT_NAMES[self.unit[row]] for row in sorted(first))


def from_numbers(values: NDArray[Any], source: Source, column: str) -> Stamps:
    """Bring numbers since 1970 to milliseconds, each row by its own size.

    Raises:
        MarketDataError: a number that is a time in no unit.
    """
    size = np.abs(values.astype(np.float64))
    unit = np.full(len(size), -1, dtype=np.int8)
    for i, scale in enumerate((1, 1_000, 1_000_000, 1_000_000_000)):
        unit[(size >= _EARLIEST_S * scale) & (size <= _LATEST_S * scale)] = i
    bad = np.flatnonzero((unit < 0) | (values < 0))
    if len(bad):
        row = int(bad[0])
        raise MarketDataError(
            f"{source.at(row, column)}: {values[row]!s} is not a time.",
            code="bad_time",
            field=column,
            value=str(values[row]),
            fix="Give milliseconds since 1970 UTC.",
        )
    return Stamps(_to_ms(values, unit), unit, Zone.EPOCH)


def _to_ms(values: NDArray[Any], unit: NDArray[np.int8]) -> NDArray[np.int64]:
    ms = np.empty(len(values), dtype=np.int64)
    for i, per_ms in enumerate(_UNIT_PER_MS):
        rows = unit == i
        if not rows.any():
            continue
        if values.dtype.kind in "iu":
            ms[rows] = values[rows] * 1000 if per_ms < 1 else values[rows] // int(per_ms)
        else:
            # Seconds with a fraction lie up to a microsecond beside their millisecond.
            ms[rows] = np.floor(values[rows] / per_ms + 1e-3).astype(np.int64)
    return ms


def from_text(column: Any, source: Source, name: str) -> Stamps:
    """Bring a column of text to milliseconds.

    Args:
        column: pyarrow array of strings without nulls.
        source, name: where it stands, for the error.

    Raises:
        MarketDataError: text that is no time, or with a zone in some rows only.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    def every(pattern: str) -> bool:
        return bool(pc.all(pc.match_substring_regex(column, pattern)).as_py())

    try:
        if every(r"^\d+$"):
            return from_numbers(column.cast(pa.int64()).to_numpy(), source, name)
        if every(r"^\d+(\.\d*)?(e\+?\d+)?$"):
            return from_numbers(column.cast(pa.float64()).to_numpy(), source, name)
        if every(_ZONED):
            moments, zone = column.cast(pa.timestamp("us", tz="UTC")), Zone.GIVEN
        elif every(_NAIVE) or every(_DATE):
            moments = column.cast(pa.timestamp("us"))
            zone = Zone.DATE if every(_DATE) else Zone.NAIVE
        else:
            raise _unreadable(column, source, name)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise _unreadable(column, source, name) from None
    ms = moments.cast(pa.int64()).to_numpy() // 1000
    return Stamps(ms, np.ones(len(ms), dtype=np.int8), zone)


def _unreadable(column: Any, source: Source, name: str) -> MarketDataError:
    """Name the first value that is like none of the forms, or unlike the first row's form."""
    import pyarrow.compute as pc

    forms = (r"^\d+(\.\d*)?(e\+?\d+)?$", _ZONED, _NAIVE, _DATE)
    masks = [pc.match_substring_regex(column, form).to_numpy(zero_copy_only=False) for form in forms]
    own = next((mask for mask in masks if mask[0]), None)
    row = 0 if own is None or bool(own.all()) else int(np.flatnonzero(~own)[0])
    value = column[row].as_py()
    problem = "is not a time" if own is None or bool(own.all()) else "is written unlike the first row's time"
    return MarketDataError(
        f"{source.at(row, name)}: {value!r} {problem}.",
        code="bad_time",
        field=name,
        value=value,
        fix="Give milliseconds since 1970 UTC, or ISO 8601 with a zone, in one form throughout.",
    )
