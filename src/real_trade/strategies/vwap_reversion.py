"""Reversion to the day's volume-weighted mean price, with limit orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.kernels.indicators import session_vwap
from real_trade.trading import Bar, Bars, Desk, Float, Quantity, Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping


class QuoteState(NamedTuple):
    """Price and side of the limit order that rests; 0 where none does."""

    price: int = 0
    side: int = 0


class VwapReversion(Strategy):
    """Bid a distance below the day's volume-weighted mean price while flat, offer at that price while long; long only.

    The quote is moved only when the price wanted has moved by more than ``requote``.
    Source: Berkowitz, Logue and Noser (1988), Journal of Finance 43, for the price as the day's benchmark.
    """

    distance = Float(50.0, 0.0, 5000.0, "distance of the bid below the mean price, basis points")
    requote = Float(2.0, 0.0, 1000.0, "move of the price wanted that moves the quote, basis points")
    size = Quantity("0.01", "quantity held")
    State = QuoteState

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:  # noqa: ARG004 - the interface
        """Return the volume-weighted mean price since 00:00 UTC, in ticks."""
        return {"vwap": session_vwap(bars.time_ms, bars.high, bars.low, bars.close, bars.volume)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Keep one limit order near the price where the position should change."""
        if not x.vwap > 0.0:
            return state
        side = -1 if desk.position > 0 else 1
        price = int(x.vwap * (1.0 - p.distance * 1e-4)) if side > 0 else int(x.vwap) + 1
        if desk.open_orders > 0 and side == state.side and abs(price - state.price) <= p.requote * 1e-4 * price:
            return state
        desk.cancel_all()
        if side > 0:
            desk.buy_limit(p.size, price)
        else:
            desk.sell_limit(desk.position, price)
        return QuoteState(price, side)
