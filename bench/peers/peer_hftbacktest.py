"""hftbacktest, waking on each of three million seeded trades to look at it; it also carries a book, which we do not."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    EXCH_EVENT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    event_dtype,
)
from numba import njit

from common import emit, timed

COUNT = 3_000_000


def trades() -> np.ndarray:
    """Return the trades of `wide.single_trades` as hftbacktest wants them."""
    rng = np.random.default_rng(1)
    time_ms = 1_704_067_200_000 + np.cumsum(rng.exponential(200, COUNT)).astype(np.int64)
    price = np.rint(3_000_000 * np.exp(np.cumsum(rng.normal(0, 1e-4, COUNT)))) * 0.01
    data = np.zeros(COUNT, event_dtype)
    size, bought = rng.lognormal(0, 1, COUNT), rng.random(COUNT) < 0.5
    side = np.where(bought, BUY_EVENT, SELL_EVENT).astype(np.uint64)
    data["ev"] = np.uint64(EXCH_EVENT | LOCAL_EVENT | TRADE_EVENT) | side
    data["exch_ts"] = data["local_ts"] = time_ms * 1_000_000
    data["px"], data["qty"] = price, size
    return data


@njit
def look(hbt):  # noqa: ANN001, ANN201 - Numba's own types
    """Wake on every event and keep a quick mean of the trades."""
    seen, mean = 0, 0.0
    while hbt.wait_next_feed(False, 3_600_000_000_000) != 1:
        for trade in hbt.last_trades(0):
            mean += 0.001 * (trade.px - mean)
            seen += 1
        hbt.clear_last_trades(0)
    return seen, mean


def run(data: np.ndarray) -> int:
    """Make a backtest and run through it; its preparation counts, as ours does."""
    asset = (
        BacktestAsset()
        .data(data)
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0002, 0.00055)
        .tick_size(0.01)
        .lot_size(0.00001)
        .last_trades_capacity(1_000)
    )
    hbt = HashMapMarketDepthBacktest([asset])
    seen, _ = look(hbt)
    hbt.close()
    return int(seen)


def main() -> None:
    """Measure it."""
    data = trades()
    seconds, seen = timed(lambda: run(data), 5)
    emit(f"hftbacktest {version('hftbacktest')}, trades", COUNT, seconds, seen=seen)


if __name__ == "__main__":
    main()
