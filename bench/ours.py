"""Our engine, from arrays in memory to orders, fills and equity per bar, features included."""

from __future__ import annotations

import sys
from decimal import Decimal

import numpy as np

from common import CASH, FAST, FEE, SIZE, SLOW, emit, load, timed
from real_trade.backtest.account import AccountSettings
from real_trade.backtest.engine import Runner, simulate
from real_trade.model import Instrument, Market, money
from real_trade.model.bars import Bars
from real_trade.strategies.catalogue import READY
from real_trade.trading.loading import load_strategy

BTC = Instrument(
    "binance", "BTCUSDT", Market.LINEAR, "BTC", "USDT", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001")
)


def bars_of(data: dict[str, np.ndarray]) -> Bars:
    """Return the bars in ticks."""
    ticks = (np.rint(data[name] * 100).astype(np.int64) for name in ("open", "high", "low", "close"))
    return Bars(data["timestamp"], *ticks, data["volume"], np.zeros(len(data["volume"]), np.bool_))


def measure(name: str, strategy_name: str, bars: Bars, runner: Runner, runs: int, mode: str = "long_flat") -> None:
    """Time one backtest and emit a row."""
    strategy = load_strategy(strategy_name, READY)
    given = {"fast": FAST, "slow": SLOW, "size": SIZE, "mode": mode} if strategy_name == "sma_cross" else {}
    _, params = strategy.resolve_params(given, BTC)
    settings = AccountSettings(Decimal(CASH), Decimal(str(FEE)), Decimal(str(FEE)))
    terms = settings.terms(BTC, bars)
    seconds, result = timed(lambda: simulate(strategy, bars, params, terms, money(settings.cash), runner), runs)
    emit(
        name,
        len(bars.close),
        seconds,
        runner=runner,
        fills=len(result.fills),
        orders=len(result.orders),
        final_equity=int(result.equity[-1]) * 1e-8,
    )


def main() -> None:
    """Measure every runner; with ``scale``, only how time grows with the number of bars."""
    bars = bars_of(load())
    if "scale" in sys.argv:
        tenth = Bars(*(np.ascontiguousarray(column[: len(bars.close) // 10]) for column in bars))
        measure("scale-1", "sma_cross", tenth, "compiled", 30)
        measure("scale-10", "sma_cross", bars, "compiled", 30)
        return
    measure("real_trade compiled", "sma_cross", bars, "compiled", 15)
    measure("real_trade compiled, long_short", "sma_cross", bars, "compiled", 15, "long_short")
    measure("real_trade compiled, stop orders", "breakout", bars, "compiled", 5)
    measure("real_trade compiled, limit orders", "mean_reversion", bars, "compiled", 5)
    measure("real_trade plain Python", "sma_cross", bars, "python", 3)
    few = Bars(*(np.ascontiguousarray(column[:50_000]) for column in bars))
    measure("real_trade reference driver", "sma_cross", few, "reference", 3)


if __name__ == "__main__":
    main()
