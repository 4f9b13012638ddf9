"""The warm-up check: how much history a strategy needs, which never has enough, and whom it leaves alone."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from engine_markets import SINGLES, instrument_of, random_klines

from real_trade.backtest import AccountSettings
from real_trade.backtest.trust import WarmupReport, check_warmup
from real_trade.kernels.indicators import exponential_mean
from real_trade.kernels.rolling import rolling_mean
from real_trade.model.bars import Bars, bars_from_klines
from real_trade.model.instrument import money
from real_trade.strategies.breakout import Breakout
from real_trade.strategies.catalogue import READY
from real_trade.strategies.sma_cross import SmaCross
from real_trade.trading import Bar, Desk, Int, Quantity, Strategy
from real_trade.trading.loading import load_strategy

INSTRUMENT = instrument_of()
ACCOUNT = AccountSettings()
CLEAN = Path(__file__).parent / "zoo_clean.py"
# Clean of look-ahead, and yet more history changes what they decide: they rest on all of it, or on the row's number.
UNSETTLED = {"ExpandingMean", "ExpandingScore", "HighestEver", "NoiseByRow"}
SETTLED = [
    node.name
    for node in ast.parse(CLEAN.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef)
    and any(isinstance(base, ast.Name) and base.id in {"Strategy", "Follower"} for base in node.bases)
    and node.name not in {"Follower", *UNSETTLED}
]


@pytest.fixture(scope="module")
def market() -> Bars:
    return bars_from_klines(random_klines(7, 6000), INSTRUMENT)


def check(strategy: type[Strategy], bars: Bars, **params: object) -> WarmupReport:
    _, core = strategy.resolve_params(params, INSTRUMENT)
    return check_warmup(strategy, bars, core, ACCOUNT.terms(INSTRUMENT, bars), money(ACCOUNT.cash), runner="python")


class Follower(Strategy):
    length = Int(20, 1, 100_000)
    size = Quantity("0.01")

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if x.signal > 0.0 and desk.position <= 0:
            desk.target(p.size)
        elif x.signal < 0.0 and desk.position > 0:
            desk.target(0)
        return state


class Total(Follower):
    """Compares a sum over all history with a level."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        moves = np.sign(np.diff(bars.close, prepend=bars.close[0]))
        return {"signal": np.cumsum(moves * bars.volume) % 50.0 - 25.0}


class WholeScore(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        count = np.arange(1, len(bars.close) + 1)
        mean = np.cumsum(bars.close) / count
        deviation = np.sqrt(np.maximum(np.cumsum(bars.close.astype(float) ** 2) / count - mean**2, 1.0))
        return {"signal": (bars.close - mean) / deviation}


class SlowExponential(Follower):
    """Starts from the first bar, and is so slow that it never forgets it."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        mean = np.empty(len(bars.close))
        value = float(bars.close[0])
        for row, close in enumerate(bars.close.tolist()):
            value += (close - value) * 2.0 / (p.length + 1)
            mean[row] = value
        return {"signal": bars.close - mean}


class TwoMeans(Follower):
    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": bars.close - exponential_mean(bars.close, p.length)}


class Unused(Follower):
    """One feature never settles, and no decision hangs on it."""

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"signal": bars.close - rolling_mean(bars.close, p.length), "row": np.arange(len(bars.close))}


class Delayed(NamedTuple):
    left: int = 0


class Staggered(Strategy):
    """Holds for thirty bars after a signal: position and state at any bar depend on where it began."""

    size = Quantity("0.01")
    State = Delayed

    @staticmethod
    def features(bars: Bars, p: Any) -> Any:
        return {"mean": rolling_mean(bars.close, 12)}

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.left > 0:
            if state.left == 1:
                desk.target(0)
            return Delayed(state.left - 1)
        if bar.close > x.mean * 1.0005:
            desk.target(p.size)
            return Delayed(30)
        return state


@pytest.mark.parametrize("slow", [2, 33, 100, 640])
def test_a_window_needs_its_length(market: Bars, slow: int) -> None:
    assert check(SmaCross, market, fast=1, slow=slow) == WarmupReport(slow - 1, ())


def test_the_longest_window_counts(market: Bars) -> None:
    assert check(Breakout, market, entry=77, exit=30) == WarmupReport(76, ())


def test_no_features_need_nothing(market: Bars) -> None:
    assert check(load_strategy(f"{CLEAN}:EveryFortyBars", {}), market) == WarmupReport(0, ())


@pytest.mark.parametrize("strategy", [Total, WholeScore])
def test_what_rests_on_all_history_is_found(strategy: type[Strategy], market: Bars) -> None:
    report = check(strategy, market)
    assert report.bars_needed is None
    assert [(finding.kind, finding.name) for finding in report.findings] == [
        ("feature", "signal"),
        ("decision", "on_bar"),
    ]
    assert "never settles" in report.findings[0].detail
    assert all(finding.time.startswith("2024-01-0") for finding in report.findings)


def test_an_exponential_mean_settles_in_time(market: Bars) -> None:
    """After k bars the start weighs (1 - 2 / 21) ** k, 1e-9 after 207; its own size is a part of that of the signal."""
    report = check(TwoMeans, market, length=20)
    assert report.ok
    assert report.bars_needed is not None
    assert 100 < report.bars_needed < 260
    longer = check(TwoMeans, market, length=40)
    assert longer.bars_needed is not None and longer.bars_needed > 1.6 * report.bars_needed


def test_an_exponential_mean_that_never_forgets_is_found(market: Bars) -> None:
    report = check(SlowExponential, market, length=50_000)
    assert not report.ok
    assert check(SlowExponential, market, length=20).ok


def test_a_feature_without_influence_accuses_nobody(market: Bars) -> None:
    report = check(Unused, market)
    assert report.ok
    assert report.bars_needed is not None and report.bars_needed <= 19


def test_another_position_or_state_accuses_nobody(market: Bars) -> None:
    assert check(Staggered, market) == WarmupReport(11, ())


def test_too_little_data_to_tell_accuses_nobody(market: Bars) -> None:
    short = Bars._make(column[:300] for column in market)
    assert check(SmaCross, short, slow=250) == WarmupReport(None, ())
    tiny = Bars._make(column[:10] for column in market)
    assert check(SmaCross, tiny) == WarmupReport(None, ())


@pytest.mark.parametrize("name", SETTLED)
def test_a_clean_strategy_is_not_accused(name: str, market: Bars) -> None:
    report = check(load_strategy(f"{CLEAN}:{name}", {}), market)
    assert report.findings == ()
    assert report.bars_needed is not None


@pytest.mark.parametrize("name", sorted(UNSETTLED))
def test_what_never_settles_in_the_zoo_is_found(name: str, market: Bars) -> None:
    assert not check(load_strategy(f"{CLEAN}:{name}", {}), market).ok


@pytest.mark.parametrize("name", SINGLES)
def test_a_ready_strategy_is_not_accused(name: str, market: Bars) -> None:
    report = check(load_strategy(name, READY), market)
    assert report.findings == ()
    assert report.bars_needed is not None


def test_the_report_is_ready_for_json(market: Bars) -> None:
    document = json.loads(json.dumps(check(Total, market).to_dict()))
    assert set(document) == {"ok", "bars_needed", "findings"}
    assert document["ok"] is False
    assert set(document["findings"][0]) == {"bar", "time", "kind", "name", "detail"}
    assert check(SmaCross, market).to_dict() == {"ok": True, "bars_needed": 99, "findings": []}
