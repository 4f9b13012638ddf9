"""Is the range of outcomes a bound, inside which the truth must lie, or three scenarios among many?

It is a bound if each ambiguous bar leaves open only which of two exits executed in it, and nothing else hangs on that:
then every such bar costs at least what the pessimistic run pays and at most what the optimistic one gets, whatever the
ticks were. That is read from the runs themselves: a decision that hung on an outcome shows as an order that one run has
and another has not. What is left open in any other way makes it scenarios: prices inside a bar at which late orders
arrive, how volume spreads over it, trailing stops that follow its path, positions that are liquidated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from real_trade.backtest.trust.evidence import liquidations
from real_trade.model.order import Flag, OrderType, RejectReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from real_trade.backtest.engine import LegTables, PlanOutcome
    from real_trade.backtest.plan import Plan
    from real_trade.kernels.accounting import Terms

    Runs = Sequence[LegTables]

# Columns of an order that are those of its submission, or of what it was amended to.
_AS_ASKED: Final = [
    *("order_id", "bar", "side", "type", "lots", "price_ticks", "trigger_ticks", "flags", "expire_ms", "entry_id")
]
_PROTECTIVE: Final = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
_REFUSED: Final = (RejectReason.INSUFFICIENT_FUNDS, RejectReason.INSUFFICIENT_POSITION, RejectReason.RISK_LIMIT)
_REDUCES: Final = int(Flag.REDUCE_ONLY | Flag.CLOSE)


def why_no_bound(plan: Plan, runs: Sequence[PlanOutcome]) -> str:
    """Return why the truth may lie outside some runs of a plan under different policies; empty where it cannot.

    Args:
        plan: what was run.
        runs: at least one; of several the range is from the lowest to the highest.
    """
    is_exact = any(mandate.strategy.decides_on_trades() for mandate in plan.mandates)
    for number, (_, leg) in enumerate(plan.legs):
        tables, opens = [run.legs[number] for run in runs], plan.feeds[leg.feed].bars.open
        if any(liquidations(table.orders).any() for table in tables):
            return "A position was liquidated."
        if is_exact:
            continue  # every trade is known
        if reason := _assumed(leg.terms):
            return reason
        for sentence, applies in _REASONS.items():
            if applies(tables, opens):
                return sentence
    return ""


def _assumed(terms: Terms) -> str:
    if terms.latency_ms > 0:
        return "Orders are late, and where the price was when they arrived inside a bar is assumed."
    if terms.lots_per_volume > 0:
        return "Orders take a share of the volume, and how that spreads over a bar is assumed."
    return ""


def _other_orders(runs: Runs, _: NDArray[np.int64]) -> bool:
    first = runs[0].orders[_AS_ASKED]
    return not all(np.array_equal(first, run.orders[_AS_ASKED]) for run in runs[1:])


def _other_bars(runs: Runs, _: NDArray[np.int64]) -> bool:
    first = runs[0].orders["final_bar"]
    return not all(np.array_equal(first, run.orders["final_bar"]) for run in runs[1:])


def _other_entries(runs: Runs, _: NDArray[np.int64]) -> bool:
    def entries(run: LegTables) -> NDArray[Any]:
        orders = run.orders[run.fills["order_id"] - 1]
        given: NDArray[np.bool_] = (orders["entry_id"] == 0) & (orders["flags"] & _REDUCES == 0)
        return run.fills[given]

    first = entries(runs[0])
    return not all(np.array_equal(first, entries(run)) for run in runs[1:])


def _refused_inside(runs: Runs, _: NDArray[np.int64]) -> bool:
    # A market order is refused at the open, before anything that the bar leaves open.
    refused = [np.isin(run.orders["reason"], _REFUSED) for run in runs]
    return any(
        not np.array_equal(refused[0], each) or bool((run.orders["type"][each] != OrderType.MARKET).any())
        for each, run in zip(refused, runs, strict=True)
    )


def _follows_the_path(runs: Runs, _: NDArray[np.int64]) -> bool:
    return bool(np.isin(runs[0].orders["type"], [OrderType.TRAILING_STOP, OrderType.STOP_LIMIT]).any())


def _in_the_bar_of_entry(runs: Runs, opens: NDArray[np.int64]) -> bool:
    for run in runs:
        entry_of = run.orders["entry_id"][run.fills["order_id"] - 1]
        last_of = np.full(len(run.orders) + 1, -1, np.int64)
        last_of[run.fills["order_id"]] = np.arange(len(run.fills))
        entries = last_of[entry_of[entry_of > 0]]
        same_bar = run.fills["bar"][entry_of > 0] == run.fills["bar"][entries]
        if bool((_inside(run, opens)[entries] & same_bar).any()):
            return True
    return False


def _inside(run: LegTables, opens: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell of each fill whether it happened inside its bar, and not at the open, before anything else."""
    at_market = run.orders["type"][run.fills["order_id"] - 1] == OrderType.MARKET
    inside: NDArray[np.bool_] = ~at_market & (run.fills["price_ticks"] != opens[run.fills["bar"]])
    return inside


