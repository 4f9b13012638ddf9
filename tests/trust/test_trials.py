"""Trials of a strategy are counted once each, and what they say of a result follows from them."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import json
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from engine_markets import instrument_of, random_klines

from real_trade.backtest import backtest
from real_trade.backtest import run as run_module
from real_trade.backtest.trust.trials import record_trial, trials_section
from real_trade.metrics.deflated import expected_max_sharpe, probabilistic_sharpe
from real_trade.model import HistoricalClock
from real_trade.storage import open_records
from real_trade.storage.sql import SqlStore
from real_trade.strategies.sma_cross import SmaCross

if TYPE_CHECKING:
    from collections.abc import Iterator

    from real_trade.backtest import BacktestResult

BENCH = Path(__file__).parents[2] / "bench" / "overfitting.py"
NOW = 1_704_067_200_000
# 100 hours of minutes: judged by hours.
KLINES = random_klines(9, 6000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_records(tmp_path)
    yield store
    store.close()


def run(fast: int = 10, seed: int | None = None) -> BacktestResult:
    klines = KLINES if seed is None else random_klines(seed, 6000)
    return backtest(SmaCross, klines, instrument_of("linear"), params={"fast": fast, "slow": 60, "size": "0.1"})


def test_a_first_trial_is_judged_by_itself(store: SqlStore) -> None:
    result = run()
    section = record_trial(store, result)
    (trial,) = store.trials("sma_cross", result.data.sha256)
    assert json.loads(json.dumps(section, allow_nan=False)) == section
    assert (section["count"], section["expected_max_sharpe"]) == (1, 0.0)
    assert section["first"] == section["last"]
    assert trial.params == result.params
    assert (trial.code_hash, trial.config_hash) == (result.hashes["code"], result.hashes["config"])
    assert trial.observations == 100
    assert section["sharpe"] == pytest.approx(trial.sharpe * math.sqrt(365 * 24))  # type: ignore[operator]
    hours = result.equity_units[59::60]
    returns = hours / np.concatenate([[result.initial_units], hours[:-1]]) - 1
    assert trial.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))


def test_each_variation_is_a_trial_and_the_same_again_is_none(tmp_path: Path) -> None:
    clock = HistoricalClock(NOW)
    store = SqlStore(f"sqlite:///{tmp_path}/records.sqlite", clock=clock)
    results = [run(fast) for fast in (5, 10, 20)]
    assert [record_trial(store, result)["count"] for result in results] == [1, 2, 3]
    clock.advance_to(NOW + 60_000)
    again = record_trial(store, results[0])
    assert (again["count"], again["first"], again["last"]) == (3, "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z")
    changed = dataclasses.replace(results[0], hashes={**results[0].hashes, "code": "c" * 64})
    section = record_trial(store, changed)
    assert (section["count"], section["last"]) == (4, "2024-01-01T00:01:00Z")
    assert record_trial(store, run(seed=10))["count"] == 1, "other data are another matter"
    assert record_trial(store, dataclasses.replace(results[0], strategy="another"))["count"] == 1
    store.close()


def test_the_figures_follow_from_the_trials(store: SqlStore) -> None:
    results = [run(fast) for fast in (5, 10, 20, 30, 40)]
    first = record_trial(store, results[0])
    for result in results[1:]:
        section = record_trial(store, result)
    trials = store.trials("sma_cross", results[0].data.sha256)
    variance = float(np.var([trial.sharpe for trial in trials], ddof=1))
    expected = expected_max_sharpe(5, variance)
    assert section["expected_max_sharpe"] == pytest.approx(expected * math.sqrt(365 * 24))
    last = trials[-1]
    assert last.sharpe is not None and last.skewness is not None and last.kurtosis is not None
    undepended = probabilistic_sharpe(last.sharpe, expected, last.observations, last.skewness, last.kurtosis)
    assert undepended is not None
    # Dependent returns may only bring it nearer to one half.
    assert abs(section["deflated_sharpe"] - 0.5) <= abs(undepended - 0.5) + 1e-12
    later = trials_section(store, results[0])
    assert later["count"] == 5
    assert later["deflated_sharpe"] < first["deflated_sharpe"]


def test_reading_does_not_count(store: SqlStore) -> None:
    result = run()
    assert trials_section(store, result)["count"] == 0
    assert trials_section(store, result)["first"] is None
    recorded = record_trial(store, result)
    assert trials_section(store, result) == recorded


def test_a_run_without_trades_counts_and_has_no_figures(store: SqlStore) -> None:
    idle = backtest(SmaCross, KLINES, instrument_of("linear"), params={"size": "99999"})
    section = record_trial(store, idle)
    assert section["count"] == 1
    assert [section[name] for name in ("sharpe", "deflated_sharpe", "expected_max_sharpe")] == [None] * 3
    # It is one of the trials of the next, whose luck needs a spread that two ratios do not give yet.
    section = record_trial(store, run())
    assert section["count"] == 2
    assert section["expected_max_sharpe"] == pytest.approx(expected_max_sharpe(2, 1 / 99) * math.sqrt(365 * 24))


def test_counting_is_quick(store: SqlStore) -> None:
    result = run()
    for number in range(100):
        record_trial(store, dataclasses.replace(result, hashes={**result.hashes, "config": f"{number:064x}"}))
    times = []
    for number in range(100, 120):
        another = dataclasses.replace(result, hashes={**result.hashes, "config": f"{number:064x}"})
        start = time.perf_counter()
        record_trial(store, another)
        times.append(time.perf_counter() - start)
    # The best of twenty: what others do on this machine meanwhile is not meant.
    assert min(times) < 0.010


def test_skill_is_told_from_luck_over_the_whole_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The campaign of bench/overfitting.py with few seeds."""
    # The code does not change on the way; reading it for every run would take most of the time.
    monkeypatch.setattr(run_module, "code_hash", functools.cache(run_module.code_hash))
    spec = importlib.util.spec_from_file_location("overfitting", BENCH)
    assert spec is not None and spec.loader is not None
    campaign: Any = importlib.util.module_from_spec(spec)
    sys.modules["overfitting"] = campaign
    spec.loader.exec_module(campaign)
    campaign.TRIALS = 12
    outcomes = campaign.campaign(10, tmp_path)
    assert len(outcomes) == 5
    assert not [str(outcome) for outcome in outcomes if not outcome.holds]
