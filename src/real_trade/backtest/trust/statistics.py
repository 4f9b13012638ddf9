"""The sections of a result's trust that are read from its orders, fills and trades alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.backtest.trust.montecarlo import monte_carlo
from real_trade.metrics.capacity import CapacitySection, capacity_section
from real_trade.metrics.clock import clock_section
from real_trade.metrics.costs import CostSection, column_sum, cost_waterfall, traded_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from real_trade.backtest.plan import Feed
    from real_trade.backtest.portfolio_result import LegResult, PortfolioResult
    from real_trade.backtest.result import BacktestResult


def statistics_sections(result: BacktestResult, feed: Feed) -> dict[str, Any]:
    """Return the sections ``costs, clock, capacity, monte_carlo``, JSON-ready.

    A section that would have nothing to tell is left out: without fills there are only costs (none), with fewer than
    two closed trades there is no Monte Carlo.

    Args:
        result: a finished backtest.
        feed: what it was made on.
    """
    sections: dict[str, Any] = {"costs": costs_of(result)}
    trades, settled_ms = result.trade_rows, np.unique(result.time_ms[feed.settlements.bar])
    if len(trades):
        minutes = result.instrument.funding_interval_minutes
        sections["clock"] = clock_section(trades["entry_ms"], trades["net"], minutes, settled_ms)
    if len(result.fill_rows):
        sections["capacity"] = _capacity_of(result, feed, result.time_ms)
    drawn = monte_carlo(trades["net"], result.initial_units)
    if drawn is not None:
        sections["monte_carlo"] = drawn
    return sections


def account_sections(result: PortfolioResult, feeds: Sequence[Feed]) -> dict[str, Any]:
    """Return the sections ``costs, capacity, monte_carlo`` of an account of several strategies, JSON-ready.

    Costs are those of all legs; capacity has a row for each leg with fills; the Monte Carlo draws from the trades of
    all legs in order of exit.

    Args:
        result: a finished backtest.
        feeds: what each leg was made on, in the order of the legs.
    """
    sections: dict[str, Any] = {"costs": _costs(result.legs, result.equity_units, result.initial_units)}
    names = [mandate.name for mandate in result.mandates for _ in mandate.legs]
    taken = [
        {"name": name, "symbol": leg.symbol, **_capacity_of(leg, feed, result.time_ms)}
        for name, leg, feed in zip(names, result.legs, feeds, strict=True)
        if len(leg.fill_rows)
    ]
    if taken:
        sections["capacity"] = taken
    trades = np.concatenate([leg.trade_rows[["exit_ms", "net"]] for leg in result.legs])
    in_order = trades["net"][np.argsort(trades["exit_ms"], kind="stable")]
    drawn = monte_carlo(in_order, result.initial_units)
    if drawn is not None:
        sections["monte_carlo"] = drawn
    return sections


def costs_of(result: BacktestResult) -> CostSection:
    """Return the cost waterfall of a result; its net is the change of equity over the run, open position included."""
    return _costs([result], result.equity_units, result.initial_units)


def _costs(
    legs: Sequence[BacktestResult] | Sequence[LegResult], equity_units: NDArray[np.int64], initial_units: int
) -> CostSection:
    net = int(equity_units[-1]) - initial_units if len(equity_units) else 0
    return cost_waterfall(
        net,
        fees=sum(column_sum(leg.fill_rows, "fee") for leg in legs),
        slippage=sum(column_sum(leg.fill_rows, "slippage") for leg in legs),
        funding=sum(column_sum(leg.payment_rows, "amount") for leg in legs),
        value=sum(traded_value(leg.fill_rows, leg.instrument) for leg in legs),
    )


def _capacity_of(leg: BacktestResult | LegResult, feed: Feed, time_ms: NDArray[np.int64]) -> CapacitySection:
    return capacity_section(leg.fill_rows, time_ms, feed.bars.volume, float(leg.instrument.volume_step))
