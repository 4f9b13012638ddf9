"""The orders that a Binance order list is made of, read from the parameters of its request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from real_trade.exchange.binance.calls import Call, choice, given
from real_trade.exchange.binance.refusals import Refusal, missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from real_trade.exchange.binance.spot_orders import Draft

# What one of two legs may be.
_LEGS: Final = ("STOP_LOSS_LIMIT", "STOP_LOSS", "LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
# What each parameter of a leg is called where the leg is an order by itself.
_LEG: Final = {
    "Type": "type",
    "Side": "side",
    "ClientOrderId": "newClientOrderId",
    "Price": "price",
    "Quantity": "quantity",
    "StopPrice": "stopPrice",
    "TrailingDelta": "trailingDelta",
    "TimeInForce": "timeInForce",
}
_OLD_LIMIT: Final = {"price": "price", "limitClientOrderId": "newClientOrderId"}
_OLD_STOP: Final = {
    "stopPrice": "stopPrice",
    "trailingDelta": "trailingDelta",
    "stopLimitPrice": "price",
    "stopLimitTimeInForce": "timeInForce",
    "stopClientOrderId": "newClientOrderId",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request for an order list asks for.

    Attributes:
        first: what is to be placed at once: one order, or two that exclude each other.
        then: what is placed once the first is filled.
    """

    first: tuple[Call, ...]
    then: tuple[Call, ...] = ()


def old_oco(call: Call) -> Wish:
    """Read two orders that exclude each other the way the older endpoint names them."""
    for name in ("price", "quantity"):
        if not given(call, name):
            raise missing(name)
    stop = "STOP_LOSS_LIMIT" if given(call, "stopLimitPrice") else "STOP_LOSS"
    if stop == "STOP_LOSS_LIMIT" and not given(call, "stopLimitTimeInForce"):
        raise missing("stopLimitTimeInForce")
    common = {name: call.params[name] for name in ("side", "quantity") if name in call.params}
    legs = (_leg(call, _OLD_STOP, type=stop, **common), _leg(call, _OLD_LIMIT, type="LIMIT_MAKER", **common))
    return Wish(legs)


def oco(call: Call) -> Wish:
    """Read two orders that exclude each other, one above the price and one below."""
    return Wish(_pair(call, "", call.params.get("side", "")))


def oto(call: Call) -> Wish:
    """Read an order, and one that is placed once it is filled."""
    return Wish((_working(call),), (_prefixed(call, "pending"),))


def otoco(call: Call) -> Wish:
    """Read an order, and two that are placed once it is filled and exclude each other."""
    side = call.params.get("pendingSide", "")
    return Wish((_working(call),), _pair(call, "pending", side))


def _working(call: Call) -> Call:
    choice(call, "workingType", ("LIMIT", "LIMIT_MAKER"))
    return _prefixed(call, "working")


def _pair(call: Call, prefix: str, side: str) -> tuple[Call, ...]:
    """Return the leg above the price and that below it, that which waits for a price first."""
    side_name, quantity_name = (f"{prefix}Side", f"{prefix}Quantity") if prefix else ("side", "quantity")
    choice(call, side_name, ("BUY", "SELL"))
    if not given(call, quantity_name):
        raise missing(quantity_name)
    common = {"side": side, "quantity": call.params[quantity_name]}
    names = [f"{prefix}{'Above' if prefix else 'above'}", f"{prefix}{'Below' if prefix else 'below'}"]
    for name in names:
        if not call.params.get(f"{name}Type"):
            raise missing(f"{name}Type")
        if call.params[f"{name}Type"] not in _LEGS:
            raise Refusal(-1158, "Order type not supported in OCO.")
    above, below = (_prefixed(call, name, **common) for name in names)
    _check_places(side, above.params["type"], below.params["type"])
    return (below, above) if above.params["type"] == "LIMIT_MAKER" else (above, below)


def _check_places(side: str, above: str, below: str) -> None:
    """Refuse two legs that could not exclude each other, or that are on the wrong side of the price."""
    if above == below == "LIMIT_MAKER":
        raise Refusal(-1168, "At least one OCO order must be contingent.")
    word, gains, stops = ("buy", below, above) if side == "BUY" else ("sell", above, below)
    wrong, right = ("above", "below") if side == "BUY" else ("below", "above")
    if stops == "LIMIT_MAKER":
        raise Refusal(-1165 if side == "BUY" else -1166, f"A limit order in a {word} OCO must be {right}.")
    if gains.startswith("STOP_LOSS"):
        raise Refusal(-1196 if side == "BUY" else -1197, f"A stop loss order in a {word} OCO must be {wrong}.")
    if stops.startswith("TAKE_PROFIT"):
        raise Refusal(-1198 if side == "BUY" else -1199, f"A take profit order in a {word} OCO must be {right}.")


def _prefixed(call: Call, prefix: str, **more: str) -> Call:
    return _leg(call, {f"{prefix}{part}": name for part, name in _LEG.items()}, **more)


def _leg(call: Call, names: dict[str, str], **more: str) -> Call:
    """Return a request for one order of the list."""
    shared = {name: call.params[name] for name in ("symbol", "selfTradePreventionMode") if name in call.params}
    own = {name: call.params[wire] for wire, name in names.items() if call.params.get(wire)}
    return replace(call, name="order", params={**shared, **own, **more})


def check_prices(drafts: Sequence[Draft], last: int) -> None:
    """Refuse two orders that exclude each other unless the last price is between them.

    Raises:
        Refusal: it is not.
    """
    for draft in drafts:
        trigger, sign = draft.request.trigger, draft.request.sign
        gains = draft.kind == "LIMIT_MAKER" or draft.kind.startswith("TAKE_PROFIT")
        ticks = draft.request.ticks if trigger is None else trigger.ticks or trigger.begins
        # What gains lies above the price for a seller, below it for a buyer; what stops, on the other side.
        above = (sign < 0) == gains
        if ticks and (ticks <= last if above else ticks >= last):
            raise Refusal(-2010, "The relationship of the prices for the orders is not correct.")
