"""Figures of a backtest: pure functions on arrays, and the registry that names them."""

from real_trade.metrics.drawdown import Drawdown, drawdown_fractions, max_drawdown, worst_drawdowns
from real_trade.metrics.registry import METRICS, Metric, Value, compute_stats
from real_trade.metrics.returns import cagr, daily_values, day_ends, monthly_returns, simple_returns
from real_trade.metrics.sample import Sample

__all__ = [
    "METRICS",
    "Drawdown",
    "Metric",
    "Sample",
    "Value",
    "cagr",
    "compute_stats",
    "daily_values",
    "day_ends",
    "drawdown_fractions",
    "max_drawdown",
    "monthly_returns",
    "simple_returns",
    "worst_drawdowns",
]
