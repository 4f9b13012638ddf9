"""Backtests: one call from bars to a result.

Names are imported when first used: none of the libraries behind them is loaded before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from real_trade.backtest.account import AccountSettings
    from real_trade.backtest.calls import backtest_strategy, generate_signals
    from real_trade.backtest.result import BacktestResult
    from real_trade.backtest.run import backtest, run_backtest

__all__ = [
    "AccountSettings",
    "BacktestResult",
    "backtest",
    "backtest_strategy",
    "generate_signals",
    "run_backtest",
]

_HOME_OF: Final = {
    "AccountSettings": "account",
    "BacktestResult": "result",
    "backtest": "run",
    "backtest_strategy": "calls",
    "generate_signals": "calls",
    "run_backtest": "run",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
