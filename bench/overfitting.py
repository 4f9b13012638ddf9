"""Does the deflated Sharpe ratio tell skill from luck? Judged over the whole way: market, backtest, registry, verdict.

    python bench/overfitting.py [SEEDS]

Every market has 20,000 hours. A market without an edge is one with trends and quiet and wild times, whose bars are then
shuffled. A planted edge pushes each hour's return up or down by a small part of its usual size, and the volume of the
hour before tells which way. Strategies hold one side for eight hours each by lot; only the one with seed 0 reads the
volume. Nothing costs anything, so that no skill means a Sharpe ratio of zero and the test is made at its very level.

Asked are: how often passes (deflated Sharpe ratio of 0.95 or more)

* a random strategy that is tried alone: at most 5 %, plus three binomial standard errors;
* the best of 20 random strategies on one market: the same bound, which it breaks if its trials are not counted;
* a planted edge that is tried alone: at least 90 %;
* a planted, stronger edge that is the last of 20 tried: at least 90 %.

Exits 1 if one of them does not hold.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from real_trade.backtest import AccountSettings, BacktestResult, backtest
from real_trade.backtest.trust.trials import record_trial, trials_section
from real_trade.model import Instrument, Klines, Market
from real_trade.storage import open_records
from real_trade.trading import Bar, Bars, Desk, Int, Quantity, Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from real_trade.storage.sql import SqlStore

LEVEL = 0.95
BARS = 20_000
HOURS_PER_YEAR = 24 * 365
VOLATILITY = 0.001
TRIALS = 20
# True annual Sharpe ratios of the planted edges, before the grid of prices. The markets span 2.28 years.
ALONE, CHOSEN = 2.5, 5.0

PERPETUAL = Instrument(
    "bybit", "BTCUSDT", Market.LINEAR, "BTC", "USDT", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal("0.001")
)
FREE = AccountSettings(Decimal(10_000), Decimal(0), Decimal(0), leverage=10)


class RandomSide(Strategy):
    """Hold the side that the lot of each eight hours says; seed 0 holds the side that the last volume says."""

    seed = Int(0, 0, 10_000_000, "which lots; 0 reads the volume")
    size = Quantity("0.3", "quantity held")

    @staticmethod
    def features(bars: Bars, p: Any) -> Mapping[str, Any]:
        """Return +1 or -1 per bar."""
        if p.seed == 0:
            return {"side": np.where(bars.volume > 1.0, 1, -1)}
        lots = np.random.default_rng(p.seed).integers(0, 2, len(bars.close) // 8 + 1) * 2 - 1
        return {"side": np.repeat(lots, 8)[: len(bars.close)]}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Go to the side at the next open."""
        desk.target(p.size * x.side)
        return state


class Outcome(NamedTuple):
    """How often something passed, and what was asked."""

    question: str
    passed: int
    seeds: int
    bound: float
    at_most: bool

    @property
    def holds(self) -> bool:
        """Return whether the share that passed is within its bound."""
        share = self.passed / self.seeds
        return share <= self.bound if self.at_most else share >= self.bound

    def __str__(self) -> str:
        sign = "<=" if self.at_most else ">="
        verdict = "holds" if self.holds else "FAILS"
        return (
            f"{self.question:<60} {self.passed:>4} of {self.seeds:<4} {self.passed / self.seeds:7.1%}  "
            f"{sign} {self.bound:5.1%}  {verdict}"
        )


