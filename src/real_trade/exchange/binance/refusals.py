"""What Binance says when it does not do what it was asked."""

from __future__ import annotations

from typing import Any, Final

from real_trade.exchange.core.orders import Why
from real_trade.model import Market

MISSING: Final = -1102
NO_SUCH_ORDER: Final = -2013
TOO_MANY_ORDERS: Final = -1015


class Refusal(Exception):
    """A request that gets a code instead of a result.

    Args:
        code, message: the venue's.
        status: of the HTTP answer.
        data: what else the answer carries.
    """

    def __init__(self, code: int, message: str, status: int = 400, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.data = code, message, status, data


def missing(name: str) -> Refusal:
    """Return the refusal of a request that lacks a parameter."""
    return Refusal(MISSING, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, legal: str) -> Refusal:
    """Return the refusal of a parameter with characters that do not belong there."""
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def filtered(name: str) -> Refusal:
    """Return the refusal of an order that a filter does not let pass."""
    return Refusal(-1013, f"Filter failure: {name}")


# Why the core refused -> code and text: of spot, and of futures.
_OF_SPOT: Final[dict[Why, tuple[int, str]]] = {
    Why.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Why.DUPLICATE_LINK: (-2010, "Duplicate order sent."),
    Why.TOO_SMALL: (-1013, "Filter failure: LOT_SIZE"),
    Why.TOO_LARGE: (-1013, "Filter failure: LOT_SIZE"),
    Why.BAD_PRICE: (-1013, "Filter failure: PRICE_FILTER"),
    Why.LOW_VALUE: (-1013, "Filter failure: NOTIONAL"),
    Why.NO_FUNDS: (-2010, "Account has insufficient balance for requested action."),
    Why.TRIGGER_SIDE: (-2010, "Order would trigger immediately."),
    Why.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    Why.NO_CHANGE: (-2038, "The requested action would change no state; rejecting."),
}
_UNRECORDED: Final = "rejected. The order will not be recorded in the order history"
_OF_FUTURES: Final[dict[Why, tuple[int, str]]] = {
    Why.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Why.DUPLICATE_LINK: (-4116, "ClientOrderId is duplicated."),
    Why.TOO_SMALL: (-4003, "Quantity less than or equal to zero."),
    Why.TOO_LARGE: (-4005, "Quantity greater than max quantity."),
    Why.BAD_PRICE: (-4001, "Price less than 0."),
    Why.LOW_VALUE: (-4164, "Order's notional must be no smaller than %s (unless you choose reduce only)."),
    Why.NO_FUNDS: (-2019, "Margin is insufficient."),
    Why.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
    Why.TRIGGER_SIDE: (-2021, "Order would immediately trigger."),
    Why.BAD_SIDE: (-4061, "Order's position side does not match user's setting."),
    Why.NO_CHANGE: (-5027, "No need to modify the order."),
    Why.LEVERAGE: (-4028, "Invalid leverage"),
    Why.RISK_LIMIT: (-2027, "Exceeded the maximum allowable position at current leverage."),
    Why.HAS_POSITION: (-4068, "Position side cannot be changed if there exists position."),
    Why.HAS_ORDERS: (-4067, "Position side cannot be changed if there exists open orders."),
    Why.WOULD_TAKE: (
        -5022,
        f"Due to the order could not be executed as maker, the Post Only order will be {_UNRECORDED}",
    ),
    Why.NOT_FILLED: (-5021, f"Due to the order could not be filled immediately, the FOK order has been {_UNRECORDED}"),
}


def refusal_of(why: Why, market: Market, least: str = "0") -> Refusal:
    """Return what the venue says to the core's reason; it tells the least notional of the instrument."""
    code, message = (_OF_SPOT if market is Market.SPOT else _OF_FUTURES)[why]
    return Refusal(code, message.replace("%s", least))
