"""Maintenance-margin tiers as one small JSON file per venue and market, beside the instruments; decimal text."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from real_trade.model.errors import InputError
from real_trade.model.tiers import MarginTiers
from real_trade.storage.files import replace_file
from real_trade.storage.partition import unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from real_trade.model.instrument import Market


def tiers_path(folder: Path, market: Market) -> Path:
    """Return where the tiers of a market lie; ``folder`` is that of the venue's instruments."""
    return folder / f"{market}-tiers.json"


def update_tiers(path: Path, symbol: str, tiers: MarginTiers) -> None:
    """Put the tiers of one symbol among those stored; the caller holds the folder's lock.

    Raises:
        StorageError: the file is damaged or cannot be written.
    """
    table = _read_table(path)
    rows = [[str(tier.cap), str(tier.rate), str(tier.max_leverage)] for tier in tiers.tiers]
    table[symbol] = {"as_of": tiers.as_of, "source": tiers.source, "tiers": rows}
    content = json.dumps({"version": 1, "symbols": dict(sorted(table.items()))}, indent=1)
    replace_file(path, content.encode())


def find_tiers(path: Path, symbol: str) -> MarginTiers | None:
    """Return the stored tiers of one symbol, or None.

    Raises:
        StorageError: the file is damaged.
    """
    block = _read_table(path).get(symbol)
    if block is None:
        return None
    try:
        rows = [(Decimal(cap), Decimal(rate), Decimal(leverage)) for cap, rate, leverage in block["tiers"]]
        return MarginTiers.of(rows, as_of=block["as_of"], source=block["source"])
    except (InputError, InvalidOperation, KeyError, TypeError, ValueError) as error:
        raise unreadable(path, f"{symbol}: {error!r}") from error


def _read_table(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
        table: dict[str, Any] = dict(document["symbols"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unreadable(path, error) from error
    return table
