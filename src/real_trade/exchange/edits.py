"""What faults change in a JSON document: fields and words that nobody has heard of, an order left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from real_trade.exchange.words import read_json

if TYPE_CHECKING:
    from collections.abc import Callable

# What venues call the status of an order, how much of it is filled, and prices of a ticker.
_STATUSES: Final = ("orderStatus", "status", "X")
_FILLED: Final = ("cumExecQty", "leavesQty", "executedQty", "z")
_PRICES: Final = (
    "lastPrice", "markPrice", "indexPrice", "bid1Price", "ask1Price", "price", "bidPrice", "askPrice", "c", "b", "a"
)  # fmt: skip


def _dicts(node: Any) -> list[dict[str, Any]]:
    """Return every object in a document, outer ones first."""
    if isinstance(node, dict):
        return [node, *(found for value in node.values() for found in _dicts(value))]
    if isinstance(node, list):
        return [found for value in node for found in _dicts(value)]
    return []


def unknown_field(document: Any) -> None:
    """Give every object one more field."""
    for each in _dicts(document):
        each["fieldOfTomorrow"] = {"version": 2}


def unknown_enum(document: Any) -> None:
    """Give every order a status that nobody has heard of."""
    for each in _dicts(document):
        for name in _STATUSES:
            if isinstance(each.get(name), str) and ("symbol" in each or "s" in each):
                each[name] = "StatusOfTomorrow"


def missing_field(document: Any) -> None:
    """Take from every order what says how much of it is filled."""
    for each in _dicts(document):
        if any(name in each for name in _STATUSES):
            for name in _FILLED:
                each.pop(name, None)


def zero_price(document: Any) -> None:
    """Let every price of a ticker be 0."""
    for each in _dicts(document):
        for name in _PRICES:
            if isinstance(each.get(name), str):
                each[name] = "0"


def missing_order(document: Any) -> None:
    """Take one order out of a list of them."""
    lists = [document] if isinstance(document, list) else []
    lists += [value for each in _dicts(document) for value in each.values() if isinstance(value, list)]
    for rows in lists:
        if rows and isinstance(rows[0], dict) and "orderId" in rows[0]:
            rows.pop(0)
            return


EDITS: Final[dict[str, Callable[[Any], None]]] = {
    "unknown_field": unknown_field,
    "unknown_enum": unknown_enum,
    "missing_order": missing_order,
    "missing_field": missing_field,
    "zero_price": zero_price,
    "stream_missing_field": missing_field,
    "stream_zero_price": zero_price,
    "stream_unknown_field": unknown_field,
    "stream_unknown_enum": unknown_enum,
}


def edited(body: bytes, edit: Callable[[Any], None]) -> bytes:
    """Return a JSON text with an edit; other texts as they are."""
    try:
        document = read_json(body)
    except ValueError:
        return body
    edit(document)
    return msgspec.json.encode(document)
