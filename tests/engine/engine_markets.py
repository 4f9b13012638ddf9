"""Instruments and markets for the engine's tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from real_trade.model import Instrument, Klines, Market
from real_trade.strategies.catalogue import READY
from real_trade.trading.loading import load_strategy

MINUTE = 60_000
START = 1_704_067_200_000
# Ready strategies of one symbol, by name.
SINGLES = sorted(name for name in READY if load_strategy(name, READY).symbols == 1)


def instrument_of(market: str = "spot", tick: str = "0.01", step: str = "0.00001", **facts: Any) -> Instrument:
    return Instrument(
        "binance",
        "BTCUSDT",
        Market.parse(market),
        "BTC",
        "USDT",
        "USDT",
        Decimal(tick),
        Decimal(step),
        Decimal(step),
        **facts,
    )


def random_klines(
    seed: int, bars: int, tick: float = 0.01, price: float = 30_000.0, volatility: float = 8e-4
) -> Klines:
    """Return a random walk on the grid, with gaps between bars and now and then a flat or a wild one."""
    rng = np.random.default_rng(seed)
    scale = volatility * rng.choice([0.0, 0.3, 1.0, 4.0], size=bars, p=[0.05, 0.3, 0.55, 0.1])
    close = price * np.exp(np.cumsum(rng.normal(0.0, 1.0, bars) * scale))
    open_ = np.concatenate([[price], close[:-1]]) * np.exp(rng.normal(0.0, 0.3, bars) * scale)
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0.0, 0.5, bars)) * scale)
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0.0, 0.5, bars)) * scale)
    columns = [np.maximum(np.rint(values / tick), 1.0) * tick for values in (open_, high, low, close)]
    stamps = START + np.arange(bars, dtype=np.int64) * MINUTE
    decimals = max(0, round(-np.log10(tick)))
    return Klines.of(stamps, *(np.round(values, decimals) for values in columns), rng.random(bars) * 10)
