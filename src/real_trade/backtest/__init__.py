"""Backtests: one call from bars to a result."""

from real_trade.backtest.account import AccountSettings
from real_trade.backtest.result import BacktestResult
from real_trade.backtest.run import backtest, run_backtest

__all__ = ["AccountSettings", "BacktestResult", "backtest", "run_backtest"]
