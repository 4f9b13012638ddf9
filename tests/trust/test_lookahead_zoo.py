"""Planted leaks are caught, and strategies that know only the past are not accused."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from engine_markets import instrument_of, random_klines

from real_trade.backtest import AccountSettings
from real_trade.backtest.plan import Feed, Leg, on_timeline
from real_trade.backtest.trust.evidence import copy_of
from real_trade.backtest.trust.lookahead import lookahead_of
from real_trade.backtest.trust.subject import Subject
from real_trade.model.bars import bars_from_klines
from real_trade.model.instrument import money
from real_trade.strategies.catalogue import READY
from real_trade.trading.loading import load_strategy

if TYPE_CHECKING:
    from real_trade.backtest.trust import LookaheadReport
    from real_trade.trading import Strategy

HERE = Path(__file__).parent
ACCOUNT = AccountSettings(leverage=3)
# The market by the number of symbols: one is traded spot, two on margin.
MARKETS = {1: "spot", 2: "linear"}


def names_in(file: str) -> list[str]:
    """Return the strategies that a file of the zoo defines, without their common base."""
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    bases = {"Follower", "Spreader"}
    return [
        node.name
        for node in classes
        if node.name not in bases
        and any(isinstance(base, ast.Name) and base.id in {"Strategy", *bases} for base in node.bases)
    ]


LEAKS = [f"{f}:{name}" for f in ("zoo_leaks.py", "zoo_keepers.py", "zoo_pair_leaks.py") for name in names_in(f)]
CLEAN = [f"{f}:{name}" for f in ("zoo_clean.py", "zoo_pair_clean.py") for name in names_in(f)]


@pytest.fixture(scope="module")
def feeds() -> tuple[Feed, ...]:
    """Four days of minutes of two symbols, each with three gaps, on one timeline."""
    instrument, kept = instrument_of(), []
    for seed, gaps in ((7, ((1300, 45), (2900, 3), (4710, 130))), (8, ((700, 1), (2890, 40), (5110, 60)))):
        klines = random_klines(seed, 6000, price=30_000.0 if seed == 7 else 2_000.0)
        is_there = np.ones(6000, dtype=bool)
        for first, missing in gaps:
            is_there[first : first + missing] = False
        kept.append(bars_from_klines(klines.take(is_there), instrument))
    timeline = np.unique(np.concatenate([bars.time_ms for bars in kept]))
    return (Feed(kept[0]), *(Feed(*on_timeline(bars, timeline)) for bars in kept))


def subject_of(strategy: type[Strategy], feeds: tuple[Feed, ...]) -> Subject:
    """Return a strategy over the market that has as many symbols as it trades."""
    number = strategy.symbols
    own = feeds[:1] if number == 1 else feeds[1 : number + 1]
    instrument = instrument_of(MARKETS[number])
    _, params = strategy.resolve_params({}, *[instrument] * number)
    legs = tuple(Leg(k, ACCOUNT.terms(instrument, feed.bars)) for k, feed in enumerate(own))
    return Subject(strategy, params, own, legs, money(ACCOUNT.cash), 60_000, "python")


def check(strategy: type[Strategy], feeds: tuple[Feed, ...]) -> LookaheadReport:
    subject = subject_of(strategy, feeds)
    copies = zip(subject.feeds, copy_of(subject.bars), strict=True)
    subject = replace(subject, feeds=tuple(replace(feed, bars=bars) for feed, bars in copies))
    full = subject.run()  # in which some strategies write into their bars
    given = copy_of(subject.bars)
    report = lookahead_of(subject, full)
    assert all(
        np.array_equal(column, was)
        for bars, before in zip(subject.bars, given, strict=True)
        for column, was in zip(bars, before, strict=True)
    ), "bars are left as they were"
    return report


def test_the_zoo_is_large_enough() -> None:
    assert len(LEAKS) >= 50
    assert len(CLEAN) >= 32


@pytest.mark.parametrize("spec", LEAKS)
def test_a_leak_is_caught(spec: str, feeds: tuple[Feed, ...]) -> None:
    report = check(load_strategy(str(HERE / spec), {}), feeds)
    assert not report.ok
    assert all(finding.detail and finding.time for finding in report.findings)


@pytest.mark.parametrize("spec", CLEAN)
def test_a_clean_strategy_is_not_accused(spec: str, feeds: tuple[Feed, ...]) -> None:
    report = check(load_strategy(str(HERE / spec), {}), feeds)
    assert report.findings == ()
    assert report.bars_checked >= 40


@pytest.mark.parametrize("name", sorted(READY))
def test_a_ready_strategy_is_not_accused(name: str, feeds: tuple[Feed, ...]) -> None:
    report = check(load_strategy(name, READY), feeds)
    assert report.findings == ()
    assert report.bars_checked == 50


def orders_of(spec: str, feeds: tuple[Feed, ...]) -> int:
    return sum(len(leg.orders) for leg in subject_of(load_strategy(str(HERE / spec), {}), feeds).run().legs)


def test_clean_strategies_decide_something(feeds: tuple[Feed, ...]) -> None:
    """Otherwise their acquittal would mean little."""
    idle = {spec for spec in CLEAN if not orders_of(spec, feeds)}
    assert idle == {"zoo_clean.py:NothingButMissing", "zoo_clean.py:NeverTrades"}


def test_what_is_decided_in_the_second_symbol_counts(feeds: tuple[Feed, ...]) -> None:
    report = check(load_strategy(f"{HERE / 'zoo_pair_leaks.py'}:SecondOnly", {}), feeds)
    (finding,) = (each for each in report.findings if each.name == "on_bars")
    assert "of symbol 1" in finding.detail


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
        ("WritesTheOther", "change the bars they are given: close of symbol 1"),
    ],
)
def test_a_finding_says_how_the_future_came_in(name: str, words: str, feeds: tuple[Feed, ...]) -> None:
    file = "zoo_pair_leaks.py" if name in names_in("zoo_pair_leaks.py") else "zoo_keepers.py"
    report = check(load_strategy(f"{HERE / file}:{name}", {}), feeds)
    assert any(words in finding.detail for finding in report.findings), report.findings
