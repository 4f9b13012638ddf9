"""How many backtests of a strategy were made on the same data, and what the best of so many is worth.

A trial is a strategy by name on bars by hash: other parameters, other settings and other code are further trials of the
same idea, and the same once more is none. Trials are counted where the records are kept, on this machine alone. Several
strategies in one account are counted together, as one.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.metrics.deflated import (
    SharpeFacts,
    deflated_sharpe,
    expected_max_sharpe,
    judged_returns,
    sharpe_facts,
    trial_variance,
)
from real_trade.model.clock import format_time
from real_trade.model.instrument import MONEY_UNIT
from real_trade.storage.ports import Trial

if TYPE_CHECKING:
    from real_trade.backtest.portfolio_result import PortfolioResult
    from real_trade.backtest.result import BacktestResult
    from real_trade.storage.ports import TrialStore

    Result = BacktestResult | PortfolioResult

# As the table of trials has it.
_LONGEST_NAME = 128


def record_trial(store: TrialStore, result: Result) -> dict[str, Any]:
    """Count a backtest and return what `trials_section` then says of it.

    Raises:
        StorageError: the store failed.
    """
    facts, per_year = _judge(result)
    store.save_trial(
        Trial(
            strategy=_name_of(result),
            data_hash=result.hashes["data"],
            code_hash=result.hashes["code"],
            config_hash=result.hashes["config"],
            params=result.params,
            observations=facts.observations if facts else 0,
            sharpe=facts.sharpe if facts else None,
            skewness=facts.skewness if facts else None,
            kurtosis=facts.kurtosis if facts else None,
        )
    )
    return _section(store, result, facts, per_year)


def trials_section(store: TrialStore, result: Result) -> dict[str, Any]:
    """Return what the trials so far say of a backtest, without counting it.

    Returns:
        ``count`` of trials; ``sharpe`` of this result and ``expected_max_sharpe`` of the best of so many without skill,
        both annualised with 365 days; ``deflated_sharpe``, the probability that the true Sharpe ratio exceeds the
        latter; ``first`` and ``last`` time of counting (ISO). None stands for what cannot be said.

    Raises:
        StorageError: the store failed.
    """
    return _section(store, result, *_judge(result))


def _name_of(result: Result) -> str:
    """Return the name that trials are kept under; one that is too long for the table ends in its hash."""
    name = result.strategy
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: _LONGEST_NAME - len(digest) - 1]} {digest}"


def _judge(result: Result) -> tuple[SharpeFacts | None, float]:
    unit = float(MONEY_UNIT)
    equity = np.multiply(result.equity_units, unit, dtype=np.float64)
    returns, per_year = judged_returns(result.time_ms, equity, result.initial_units * unit)
    return sharpe_facts(returns), per_year


def _section(store: TrialStore, result: Result, facts: SharpeFacts | None, per_year: float) -> dict[str, Any]:
    trials = store.trials(_name_of(result), result.hashes["data"])
    times = [trial.time_ms for trial in trials]
    section: dict[str, Any] = {
        "count": len(trials),
        "sharpe": None,
        "deflated_sharpe": None,
        "expected_max_sharpe": None,
        "first": format_time(min(times)) if times else None,
        "last": format_time(max(times)) if times else None,
    }
    if facts is None:
        return section
    sharpes = np.array([trial.sharpe for trial in trials if trial.sharpe is not None])
    variance = trial_variance(sharpes, facts.observations)
    count, annual = max(1, len(trials)), math.sqrt(per_year)
    section["sharpe"] = facts.sharpe * annual
    section["expected_max_sharpe"] = expected_max_sharpe(count, variance) * annual
    section["deflated_sharpe"] = deflated_sharpe(facts, count, variance)
    return section
