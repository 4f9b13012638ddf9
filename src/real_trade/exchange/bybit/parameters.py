"""Parameters as the rest may rely on them: text or truth values, whatever a client wrote."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.bybit.refusals import BAD_PARAMETER, Refusal, bad
from real_trade.exchange.core.orders import Price, SelfTrade
from real_trade.exchange.words import read_with_digits

if TYPE_CHECKING:
    from collections.abc import Mapping

# The one parameter that is a list of others.
_MANY: Final = "request"
_LONGEST: Final = 1_000
# Words for the price that sets a trigger off.
PRICES: Final = {"LastPrice": Price.LAST, "MarkPrice": Price.MARK, "IndexPrice": Price.INDEX}
# What an order asks for where it would meet another of its own account.
SELF_TRADES: Final = {
    "None": SelfTrade.NONE,
    "CancelMaker": SelfTrade.CANCEL_MAKER,
    "CancelTaker": SelfTrade.CANCEL_TAKER,
    "CancelBoth": SelfTrade.CANCEL_BOTH,
}


def read_parameters(body: bytes) -> dict[str, Any]:
    """Return the parameters of a body.

    Raises:
        Refusal: it is no JSON object, or a parameter is no text and no number.
    """
    found = read_with_digits(body or b"{}")
    if found is None:
        raise Refusal(BAD_PARAMETER, "params error: body is no JSON object")
    return plain_parameters(found)


def plain_parameters(given: dict[str, Any]) -> dict[str, Any]:
    """Return parameters with numbers as text, and without those that are null.

    Raises:
        Refusal: one is no text and no number.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if isinstance(value, bool) or (name == _MANY and isinstance(value, list)):
            found[name] = value
        elif isinstance(value, str | int | float):
            text = value if isinstance(value, str) else repr(value)
            if len(text) > _LONGEST and name != _MANY:
                raise bad(f"{name} invalid")
            found[name] = text
        else:
            raise bad(f"{name} invalid")
    return found


def category_of(params: Mapping[str, Any]) -> str:
    """Return the category.

    Raises:
        Refusal: none, or an unknown one.
    """
    category = params.get("category", "")
    if category not in {"spot", "linear", "inverse", "option"}:
        raise bad("Category is invalid") if category else bad("category is required")
    return str(category)


def number(params: Mapping[str, Any], name: str) -> Decimal:
    """Return a parameter as a number.

    Raises:
        Refusal: it is none.
    """
    text = params.get(name)
    if text is None or text == "":
        raise bad(f"{name} is required")
    try:
        value = Decimal(text if isinstance(text, str) else str(text))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value.adjusted() > 18 or isinstance(text, bool):
        raise bad(f"{name} invalid")
    return value


def given(params: Mapping[str, Any], name: str) -> bool:
    """Tell whether a parameter says anything."""
    return params.get(name) not in (None, "")


def sign_of(params: Mapping[str, Any]) -> int:
    """Return the sign of a side."""
    return 1 if choice(params, "side", ("Buy", "Sell")) == "Buy" else -1


def flag(params: Mapping[str, Any], name: str) -> bool:
    """Tell whether a parameter is true."""
    return str(params.get(name, "")).lower() == "true"


def choice(params: Mapping[str, Any], name: str, words: tuple[str, ...], default: str | None = None) -> str:
    """Return a parameter that is one of some words.

    Raises:
        Refusal: it is none of them, or missing without a default.
    """
    word = params.get(name)
    if word in (None, ""):
        if default is None:
            raise bad(f"{name} is required")
        return default
    if word not in words:
        raise bad(f"{name} invalid")
    return str(word)