def _other_than_two_exits(runs: Runs, _: NDArray[np.int64]) -> bool:
    orders = runs[0].orders
    exits = np.bincount(orders["entry_id"], minlength=len(orders) + 1)
    stops = np.bincount(orders["entry_id"], np.isin(orders["type"], _PROTECTIVE), len(orders) + 1)
    for run in runs:
        decided = run.fills["order_id"][run.fills["ambiguous"] != 0]
        entries = orders["entry_id"][decided - 1]
        if bool(((exits[entries] != 2) | (stops[entries] != 1)).any()):
            return True
    return False


def _reduces_beside_another(runs: Runs, opens: NDArray[np.int64]) -> bool:
    """Tell whether how much an order could reduce hung on what else came first in its bar."""
    for run in runs:
        orders, inside = run.orders, run.fills[_inside(run, opens)]
        is_exit = orders["entry_id"] > 0
        by_exit, bars = is_exit[inside["order_id"] - 1], len(opens)
        others = np.bincount(inside["bar"][~by_exit], minlength=bars)
        sells = np.bincount(inside["bar"][by_exit & (inside["side"] < 0)], minlength=bars)
        buys = np.bincount(inside["bar"][by_exit & (inside["side"] > 0)], minlength=bars)
        at = orders["final_bar"]
        # On the bar of its submission it was refused at once, and met no other.
        was_cut = (orders["reason"] == RejectReason.REDUCE_ONLY) & (at > orders["bar"])
        rests = (orders["flags"] & _REDUCES != 0) & (orders["type"] != OrderType.MARKET)
        met = rests & ((orders["filled_lots"] > 0) | was_cut)
        found = met & is_exit & ((others[at] > 0) | ((sells[at] > 0) & (buys[at] > 0)))
        found |= met & is_exit & was_cut & (sells[at] + buys[at] > 0)
        found |= met & ~is_exit & (others[at] + sells[at] + buys[at] > 1 - was_cut)
        if bool(found.any()):
            return True
    return False


_REASONS: Final[dict[str, Callable[[Runs, NDArray[np.int64]], bool]]] = {
    "Later decisions hung on the outcome of ambiguous bars: the three runs gave different orders.": _other_orders,
    "How long positions were held hung on the policy.": _other_bars,
    "Entries hung on the outcome of ambiguous bars.": _other_entries,
    "Orders were refused for want of funds or position, which hung on what came first in a bar.": _refused_inside,
    "Trailing stops and stop-limit orders follow a path inside the bar that is not known.": _follows_the_path,
    "Positions were closed in the very bar in which they were entered.": _in_the_bar_of_entry,
    "Positions had other exits than one stop and one target.": _other_than_two_exits,
    "Orders that only reduce a position executed in one bar with others.": _reduces_beside_another,
}
