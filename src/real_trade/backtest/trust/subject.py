"""What the checks work on: a strategy of one symbol or several, its data and its capital, run as often as needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from real_trade.backtest.codegen import decisions_of
from real_trade.backtest.engine import LegTables, PlanOutcome, compute_features, run_plan
from real_trade.backtest.plan import Feed, Leg, Mandate, Plan, tier_table
from real_trade.backtest.trust.evidence import Decisions, World, window_of
from real_trade.kernels.funding import Settlements
from real_trade.model.bars import Bars
from real_trade.model.errors import RealTradeError
from real_trade.model.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from real_trade.backtest.engine import Runner, Simulation
    from real_trade.backtest.plan import Finer
    from real_trade.backtest.trust.evidence import Features
    from real_trade.kernels.accounting import Terms
    from real_trade.trading.strategy import Strategy

# Trades that a strategy is shown in one decision of a check, on the average: plain Python takes some 20 ms for them.
_TRADES = 5_000


@dataclass(frozen=True, slots=True)
class Subject:
    """A strategy under examination, alone in its account.

    Attributes:
        strategy: its class.
        params: as ``strategy.resolve_params`` gives them.
        feeds: the data of its symbols, in its order, on one timeline.
        legs: one for each of them.
        cash_units: its capital, money units.
        span_ms: length of a bar.
        runner: how whole runs are made.
    """

    strategy: type[Strategy]
    params: Any
    feeds: tuple[Feed, ...]
    legs: tuple[Leg, ...]
    cash_units: int
    span_ms: int
    runner: Runner = "compiled"

    @classmethod
    def of(cls, plan: Plan, number: int, runner: Runner) -> Subject:
        """Return a mandate of a plan as if it were the only one."""
        mandate = plan.mandates[number]
        feeds = tuple(plan.feeds[leg.feed] for leg in mandate.legs)
        legs = tuple(replace(leg, feed=place) for place, leg in enumerate(mandate.legs))
        return cls(mandate.strategy, mandate.params, feeds, legs, mandate.cash_units, plan.span_ms, runner)

    @classmethod
    def of_one(
        cls,
        strategy: type[Strategy],
        params: Any,
        feed: Feed,
        terms: Terms,
        tiers: NDArray[np.int64] | None,
        cash_units: int,
        span_ms: int,
        runner: Runner,
    ) -> Subject:
        """Return a strategy of one symbol; without tiers the maintenance margin is at a flat rate."""
        leg = Leg(0, terms, tier_table() if tiers is None else tiers)
        return cls(strategy, params, (feed,), (leg,), cash_units, span_ms, runner)

    @property
    def bars(self) -> World:
        """Return the bars of each symbol."""
        return tuple(feed.bars for feed in self.feeds)

    @property
    def time_ms(self) -> NDArray[np.int64]:
        """Return the opening time of each bar."""
        return self.feeds[0].bars.time_ms

    @property
    def deciders(self) -> tuple[Callable[..., Any], ...]:
        """Return the functions by which the strategy decides."""
        return tuple(decisions_of(self.strategy).values())

    @property
    def decider(self) -> str:
        """Return what the author calls the function that decides."""
        return self.deciders[0].__name__

    @property
    def on_trades(self) -> bool:
        """Tell whether the strategy is shown single trades: orders may fill in the very bar that they are given in."""
        return self.strategy.decides_on_trades()

    def features(self, bars: World) -> Features:
        """Return the features of bars: those of the subject, or others in their place."""
        return compute_features(self.strategy, bars[0] if self.strategy.symbols == 1 else bars, self.params)

    def run(self, rows: int | None = None) -> PlanOutcome:
        """Run on the first so many bars as if nothing followed them; None takes all.

        Raises:
            RealTradeError: the strategy fails.
        """
        feeds = self.feeds
        if rows is not None:
            feeds = tuple(cut(feed, 0, rows, self.span_ms) for feed in feeds)
            # Features must not be able to write into the bars of the subject.
            feeds = tuple(replace(feed, bars=Bars._make(column.copy() for column in feed.bars)) for feed in feeds)
        features = self.features(tuple(feed.bars for feed in feeds))
        return run_plan(self._plan(feeds, features), self.runner)

    def decide(self, start: int, stop: int, features: Features) -> Decisions:
        """Return what the strategy decides on the bars ``[start, stop)`` with features that are handed in.

        It starts flat, with its first state, and runs as plain Python: compiled code has frozen what a module held when
        it was compiled, plain code sees what is there now. What is not known of a bar but for its columns is left out.
        """
        feeds = tuple(_bare(cut(feed, start, stop, self.span_ms)) for feed in self.feeds)
        try:
            done = run_plan(self._plan(feeds, features), "python")
        except RealTradeError as error:
            return Decisions((), error.message)
        return Decisions(done.legs, "")

    def most_bars(self, bars: int) -> int:
        """Return how many bars to let the strategy decide on at a time: ``bars``, fewer where trades are many."""
        tape = self.feeds[0].tape
        if not self.on_trades or tape is None:
            return bars
        return min(bars, max(2, len(self.time_ms) * _TRADES // max(1, len(tape.time_ms))))

    def _plan(self, feeds: tuple[Feed, ...], features: Features) -> Plan:
        mandate = Mandate(self.strategy, self.params, features, self.legs, self.cash_units)
        return Plan(feeds, (mandate,), self.span_ms)


def outcome_of(simulation: Simulation) -> PlanOutcome:
    """Return the run of one strategy in one instrument as that of a plan."""
    tables = LegTables(simulation.orders, simulation.fills, simulation.payments, simulation.ledger)
    return PlanOutcome((tables,), (simulation.equity,))


def cut(feed: Feed, start: int, stop: int, span_ms: int) -> Feed:
    """Return views of all that a feed has of its bars ``[start, stop)``; a bar is ``span_ms`` long."""
    rows = slice(start, stop)
    return replace(
        feed,
        bars=window_of(feed.bars, start, stop),
        present=None if feed.present is None else feed.present[rows],
        settlements=_cut_settlements(feed.settlements, start, stop),
        mark_high=None if feed.mark_high is None else feed.mark_high[rows],
        mark_low=None if feed.mark_low is None else feed.mark_low[rows],
        finer=None if feed.finer is None else _cut_finer(feed.finer, start, stop),
        tape=None if feed.tape is None else _cut_tape(feed.tape, feed.bars.time_ms[rows], span_ms),
    )


def _cut_settlements(due: Settlements, start: int, stop: int) -> Settlements:
    kept = slice(*np.searchsorted(due.bar, [start, stop]).tolist())
    return Settlements(due.bar[kept] - start, due.rate[kept], due.price_ticks[kept], due.on_mark[kept])


def _cut_finer(fine: Finer, start: int, stop: int) -> Finer:
    first = fine.first[start : stop + 1]
    kept = slice(int(first[0]), int(first[-1]))
    columns = {name: getattr(fine, name)[kept] for name in ("time_ms", "open", "high", "low", "close", "volume")}
    return fine._replace(first=first - first[0], **columns)


def _cut_tape(tape: Tape, time_ms: NDArray[np.int64], span_ms: int) -> Tape:
    if not len(time_ms):
        return Tape._make(column[:0] for column in tape)
    kept = slice(*np.searchsorted(tape.time_ms, [time_ms[0], time_ms[-1] + span_ms]).tolist())
    return Tape._make(column[kept] for column in tape)


def _bare(feed: Feed) -> Feed:
    """Return a feed without what decides fills and costs alone."""
    return Feed(feed.bars, feed.present, tape=feed.tape)
