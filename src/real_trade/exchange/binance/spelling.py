"""How Binance spells what all markets have: prices, quantities, amounts, statuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from real_trade.exchange.core.contract import RATE_SCALE, UNIT, Contract, Kind
from real_trade.exchange.core.orders import Status, Why
from real_trade.exchange.words import plain

Row = dict[str, object]

_STATUSES: Final = {
    Status.UNTRIGGERED: "NEW",
    Status.TRIGGERED: "NEW",
    Status.NEW: "NEW",
    Status.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    Status.FILLED: "FILLED",
    Status.CANCELLED: "CANCELED",
    Status.DEACTIVATED: "CANCELED",
    Status.REJECTED: "EXPIRED",
}
# What ends without anybody having taken it back.
_EXPIRED: Final = frozenset({Why.NOT_FILLED, Why.WOULD_TAKE, Why.REDUCE_ONLY, Why.POSITION_CLOSED, Why.RIVAL})


def status_of(status: Status, why: Why | None) -> str:
    """Spell a status.

    >>> status_of(Status.CANCELLED, Why.NOT_FILLED)
    'EXPIRED'
    """
    if status in {Status.CANCELLED, Status.DEACTIVATED}:
        if why is Why.SELF_TRADE:
            return "EXPIRED_IN_MATCH"
        if why in _EXPIRED:
            return "EXPIRED"
    return _STATUSES[status]


def price(contract: Contract, ticks: int) -> str:
    """Spell a price: eight decimals on spot, those of the tick elsewhere."""
    value = ticks * contract.tick
    return f"{value:.8f}" if contract.kind is Kind.SPOT else f"{value:f}"


def quantity(contract: Contract, lots: int) -> str:
    """Spell a quantity: eight decimals on spot, those of the step elsewhere."""
    value = lots * contract.step
    return f"{value:.8f}" if contract.kind is Kind.SPOT else f"{value:f}"


def plain_rate(rate: int) -> str:
    """Spell a fee of 1e-9 with no more decimals than it needs.

    >>> plain_rate(360_000)
    '0.00036'
    """
    return plain(Decimal(rate) / RATE_SCALE)


def amount(units: int) -> str:
    """Spell units of a coin.

    >>> amount(150_000_000)
    '1.50000000'
    """
    return f"{units * UNIT:.8f}"


def side(sign: int) -> str:
    """Spell a side."""
    return "BUY" if sign > 0 else "SELL"


def position_side(which: int) -> str:
    """Spell which side of a hedged pair, or both together."""
    return {0: "BOTH", 1: "LONG", -1: "SHORT"}[which]


def mean(contract: Contract, lots: int, value: int, places: int | None = None) -> str:
    """Spell the mean price of lots of a value; zero where there are none."""
    if lots == 0 or value == 0:
        found = 0 * contract.tick
    elif contract.kind is Kind.INVERSE:
        found = lots * contract.step * contract.face / (value * UNIT)
    else:
        found = value * UNIT / (lots * contract.step * contract.face)
    return f"{found:.{places}f}" if places is not None else f"{found.quantize(contract.tick):f}"
