"""Reversion of the price ratio of two symbols, with market orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from real_trade.kernels.indicators import rolling_z_score
from real_trade.model.errors import InputError
from real_trade.trading import Bar, Bars, Desk, Float, Int, Quantity, Strategy, refuse_on_spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.model.instrument import Instrument

# The logarithm of the ratio is taken in whole millionths: sums of whole numbers do not depend on how many went before.
_MILLIONTHS = 1e6


class PairState(NamedTuple):
    """What was asked for: 1 the first symbol bought and the second sold, -1 the reverse, 0 nothing."""

    side: int = 0


class PairReversion(Strategy):
    """Sell the symbol that has become dear against the other and buy the other, for the same value; close at the mean.

    The ratio of the two closes is dear or cheap by its standard score over a window. Nothing is done on a bar that one
    of the symbols lacks. Source: Gatev, Goetzmann and Rouwenhorst, "Pairs Trading: Performance of a Relative-Value
    Arbitrage Rule" (2006), Review of Financial Studies 19, with a rolling window in place of a formation period.
    """

    symbols = 2
    window = Int(240, 2, 20_000, "bars in mean and deviation of the ratio")
    entry = Float(2.0, 0.1, 20.0, "deviations from the mean at which the pair is put on")
    exit = Float(0.5, 0.0, 20.0, "deviations from the mean at which it is taken off")
    size = Quantity("0.01", "quantity of the first symbol; of the second as much as has the same value")
    State = PairState

    @staticmethod
    def features(bars: tuple[Bars, Bars], p: Any) -> Mapping[str, Any]:  # type: ignore[override]
        """Return the standard score of the logarithm of the ratio."""
        first, second = bars
        ratio = np.rint(np.log(first.close / second.close) * _MILLIONTHS).astype(np.int64)
        return {"score": rolling_z_score(ratio, p.window)}

    @staticmethod
    def on_bars(bars: tuple[Bar, ...], x: Any, state: Any, p: Any, desks: tuple[Desk, ...]) -> Any:
        """Put the pair on when the ratio is far from its mean, and take it off when it is near."""
        if not abs(x.score) < 1e9 or bars[0].synthetic or bars[1].synthetic:
            return state
        side = state.side
        if side == 0 and abs(x.score) >= p.entry:
            side = -1 if x.score > 0.0 else 1
        elif side * x.score > -p.exit:
            side = 0
        if side != state.side:
            value = p.size * bars[0].close * desks[0].point_value
            desks[0].target(side * p.size)
            desks[1].target(-side * int(value / (bars[1].close * desks[1].point_value)))
        return PairState(side)

    @staticmethod
    def check(p: Any, instrument: tuple[Instrument, ...]) -> None:
        """Refuse spot, inverse contracts, and an exit beyond the entry."""
        for each in instrument:
            refuse_on_spot(each.market, "pair_reversion")
            if each.market == "inverse":
                raise InputError(
                    "pair_reversion balances values that inverse contracts do not have in quote.",
                    code="unsupported_market",
                    field="market",
                    value="inverse",
                    fix="Use linear.",
                )
        if p.exit >= p.entry:
            raise InputError(
                "The pair would be taken off where it is put on.",
                code="bad_parameter",
                field="exit",
                value=p.exit,
                fix="Choose exit < entry.",
            )
