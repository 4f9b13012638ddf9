"""Maintenance-margin tiers: from a file, from the store, or from the table of major symbols."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from real_trade.data.brackets import Ladder, read_ladders
from real_trade.model.errors import InputError
from real_trade.model.instrument import Market
from real_trade.model.tiers import MarginTiers

if TYPE_CHECKING:
    from real_trade.storage.ports import TimeSeriesStore

_TABLE: Final = Path(__file__).with_name("tiers.json")
_ROW: Final = 3


def find_tiers(
    venue: str, market: Market, symbol: str, *, store: TimeSeriesStore | None = None, file: Path | None = None
) -> MarginTiers:
    """Return the tiers of an instrument. A file is asked first, then the store, then the table.

    Args:
        venue, market, symbol: the instrument.
        store: has what was downloaded.
        file: JSON, see `read_tiers_file`.

    Raises:
        InputError: the file is no such file, or nobody knows the symbol.
        StorageError: the store cannot be read.
    """
    symbol = symbol.upper()
    if file is not None:
        return read_tiers_file(file, symbol)
    stored = store.read_tiers(venue, market, symbol) if store is not None else None
    if stored is not None:
        return stored
    found = tier_table().get((venue, market, symbol))
    if found is None:
        known = sorted(name for place, kind, name in tier_table() if (place, kind) == (venue, market))
        raise InputError(
            f"The margin tiers of {symbol} on {venue} {market} are not known.",
            code="unknown_tiers",
            field="symbol",
            value=symbol,
            fix=("Download it, or give" if venue == "bybit" else "Give")
            + ' them in a file: {"tiers": [[cap, rate, largest leverage], ...]}, or the answer of the venue.'
            + (f" Known are {', '.join(known)}." if known else ""),
        )
    return found


def read_tiers_file(path: Path, symbol: str | None = None) -> MarginTiers:
    """Read tiers from JSON.

    Either an object with ``tiers``, rows of ``[cap, rate, largest leverage]``, and optionally ``as_of``; or what a
    venue answered: Bybit's ``/v5/market/risk-limit``, Binance's ``/fapi/v1/leverageBracket`` (which needs a key) or
    ``/dapi/v2/leverageBracket``. Caps are in the settlement currency.

    Args:
        path: the file.
        symbol: which one is wanted of a venue's answer; may be left out where it holds but one.

    Raises:
        InputError: not such a file, or without this symbol.
    """
    content = _content(path)
    if isinstance(content, dict) and not content.keys() & {"result", "brackets"}:
        return _tiers(path, content.get("tiers"), str(content.get("as_of", "")), path.name)
    try:
        ladders = read_ladders(content)
    except ValueError as error:
        raise _bad_file(path, str(error)) from None
    ladder = _chosen(path, ladders, symbol)
    return MarginTiers.of(ladder.rows, as_of=ladder.as_of, source=path.name)


def _chosen(path: Path, ladders: list[Ladder], symbol: str | None) -> Ladder:
    # Contracts of one pair share their tiers: BTCUSD_PERP has those of BTCUSD.
    names = {symbol, symbol.partition("_")[0]} if symbol else {ladder.symbol for ladder in ladders}
    chosen = [ladder for ladder in ladders if ladder.symbol in names]
    chosen.sort(key=lambda ladder: ladder.symbol != symbol)
    if symbol is None and len(chosen) > 1:
        raise _bad_file(path, f"it holds {len(chosen)} symbols, and none was named")
    if not chosen:
        held = ", ".join(ladder.symbol for ladder in ladders[:5])
        raise _bad_file(path, f"it does not hold {symbol or 'any symbol'}" + (f", but {held}" if held else ""))
    return chosen[0]


@cache
def tier_table() -> dict[tuple[str, Market, str], MarginTiers]:
    """Return the tiers that come with this package.

    Venues change theirs without notice, and the table knows one date each (``as_of``).
    """
    found: dict[tuple[str, Market, str], MarginTiers] = {}
    content: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
    for block in content["blocks"]:
        for symbol, rows in block["symbols"].items():
            found[block["venue"], Market(block["market"]), symbol] = _tiers(
                _TABLE, rows, block["as_of"], block["source"]
            )
    return found


def _content(path: Path) -> Any:
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
    except OSError as error:
        raise _bad_file(path, error.strerror or str(error)) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise _bad_file(path, f"it is not JSON ({error})") from None
    if not content or not isinstance(content, dict | list):
        raise _bad_file(path, "it is neither an object nor a list, or empty")
    return content


def _tiers(path: Path, rows: Any, as_of: str, source: str) -> MarginTiers:
    if not isinstance(rows, list) or not all(
        isinstance(row, list) and len(row) == _ROW and all(isinstance(item, Decimal) for item in row) for row in rows
    ):
        raise _bad_file(path, "tiers are not rows of three numbers")
    return MarginTiers.of([(row[0], row[1], row[2]) for row in rows], as_of=as_of, source=source)


def _bad_file(path: Path, reason: str) -> InputError:
    return InputError(
        f"The margin tiers in {path.name} cannot be read: {reason}.",
        code="bad_tiers",
        field="tiers",
        value=path.name,
        fix='Write {"tiers": [[cap, rate, largest leverage], ...]}, or save the answer of the venue.',
    )
