"""The wider engine: brackets with funding and partial fills, several strategies in one account, single trades."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from common import emit, load, timed
from ours import BTC, bars_of
from real_trade.backtest.account import AccountSettings
from real_trade.backtest.engine import compute_features, run_plan, simulate
from real_trade.backtest.plan import Feed, Leg, Mandate, Plan
from real_trade.kernels.funding import settlements
from real_trade.model import money
from real_trade.model.bars import Bars
from real_trade.model.tape import Tape, Trade
from real_trade.strategies.catalogue import READY
from real_trade.trading import Bar, Desk, Int, Strategy
from real_trade.trading.loading import load_strategy

EIGHT_HOURS = 28_800_000
# A basis point every eight hours; a tenth of the volume of a bar.
ACCOUNT = AccountSettings(
    Decimal(1_000_000), Decimal("0.00055"), Decimal("0.0002"), leverage=10, volume_share=Decimal("0.1")
)


class Count(NamedTuple):
    """Bars seen."""

    bars: int = 0


class Brackets(Strategy):
    """Enters every half hour when flat, with a stop and a target; large enough to be filled in parts."""

    lots = Int(200_000, 1, 10**9)
    every = Int(30, 1, 10_000)
    distance = Int(15_000, 1, 10**9)
    State = Count

    @staticmethod
    def on_bar(bar: Bar, x: Any, state: Any, p: Any, desk: Desk) -> Any:  # noqa: ARG004 - the interface
        """Keep one bracket working."""
        if state.bars % p.every == 0 and desk.position == 0 and desk.open_orders == 0:
            entry = desk.buy(p.lots)
            desk.attach_stop(entry, bar.close - p.distance)
            desk.attach_target(entry, bar.close + p.distance)
        return Count(state.bars + 1)


class Quick(NamedTuple):
    """An exponential mean of trade prices."""

    mean: float = 0.0


class TickBrackets(Strategy):
    """Buys a jump above a quick mean of the trades, with a stop and a target."""

    lots = Int(1_000, 1, 10**9)
    State = Quick

    @staticmethod
    def features(bars: Bars, p: Any) -> dict[str, Any]:  # noqa: ARG004 - the interface
        """Return the close of the last bar."""
        return {"close": bars.close}

    @staticmethod
    def on_trade(trade: Trade, x: Any, state: Any, p: Any, desk: Desk) -> Any:
        """Decide on one trade."""
        mean = state.mean + 0.001 * (trade.price - state.mean) if state.mean > 0.0 else float(trade.price)
        if desk.position == 0 and desk.open_orders == 0 and trade.price > mean * 1.0015 and trade.price > x.close:
            entry = desk.buy(p.lots)
            desk.attach_stop(entry, int(trade.price * 0.998))
            desk.attach_target(entry, int(trade.price * 1.002))
        return Quick(mean)


def feed_of(bars: Bars) -> Feed:
    """Return bars with funding."""
    first = -(-int(bars.time_ms[0]) // EIGHT_HOURS) * EIGHT_HOURS
    stamps = np.arange(first, int(bars.time_ms[-1]), EIGHT_HOURS)
    return Feed(bars, settlements=settlements(bars.time_ms, bars.open, stamps, np.full(len(stamps), 100_000)))


def brackets(bars: Bars) -> None:
    """Measure one strategy that always has orders working."""
    feed, terms = feed_of(bars), ACCOUNT.terms(BTC, bars)
    _, params = Brackets.resolve_params({}, BTC)
    cash = money(ACCOUNT.cash)
    seconds, done = timed(lambda: simulate(Brackets, bars, params, terms, cash, feed=feed), 7)
    partial = len(done.fills) - len(np.unique(done.fills["order_id"]))
    emit(
        "brackets, funding, partial fills", len(bars.close), seconds,
        orders=len(done.orders), fills=len(done.fills), partial=partial, payments=len(done.payments),
    )  # fmt: skip


def four_in_one_account(bars: Bars) -> None:
    """Measure four strategies in four instruments of one cross account; an event is a bar of one instrument."""
    n = len(bars.close) // 4
    # Four markets of the same length: quarters of the one, on the timeline of the first.
    quarters = [Bars(bars.time_ms[:n], *(column[k * n : k * n + n].copy() for column in bars[1:])) for k in range(4)]
    names = (("sma_cross", {"mode": "long_short"}), ("breakout", {}), ("momentum_atr", {}), ("bollinger_reversion", {}))
    mandates = []
    for k, (name, given) in enumerate(names):
        strategy = load_strategy(name, READY)
        _, params = strategy.resolve_params(given, BTC)
        features = compute_features(strategy, quarters[k], params)
        leg = Leg(k, ACCOUNT.terms(BTC, quarters[k]))
        mandates.append(Mandate(strategy, params, features, (leg,), money(ACCOUNT.cash) // 4))
    plan = Plan(tuple(feed_of(quarter) for quarter in quarters), tuple(mandates))
    seconds, done = timed(lambda: run_plan(plan), 5)
    emit("four strategies, four symbols", 4 * n, seconds, fills=sum(len(leg.fills) for leg in done.legs))


def single_trades() -> None:
    """Measure a strategy that looks at each of three million seeded trades."""
    rng = np.random.default_rng(1)
    count = 3_000_000
    time_ms = 1_704_067_200_000 + np.cumsum(rng.exponential(200, count)).astype(np.int64)
    price = np.rint(3_000_000 * np.exp(np.cumsum(rng.normal(0, 1e-4, count)))).astype(np.int64)
    tape = Tape(time_ms, price, rng.lognormal(0, 1, count), rng.choice(np.array([-1, 1]), count))
    minute = time_ms // 60_000
    first = np.flatnonzero(np.diff(minute, prepend=-1))
    last = np.append(first[1:], count) - 1
    size = np.add.reduceat(tape.size, first)
    high, low = np.maximum.reduceat(price, first), np.minimum.reduceat(price, first)
    bars = Bars(minute[first] * 60_000, price[first], high, low, price[last], size, np.zeros(len(first), np.bool_))
    _, params = TickBrackets.resolve_params({}, BTC)
    terms, feed = ACCOUNT.terms(BTC, bars), Feed(bars, tape=tape)
    cash = money(ACCOUNT.cash)
    seconds, done = timed(lambda: simulate(TickBrackets, bars, params, terms, cash, feed=feed), 7)
    emit("single trades (on_trade)", count, seconds, orders=len(done.orders), fills=len(done.fills))


def main() -> None:
    """Measure all three."""
    bars = bars_of(load())
    brackets(bars)
    four_in_one_account(bars)
    single_trades()


if __name__ == "__main__":
    main()
