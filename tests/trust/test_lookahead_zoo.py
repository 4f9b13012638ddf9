"""Planted leaks are caught, and strategies that know only the past are not accused."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from engine_markets import instrument_of, random_klines

from real_trade.backtest import AccountSettings
from real_trade.backtest.engine import simulate
from real_trade.backtest.trust import LookaheadReport, check_lookahead
from real_trade.model.bars import Bars, bars_from_klines
from real_trade.model.instrument import money
from real_trade.strategies.catalogue import READY
from real_trade.trading.loading import load_strategy

if TYPE_CHECKING:
    from real_trade.trading import Strategy

HERE = Path(__file__).parent
INSTRUMENT = instrument_of()
ACCOUNT = AccountSettings()


def names_in(file: str) -> list[str]:
    """Return the strategies that a file of the zoo defines, without their common base."""
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    is_strategy = {"Strategy", "Follower"}
    return [
        node.name
        for node in classes
        if node.name != "Follower" and any(isinstance(base, ast.Name) and base.id in is_strategy for base in node.bases)
    ]


LEAKS = [f"{file}:{name}" for file in ("zoo_leaks.py", "zoo_keepers.py") for name in names_in(file)]
CLEAN = names_in("zoo_clean.py")


@pytest.fixture(scope="module")
def market() -> Bars:
    """Four days of minutes, with three gaps."""
    klines = random_klines(7, 6000)
    kept = np.ones(6000, dtype=bool)
    for first, missing in ((1300, 45), (2900, 3), (4710, 130)):
        kept[first : first + missing] = False
    return bars_from_klines(klines.take(kept), INSTRUMENT)


def check(strategy: type[Strategy], bars: Bars) -> LookaheadReport:
    own = Bars._make(column.copy() for column in bars)
    _, params = strategy.resolve_params({}, INSTRUMENT)
    terms, cash = ACCOUNT.terms(INSTRUMENT, own), money(ACCOUNT.cash)
    full = simulate(strategy, own, params, terms, cash, "python")
    given = [column.copy() for column in own]
    report = check_lookahead(strategy, own, params, terms, cash, full=full, runner="python")
    assert all(np.array_equal(column, was) for column, was in zip(own, given, strict=True)), (
        "bars are left as they were"
    )
    return report


def test_the_zoo_is_large_enough() -> None:
    assert len(LEAKS) >= 40
    assert len(CLEAN) >= 25


@pytest.mark.parametrize("spec", LEAKS)
def test_a_leak_is_caught(spec: str, market: Bars) -> None:
    report = check(load_strategy(str(HERE / spec), {}), market)
    assert not report.ok
    assert all(finding.detail and finding.time for finding in report.findings)


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_strategy_is_not_accused(name: str, market: Bars) -> None:
    report = check(load_strategy(f"{HERE / 'zoo_clean.py'}:{name}", {}), market)
    assert report.findings == ()
    assert report.bars_checked >= 40


@pytest.mark.parametrize("name", sorted(READY))
def test_a_ready_strategy_is_not_accused(name: str, market: Bars) -> None:
    report = check(load_strategy(name, READY), market)
    assert report.findings == ()
    assert report.bars_checked == 50


def orders_of(strategy: Any, bars: Bars) -> int:
    _, params = strategy.resolve_params({}, INSTRUMENT)
    run = simulate(strategy, bars, params, ACCOUNT.terms(INSTRUMENT, bars), money(ACCOUNT.cash), "python")
    return len(run.orders)


def test_clean_strategies_decide_something(market: Bars) -> None:
    """Otherwise their acquittal would mean little."""
    idle = {name for name in CLEAN if not orders_of(load_strategy(f"{HERE / 'zoo_clean.py'}:{name}", {}), market)}
    assert idle == {"NothingButMissing", "NeverTrades"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("WritesBars", "change the bars they are given: close"),
        ("WritesBarsOnce", "change the bars"),
        ("Unseeded", "for the same bars"),
        ("Kept", "KEPT kept of other bars"),
        ("Bound", "BOUND kept of other bars"),
        ("FilledArray", "on_bar reads NEXT, which features writes"),
        ("FailsOnOtherData", "They fail when the bars after it are cut off"),
    ],
)
def test_a_finding_says_how_the_future_came_in(name: str, words: str, market: Bars) -> None:
    report = check(load_strategy(f"{HERE / 'zoo_keepers.py'}:{name}", {}), market)
    assert any(words in finding.detail for finding in report.findings), report.findings
