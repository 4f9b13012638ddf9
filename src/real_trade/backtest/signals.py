"""The orders of a backtest as signals: what was decided, on which bar, whatever became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.model.order import OrderType

if TYPE_CHECKING:
    from decimal import Decimal

    import pandas as pd
    from numpy.typing import NDArray

    from real_trade.backtest.result import BacktestResult


def signals_frame(result: BacktestResult) -> pd.DataFrame:
    """Return one row per order, in order of submission; the columns are those of `calls.generate_signals`."""
    import pandas as pd

    rows, instrument = result.order_rows, result.instrument
    words = {int(kind): kind.name.lower() for kind in OrderType}
    return pd.DataFrame(
        {
            "timestamp": rows["time_ms"],
            "symbol": np.full(len(rows), result.data.symbol, dtype=object),
            "interval": np.full(len(rows), result.data.interval, dtype=object),
            "bar": rows["bar"],
            "order_id": rows["order_id"],
            "side": np.where(rows["side"] > 0, "buy", "sell"),
            "type": [words[number] for number in rows["type"].tolist()],
            "quantity": _amounts(rows["lots"], instrument.quantity_step),
            "price": _prices(rows["price_ticks"], instrument.tick_size),
            "trigger": _prices(rows["trigger_ticks"], instrument.tick_size),
            "flags": rows["flags"],
            "entry_id": rows["entry_id"],
        }
    )


def _amounts(counts: NDArray[np.int64], step: Decimal) -> NDArray[np.float64]:
    """Return each count times the step, as the float nearest to the decimal."""
    exponent = int(step.normalize().as_tuple().exponent)
    values: NDArray[Any] = np.round(counts * float(step), max(0, -exponent))
    return values


def _prices(ticks: NDArray[np.int64], tick: Decimal) -> NDArray[np.float64]:
    return np.where(ticks == 0, np.nan, _amounts(ticks, tick))
