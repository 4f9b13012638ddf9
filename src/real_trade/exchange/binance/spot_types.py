"""The types of orders at Binance's spot market: what each needs, and what it has no use for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from real_trade.exchange.binance.calls import given
from real_trade.exchange.binance.refusals import Refusal, missing

if TYPE_CHECKING:
    from real_trade.exchange.binance.calls import Call

TYPES: Final = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip
LIMITS: Final = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
CONDITIONAL: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "MARKET": (),
    "STOP_LOSS": ("quantity",),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price"),
    "TAKE_PROFIT": ("quantity",),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price"),
}
_UNWANTED: Final[dict[str, tuple[str, ...]]] = {
    "LIMIT": ("stopPrice",),
    "LIMIT_MAKER": ("timeInForce", "stopPrice"),
    "MARKET": ("price", "timeInForce", "stopPrice"),
    "STOP_LOSS": ("price", "timeInForce"),
    "STOP_LOSS_LIMIT": (),
    "TAKE_PROFIT": ("price", "timeInForce"),
    "TAKE_PROFIT_LIMIT": (),
}


def check_sent(call: Call, kind: str) -> None:
    """Refuse what a type of order lacks, or has no use for.

    Raises:
        Refusal: there is such a parameter.
    """
    for name in _NEEDS[kind]:
        if not given(call, name):
            raise missing(name)
    for name in _UNWANTED[kind]:
        if given(call, name):
            raise Refusal(-1106, f"Parameter '{name}' sent when not required.")
    if kind == "MARKET" and given(call, "quantity") == given(call, "quoteOrderQty"):
        if given(call, "quantity"):
            raise Refusal(-1128, "Combination of optional parameters invalid.")
        raise missing("quantity")
    if kind in CONDITIONAL and not given(call, "stopPrice") and not given(call, "trailingDelta"):
        raise Refusal(-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!")
