"""What the bars leave open: the same run under three policies of ambiguous bars, side by side.

Where one bar could have hit both exits of a position, or leaves open what came after an entry inside it, the policy
decides: pessimistic, optimistic, or central (the path open, nearer extreme, other extreme, close). The range of
outcomes goes from the lowest to the highest of the three. `bound.why_no_bound` says whether the truth must lie inside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from real_trade.backtest.engine import run_plan
from real_trade.backtest.trust.bound import why_no_bound
from real_trade.backtest.trust.evidence import liquidations
from real_trade.kernels.matching import OPTIMISTIC, PATH, PESSIMISTIC
from real_trade.metrics.drawdown import drawdown_fractions
from real_trade.metrics.trades import UNITS
from real_trade.model.errors import RealTradeError
from real_trade.portfolio.round_trips import round_trips, trips_of_fills

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from real_trade.backtest.engine import LegTables, PlanOutcome, Runner
    from real_trade.backtest.plan import Plan
    from real_trade.kernels.accounting import Terms

POLICIES: Final = {"pessimistic": PESSIMISTIC, "central": PATH, "optimistic": OPTIMISTIC}


def range_section(plan: Plan, done: PlanOutcome, runner: Runner) -> dict[str, Any]:
    """Return the three scenarios of a plan, JSON-ready.

    Args:
        plan: with its features.
        done: its outcome as it was asked for.
        runner: how the others are made.

    Returns:
        ``pessimistic, central, optimistic``, each ``net_profit``, ``final_equity``, ``max_drawdown`` (fraction of the
        peak), ``trades`` (closed), ``liquidations`` and ``ambiguous_fills``; None where the strategy fails. Two shares
        of the central result that rest on ambiguous bars: ``ambiguous_share``, of what its closed trades won and lost
        (the sum of absolute net amounts) the part of those with an ambiguous fill, and ``width_share``, the highest
        less the lowest of the three net profits over the central one's absolute value; None where there is nothing to
        divide by. ``label``: ``bound`` or ``scenarios``, and ``why`` it is no bound, as a sentence.
    """
    runs: dict[str, PlanOutcome | None] = {name: _run(plan, policy, done, runner) for name, policy in POLICIES.items()}
    known = [run for run in runs.values() if run is not None]
    section: dict[str, Any] = {
        name: None if run is None else _figures(run, sum(mandate.cash_units for mandate in plan.mandates))
        for name, run in runs.items()
    }
    why = why_no_bound(plan, known) if len(known) == len(POLICIES) else "The strategy fails in one of the three runs."
    central = runs["central"]
    return section | {
        "ambiguous_share": None if central is None else _ambiguous_share(plan, central),
        "width_share": _width_share([each for each in section.values() if each], section["central"]),
        "label": "scenarios" if why else "bound",
        "why": why,
    }


def _run(plan: Plan, policy: int, done: PlanOutcome, runner: Runner) -> PlanOutcome | None:
    if all(leg.terms.policy == policy for _, leg in plan.legs):
        return done
    mandates = (
        replace(m, legs=tuple(replace(leg, terms=leg.terms._replace(policy=policy)) for leg in m.legs))
        for m in plan.mandates
    )
    try:
        return run_plan(replace(plan, mandates=tuple(mandates)), runner)
    except RealTradeError:
        return None


def _figures(run: PlanOutcome, initial: int) -> dict[str, Any]:
    equity = np.sum(run.equity, axis=0) if len(run.equity) > 1 else run.equity[0]
    final = int(equity[-1]) if len(equity) else initial
    falls = drawdown_fractions(equity / UNITS, initial / UNITS)
    return {
        "net_profit": (final - initial) / UNITS,
        "final_equity": final / UNITS,
        "max_drawdown": float(falls.max(initial=0.0)),
        "trades": sum(trips_of_fills(leg.fills).closed for leg in run.legs),
        "liquidations": sum(int(liquidations(leg.orders).sum()) for leg in run.legs),
        "ambiguous_fills": sum(int(np.count_nonzero(leg.fills["ambiguous"])) for leg in run.legs),
    }


def _width_share(scenarios: list[dict[str, Any]], central: dict[str, Any] | None) -> float | None:
    nets = [each["net_profit"] for each in scenarios]
    width = max(nets) - min(nets)
    if width == 0:
        return 0.0
    return width / abs(central["net_profit"]) if central and central["net_profit"] else None


def _ambiguous_share(plan: Plan, run: PlanOutcome) -> float | None:
    if not any(tables.fills["ambiguous"].any() for tables in run.legs):
        return 0.0 if any(trips_of_fills(tables.fills).closed for tables in run.legs) else None
    moved = resting = 0
    for (_, leg), tables in zip(plan.legs, run.legs, strict=True):
        net, is_ambiguous = _trips(tables, leg.terms)
        moved += int(np.abs(net).sum())
        resting += int(np.abs(net[is_ambiguous]).sum())
    return resting / moved if moved else None


def _trips(tables: LegTables, terms: Terms) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return of each closed trip its net and whether the policy decided one of its fills."""
    net = np.array([trip.net for trip in round_trips(tables.fills, terms, tables.payments)], np.int64)
    trip, turns, _, closed = trips_of_fills(tables.fills)
    decided = tables.fills["ambiguous"] != 0
    is_ambiguous = np.zeros(closed + 2, np.bool_)
    is_ambiguous[trip[decided]] = True
    is_ambiguous[trip[decided & turns] + 1] = True
    return net, is_ambiguous[:closed]
