"""Put what is known of a result's trustworthiness into it: checks of the strategy, figures, and the count of trials."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from real_trade.backtest.trust.lookahead import lookahead_of
from real_trade.backtest.trust.scenarios import range_section
from real_trade.backtest.trust.statistics import account_sections, statistics_sections
from real_trade.backtest.trust.subject import Subject
from real_trade.backtest.trust.trials import record_trial
from real_trade.backtest.trust.warmup import warmup_of
from real_trade.model.errors import RealTradeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from real_trade.backtest.engine import PlanOutcome, Runner
    from real_trade.backtest.plan import Plan
    from real_trade.backtest.portfolio_result import PortfolioResult
    from real_trade.backtest.result import BacktestResult
    from real_trade.storage.ports import TrialStore


def judge(result: BacktestResult, plan: Plan, outcome: PlanOutcome, runner: Runner) -> BacktestResult:
    """Return the result with its ``trust``, all but the count of trials.

    Args:
        result: a finished backtest.
        plan, outcome, runner: what it was made with, and from.
    """
    sections = statistics_sections(result, plan.feeds[0])
    sections["range"] = range_section(plan, outcome, runner)
    return replace(result, trust=sections | _checks(Subject.of(plan, 0, runner), outcome))


def judge_portfolio(result: PortfolioResult, plan: Plan, outcome: PlanOutcome, runner: Runner) -> PortfolioResult:
    """Return the result with its ``trust``; each strategy is checked alone, with its own capital.

    Arguments are those of `judge`.
    """
    sections = account_sections(result, [plan.feeds[leg.feed] for _, leg in plan.legs])
    sections["range"] = range_section(plan, outcome, runner)
    is_alone = len(plan.mandates) == 1
    sections["mandates"] = [
        {"name": mandate.name, **_checks(Subject.of(plan, number, runner), outcome if is_alone else None)}
        for number, mandate in enumerate(result.mandates)
    ]
    return replace(result, trust=sections)


def _checks(subject: Subject, outcome: PlanOutcome | None) -> dict[str, Any]:
    try:
        full = subject.run() if outcome is None else outcome
    except RealTradeError:
        return {}  # alone it gets into what it did not meet among others: there is nothing to compare with
    return {"lookahead": lookahead_of(subject, full).to_dict(), "warmup": warmup_of(subject, full).to_dict()}


def count_trial(result: BacktestResult | PortfolioResult, trials: TrialStore) -> BacktestResult | PortfolioResult:
    """Count a backtest among those of its strategy on its data, and return it with what they say together."""
    return replace(result, trust={**(result.trust or {}), "trials": record_trial(trials, result)})


def is_honest(trust: Mapping[str, Any]) -> bool:
    """Tell whether nothing that strategies knew came from the future, as far as the ``trust`` of a result says."""
    return all(part["lookahead"]["ok"] for part in trust.get("mandates", [trust]) if "lookahead" in part)
