"""Trend following with a position scaled by volatility, with market orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.kernels.indicators import exponential_mean, realised_volatility
from real_trade.model.errors import InputError
from real_trade.trading import Bar, Bars, Choice, Desk, Float, Int, Quantity, Strategy, refuse_on_spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.model.instrument import Instrument

LONG_SHORT = 1


class SizeState(NamedTuple):
    """Position last asked for, signed lots."""

    asked: int = 0


class VolatilityTrend(Strategy):
    """Hold the side of the faster exponential mean, the more the calmer the market, so that risk stays level.

    The position is ``size`` where one bar's volatility equals ``risk``, twice that where it is half of it, and so on up
    to ``most``. It is changed when the trend turns, or when the wanted one differs by more than ``band``.
    Source: Moskowitz, Ooi and Pedersen (2012), Journal of Financial Economics 104.
    """

    fast = Int(60, 1, 100_000, "bars in the fast mean")
    slow = Int(240, 2, 100_000, "bars in the slow mean")
    window = Int(240, 2, 100_000, "bars in the volatility")
    risk = Float(5.0, 0.01, 1000.0, "volatility of one bar at which size is held, basis points")
    most = Float(2.0, 0.1, 100.0, "largest position, in sizes")
    band = Float(0.25, 0.0, 100.0, "difference that is traded, in sizes")
    size = Quantity("0.01", "quantity held where volatility equals risk")
    mode = Choice(("long_flat", "long_short"), "what to be in a falling trend")
    State = SizeState

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:
        """Return both means, in ticks, and the volatility of one bar, a fraction."""
        return {
            "fast": exponential_mean(bars.close, p.fast),
            "slow": exponential_mean(bars.close, p.slow),
            "volatility": realised_volatility(bars.close, p.window),
        }

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Bring the position to the wanted one where the difference is worth a trade."""
        if not (x.fast > 0.0 and x.slow > 0.0 and x.volatility > 0.0):
            return state
        wanted = int(p.size * min(p.most, p.risk * 1e-4 / x.volatility))
        if x.fast <= x.slow:
            wanted = -wanted if p.mode == LONG_SHORT else 0
        turned = state.asked != 0 and wanted * state.asked <= 0
        if not turned and abs(wanted - state.asked) <= p.band * p.size:
            return state
        desk.target(wanted)
        return SizeState(wanted)

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
