"""Strategies that look at single trades: runners agree, orders meet trades one by one, bars close in between."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pytest
from engine_markets import START, instrument_of, random_klines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_parity import RUNNERS, TIERS, Storm, assert_equal, conserved, funding_of

from real_trade.backtest import AccountSettings, BacktestResult, backtest
from real_trade.backtest.material import Extras
from real_trade.backtest.portfolio import Allocation, backtest_portfolio
from real_trade.kernels.rolling import rolling_mean
from real_trade.model import RejectReason
from real_trade.model.errors import InputError, MarketDataError, StrategyError
from real_trade.model.series import Trades
from real_trade.trading import Desk, Int, Strategy, Trade


class Seen(NamedTuple):
    number: int = 12345
    last: int = 1
    bars: int = 0


class TradeStorm(Strategy):
    """Gives orders of many kinds on trades and on bars, pseudo-randomly; looks at the mean of the closed bars."""

    seed = Int(1, 0, 2**31)
    lots = Int(1_000, 0, 10**9)
    State = Seen

    @staticmethod
    def features(bars: Any, p: Any) -> dict[str, Any]:
        return {"mean": rolling_mean(bars.close, 3)}

    @staticmethod
    def on_trade(trade: Any, x: Any, state: Any, p: Any, desk: Any) -> Any:
        number = (state.number * 1103515245 + 12345 + p.seed) % 2147483648
        dice = number // 65536 % 40
        near = number % 29 - 5
        last = state.last
        if dice == 0 and trade.size < 50.0:
            last = desk.buy(p.lots)
            desk.attach_stop(last, trade.price - 200)
            desk.attach_target(last, trade.price + 200)
        elif dice == 1:
            last = desk.sell(p.lots) if trade.side > 0 else desk.sell_limit(p.lots, trade.price + near, 4)
        elif dice == 2:
            last = desk.buy_limit(p.lots, trade.price - near, 0, trade.time_ms + 20_000)
        elif dice == 3:
            last = desk.sell_stop(p.lots, trade.price - abs(near) - 1)
        elif dice == 4 and desk.open_orders > 3:
            desk.cancel_all()
        elif dice == 5 and x.mean > 0.0:
            desk.target(p.lots if trade.price < x.mean else 0)
        elif dice == 6:
            desk.amend(last, 0, trade.price - near, trade.price + near)
        elif dice == 7:
            desk.buy_trailing(p.lots, abs(near) * 4 + 1)
        return Seen(number, last, state.bars)

    @staticmethod
    def on_bar(bar: Any, x: Any, state: Any, p: Any, desk: Any) -> Any:
        if state.bars % 5 == 4:
            desk.target(0)
        return Seen(state.number, state.last, state.bars + 1)


def random_trades(seed: int, count: int, *, tick: float = 0.01, price: float = 300.0, scale: float = 2e-4) -> Trades:
    """Return trades on the grid, some of the same millisecond, with pauses of minutes."""
    rng = np.random.default_rng(seed)
    steps = rng.exponential(4_000, count) * rng.choice([0.0, 1.0, 1.0, 30.0], count, p=[0.2, 0.4, 0.39, 0.01])
    stamps = START + np.cumsum(steps).astype(np.int64)
    walk = price * np.exp(np.cumsum(rng.normal(0, scale, count)))
    prices = np.maximum(1, np.rint(walk / tick)) * tick
    return Trades.of(stamps, prices, rng.lognormal(0, 1, count).round(3), rng.choice([-1, 1], count))


def run_all(trades: Trades, **arguments: Any) -> list[BacktestResult]:
    results = [backtest(TradeStorm, trades, runner=runner, **arguments) for runner in RUNNERS]
    assert_equal(results)
    return results


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**31),
    count=st.integers(1, 400),
    market=st.sampled_from(["spot", "linear", "linear", "inverse"]),
    lots=st.integers(0, 50_000),
    leverage=st.sampled_from([1, 10, 25]),
    margin=st.sampled_from(["cross", "isolated"]),
    latency=st.sampled_from([0, 0, 80, 30_000]),
    share=st.sampled_from([0, 0, 1, 500]),
    backing=st.sampled_from([0.5, 2.0, 100.0]),
)
def test_runners_agree(
    seed: int,
    count: int,
    market: str,
    lots: int,
    leverage: int,
    margin: str,
    latency: int,
    share: int,
    backing: float,
) -> None:
    tick, step = ("0.5", "1") if market == "inverse" else ("0.01", "0.00001")
    trades = random_trades(seed, count, tick=float(tick), scale=3e-3 if seed % 2 else 2e-4)
    value = lots / 300 if market == "inverse" else lots * 0.003
    account = AccountSettings(
        Decimal(f"{value / 25 * backing:.4f}") + 1,
        Decimal("0.00055"),
        Decimal("0.0002"),
        leverage if market != "spot" else 1,
        volume_share=Decimal(share) / 1000,
        margin=margin,
        latency_ms=latency,
    )
    extras = Extras(funding_of(random_klines(1, 300), seed), tiers=TIERS.get(market))
    results = run_all(
        trades,
        instrument=instrument_of(market, tick, step),
        params={"seed": seed, "lots": lots},
        settings=account,
        extras=extras,
    )
    conserved(results[0])


def test_the_storm_fills_and_pays() -> None:
    fills = payments = 0
    for seed in range(6):
        trades = random_trades(seed, 4_000, scale=2e-3)
        extras = Extras(funding_of(random_klines(1, 900), 3), tiers=TIERS["linear"])
        account = AccountSettings(Decimal(9), Decimal(0), Decimal(0), leverage=25)
        results = run_all(
            trades, instrument=instrument_of("linear"), params={"lots": 40_000}, settings=account, extras=extras
        )
        conserved(results[0])
        fills += len(results[0].fill_rows)
        payments += len(results[0].payment_rows)
        # Between two bars there is more than one decision.
        assert len(np.unique(results[0].order_rows["time_ms"])) > len(np.unique(results[0].order_rows["bar"]))
    assert fills > 200
    assert payments > 20


class Once(NamedTuple):
    trades: int = 0


class Watcher(Strategy):
    """Bids at a price on the third trade that it sees; has no on_bar."""

    price = Int(29_990, 1, 10**9)
    State = Once

    @staticmethod
    def on_trade(trade: Trade, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.trades == 2:
            desk.buy_limit(100, p.price)
        return Once(state.trades + 1)


def tape(*rows: tuple[int, int, float]) -> Trades:
    """Return trades of (seconds, ticks, size)."""
    seconds, ticks, sizes = zip(*rows, strict=True)
    return Trades.of(START + np.array(seconds) * 1_000, np.array(ticks) / 100, sizes, np.ones(len(rows)))


def test_orders_meet_the_trades_that_follow() -> None:
    # The first minute is only looked at as a bar; the order is given at 63 s, and touched at 66 s.
    rows = (
        (5, 30_000, 1.0),
        (61, 30_001, 1.0),
        (62, 30_002, 1.0),
        (63, 29_980, 1.0),
        (64, 29_995, 1.0),
        (66, 29_990, 1.0),
        (130, 30_000, 1.0),
    )
    result = backtest(Watcher, tape(*rows), instrument_of("linear"))
    assert [int(t) - START for t in result.order_rows["time_ms"]] == [63_000]
    assert [(int(f["time_ms"]) - START, int(f["price_ticks"]), int(f["maker"])) for f in result.fill_rows] == [
        (66_000, 29_990, 1)
    ]
    assert result.data.bars == len(result.equity_units) == 3


def test_an_order_takes_no_more_than_its_share_of_each_trade() -> None:
    rows = [(5, 30_000, 1.0), *((60 + n, 29_980, 0.001) for n in range(1, 30))]
    account = AccountSettings(volume_share=Decimal("0.5"))
    result = backtest(Watcher, tape(*rows), instrument_of("linear"), settings=account)
    assert result.fill_rows["lots"].tolist() == [50, 50]


def test_a_trade_at_the_liquidation_price_liquidates() -> None:
    # Ten times the equity is bought at 300.00; one per cent of maintenance leaves 9.09 % to fall.
    fall = [(60 + n, 30_000 - 100 * n, 1.0) for n in range(1, 40)]
    account = AccountSettings(Decimal(3_001), Decimal(0), Decimal(0), leverage=10)
    results = [
        backtest(
            Buyer, tape((5, 30_000, 1.0), *fall), instrument_of("linear"), settings=account, runner=runner,
            extras=Extras(tiers=TIERS["linear"]),
        )
        for runner in RUNNERS
    ]  # fmt: skip
    assert_equal(results)
    assert results[0].order_rows["reason"].tolist() == [0, int(RejectReason.LIQUIDATION)]
    entry, leaving = results[0].fill_rows["price_ticks"].tolist()
    assert entry == 29_800
    assert 27_000 <= leaving <= 27_200
    assert results[0].ledger.cash >= 0


class Buyer(Strategy):
    """Buys on the first trade that it sees."""

    lots = Int(10_000_000, 1, 10**9)
    State = Once

    @staticmethod
    def on_trade(trade: Trade, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.trades == 0:
            desk.buy(p.lots)
        return Once(state.trades + 1)


def test_latency_is_counted_from_trade_to_trade() -> None:
    rows = (
        (5, 30_000, 1.0),
        (61, 30_001, 1.0),
        (62, 30_002, 1.0),
        (63, 29_995, 1.0),
        (64, 29_980, 1.0),
        (66, 29_990, 1.0),
    )
    account = AccountSettings(latency_ms=1_500)
    result = backtest(Watcher, tape(*rows), instrument_of("linear"), settings=account)
    assert [int(f["time_ms"]) - START for f in result.fill_rows] == [66_000]


def test_a_strategy_on_bars_runs_over_bars_made_of_trades() -> None:
    trades = random_trades(3, 5_000)
    result = backtest(Storm, trades, instrument_of("linear"))
    assert len(result.fill_rows) > 10


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: backtest(Watcher, random_klines(1, 50), instrument_of("linear")), "single trades"),
        (
            lambda: backtest_portfolio(
                [Allocation(Watcher, ("A",)), Allocation(Storm, ("A",))],
                {"A": (random_klines(1, 50), instrument_of("linear"))},
            ),
            "cannot share an account",
        ),
    ],
)
def test_trades_are_needed_and_not_shared(build: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build()


def test_trades_off_the_grid_or_out_of_order_are_refused() -> None:
    good = random_trades(1, 50)
    with pytest.raises(MarketDataError, match="grid"):
        backtest(Watcher, Trades.of(good.timestamp, good.price + 0.004, good.size, good.side), instrument_of("linear"))
    with pytest.raises(MarketDataError, match="order"):
        backtest(Watcher, Trades.of(good.timestamp[::-1], good.price, good.size, good.side), instrument_of("linear"))


def test_a_wrong_on_trade_is_refused_at_once() -> None:
    with pytest.raises(StrategyError, match="on_trade takes"):

        class Wrong(Strategy):
            @staticmethod
            def on_trade(trade: Any) -> Any:
                return trade

    with pytest.raises(StrategyError, match="one symbol"):

        class Several(Strategy):
            symbols = 2

            @staticmethod
            def on_bars(bars: Any, x: Any, state: Any, p: Any, desks: Any) -> Any:
                return state

            @staticmethod
            def on_trade(trade: Any, x: Any, state: Any, p: Any, desk: Any) -> Any:
                return state
