"""Brackets: equal to Backtrader where no bar is ambiguous, and bounded by the two policies where one is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pytest
from engine_markets import START, instrument_of, random_klines

from real_trade.backtest import AccountSettings, BacktestResult, backtest
from real_trade.model import Klines
from real_trade.trading import Bar, Desk, Int, Strategy

FEE = Decimal("0.001")


class Count(NamedTuple):
    bars: int = 0


class EveryHour(Strategy):
    """Buys, or sells, every so many bars when flat, with a stop and a target at the same distance."""

    every = Int(60, 2, 10_000)
    distance = Int(30_000, 1, 10**9)
    lots = Int(1_000, 1, 10**9)
    side = Int(1, -1, 1)
    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        if state.bars % p.every == 0 and desk.position == 0 and desk.open_orders == 0:
            entry = desk.buy(p.lots) if p.side > 0 else desk.sell(p.lots)
            desk.attach_stop(entry, bar.close - p.side * p.distance)
            desk.attach_target(entry, bar.close + p.side * p.distance)
        return Count(state.bars + 1)


def run_backtrader(klines: Klines, every: int, distance: float, size: float, side: int) -> tuple[list[float], float]:
    import backtrader as bt
    import pandas as pd

    class Bracket(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.nets: list[float] = []
            self.alive = 0

        def notify_order(self, order: Any) -> None:
            if not order.alive():
                self.alive -= 1

        def notify_trade(self, trade: Any) -> None:
            if trade.isclosed:
                self.nets.append(trade.pnlcomm)

        def next(self) -> None:
            if (len(self) - 1) % every == 0 and not self.position.size and self.alive == 0:
                make = self.buy_bracket if side > 0 else self.sell_bracket
                close = self.data.close[0]
                make(
                    size=size,
                    exectype=bt.Order.Market,
                    stopprice=round(close - side * distance, 2),
                    limitprice=round(close + side * distance, 2),
                )
                self.alive = 3

    frame = pd.DataFrame(
        {name: getattr(klines, name) for name in ("open", "high", "low", "close", "volume")},
        index=pd.to_datetime(klines.timestamp, unit="ms").as_unit("ns"),
    )
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(Bracket)
    cerebro.broker.setcash(1_000_000.0)
    cerebro.broker.setcommission(commission=float(FEE))
    strategy = cerebro.run()[0]
    return strategy.nets, cerebro.broker.getvalue()


def run(klines: Klines, policy: str = "pessimistic", **params: int) -> BacktestResult:
    settings = AccountSettings(Decimal(1_000_000), FEE, FEE, policy=policy)
    return backtest(EveryHour, klines, instrument_of("linear"), params=params, settings=settings)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("side", [1, -1])
def test_backtrader_agrees_where_no_bar_is_ambiguous(side: int) -> None:
    klines = random_klines(31, 6_000, volatility=4e-4)
    widest = float((klines.high - klines.low).max())
    distance = round(widest * 1.5 + 1, 2)
    result = run(klines, distance=round(distance * 100), side=side)
    nets, value = run_backtrader(klines, 60, distance, 0.01, side)
    assert not result.fill_rows["ambiguous"].any()
    assert len(nets) == len(result.trade_rows) > 10
    np.testing.assert_allclose(result.trade_rows["net"] * 1e-8, nets, atol=1e-6)
    assert abs(int(result.equity_units[-1]) * 1e-8 - value) < 1e-6


def tick_path(seed: int, minutes: int, ticks: int = 60) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return a random path of prices in ticks, so many a minute."""
    rng = np.random.default_rng(seed)
    scale = rng.choice([1, 4, 12], size=minutes).repeat(ticks)
    return 3_000_000 + np.cumsum(np.rint(rng.normal(0, 60, minutes * ticks) * scale)).astype(np.int64)


def bars_of(path: np.ndarray[Any, np.dtype[np.int64]], ticks: int) -> Klines:
    table = path.reshape(-1, ticks)
    stamps = START + np.arange(len(table)) * 60_000
    columns = (table[:, 0], table.max(axis=1), table.min(axis=1), table[:, -1])
    return Klines.of(stamps, *(column / 100 for column in columns), np.full(len(table), 1e6))


class Cycle(Strategy):
    """One bracket every so many bars; what is left is closed before the next: no decision depends on an outcome."""

    every = Int(20, 2, 1_000)
    distance = Int(4_000, 1, 10**9)
    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        place = state.bars % p.every
        if place == p.every - 1:
            entry = desk.buy(1_000)
            desk.attach_stop(entry, bar.close - p.distance)
            desk.attach_target(entry, bar.close + p.distance)
        elif place == p.every - 2:
            desk.cancel_all()
            desk.target(0)
        return Count(state.bars + 1)


@pytest.mark.parametrize("seed", range(100))
def test_the_truth_of_the_ticks_lies_between_the_policies(seed: int) -> None:
    ticks, every, distance = 60, 20, 4_000
    path = tick_path(seed, 400, ticks)
    klines = bars_of(path, ticks)
    profits = {}
    for policy in ("pessimistic", "optimistic"):
        settings = AccountSettings(Decimal(1_000_000), Decimal(0), Decimal(0), policy=policy)
        result = backtest(
            Cycle, klines, instrument_of("linear"), params={"every": every, "distance": distance}, settings=settings
        )
        profits[policy] = result
    low = int(profits["pessimistic"].trade_rows["gross"].sum())
    high = int(profits["optimistic"].trade_rows["gross"].sum())
    truth = cycle_truth(path, ticks, every, distance) * 10_000
    assert low <= truth <= high
    if not any(result.fill_rows["ambiguous"].any() for result in profits.values()):
        assert low == high == truth


def test_some_of_those_bars_are_ambiguous() -> None:
    settings = AccountSettings(Decimal(1_000_000), Decimal(0), Decimal(0))
    flags = [
        backtest(Cycle, bars_of(tick_path(seed, 400), 60), instrument_of("linear"), settings=settings).fill_rows[
            "ambiguous"
        ]
        for seed in range(20)
    ]
    assert sum(int(column.sum()) for column in flags) > 5


def cycle_truth(path: np.ndarray[Any, np.dtype[np.int64]], ticks: int, every: int, distance: int) -> int:
    """Return the profit, in ticks, of the cycles on the ticks themselves."""
    total = 0
    minutes = len(path) // ticks
    for start in range(every, minutes, every):
        close, entry = int(path[start * ticks - 1]), int(path[start * ticks])
        stop, target = close - distance, close + distance
        # Closed by a market order at the open of the last minute of the cycle, given on the close before.
        last = start + every - 1
        rest = path[start * ticks : min(last, minutes) * ticks]
        beyond = np.flatnonzero((rest <= stop) | (rest >= target))
        if len(beyond):
            at = int(rest[beyond[0]])
            gapped = beyond[0] == 0 or beyond[0] % ticks == 0
            level = stop if at <= stop else target
            total += (at if gapped else level) - entry
        elif last < minutes:
            total += int(path[last * ticks]) - entry
    return total
