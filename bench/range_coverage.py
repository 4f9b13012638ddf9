"""How often does the truth lie inside the range of outcomes? Measured on seeded paths whose every second is known.

    python bench/range_coverage.py [PATHS]

Each path has 400 minutes, quiet and wild ones, of 60 prices each, and goes in straight lines from one to the next. A
strategy runs on its minutes under the three policies, which gives the range, and on its seconds, which gives the truth.
The strategies place brackets so narrow that many a minute reaches both exits.

Exits 1 if the truth lies outside a range that is called a bound, or if brackets whose decisions do not depend on
outcomes are not bound on every path.
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from real_trade.backtest.account import AccountSettings
from real_trade.backtest.engine import compute_features, run_plan
from real_trade.backtest.material import Extras, prepare
from real_trade.backtest.plan import Leg, Mandate, Plan
from real_trade.backtest.trust.scenarios import range_section
from real_trade.model import Instrument, Interval, Klines, Market
from real_trade.model.instrument import money
from real_trade.model.order import Flag
from real_trade.strategies.momentum_atr import MomentumAtr
from real_trade.trading import Bar, Desk, Int, Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from real_trade.backtest.engine import Runner

START, MINUTE, SECOND = 1_704_067_200_000, 60_000, 1_000
MINUTES = 400
PERPETUAL = Instrument(
    "bybit", "BTCUSDT", Market.LINEAR, "BTC", "USDT", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001")
)
CLOSE = int(Flag.CLOSE)


class Count(NamedTuple):
    """Bars so far."""

    bars: int = 0


class Bet(NamedTuple):
    """Lots of the last entry, and the cash before it."""

    lots: int = 1_000
    cash: float = 0.0


class OnTheClock(Strategy):
    """A bracket every 20 minutes, up and down in turn; what is left of it is closed before the next."""

    distance = Int(4_000, 1, 10**9)
    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Decide by the number of the bar alone."""
        place, side = state.bars % 20, 1 - state.bars // 20 % 2 * 2
        if place == 1:
            entry = desk.buy(1_000) if side > 0 else desk.sell(1_000)
            desk.attach_stop(entry, bar.close - side * p.distance)
            desk.attach_target(entry, bar.close + side * p.distance)
        elif place == 19:
            desk.cancel_all()
            desk.submit(0, -side, 1_000, 0, 0, CLOSE, 0, 0)
        return Count(state.bars + 1)


class WhenFlat(Strategy):
    """A bracket whenever nothing is held."""

    distance = Int(4_000, 1, 10**9)

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Enter again as soon as the last bracket is over."""
        if desk.position == 0 and desk.open_orders == 0:
            entry = desk.buy(1_000)
            desk.attach_stop(entry, bar.close - p.distance)
            desk.attach_target(entry, bar.close + p.distance)
        return state


class Doubling(Strategy):
    """A bracket whenever nothing is held, of twice the size after a loss."""

    distance = Int(4_000, 1, 10**9)
    State = Bet

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Size the next bracket by the outcome of the last."""
        if desk.position != 0 or desk.open_orders != 0:
            return state
        lots = min(2 * state.lots, 64_000) if desk.cash < state.cash else 1_000
        entry = desk.buy(lots)
        desk.attach_stop(entry, bar.close - p.distance)
        desk.attach_target(entry, bar.close + p.distance)
        return Bet(lots, desk.cash)


class Wait(NamedTuple):
    """Bars still to wait, and the cash before the last entry."""

    left: int = 0
    cash: float = 0.0


