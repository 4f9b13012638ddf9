"""Numbers as the venues write and read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from decimal import Decimal


def plain(value: Decimal | float, decimals: int | None = None) -> str:
    """Return a number without exponent: cut to its own digits (eight at most), or with so many decimals.

    >>> from decimal import Decimal
    >>> plain(Decimal("0.10")), plain(1e-05), plain(Decimal(5), 2)
    ('0.1', '0.00001', '5.00')
    """
    if decimals is not None:
        return f"{value:.{decimals}f}"
    text = f"{value:.8f}" if isinstance(value, float) else f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def whole_number(text: str) -> int | None:
    """Return the whole number that a text spells, None if it spells none that fits 64 bits."""
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        return None
    return int(text)


def read_json(text: str | bytes) -> Any:
    """Return what a JSON text says.

    Raises:
        ValueError: it is none, or nested deeper than anybody would.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def read_object(text: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object that a text says, None if it says none."""
    try:
        found = read_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


# A number with a fraction stays the text it was: what is signed and what is traded is that text.
_with_digits = msgspec.json.Decoder(float_hook=str)


def read_with_digits(text: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object that a text says, as `read_object` does; numbers with a fraction come as their text.

    >>> read_with_digits('{"qty": 0.00001}')
    {'qty': '0.00001'}
    """
    try:
        found = _with_digits.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None
