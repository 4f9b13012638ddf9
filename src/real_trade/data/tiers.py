"""Maintenance-margin tiers: from a file, or from the table of major symbols."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from real_trade.model.errors import InputError
from real_trade.model.instrument import Market
from real_trade.model.tiers import MarginTiers

_TABLE: Final = Path(__file__).with_name("tiers.json")
_ROW: Final = 3


def find_tiers(venue: str, market: Market, symbol: str, *, file: Path | None = None) -> MarginTiers:
    """Return the tiers of an instrument.

    Args:
        venue, market, symbol: the instrument.
        file: JSON, an object with ``tiers``: rows of ``[cap, rate, largest leverage]``, and optionally ``as_of``.

    Raises:
        InputError: the file is no such file, or nobody knows the symbol.
    """
    if file is not None:
        return read_tiers_file(file)
    symbol = symbol.upper()
    found = tier_table().get((venue, market, symbol))
    if found is None:
        known = sorted(name for place, kind, name in tier_table() if (place, kind) == (venue, market))
        raise InputError(
            f"The margin tiers of {symbol} on {venue} {market} are not known.",
            code="unknown_tiers",
            field="symbol",
            value=symbol,
            fix='Give them in a file: {"tiers": [[cap, rate, largest leverage], ...]}.'
            + (f" Known are {', '.join(known)}." if known else ""),
        )
    return found


def read_tiers_file(path: Path) -> MarginTiers:
    """Read tiers from JSON; see `find_tiers`.

    Raises:
        InputError: not such a file.
    """
    content = _content(path)
    return _tiers(path, content.get("tiers"), str(content.get("as_of", "")), path.name)


@cache
def tier_table() -> dict[tuple[str, Market, str], MarginTiers]:
    """Return the tiers that come with this package.

    Venues change theirs without notice, and the table knows one date each (``as_of``).
    """
    found: dict[tuple[str, Market, str], MarginTiers] = {}
    for block in _content(_TABLE)["blocks"]:
        for symbol, rows in block["symbols"].items():
            found[block["venue"], Market(block["market"]), symbol] = _tiers(
                _TABLE, rows, block["as_of"], block["source"]
            )
    return found


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
    except OSError as error:
        raise _bad_file(path, error.strerror or str(error)) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise _bad_file(path, f"it is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise _bad_file(path, "it is not one JSON object")
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
        fix='Write {"tiers": [[cap, rate, largest leverage], ...]}.',
    )
