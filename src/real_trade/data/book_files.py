"""Files of an order book's changes: Bybit's daily archive, and tables of a recorded stream with its snapshots.

What comes out is a book from its first snapshot on. Changes that a snapshot already holds are left out, as the venues
tell a reader of their streams to do it; after a change that does not go on from the one before, so is everything up to
the next snapshot.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from real_trade.data.file_names import FileClaim, read_claim
from real_trade.data.stamps import Source, from_numbers
from real_trade.data.tables import Form, Table, open_text, read_table
from real_trade.model.errors import MarketDataError
from real_trade.model.series import BookChanges

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

KNOWN_BOOK_FORMS: Final = (
    "Use Bybit's archive of order books (ob200, ob500), or Parquet or CSV with the columns timestamp,update,side,"
    "price,size,snapshot."
)
_SIDES: Final = {"bid": 1, "buy": 1, "b": 1, "1": 1, "ask": -1, "sell": -1, "a": -1, "-1": -1}
_TRUE: Final = frozenset({"true", "1", "snapshot"})
BOOK: Final = Form(
    {
        "timestamp": ("timestamp", "event_ms", "time", "ts", "event_time"),
        "update": ("update", "last_update_id", "update_id", "u"),
        "first": ("first_update_id",),
        "before": ("prev_update_id", "pu"),
        "snapshot": ("snapshot", "is_snapshot", "type"),
        "side": ("side",),
        "price": ("price",),
        "size": ("size", "qty", "quantity"),
    },
    text=("timestamp", "side", "snapshot"),
    headless=lambda fields: None,  # noqa: ARG005 - every one has a header
    dump="an order book",
    header="timestamp,update,side,price,size,snapshot",
)


@dataclass(frozen=True, slots=True)
class BookFile:
    """One file's changes.

    Attributes:
        name: the file's name.
        claim: what the name says and promises.
        symbol: by the rows, else by the name where it can be relied on.
        changes: from the first snapshot on.
        left_out: rows before it, or that a snapshot already held.
        gaps: how often a change did not go on from the one before.
    """

    name: str
    claim: FileClaim
    symbol: str | None
    changes: BookChanges
    left_out: int
    gaps: int

    @property
    def span(self) -> tuple[int, int]:
        """Return ``[from, to)`` from the first change to the last."""
        return int(self.changes.timestamp[0]), int(self.changes.timestamp[-1]) + 1


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows as a file has them; ``before`` is the number that a change goes on from, -1 where the file does not say."""

    changes: BookChanges
    before: NDArray[np.int64]
    symbol: str | None


class _Levels(msgspec.Struct):
    """Levels that changed: price and size as text."""

    s: str
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    u: int


class _Message(msgspec.Struct):
    """A line of Bybit's archive."""

    type: str
    ts: int
    data: _Levels


def read_book_file(path: Path) -> BookFile:
    """Read a file of a book's changes; every row is checked.

    Raises:
        MarketDataError: not one of the known forms, cut short, without a snapshot, or a row that no book can have.
    """
    claim = read_claim(path)
    rows = _of_lines(path) if _is_json(path) else _of_table(read_table(path, BOOK))
    _refuse_rows(path, rows.changes)
    kept, gaps = _followed(rows)
    if not kept.any():
        raise MarketDataError(
            f"{path.name} holds no whole book: there is no snapshot to begin with.",
            code="no_snapshot",
            field="snapshot",
            value=path.name,
            fix="Record a snapshot with the changes, and mark its rows.",
        )
    changes = rows.changes.take(kept)
    stamps = np.maximum.accumulate(changes.timestamp)
    ordered = BookChanges(stamps, *(getattr(changes, name) for name in ("update", "snapshot", "side", "price", "size")))
    return BookFile(
        path.name, claim, rows.symbol or claim.promised_symbol, ordered, int((~kept).sum()), gaps
    )  # fmt: skip


def _is_json(path: Path) -> bool:
    with open_text(path) as file:
        return file is not None and file.read(64).lstrip()[:1] == b"{"


def _of_lines(path: Path) -> _Rows:
    """Read Bybit's archive: a line for each message of the stream."""
    decoder = msgspec.json.Decoder(_Message)
    # A day of a busy book has tens of millions of rows: no objects for them.
    stamps, updates, prices, sizes = array("q"), array("q"), array("d"), array("d")
    snapshots, sides = array("b"), array("b")
    symbols: set[str] = set()
    with open_text(path) as file:
        assert file is not None  # it begins with a brace
        for number, line in enumerate(file, 1):
            try:
                message = decoder.decode(line)
                levels = [(1, float(p), float(q)) for p, q in message.data.b]
                levels += [(-1, float(p), float(q)) for p, q in message.data.a]
            except (msgspec.MsgspecError, ValueError) as error:
                raise MarketDataError(
                    f"{path.name}: line {number} is no message of an order book ({error}).",
                    code="bad_row",
                    field="line",
                    value=number,
                    fix="Fetch the archive again.",
                ) from None
            symbols.add(message.data.s)
            count = len(levels)
            stamps.extend([message.ts] * count)
            updates.extend([message.data.u] * count)
            snapshots.extend([message.type == "snapshot"] * count)
            sides.extend([side for side, _, _ in levels])
            prices.extend([price for _, price, _ in levels])
            sizes.extend([size for _, _, size in levels])
    if len(symbols) > 1:
        raise MarketDataError(
            f"{path.name} holds the books of {', '.join(sorted(symbols))}.",
            code="several_symbols",
            field="symbol",
            value=path.name,
            fix="Give a file for each.",
        )
    update = np.frombuffer(updates, np.int64)
    changes = BookChanges(
        from_numbers(np.frombuffer(stamps, np.int64), Source(path.name, "line"), "ts").ms,
        update,
        np.frombuffer(snapshots, np.int8).astype(np.bool_),
        np.frombuffer(sides, np.int8),
        np.frombuffer(prices, np.float64),
        np.frombuffer(sizes, np.float64),
    )
    return _Rows(changes, update - 1, next(iter(symbols), None))


