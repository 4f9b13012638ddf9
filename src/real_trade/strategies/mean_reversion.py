"""Reversion to the mean, with limit orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.kernels.rolling import rolling_mean
from real_trade.trading import Bar, Bars, Desk, Float, Int, Quantity, Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping


class QuoteState(NamedTuple):
    """Price and side of the limit order that rests; 0 where none does."""

    price: int = 0
    side: int = 0


class MeanReversion(Strategy):
    """Bid a distance below the mean of closes while flat, offer at the mean while long.

    The quote follows the mean from bar to bar.
    Source: Poterba and Summers (1988), Journal of Financial Economics 22, for mean reversion in prices.
    """

    window = Int(60, 2, 100_000, "bars in the mean")
    distance = Float(30.0, 0.0, 5000.0, "distance of the bid below the mean, basis points")
    size = Quantity("0.01", "quantity held")
    State = QuoteState

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:
        """Return the mean, in ticks."""
        return {"mean": rolling_mean(bars.close, p.window)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Keep one limit order at the price where the position should change."""
        if not x.mean > 0.0:
            return state
        side = -1 if desk.position > 0 else 1
        price = int(x.mean * (1.0 - p.distance * 1e-4)) if side > 0 else int(x.mean) + 1
        if desk.open_orders > 0 and side == state.side and price == state.price:
            return state
        desk.cancel_all()
        if side > 0:
            desk.buy_limit(p.size, price)
        else:
            desk.sell_limit(desk.position, price)
        return QuoteState(price, side)
