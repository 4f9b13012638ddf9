"""The store and the whole command: what a user waits for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from common import emit, load, timed
from real_trade.model import Interval, Klines, Market, SeriesKey
from real_trade.storage import open_store

KEY = SeriesKey("binance", Market.SPOT, "BTCUSDT", Interval("1m"))


def main() -> None:
    """Measure the store, or with a folder as argument the whole command over it."""
    if len(sys.argv) > 1:
        whole_command(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        # In turn and in processes of their own: what one holds in memory must not count for the other.
        measure_store(Path(folder))
        subprocess.run([sys.executable, __file__, folder], check=True)


def measure_store(folder: Path) -> None:
    """Write, read whole, read a day; warm, in process."""
    data = load()
    klines = Klines.of(*(data[name] for name in ("timestamp", "open", "high", "low", "close", "volume")))
    seconds = []
    for run in range(4):
        store = open_store(folder / str(run))
        start = time.perf_counter()
        store.write_klines(KEY, klines)
        seconds.append(time.perf_counter() - start)
    emit("store write", len(klines), seconds[1:])
    emit("store read", len(klines), timed(lambda: store.read_klines(KEY), 7)[0])
    day = int(data["timestamp"][len(klines) // 2]) // 86_400_000 * 86_400_000
    emit("store day", 1440, timed(lambda: store.read_klines(KEY, day, day + 86_400_000), 15)[0])


def whole_command(folder: Path) -> None:
    """Time ``real-trade backtest`` as a process of its own, report included; the first run is not counted."""
    words = "--venue binance --market spot --symbol BTCUSDT --interval 1m --strategy sma_cross --cash 1000000 --json"
    command = [
        str(Path(sys.executable).with_name("real-trade")),
        "backtest",
        *words.split(),
        *("--data-dir", str(folder / "0"), "--report", str(folder / "report")),
    ]
    for name, flag, runs in (("backtest command", "--no-trust", 6), ("backtest command, trust", "--trust", 4)):
        seconds, peak = [], 0.0
        for _ in range(runs):
            start = time.perf_counter()
            process = subprocess.Popen([*command, flag], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            seconds.append(time.perf_counter() - start)
            peak = max(peak, usage.ru_maxrss / 1024)
            if status:
                sys.exit(f"real-trade backtest {flag} ended with {status}")
        with np.load(os.environ["BENCH_BARS"]) as file:
            count = len(file["timestamp"])
        emit(name, count, seconds[1:], rss_mb=peak)


if __name__ == "__main__":
    main()
