"""The sections of a result's trust that are read from its orders, fills and trades alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from real_trade.backtest.trust.montecarlo import monte_carlo
from real_trade.metrics.capacity import capacity_section
from real_trade.metrics.clock import clock_section
from real_trade.metrics.costs import CostSection, column_sum, cost_waterfall, traded_value
from real_trade.model.instrument import Market

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from real_trade.backtest.result import BacktestResult


def statistics_sections(result: BacktestResult, volume: NDArray[np.float64]) -> dict[str, Any]:
    """Return the sections ``costs, clock, capacity, monte_carlo``, JSON-ready.

    A section that would have nothing to tell is left out: without fills there are only costs (none), with fewer than
    two closed trades there is no Monte Carlo.

    Args:
        result: a finished backtest.
        volume: per bar of the result, as in its klines; NaN where unknown.
    """
    sections: dict[str, Any] = {"costs": costs_of(result)}
    instrument, trades = result.instrument, result.trade_rows
    if len(trades):
        sections["clock"] = clock_section(trades["entry_ms"], trades["net"], instrument.funding_interval_minutes)
    if len(result.fill_rows):
        contract = 1 if instrument.market == Market.INVERSE else instrument.contract_value
        units_per_lot = float(instrument.quantity_step * contract)
        sections["capacity"] = capacity_section(result.fill_rows, result.time_ms, volume, units_per_lot)
    drawn = monte_carlo(trades["net"], result.initial_units)
    if drawn is not None:
        sections["monte_carlo"] = drawn
    return sections


def costs_of(result: BacktestResult) -> CostSection:
    """Return the cost waterfall of a result; its net is the change of equity over the run, open position included."""
    fills = result.fill_rows
    net = int(result.equity_units[-1]) - result.initial_units if len(result.equity_units) else 0
    return cost_waterfall(
        net,
        fees=column_sum(fills, "fee"),
        slippage=column_sum(fills, "slippage"),
        funding=column_sum(result.trade_rows, "funding"),
        value=traded_value(fills, result.instrument),
    )
