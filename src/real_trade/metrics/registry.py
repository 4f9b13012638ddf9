"""Every metric by name, and the one function that computes them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from real_trade.metrics import account, roundtrips
from real_trade.metrics.metric import Metric, Value
from real_trade.metrics.sample import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from real_trade.kernels.accounting import Ledger

# In the order in which they are shown.
METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        *account.RESULT,
        *account.RISK,
        *account.DRAWDOWN,
        *account.DAYS,
        *roundtrips.TRADES,
        *roundtrips.LONG_AND_SHORT,
        *roundtrips.HOLDING,
        *account.ACTIVITY,
    )
}


def compute_stats(
    *,
    time_ms: NDArray[np.int64],
    equity: NDArray[np.float64],
    close: NDArray[np.float64],
    initial: float,
    orders: NDArray[Any],
    fills: NDArray[Any],
    payments: NDArray[Any],
    trades: NDArray[Any],
    ledger: Ledger,
    tick_size: float,
    quantity_step: float,
    contract_value: float,
    inverse: bool,
) -> dict[str, Value]:
    """Return every registered figure by name; None where one is undefined.

    Args:
        time_ms: opening time per bar, ms UTC, ascending.
        equity: equity at each bar's close, in settlement currency.
        close: closing price per bar, in quote.
        initial: starting capital, in settlement currency.
        orders: structured array as in `BacktestResult`; so are the next three, money columns in units of 1e-8.
        fills: executions.
        payments: of funding.
        trades: closed round trips.
        ledger: the account at the end.
        tick_size: quote per tick.
        quantity_step: quantity per lot.
        contract_value: base per unit of quantity; inverse: quote.
        inverse: settled in base.
    """
    sample = Sample(
        time_ms=time_ms,
        equity=equity,
        close=close,
        initial=initial,
        orders=orders,
        fills=fills,
        payments=payments,
        trades=trades,
        ledger=ledger,
        tick_size=tick_size,
        quantity_step=quantity_step,
        contract_value=contract_value,
        inverse=inverse,
    )
    return {name: metric.function(sample) for name, metric in METRICS.items()}


__all__ = ["METRICS", "Metric", "Value", "compute_stats"]
