"""Parameters of public requests, which are all text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.exchange.bybit.refusals import BAD_PARAMETER, Refusal
from real_trade.exchange.words import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

CATEGORIES: Final = ("spot", "linear", "inverse", "option")


def category_in(params: Mapping[str, str]) -> str:
    """Return the category.

    Raises:
        Refusal: there is no such.
    """
    category = params.get("category", "")
    if category not in CATEGORIES:
        raise Refusal(BAD_PARAMETER, "params error: Category is invalid")
    return category


def whole(params: Mapping[str, str], name: str) -> int | None:
    """Return a parameter as a whole number, None where it is absent or empty.

    Raises:
        Refusal: it is none.
    """
    text = params.get(name, "")
    if not text:
        return None
    value = whole_number(text)
    if value is None:
        raise Refusal(BAD_PARAMETER, f"params error: {name} is invalid")
    return value


def page_size(params: Mapping[str, str], default: int, most: int) -> int:
    """Return the page size; too large a wish is cut, as the venue does.

    Raises:
        Refusal: it is no number of rows.
    """
    limit = whole(params, "limit")
    if limit is not None and limit < 1:
        raise Refusal(BAD_PARAMETER, "params error: limit is invalid")
    return default if limit is None else min(limit, most)
