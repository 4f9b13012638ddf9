"""Downloaded pages of one series, appended as they come; a page that is whole survives the death of the process.

A record is a header (magic, rows, span fetched, checksum of all the rest) and the columns one after the other,
little-endian, padded to eight bytes. A record that was cut off or damaged ends the journal: it and what follows is
dropped by the next writer, and since its span is not counted as fetched, it is fetched again.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from zlib import crc32

import numpy as np

from real_trade.model.errors import StorageError
from real_trade.storage.files import writing
from real_trade.storage.partition import unreadable
from real_trade.storage.rows import KLINE_SHAPE, Rows, ascending, concat

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

JOURNAL_NAME: Final = "journal.bin"
_FAMILY: Final = b"RTJ"
_MAGIC: Final = _FAMILY + b"1"
# In this order: the magic word, number of rows, span fetched, a spare zero, the checksum.
_HEADER: Final = struct.Struct("<4sIqqII")
_BYTES_PER_ROW: Final = sum(KLINE_SHAPE.dtype(name).itemsize for name in KLINE_SHAPE.columns)


@dataclass(frozen=True, slots=True)
class Page:
    """One record.

    Attributes:
        from_ms, to_ms: span that was fetched.
        rows: bars found in it, ascending.
    """

    from_ms: int
    to_ms: int
    rows: Rows


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies in the journal and which times its rows span; ``first_ms > last_ms`` without rows."""

    offset: int
    length: int
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class Tail:
    """What a writer knows of a journal: its whole records and where they end."""

    places: list[Place] = field(default_factory=list)
    end: int = 0

    def add(self, page: Page, length: int) -> None:
        """Note a record of ``length`` bytes at the end."""
        stamps = page.rows["timestamp"]
        first, last = (int(stamps[0]), int(stamps[-1])) if len(stamps) else (0, -1)
        self.places.append(Place(self.end, length, first, last))
        self.end += length


def encode(page: Page) -> bytes:
    """Return a page as one record."""
    rows = len(page.rows["timestamp"])
    payload = b"".join(
        np.ascontiguousarray(page.rows[name], dtype=KLINE_SHAPE.dtype(name).newbyteorder("<")).tobytes()
        for name in KLINE_SHAPE.columns
    )
    payload += bytes(_record_bytes(rows) - _HEADER.size - len(payload))
    checksum = crc32(payload, crc32(_HEADER.pack(_MAGIC, rows, page.from_ms, page.to_ms, 0, 0)))
    return _HEADER.pack(_MAGIC, rows, page.from_ms, page.to_ms, 0, checksum) + payload


def decode(content: bytes, path: Path) -> tuple[list[Page], Tail]:
    """Return the whole records at the start of ``content``, and where they lie.

    Raises:
        StorageError: the journal was written by another version.
    """
    pages, tail = [], Tail()
    if len(content) >= len(_MAGIC) and content.startswith(_FAMILY) and not content.startswith(_MAGIC):
        raise StorageError(
            f"{path} was written by another version.",
            code="unreadable_file",
            value=str(path),
            fix="Finish the download with the version that began it.",
        )
    while (page := _decode_at(content, tail.end)) is not None:
        pages.append(page)
        tail.add(page, _record_bytes(len(page.rows["timestamp"])))
    return pages, tail


def read_journal(folder: Path) -> tuple[list[Page], Tail]:
    """Return the whole records of a series' journal; none where there is no journal.

    Raises:
        StorageError: it cannot be read.
    """
    path = folder / JOURNAL_NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return [], Tail()
    except OSError as error:
        raise unreadable(path, error) from error
    return decode(content, path)


def journal_size(folder: Path) -> int:
    """Return the journal's size in bytes; 0 where there is none."""
    try:
        return (folder / JOURNAL_NAME).stat().st_size
    except FileNotFoundError:
        return 0


def append(folder: Path, tail: Tail, page: Page) -> None:
    """Append a page after the last whole record, in one write; the caller holds the series' lock.

    Raises:
        StorageError: there is no room; the journal is as it was.
    """
    path = folder / JOURNAL_NAME
    record = encode(page)
    with writing(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            if os.fstat(handle).st_size != tail.end:
                os.ftruncate(handle, tail.end)
            _write_or_undo(handle, record, tail.end)
        finally:
            os.close(handle)
    tail.add(page, len(record))


def read_places(folder: Path, places: Iterable[Place]) -> list[Page]:
    """Return the records at known places; the caller holds the series' lock.

    Raises:
        StorageError: the journal cannot be read.
    """
    path = folder / JOURNAL_NAME
    pages = []
    try:
        with path.open("rb") as file:
            for place in places:
                file.seek(place.offset)
                pages += decode(file.read(place.length), path)[0]
    except OSError as error:
        raise unreadable(path, error) from error
    return pages


def merged_rows(pages: Iterable[Page]) -> Rows | None:
    """Return the rows of all pages, ascending, later pages winning; None where there are none."""
    parts = [page.rows for page in pages if len(page.rows["timestamp"])]
    return ascending(concat(parts), KLINE_SHAPE) if parts else None


def _record_bytes(rows: int) -> int:
    return (_HEADER.size + rows * _BYTES_PER_ROW + 7) // 8 * 8


def _decode_at(content: bytes, offset: int) -> Page | None:
    if offset + _HEADER.size > len(content):
        return None
    magic, rows, from_ms, to_ms, spare, checksum = _HEADER.unpack_from(content, offset)
    end = offset + _record_bytes(rows)
    if magic != _MAGIC or spare or end > len(content):
        return None
    blank = _HEADER.pack(magic, rows, from_ms, to_ms, 0, 0)
    position = offset + _HEADER.size
    if crc32(memoryview(content)[position:end], crc32(blank)) != checksum:
        return None
    columns = {}
    for name in KLINE_SHAPE.columns:
        dtype = KLINE_SHAPE.dtype(name).newbyteorder("<")
        columns[name] = np.frombuffer(content, dtype=dtype, count=rows, offset=position)
        position += rows * dtype.itemsize
    return Page(from_ms, to_ms, columns)


def _write_or_undo(handle: int, record: bytes, end: int) -> None:
    try:
        written = os.write(handle, record)
        while written < len(record):  # the disk is nearly full: the rest is refused with the reason
            written += os.write(handle, record[written:])
    except OSError:
        os.ftruncate(handle, end)
        raise