def market(seed: int, *, annual_sharpe: float = 0.0) -> Klines:
    """Return a shuffled market; its volume tells the side of an edge, if there is one, and else nothing."""
    rng = np.random.default_rng(seed)
    wild = np.exp(np.repeat(rng.normal(0, 0.5, BARS // 250 + 1), 250)[:BARS])
    trend = np.repeat(rng.normal(0, 0.05, BARS // 1000 + 1), 1000)[:BARS]
    shapes = (rng.standard_t(5, BARS) * math.sqrt(3 / 5) + trend) * wild
    shapes = rng.permutation(shapes) / shapes.std()
    heavy = rng.random(BARS) < 0.5
    told = np.concatenate([[0.0], np.where(heavy, 1.0, -1.0)[:-1]])
    returns = VOLATILITY * (shapes + annual_sharpe / math.sqrt(HOURS_PER_YEAR) * told)
    close = np.rint(30_000 * np.exp(np.cumsum(returns)) * 100) / 100
    open_ = np.concatenate([[30_000.0], close[:-1]])
    stamps = 1_640_995_200_000 + 3_600_000 * np.arange(BARS, dtype=np.int64)
    return Klines.of(
        stamps, open_, np.maximum(open_, close), np.minimum(open_, close), close, np.where(heavy, 1.5, 0.5)
    )


def run(klines: Klines, seed: int) -> BacktestResult:
    """Backtest the strategy of a seed."""
    return backtest(RandomSide, klines, PERPETUAL, interval="1h", params={"seed": seed}, settings=FREE)


def alone(store: SqlStore, seed: int) -> tuple[bool, ...]:
    """Return whether a random strategy passes on its first trial."""
    return (_passes(record_trial(store, run(market(seed), seed + 1))),)


def best(store: SqlStore, seed: int) -> tuple[bool, ...]:
    """Return whether the best of 20 random strategies passes, and whether it would as the only one."""
    klines = market(1_000_000 + seed)
    results = [run(klines, 1_000 * (seed + 1) + trial) for trial in range(TRIALS)]
    chosen = max(results, key=lambda result: int(result.equity_units[-1]))
    undeflated = trials_section(store, chosen)
    for result in results:
        record_trial(store, result)
    deflated = trials_section(store, chosen)
    assert (undeflated["count"], deflated["count"]) == (0, TRIALS)
    return _passes(deflated), _passes(undeflated)


def planted_alone(store: SqlStore, seed: int) -> tuple[bool, ...]:
    """Return whether the planted edge passes on its first trial."""
    return (_passes(record_trial(store, run(market(2_000_000 + seed, annual_sharpe=ALONE), 0))),)


def planted_chosen(store: SqlStore, seed: int) -> tuple[bool, ...]:
    """Return whether the planted edge passes after 19 random strategies."""
    klines = market(3_000_000 + seed, annual_sharpe=CHOSEN)
    for trial in range(1, TRIALS):
        record_trial(store, run(klines, 1_000 * (seed + 1) + trial))
    section = record_trial(store, run(klines, 0))
    assert section["count"] == TRIALS
    return (_passes(section),)


def _passes(section: Mapping[str, Any]) -> bool:
    return bool(section["deflated_sharpe"] >= LEVEL)


def campaign(seeds: int, folder: Path) -> list[Outcome]:
    """Return the five outcomes."""
    nominal = 1 - LEVEL
    ceiling = nominal + 3 * math.sqrt(nominal * LEVEL / seeds)
    questions: list[tuple[Callable[[SqlStore, int], tuple[bool, ...]], list[tuple[str, float, bool]]]] = [
        (alone, [("random strategy on a shuffled market, alone", ceiling, True)]),
        (
            best,
            [
                (f"best of {TRIALS} random strategies on a shuffled market", ceiling, True),
                ("the same, were its trials not counted", ceiling, False),
            ],
        ),
        (planted_alone, [(f"planted edge, annual Sharpe {ALONE}, alone", 0.9, False)]),
        (planted_chosen, [(f"planted edge, annual Sharpe {CHOSEN}, the last of {TRIALS}", 0.9, False)]),
    ]
    outcomes = []
    store = open_records(folder)
    for ask, rows in questions:
        passed = np.sum([ask(store, seed) for seed in range(seeds)], axis=0)
        for (question, bound, at_most), count in zip(rows, passed, strict=True):
            outcomes.append(Outcome(question, int(count), seeds, bound, at_most))
    store.close()
    return outcomes


def main() -> int:
    """Print the table; 1 if something does not hold."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = campaign(seeds, Path(folder))
    for outcome in outcomes:
        print(outcome)
    print(f"{BARS:,} hours a market, {time.perf_counter() - start:.0f} s")
    return 0 if all(outcome.holds for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
