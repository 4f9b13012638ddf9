"""Trades and parameters between the caller's words and the rows of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from real_trade.model.clock import parse_time
from real_trade.model.errors import InputError
from real_trade.model.instrument import Market
from real_trade.model.order import Side

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_LARGEST_EXPONENT: Final = 60
_DECIMAL_KEY: Final = "$decimal"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a trade.

    Attributes:
        read: (value, field name) -> what the table stores; raises InputError.
        required: it must be given.
        default: stored where it is not given.
    """

    read: Callable[[object, str], object]
    required: bool = True
    default: object = None


def trade_to_row(trade: Mapping[str, object]) -> dict[str, object]:
    """Return a trade as a table row.

    Raises:
        InputError: a field is unknown, missing, or not what it should be.
    """
    for name in trade:
        if name not in TRADE_FIELDS:
            near = get_close_matches(str(name), TRADE_FIELDS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Use {', '.join(TRADE_FIELDS)}."
            raise InputError(f"A trade has no field {name!r}.", field=str(name), value=trade[name], fix=hint)
    row: dict[str, object] = {}
    for name, item in TRADE_FIELDS.items():
        value = trade.get(name)
        if value is not None:
            row[name] = item.read(value, name)
        elif item.required:
            raise InputError(f"A trade needs {name}.", code="missing_field", field=name, fix=f"Give {name}.")
        else:
            row[name] = item.default
    return row


def row_to_trade(row: Mapping[str, Any]) -> dict[str, object]:
    """Return a table row as a trade: amounts as Decimal, ``extra`` as a dict, ``id`` the row number."""
    trade = dict(row)
    for name in ("price", "quantity", "fee"):
        trade[name] = Decimal(trade[name])
    trade["extra"] = from_json(trade["extra"])
    return trade


def to_json(value: object, field: str) -> str:
    """Return a mapping as JSON text; Decimals inside stay exact.

    Raises:
        InputError: it is no mapping, or holds what JSON cannot.
    """
    if not isinstance(value, Mapping):
        raise InputError(f"{field} must map names to values.", field=field, value=value, fix="Give a dict.")
    try:
        return json.dumps(dict(value), default=_encode, allow_nan=False, sort_keys=True, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{field} cannot be stored: {error}.",
            field=field,
            value=str(value),
            fix="Use text, finite numbers, Decimals, true, false, None, lists and dicts with text keys.",
        ) from error


def from_json(text: str) -> dict[str, object]:
    """Return what `to_json` wrote."""
    document: dict[str, object] = json.loads(text, object_hook=_decode)
    return document


def checked_text(longest: int) -> Callable[[object, str], object]:
    """Return a reader of text (or a whole number, as some venues number their trades) up to ``longest`` characters."""

    def read(value: object, field: str) -> object:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InputError(f"{field} must be text.", field=field, value=value, fix="Give it as text.")
        text = str(value)
        if not text.strip() or len(text) > longest:
            raise InputError(
                f"{field} must have 1 to {longest} characters.", field=field, value=text, fix="Check the value."
            )
        return text

    return read


def _amount(value: object, field: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise InputError(
            f"{field} must be an exact number, not {type(value).__name__}.",
            field=field,
            value=value,
            fix='Give text such as "0.01", a Decimal or a whole number.',
        )
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or abs(amount.adjusted()) > _LARGEST_EXPONENT or len(f"{amount:f}") > 100:
        raise InputError(f"{field} {value!r} is not a number that can be stored.", field=field, value=str(value))
    return f"{amount:f}"


def _quantity(value: object, field: str) -> str:
    amount = _amount(value, field)
    if Decimal(amount) <= 0:
        raise InputError(f"{field} must be positive.", field=field, value=amount, fix="The side gives the direction.")
    return amount


def _side(value: object, field: str) -> str:
    word = value.name.lower() if isinstance(value, Side) else str(value).strip().lower()
    if word not in {"buy", "sell"}:
        raise InputError(f"{field} {value!r} is no side.", field=field, value=str(value), fix="Use buy or sell.")
    return word


def _market(value: object, _field: str) -> str:
    return str(Market.parse(str(value)))


def _time(value: str | int | datetime, field: str) -> int:
    return parse_time(value, field=field)


def _encode(value: object) -> dict[str, str]:
    if isinstance(value, Decimal) and value.is_finite():
        return {_DECIMAL_KEY: str(value)}
    raise TypeError(f"{value!r} is not JSON")


def _decode(document: dict[str, Any]) -> object:
    if document.keys() == {_DECIMAL_KEY}:
        return Decimal(document[_DECIMAL_KEY])
    return document


TRADE_FIELDS: Final[dict[str, Field]] = {
    "trade_id": Field(checked_text(128)),
    "venue": Field(checked_text(32)),
    "market": Field(_market),
    "symbol": Field(checked_text(64)),
    "side": Field(_side),
    "price": Field(_amount),
    "quantity": Field(_quantity),
    "fee": Field(_amount, required=False, default="0"),
    "fee_currency": Field(checked_text(64), required=False),
    "time_ms": Field(_time),  # type: ignore[arg-type]
    "order_id": Field(checked_text(128), required=False),
    "strategy_id": Field(checked_text(128), required=False),
    "extra": Field(to_json, required=False, default="{}"),
}
