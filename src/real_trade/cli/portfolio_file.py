"""A portfolio in a TOML file: strategies, the symbols that each trades, and its share of the cash."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from real_trade.model.errors import InputError
from real_trade.utils.symbols import venue_symbol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from real_trade.backtest.portfolio import Allocation
    from real_trade.model.instrument import Market
    from real_trade.trading.strategy import Strategy

FLAG: Final = "--portfolio"
_EXAMPLE: Final = 'name = "sma_cross" and symbols = ["BTCUSDT"]'
# A portfolio is a page; what is bigger is another file named by mistake.
_LARGEST_BYTES: Final = 1_000_000
# What a table may hold: the kinds of its values, and how they are written.
_KEYS: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    "name": ((str,), "the name of a ready strategy, or FILE.py[:Class], in quotes"),
    "symbols": ((list,), 'a list of symbols, such as ["BTCUSDT"]'),
    "share": ((int, Decimal), "a number above 0 and up to 1"),
    "params": ((dict,), "a table, such as { fast = 20, slow = 100 }"),
}
_REQUIRED: Final = ("name", "symbols")


def read_portfolio(path: Path, venue: str, market: Market) -> list[Allocation]:
    """Return the allocations that a file names.

    Args:
        path: the file; strategy files in it are found from its folder.
        venue, market: decide how symbols are spelled.

    Raises:
        InputError: no such file, broken TOML, an unknown key, a value of a wrong kind, or a strategy that cannot be
            loaded.
    """
    document = _parsed(path)
    for key in document:
        _check_key(path, key, ("strategy",), key)
    tables = document.get("strategy")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise InputError(
            f"{path} has no [[strategy]] tables.",
            code="bad_portfolio",
            field=FLAG,
            value=str(path),
            fix=f"Write one for each strategy, with {_EXAMPLE}.",
        )
    return [_allocation(path, number, table, venue, market) for number, table in enumerate(tables, 1)]


def _parsed(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from None
    if len(data) > _LARGEST_BYTES:
        raise _unreadable(path, "it is too large to be a portfolio")
    try:
        return tomllib.loads(data.decode("utf-8"), parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:  # not TOML, not text, or a number beyond reason
        reason = str(error).removesuffix(".")
        line = re.search(r"line (\d+)", reason)
        place = f"line {line.group(1)}" if line else "its last line" if "end of document" in reason else None
        raise InputError(
            f"{path} is not TOML: {reason}.",
            code="bad_toml",
            field=FLAG,
            value=str(path),
            fix=f"Correct {place}." if place else "Name the file of a portfolio.",
        ) from None


def _allocation(path: Path, number: int, table: Mapping[str, Any], venue: str, market: Market) -> Allocation:
    from real_trade.backtest.portfolio import Allocation

    where = f"strategy[{number}]"
    for key, value in table.items():
        _check_key(path, key, tuple(_KEYS), f"{where}.{key}")
        kinds, wanted = _KEYS[key]
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise _wrong(path, f"{where}.{key}", value, wanted)
    for key in _REQUIRED:
        if key not in table:
            raise InputError(
                f"{path}: strategy {number} has no {key}.",
                code="bad_portfolio",
                field=f"{where}.{key}",
                fix=f"Give it {_EXAMPLE}.",
            )
    return Allocation(
        _strategy(path, table["name"], f"{where}.name"),
        _symbols(path, table["symbols"], venue, market, f"{where}.symbols"),
        _share(path, table.get("share"), f"{where}.share"),
        _params(path, table.get("params", {}), f"{where}.params"),
    )


def _strategy(path: Path, name: str, field: str) -> type[Strategy]:
    from real_trade.strategies.catalogue import READY
    from real_trade.trading.loading import load_strategy

    spec = name if name in READY or ".py" not in name else str(path.parent / name)
    try:
        return load_strategy(spec, READY)
    except InputError as error:
        # The flag --strategy, which the error would name, was not given.
        error.field = field if error.field == "strategy" else error.field
        raise


def _symbols(path: Path, words: Sequence[object], venue: str, market: Market, field: str) -> tuple[str, ...]:
    found = []
    for word in words:
        if not isinstance(word, str):
            raise _wrong(path, field, word, _KEYS["symbols"][1])
        found.append(venue_symbol(word, venue, market, field=field))
    return tuple(found)


def _share(path: Path, value: int | Decimal | None, field: str) -> Decimal | None:
    if value is None:
        return None
    share = Decimal(value)
    if not share.is_finite() or not 0 < share <= 1:
        raise _wrong(path, field, value, _KEYS["share"][1])
    return share


def _params(path: Path, table: Mapping[str, object], field: str) -> dict[str, object]:
    for name, value in table.items():
        if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
            raise _wrong(path, f"{field}.{name}", value, "a number or a word")
    # Parameters understand text; exact decimals stay as they were written.
    return {name: str(value) for name, value in table.items()}


def _check_key(path: Path, key: str, known: Sequence[str], field: str) -> None:
    if key in known:
        return
    near = get_close_matches(key, known, n=1)
    raise InputError(
        f"{path}: {field} is not known.",
        code="unknown_key",
        field=field,
        value=key,
        fix=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}.",
    )


def _unreadable(path: Path, reason: str) -> InputError:
    return InputError(
        f"Portfolio file {path} cannot be read: {reason}.",
        code="unreadable_portfolio",
        field=FLAG,
        value=str(path),
        fix="Check the path.",
    )


def _wrong(path: Path, field: str, value: object, wanted: str) -> InputError:
    return InputError(
        f"{path}: {field} is {value if isinstance(value, Decimal) else repr(value)}.",
        code="bad_portfolio",
        field=field,
        value=str(value),
        fix=f"Give {wanted}.",
    )
