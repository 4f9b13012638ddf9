"""Files of single trades: Bybit's and Binance's public archives, and plain tables of the same columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from real_trade.data.file_names import FileClaim, read_claim
from real_trade.data.readers import only_symbol
from real_trade.data.stamps import Source, Zone
from real_trade.data.tables import Form, Table, read_table
from real_trade.model.clock import format_time
from real_trade.model.errors import MarketDataError
from real_trade.model.series import Trades

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from real_trade.data.stamps import Stamps

KNOWN_TRADE_FORMS: Final = (
    "Use a Bybit trade archive, a Binance trades or aggTrades dump, or Parquet or CSV with timestamp,price,size,side."
)
_FLAGS: Final = {"true": -1, "1": -1, "false": 1, "0": 1}  # the buyer was the maker: the seller was the taker
_SIDES: Final = {"buy": 1, "1": 1, "+1": 1, "sell": -1, "-1": -1, "0": 0, "": 0}


def _dump_columns(fields: list[str]) -> Sequence[str] | None:
    """Return the columns of a Binance dump without a header: spot, and futures of early years.

    Both dumps of a market may have seven fields: those of trades end in (time, flag, flag) or (time, flag), those of
    aggregate trades have one number more before the time.
    """
    flag = next((i for i, field in enumerate(fields) if field.lower() in {"true", "false"}), None)
    start = {5: ("id", "price", "size", "quote_size"), 6: ("id", "price", "size", "first_id", "last_id")}.get(flag or 0)
    if start is None or not fields[0].isdigit() or len(fields) - len(start) not in {2, 3}:
        return None
    return (*start, "timestamp", "buyer_maker", "best_match")[: len(fields)]


TRADES: Final = Form(
    {
        "timestamp": ("timestamp", "time", "transact_time", "trade_time", "trade_ms"),
        "price": ("price",),
        "size": ("size", "qty", "quantity", "volume"),
        "side": ("side",),
        "buyer_maker": ("buyer_maker", "is_buyer_maker", "buyer_is_maker", "isbuyermaker"),
        "symbol": ("symbol",),
        "id": ("id", "trade_id", "agg_trade_id"),
    },
    text=("timestamp", "side", "buyer_maker", "symbol", "id"),
    headless=_dump_columns,
    dump="a Binance dump of trades",
    header="timestamp,price,size,side",
)


@dataclass(frozen=True, slots=True)
class TradeFile:
    """One file's trades.

    Attributes:
        name: the file's name.
        claim: what the name says and promises.
        trades: ascending.
        symbol: the symbol by the rows, else by the name where it can be relied on.
        span: ``[from, to)`` of which the file holds every trade: the day or month that its name promises, else from
            the first trade to the last.
        sample: one trade for each price that occurs.
        sample_rows: where those stand in the file.
        unordered: the file does not ascend.
        units: units of its stamps.
        source: where the rows stand, for errors.
    """

    name: str
    claim: FileClaim
    trades: Trades
    symbol: str | None
    span: tuple[int, int]
    sample: Trades
    sample_rows: NDArray[np.int64]
    unordered: bool
    units: tuple[str, ...]
    source: Source


def read_trade_file(path: Path) -> TradeFile:
    """Read a file of trades; every row is checked.

    Files that descend are turned round; in others that are out of order, trades are put in the order of their times,
    and those of one millisecond stay as they stand.

    Raises:
        MarketDataError: not one of the known forms, cut short, or a row that no trade can have; says which.
    """
    claim = read_claim(path)
    table = read_table(path, TRADES)
    if not table.has("timestamp", "price", "size") or not (table.has("side") or table.has("buyer_maker")):
        missing = [name for name in ("timestamp", "price", "size", "side") if not table.has(name)]
        raise MarketDataError(
            f"{path.name} holds no trades: it has no {', '.join(missing)} column.",
            code="unknown_columns",
            field="columns",
            value=path.name,
            fix=KNOWN_TRADE_FORMS,
        )
    stamps = table.stamps()
    if not len(stamps.ms):
        raise MarketDataError(f"{path.name} holds no rows.", code="no_data", field="file", fix=KNOWN_TRADE_FORMS)
    _refuse_stamps(stamps, table.source)
    price, size = _amounts(table, "price"), _amounts(table, "size")
    side = _sides(table, "side", _SIDES) if table.has("side") else _sides(table, "buyer_maker", _FLAGS)
    _refuse_repeated(table)
    trades = Trades(stamps.ms, price, size, side)
    rows = np.unique(price, return_index=True)[1].astype(np.int64)
    ordered = in_order(trades)
    return TradeFile(
        name=path.name,
        claim=claim,
        trades=ordered,
        symbol=only_symbol(table) or claim.promised_symbol,
        span=_span(path, claim, ordered),
        sample=trades.take(rows),
        sample_rows=rows,
        unordered=ordered is not trades,
        units=stamps.units,
        source=table.source,
    )


def in_order(trades: Trades) -> Trades:
    """Return trades in the order of their times; the same object where they are."""
    stamps = trades.timestamp
    if bool((stamps[1:] >= stamps[:-1]).all()):
        return trades
    if stamps[0] > stamps[-1]:
        trades = trades.take(slice(None, None, -1))
    return trades.take(np.argsort(trades.timestamp, kind="stable"))


def _refuse_stamps(stamps: Stamps, source: Source) -> None:
    if stamps.zone is Zone.NAIVE:
        raise MarketDataError(
            f"{source.name}: the times have no zone.",
            code="naive_time",
            field="timestamp",
            fix="Write them with Z or an offset, or as milliseconds since 1970 UTC.",
        )
    units = stamps.units
    if len(units) > 1:
        row = int(np.argmax(stamps.unit != stamps.unit[0]))
        raise MarketDataError(
            f"{source.at(row, 'timestamp')}: times change from {units[0]} to {units[1]}.",
            code="time_unit_mixed",
            field="timestamp",
            value=units[1],
            fix="Write all times of a file in one unit.",
        )


def _amounts(table: Table, name: str) -> NDArray[np.float64]:
    values = table.floats(name)
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise MarketDataError(
            f"{table.source.at(row, table.names[name])}: {values[row]:g} is not the {name} of a trade.",
            code="bad_trade",
            field=name,
            value=float(values[row]),
            fix="Fetch the archive again; a trade has a positive price and size.",
        )
    return values


def _sides(table: Table, name: str, words: dict[str, int]) -> NDArray[np.int8]:
    """Return +1 where the buyer was the taker, -1 where the seller was, 0 where the file does not say."""
    column = table.columns[name]
    encoded = column.dictionary_encode()
    found = ["" if word is None else str(word).strip().lower() for word in encoded.dictionary.to_pylist()]
    codes = np.asarray(encoded.indices.fill_null(len(found)), dtype=np.int64)
    found.append("")  # the code of a missing value
    for code, word in enumerate(found):
        if word not in words and (codes == code).any():
            row = int(np.argmax(codes == code))
            raise MarketDataError(
                f"{table.source.at(row, table.names[name])}: {column[row].as_py()!r} does not say who the taker was.",
                code="bad_trade",
                field=name,
                value=word,
                fix="Write Buy or Sell for the taker's side." if name == "side" else "Write true or false.",
            )
    return np.array([words.get(word, 0) for word in found], dtype=np.int8)[codes]


def _refuse_repeated(table: Table) -> None:
    """Refuse a file in which a trade stands twice, where it numbers its trades."""
    import pyarrow.compute as pc

    if not table.has("id"):
        return
    column = table.columns["id"]
    if pc.count_distinct(column).as_py() == len(column) - column.null_count:
        return
    seen: set[Any] = set()
    for row, number in enumerate(column.to_pylist()):
        if number in seen:
            raise MarketDataError(
                f"{table.source.at(row, table.names['id'])}: trade {number} stands twice.",
                code="duplicate",
                field="id",
                value=str(number),
                fix="Fetch the archive again, and do not join files by hand.",
            )
        seen.add(number if number is not None else object())


def _span(path: Path, claim: FileClaim, trades: Trades) -> tuple[int, int]:
    first, last = int(trades.timestamp[0]), int(trades.timestamp[-1])
    if claim.from_ms is None or claim.to_ms is None:
        return first, last + 1
    if first < claim.from_ms or last >= claim.to_ms:
        # Taken at its word, it would delete stored trades of a day that it does not hold.
        raise MarketDataError(
            f"{path.name} holds trades from {format_time(first)} to {format_time(last)}, not only those of the time in "
            "its name.",
            code="outside_span",
            field="timestamp",
            value=first if first < claim.from_ms else last,
            fix="Fetch the archive again, or give the file a name without a date.",
        )
    return claim.from_ms, claim.to_ms
