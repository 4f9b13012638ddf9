"""Put what is known of a result's trustworthiness into it: checks of the strategy, figures, and the count of trials."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from real_trade.backtest.engine import Simulation
from real_trade.backtest.trust.lookahead import check_lookahead
from real_trade.backtest.trust.statistics import statistics_sections
from real_trade.backtest.trust.trials import record_trial
from real_trade.backtest.trust.warmup import check_warmup

if TYPE_CHECKING:
    from real_trade.backtest.result import BacktestResult
    from real_trade.kernels.accounting import Terms
    from real_trade.model.bars import Bars
    from real_trade.storage.ports import TrialStore
    from real_trade.trading.strategy import Strategy


def judge(result: BacktestResult, strategy: type[Strategy], bars: Bars, params: Any, terms: Terms) -> BacktestResult:
    """Return the result with its ``trust``, all but the count of trials.

    Args:
        result: a finished backtest.
        strategy, bars, params, terms: what it was made with.
    """
    full = Simulation(result.order_rows, result.fill_rows, result.equity_units)
    cash = result.initial_units
    sections = statistics_sections(result, bars.volume)
    sections["lookahead"] = check_lookahead(strategy, bars, params, terms, cash, full=full).to_dict()
    sections["warmup"] = check_warmup(strategy, bars, params, terms, cash, full=full).to_dict()
    return replace(result, trust=sections)


def count_trial(result: BacktestResult, trials: TrialStore) -> BacktestResult:
    """Count a backtest among those of its strategy on its data, and return it with what they say together."""
    return replace(result, trust={**(result.trust or {}), "trials": record_trial(trials, result)})
