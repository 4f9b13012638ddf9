"""Parameters as the rest may rely on them: text or truth values, whatever a client wrote."""

from __future__ import annotations

from typing import Any, Final

from real_trade.exchange.bybit.refusals import BAD_PARAMETER, Refusal, bad
from real_trade.exchange.words import read_json

# The one parameter that is a list of others.
_MANY: Final = "request"
_LONGEST: Final = 1_000


def read_parameters(body: bytes) -> dict[str, Any]:
    """Return the parameters of a body.

    Raises:
        Refusal: it is no JSON object, or a parameter is no text and no number.
    """
    try:
        found = read_json(body or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
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
