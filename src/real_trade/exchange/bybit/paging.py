"""Pages of rows, and the times that parameters ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from real_trade.exchange.bybit.refusals import BAD_PARAMETER, Refusal, bad
from real_trade.exchange.words import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.exchange.bybit.spelling import Row
    from real_trade.model import Instrument

_WEEK_MS: Final = 7 * 86_400_000


def window(params: Mapping[str, Any]) -> tuple[int, int]:
    """Return the times from and to which parameters ask.

    Raises:
        Refusal: they are none, or too far apart.
    """
    found = []
    for name in ("startTime", "endTime"):
        text = str(params.get(name) or "")
        value = whole_number(text) if text else None
        if text and value is None:
            raise bad(f"{name} invalid")
        found.append(value)
    start, end = found
    if start is not None and end is not None and (end < start or end - start > _WEEK_MS):
        raise Refusal(BAD_PARAMETER, "The time range between startTime and endTime cannot exceed 7 days.")
    if start is not None:
        return start, end if end is not None else start + _WEEK_MS
    return (0 if end is None else end - _WEEK_MS), (2**62 if end is None else end)


def within(at_ms: int, start: int, end: int) -> bool:
    """Tell whether a time is one of those asked for."""
    return start <= at_ms <= end


def fits(instrument: Instrument, category: str, params: Mapping[str, Any]) -> bool:
    """Tell whether an instrument has the category, and what else parameters name of it."""
    wanted = params.get("symbol"), params.get("baseCoin"), params.get("settleCoin")
    have = instrument.symbol, instrument.base, instrument.settle
    same = all(not want or want == has for want, has in zip(wanted, have, strict=True))
    return same and str(instrument.market) == category


def paged(category: str, rows: list[Row], params: Mapping[str, Any], default: int, most: int) -> dict[str, Any]:
    """Return a page of rows; the cursor is the number of the row that it begins at.

    Raises:
        Refusal: limit or cursor is none.
    """
    text = str(params.get("limit") or "")
    limit = whole_number(text) if text else default
    if limit is None or limit < 1:
        raise bad("limit invalid")
    cursor = str(params.get("cursor") or "").replace("%3A", ":")
    first = whole_number(cursor.rpartition(":")[2]) if cursor else 0
    if first is None or first < 0:
        raise bad("cursor invalid")
    last = first + min(limit, most)
    token = f"page%3A{last}" if last < len(rows) else ""
    return {"list": rows[first:last], "nextPageCursor": token, "category": category}
