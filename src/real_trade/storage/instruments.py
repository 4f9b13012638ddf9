"""Instrument facts as one small JSON file per venue and market; amounts are decimal text."""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, get_type_hints

from real_trade.model.errors import InputError
from real_trade.model.instrument import Instrument, Market
from real_trade.storage.files import replace_file
from real_trade.storage.layout import segment
from real_trade.storage.partition import unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def instruments_folder(root: Path, venue: str) -> Path:
    """Return the folder of a venue's instruments."""
    return root / "instruments" / segment(venue, "venue")


def update_instruments(folder: Path, instruments: Sequence[Instrument]) -> None:
    """Put instruments of one venue among those stored; the caller holds the folder's lock.

    Raises:
        StorageError: a file is damaged or cannot be written.
    """
    for market in sorted({instrument.market for instrument in instruments}):
        path = folder / f"{market}.json"
        table = _read_table(path)
        table.update({i.symbol: _to_row(i) for i in instruments if i.market is market})
        content = json.dumps({"version": 1, "instruments": dict(sorted(table.items()))}, indent=1)
        replace_file(path, content.encode())


def find_instrument(folder: Path, market: Market, symbol: str) -> Instrument | None:
    """Return one stored instrument, or None.

    Raises:
        StorageError: the file is damaged.
    """
    path = folder / f"{market}.json"
    row = _read_table(path).get(symbol)
    if row is None:
        return None
    try:
        return _from_row(row)
    except (InputError, InvalidOperation, KeyError, TypeError, ValueError) as error:
        raise unreadable(path, f"{symbol}: {error!r}") from error


def _to_row(instrument: Instrument) -> dict[str, object]:
    row: dict[str, object] = {}
    for item in fields(instrument):
        value = getattr(instrument, item.name)
        row[item.name] = str(value) if isinstance(value, Decimal | Market) else value
    return row


def _from_row(row: dict[str, Any]) -> Instrument:
    kinds = get_type_hints(Instrument)
    values = {name: kinds[name](value) if kinds[name] in {Decimal, Market} else value for name, value in row.items()}
    return Instrument(**values)


def _read_table(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
        table: dict[str, Any] = dict(document["instruments"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unreadable(path, error) from error
    return table
