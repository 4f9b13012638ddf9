"""The parts of the look-ahead check: where it looks, what it puts in the future's place, and what it says."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from engine_markets import instrument_of, random_klines
from hypothesis import given, settings
from hypothesis import strategies as st

from real_trade.backtest import AccountSettings
from real_trade.backtest.engine import Simulation, simulate
from real_trade.backtest.trust import LookaheadReport, check_lookahead
from real_trade.backtest.trust.evidence import difference
from real_trade.backtest.trust.future import replace_future
from real_trade.backtest.trust.sampling import choose_bars
from real_trade.kernels.rolling import rolling_mean
from real_trade.model import Klines
from real_trade.model.bars import Bars, bars_from_klines
from real_trade.model.clock import format_time
from real_trade.model.instrument import money
from real_trade.strategies.sma_cross import SmaCross
from real_trade.trading import Bar, Desk, Quantity, Strategy

if TYPE_CHECKING:
    from pathlib import Path

INSTRUMENT = instrument_of()
ACCOUNT = AccountSettings()
CASH = money(ACCOUNT.cash)


def bars_of(seed: int = 3, bars: int = 2000) -> Bars:
    return bars_from_klines(random_klines(seed, bars), INSTRUMENT)


def check(strategy: type[Strategy], bars: Bars, **arguments: Any) -> LookaheadReport:
    _, params = strategy.resolve_params({}, INSTRUMENT)
    return check_lookahead(
        strategy, bars, params, ACCOUNT.terms(INSTRUMENT, bars), CASH, **{"runner": "python", **arguments}
    )


def run(strategy: type[Strategy], bars: Bars) -> Simulation:
    _, params = strategy.resolve_params({}, INSTRUMENT)
    return simulate(strategy, bars, params, ACCOUNT.terms(INSTRUMENT, bars), CASH, "python")


class Peeks(Strategy):
    """Knows the next close on the fiftieth bar of each hundred."""

    size = Quantity("0.01")

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        after = np.append(bars.close[1:], bars.close[-1:])
        return {"mean": rolling_mean(bars.close, 5), "peek": np.where(np.arange(len(after)) % 100 == 50, after, 0)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if x.peek > bar.close and desk.position == 0:
            desk.target(p.size)
        elif x.peek > 0 and x.peek < bar.close and desk.position > 0:
            desk.target(0)
        return state


def test_a_finding_names_the_bar_the_feature_and_the_values() -> None:
    bars = bars_of()
    report = check(Peeks, bars)
    features = [finding for finding in report.findings if finding.kind == "feature"]
    assert [finding.name for finding in features] == ["peek"]
    finding = features[0]
    assert finding.bar % 100 == 50
    assert finding.time == format_time(int(bars.time_ms[finding.bar]))
    assert str(int(bars.close[finding.bar + 1])) in finding.detail
    decisions = [finding for finding in report.findings if finding.kind == "decision"]
    assert decisions[0].name == "on_bar"
    assert "market" in decisions[0].detail


def test_the_report_is_ready_for_json() -> None:
    document = json.loads(json.dumps(check(Peeks, bars_of()).to_dict()))
    assert set(document) == {"ok", "bars_checked", "findings"}
    assert document["ok"] is False
    assert document["bars_checked"] == 50
    assert set(document["findings"][0]) == {"bar", "time", "kind", "name", "detail"}
    clean = check(SmaCross, bars_of()).to_dict()
    assert clean == {"ok": True, "bars_checked": 50, "findings": []}


def test_the_same_seed_gives_the_same_report() -> None:
    bars = bars_of()
    assert check(Peeks, bars, seed=5) == check(Peeks, bars, seed=5)


def test_a_compiled_run_gives_the_same_report() -> None:
    bars = bars_of(bars=800)
    assert check(SmaCross, bars, runner="compiled") == check(SmaCross, bars)


@pytest.mark.parametrize("bars", [0, 1, 2, 3, 30])
def test_short_runs_are_checked_as_far_as_they_go(bars: int) -> None:
    report = check(SmaCross, Bars._make(column[:bars] for column in bars_of()))
    assert report.ok
    assert report.bars_checked == max(0, bars - 1)


def test_an_order_that_fills_on_the_bar_of_its_decision_is_found() -> None:
    bars = bars_of()
    full = run(SmaCross, bars)
    assert check(SmaCross, bars, full=full).ok
    fills = full.fills.copy()
    fills["bar"][3] -= 1
    fills["time_ms"][3] -= 60_000
    report = check(SmaCross, bars, full=Simulation(full.orders, fills, full.equity))
    found = [finding for finding in report.findings if finding.name == "fill"]
    assert [finding.bar for finding in found] == [int(fills["bar"][3])]
    assert f"Order {fills['order_id'][3]}" in found[0].detail


def test_a_run_that_differs_from_its_shortened_self_is_found() -> None:
    bars = bars_of()
    full = run(SmaCross, bars)
    equity = full.equity.copy()
    equity[0] += 1
    report = check(SmaCross, bars, full=Simulation(full.orders, full.fills, equity))
    assert [finding.name for finding in report.findings] == ["run"]


class KnowsTheLength(Strategy):
    """Replacing the future, as long as it was, does not show this."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"left": len(bars.close) - np.arange(len(bars.close))}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        return state


