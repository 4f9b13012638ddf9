"""Write the bars of the benchmark as an uncompressed file that every environment can read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

REAL_FILE = "klines/binance_spot_BTCUSDT_1m_2023-01_2025-08.parquet"
NAMES = ("timestamp", "open", "high", "low", "close", "volume")


def main() -> None:
    """Take the real file if there is one, else a seeded random walk of the same length."""
    target = Path(sys.argv[1])
    real = Path(os.environ.get("REAL_DATA", "")) / REAL_FILE
    if real.is_file():
        import pyarrow.parquet as pq

        table = pq.read_table(real)
        np.savez(target, **{name: table[name].to_numpy() for name in NAMES})
        return
    rng = np.random.default_rng(7)
    count = 1_400_000
    close = np.round(60_000 * np.exp(np.cumsum(rng.normal(0, 5e-4, count))), 2)
    open_ = np.concatenate([[60_000.0], close[:-1]])
    high, low = np.maximum(open_, close) + 1, np.minimum(open_, close) - 1
    stamps = 1_672_531_200_000 + np.arange(count) * 60_000
    np.savez(target, **dict(zip(NAMES, (stamps, open_, high, low, close, rng.random(count)), strict=True)))


if __name__ == "__main__":
    main()
