"""The range of outcomes: three runs side by side, what rests on ambiguous bars, and whether it is a bound."""

from __future__ import annotations

import importlib.util
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from engine_markets import START, instrument_of, random_klines
from test_brackets import Cycle, EveryHour, bars_of, cycle_truth, tick_path

from real_trade.backtest import AccountSettings, backtest
from real_trade.backtest.engine import compute_features, run_plan
from real_trade.backtest.material import Extras, prepare
from real_trade.backtest.plan import Leg, Mandate, Plan
from real_trade.backtest.trust.scenarios import range_section
from real_trade.model import Klines
from real_trade.model.instrument import money
from real_trade.model.interval import Interval
from real_trade.model.order import Flag
from real_trade.strategies.sma_cross import SmaCross
from real_trade.trading import Bar, Desk, Int, Strategy

BENCH = Path(__file__).parents[2] / "bench" / "range_coverage.py"
FREE = {"fee_taker": Decimal(0), "fee_maker": Decimal(0)}
POLICIES = {"pessimistic": "pessimistic", "central": "path", "optimistic": "optimistic"}
LINEAR = instrument_of("linear")


@pytest.fixture(scope="module")
def coverage() -> Any:
    """Return the module that measures coverage."""
    spec = importlib.util.spec_from_file_location("range_coverage", BENCH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["range_coverage"] = module
    spec.loader.exec_module(module)
    return module


def plan_of(strategy: type[Strategy], klines: Klines, *, params: dict[str, object] | None = None, **rules: Any) -> Plan:
    settings = AccountSettings(**({"cash": Decimal(1_000_000), **FREE} | rules))
    material = prepare(klines, LINEAR, Interval("1m"), settings, Extras(), verify=False)
    _, core = strategy.resolve_params(params or {}, LINEAR)
    features = compute_features(strategy, material.bars, core)
    leg = Leg(0, settings.terms(LINEAR, material.bars))
    return Plan((material.feed,), (Mandate(strategy, core, features, (leg,), money(settings.cash)),))


def range_of(strategy: type[Strategy], klines: Klines, **arguments: Any) -> dict[str, Any]:
    plan = plan_of(strategy, klines, **arguments)
    section = range_section(plan, run_plan(plan, "python"), "python")
    json.dumps(section, allow_nan=False)
    return section


def bars(*rows: tuple[float, float, float, float]) -> Klines:
    stamps = START + np.arange(len(rows)) * 60_000
    return Klines.of(stamps, *np.array(rows, dtype=float).T, np.full(len(rows), 1e6))


FLAT = (100.0, 100.0, 100.0, 100.0)
BOTH = (100.0, 103.0, 97.5, 100.0)  # reaches 98 and 102, the upper of which is farther


class Count(NamedTuple):
    bars: int = 0


class Once(Strategy):
    """One bracket on the first bar, two dollars away on either side."""

    lots = Int(1_000, 1, 10**9)
    trail = Int(0, 0, 1)
    limit = Int(0, 0, 10**9)
    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars == 0:
            entry = desk.buy_limit(p.lots, p.limit) if p.limit > 0 else desk.buy(p.lots)
            if p.trail > 0:
                desk.attach_trailing(entry, 200)
            else:
                desk.attach_stop(entry, 9_800)
            desk.attach_target(entry, 10_200)
        return Count(state.bars + 1)


def test_a_worked_range() -> None:
    section = range_of(Once, bars(FLAT, FLAT, BOTH, FLAT))
    nets = [section[name]["net_profit"] for name in POLICIES]
    assert nets == [-0.02, -0.02, 0.02]
    assert section["pessimistic"]["final_equity"] == 999_999.98
    assert section["pessimistic"]["max_drawdown"] == pytest.approx(2e-8)
    assert [section[name]["trades"] for name in POLICIES] == [1, 1, 1]
    assert [section[name]["ambiguous_fills"] for name in POLICIES] == [1, 1, 1]
    assert (section["ambiguous_share"], section["width_share"]) == (1.0, pytest.approx(2.0))
    assert (section["label"], section["why"]) == ("bound", "")


def test_where_no_bar_is_ambiguous_the_range_has_no_width() -> None:
    section = range_of(SmaCross, random_klines(5, 3_000), params={"fast": 10, "slow": 40})
    assert section["pessimistic"] == section["central"] == section["optimistic"]
    assert section["central"]["trades"] > 20
    assert (section["ambiguous_share"], section["width_share"], section["label"]) == (0.0, 0.0, "bound")


def test_a_run_without_trades_has_a_range_of_nothing() -> None:
    section = range_of(SmaCross, random_klines(5, 20))
    assert section["optimistic"]["net_profit"] == 0.0
    assert (section["ambiguous_share"], section["width_share"], section["label"]) == (None, 0.0, "bound")


BUSY: dict[str, Any] = {"params": {"every": 5, "distance": 4_000, "lots": 100_000}}
COSTLY: dict[str, Any] = {"cash": Decimal(1_000), "fee_taker": Decimal("0.0005"), "leverage": 45}


def test_each_scenario_is_the_backtest_under_its_policy() -> None:
    for seed in range(4):
        klines = bars_of(tick_path(seed, 400), 60)
        first, second, third = (
            range_of(EveryHour, klines, policy=each, **BUSY, **COSTLY) for each in POLICIES.values()
        )
        assert first == second == third
        for name, policy in POLICIES.items():
            account = AccountSettings(**{**FREE, **COSTLY, "policy": policy})
            result = backtest(EveryHour, klines, LINEAR, settings=account, runner="python", **BUSY)
            assert result.fill_rows["ambiguous"].sum() == first[name]["ambiguous_fills"]
            for figure in ("net_profit", "final_equity", "max_drawdown", "trades", "liquidations"):
                assert first[name][figure] == pytest.approx(result.stats[figure], abs=1e-9), figure


def test_the_share_is_that_of_trades_with_an_ambiguous_fill() -> None:
    klines = bars_of(tick_path(7, 400), 60)
    account = AccountSettings(**{**FREE, **COSTLY, "policy": "path"})
    result = backtest(EveryHour, klines, LINEAR, settings=account, runner="python", trust=True, **BUSY)
    decided = set(result.fill_rows["bar"][result.fill_rows["ambiguous"] != 0].tolist())
    moved = np.abs(result.trade_rows["net"])
    resting = moved[[bar in decided for bar in result.trade_rows["exit_bar"].tolist()]]
    assert 0 < len(resting) < len(moved)
    assert result.trust is not None
    assert result.trust["range"]["ambiguous_share"] == pytest.approx(resting.sum() / moved.sum())


class Twice(Strategy):
    """Doubles after a loss."""

    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars in {0, 5}:
            entry = desk.buy(2_000 if desk.cash < 1_000_000.0 else 1_000)
            desk.attach_stop(entry, 9_800)
            desk.attach_target(entry, 10_200)
        return Count(state.bars + 1)


class ByHand(Strategy):
    """Stop and target as two orders that only reduce; nothing ends the one when the other fills."""

    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars == 0:
            desk.buy(1_000)
        elif state.bars == 1:
            desk.submit(2, -1, 1_000, 0, 9_800, int(Flag.REDUCE_ONLY), 0, 0)
            desk.submit(1, -1, 1_000, 10_200, 0, int(Flag.REDUCE_ONLY), 0, 0)
        return Count(state.bars + 1)


class ThreeExits(Strategy):
    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars == 0:
            entry = desk.buy(1_000)
            desk.attach_stop(entry, 9_800)
            desk.attach_stop(entry, 9_790)
            desk.attach_target(entry, 10_200)
        return Count(state.bars + 1)


class SoldAnyway(Strategy):
    """Sells at the market while the bracket is still there."""

    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars == 0:
            entry = desk.buy(1_000)
            desk.attach_stop(entry, 9_800)
            desk.attach_target(entry, 10_200)
        elif state.bars == 1:
            desk.sell(1_000)
        return Count(state.bars + 1)


class CancelsTheLoser(Strategy):
    """Takes back a resting entry when the bracket is gone at a loss: the same orders, other cancellations."""

    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars == 0:
            entry = desk.buy(1_000)
            desk.attach_stop(entry, 9_800)
            desk.attach_target(entry, 10_200)
            desk.buy_limit(1_000, 9_000)
        elif desk.cash < 1_000_000.0 and desk.position == 0:
            desk.cancel_all()
        return Count(state.bars + 1)


@pytest.mark.parametrize(
    ("strategy", "rows", "arguments", "words"),
    [
        (Once, (FLAT, FLAT, BOTH, FLAT), {"latency_ms": 250}, "Orders are late"),
        (Once, (FLAT, FLAT, BOTH, FLAT), {"volume_share": Decimal("0.5")}, "share of the volume"),
        (Once, (FLAT, FLAT, BOTH, FLAT), {"params": {"trail": 1}}, "Trailing stops"),
        (Once, (FLAT, BOTH, FLAT), {"params": {"limit": 9_900}}, "very bar in which they were entered"),
        (Twice, (FLAT, FLAT, BOTH, FLAT, FLAT, FLAT, FLAT), {}, "different orders"),
        (ByHand, (FLAT, FLAT, FLAT, BOTH, FLAT), {}, "only reduce a position"),
        (ThreeExits, (FLAT, FLAT, BOTH, FLAT), {}, "other exits"),
        (CancelsTheLoser, (FLAT, FLAT, BOTH, FLAT, FLAT), {}, "How long"),
    ],
)
def test_what_makes_it_scenarios(strategy: type[Strategy], rows: Any, arguments: dict[str, Any], words: str) -> None:
    section = range_of(strategy, bars(*rows), **arguments)
    assert section["label"] == "scenarios"
    assert words in section["why"]


def test_a_market_order_comes_before_what_the_bar_leaves_open() -> None:
    section = range_of(SoldAnyway, bars(FLAT, FLAT, BOTH, FLAT))
    assert section["pessimistic"]["net_profit"] == section["optimistic"]["net_profit"]
    assert section["pessimistic"]["trades"] == 1


def test_a_liquidation_makes_it_scenarios() -> None:
    falling = bars(FLAT, FLAT, (100.0, 100.0, 98.5, 98.5), FLAT)
    section = range_of(Once, falling, cash=Decimal(20), leverage=50, params={"lots": 1_000_000})
    assert (section["pessimistic"]["liquidations"], section["label"]) == (1, "scenarios")
    assert section["why"] == "A position was liquidated."


class FailsWhenRich(Strategy):
    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars == 0:
            entry = desk.buy(1_000)
            desk.attach_stop(entry, 9_800)
            desk.attach_target(entry, 10_200)
        elif desk.cash > 1_000_000.0:
            return Count(state.bars // 0)
        return Count(state.bars + 1)


def test_a_strategy_that_fails_in_one_scenario_leaves_the_others() -> None:
    section = range_of(FailsWhenRich, bars(FLAT, FLAT, BOTH, FLAT))
    assert section["optimistic"] is None
    assert section["pessimistic"]["net_profit"] == -0.02
    assert (section["label"], section["why"]) == ("scenarios", "The strategy fails in one of the three runs.")


@pytest.mark.parametrize("seed", range(100))
def test_the_truth_of_the_ticks_lies_inside(seed: int) -> None:
    """An independent truth, for brackets whose decisions do not depend on outcomes."""
    path = tick_path(seed, 400, 60)
    section = range_of(Cycle, bars_of(path, 60))
    truth = round(cycle_truth(path, 60, 20, 4_000) * 1_000 * 0.01 * 0.00001, 8)
    nets = [section[name]["net_profit"] for name in POLICIES]
    assert min(nets) <= truth <= max(nets)


def test_a_bound_is_one_on_every_path(coverage: Any) -> None:
    """The campaign of bench/range_coverage.py on fewer paths: every second of them is known."""
    on_the_clock = coverage.coverage(coverage.OnTheClock, {}, 100, "python")
    assert (on_the_clock.bounds, on_the_clock.inside) == (100, 100)
    rows = [coverage.coverage(strategy, params, 12, "python") for strategy, params in coverage.STRATEGIES[1:]]
    assert all(row.inside_bounds == row.bounds for row in rows)
    assert sum(row.bounds for row in rows) > 10
    assert sum(row.bounds for row in rows) < sum(row.paths for row in rows)