class KnowsAFall(Strategy):
    """While the market only rises, cutting shows nothing: there is no fall, nor one where nothing follows."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"falls": np.append(bars.low[1:], bars.low[-1:]) < bars.low}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        return state


def test_what_only_cutting_shows() -> None:
    (finding,) = check(KnowsTheLength, bars_of()).findings
    assert "cut off" in finding.detail


def test_what_only_replacing_shows() -> None:
    bars = bars_of()
    close = 1_000_000 + 500 * np.arange(len(bars.close))
    rising = bars._replace(open=close - 500, high=close + 20, low=close - 520, close=close)
    (finding,) = check(KnowsAFall, rising).findings
    assert "other bars" in finding.detail


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), bars=st.integers(2, 200), variant=st.integers(0, 7), data=st.data())
def test_another_future_is_valid_and_different(seed: int, bars: int, variant: int, data: st.DataObject) -> None:
    given_bars = bars_of(seed, bars)
    row = data.draw(st.integers(-1, bars - 2))
    world = Bars._make(column.copy() for column in given_bars)
    replace_future((world,), (given_bars,), row, variant)
    for column, was in zip(world, given_bars, strict=True):
        assert np.array_equal(column[: row + 1], was[: row + 1])
        assert column.dtype == was.dtype
    assert (np.diff(world.time_ms) > 0).all()
    assert (world.low >= 1).all()
    assert (world.low <= np.minimum(world.open, world.close)).all()
    assert (world.high >= np.maximum(world.open, world.close)).all()
    assert world.high.max() <= 2 * given_bars.high.max()
    assert (world.volume[row + 1 :] != given_bars.volume[row + 1 :]).mean() > 0.9
    assert (world.synthetic[row + 1 :] != given_bars.synthetic[row + 1 :]).all()
    assert not np.array_equal(world.close[row + 1 :], given_bars.close[row + 1 :])


def test_bars_are_chosen_where_it_matters() -> None:
    klines = random_klines(3, 6000)
    keep = np.ones(6000, dtype=bool)
    keep[2000:2010] = False
    bars = bars_from_klines(klines.take(keep), INSTRUMENT)
    full = run(SmaCross, bars)
    step = np.where(np.arange(len(bars.close)) < 3333, 0.0, 1.0)
    chosen = choose_bars((bars,), [full.orders], {"step": step}, 50, 1)
    assert len(np.unique(chosen)) == 50
    assert (np.diff(chosen) > 0).all()
    assert chosen[-1] <= len(bars.close) - 2
    assert 1999 in chosen, "before the gap"
    assert {1999, 2000} <= set(chosen.tolist())
    assert 3333 in chosen, "where the feature jumps"
    assert np.isin(chosen, full.orders["bar"]).sum() >= 8
    minutes = bars.time_ms // 60_000 % 60
    assert (minutes[chosen] == 59).sum() >= 5, "before an hour ends"
    days = bars.time_ms // 60_000 % 1440
    assert (days[chosen] == 1439).sum() >= 2, "before a day ends"


def test_dust_is_told_from_leaks() -> None:
    was = np.array([np.nan, 1000.0, 2000.0, 3000.0])
    assert difference(was, was.copy()) is None
    dusty = difference(was, was + 1e-10)
    assert dusty is not None and dusty.is_dust and dusty.row == 1
    small = difference(was, was * (1.0 + 1e-8))
    assert small is not None and not small.is_dust
    missing = difference(was, np.array([np.nan, 1000.0, np.nan, np.nan]))
    assert missing is not None and missing.is_missing and not missing.is_dust and missing.row == 2
    appeared = difference(np.array([np.nan, 1.0]), np.array([0.0, 1.0]))
    assert appeared is not None and not appeared.is_dust and not appeared.is_missing
    whole = difference(np.array([10**15, 1]), np.array([10**15, 2]))
    assert whole is not None and not whole.is_dust and (whole.was, whole.now) == (1, 2)
    endless = difference(np.array([np.inf, 1.0]), np.array([-np.inf, 1.0]))
    assert endless is not None and not endless.is_dust


@pytest.mark.shared
@pytest.mark.skipif(not os.environ.get("TRUST_CAMPAIGN"), reason="campaign: set TRUST_CAMPAIGN=1")
def test_a_long_real_file_takes_seconds(real_data: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(real_data / "klines" / "binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet")
    names = ("timestamp", "open", "high", "low", "close", "volume")
    bars = bars_from_klines(Klines.of(*(table[name].to_numpy() for name in names)), INSTRUMENT)
    assert len(bars.close) > 1_400_000
    _, params = SmaCross.resolve_params({}, INSTRUMENT)
    terms = ACCOUNT.terms(INSTRUMENT, bars)
    full = simulate(SmaCross, bars, params, terms, CASH)
    began = time.perf_counter()
    report = check_lookahead(SmaCross, bars, params, terms, CASH, full=full)
    seconds = time.perf_counter() - began
    assert report.to_dict() == {"ok": True, "bars_checked": 50, "findings": []}
    assert seconds < 4.0
