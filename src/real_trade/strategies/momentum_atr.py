"""Momentum with a stop and a target measured in average true ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.kernels.indicators import average_true_range, momentum
from real_trade.trading import Bar, Bars, Choice, Desk, Float, Int, Quantity, Strategy, refuse_on_spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.model.instrument import Instrument

LONG_SHORT = 1


class TradeState(NamedTuple):
    """The trade that was asked for.

    Attributes:
        signal: sign of the momentum signal on the bar before.
        side: 1 long, -1 short, 0 none, or to be closed.
        range_ticks: average true range when it was asked for.
        guarded: signed lots that the resting stop and target close.
    """

    signal: int = 0
    side: int = 0
    range_ticks: float = 0.0
    guarded: int = 0


class MomentumAtr(Strategy):
    """Follow a move of several average true ranges; leave at a stop or a target, measured in the same unit.

    Once the entry has filled, a stop and a limit order guard it, from the bar after the entry on; when one has filled,
    the other is taken back. A bar that fills both turns the position, which is then closed at once.
    Source: Jegadeesh and Titman (1993), Journal of Finance 48, for momentum; Wilder, "New Concepts in Technical Trading
    Systems" (1978), for the unit.
    """

    lookback = Int(60, 1, 100_000, "bars over which the move is measured")
    length = Int(60, 2, 10_000, "bars in the average true range")
    threshold = Float(6.0, 0.0, 1000.0, "move that is followed, average true ranges")
    stop = Float(4.0, 0.1, 1000.0, "distance of the stop from the entry, average true ranges")
    goal = Float(8.0, 0.1, 1000.0, "distance of the target from the entry, average true ranges")
    size = Quantity("0.01", "quantity held")
    mode = Choice(("long_flat", "long_short"), "whether falls are followed too")
    State = TradeState

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:
        """Return the move and the average true range, in ticks."""
        return {
            "move": momentum(bars.close, p.lookback),
            "range": average_true_range(bars.high, bars.low, bars.close, p.length),
        }

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        """Enter on a new signal, guard what was entered, and take back what guards nothing."""
        edge = p.threshold * x.range
        signal = 1 if x.move > edge else (-1 if x.move < -edge else 0)
        side = state.side
        if desk.position == 0:
            if desk.open_orders > 0:
                desk.cancel_all()
            if signal != state.signal and (signal > 0 or (signal < 0 and p.mode == LONG_SHORT)):
                desk.target(signal * p.size)
                return TradeState(signal, signal, x.range, 0)
            return TradeState(signal, 0, 0.0, 0)
        if desk.position == state.guarded:
            return TradeState(signal, side, state.range_ticks, state.guarded)
        desk.cancel_all()
        stop = int(desk.entry_price - side * p.stop * state.range_ticks)
        goal = int(desk.entry_price + side * p.goal * state.range_ticks)
        if side * desk.position <= 0 or side * (bar.close - stop) <= 0:
            desk.target(0)
            return TradeState(signal, 0, 0.0, 0)
        if side > 0:
            desk.sell_stop(desk.position, stop)
            desk.sell_limit(desk.position, goal)
        else:
            desk.buy_stop(-desk.position, stop)
            desk.buy_limit(-desk.position, goal)
        return TradeState(signal, side, state.range_ticks, desk.position)

    @staticmethod
    def check(p: Any, instrument: Instrument) -> None:
        """Refuse short positions on spot."""
        if p.mode == LONG_SHORT:
            refuse_on_spot(instrument.market, "mode=long_short")
