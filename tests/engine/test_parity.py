"""Compiled, plain-Python and reference runs agree to the last bit."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from engine_markets import SINGLES, instrument_of, random_klines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from real_trade.backtest import AccountSettings, BacktestResult, backtest
from real_trade.backtest.material import Extras
from real_trade.kernels.accounting import worth_of
from real_trade.model import Instrument, Klines, OrderStatus, OrderType, RejectReason
from real_trade.model.series import FundingRates, Trades
from real_trade.model.tiers import MarginTiers
from real_trade.strategies.catalogue import READY
from real_trade.trading import Bar, Desk, Int, Strategy
from real_trade.trading.loading import load_strategy

RUNNERS = ("compiled", "python", "reference")


class NoiseState(NamedTuple):
    number: int = 12345
    last_order: int = 0


class Noise(Strategy):
    """Gives every kind of order and cancellation, pseudo-randomly, some of them impossible."""

    seed = Int(1, 0, 2**31)
    lots = Int(1000, 0, 10**9)
    State = NoiseState

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        number = (state.number * 1103515245 + 12345 + p.seed) % 2147483648
        dice = number // 65536 % 16
        distance = number % 97 - 30
        last = state.last_order
        if dice == 0:
            last = desk.buy(p.lots)
        elif dice == 1:
            last = desk.sell(p.lots)
        elif dice == 2:
            last = desk.buy_limit(p.lots, bar.close - distance * 20)
        elif dice == 3:
            last = desk.sell_limit(p.lots, bar.close + distance * 20)
        elif dice == 4:
            last = desk.buy_stop(p.lots, bar.close + distance * 20)
        elif dice == 5:
            last = desk.sell_stop(p.lots, bar.close - distance * 20)
        elif dice == 6:
            desk.cancel(last)
        elif dice == 7 and desk.open_orders > 6:
            desk.cancel_all()
        elif dice == 8:
            desk.target(p.lots * (number % 5 - 2))
        elif dice == 9:
            desk.buy_limit(p.lots // 2, bar.low - distance)
            desk.sell_limit(p.lots // 2, bar.high + distance)
        elif dice == 10 and desk.equity(bar.close) < desk.cash:
            desk.target(0)
        elif dice == 11 and desk.entry_price > bar.close:
            desk.sell_limit(abs(desk.position), int(desk.entry_price))
        return NoiseState(number, last)


class StormState(NamedTuple):
    number: int = 12345
    last_order: int = 1


class Storm(Strategy):
    """Gives every type of order with every condition, exits, amendments and cancellations, pseudo-randomly."""

    seed = Int(1, 0, 2**31)
    lots = Int(1000, 0, 10**9)
    State = StormState

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        number = (state.number * 1103515245 + 12345 + p.seed) % 2147483648
        dice = number // 65536 % 24
        near = number % 53 - 8
        flags = (0, 0, 1, 2, 4, 8, 16, 5, 9, 12)[number // 1000 % 10]
        until = bar.time_ms + 60_000 * (number % 7) if number % 3 == 0 else 0
        side = 1 if number // 7 % 2 == 0 else -1
        last = state.last_order
        away = near * max(1, (bar.high - bar.low) // 30)
        if dice < 2:
            last = desk.buy(p.lots, flags) if side > 0 else desk.sell(p.lots, flags)
        elif dice < 5:
            price = bar.close - side * away
            last = (
                desk.buy_limit(p.lots, price, flags, until)
                if side > 0
                else desk.sell_limit(p.lots, price, flags, until)
            )
        elif dice < 7:
            price = bar.close + side * away
            last = (
                desk.buy_stop(p.lots, price, flags, until) if side > 0 else desk.sell_stop(p.lots, price, flags, until)
            )
        elif dice == 7:
            last = desk.buy_stop_limit(p.lots, bar.close + away, bar.close + near // 2 * 10, flags, until)
        elif dice == 8:
            last = desk.sell_stop_limit(p.lots, bar.close - away, bar.close - near // 2 * 10, flags, until)
        elif dice == 9:
            last = desk.buy_take_profit(p.lots, bar.close - away, flags, until)
        elif dice == 10:
            last = desk.sell_take_profit(p.lots, bar.close + away, flags, until)
        elif dice == 11:
            last = desk.buy_trailing(p.lots, away, flags, until)
        elif dice == 12:
            last = desk.sell_trailing(p.lots, away, flags, until)
        elif dice < 17:
            entry = bar.close - side * (number % 40)
            if dice == 13:
                last = desk.buy(p.lots) if side > 0 else desk.sell(p.lots)
            elif dice == 14:
                last = desk.buy_stop(p.lots, bar.close + away) if side > 0 else desk.sell_stop(p.lots, bar.close - away)
            else:
                last = desk.buy_limit(p.lots, entry) if side > 0 else desk.sell_limit(p.lots, entry)
            reach = max(1, (bar.high - bar.low) // 2)
            if number % 5 == 0:
                desk.attach_trailing(last, reach)
            else:
                desk.attach_stop(last, entry - side * reach)
            desk.attach_target(last, entry + side * reach)
        elif dice == 17:
            desk.amend(last, p.lots + near, bar.close - away, bar.close + away)
        elif dice == 18:
            desk.amend(last, 0, bar.close, 0)
        elif dice == 19:
            desk.cancel(last)
        elif dice == 20 and desk.open_orders > 9:
            desk.cancel_all()
        elif dice == 21:
            desk.target(p.lots * (number % 5 - 2))
        elif dice == 22:
            desk.sell_stop(1, bar.close - abs(away) - 1, 16) if desk.position > 0 else desk.attach_stop(last + 7, 5)
        return StormState(number, last)


def assert_equal(results: list[BacktestResult]) -> None:
    first = results[0]
    for other in results[1:]:
        np.testing.assert_array_equal(first.order_rows, other.order_rows)
        np.testing.assert_array_equal(first.fill_rows, other.fill_rows)
        np.testing.assert_array_equal(first.payment_rows, other.payment_rows)
        np.testing.assert_array_equal(first.equity_units, other.equity_units)
        assert first.ledger == other.ledger
        assert first.hashes == other.hashes


def run_all(strategy: type[Strategy], klines: Klines, instrument: Instrument, **arguments: Any) -> list[BacktestResult]:
    return [backtest(strategy, klines, instrument, runner=runner, **arguments) for runner in RUNNERS]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**31),
    bars=st.integers(1, 400),
    market=st.sampled_from(["spot", "linear"]),
    grid=st.sampled_from([("0.01", "0.00001"), ("0.1", "0.001"), ("0.5", "1"), ("0.01", "0.0000003")]),
    lots=st.integers(0, 50_000),
    fee=st.integers(0, 2_000_000),
    leverage=st.integers(1, 20),
    cash=st.integers(1, 10**7),
    price=st.sampled_from([3.0, 250.0, 30_000.0]),
)
def test_runners_agree_on_any_market(
    seed: int,
    bars: int,
    market: str,
    grid: tuple[str, str],
    lots: int,
    fee: int,
    leverage: int,
    cash: int,
    price: float,
) -> None:
    instrument = instrument_of(market, *grid)
    klines = random_klines(seed, bars, float(grid[0]), price)
    account = AccountSettings(Decimal(cash) / 100, Decimal(fee).scaleb(-9), Decimal(fee // 3).scaleb(-9), leverage)
    results = run_all(Noise, klines, instrument, params={"seed": seed, "lots": lots}, settings=account)
    assert_equal(results)
    conserved(results[0])


# Market, tick, quantity step, and how wild prices are.
KINDS = (
    ("spot", "0.01", "0.00001"),
    ("linear", "0.01", "0.00001"),
    ("linear", "0.1", "0.001"),
    ("linear", "0.01", "0.0000003"),
    ("inverse", "0.5", "1"),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**31),
    bars=st.integers(1, 300),
    kind=st.sampled_from(KINDS),
    wild=st.sampled_from([8e-4, 4e-3, 2e-2]),
    lots=st.integers(0, 50_000),
    # Cash as a multiple of what the lots need at the largest leverage: from far too little to plenty.
    backing=st.sampled_from([0.5, 1.5, 3.0, 100.0]),
    rules=st.tuples(
        st.sampled_from(["touch", "through"]),
        st.sampled_from([0, 0, 1, 50, 1000]),
        st.sampled_from(["pessimistic", "optimistic", "path", "finer"]),
        st.sampled_from(["none", "basis_points:3", "half_spread:5", "volume_share:0.2", "volatility:0.1"]),
    ),
    account=st.tuples(
        st.sampled_from([1, 3, 10, 25]),
        st.sampled_from(["cross", "isolated"]),
        st.sampled_from([0, 0, 50, 7_000, 60_000, 95_000]),
        st.sampled_from(["bybit", "binance"]),
    ),
    known=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_runners_agree_on_every_order_and_account(
    seed: int,
    bars: int,
    kind: tuple[str, str, str],
    wild: float,
    lots: int,
    backing: float,
    rules: tuple[str, int, str, str],
    account: tuple[int, str, int, str],
    known: tuple[bool, bool, bool],
) -> None:
    market, tick, step = kind
    queue, share, policy, slippage = rules
    leverage, margin, latency, venue = account
    klines = random_klines(seed, bars, float(tick), volatility=wild)
    instrument = replace(instrument_of(market, tick, step), venue=venue)
    value = lots / 30_000 if market == "inverse" else lots * float(step) * 30_000
    settings = AccountSettings(
        Decimal(f"{value / 25 * backing:.4f}") + 1,
        Decimal("0.00055"),
        Decimal("0.0002"),
        leverage if market != "spot" else 1,
        queue,
        Decimal(share) / 1000,
        policy,
        slippage,
        margin=margin,
        latency_ms=latency,
    )
    has_mark, has_tiers, has_funding = known
    extras = Extras(
        funding_of(klines, seed) if has_funding else None,
        mark_of(klines, seed) if has_mark else None,
        inside_of(klines, seed) if policy == "finer" else None,
        tiers=TIERS[market] if has_tiers and market != "spot" else None,
    )
    results = run_all(Storm, klines, instrument, params={"seed": seed, "lots": lots}, settings=settings, extras=extras)
    assert_equal(results)
    conserved(results[0])


# Caps in the settlement currency: tens of thousands of dollars, and some bitcoin.
TIERS = {
    market: MarginTiers.of(
        [
            (cap, Decimal("0.01"), Decimal(50)),
            (10 * cap, Decimal("0.02"), Decimal(25)),
            (10**9 * cap, Decimal("0.05"), Decimal(25)),
        ],
        as_of="2026-01-01", source="made up",
    )
    for market, cap in (("linear", Decimal(5_000)), ("inverse", Decimal("0.1")))
}  # fmt: skip


def funding_of(klines: Klines, seed: int) -> FundingRates:
    stamps = klines.timestamp[::7].copy()
    return FundingRates(stamps, np.random.default_rng(seed).normal(0, 0.002, len(stamps)).round(6))


def mark_of(klines: Klines, seed: int) -> Klines:
    """Return mark prices beside the traded ones, a fifth of them missing."""
    rows = np.flatnonzero(np.random.default_rng(seed).random(len(klines)) < 0.8)
    some = klines.take(rows if len(rows) else np.array([0]))
    return Klines.of(some.timestamp, some.open * 1.0001, some.high * 1.0003, some.low * 0.9999, some.close, some.volume)


def inside_of(klines: Klines, seed: int) -> Trades:
    """Return four trades for each bar, the high or the low first; in some bars they contradict it."""
    rng = np.random.default_rng(seed)
    high_first = rng.random(len(klines)) < 0.5
    second, third = (np.where(flip, klines.high, klines.low) for flip in (high_first, ~high_first))
    prices = np.stack([klines.open, second, third, np.where(rng.random(len(klines)) < 0.1, 1.0, klines.close)], 1)
    stamps = np.repeat(klines.timestamp, 4) + np.tile([0, 10_000, 30_000, 50_000], len(klines))
    return Trades.of(stamps, prices.ravel(), np.full(len(stamps), 0.3), np.ones(len(stamps)))


def test_the_accounts_of_that_test_are_liquidated_and_pay_funding() -> None:
    liquidated = paid = 0
    for seed in range(8):
        for market, tick, step, lots in (("linear", "0.01", "0.00001", 20_000), ("inverse", "0.5", "1", 20_000)):
            klines = random_klines(seed, 300, float(tick), volatility=4e-3)
            cash = Decimal(lots) / 30_000 if market == "inverse" else Decimal(lots) * Decimal(step) * 30_000
            settings = AccountSettings(cash / 12, leverage=25, policy=("pessimistic", "path")[seed % 2])
            extras = Extras(funding_of(klines, seed), mark_of(klines, seed), tiers=TIERS[market])
            results = run_all(
                Storm, klines, instrument_of(market, tick, step), params={"seed": seed, "lots": lots},
                settings=settings, extras=extras,
            )  # fmt: skip
            assert_equal(results)
            conserved(results[0])
            liquidated += int((results[0].order_rows["reason"] == RejectReason.LIQUIDATION).sum())
            paid += len(results[0].payment_rows)
    assert liquidated > 2
    assert paid > 50


def test_the_storm_reaches_every_type_status_and_reason() -> None:
    types, reasons, statuses, ambiguous = set(), set(), set(), 0
    for share, queue, cash in (("0", "touch", 1_500), ("0.02", "through", 20_000)):
        for market in ("spot", "linear"):
            account = AccountSettings(Decimal(cash), leverage=3, volume_share=Decimal(share), queue=queue)
            result = backtest(
                Storm, random_klines(4, 12_000), instrument_of(market, min_notional=Decimal(5)),
                params={"lots": 3_000}, settings=account,
            )  # fmt: skip
            filled = result.order_rows[result.order_rows["filled_lots"] > 0]
            types |= {OrderType(number) for number in filled["type"].tolist()}
            statuses |= {OrderStatus(number) for number in result.order_rows["status"].tolist()}
            reasons |= {RejectReason(number) for number in result.order_rows["reason"].tolist()}
            ambiguous += int(result.fill_rows["ambiguous"].sum())
    assert types == set(OrderType)
    assert statuses >= {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED}
    missing = set(RejectReason) - reasons
    assert missing <= {
        RejectReason.QUANTITY_TOO_LARGE,
        RejectReason.QUANTITY_TOO_SMALL,
        RejectReason.NOTIONAL_TOO_SMALL,
        RejectReason.RISK_LIMIT,
        RejectReason.LIQUIDATION,
    }
    assert ambiguous > 10


def conserved(result: BacktestResult) -> None:
    """What is there is what was put in, made and paid, to the last unit; and it follows from the tables alone."""
    ledger = result.ledger
    assert ledger.cash == result.initial_units + ledger.realised - ledger.cost - ledger.fees - ledger.funding
    assert ledger.fees == int(result.fill_rows["fee"].sum())
    assert ledger.funding == int(result.payment_rows["amount"].sum())
    assert ledger.position == int((result.fill_rows["side"] * result.fill_rows["lots"]).sum())
    terms = AccountSettings(
        Decimal(str(result.settings["cash"])),
        Decimal(str(result.settings["fee_taker"])),
        Decimal(str(result.settings["fee_maker"])),
    ).terms(result.instrument, result)  # type: ignore[arg-type]
    cash = result.initial_units - ledger.fees - ledger.funding
    for side, price, lots in result.fill_rows[["side", "price_ticks", "lots"]].tolist():
        cash -= worth_of(side * lots, price, terms)
    assert ledger.cash == cash
    assert int(result.equity_units[-1]) == cash + worth_of(ledger.position, int(result.close[-1]), terms)
    if ledger.position == 0:
        assert ledger.cost == ledger.margin == 0
        assert cash == result.initial_units + int(result.trade_rows["net"].sum())
        assert ledger.realised == int(result.trade_rows["gross"].sum())
    assert int(result.trade_rows["fees"].sum()) <= ledger.fees


def test_noise_reaches_every_state() -> None:
    result = backtest(Noise, random_klines(5, 4000), instrument_of("spot"), params={"lots": 20_000})
    seen = {OrderStatus(status) for status in result.order_rows["status"].tolist()}
    assert {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED} <= seen
    assert {0, 1, 2} <= set(result.order_rows["type"][result.order_rows["status"] == int(OrderStatus.FILLED)].tolist())
    assert set(result.fill_rows["maker"].tolist()) == {0, 1}


@pytest.mark.parametrize("name", SINGLES)
def test_ready_strategies_agree(name: str) -> None:
    strategy = load_strategy(name, READY)
    results = run_all(strategy, random_klines(11, 3000), instrument_of("spot"))
    assert_equal(results)
    assert len(results[0].fill_rows) > 5


@pytest.mark.shared
@pytest.mark.parametrize("name", SINGLES)
def test_ready_strategies_agree_on_a_real_month(name: str, long_klines: Klines) -> None:
    month = long_klines.between(1_714_521_600_000, 1_717_200_000_000)
    results = run_all(load_strategy(name, READY), month, instrument_of("spot"))
    assert len(month) == 44_640
    assert_equal(results)
    assert len(results[0].fill_rows) > 20


def test_without_numba_the_hash_is_the_same() -> None:
    program = (
        "from engine_markets import instrument_of, random_klines\n"
        "from real_trade.backtest import backtest\n"
        "from real_trade.strategies.sma_cross import SmaCross\n"
        "result = backtest(SmaCross, random_klines(3, 2000), instrument_of('linear'), params={'mode': 'long_short'})\n"
        "print(result.hashes['orders'], len(result.fill_rows), int(result.equity_units[-1]))\n"
    )
    here = str(Path(__file__).parent)
    outputs = []
    for disabled in ("0", "1"):
        environment = {
            **os.environ,
            "NUMBA_DISABLE_JIT": disabled,
            "PYTHONPATH": os.pathsep.join([here, *sys.path]),
        }
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        outputs.append(run.stdout)
    assert outputs[0] == outputs[1]
    assert int(outputs[0].split()[1]) > 10
