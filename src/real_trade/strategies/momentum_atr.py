"""Momentum with a stop and a target measured in average true ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.kernels.indicators import average_true_range, momentum
from real_trade.trading import Bar, Bars, Choice, Desk, Float, Int, Quantity, Strategy, refuse_on_spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.model.instrument import Instrument

LONG_SHORT = 1


class SignalState(NamedTuple):
    """Sign of the momentum signal on the bar before."""

    signal: int = 0


class MomentumAtr(Strategy):
    """Follow a move of several average true ranges; leave at a stop or a target, measured in the same unit.

    Both exits are attached to the entry, at distances from the close on which it was decided: they come to life when it
    fills, and the first that fills ends the other.
    Source: Jegadeesh and Titman (1993), Journal of Finance 48, for momentum; Wilder, "New Concepts in Technical Trading
    Systems" (1978), for the unit.
    """

    lookback = Int(60, 1, 100_000, "bars over which the move is measured")
    length = Int(60, 2, 10_000, "bars in the average true range")
    threshold = Float(6.0, 0.0, 1000.0, "move that is followed, average true ranges")
    stop = Float(4.0, 0.1, 1000.0, "distance of the stop from the close decided on, average true ranges")
    goal = Float(8.0, 0.1, 1000.0, "distance of the target from the close decided on, average true ranges")
    size = Quantity("0.01", "quantity held")
    mode = Choice(("long_flat", "long_short"), "whether falls are followed too")
    State = SignalState

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:
        """Return the move and the average true range, in ticks."""
        return {
            "move": momentum(bars.close, p.lookback),
            "range": average_true_range(bars.high, bars.low, bars.close, p.length),
        }

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        """Enter on a new signal while nothing is held, together with the exits."""
        edge = p.threshold * x.range
        signal = 1 if x.move > edge else (-1 if x.move < -edge else 0)
        is_new = signal != state.signal and (signal > 0 or (signal < 0 and p.mode == LONG_SHORT))
        if is_new and desk.position == 0:
            # An earlier entry may still wait for volume.
            desk.cancel_all()
            entry = desk.buy(p.size) if signal > 0 else desk.sell(p.size)
            desk.attach_stop(entry, int(bar.close - signal * p.stop * x.range))
            desk.attach_target(entry, int(bar.close + signal * p.goal * x.range))
        return SignalState(signal)

    @staticmethod
    def check(p: Any, instrument: Instrument) -> None:
        """Refuse short positions on spot."""
        if p.mode == LONG_SHORT:
            refuse_on_spot(instrument.market, "mode=long_short")
