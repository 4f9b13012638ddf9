"""Channel breakout, with stop orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.kernels.rolling import rolling_max, rolling_min
from real_trade.trading import Bar, Bars, Desk, Int, Quantity, Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping


class StopState(NamedTuple):
    """Price and side of the stop that rests; 0 where none does."""

    price: int = 0
    side: int = 0


class Breakout(Strategy):
    """Buy above the highest high of the last bars, sell below the lowest low of fewer bars; long only.

    The stop is moved when the channel moves.
    Source: Donchian channel; the Turtles' system 1 as told by Faith, "Way of the Turtle" (2007).
    """

    entry = Int(240, 2, 100_000, "bars in the entry channel")
    exit = Int(120, 2, 100_000, "bars in the exit channel")
    size = Quantity("0.01", "quantity held")
    State = StopState

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:
        """Return the two sides of the channel, in ticks."""
        return {"upper": rolling_max(bars.high, p.entry), "lower": rolling_min(bars.low, p.exit)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Keep one stop order at the side of the channel that would change the position."""
        if not (x.upper > 0.0 and x.lower > 0.0):
            return state
        side = -1 if desk.position > 0 else 1
        price = int(x.upper) + 1 if side > 0 else int(x.lower) - 1
        if desk.open_orders > 0 and side == state.side and price == state.price:
            return state
        desk.cancel_all()
        if side > 0:
            desk.buy_stop(p.size, price)
        else:
            desk.sell_stop(desk.position, price)
        return StopState(price, side)
