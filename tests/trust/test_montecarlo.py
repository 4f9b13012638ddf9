"""Drawn sequences of trades: what each method keeps, what it varies, and that it is quick, small and repeatable."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_trade.backtest.trust.montecarlo import METHODS, monte_carlo

UNITS = 100_000_000
CASH = 10_000 * UNITS
trades = st.lists(st.integers(-500, 500), min_size=2, max_size=60).map(lambda v: np.array(v, np.int64) * UNITS)


def drawn(net: np.ndarray, **options: Any) -> dict[str, Any]:
    section = monte_carlo(net, CASH, **options)
    assert section is not None
    return section


def some_trades(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-50 * UNITS, 52 * UNITS, count)


@given(trades, st.integers(0, 100))
def test_the_sections_hold_together(net: np.ndarray, seed: int) -> None:
    section = drawn(net, runs=40, seed=seed)
    assert json.loads(json.dumps(section, allow_nan=False)) == section
    assert list(section["methods"]) == ["shuffle", "skip", "block_bootstrap"]
    for method in section["methods"].values():
        for spread in (method["final_equity"], method["max_drawdown"]):
            values = [spread[name] for name in ("p5", "p25", "p50", "p75", "p95")]
            assert values == sorted(values)
        assert method["max_drawdown"]["p5"] >= 0
        assert 0 <= method["loss_probability"] <= 1
        band = method["equity_band"]
        assert {len(line) for line in band.values()} == {50}
        assert (band["share"][0], band["share"][-1]) == (0.0, 1.0)
        assert band["p5"][0] == band["p50"][0] == band["p95"][0] == 10_000
        low, middle, high = (np.array(band[name]) for name in ("p5", "p50", "p95"))
        assert (low <= middle).all() and (middle <= high).all()
        assert band["p50"][-1] == method["final_equity"]["p50"]


@given(trades)
def test_shuffling_changes_the_way_and_not_the_end(net: np.ndarray) -> None:
    method = drawn(net, runs=30)["methods"]["shuffle"]
    final = (CASH + int(net.sum())) / UNITS
    assert set(method["final_equity"].values()) == {final}
    assert method["loss_probability"] == float(final < 10_000)


def test_shuffling_finds_the_drawdowns_of_every_order() -> None:
    # Two losses and two gains of 10 %: 0.2 if both losses come together at the start, or else after the gains.
    net = np.array([1, -1, 1, -1], np.int64) * (CASH // 10)
    fall = drawn(net, runs=4000)["methods"]["shuffle"]["max_drawdown"]
    # By order: --++ .2, -+-+ .1, -++- .1, +--+ 2/11, +-+- 1/11, ++-- 2/12; each in a sixth of the runs.
    assert fall["p5"] == pytest.approx(1 / 11)
    assert fall["p25"] == pytest.approx(0.1)
    assert fall["p75"] == pytest.approx(2 / 11)
    assert fall["p95"] == pytest.approx(0.2)


def test_skipping_misses_a_tenth() -> None:
    net = np.full(200, 10 * UNITS, np.int64)
    final = drawn(net)["methods"]["skip"]["final_equity"]
    assert set(final.values()) == {10_000 + 180 * 10}
    # One large gain: a tenth of the runs miss it, and end with a loss.
    net = np.full(200, -1 * UNITS, np.int64)
    net[77] = 1000 * UNITS
    method = drawn(net, runs=4000)["methods"]["skip"]
    assert method["loss_probability"] == pytest.approx(0.1, abs=0.015)
    # A few trades still miss one.
    assert set(drawn(np.full(3, UNITS, np.int64))["methods"]["skip"]["final_equity"].values()) == {10_002}


def test_the_bootstrap_has_the_spread_of_its_trades_and_the_others_less() -> None:
    net = some_trades(900)
    methods = drawn(net, runs=4000)["methods"]
    width = {name: m["final_equity"]["p95"] - m["final_equity"]["p5"] for name, m in methods.items()}
    # 5 to 95 % of a normal sum of n independent amounts.
    expected = 2 * 1.645 * net.std() / UNITS * 30
    assert width["block_bootstrap"] == pytest.approx(expected, rel=0.15)
    assert width["shuffle"] == 0 < width["skip"] < width["block_bootstrap"] / 2


def test_the_bootstrap_keeps_neighbours_together() -> None:
    # Losses in runs of five: drawn one by one they would spread, in blocks of ten they stay.
    runs = np.repeat(np.random.default_rng(4).choice([-1, 1], 200), 5).astype(np.int64) * 20 * UNITS
    alone = np.random.default_rng(5).permutation(runs)
    clustered, scattered = (drawn(net, runs=2000)["methods"]["block_bootstrap"] for net in (runs, alone))
    spreads = [m["final_equity"]["p95"] - m["final_equity"]["p5"] for m in (clustered, scattered)]
    assert spreads[0] > 1.5 * spreads[1]
    draw = METHODS["block_bootstrap"](np.random.default_rng(0), np.arange(1000.0), 3)
    steps = np.diff(draw, axis=1)
    assert (np.delete(steps, np.s_[9::10], axis=1) % 1000 == 1).all(), "a block goes on, over the end to the start"


@pytest.mark.parametrize("name", list(METHODS))
def test_every_method_draws_from_the_trades(name: str) -> None:
    amounts = np.arange(1.0, 101.0)
    table = METHODS[name](np.random.default_rng(7), amounts, 20)
    assert table.shape == (20, 100)
    assert np.isin(table, [0.0, *amounts]).all()
    assert len({row.tobytes() for row in table}) == 20
    if name == "shuffle":
        assert (np.sort(table, axis=1) == amounts).all()
    if name == "skip":
        assert ((table == 0).sum(axis=1) == 10).all()
        assert ((table == amounts) | (table == 0)).all()


def test_the_seed_decides() -> None:
    net = some_trades(300)
    assert drawn(net, seed=3) == drawn(net, seed=3)
    assert drawn(net, seed=3)["methods"] != drawn(net, seed=4)["methods"]
    assert drawn(net)["runs"] == 1000


def test_one_trade_says_nothing() -> None:
    assert monte_carlo(np.array([], np.int64), CASH) is None
    assert monte_carlo(np.array([5], np.int64), CASH) is None


def test_sums_beyond_64_bits_do_not_turn_round() -> None:
    net = np.full(100, 2**58, np.int64)
    method = drawn(net, runs=5)["methods"]["shuffle"]
    assert method["final_equity"]["p5"] == pytest.approx(100 * 2**58 / UNITS)
    assert method["max_drawdown"]["p95"] == method["loss_probability"] == 0


def test_ruin_is_a_fall_of_more_than_all() -> None:
    fall = drawn(np.full(10, -2000 * UNITS, np.int64))["methods"]["shuffle"]["max_drawdown"]
    assert fall["p50"] == pytest.approx(2.0)


def test_twenty_thousand_trades_take_less_than_a_second_and_little_memory() -> None:
    net = some_trades(20_000)
    times = []
    for _ in range(3):
        start = time.process_time()
        drawn(net)
        times.append(time.process_time() - start)
    assert min(times) < 1.0
    tracemalloc.start()
    drawn(net, runs=200)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
