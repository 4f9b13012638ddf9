"""Reversion from extremes of the relative strength index, with market orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from real_trade.kernels.indicators import relative_strength
from real_trade.model.errors import InputError
from real_trade.trading import Bar, Bars, Choice, Desk, Float, Int, Quantity, Strategy, refuse_on_spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.model.instrument import Instrument

LONG_SHORT = 1


class ZoneState(NamedTuple):
    """Zone of the index on the bar before: 1 oversold, -1 overbought, 0 between."""

    zone: int = 0


class RsiReversion(Strategy):
    """Buy when the index falls below its lower level, sell at the middle; in long_short also the mirror image.

    It enters once per visit to a zone, at the next open.
    Source: Wilder, "New Concepts in Technical Trading Systems" (1978), which gives 14 bars and the levels 30 and 70.
    """

    length = Int(14, 2, 10_000, "bars in Wilder's means")
    low = Float(30.0, 0.0, 100.0, "oversold below this")
    middle = Float(50.0, 0.0, 100.0, "where a position is closed")
    high = Float(70.0, 0.0, 100.0, "overbought above this")
    size = Quantity("0.01", "quantity held")
    mode = Choice(("long_flat", "long_short"), "whether overbought is sold short")
    State = ZoneState

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:
        """Return the index, 0 to 100."""
        return {"strength": relative_strength(bars.close, p.length)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Trade the entry into a zone, and the return to the middle."""
        if not x.strength >= 0.0:
            return state
        zone = 1 if x.strength < p.low else (-1 if x.strength > p.high else 0)
        if zone != state.zone and (zone > 0 or (zone < 0 and p.mode == LONG_SHORT)):
            desk.target(zone * p.size)
        elif (desk.position > 0 and x.strength >= p.middle) or (desk.position < 0 and x.strength <= p.middle):
            desk.target(0)
        return ZoneState(zone)

    @staticmethod
    def check(p: Any, instrument: Instrument) -> None:
        """Refuse levels out of order, and short positions on spot."""
        if not p.low < p.middle < p.high:
            raise InputError(
                f"low={p.low}, middle={p.middle} and high={p.high} must ascend.",
                code="bad_parameter",
                field="middle",
                value=p.middle,
                fix="Choose low < middle < high.",
            )
        if p.mode == LONG_SHORT:
            refuse_on_spot(instrument.market, "mode=long_short")