class Pausing(Strategy):
    """A bracket whenever nothing is held, after a loss only half an hour later, and on the other side."""

    distance = Int(4_000, 1, 10**9)
    State = Wait

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Let the outcome of the last bracket decide when and how the next one is placed."""
        if desk.position != 0 or desk.open_orders != 0:
            return state
        has_lost = desk.cash < state.cash
        if has_lost and state.left > 0:
            return Wait(state.left - 1, state.cash)
        entry = desk.sell(1_000) if has_lost else desk.buy(1_000)
        side = -1 if has_lost else 1
        desk.attach_stop(entry, bar.close - side * p.distance)
        desk.attach_target(entry, bar.close + side * p.distance)
        return Wait(30, desk.cash)


class LimitEntries(Strategy):
    """A limit order below the market whenever nothing is held, with a bracket."""

    distance = Int(4_000, 1, 10**9)
    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Ask anew every five bars."""
        if desk.position == 0 and state.bars % 5 == 0:
            desk.cancel_all()
            entry = desk.buy_limit(1_000, bar.close - p.distance // 2)
            desk.attach_stop(entry, bar.close - p.distance * 3 // 2)
            desk.attach_target(entry, bar.close + p.distance // 2)
        return Count(state.bars + 1)


class Trailing(Strategy):
    """A trailing stop, entered again whenever nothing is held."""

    distance = Int(4_000, 1, 10**9)

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Enter again as soon as the last stop has executed."""
        if desk.position == 0 and desk.open_orders == 0:
            desk.attach_trailing(desk.buy(1_000), p.distance)
        return state


STRATEGIES: tuple[tuple[type[Strategy], Mapping[str, object]], ...] = (
    (OnTheClock, {}),
    (WhenFlat, {}),
    (Doubling, {}),
    (Pausing, {}),
    (LimitEntries, {}),
    (Trailing, {}),
    (MomentumAtr, {"lookback": 10, "length": 10, "threshold": 1, "stop": 1, "goal": 1, "mode": "long_short"}),
)


class Coverage(NamedTuple):
    """Of so many paths, on how many the range was called a bound, and where the truth lay inside it."""

    strategy: str
    paths: int
    bounds: int
    inside_bounds: int
    inside: int
    ambiguous: float

    def __str__(self) -> str:
        """Return one row of the table."""
        return (
            f"{self.strategy:<16} {self.inside:>4} of {self.paths} inside; called a bound: {self.bounds}, of these "
            f"{self.inside_bounds} inside; {self.ambiguous:.1f} ambiguous fills a run"
        )


def path_of(seed: int) -> NDArray[np.int64]:
    """Return a random path of prices in ticks, a row for each minute."""
    rng = np.random.default_rng(seed)
    scale = rng.choice([1, 4, 12], size=MINUTES).repeat(60)
    steps = np.rint(rng.normal(0, 60, MINUTES * 60) * scale)
    return (3_000_000 + np.cumsum(steps)).astype(np.int64).reshape(-1, 60)


def minutes_of(path: NDArray[np.int64]) -> Klines:
    """Return the bars of a path."""
    stamps = START + np.arange(len(path)) * MINUTE
    columns = (path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1])
    return Klines.of(stamps, *(column / 100 for column in columns), np.full(len(path), 1e6))


def seconds_of(path: NDArray[np.int64]) -> Klines:
    """Return the path itself: in each second a line from the price before, in the first of a minute the price alone."""
    close = path.ravel()
    before = np.concatenate([path[:, :1], path[:, :-1]], axis=1).ravel()
    stamps = START + np.arange(len(close)) * SECOND
    columns = (before, np.maximum(before, close), np.minimum(before, close), close)
    return Klines.of(stamps, *(column / 100 for column in columns), np.full(len(close), 1e6))


def plan_of(strategy: type[Strategy], params: Mapping[str, object], path: NDArray[np.int64], policy: str) -> Plan:
    """Return the run of a strategy over a path, under a policy."""
    settings = AccountSettings(Decimal(1_000_000), Decimal("0.00055"), Decimal("0.0002"), 10, policy=policy)
    extras = Extras(finer=seconds_of(path), finer_span_ms=SECOND) if policy == "finer" else Extras()
    material = prepare(minutes_of(path), PERPETUAL, Interval("1m"), settings, extras, verify=False)
    _, core = strategy.resolve_params(params, PERPETUAL)
    leg = Leg(0, settings.terms(PERPETUAL, material.bars))
    features = compute_features(strategy, material.bars, core)
    return Plan((material.feed,), (Mandate(strategy, core, features, (leg,), money(settings.cash)),))


def coverage(
    strategy: type[Strategy], params: Mapping[str, object], paths: int, runner: Runner = "compiled"
) -> Coverage:
    """Measure one strategy."""
    bounds = inside_bounds = inside = fills = 0
    for seed in range(paths):
        path = path_of(seed)
        plan, true = (plan_of(strategy, params, path, policy) for policy in ("pessimistic", "finer"))
        found = range_section(plan, run_plan(plan, runner), runner)
        equity = [found[name]["final_equity"] for name in ("pessimistic", "central", "optimistic")]
        truth = int(run_plan(true, runner).equity[0][-1]) / 1e8
        is_inside = min(equity) <= truth <= max(equity)
        is_bound = found["label"] == "bound"
        inside, bounds = inside + is_inside, bounds + is_bound
        inside_bounds += is_inside and is_bound
        fills += found["central"]["ambiguous_fills"]
    return Coverage(strategy.name(), paths, bounds, inside_bounds, inside, fills / paths)


def campaign(paths: int) -> list[Coverage]:
    """Measure every strategy."""
    return [coverage(strategy, params, paths) for strategy, params in STRATEGIES]


def main() -> int:
    """Print the table; 1 if a bound was none."""
    paths = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    start = time.perf_counter()
    rows = campaign(paths)
    for row in rows:
        print(row)
    print(f"{MINUTES} minutes a path, {time.perf_counter() - start:.0f} s")
    return 0 if all(row.bounds == row.inside_bounds for row in rows) and rows[0].bounds == paths else 1


if __name__ == "__main__":
    sys.exit(main())
