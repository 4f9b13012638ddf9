"""Moving-average cross, with market orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.kernels.rolling import rolling_mean
from real_trade.model.errors import InputError
from real_trade.trading import Bar, Bars, Choice, Desk, Int, Quantity, Strategy, refuse_on_spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.model.instrument import Instrument

LONG_SHORT = 1


class CrossState(NamedTuple):
    """Sign of fast mean minus slow mean on the bar before; not ready until both exist."""

    sign: int = 0
    ready: bool = False


class SmaCross(Strategy):
    """Buy when the fast mean of closes crosses above the slow one; go flat, or short, on the cross below.

    A cross is: on the one side now, at or on the other side on the bar before.
    Source: Donchian's 5/20 rule; Brock, Lakonishok and LeBaron (1992), Journal of Finance 47.
    """

    fast = Int(20, 1, 100_000, "bars in the fast mean")
    slow = Int(100, 2, 100_000, "bars in the slow mean")
    size = Quantity("0.01", "quantity held")
    mode = Choice(("long_flat", "long_short"), "what to be after a cross below")
    State = CrossState

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:
        """Return both means, in ticks."""
        return {"fast": rolling_mean(bars.close, p.fast), "slow": rolling_mean(bars.close, p.slow)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Trade the cross at the next open."""
        fast, slow = x.fast, x.slow
        if not (fast > 0.0 and slow > 0.0):
            return state
        sign = 1 if fast > slow else (-1 if fast < slow else 0)
        if state.ready and sign == state.sign:
            return state
        if state.ready and sign > 0 and desk.position <= 0:
            desk.target(p.size)
        elif state.ready and sign < 0:
            if p.mode == LONG_SHORT and desk.position >= 0:
                desk.target(-p.size)
            elif desk.position > 0:
                desk.target(0)
        return CrossState(sign, True)

    @staticmethod
    def check(p: Any, instrument: Instrument) -> None:
        """Refuse a fast mean that is not faster, and short positions on spot."""
        if p.fast >= p.slow:
            raise InputError(
                f"fast={p.fast} must be smaller than slow={p.slow}.",
                code="bad_parameter",
                field="fast",
                value=p.fast,
                fix="Choose fast < slow.",
            )
        if p.mode == LONG_SHORT:
            refuse_on_spot(instrument.market, "mode=long_short")
