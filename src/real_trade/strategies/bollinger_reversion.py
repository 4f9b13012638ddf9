"""Reversion from outside the Bollinger bands, with market orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.kernels.indicators import bollinger_bands
from real_trade.trading import Bar, Bars, Choice, Desk, Float, Int, Quantity, Strategy, refuse_on_spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.model.instrument import Instrument

LONG_SHORT = 1


class BandState(NamedTuple):
    """Where the bar before closed: 1 below the lower band, -1 above the upper one, 0 between."""

    outside: int = 0


class BollingerReversion(Strategy):
    """Buy a close below the lower band, sell at the mean; in long_short also the mirror image.

    It enters once per excursion, at the next open.
    Source: Bollinger, "Bollinger on Bollinger Bands" (2001), which gives 20 bars and 2 deviations.
    """

    window = Int(20, 2, 20_000, "bars in mean and deviation")
    width = Float(2.0, 0.1, 20.0, "deviations between mean and band")
    size = Quantity("0.01", "quantity held")
    mode = Choice(("long_flat", "long_short"), "whether a close above the upper band is sold short")
    State = BandState

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:
        """Return the bands and the mean, in ticks."""
        lower, middle, upper = bollinger_bands(bars.close, p.window, p.width)
        return {"lower": lower, "middle": middle, "upper": upper}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        """Trade the step out of the bands, and the return to the mean."""
        if not x.middle > 0.0:
            return state
        outside = 1 if bar.close < x.lower else (-1 if bar.close > x.upper else 0)
        if outside != state.outside and (outside > 0 or (outside < 0 and p.mode == LONG_SHORT)):
            desk.target(outside * p.size)
        elif (desk.position > 0 and bar.close >= x.middle) or (desk.position < 0 and bar.close <= x.middle):
            desk.target(0)
        return BandState(outside)

    @staticmethod
    def check(p: Any, instrument: Instrument) -> None:
        """Refuse short positions on spot."""
        if p.mode == LONG_SHORT:
            refuse_on_spot(instrument.market, "mode=long_short")