def _of_table(table: Table) -> _Rows:
    missing = [name for name in ("timestamp", "update", "side", "price", "size", "snapshot") if not table.has(name)]
    if missing:
        raise MarketDataError(
            f"{table.source.name} holds no order book: it has no {', '.join(missing)} column.",
            code="unknown_columns",
            field="columns",
            value=table.source.name,
            fix=KNOWN_BOOK_FORMS,
        )
    update = table.floats("update").astype(np.int64)
    snapshot = _words(table, "snapshot", lambda word: word in _TRUE).astype(np.bool_)
    order = _order(update, snapshot)
    stamps = _times(table, snapshot, order)
    before = np.full(len(update), -1, np.int64)
    for name, step in (("first", 1), ("before", 0)):
        if table.has(name):
            numbers = table.floats(name)
            said = np.isfinite(numbers)
            before[said] = numbers[said].astype(np.int64) - step
    changes = BookChanges(
        stamps,
        update,
        snapshot,
        _words(table, "side", lambda word: _SIDES.get(word, 0)).astype(np.int8),
        table.floats("price"),
        table.floats("size"),
    )
    return _Rows(changes.take(order), before[order], None)


def _order(update: NDArray[np.int64], snapshot: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the order in which rows happened: a snapshot that was asked for came later than what followed it."""
    changes = update[~snapshot]
    if bool((changes[1:] < changes[:-1]).any()):
        return np.arange(len(update))
    return np.lexsort((~snapshot, update))


def _times(table: Table, snapshot: NDArray[np.bool_], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return times by row; a snapshot, which has none at some venues, is not younger than the change after it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.columns["timestamp"]
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    missing = column.is_null().to_numpy(zero_copy_only=False)
    filled = pc.fill_null_backward(pc.fill_null_forward(column))
    stamps = replace(table, columns={**table.columns, "timestamp": filled}).stamps().ms
    latest = np.iinfo(np.int64).max
    changes = np.where(snapshot, latest, stamps)[order]
    following = np.minimum.accumulate(changes[::-1])[::-1]
    own = np.where(missing, latest, stamps)[order]
    earlier = np.minimum(own, following)
    found = stamps.copy()
    found[order] = np.where(snapshot[order] & (earlier < latest), earlier, stamps[order])
    return found


def _words(table: Table, name: str, meaning: Any) -> NDArray[Any]:
    """Return what each row's word means; a column has few different ones."""
    encoded = table.columns[name].dictionary_encode()
    found = [meaning("" if word is None else str(word).strip().lower()) for word in encoded.dictionary.to_pylist()]
    codes = np.asarray(encoded.indices.fill_null(len(found)), dtype=np.int64)
    return np.array([*found, meaning("")])[codes]


def _refuse_rows(path: Path, changes: BookChanges) -> None:
    bad = {
        "side": changes.side == 0,
        "price": ~(np.isfinite(changes.price) & (changes.price > 0)),
        "size": ~(np.isfinite(changes.size) & (changes.size >= 0)),
    }
    for name, rows in bad.items():
        if rows.any():
            row = int(np.argmax(rows))
            value = getattr(changes, name)[row].item()
            raise MarketDataError(
                f"{path.name}: row {row + 1}: {value} is not the {name} of a level.",
                code="bad_level",
                field=name,
                value=value,
                fix="Write bid or ask, a positive price, and a size of 0 where nothing stands.",
            )


def _followed(rows: _Rows) -> tuple[NDArray[np.bool_], int]:
    """Return which rows make up the book from its first snapshot on, and how often a change does not go on."""
    changes = rows.changes
    kept = np.zeros(len(changes), np.bool_)
    if not len(changes):
        return kept, 0
    same = (changes.update[1:] == changes.update[:-1]) & (changes.snapshot[1:] == changes.snapshot[:-1])
    starts = np.flatnonzero(np.concatenate(([True], ~same)))
    ends = np.append(starts[1:], len(changes))
    last: int | None = None
    fresh, gaps = False, 0
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        update, before = int(changes.update[start]), int(rows.before[start])
        if changes.snapshot[start]:
            last, fresh = update, True
            kept[start:end] = True
        elif last is not None and update > last:
            # The first change after a snapshot may have begun before it.
            if before >= 0 and not (before == last or (fresh and before <= last)):
                last, gaps = None, gaps + 1
                continue
            last, fresh = update, False
            kept[start:end] = True
    return kept, gaps
