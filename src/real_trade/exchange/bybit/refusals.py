"""What Bybit says when it does not do what it was asked."""

from __future__ import annotations

from typing import Final

from real_trade.exchange.core.contract import Kind
from real_trade.exchange.core.orders import Why

BAD_PARAMETER: Final = 10001
TOO_MANY: Final = 10006


class Refusal(Exception):
    """A request that gets a code instead of a result."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class TooFast(Refusal):
    """A request beyond the account's pace."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(TOO_MANY, "Too many visits. Exceeded the API Rate Limit.")
        self.headers = headers


def bad(message: str) -> Refusal:
    """Return the refusal of a parameter."""
    return Refusal(BAD_PARAMETER, f"params error: {message}")


# Why the core refused -> code and text: of contracts, and of spot.
_OF_CONTRACTS: Final[dict[Why, tuple[int, str]]] = {
    Why.UNKNOWN_ORDER: (110001, "order not exists or too late to cancel"),
    Why.DUPLICATE_LINK: (110072, "OrderLinkedID is duplicate"),
    Why.TOO_SMALL: (10001, "The number of contracts exceeds minimum limit allowed"),
    Why.TOO_LARGE: (10001, "The number of contracts exceeds maximum limit allowed"),
    Why.BAD_PRICE: (110003, "Order price exceeds the allowable range."),
    Why.LOW_VALUE: (110094, "Order does not meet minimum order value 5USDT"),
    Why.NO_FUNDS: (110007, "ab not enough for new order"),
    Why.REDUCE_ONLY: (110017, "current position is zero, cannot fix reduce-only order qty"),
    Why.TRIGGER_SIDE: (110092, "expect Rising, but trigger_price is not above the current price"),
    Why.NO_TRIGGER: (10001, "The order has no trigger price"),
    Why.BAD_SIDE: (10001, "position idx not match position mode"),
    Why.NO_CHANGE: (10001, "order not modified"),
    Why.LEVERAGE: (110013, "cannot set leverage gt maxLeverage by risk limit"),
    Why.HAS_POSITION: (110024, "You have an existing position, so the position mode cannot be switched"),
    Why.HAS_ORDERS: (110028, "You have open orders, so the position mode cannot be switched"),
    Why.RISK_LIMIT: (110090, "Position will exceed the risk limit of the current leverage"),
}
_OF_SPOT: Final[dict[Why, tuple[int, str]]] = {
    Why.UNKNOWN_ORDER: (170213, "Order does not exist."),
    Why.DUPLICATE_LINK: (170141, "Duplicate clientOrderId"),
    Why.TOO_SMALL: (170136, "Order quantity is lower than the minimum."),
    Why.TOO_LARGE: (170135, "Order quantity exceeds the maximum."),
    Why.BAD_PRICE: (170133, "Order price is lower than the minimum."),
    Why.LOW_VALUE: (170140, "Order value exceeded lower limit."),
    Why.NO_FUNDS: (170131, "Insufficient balance."),
    Why.TRIGGER_SIDE: (170193, "Trigger price is on the wrong side of the market."),
}


def refusal_of(why: Why, kind: Kind) -> Refusal:
    """Return what the venue says to the core's reason."""
    table = _OF_SPOT if kind is Kind.SPOT and why in _OF_SPOT else _OF_CONTRACTS
    return Refusal(*table[why])
