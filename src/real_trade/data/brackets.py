"""What the venues answer when they are asked for margin tiers, saved as a file."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from real_trade.model.clock import format_time

if TYPE_CHECKING:
    from collections.abc import Iterable

# Cap, maintenance rate, largest leverage.
TierRow = tuple[Decimal, Decimal, Decimal]
# Initial margin times leverage is 1 where rates are fractions, and 100 where they are percentages.
_BETWEEN_UNITS: Final = 10


@dataclass(frozen=True, slots=True)
class Ladder:
    """The tiers of one symbol as a venue states them.

    Attributes:
        symbol: the venue's spelling; Binance's older answer for inverse contracts has the pair in its place.
        rows: by rising caps.
        as_of: the day of the answer, empty where it does not say.
    """

    symbol: str
    rows: tuple[TierRow, ...]
    as_of: str


def bybit_row(cap: Decimal, maintenance: Decimal, initial: Decimal, leverage: Decimal) -> TierRow:
    """Return a tier of Bybit's risk limits; caps are in quote, and in the base coin on inverse contracts.

    Its rates are fractions, but percentages in the example of its documentation.
    """
    return cap, maintenance / 100 if initial * leverage > _BETWEEN_UNITS else maintenance, leverage


def day_of(time_ms: int) -> str:
    """Return the day of an answer, empty for 0."""
    return format_time(time_ms)[:10] if time_ms > 0 else ""


def read_ladders(content: Any) -> list[Ladder]:
    """Return the ladders in an answer: Bybit's /v5/market/risk-limit, or leverageBracket of Binance's /fapi or /dapi.

    Args:
        content: the parsed JSON.

    Raises:
        ValueError: it is none of them; the words say what is wrong.
    """
    try:
        if isinstance(content, dict) and "result" in content:
            return _bybit(content["result"]["list"], day_of(int(content.get("time", 0))))
        blocks = content if isinstance(content, list) else [content]
        return [_binance(block) for block in blocks]
    except KeyError as error:
        raise ValueError(f"{error.args[0]} is missing") from None
    except (TypeError, AttributeError):
        raise ValueError("it is no answer of a venue") from None
    except InvalidOperation:
        raise ValueError("an amount is not a number") from None


def _bybit(rows: Iterable[dict[str, Any]], as_of: str) -> list[Ladder]:
    found: dict[str, list[TierRow]] = {}
    for row in rows:
        leverage = _number(row["maxLeverage"])
        initial = _number(row.get("initialMargin", 0))
        tier = bybit_row(_number(row["riskLimitValue"]), _number(row["maintenanceMargin"]), initial, leverage)
        found.setdefault(str(row["symbol"]), []).append(tier)
    return [Ladder(symbol, tuple(sorted(tiers)), as_of) for symbol, tiers in found.items()]


def _binance(block: dict[str, Any]) -> Ladder:
    rows = [
        (
            _number(row["notionalCap"] if "notionalCap" in row else row["qtyCap"]),
            _number(row["maintMarginRatio"]),
            _number(row["initialLeverage"]),
        )
        for row in block["brackets"]
    ]
    return Ladder(str(block["symbol"] if "symbol" in block else block["pair"]), tuple(sorted(rows)), "")


def _number(value: object) -> Decimal:
    number = Decimal(str(value))
    if not number.is_finite():
        raise InvalidOperation
    return number
